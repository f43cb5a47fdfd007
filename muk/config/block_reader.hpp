// SPDX-License-Identifier: MIT
/// @file
/// Reads the keys of one block as typed values, and complains about everything that it does not know.
#ifndef MUK_CONFIG_BLOCK_READER_HPP
#define MUK_CONFIG_BLOCK_READER_HPP

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <muk/config/syntax.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muk::config {

/// One block, read key by key. Each member asks for one key; `finish` then refuses the keys that nobody asked for.
/// All members throw `config::error`, which says what is allowed.
class block_reader {
 public:
  explicit block_reader(const block& source) : block_(source) {}

  /// A whole number from `least` to `most`; nothing when the key is absent.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, std::int64_t least, std::int64_t most) {
    const entry* const found = find(key);
    if (found == nullptr) return {};
    std::int64_t value = 0;
    const char* const end = found->value.data() + found->value.size();
    const auto read = std::from_chars(found->value.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || value < least || value > most)
      refuse_value(*found, "is not a number from " + std::to_string(least) + " to " + std::to_string(most));
    return value;
  }
  /// YES or NO.
  [[nodiscard]] bool flag(std::string_view key, bool otherwise) {
    return choice<bool>(key, {{"YES", true}, {"NO", false}}).value_or(otherwise);
  }
  /// One of several words; nothing when the key is absent.
  template <class Value>
  [[nodiscard]] std::optional<Value> choice(std::string_view key,
                                            std::initializer_list<std::pair<std::string_view, Value>> values) {
    const entry* const found = find(key);
    if (found == nullptr) return {};
    std::string allowed;
    for (const auto& [word, value] : values) {
      if (found->value == word) return value;
      allowed.append(allowed.empty() ? "" : ", ").append(word);
    }
    refuse_value(*found, "is not one of " + allowed);
  }
  /// Any text that is not empty; nothing when the key is absent.
  [[nodiscard]] std::optional<std::string> text(std::string_view key) {
    const entry* const found = find(key);
    if (found == nullptr) return {};
    if (found->value.empty()) throw error(block_.file, found->line, key, "the value is empty");
    return found->value;
  }
  /// The path of a file, from the folder of the configuration file on; nothing when the key is absent.
  [[nodiscard]] std::optional<std::string> path(std::string_view key) {
    const auto written = text(key);
    if (!written) return {};
    return (std::filesystem::path(block_.file).parent_path() / *written).string();
  }
  /// The value of a key that must be there.
  template <class Value>
  [[nodiscard]] Value required(std::string_view key, std::optional<Value> value) const {
    if (!value) throw error(block_.file, block_.line, key, "the key is missing in this block '" + block_.kind + "'");
    return *std::move(value);
  }
  /// Refuses `key`: `why` is the sentence. The line is that of the key, or of the block when the key is absent.
  [[noreturn]] void refuse(std::string_view key, const std::string& why) const {
    for (const entry& each : block_.entries)
      if (each.key == key) throw error(block_.file, each.line, key, why);
    throw error(block_.file, block_.line, key, why);
  }
  /// Refuses keys that were not asked for.
  void finish() const {
    for (const entry& each : block_.entries) {
      std::string allowed;
      bool known = false;
      for (const auto key : asked_) {
        known = known || key == each.key;
        allowed.append(allowed.empty() ? "" : ", ").append(key);
      }
      if (!known)
        throw error(block_.file, each.line, each.key,
                    "a block '" + block_.kind + "' does not have this key; it has " + allowed);
    }
  }

 private:
  [[nodiscard]] const entry* find(std::string_view key) {
    asked_.push_back(key);
    for (const entry& each : block_.entries)
      if (each.key == key) return &each;
    return nullptr;
  }
  [[noreturn]] void refuse_value(const entry& at, std::string_view what) const {
    throw error(block_.file, at.line, at.key, "'" + at.value + "' " + std::string(what));
  }

  const block& block_;
  std::vector<std::string_view> asked_;
};

}  // namespace muk::config

#endif
