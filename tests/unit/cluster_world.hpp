// SPDX-License-Identifier: MIT
/// @file
/// A cluster file without mistakes, and a machine with three users and two groups.
#ifndef DVS_TESTS_UNIT_CLUSTER_WORLD_HPP
#define DVS_TESTS_UNIT_CLUSTER_WORLD_HPP

#include <dvs/cluster/load.hpp>
#include <map>
#include <string>

namespace cluster_world {

inline const std::string good = R"([cluster]
name = "lab"
security = "none"
heartbeat = "100ms"
dead_after = "500ms"
proxy = "udp"
compress = true
batch = "32KiB"

[node.web]
id = 5
address = "10.0.0.1"

[node.disk]
id = 2
address = "10.0.0.2"
port = 7400
run = "/srv/dvs"

[node.client]
id = 3
address = "client.lan"

[[link]]
between = ["web", "disk"]
proxy = "ethernet"
interfaces = { web = "eth1", disk = "eth2" }
hardware = { web = "52:54:00:00:00:01", disk = "52:54:00:00:00:02" }
[[link]]
between = ["disk", "client"]
batch = "0B"

[dc.muk]
id = 7
nodes = ["web", "disk"]
users = ["www", "root", 1000, 33]
groups = ["dvs"]
strict = true
sizes = { tasks = 64, servers = 32, users = 100, grants = 512 }

[dc.open]
id = 0
)";

inline dvs::cluster::identities machine() {
  static const std::map<std::string, uid_t> users{{"root", 0}, {"www", 33}, {"ann", 1000}};
  static const std::map<std::string, gid_t> groups{{"root", 0}, {"dvs", 500}};
  const auto in = [](const auto& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  };
  return {[=](const std::string& name) { return in(users, name); },
          [=](const std::string& name) { return in(groups, name); }};
}

inline auto parse(const std::string& text) { return dvs::cluster::parse(text, "/etc/dvs/cluster.toml", machine()); }

}  // namespace cluster_world

#endif
