// SPDX-License-Identifier: MIT
/// @file
/// Sizes and privileges of the API in terms of a DVK table.
#ifndef DVS_BACKENDS_USERSPACE_TABLE_RIGHTS_HPP
#define DVS_BACKENDS_USERSPACE_TABLE_RIGHTS_HPP

#include <dvs/dvk/dvk.h>

#include <algorithm>
#include <dvs/backend.hpp>

namespace dvs::userspace {

[[nodiscard]] inline dvk_limits limits_of(const dc_options& sizes) {
  dvk_limits limits{};
  limits.tasks = std::max<std::uint32_t>(sizes.tasks, -number(process_events));
  limits.processes = sizes.servers + sizes.users;
  limits.system_processes = limits.tasks + sizes.servers;
  limits.grants = sizes.grants;
  return limits;
}

/// Calls `visit(endpoint)` for each slot of a system process.
template <class Visitor>
void for_each_system_slot(const dvk_limits& limits, Visitor&& visit) {
  for (std::uint32_t i = 0; i < limits.system_processes; ++i)
    visit(endpoint_id{static_cast<std::int32_t>(i) - static_cast<std::int32_t>(limits.tasks)});
}

/// Sets the calls that `who`, which is bound, may make.
inline void set_calls(dvk_table* table, endpoint_id who, call_set calls) {
  dvk_privileges core{};
  dvk_get_privileges(table, number(who), &core);
  core.calls = calls.bits();
  dvk_set_privileges(table, number(who), &core);
}

/// The calls that a process may make if nothing else was said.
[[nodiscard]] inline call_set default_calls(const dvk_table* table, endpoint_id who) {
  const bool is_system = dvk_is_system(table, dvk_index_of_slot(table, slot_of(who))) != 0;
  return is_system ? call_set::all() : call_set::of_users();
}

/// Gives `who`, which is bound, these privileges.
inline void apply_privileges(dvk_table* table, endpoint_id who, const privileges& rights) {
  set_calls(table, who, rights.calls);
  const auto set = [&](dvk_direction direction, const peer_set& peers) {
    for_each_system_slot(table->limits, [&](endpoint_id peer) {
      dvk_set_peers(table, number(who), direction, number(peer), peers.has(peer));
    });
    dvk_set_peers(table, number(who), direction, DVK_USERS, peers.has_users());
  };
  set(DVK_TO, rights.to);
  set(DVK_FROM, rights.from);
}

/// What `who`, which is bound, may do.
[[nodiscard]] inline privileges read_privileges(const dvk_table* table, endpoint_id who) {
  privileges rights;
  dvk_privileges core{};
  dvk_get_privileges(table, number(who), &core);
  rights.calls = call_set(static_cast<std::uint32_t>(core.calls));
  const auto read = [&](dvk_direction direction) {
    const auto has = [&](dvk_endpoint peer) {
      int allowed = 0;
      dvk_get_peers(table, number(who), direction, peer, &allowed);
      return allowed != 0;
    };
    peer_set peers = peer_set::all().users(has(DVK_USERS));
    for_each_system_slot(table->limits, [&](endpoint_id peer) {
      if (!has(number(peer))) peers = std::move(peers).without(peer);
    });
    return peers;
  };
  rights.to = read(DVK_TO);
  rights.from = read(DVK_FROM);
  return rights;
}

}  // namespace dvs::userspace

#endif
