// SPDX-License-Identifier: MIT
/// @file
/// Copies within this process that refuse instead of crashing.
#ifndef DVS_BACKENDS_USERSPACE_COPY_BY_ADDRESS_HPP
#define DVS_BACKENDS_USERSPACE_COPY_BY_ADDRESS_HPP

#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace dvs::userspace {

/// Moves bytes between two addresses of this process, of which nobody vouched that they are good; whether
/// they all were.
inline bool copy_by_address(std::uint64_t from, std::uint64_t into, std::size_t bytes) {
  const iovec source{reinterpret_cast<void*>(from), bytes}, destination{reinterpret_cast<void*>(into), bytes};
  const ssize_t moved = process_vm_readv(getpid(), &destination, 1, &source, 1, 0);
  return moved >= 0 && static_cast<std::size_t>(moved) == bytes;
}

}  // namespace dvs::userspace

#endif
