// SPDX-License-Identifier: MIT
/// @file
/// Where the bytes of a device are: the interface, and devices in memory.
#ifndef MUK_RDISK_STORAGE_HPP
#define MUK_RDISK_STORAGE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dvs/result.hpp>
#include <span>
#include <vector>

namespace muk::rdisk {

/// The bytes of one device. Ranges are inside the device: the driver has checked them.
class storage {
 public:
  storage() = default;
  storage(const storage&) = delete;
  storage& operator=(const storage&) = delete;
  virtual ~storage() = default;

  /// Size of the device in bytes; never changes.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Reads `into.size()` bytes at `position`. Errors: `io_error` (also when a file was truncated behind our back).
  virtual dvs::result<void> read(std::uint64_t position, std::span<std::byte> into) = 0;
  /// Writes at `position`. Errors: `io_error`, `no_space` (of the host's file system).
  virtual dvs::result<void> write(std::uint64_t position, std::span<const std::byte> from) = 0;
  /// Returns when everything written is safe. Errors: `io_error`.
  virtual dvs::result<void> flush() = 0;
  /// The whole device when it is one piece of memory, otherwise nothing: then copies need no buffer.
  [[nodiscard]] virtual std::span<std::byte> memory() { return {}; }
};

/// A device in memory; lost at the end.
class memory_storage final : public storage {
 public:
  /// A device of `bytes` zeros. Throws `std::bad_alloc`.
  explicit memory_storage(std::size_t bytes) : bytes_(bytes) {}
  /// A device that begins as `content`.
  explicit memory_storage(std::vector<std::byte> content) : bytes_(std::move(content)) {}

  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  dvs::result<void> read(std::uint64_t position, std::span<std::byte> into) override {
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + position, into.size());
    return {};
  }
  dvs::result<void> write(std::uint64_t position, std::span<const std::byte> from) override {
    if (!from.empty()) std::memcpy(bytes_.data() + position, from.data(), from.size());
    return {};
  }
  dvs::result<void> flush() override { return {}; }
  [[nodiscard]] std::span<std::byte> memory() override { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace muk::rdisk

#endif
