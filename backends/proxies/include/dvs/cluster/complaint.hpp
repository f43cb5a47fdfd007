// SPDX-License-Identifier: MIT
/// @file
/// What is wrong with a file, in words for people and in fields for programs.
#ifndef DVS_CLUSTER_COMPLAINT_HPP
#define DVS_CLUSTER_COMPLAINT_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dvs::cluster {

/// One thing that is wrong, where it is, and what to do about it. All strings are printable UTF-8: what is not is
/// written as `\xNN`.
struct complaint {
  std::string file;          ///< as it was named to the function that read it
  std::uint32_t line = 0;    ///< from 1; 0: the complaint is about the file as a whole
  std::uint32_t column = 0;  ///< from 1, in characters; 0 when `line` is
  std::string key = {};      ///< the key with its tables, such as `node.disk.port`; empty when it is about none
  std::string value = {};    ///< what stands there, shortened; empty when nothing does, or when it is a secret
  std::string problem = {};  ///< what is wrong with it; reads on from the value
  std::string remedy = {};   ///< what to do instead
  friend bool operator==(const complaint&, const complaint&) = default;
};

/// `FILE:LINE:COLUMN: KEY: VALUE PROBLEM: REMEDY`, as compilers do it; the parts that are empty are left out.
[[nodiscard]] inline std::string text_of(const complaint& what) {
  std::string text = what.file;
  if (what.line != 0) text += ':' + std::to_string(what.line) + ':' + std::to_string(what.column);
  text += ": ";
  if (!what.key.empty()) text += what.key + ": ";
  if (!what.value.empty()) text += what.value + ' ';
  text += what.problem;
  if (!what.remedy.empty()) text += ": " + what.remedy;
  return text;
}

/// One line for each complaint, each with its newline.
[[nodiscard]] inline std::string text_of(const std::vector<complaint>& all) {
  std::string text;
  for (const complaint& each : all) text += text_of(each) + '\n';
  return text;
}

/// A value, or all that is wrong with what it should have come from.
template <class T>
class [[nodiscard]] checked {
 public:
  /// Holds a value.
  checked(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  /// Holds complaints, at least one, in order of line.
  checked(std::vector<complaint> complaints) : held_(std::in_place_index<1>, std::move(complaints)) {}
  /// Holds one complaint.
  checked(complaint only) : held_(std::in_place_index<1>, std::vector<complaint>{std::move(only)}) {}

  /// Whether there is a value, and therefore no complaint.
  [[nodiscard]] bool has_value() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; there must be one.
  [[nodiscard]] T& operator*() noexcept { return *std::get_if<0>(&held_); }
  [[nodiscard]] const T& operator*() const noexcept { return *std::get_if<0>(&held_); }
  [[nodiscard]] T* operator->() noexcept { return std::get_if<0>(&held_); }
  [[nodiscard]] const T* operator->() const noexcept { return std::get_if<0>(&held_); }

  /// What is wrong; empty when there is a value.
  [[nodiscard]] const std::vector<complaint>& complaints() const noexcept {
    static const std::vector<complaint> no_complaint;
    return has_value() ? no_complaint : *std::get_if<1>(&held_);
  }

 private:
  std::variant<T, std::vector<complaint>> held_;
};

}  // namespace dvs::cluster

#endif
