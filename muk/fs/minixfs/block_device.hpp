// SPDX-License-Identifier: MIT
/// @file
/// What the file system asks of the device below it.
#ifndef MUK_FS_MINIXFS_BLOCK_DEVICE_HPP
#define MUK_FS_MINIXFS_BLOCK_DEVICE_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <dvs/result.hpp>
#include <span>

namespace muk::minixfs {

/// A device that is read and written in whole blocks.
///
/// Laws:
/// - `read` and `write` move all bytes of the span or fail; offsets and lengths are multiples of 512 bytes and
///   lie inside `size()`.
/// - Each may suspend the calling fiber; other fibers then use the file system and the device meanwhile.
/// - The memory of the span belongs to the device until the call returns.
/// - What `write` accepted before `flush` began is durable when `flush` succeeds.
/// - `size()` is constant and never suspends.
template <class Device>
concept block_device = requires(Device& device, std::uint64_t offset, std::span<std::byte> into,
                                std::span<const std::byte> from) {
  { device.read(offset, into) } -> std::same_as<dvs::result<void>>;
  { device.write(offset, from) } -> std::same_as<dvs::result<void>>;
  { device.flush() } -> std::same_as<dvs::result<void>>;
  { device.size() } -> std::convertible_to<std::uint64_t>;
};

}  // namespace muk::minixfs

#endif
