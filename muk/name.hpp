// SPDX-License-Identifier: MIT
/// @file
/// A name as it travels in messages and tables: 16 bytes, the last one always zero.
#ifndef MUK_NAME_HPP
#define MUK_NAME_HPP

#include <algorithm>
#include <array>
#include <string_view>

namespace muk {

/// A name of at most 15 bytes; unused bytes are zero. What arrives from outside may lack the final zero: `text_of`
/// reads at most 15 bytes.
using name16 = std::array<char, 16>;

/// `text`, cut to 15 bytes.
[[nodiscard]] constexpr name16 make_name(std::string_view text) {
  name16 made{};
  std::copy_n(text.begin(), std::min(text.size(), made.size() - 1), made.begin());
  return made;
}

/// The text of `name`, up to the first zero.
[[nodiscard]] constexpr std::string_view text_of(const name16& name) {
  const std::string_view all{name.data(), name.size() - 1};
  return all.substr(0, all.find('\0'));
}

}  // namespace muk

#endif
