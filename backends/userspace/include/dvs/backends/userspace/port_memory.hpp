// SPDX-License-Identifier: MIT
/// @file
/// Grants and copies of the userspace backend: one address space, so a copy is one memcpy under the granter's consent.
#ifndef DVS_BACKENDS_USERSPACE_PORT_MEMORY_HPP
#define DVS_BACKENDS_USERSPACE_PORT_MEMORY_HPP

#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline result<grant_id> port::grant(endpoint_id to, std::byte* memory, std::size_t bytes, access direction) {
  return broker_->grant(*this, to, reinterpret_cast<std::uintptr_t>(memory), bytes, direction);
}

inline result<grant_id> port::grant_indirect(endpoint_id to, granted_range part, std::size_t bytes, access direction) {
  return broker_->grant_indirect(*this, to, part, bytes, direction);
}

inline errc port::revoke(grant_id id) { return broker_->revoke(*this, id); }

inline errc port::copy_from(granted_range from, std::span<std::byte> into) {
  const errc outcome = broker_->with_granted(*this, from, into.size(), access::read, [&](std::byte* memory) {
    if (!into.empty()) std::memcpy(into.data(), memory, into.size());
  });
  if (outcome != errc::ok) return outcome;
  count(copies_);
  count(bytes_copied_, static_cast<std::int64_t>(into.size()));
  return errc::ok;
}

inline errc port::copy_into(granted_range into, std::span<const std::byte> from) {
  const errc outcome = broker_->with_granted(*this, into, from.size(), access::write, [&](std::byte* memory) {
    if (!from.empty()) std::memcpy(memory, from.data(), from.size());
  });
  if (outcome != errc::ok) return outcome;
  count(copies_);
  count(bytes_copied_, static_cast<std::int64_t>(from.size()));
  return errc::ok;
}

inline errc port::copy_between(granted_range from, granted_range into, std::size_t bytes) {
  const errc outcome =
      broker_->with_granted_pair(*this, from, into, bytes, [&](const std::byte* source, std::byte* destination) {
        if (bytes != 0) std::memmove(destination, source, bytes);
      });
  if (outcome != errc::ok) return outcome;
  count(copies_);
  count(bytes_copied_, static_cast<std::int64_t>(bytes));
  return errc::ok;
}

inline errc port::vcopy(endpoint_id from, std::uint64_t from_address, endpoint_id into, std::uint64_t into_address,
                        std::size_t bytes) {
  if (const errc refused = enter(call::vcopy); refused != errc::ok) return refused;
  if (!is_system_) return errc::no_privilege;
  if (from == own) from = id_;
  if (into == own) into = id_;
  if (const errc refused = broker_->vcopy_check(*this, from, into); refused != errc::ok) return refused;
  // The addresses are only claimed to be good: let the kernel copy, which refuses instead of crashing.
  const iovec source{reinterpret_cast<void*>(from_address), bytes},
      destination{reinterpret_cast<void*>(into_address), bytes};
  const ssize_t moved = process_vm_readv(getpid(), &destination, 1, &source, 1, 0);
  if (moved < 0 || static_cast<std::size_t>(moved) != bytes) return errc::fault;
  count(copies_);
  count(bytes_copied_, static_cast<std::int64_t>(bytes));
  return errc::ok;
}

}  // namespace dvs::userspace

#endif
