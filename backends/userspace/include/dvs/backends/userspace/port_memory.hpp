// SPDX-License-Identifier: MIT
/// @file
/// Grants and copies of the userspace backend: within a node, one address space: a copy is one memcpy
/// under the granter's consent.
#ifndef DVS_BACKENDS_USERSPACE_PORT_MEMORY_HPP
#define DVS_BACKENDS_USERSPACE_PORT_MEMORY_HPP

#include <cstring>
#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline result<grant_id> port::grant(endpoint_id to, std::byte* memory, std::size_t bytes, access direction) {
  auto given = broker_->grant(*this, to, reinterpret_cast<std::uintptr_t>(memory), bytes, direction);
  if (given) note_grant(*given, to, memory, bytes, direction);
  return given;
}

inline result<grant_id> port::grant_indirect(endpoint_id to, granted_range part, std::size_t bytes, access direction) {
  return broker_->grant_indirect(*this, to, part, bytes, direction);
}

inline errc port::revoke(grant_id id) {
  if (!given_.empty()) forget_grant(id);
  return broker_->revoke(*this, id);
}

inline errc port::counted(errc outcome, std::size_t bytes) {
  if (outcome != errc::ok) return outcome;
  count(copies_);
  count(bytes_copied_, static_cast<std::int64_t>(bytes));
  return errc::ok;
}

inline errc port::copy_from(granted_range from, std::span<std::byte> into) {
  if (copy_of_neighbour(from, into.data(), into.size(), access::read)) return counted(errc::ok, into.size());
  dvk_memory where;
  errc outcome = broker_->with_granted(id_, from, into.size(), access::read, where, [&](std::byte* memory) {
    if (!into.empty()) std::memcpy(into.data(), memory, into.size());
  });
  if (outcome == errc::ok && where.node != DVK_HERE)
    outcome = copy_far(where, DVK_FRAME_copy_out, copy_side::of(into.data()), into.size());
  return counted(outcome, into.size());
}

inline errc port::copy_into(granted_range into, std::span<const std::byte> from) {
  auto* const memory_here = const_cast<std::byte*>(from.data());  // only read
  if (copy_of_neighbour(into, memory_here, from.size(), access::write)) return counted(errc::ok, from.size());
  dvk_memory where;
  errc outcome = broker_->with_granted(id_, into, from.size(), access::write, where, [&](std::byte* memory) {
    if (!from.empty()) std::memcpy(memory, from.data(), from.size());
  });
  if (outcome == errc::ok && where.node != DVK_HERE)
    outcome = copy_far(where, DVK_FRAME_copy_in, copy_side::of(memory_here), from.size());
  return counted(outcome, from.size());
}

inline errc port::copy_between(granted_range from, granted_range into, std::size_t bytes) {
  dvk_memory origin, destination;
  errc outcome = broker_->with_granted_pair(id_, from, into, bytes, origin, destination,
                                            [&](const std::byte* source, std::byte* sink) {
                                              if (bytes != 0) std::memmove(sink, source, bytes);
                                            });
  if (outcome != errc::ok) return outcome;
  if (origin.node == DVK_HERE && destination.node != DVK_HERE)
    outcome = copy_far(destination, DVK_FRAME_copy_in, copy_side::granted(*broker_, id_, from), bytes);
  else if (origin.node != DVK_HERE && destination.node == DVK_HERE)
    outcome = copy_far(origin, DVK_FRAME_copy_out, copy_side::granted(*broker_, id_, into), bytes);
  else if (origin.node != DVK_HERE)
    outcome = copy_between_far(origin, destination, bytes);
  return counted(outcome, bytes);
}

inline errc port::vcopy(endpoint_id from, std::uint64_t from_address, endpoint_id into, std::uint64_t into_address,
                        std::size_t bytes) {
  if (const errc refused = enter(call::vcopy); refused != errc::ok) return refused;
  if (!is_system_) return errc::no_privilege;
  if (from == own) from = id_;
  if (into == own) into = id_;
  dvk_memory origin, destination;
  if (const errc refused = broker_->vcopy_check(*this, from, into, origin, destination); refused != errc::ok)
    return refused;
  origin.address = from_address;
  destination.address = into_address;
  errc outcome;
  if (origin.node == DVK_HERE && destination.node == DVK_HERE)
    outcome = copy_by_address(from_address, into_address, bytes) ? errc::ok : errc::fault;
  else if (origin.node == DVK_HERE)
    outcome = copy_far(destination, DVK_FRAME_copy_in, copy_side::at_address(from_address), bytes);
  else if (destination.node == DVK_HERE)
    outcome = copy_far(origin, DVK_FRAME_copy_out, copy_side::at_address(into_address), bytes);
  else
    outcome = copy_through_here(origin, destination, bytes);
  return counted(outcome, bytes);
}

}  // namespace dvs::userspace

#endif
