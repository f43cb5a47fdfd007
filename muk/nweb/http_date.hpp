// SPDX-License-Identifier: MIT
/// @file
/// Dates as HTTP writes them. Source: RFC 9110, 5.6.7.
#ifndef MUK_NWEB_HTTP_DATE_HPP
#define MUK_NWEB_HTTP_DATE_HPP

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muk::nweb {

namespace detail {

inline constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
inline constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

inline void append_two_digits(std::string& out, unsigned value) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

/// The number that is `text` from `at` on, `length` digits; nothing if it is not all digits.
inline std::optional<unsigned> digits_at(std::string_view text, std::size_t at, std::size_t length) {
  unsigned value = 0;
  const char* const end = text.data() + at + length;
  const auto [stopped, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc{} || stopped != end) return {};
  return value;
}

}  // namespace detail

/// Appends the date `seconds` after 1970: "Sun, 06 Nov 1994 08:49:37 GMT". Years 1970 to 9999.
inline void append_http_date(std::string& out, std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds instant{std::chrono::seconds{seconds}};
  const sys_days midnight = floor<days>(instant);
  const year_month_day date{midnight};
  const auto of_day = static_cast<unsigned>((instant - midnight).count());
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  out += detail::day_names.substr(3 * weekday{midnight}.c_encoding(), 3);
  out += ", ";
  detail::append_two_digits(out, static_cast<unsigned>(date.day()));
  out += ' ';
  out += detail::month_names.substr(3 * (static_cast<unsigned>(date.month()) - 1), 3);
  out += ' ';
  detail::append_two_digits(out, year / 100);
  detail::append_two_digits(out, year);
  out += ' ';
  detail::append_two_digits(out, of_day / 3600);
  out += ':';
  detail::append_two_digits(out, of_day / 60 % 60);
  out += ':';
  detail::append_two_digits(out, of_day % 60);
  out += " GMT";
}

/// Seconds after 1970; nothing when `text` is not of the form that `append_http_date` writes. The two obsolete forms of
/// HTTP/1.0 are not read: such a condition is ignored, as the standard demands for a date that is not understood.
[[nodiscard]] inline std::optional<std::int64_t> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view shape = "ddd, 00 mmm 0000 00:00:00 GMT";
  if (text.size() != shape.size()) return {};
  for (const std::size_t at : {3u, 4u, 7u, 11u, 16u, 19u, 22u, 25u, 26u, 27u, 28u})
    if (text[at] != shape[at]) return {};
  const std::size_t month = detail::month_names.find(text.substr(8, 3));
  const auto day = detail::digits_at(text, 5, 2);
  const auto year = detail::digits_at(text, 12, 4);
  const auto hours = detail::digits_at(text, 17, 2);
  const auto minutes = detail::digits_at(text, 20, 2);
  const auto seconds = detail::digits_at(text, 23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !hours || !minutes || !seconds) return {};
  const year_month_day date{std::chrono::year{static_cast<int>(*year)},
                            std::chrono::month{static_cast<unsigned>(month / 3 + 1)}, std::chrono::day{*day}};
  if (!date.ok() || *hours > 23 || *minutes > 59 || *seconds > 60) return {};
  return sys_days{date}.time_since_epoch().count() * 86'400LL + *hours * 3600 + *minutes * 60 + *seconds;
}

}  // namespace muk::nweb

#endif
