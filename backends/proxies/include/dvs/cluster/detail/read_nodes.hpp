// SPDX-License-Identifier: MIT
/// @file
/// Reads `[cluster]`, `[node.NAME]` and `[[link]]`.
#ifndef DVS_CLUSTER_DETAIL_READ_NODES_HPP
#define DVS_CLUSTER_DETAIL_READ_NODES_HPP

#include <dvs/cluster/configuration.hpp>
#include <dvs/cluster/detail/section.hpp>
#include <dvs/cluster/detail/words.hpp>
#include <filesystem>
#include <map>

namespace dvs::cluster::detail {

/// The nodes of a file by name. One whose id is wrong is there too, so that nobody complains of its name elsewhere.
struct node_names {
  std::map<std::string, node_id, std::less<>> ids;
  std::vector<std::string_view> words;  ///< the names

  using entry = std::map<std::string, node_id, std::less<>>::value_type;
  /// The node that `at` names; null, and a complaint, for anything else.
  [[nodiscard]] const entry* find(const toml::node& at, std::string_view key, findings& out) const {
    const auto* const text = at.as_string();
    if (text == nullptr) return wrong_kind(at, key, "the name of a node in quotes", out), nullptr;
    const auto found = ids.find(text->get());
    if (found != ids.end()) return &*found;
    if (!out.whole()) return nullptr;
    auto remedy = out.suggestion(text->get(), words);
    if (remedy.empty()) remedy = "write the NAME of a [node.NAME]";
    return out.add(position_of(at), key, in_quotes(text->get()), "is not a node", remedy), nullptr;
  }
};

/// Notes who has a value that only one may have.
template <class Value>
class unique_values {
 public:
  /// Whose `value` is already, and since which line; if it is nobody's, `owner` has it from now on.
  [[nodiscard]] std::optional<std::string> taken_by(const Value& value, const std::string& owner, position at) {
    const auto [found, is_new] = owners_.try_emplace(value, owner + " in line " + std::to_string(at.line));
    return is_new ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<Value, std::string> owners_;
};

/// The keys that both `[cluster]` and `[[link]]` have.
inline link_options link_options_of(section& keys, link_options otherwise) {
  constexpr std::int64_t batch_max = 16 << 20;
  if (const auto proxy = keys.choice("proxy", transports)) otherwise.proxy = *proxy;
  if (const auto compress = keys.flag("compress")) otherwise.compress = *compress;
  if (const auto batch = keys.bytes("batch", 0, batch_max)) otherwise.batch = static_cast<std::uint32_t>(*batch);
  return otherwise;
}

/// `[cluster]`; `folder` is where relative paths begin.
inline void read_cluster(section& root, const std::filesystem::path& folder, configuration& made) {
  using std::chrono::milliseconds, std::chrono::minutes;
  auto keys = root.table("cluster", "a table: [cluster]");
  root.require("cluster", "write [cluster] with a name, and a key_file or security = \"none\"");
  if (!keys) return;

  keys->require("name", "write name = \"NAME\"");
  made.name = keys->text("name", name_rule, is_name).value_or("");

  const auto file = keys->text("key_file", file_rule, is_plain);
  if (file) made.key_file = (folder / *file).lexically_normal().string();
  const auto security =
      keys->text("security", "\"none\", or leave it out", [](const std::string& how) { return how == "none"; });
  if (keys->has("key_file") && security) keys->refuse("security", "contradicts key_file", "keep one of the two");
  if (!keys->has("security"))
    keys->require("key_file", "name a file of 64 hex digits, or write security = \"none\" and let everybody in");

  made.heartbeat = keys->time("heartbeat", milliseconds(1), minutes(1)).value_or(made.heartbeat);
  constexpr int heartbeats_min = 3;
  const auto silence = keys->time("dead_after", heartbeats_min * milliseconds(1), minutes(10));
  made.dead_after = silence.value_or(std::max<duration>(made.dead_after, 5 * made.heartbeat));
  if (silence && *silence < heartbeats_min * made.heartbeat)
    keys->refuse("dead_after", "is less than 3 heartbeats of " + time_text(made.heartbeat),
                 "write at least \"" + time_text(heartbeats_min * made.heartbeat) + "\"");

  made.links = link_options_of(*keys, made.links);
  if (made.links.proxy == transport::ethernet) {
    keys->refuse("proxy", "needs interfaces, which differ from link to link", "write it into each [[link]]");
    made.links.proxy = transport::tcp;
  }
  keys->finish();
}

/// `[node.NAME]`, all of them.
inline node_names read_nodes(section& root, configuration& made) {
  node_names names;
  auto all = root.table("node", "a table for each node: [node.NAME]");
  root.require("node", "write a [node.NAME] for each node");
  if (!all) return names;

  unique_values<node_id> ids;
  unique_values<std::pair<std::string, std::uint16_t>> addresses;
  unique_values<std::pair<std::string, std::string>> folders;
  for (const auto& [key, value] : all->entries()) {
    node one;
    one.name = key->str();
    if (!is_name(one.name))
      all->out().add(position_of(key->source().begin), all->full(one.name), {}, "is not a name",
                     "write " + std::string(name_rule));
    auto keys = all->table(key->str(), "a table: [node.NAME]");
    if (!keys) continue;
    const auto once = [&](auto& values, std::string_view key_of_value, auto&& value_of_it, std::string_view what) {
      if (const auto owner = values.taken_by(value_of_it, "node." + one.name, keys->where(key_of_value)))
        keys->refuse(key_of_value, std::string(what) + " " + *owner, "write another one");
    };

    keys->require("id", "write id = N, the number of the node");
    if (const auto id = keys->number("id", 0, 65534)) {
      one.id = static_cast<node_id>(*id);
      once(ids, "id", one.id, "is the id of");
    }
    keys->require("address", "write address = \"...\", " + std::string(address_rule));
    if (const auto port = keys->number("port", 1, 65535)) one.port = static_cast<std::uint16_t>(*port);
    one.address = keys->text("address", address_rule, is_address).value_or("");
    one.run = keys->text("run", run_rule, is_run).value_or("/run/dvs/" + one.name);
    keys->finish();
    if (!one.address.empty()) {
      once(addresses, "address", std::pair(one.address, one.port),
           "with port " + std::to_string(one.port) + " is where the links of");
      once(folders, "run", std::pair(one.address, one.run), "is on this machine the folder of");
    }
    names.ids.emplace(one.name, one.id);
    made.nodes.push_back(std::move(one));
  }
  for (const auto& [name, id] : names.ids) names.words.push_back(name);
  std::ranges::sort(made.nodes, {}, &node::id);
  return names;
}

/// The two nodes of a link, the lower id first.
using link_ends = std::array<const node_names::entry*, 2>;

inline std::optional<link_ends> ends_of(section& keys, const node_names& names) {
  constexpr std::string_view wanted = "the names of two nodes: between = [\"a\", \"b\"]";
  keys.require("between", "write " + std::string(wanted));
  const auto* const list = keys.list("between", wanted);
  if (list == nullptr) return {};
  const std::string key = keys.full("between");
  std::vector<const node_names::entry*> found;
  for (const auto& each : *list)
    if (const auto* node = names.find(each, key, keys.out())) found.push_back(node);
  if (list->size() != 2) {
    keys.refuse("between", "has " + std::to_string(list->size()) + " elements", "write " + std::string(wanted));
    return {};
  }
  if (found.size() != 2) return {};
  if (found[0] == found[1]) {
    const auto& again = *list->get(1);
    keys.out().add(position_of(again), key, shown(again), "is linked with itself", "write " + std::string(wanted));
    return {};
  }
  if (found[1]->second < found[0]->second) std::swap(found[0], found[1]);
  return link_ends{found[0], found[1]};
}

/// A table with an entry for each of the two nodes, which Ethernet needs and nothing else has.
inline std::optional<section> table_for_ethernet(section& keys, std::string_view key, std::string_view form,
                                                 transport proxy) {
  const std::string table(form);
  auto found = keys.table(key, "a table: " + table);
  if (proxy == transport::ethernet) {
    keys.require(key, "write " + std::string(key) + " = " + table + " for both nodes");
    return found;
  }
  if (keys.has(key)) keys.refuse(key, "is for proxy = \"ethernet\" only", "leave it out");
  return {};
}

/// One `[[link]]` between `ends`.
inline link read_link(section& keys, const std::optional<link_ends>& ends, link_options otherwise) {
  link one;
  one.how = link_options_of(keys, otherwise);
  auto interfaces = table_for_ethernet(keys, "interfaces", "{ NODE = \"eth1\", ... }", one.how.proxy);
  auto hardware = table_for_ethernet(keys, "hardware", "{ NODE = \"52:54:00:12:34:56\", ... }", one.how.proxy);
  keys.finish();
  if (!ends) return one;

  for (std::size_t i = 0; i < 2; ++i) {
    const auto& [name, id] = *(*ends)[i];
    one.between[i] = id;
    if (interfaces) {
      interfaces->require(name, "write " + name + " = \"eth1\", its network interface");
      one.interfaces[i] = interfaces->text(name, interface_rule, is_interface).value_or("");
    }
    if (hardware) {
      hardware->require(name, "write " + name + " = \"52:54:00:12:34:56\", the address of its interface");
      one.hardware[i] = hardware->text(name, hardware_rule, is_hardware).value_or("");
    }
  }
  for (auto* const table : {&interfaces, &hardware})
    if (*table) (*table)->finish();
  return one;
}

/// `[[link]]`, all of them.
inline void read_links(section& root, const node_names& names, configuration& made) {
  const auto* const all = root.list("link", "a table for each exception: [[link]]");
  if (all == nullptr) return;
  unique_values<link_ends> pairs;
  for (const auto& each : *all) {
    const auto* const table = each.as_table();
    if (table == nullptr) {
      wrong_kind(each, "link", "a table: [[link]]", root.out());
      continue;
    }
    section keys(*table, position_of(each), "link", root.out());
    const auto ends = ends_of(keys, names);
    if (const auto first = ends ? pairs.taken_by(*ends, "the link", keys.where("between")) : std::nullopt)
      keys.refuse("between", "are linked by " + *first + " already", "keep one of them");
    made.exceptions.push_back(read_link(keys, ends, made.links));
  }
  std::ranges::sort(made.exceptions, {}, &link::between);
}

}  // namespace dvs::cluster::detail

#endif
