// SPDX-License-Identifier: MIT
/// @file
/// The grants of a DC.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_GRANTS_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_GRANTS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline result<grant_id> broker::grant(const port& owner, endpoint_id to, std::uint64_t address, std::uint64_t bytes,
                                      access direction) {
  const std::lock_guard guard(grants_lock_);
  dvk_grant_id id;
  const int made =
      dvk_grant_direct(table(), number(owner.id_), to == any ? static_cast<dvk_endpoint>(DVK_ANY) : number(to), address,
                       bytes, static_cast<unsigned>(direction), &id);
  if (made != DVK_E_ok) return errc{made};
  return grant_id{id};
}

inline result<grant_id> broker::grant_indirect(const port& owner, endpoint_id to, granted_range part,
                                               std::uint64_t bytes, access direction) {
  const std::lock_guard guard(grants_lock_);
  dvk_grant_id id;
  const int made = dvk_grant_indirect(table(), number(owner.id_), number(to), number(part.granter), number(part.grant),
                                      part.offset, bytes, static_cast<unsigned>(direction), &id);
  if (made != DVK_E_ok) return errc{made};
  return grant_id{id};
}

inline errc broker::revoke(const port& owner, grant_id id) {
  const std::lock_guard guard(grants_lock_);  // waits for the copies under way
  return errc{dvk_grant_revoke(table(), number(owner.id_), number(id))};
}

template <class Copy>
errc broker::with_granted(endpoint_id grantee, granted_range range, std::uint64_t bytes, access direction,
                          dvk_memory& where, Copy&& copy, std::uint32_t depth) {
  const std::shared_lock guard(grants_lock_);
  if (!names_slot(range.granter)) return errc::not_granted;
  const int allowed = dvk_grant_check(table(), number(range.granter), number(grantee), number(range.grant),
                                      range.offset, bytes, static_cast<unsigned>(direction), depth, &where);
  if (allowed != DVK_E_ok) return errc{allowed};
  if (where.node == DVK_HERE) copy(reinterpret_cast<std::byte*>(where.address));
  return errc::ok;
}

template <class Copy>
errc broker::with_granted_here(endpoint_id grantee, granted_range range, std::uint64_t bytes, access direction,
                               Copy&& copy) {
  dvk_memory where;
  const errc outcome = with_granted(grantee, range, bytes, direction, where, copy);
  return outcome == errc::ok && where.node != DVK_HERE ? errc::not_granted : outcome;
}

template <class Copy>
errc broker::with_granted_pair(endpoint_id grantee, granted_range from, granted_range into, std::uint64_t bytes,
                               dvk_memory& origin, dvk_memory& destination, Copy&& copy) {
  const std::shared_lock guard(grants_lock_);
  if (!names_slot(from.granter) || !names_slot(into.granter)) return errc::not_granted;
  int allowed = dvk_grant_check(table(), number(from.granter), number(grantee), number(from.grant), from.offset, bytes,
                                DVK_READ, 0, &origin);
  if (allowed == DVK_E_ok)
    allowed = dvk_grant_check(table(), number(into.granter), number(grantee), number(into.grant), into.offset, bytes,
                              DVK_WRITE, 0, &destination);
  if (allowed != DVK_E_ok) return errc{allowed};
  if (origin.node == DVK_HERE && destination.node == DVK_HERE)
    copy(reinterpret_cast<const std::byte*>(origin.address), reinterpret_cast<std::byte*>(destination.address));
  return errc::ok;
}

/// Tests the parties of a copy by address, and says where they are.
inline errc broker::vcopy_check(const port& self, endpoint_id from, endpoint_id into, dvk_memory& origin,
                                dvk_memory& destination) {
  if (from == into) return errc::bad_endpoint;
  const std::lock_guard guard(lock_);
  const auto check = [&](endpoint_id party, errc died, dvk_memory& where) {
    where = {number(party), 0, DVK_HERE, DVK_NO_GRANT, number(self.id_), 0};
    if (party == any || party == none) return errc::bad_endpoint;
    if (party == self.id_) return errc::ok;
    dvk_slot* slot = nullptr;
    if (const errc found = find_peer(self, party, died, errc::ok, slot); found != errc::ok) return found;
    if (!dvk_permits(table(), self.index_, DVK_TO, index_of(party))) return errc::trap_denied;
    where.node = slot->node;
    if (where.node != DVK_HERE) return errc::ok;  // whether it is blocked is tested there
    return holds_still(*ports_[static_cast<std::size_t>(index_of(party))]) ? errc::ok : errc::not_waiting;
  };
  const errc source = check(from, errc::source_died, origin);
  return source == errc::ok ? check(into, errc::destination_died, destination) : source;
}

}  // namespace dvs::userspace

#endif
