// SPDX-License-Identifier: MIT
/// @file
/// The Range field. Source: RFC 9110, 14.
#ifndef MUK_NWEB_BYTE_RANGE_HPP
#define MUK_NWEB_BYTE_RANGE_HPP

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace muk::nweb {

/// A part of a file.
struct byte_range {
  std::uint64_t first;
  std::uint64_t length;
};

/// What a Range field asks for.
enum class range_kind {
  whole,          ///< no range, or one that is ignored: another unit, several ranges, not understood
  part,           ///< one range that has bytes
  unsatisfiable,  ///< one range that has no byte of this file
};

namespace detail {
inline std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || stopped != text.data() + text.size()) return {};
  return value;
}
}  // namespace detail

/// Reads `field` ("bytes=0-99", "bytes=100-", "bytes=-20") for a file of `size` bytes; `found` is set for `part`.
[[nodiscard]] inline range_kind parse_range(std::string_view field, std::uint64_t size, byte_range& found) {
  constexpr std::string_view unit = "bytes=";
  if (!field.starts_with(unit)) return range_kind::whole;
  field.remove_prefix(unit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) return range_kind::whole;
  const auto last = detail::whole_number(field.substr(dash + 1));
  if (dash == 0) {
    if (!last) return range_kind::whole;
    const std::uint64_t length = std::min(*last, size);
    if (length == 0) return range_kind::unsatisfiable;
    found = {size - length, length};
    return range_kind::part;
  }
  const auto first = detail::whole_number(field.substr(0, dash));
  if (!first || (!last && dash + 1 != field.size()) || (last && *last < *first)) return range_kind::whole;
  if (*first >= size) return range_kind::unsatisfiable;
  found = {*first, last ? std::min(*last, size - 1) - *first + 1 : size - *first};
  return range_kind::part;
}

}  // namespace muk::nweb

#endif
