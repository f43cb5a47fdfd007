// SPDX-License-Identifier: MIT
/// @file
/// Makes a table of a text, and complains of every section in which it is not TOML.
#ifndef DVS_CLUSTER_DETAIL_TOML_HPP
#define DVS_CLUSTER_DETAIL_TOML_HPP

#include <toml++/toml.h>

#include <dvs/cluster/detail/findings.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dvs::cluster::detail {

/// The most bytes that a file may have.
inline constexpr std::size_t file_bytes_max = 1 << 20;

[[nodiscard]] inline position position_of(const toml::source_position& at) { return {at.line, at.column}; }
[[nodiscard]] inline position position_of(const toml::node& at) { return position_of(at.source().begin); }

/// How messages end that are about the syntax.
inline constexpr std::string_view syntax_remedy = "write KEY = VALUE below a [TABLE], and text in \"quotes\"";

/// Looks through a text for what the parser, toml++ 3.3, must not see: it does not limit the dots of a key, although
/// the stack that a table needs follows its depth; and what it does with characters that are not ASCII, outside of
/// strings and comments, where TOML has none, is undefined.
class guard {
 public:
  struct refusal {
    std::uint32_t line;
    std::string_view problem;
    std::string_view remedy;
  };

  explicit guard(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) skip(3);  // a byte order mark
  }

  /// The first line that the parser must not see.
  [[nodiscard]] std::optional<refusal> refused() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (static_cast<unsigned char>(c) >= 0x80)
        return refusal{line_, "is not TOML (letters with accents are for text and comments)", syntax_remedy};
      if (c == '#')
        skip(rest_.find('\n'));
      else if (c == '"' || c == '\'')
        skip_string(c);
      else
        take(c);
      if (brackets_ > brackets_max || dots_ > dots_max)
        return refusal{line_, "nests tables or lists too deep", "no key of a cluster has more than three parts"};
    }
    return {};
  }

 private:
  static constexpr int brackets_max = 16;
  static constexpr int dots_max = 16;  // of one line

  void take(char c) {
    if (c == '[' || c == '{') ++brackets_;
    if (c == ']' || c == '}') --brackets_;
    if (c == '.') ++dots_;
    if (c == '\n') {
      ++line_;
      dots_ = 0;
    }
    skip(1);
  }
  void skip(std::size_t bytes) { rest_.remove_prefix(std::min(bytes, rest_.size())); }
  void skip_string(char quote) {
    const std::string end(rest_.starts_with(std::string(3, quote)) ? 3 : 1, quote);
    const bool many_lines = end.size() == 3;
    skip(end.size());
    while (!rest_.empty() && !rest_.starts_with(end)) {
      const char c = rest_.front();
      if (c == '\n' && !many_lines) return;
      if (c == '\n') ++line_;
      skip(c == '\\' && quote == '"' && !rest_.starts_with("\\\n") ? 2 : 1);
    }
    skip(end.size());
    while (many_lines && rest_.starts_with(quote)) skip(1);  // it may end with quotes of its own
  }

  std::string_view rest_;
  std::uint32_t line_ = 1;
  int brackets_ = 0;
  int dots_ = 0;  // in this line
};

/// A text whose sections can be made blank, so that the rest keeps its places.
class lined_text {
 public:
  explicit lined_text(std::string_view text) : text_(text), begins_{0} {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') begins_.push_back(i + 1);
    begins_.push_back(text.size() + 1);
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  /// The line with this number, without the blanks around it.
  [[nodiscard]] std::string_view line(std::uint32_t number) const {
    const auto whole = std::string_view(text_).substr(begin_of(number), begin_of(number + 1) - 1 - begin_of(number));
    const auto first = whole.find_first_not_of(" \t\r"), last = whole.find_last_not_of(" \t\r");
    return first == std::string_view::npos ? std::string_view() : whole.substr(first, last - first + 1);
  }
  /// The column of the first character of that line that is no blank.
  [[nodiscard]] std::uint32_t column_of(std::uint32_t number) const {
    const auto text = line(number);
    return text.empty() ? 1 : static_cast<std::uint32_t>(text.data() - text_.data() - begin_of(number)) + 1;
  }
  /// Blanks the section around that line, from its header up to the next one. Returns the line of the header.
  std::uint32_t blank_section(std::uint32_t number) {
    std::uint32_t first = std::min<std::uint32_t>(number, line_count()), next = first + 1;
    while (first > 1 && !line(first).starts_with('[')) --first;
    while (next <= line_count() && !line(next).starts_with('[')) ++next;
    for (std::size_t i = begin_of(first); i + 1 < begin_of(next); ++i)
      if (text_[i] != '\n') text_[i] = ' ';
    return first;
  }

 private:
  [[nodiscard]] std::uint32_t line_count() const { return static_cast<std::uint32_t>(begins_.size() - 1); }
  [[nodiscard]] std::size_t begin_of(std::uint32_t number) const {
    return begins_[std::min<std::size_t>(number, begins_.size()) - 1];
  }

  std::string text_;
  std::vector<std::size_t> begins_;  // of the lines, and where one more would begin
};

/// The table that `text` says. A section that is not TOML is complained of and left out.
[[nodiscard]] inline toml::table table_of(std::string_view text, findings& out) {
  constexpr int rounds_max = 20;
  lined_text source(text);
  for (int round = 0; round < rounds_max; ++round) {
    const auto leave_out = [&](std::uint32_t line) {
      out.not_whole();
      return source.blank_section(line);
    };
    if (const auto bad = guard(source.text()).refused()) {
      out.add({bad->line, source.column_of(bad->line)}, {}, in_quotes(source.line(bad->line)),
              std::string(bad->problem), std::string(bad->remedy));
      leave_out(bad->line);
      continue;
    }
    try {
      return toml::parse(std::string_view(source.text()));
    } catch (const toml::parse_error& wrong) {
      position at = position_of(wrong.source().begin);
      std::string_view said = wrong.description();
      const bool twice = said.find("cannot redefine") != std::string_view::npos;
      if (said.starts_with("Error while parsing") && said.find(": ") != std::string_view::npos)
        said.remove_prefix(said.find(": ") + 2);
      if (twice) at.column = source.column_of(at.line);
      out.add(at, {}, in_quotes(source.line(at.line)),
              (twice ? "is there twice (" : "is not TOML (") + std::string(said) + ")",
              twice ? "keep one of them" : syntax_remedy);
      // What stands wrong at the place of a header may be the end that the section before it does not have.
      if (const auto header = leave_out(at.line); header == at.line && header > 1 && !twice) leave_out(header - 1);
    }
  }
  return {};
}

}  // namespace dvs::cluster::detail

#endif
