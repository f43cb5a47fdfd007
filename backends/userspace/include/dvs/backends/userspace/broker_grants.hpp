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
errc broker::with_granted(const port& grantee, granted_range range, std::size_t bytes, access direction, Copy&& copy) {
  const std::shared_lock guard(grants_lock_);
  if (!names_slot(range.granter)) return errc::not_granted;
  dvk_memory memory;
  const int allowed = dvk_grant_check(table(), number(range.granter), number(grantee.id_), number(range.grant),
                                      range.offset, bytes, static_cast<unsigned>(direction), &memory);
  if (allowed != DVK_E_ok) return errc{allowed};
  copy(reinterpret_cast<std::byte*>(memory.address));
  return errc::ok;
}

template <class Copy>
errc broker::with_granted_pair(const port& grantee, granted_range from, granted_range into, std::size_t bytes,
                               Copy&& copy) {
  const std::shared_lock guard(grants_lock_);
  if (!names_slot(from.granter) || !names_slot(into.granter)) return errc::not_granted;
  dvk_memory source, destination;
  int allowed = dvk_grant_check(table(), number(from.granter), number(grantee.id_), number(from.grant), from.offset,
                                bytes, DVK_READ, &source);
  if (allowed == DVK_E_ok)
    allowed = dvk_grant_check(table(), number(into.granter), number(grantee.id_), number(into.grant), into.offset,
                              bytes, DVK_WRITE, &destination);
  if (allowed != DVK_E_ok) return errc{allowed};
  copy(reinterpret_cast<const std::byte*>(source.address), reinterpret_cast<std::byte*>(destination.address));
  return errc::ok;
}

inline errc broker::vcopy_check(const port& self, endpoint_id from, endpoint_id into) {
  if (from == into) return errc::bad_endpoint;
  const std::lock_guard guard(lock_);
  const auto check = [&](endpoint_id party, errc died) {
    if (party == any || party == none) return errc::bad_endpoint;
    if (party == self.id_) return errc::ok;
    dvk_slot* slot = nullptr;
    if (const errc found = find_peer(self, party, died, errc::ok, slot); found != errc::ok) return found;
    if (!dvk_permits(table(), self.index_, DVK_TO, index_of(party))) return errc::trap_denied;
    const published_state state = state_of(*ports_[static_cast<std::size_t>(index_of(party))]);
    const bool blocked = state.doing == activity::receiving || state.doing == activity::awaiting_reply;
    return blocked ? errc::ok : errc::not_waiting;
  };
  const errc source = check(from, errc::source_died);
  return source == errc::ok ? check(into, errc::destination_died) : source;
}

}  // namespace dvs::userspace

#endif
