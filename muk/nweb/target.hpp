// SPDX-License-Identifier: MIT
/// @file
/// Request targets: from what a client wrote to a path of the site, and back into links.
#ifndef MUK_NWEB_TARGET_HPP
#define MUK_NWEB_TARGET_HPP

#include <optional>
#include <string>
#include <string_view>

namespace muk::nweb {

/// The longest path that is looked up, in bytes.
inline constexpr std::size_t path_max = 1024;

/// A target taken apart.
struct target {
  std::string path;        ///< decoded; starts with '/', has no empty, "." or ".." component
  std::string_view query;  ///< as it was written, without the '?'
};

namespace detail {

constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// Replaces each %XX once; nothing when a triple is broken or stands for NUL.
inline std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return {};
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// Removes empty and "." components and resolves ".."; false when ".." would leave the site.
inline bool append_normal(std::string& out, std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (out.empty()) return false;
      out.resize(out.rfind('/'));
    } else {
      out += '/';
      out += component;
    }
  }
  return true;
}

}  // namespace detail

/// Takes `written` apart: "/a/b?c", or "http://host/a/b?c". Decoded once, so that "%252e" is a name and no dot.
/// Nothing for what is no path, for a broken %XX, for NUL, for ".." above the root, and for a path that is too long.
/// A final slash stays, also for a path that ends in "." or "..": it names a directory.
[[nodiscard]] inline std::optional<target> parse_target(std::string_view written) {
  if (const std::size_t scheme = written.find("://"); scheme != std::string_view::npos && written.front() != '/') {
    const std::size_t slash = written.find('/', scheme + 3);
    written = slash == std::string_view::npos ? std::string_view("/") : written.substr(slash);
  }
  if (written.empty() || written.front() != '/') return {};
  target made;
  if (const std::size_t mark = written.find('?'); mark != std::string_view::npos) {
    made.query = written.substr(mark + 1);
    written = written.substr(0, mark);
  }
  const auto decoded = detail::percent_decoded(written);
  if (!decoded || decoded->size() > path_max) return {};
  made.path.reserve(decoded->size() + 16);
  if (!detail::append_normal(made.path, *decoded)) return {};
  const std::string_view last = std::string_view(*decoded).substr(decoded->rfind('/') + 1);
  if (last.empty() || last == "." || last == "..") made.path += '/';
  return made;
}

/// Appends `text` so that it can stand in a path of a link: everything but letters, digits, "-._~" and '/' is escaped.
inline void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || c == '/';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    }
  }
}

/// Appends `text` so that a browser shows it as it is.
inline void append_html_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
}

}  // namespace muk::nweb

#endif
