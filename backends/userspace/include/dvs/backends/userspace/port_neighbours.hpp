// SPDX-License-Identifier: MIT
/// @file
/// Grants to processes that are reached by a direct way, and copies of memory that these have granted.
#ifndef DVS_BACKENDS_USERSPACE_PORT_NEIGHBOURS_HPP
#define DVS_BACKENDS_USERSPACE_PORT_NEIGHBOURS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// Keeps a grant to a process of the host in mind, and shows it as soon as there is a direct way.
inline void port::note_grant(grant_id id, endpoint_id to, const std::byte* memory, std::size_t bytes,
                             access direction) {
  if (!broker_->may_have_neighbours()) return;
  const auto partner = broker_->port_of(to);
  if (partner == nullptr || !partner->is_ghost()) return;
  given_.push_back({id, to, reinterpret_cast<std::uintptr_t>(memory), bytes, direction, nullptr, nullptr});
  show_grants_to(to);
}

inline void port::show_grants_to(endpoint_id to) {
  if (given_.empty()) return;
  const auto on = direct_link_with(to);
  if (on == nullptr) return;
  for (given_grant& each : given_)
    if (each.to == to && each.row == nullptr) {
      each.row = grants_of(*on, id_).show(each.id, each.address, each.bytes, each.direction);
      if (each.row != nullptr) each.on = on;
    }
}

/// A grant ends; waits for the copies under way.
inline void port::forget_grant(grant_id id) {
  std::erase_if(given_, [&](given_grant& each) {
    if (each.id != id) return false;
    withdraw(each);
    return true;
  });
}

inline void port::withdraw(given_grant& given) {
  if (given.row == nullptr) return;
  shared_grants::withdraw(*given.row, [&] {
    const link& on = *given.on;
    return on.server_gone.load() || on.asker_gone.load() || on.asker->is_lost() || on.server->is_lost();
  });
}

/// A link whose page this process shares with `who`.
inline std::shared_ptr<link> port::direct_link_with(endpoint_id who) {
  if (has_new_links_.load(std::memory_order_acquire)) adopt_new();
  for (const link_map* const known : {&directly_asked_, &directly_served_})
    if (const auto at = known->find(who); at != known->end()) return at->second;
  return nullptr;
}

/// Where the one at an end of a link shows its grants to the other.
inline shared_grants& port::grants_of(const link& on, endpoint_id granter) {
  direct_memory& shared = on.direct->shared();
  return on.asker_id == granter ? shared.grants_of_asker : shared.grants_of_server;
}

/// Copies memory of a neighbour; false if that has to be done otherwise.
inline bool port::copy_of_neighbour(granted_range part, std::byte* here, std::size_t bytes, access direction) {
  if (!broker_->may_have_neighbours() || bytes == 0) return false;
  const auto copy_by = [&](const link& on) {
    const pid_t there = on.direct->partner_process();
    return there != 0 && grants_of(on, part.granter).copy(there, part, here, bytes, direction);
  };
  // Most often it is about the request that was taken last.
  if (last_served_ != nullptr && last_served_->asker_id == part.granter && last_served_->direct &&
      copy_by(*last_served_))
    return true;
  if (has_new_links_.load(std::memory_order_acquire)) adopt_new();
  for (const link_map* const known : {&directly_served_, &directly_asked_})
    if (const auto at = known->find(part.granter); at != known->end() && copy_by(*at->second)) return true;
  return false;
}

}  // namespace dvs::userspace

#endif
