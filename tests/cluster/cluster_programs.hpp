// SPDX-License-Identifier: MIT
/// @file
/// The nodes of a cluster, each a program dvsd, and one configuration for all.
#ifndef DVS_TESTS_CLUSTER_CLUSTER_PROGRAMS_HPP
#define DVS_TESTS_CLUSTER_CLUSTER_PROGRAMS_HPP

#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/cluster/key.hpp>
#include <fstream>
#include <map>

#include "daemon_program.hpp"

/// Nodes `n1`, `n2`, ... with these numbers, at an address of the loopback device that no other test has, in a
/// directory of their own, with a key.
class cluster_programs {
 public:
  /// `rest`: what the file says besides `[cluster]` and `[node.NAME]`.
  cluster_programs(int nodes, const std::string& proxy, const std::string& rest) {
    if (!dvs::cluster::make_key_file(where_.file("key"))) throw std::runtime_error("no key file");
    std::string text =
        "[cluster]\nname = \"test\"\nkey_file = \"key\"\nheartbeat = \"20ms\"\ndead_after = \"3s\"\nproxy = \"" +
        proxy + "\"\n";
    for (int i = 1; i <= nodes; ++i) {
      text += "[node.n" + std::to_string(i) + "]\nid = " + std::to_string(i) + "\naddress = \"" + address() + "\"\n";
      text += "port = " + std::to_string(port_of(i)) + "\nrun = \"" + folder(i) + "\"\n";
    }
    std::ofstream(file()) << text << rest;
  }

  [[nodiscard]] std::string file() const { return where_.file("cluster.toml"); }
  [[nodiscard]] std::string key_file() const { return where_.file("key"); }
  [[nodiscard]] std::string path(int i) const { return folder(i) + "/node"; }
  [[nodiscard]] static std::uint16_t port_of(int i) { return static_cast<std::uint16_t>(7300 + i); }
  /// Programs that run at the same time have different numbers.
  [[nodiscard]] static std::string address() {
    const auto part = [](int of) { return std::to_string(1 + of % 250); };
    const int number = ::getpid();
    return "127." + part(number / 62'500) + '.' + part(number / 250) + '.' + part(number);
  }

  daemon_program& start(int i) { return start(i, file()); }
  /// With a file of its own.
  daemon_program& start(int i, const std::string& config) {
    return running_
        .try_emplace(i, path(i), std::vector<std::string>{"--config", config, "--node", "n" + std::to_string(i)})
        .first->second;
  }

 private:
  [[nodiscard]] std::string folder(int i) const { return where_.file(("n" + std::to_string(i)).c_str()); }

  own_directory where_;
  std::map<int, daemon_program> running_;
};

/// What a daemon says of its link to a node; null if it knows none.
inline nlohmann::json link_of(dvs::userspace::node& from, int to) {
  auto& home = dynamic_cast<dvs::userspace::attachment&>(*from.implementation().home());
  const auto told = home.ask({{"op", "links"}});
  for (const auto& each : told.value().at("links"))
    if (each.at("node") == to) return each;
  return {};
}

/// Asks until the link is as wanted.
inline void wait_until_link(dvs::userspace::node& from, int to, bool is_up) {
  while (link_of(from, to).at("up") != is_up) continue;
}

#endif
