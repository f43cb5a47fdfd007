// SPDX-License-Identifier: MIT
/// @file
/// What is known about the last thing that was wrong with the image or its device.
#ifndef MUK_FS_MINIXFS_FAULT_HPP
#define MUK_FS_MINIXFS_FAULT_HPP

#include <cstdint>
#include <dvs/error.hpp>
#include <optional>

namespace muk::minixfs {

/// A block that could not be read or written, or whose content cannot be true.
struct fault {
  std::uint64_t block;  ///< In blocks of the file system; 0 for faults of the superblock.
  const char* why;      ///< A sentence without a full stop, with static storage.
};

/// Remembers the last fault, for the diagnostics of a server.
class fault_log {
 public:
  /// Remembers a fault; returns the error that the operation ends with.
  dvs::errc report(std::uint64_t block, const char* why) {
    last_ = fault{block, why};
    ++count_;
    return dvs::errc::io_error;
  }

  [[nodiscard]] const std::optional<fault>& last() const { return last_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::optional<fault> last_;
  std::uint64_t count_ = 0;
};

}  // namespace muk::minixfs

#endif
