// SPDX-License-Identifier: MIT
/// @file
/// Which texts are names, addresses, paths and interfaces.
#ifndef DVS_CLUSTER_DETAIL_WORDS_HPP
#define DVS_CLUSTER_DETAIL_WORDS_HPP

#include <arpa/inet.h>

#include <algorithm>
#include <dvs/cluster/detail/text.hpp>
#include <string>
#include <string_view>

namespace dvs::cluster::detail {

inline constexpr std::string_view name_rule = "1 to 63 letters, digits, - and _, a letter or a digit first";
inline constexpr std::string_view address_rule = "a host name or an IP address that the other nodes can dial";
inline constexpr std::string_view run_rule = "an absolute path of at most 80 bytes";
inline constexpr std::string_view file_rule = "the path of a file";
inline constexpr std::string_view interface_rule = "the name of a network interface, such as \"eth1\"";
inline constexpr std::string_view hardware_rule =
    "the hardware address of one interface, such as \"52:54:00:12:34:56\"";

[[nodiscard]] inline bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
[[nodiscard]] inline bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}
/// Whether all of it can be shown, so that it fits a line of any file, and a path.
[[nodiscard]] inline bool is_plain(std::string_view text) { return !text.empty() && printable(text) == text; }

/// The name of a host, or an address in numbers that belongs to one machine.
[[nodiscard]] inline bool is_address(const std::string& text) {
  unsigned char binary[sizeof(in6_addr)];
  const auto is_of_one = [&](std::size_t bytes) {
    return std::any_of(binary, binary + bytes, [](unsigned char byte) { return byte != 0; });
  };
  if (!is_plain(text) || text.size() > 253) return false;
  if (inet_pton(AF_INET, text.c_str(), binary) == 1) return is_of_one(sizeof(in_addr));
  if (inet_pton(AF_INET6, text.c_str(), binary) == 1) return is_of_one(sizeof(in6_addr));
  // What consists of digits and dots only was meant to be an IP address.
  return is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; }) &&
         text.find_first_not_of("0123456789.") != std::string::npos;
}
/// A folder that leaves room for the name of a socket in it: sun_path has 108 bytes.
[[nodiscard]] inline bool is_run(std::string_view text) {
  return is_plain(text) && text.front() == '/' && text.size() <= 80;
}
/// Linux takes 15 bytes without blanks and slashes.
[[nodiscard]] inline bool is_interface(std::string_view text) {
  return is_plain(text) && text.size() <= 15 && text != "." && text != ".." &&
         text.find_first_of("/: ") == std::string_view::npos;
}
/// The address of one Ethernet interface: not all zeros, and none of a group.
[[nodiscard]] inline bool is_hardware(std::string_view text) {
  constexpr std::string_view shape = "00:00:00:00:00:00";
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  const auto fits = [&](char c, char place) { return place == ':' ? c == ':' : is_hex(c); };
  if (text.size() != shape.size() || !std::ranges::equal(text, shape, fits) || text == shape) return false;
  return std::string_view("02468aceACE").find(text[1]) != std::string_view::npos;
}
/// A name that may be looked up in the system's tables, whose lines a colon divides.
[[nodiscard]] inline bool is_account(std::string_view text) {
  return is_plain(text) && text.size() <= 64 && text.find(':') == std::string_view::npos;
}

}  // namespace dvs::cluster::detail

#endif
