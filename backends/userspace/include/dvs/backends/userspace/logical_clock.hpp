// SPDX-License-Identifier: MIT
/// @file
/// The logical time of a node.
#ifndef DVS_BACKENDS_USERSPACE_LOGICAL_CLOCK_HPP
#define DVS_BACKENDS_USERSPACE_LOGICAL_CLOCK_HPP

#include <atomic>
#include <cstdint>
#include <dvs/backends/userspace/doorbell_futex.hpp>

namespace dvs::userspace {

/// Lamport's clock on top of the monotonic one: what began because of something that is known here, on whichever node
/// that was, began later. Any thread reads it; one hears.
class logical_clock {
 public:
  [[nodiscard]] std::uint64_t now() const {
    return static_cast<std::uint64_t>(monotonic_ns()) + ahead_.load(std::memory_order_relaxed);
  }
  /// Something was heard that was said at this time of another clock.
  void hear(std::uint64_t there) {
    const std::uint64_t here = now();
    if (there >= here) ahead_.fetch_add(there - here + 1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> ahead_{0};
};

}  // namespace dvs::userspace

#endif
