// SPDX-License-Identifier: MIT
/// @file
/// What a daemon asks of a configuration: who a node is, whom it dials, which DCs it has, and who may use them.
///
/// All functions only look at their arguments; the pointers that they return live as long as the configuration.
#ifndef DVS_CLUSTER_QUERY_HPP
#define DVS_CLUSTER_QUERY_HPP

#include <algorithm>
#include <dvs/cluster/configuration.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace dvs::cluster {

/// The node with this name; null when there is none.
[[nodiscard]] inline const node* find_node(const configuration& all, std::string_view name) {
  const auto found = std::ranges::find(all.nodes, name, &node::name);
  return found == all.nodes.end() ? nullptr : &*found;
}

/// The node with this id; null when there is none.
[[nodiscard]] inline const node* find_node(const configuration& all, node_id id) {
  const auto found = std::ranges::lower_bound(all.nodes, id, {}, &node::id);
  return found == all.nodes.end() || found->id != id ? nullptr : &*found;
}

/// The DC with this name; null when there is none.
[[nodiscard]] inline const dc* find_dc(const configuration& all, std::string_view name) {
  const auto found = std::ranges::find(all.dcs, name, &dc::name);
  return found == all.dcs.end() ? nullptr : &*found;
}

/// The DC with this id; null when there is none.
[[nodiscard]] inline const dc* find_dc(const configuration& all, dc_id id) {
  const auto found = std::ranges::lower_bound(all.dcs, id, {}, &dc::id);
  return found == all.dcs.end() || found->id != id ? nullptr : &*found;
}

/// The link between two different nodes, in either order: its exception, or the options of all links.
[[nodiscard]] inline link link_between(const configuration& all, node_id one, node_id other) {
  const std::array<node_id, 2> pair{std::min(one, other), std::max(one, other)};
  const auto found = std::ranges::lower_bound(all.exceptions, pair, {}, &link::between);
  if (found != all.exceptions.end() && found->between == pair) return *found;
  return {pair, all.links, {}, {}};
}

/// A link as one of its two nodes sees it.
struct link_to {
  const node* peer;
  bool dials;  ///< whether this node opens the link; otherwise it listens. The node with the lower id dials.
  link how;
};

/// The links of `self`, one to every other node, in order of the peer's id.
[[nodiscard]] inline std::vector<link_to> links_of(const configuration& all, node_id self) {
  std::vector<link_to> links;
  for (const node& peer : all.nodes)
    if (peer.id != self) links.push_back({&peer, self < peer.id, link_between(all, self, peer.id)});
  return links;
}

/// Whether `where` is one of the nodes of `which`.
[[nodiscard]] inline bool is_on(const dc& which, node_id where) {
  return std::ranges::binary_search(which.nodes, where);
}

/// The DCs that have a part on `where`, in order of id.
[[nodiscard]] inline std::vector<const dc*> dcs_of(const configuration& all, node_id where) {
  std::vector<const dc*> found;
  for (const dc& each : all.dcs)
    if (is_on(each, where)) found.push_back(&each);
  return found;
}

/// Slots of user processes that follow each other.
struct slot_range {
  std::int32_t first;
  std::uint32_t count;  ///< 0: none
  friend bool operator==(const slot_range&, const slot_range&) = default;
};

/// The user slots that `where` deals out to unnamed processes of `which`, so that two nodes never give the same slot.
///
/// The ranges of the nodes of a DC follow each other in order of id, do not overlap, make up all its user slots, and
/// differ in size by at most one. A node without a part in the DC has none.
[[nodiscard]] inline slot_range user_slots(const dc& which, node_id where) {
  const auto found = std::ranges::lower_bound(which.nodes, where);
  const std::uint64_t users = which.sizes.users, nodes = which.nodes.size();
  if (found == which.nodes.end() || *found != where) return {static_cast<std::int32_t>(which.sizes.servers), 0};
  const auto index = static_cast<std::uint64_t>(found - which.nodes.begin());
  const std::uint64_t begin = users * index / nodes, end = users * (index + 1) / nodes;
  return {static_cast<std::int32_t>(which.sizes.servers + begin), static_cast<std::uint32_t>(end - begin)};
}

/// Whether a process of user `uid` with these groups may bind processes in `which`: root, its users, and the members
/// of its groups may.
[[nodiscard]] inline bool may_use(const dc& which, uid_t uid, std::span<const gid_t> gids) {
  if (uid == 0 || std::ranges::binary_search(which.users, uid)) return true;
  return std::ranges::any_of(gids, [&](gid_t gid) { return std::ranges::binary_search(which.groups, gid); });
}

}  // namespace dvs::cluster

#endif
