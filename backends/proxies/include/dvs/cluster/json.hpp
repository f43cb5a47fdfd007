// SPDX-License-Identifier: MIT
/// @file
/// Configurations and complaints as JSON, for programs: `nlohmann::json(configuration)`, `nlohmann::json(complaints)`.
///
/// The members are those of the file, with numbers instead of units: `heartbeat_ns`, `dead_after_ns`, `batch_bytes`.
/// Nodes, links and DCs are lists, in order of id; nodes are named as in the file.
#ifndef DVS_CLUSTER_JSON_HPP
#define DVS_CLUSTER_JSON_HPP

#include <dvs/cluster/complaint.hpp>
#include <dvs/cluster/configuration.hpp>
#include <dvs/cluster/detail/text.hpp>
#include <dvs/cluster/query.hpp>
#include <nlohmann/json.hpp>

namespace dvs::cluster {

/// An object with the members of the struct; `text` is the line that people get.
inline void to_json(nlohmann::json& out, const complaint& what) {
  out = {{"file", what.file},   {"line", what.line},       {"column", what.column}, {"key", what.key},
         {"value", what.value}, {"problem", what.problem}, {"remedy", what.remedy}, {"text", text_of(what)}};
}

/// `{"proxy": "tcp", "compress": false, "batch_bytes": 65536}`
inline void to_json(nlohmann::json& out, const link_options& how) {
  out = {{"proxy", name_of(how.proxy)}, {"compress", how.compress}, {"batch_bytes", how.batch}};
}

/// An object with the members of the struct.
inline void to_json(nlohmann::json& out, const node& one) {
  out = {{"name", one.name}, {"id", number(one.id)}, {"address", one.address}, {"port", one.port}, {"run", one.run}};
}

/// `{"cluster": {...}, "nodes": [...], "links": [...], "dcs": [...]}`; `key_file` is null when there is none.
inline void to_json(nlohmann::json& out, const configuration& all) {
  const auto name = [&](node_id id) {
    const node* const found = find_node(all, id);
    return found == nullptr ? std::string() : found->name;
  };
  out = {{"nodes", all.nodes}, {"links", nlohmann::json::array()}, {"dcs", nlohmann::json::array()}};
  auto& cluster = out["cluster"] = all.links;
  cluster["name"] = all.name;
  cluster["key_file"] = all.key_file ? nlohmann::json(detail::printable(*all.key_file)) : nlohmann::json();
  cluster["heartbeat_ns"] = all.heartbeat.count();
  cluster["dead_after_ns"] = all.dead_after.count();
  for (const link& each : all.exceptions) {
    nlohmann::json one = each.how;
    one["between"] = {name(each.between[0]), name(each.between[1])};
    if (each.how.proxy == transport::ethernet)
      for (const auto& [key, values] :
           {std::pair("interfaces", &each.interfaces), std::pair("hardware", &each.hardware)})
        one[key] = {{name(each.between[0]), (*values)[0]}, {name(each.between[1]), (*values)[1]}};
    out["links"].push_back(std::move(one));
  }
  for (const dc& each : all.dcs) {
    nlohmann::json one = {{"name", each.name},   {"id", number(each.id)}, {"nodes", nlohmann::json::array()},
                          {"users", each.users}, {"groups", each.groups}, {"strict", each.strict}};
    for (const node_id id : each.nodes) one["nodes"].push_back(name(id));
    one["sizes"] = {{"tasks", each.sizes.tasks},
                    {"servers", each.sizes.servers},
                    {"users", each.sizes.users},
                    {"grants", each.sizes.grants}};
    out["dcs"].push_back(std::move(one));
  }
}

}  // namespace dvs::cluster

#endif
