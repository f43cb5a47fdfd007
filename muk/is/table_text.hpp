// SPDX-License-Identifier: MIT
/// @file
/// Writes rows of described structs as a table for people, or as JSON.
#ifndef MUK_IS_TABLE_TEXT_HPP
#define MUK_IS_TABLE_TEXT_HPP

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <dvs/describe.hpp>
#include <muk/name.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muk::is {

/// One value of a row, as text.
struct cell {
  std::string text;
  bool is_number;
};

namespace detail {

inline cell cell_of(std::integral auto value) {
  std::array<char, 24> digits;
  return {std::string(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr), true};
}
inline cell cell_of(dvs::endpoint_id who) {
  if (who == dvs::any) return {"any", false};
  if (who == dvs::none) return {"none", false};
  return cell_of(dvs::number(who));
}
inline cell cell_of(const name16& name) { return {std::string(text_of(name)), false}; }
template <class Enum>
requires std::is_enum_v<Enum> cell cell_of(Enum value) {
  if constexpr (requires { name_of(value); })
    if (const std::string_view name = name_of(value); !name.empty()) return {std::string(name), false};
  return cell_of(static_cast<std::underlying_type_t<Enum>>(value));
}

inline void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte >= 0x20 && byte < 0x7F)
      out += c;
    else
      out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
  }
  out += '"';
}

/// Calls `visit(name, cell)` for each member but those called `zero`, which only fill.
template <class Row, class Visitor>
void for_each_cell(const Row& row, Visitor&& visit) {
  dvs::for_each_field(row, [&](std::string_view name, const auto& value) {
    if (name != "zero") visit(name, cell_of(value));
  });
}

}  // namespace detail

/// Appends a JSON array with an object for each row.
template <class Row>
void append_json(std::string& out, std::span<const Row> rows) {
  out += '[';
  for (const Row& row : rows) {
    out += &row == rows.data() ? "{" : ",{";
    bool first = true;
    detail::for_each_cell(row, [&](std::string_view name, const cell& value) {
      if (!std::exchange(first, false)) out += ',';
      detail::append_quoted(out, name);
      out += ':';
      if (value.is_number)
        out += value.text;
      else
        detail::append_quoted(out, value.text);
    });
    out += '}';
  }
  out += ']';
}

/// Appends a line of column names and a line for each row; numbers are flush right.
template <class Row>
void append_text(std::string& out, std::span<const Row> rows) {
  std::vector<std::vector<cell>> lines(1);
  detail::for_each_cell(Row{}, [&](std::string_view name, const cell& value) {
    lines[0].push_back({std::string(name), value.is_number});
  });
  for (const Row& row : rows) {
    auto& line = lines.emplace_back();
    detail::for_each_cell(row, [&](std::string_view, cell value) { line.push_back(std::move(value)); });
  }
  std::vector<std::size_t> widths(lines[0].size());
  for (const auto& line : lines)
    for (std::size_t column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], line[column].text.size());
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t column = 0; column < line.size(); ++column) {
      const std::string padding(widths[column] - line[column].text.size(), ' ');
      text += "  ";
      text += line[column].is_number ? padding + line[column].text : line[column].text + padding;
    }
    out.append(text, 0, text.find_last_not_of(' ') + 1) += '\n';
  }
}

}  // namespace muk::is

#endif
