// SPDX-License-Identifier: MIT
/// @file
/// What commands print: tables for people, one JSON document for programs.
#ifndef DVMS_OUTPUT_HPP
#define DVMS_OUTPUT_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dvms {

/// What all commands are told.
struct setting {
  std::string socket;
  bool is_socket_given = false;  ///< on the command line
  bool json = false;
};

/// Whether standard output goes to a terminal.
[[nodiscard]] bool is_terminal();
/// The text emphasised on a terminal; unchanged elsewhere.
[[nodiscard]] std::string bold(const std::string& text);
[[nodiscard]] std::string red(const std::string& text);
/// A name that somebody else has chosen, without what would control a terminal.
[[nodiscard]] std::string printable(const std::string& name);

/// Writes one document to standard output.
void print(const nlohmann::json& document);

/// A table whose columns are as wide as what is in them.
class table {
 public:
  enum class align { left, right };
  struct column {
    std::string head;
    align where = align::left;
  };
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// The head and at most `rows_max` rows, each with its line end.
  [[nodiscard]] std::string text(std::size_t rows_max = SIZE_MAX) const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace dvms

#endif
