// SPDX-License-Identifier: MIT
/// @file
/// Reads `[dc.NAME]`.
#ifndef DVS_CLUSTER_DETAIL_READ_DCS_HPP
#define DVS_CLUSTER_DETAIL_READ_DCS_HPP

#include <dvs/dvk/table.h>

#include <dvs/cluster/detail/read_nodes.hpp>
#include <dvs/cluster/identities.hpp>
#include <limits>
#include <set>

namespace dvs::cluster::detail {

template <class Value>
void sort_once(std::vector<Value>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

/// The nodes of a DC: those that it lists, or all.
inline std::vector<node_id> dc_nodes(section& keys, const node_names& names) {
  std::vector<node_id> found;
  const auto* const list = keys.list("nodes", "a list of names of nodes");
  if (list == nullptr) {
    for (const auto& [name, id] : names.ids) found.push_back(id);
  } else {
    if (list->empty()) keys.refuse("nodes", "is an empty list", "name a node, or leave it out for all nodes");
    std::set<const node_names::entry*> seen;
    for (const auto& each : *list) {
      const auto* const node = names.find(each, keys.full("nodes"), keys.out());
      if (node == nullptr) continue;
      if (!seen.insert(node).second)
        keys.out().add(position_of(each), keys.full("nodes"), shown(each), "is there twice", "keep one of them");
      found.push_back(node->second);
    }
  }
  sort_once(found);
  return found;
}

/// The numbers of a list of accounts, each a number or a name that `lookup` knows. `what` is "user" or "group".
template <class Number, class Lookup>
std::vector<Number> accounts(section& keys, std::string_view key, std::string_view what, Lookup&& lookup) {
  std::vector<Number> found;
  const std::string wanted = "names or numbers of " + std::string(key);
  const auto* const list = keys.list(key, "a list of " + wanted);
  if (list == nullptr) return found;
  for (const auto& each : *list) {
    const auto complain = [&](std::string_view problem, std::string_view remedy) {
      keys.out().add(position_of(each), keys.full(key), shown(each), problem, remedy);
    };
    if (const auto* number = each.as_integer()) {
      // The largest number of the type means "nobody" to the system.
      constexpr std::int64_t most = std::int64_t{std::numeric_limits<Number>::max()} - 1;
      if (number->get() < 0 || number->get() > most)
        complain("is out of range", "write a number from 0 to " + std::to_string(most));
      else
        found.push_back(static_cast<Number>(number->get()));
    } else if (const auto* name = each.as_string()) {
      const auto account = is_account(name->get()) ? lookup(name->get()) : std::nullopt;
      if (account)
        found.push_back(*account);
      else
        complain("is not a " + std::string(what) + " of this machine", "add it on every node, or write a number");
    } else {
      wrong_kind(each, keys.full(key), wanted, keys.out());
    }
  }
  sort_once(found);
  return found;
}

/// `sizes = { ... }` of a DC with so many nodes.
inline dc_options sizes_of(section& dc_keys, std::size_t nodes) {
  dc_options made;
  auto keys = dc_keys.table("sizes", "a table: { users = 4096, ... }");
  if (!keys) return made;
  const auto read = [&](std::string_view key, std::uint32_t most, std::uint32_t& size) {
    if (const auto number = keys->number(key, 0, most)) size = static_cast<std::uint32_t>(*number);
  };
  read("tasks", DVK_TASKS_MAX, made.tasks);
  read("servers", DVK_SYSTEM_MAX, made.servers);
  read("users", DVK_SLOTS_MAX, made.users);
  read("grants", DVK_GRANTS_MAX, made.grants);
  keys->finish();

  // A table has slots for the pseudo sources, whether they are asked for or not.
  const auto tasks = std::max<std::uint32_t>(made.tasks, static_cast<std::uint32_t>(-number(process_events)));
  const auto at_most = [&](std::uint32_t sum, std::uint32_t most, std::string_view of) {
    if (sum > most)
      dc_keys.refuse("sizes", "makes " + std::to_string(sum) + std::string(of),
                     "write numbers that make at most " + std::to_string(most));
  };
  at_most(tasks + made.servers, DVK_SYSTEM_MAX, " tasks and servers");
  at_most(tasks + made.servers + made.users, DVK_SLOTS_MAX, " slots");
  if (made.users != 0 && made.users < nodes)
    keys->refuse("users", "leaves some of the " + std::to_string(nodes) + " nodes without a slot to deal out",
                 "write at least " + std::to_string(nodes) + ", or 0");
  return made;
}

/// `[dc.NAME]`, all of them.
inline void read_dcs(section& root, const node_names& names, const identities& who, configuration& made) {
  auto all = root.table("dc", "a table for each DC: [dc.NAME]");
  if (!all) return;
  unique_values<dc_id> ids;
  for (const auto& [key, value] : all->entries()) {
    dc one;
    one.name = key->str();
    if (!is_name(one.name))
      all->out().add(position_of(key->source().begin), all->full(one.name), {}, "is not a name",
                     "write " + std::string(name_rule));
    auto keys = all->table(key->str(), "a table: [dc.NAME]");
    if (!keys) continue;
    keys->require("id", "write id = N, the number of the DC");
    if (const auto id = keys->number("id", 0, 65535)) {
      one.id = static_cast<dc_id>(*id);
      if (const auto owner = ids.taken_by(one.id, "dc." + one.name, keys->where("id")))
        keys->refuse("id", "is the id of " + *owner, "write another one");
    }
    one.nodes = dc_nodes(*keys, names);
    one.users = accounts<uid_t>(*keys, "users", "user", who.user);
    one.groups = accounts<gid_t>(*keys, "groups", "group", who.group);
    one.strict = keys->flag("strict").value_or(false);
    one.sizes = sizes_of(*keys, one.nodes.size());
    keys->finish();
    made.dcs.push_back(std::move(one));
  }
  std::ranges::sort(made.dcs, {}, &dc::id);
}

}  // namespace dvs::cluster::detail

#endif
