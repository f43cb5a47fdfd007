// SPDX-License-Identifier: MIT
/// @file
/// Heads of answers, and the short pages that explain an error.
#ifndef MUK_NWEB_ANSWER_HPP
#define MUK_NWEB_ANSWER_HPP

#include <boost/beast/http/status.hpp>
#include <charconv>
#include <cstdint>
#include <dvs/error.hpp>
#include <muk/nweb/http_date.hpp>
#include <muk/nweb/site.hpp>
#include <string>
#include <string_view>

namespace muk::nweb {

namespace http = boost::beast::http;

inline void append_number(std::string& out, std::uint64_t value, int base = 10) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

/// The head of one answer; keeps its memory for the next.
class head {
 public:
  /// Starts with the status line and the fields of every answer. `seconds` is the date, 0 for none.
  void start(http::status status, std::int64_t seconds, bool keep_alive, bool is_http_1_0) {
    text_ = "HTTP/1.1 ";
    append_number(text_, static_cast<unsigned>(status));
    text_ += ' ';
    const auto reason = http::obsolete_reason(status);
    text_.append(reason.data(), reason.size());
    text_ += "\r\nServer: muk\r\n";
    if (seconds != 0) date("Date", seconds);
    if (!keep_alive)
      field("Connection", "close");
    else if (is_http_1_0)
      field("Connection", "keep-alive");
  }
  void field(std::string_view name, std::string_view value) {
    text_ += name;
    text_ += ": ";
    text_ += value;
    text_ += "\r\n";
  }
  void number(std::string_view name, std::uint64_t value) {
    text_ += name;
    text_ += ": ";
    append_number(text_, value);
    text_ += "\r\n";
  }
  void date(std::string_view name, std::int64_t seconds) {
    text_ += name;
    text_ += ": ";
    append_http_date(text_, seconds);
    text_ += "\r\n";
  }
  /// `first` to the last byte of `length`, of a file of `size` bytes.
  void content_range(std::uint64_t first, std::uint64_t length, std::uint64_t size) {
    text_ += "Content-Range: bytes ";
    append_number(text_, first);
    text_ += '-';
    append_number(text_, first + length - 1);
    text_ += '/';
    append_number(text_, size);
    text_ += "\r\n";
  }
  void finish() { text_ += "\r\n"; }
  [[nodiscard]] std::string& text() { return text_; }

 private:
  std::string text_;
};

/// The entity tag of a file: changes when its identity, size or time does.
inline void assign_entity_tag(std::string& tag, const file& of) {
  tag = '"';
  append_number(tag, of.inode, 16);
  tag += '-';
  append_number(tag, static_cast<std::uint64_t>(of.modified), 16);
  tag += '-';
  append_number(tag, of.size, 16);
  tag += '"';
}

/// Whether `list` (an If-None-Match field) has `tag`; weak tags count as the strong ones.
[[nodiscard]] inline bool has_entity_tag(std::string_view list, std::string_view tag) {
  if (list == "*") return true;
  for (std::size_t at = list.find(tag); at != std::string_view::npos; at = list.find(tag, at + 1)) {
    const std::size_t end = at + tag.size();
    if (end == list.size() || list[end] == ',' || list[end] == ' ' || list[end] == '\t') return true;
  }
  return false;
}

/// The status for an error of the file server.
[[nodiscard]] inline http::status status_of(dvs::errc error) {
  switch (error) {
    case dvs::errc::no_entry:
    case dvs::errc::not_directory:
    case dvs::errc::name_too_long:
    case dvs::errc::loop:
      return http::status::not_found;
    case dvs::errc::access_denied:
    case dvs::errc::not_supported:  // a device
      return http::status::forbidden;
    case dvs::errc::destination_died:
    case dvs::errc::source_died:
    case dvs::errc::peer_died:
    case dvs::errc::timed_out:
    case dvs::errc::table_full:
      return http::status::service_unavailable;
    default:
      return http::status::internal_server_error;
  }
}

/// A page that names the status.
[[nodiscard]] inline std::string error_page(http::status status) {
  const auto reason = http::obsolete_reason(status);
  std::string title;
  append_number(title, static_cast<unsigned>(status));
  title += ' ';
  title.append(reason.data(), reason.size());
  return "<!DOCTYPE html>\n<title>" + title + "</title>\n<h1>" + title + "</h1>\n";
}

}  // namespace muk::nweb

#endif
