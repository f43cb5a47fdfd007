// SPDX-License-Identifier: MIT
/// @file
/// Tables, emphasis and JSON on standard output.
#include "output.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

namespace dvms {

bool is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

namespace {

std::string emphasised(const char* how, const std::string& text) {
  return is_terminal() ? fmt::format("\x1b[{}m{}\x1b[0m", how, text) : text;
}

/// Characters of UTF-8 text, which is what a column is wide.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char each) { return (static_cast<unsigned char>(each) & 0xC0) != 0x80; }));
}

}  // namespace

std::string bold(const std::string& text) { return emphasised("1", text); }
std::string red(const std::string& text) { return emphasised("31", text); }

std::string printable(const std::string& name) {
  std::string shown = name;
  for (char& each : shown)
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7F) each = '?';
  return shown;
}

void print(const nlohmann::json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string table::text(std::size_t rows_max) const {
  std::vector<std::size_t> widths;
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    widths.push_back(width(columns_[at].head));
    for (const auto& row : rows_) widths.back() = std::max(widths.back(), width(row[at]));
  }
  const auto line = [&](const auto& cell_of) {
    std::string made;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
      const std::string cell = cell_of(at);
      const std::string gap(widths[at] - width(cell), ' ');
      made += columns_[at].where == align::left ? cell + gap : gap + cell;
      made += "  ";
    }
    made.erase(made.find_last_not_of(' ') + 1);
    return made;
  };
  std::string made = bold(line([&](std::size_t at) { return columns_[at].head; })) + "\n";
  for (std::size_t row = 0; row < std::min(rows_max, rows_.size()); ++row)
    made += line([&](std::size_t at) { return rows_[row][at]; }) + "\n";
  return made;
}

}  // namespace dvms
