// SPDX-License-Identifier: MIT
/// @file
/// The syntax of configuration files: blocks with a kind and a name, and keys with a value in them.
#ifndef MUK_CONFIG_SYNTAX_HPP
#define MUK_CONFIG_SYNTAX_HPP

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace muk::config {

/// What is wrong with a configuration: `FILE:LINE: KEY: sentence`; the parts that do not apply are left out.
class error : public std::runtime_error {
 public:
  error(const std::string& file, int line, std::string_view key, std::string_view sentence)
      : std::runtime_error(file + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + std::string(key) +
                           (key.empty() ? "" : ": ") + std::string(sentence)) {}
};

/// `KEY VALUE;`
struct entry {
  std::string key;
  std::string value;  ///< without the quotes
  int line;
};

/// `KIND NAME { entries };`
struct block {
  std::string file;  ///< as in messages
  std::string kind;
  std::string name;
  int line;
  std::vector<entry> entries;
};

namespace detail {

/// Cuts a text into words, strings and the marks `{`, `}` and `;`; skips spaces and comments (`#` and `//`).
class lexer {
 public:
  enum class kind { word, string, mark, end };
  struct token {
    lexer::kind kind;
    std::string text;
    int line;

    [[nodiscard]] bool is(char mark) const { return kind == kind::mark && text[0] == mark; }
    [[nodiscard]] std::string shown() const {
      if (kind == kind::end) return "the end of the file";
      return "'" + text + "'";
    }
  };

  lexer(std::string_view text, std::string file) : rest_(text), file_(std::move(file)) {}

  token next() {
    skip();
    if (rest_.empty()) return {kind::end, {}, line_};
    const char first = rest_.front();
    if (first == '{' || first == '}' || first == ';') return {kind::mark, take(1), line_};
    if (first == '"') return string();
    std::size_t length = 0;
    while (length < rest_.size() && in_word(length)) ++length;
    if (length == 0) throw error(file_, line_, {}, "there is a character that belongs to no word");
    return {kind::word, take(length), line_};
  }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  token string() {
    const auto end = rest_.find_first_of("\"\n", 1);
    if (end == std::string_view::npos || rest_[end] == '\n')
      throw error(file_, line_, {}, "a string does not end on its line: close it with \"");
    token made{kind::string, std::string(rest_.substr(1, end - 1)), line_};
    rest_.remove_prefix(end + 1);
    if (made.text.find('\0') != std::string::npos) throw error(file_, line_, {}, "a string has a NUL byte in it");
    return made;
  }
  [[nodiscard]] bool in_word(std::size_t at) const {
    const char c = rest_[at];
    if (c == '/' && rest_.substr(at, 2) == "//") return false;
    return static_cast<unsigned char>(c) > ' ' && c != 0x7F &&
           std::string_view("{};\"#").find(c) == std::string_view::npos;
  }
  void skip() {
    while (!rest_.empty()) {
      if (rest_.front() == '#' || rest_.starts_with("//"))
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      else if (std::string_view(" \t\r\n").find(rest_.front()) == std::string_view::npos)
        return;
      else
        line_ += take(1) == "\n" ? 1 : 0;
    }
  }
  std::string take(std::size_t length) {
    std::string taken(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return taken;
  }

  std::string_view rest_;
  std::string file_;
  int line_ = 1;
};

inline block parse_block(lexer& source, const lexer::token& kind) {
  const auto fail = [&](const lexer::token& at, std::string_view key, std::string_view what) {
    throw error(source.file(), at.line, key, what);
  };
  if (kind.kind != lexer::kind::word)
    fail(kind, {}, kind.shown() + " stands where a block should begin: write KIND NAME { … };");
  const auto name = source.next();
  if (name.kind != lexer::kind::word && name.kind != lexer::kind::string)
    fail(name, kind.text, "the block has no name: write " + kind.text + " NAME { … };");
  if (const auto open = source.next(); !open.is('{')) fail(open, kind.text, "{ is missing before " + open.shown());
  block made{source.file(), kind.text, name.text, kind.line, {}};
  for (auto key = source.next(); !key.is('}'); key = source.next()) {
    if (key.kind == lexer::kind::end) fail(key, kind.text, "the block is not closed: } is missing");
    if (key.kind != lexer::kind::word) fail(key, {}, key.shown() + " stands where a key should: write KEY VALUE;");
    const auto value = source.next();
    if (value.kind != lexer::kind::word && value.kind != lexer::kind::string)
      fail(value, key.text, "the value is missing: write " + key.text + " VALUE;");
    if (const auto end = source.next(); !end.is(';'))
      fail(end, key.text, "; is missing after the value, before " + end.shown());
    for (const entry& other : made.entries)
      if (other.key == key.text)
        fail(key, key.text, "the key is there twice, first in line " + std::to_string(other.line));
    made.entries.push_back({key.text, value.text, key.line});
  }
  return made;
}

}  // namespace detail

/// The blocks of a text; `file` is its name in messages. Throws `config::error`.
[[nodiscard]] inline std::vector<block> parse(std::string_view text, const std::string& file) {
  detail::lexer source(text, file);
  std::vector<block> blocks;
  auto token = source.next();
  while (token.kind != detail::lexer::kind::end) {
    blocks.push_back(detail::parse_block(source, token));
    token = source.next();
    while (token.is(';')) token = source.next();
  }
  return blocks;
}

/// The blocks of the file at `path`; nothing when the file cannot be read. Throws `config::error`.
[[nodiscard]] inline std::optional<std::vector<block>> parse_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  std::ifstream in(path, std::ios::binary);
  if (!in) return {};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse(text, path);
}

}  // namespace muk::config

#endif
