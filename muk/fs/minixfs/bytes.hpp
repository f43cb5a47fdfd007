// SPDX-License-Identifier: MIT
/// @file
/// Little-endian integers in a block of bytes.
#ifndef MUK_FS_MINIXFS_BYTES_HPP
#define MUK_FS_MINIXFS_BYTES_HPP

#include <concepts>
#include <cstddef>
#include <span>

namespace muk::minixfs {

/// The integer at `offset` of `bytes`; the caller has checked that it lies inside.
template <std::unsigned_integral Integer>
[[nodiscard]] constexpr Integer load(std::span<const std::byte> bytes, std::size_t offset) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    value = static_cast<Integer>(value | static_cast<Integer>(std::to_integer<Integer>(bytes[offset + i]) << (8 * i)));
  return value;
}

/// Writes `value` at `offset` of `bytes`; the caller has checked that it fits.
template <std::unsigned_integral Integer>
constexpr void store(std::span<std::byte> bytes, std::size_t offset, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace muk::minixfs

#endif
