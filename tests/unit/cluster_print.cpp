// SPDX-License-Identifier: MIT
/// @file
/// Cluster configurations as TOML and as JSON.
#include <catch2/catch.hpp>
#include <dvs/cluster/json.hpp>
#include <dvs/cluster/print.hpp>
#include <fstream>
#include <random>
#include <set>

#include "cluster_world.hpp"

namespace {

namespace cluster = dvs::cluster;

/// Any configuration that keeps the rules of the file.
class random_cluster {
 public:
  explicit random_cluster(std::uint32_t seed) : random_(seed) {}

  cluster::configuration make() {
    cluster::configuration made;
    made.name = name();
    if (flip()) made.key_file = "/" + text() + "/" + text();
    made.heartbeat = std::chrono::microseconds(below(1000, 60'000'000));
    made.dead_after = 3 * made.heartbeat + dvs::duration(below(0, 1'000'000'000));
    made.links = options(cluster::transport::udt);
    std::set<int> ids, dc_ids;
    for (int i = below(1, 9); i > 0; --i) ids.insert(below(0, flip() ? 20 : 65534));
    for (const int id : ids) made.nodes.push_back(node(id));
    for (std::size_t i = 0; i < made.nodes.size(); ++i)
      for (std::size_t j = i + 1; j < made.nodes.size(); ++j)
        if (below(0, 3) == 0) made.exceptions.push_back(link(made.nodes[i].id, made.nodes[j].id));
    for (int i = below(0, 5); i > 0; --i) dc_ids.insert(below(0, 65535));
    for (const int id : dc_ids) made.dcs.push_back(dc(id, made.nodes));
    return made;
  }

 private:
  int below(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
  bool flip() { return below(0, 1) == 1; }
  std::string name() { return "n" + std::to_string(names_++) + (flip() ? "-_" : "") + (flip() ? "Z9" : ""); }
  std::string text() {
    static constexpr std::string_view parts[] = {"a", " ", "\"", "\\", "#", "'", "\u00e9", "=", "]", "\U0001F600"};
    std::string made = "t";
    for (int i = below(0, 9); i > 0; --i) made += parts[below(0, std::size(parts) - 1)];
    return made;
  }
  cluster::link_options options(cluster::transport last) {
    return {static_cast<cluster::transport>(below(0, static_cast<int>(last))), flip(),
            static_cast<std::uint32_t>(below(0, 16) * (flip() ? 1 : 1 << 20))};
  }
  cluster::node node(int id) {
    const auto host = flip() ? "10.0.0." + std::to_string(below(1, 254)) : "h" + std::to_string(names_);
    return {name(), static_cast<dvs::node_id>(id), host, static_cast<std::uint16_t>(1000 + names_),
            "/" + text() + name()};
  }
  std::string hardware() { return "52:54:00:00:00:" + std::to_string(below(10, 99)); }
  cluster::link link(dvs::node_id low, dvs::node_id high) {
    cluster::link made{{low, high}, options(cluster::transport::tipc), {}, {}};
    if (made.how.proxy == cluster::transport::ethernet) {
      made.interfaces = {name(), name()};
      made.hardware = {hardware(), hardware()};
    }
    return made;
  }
  cluster::dc dc(int id, const std::vector<cluster::node>& nodes) {
    cluster::dc made{name(), static_cast<dvs::dc_id>(id), {}, {}, {}, flip(), {}};
    for (const auto& each : nodes)
      if (flip() || each.id == nodes.front().id) made.nodes.push_back(each.id);
    std::set<uid_t> numbers;
    for (int i = below(0, 4); i > 0; --i) numbers.insert(flip() ? 4294967294u : static_cast<uid_t>(below(0, 2000)));
    made.users.assign(numbers.begin(), numbers.end());
    if (flip()) made.groups = made.users;
    const auto size = [&](int most) { return static_cast<std::uint32_t>(below(0, most)); };
    made.sizes = {size(1024), size(3000), 10 + size(1'000'000), size(1 << 20)};
    return made;
  }

  std::mt19937 random_;
  int names_ = 0;
};

}  // namespace

TEST_CASE("a printed configuration says everything, defaults too") {
  const std::string text =
      "[cluster]\nname = \"c\"\nkey_file = \"k\"\n[node.a]\nid = 1\naddress = \"h\"\n[node.b]\n"
      "id = 0\naddress = \"i\"\n[[link]]\nbetween = [\"a\", \"b\"]\nproxy = \"ethernet\"\n"
      "interfaces = { a = \"e0\", b = \"e1\" }\n"
      "hardware = { a = \"52:54:00:00:00:01\", b = \"52:54:00:00:00:02\" }\n[dc.d]\nid = 9\nusers = [\"www\", "
      "\"ann\"]\n";
  const auto read = cluster_world::parse(text);
  REQUIRE(read.has_value());
  CHECK(to_toml(*read) == R"([cluster]
name = "c"
key_file = "/etc/dvs/k"
heartbeat = "100ms"
dead_after = "500ms"
proxy = "tcp"
compress = false
batch = "64KiB"

[node.b]
id = 0
address = "i"
port = 7300
run = "/run/dvs/b"

[node.a]
id = 1
address = "h"
port = 7300
run = "/run/dvs/a"

[[link]]
between = ["b", "a"]
proxy = "ethernet"
compress = false
batch = "64KiB"
interfaces = { b = "e1", a = "e0" }
hardware = { b = "52:54:00:00:00:02", a = "52:54:00:00:00:01" }

[dc.d]
id = 9
nodes = ["b", "a"]
users = [33, 1000]
groups = []
strict = false
sizes = { tasks = 64, servers = 64, users = 4096, grants = 16384 }
)");
}

TEST_CASE("parsing what was printed gives the same configuration") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  random_cluster random(seed);
  for (int round = 0; round < 500; ++round) {
    const auto original = random.make();
    const std::string text = to_toml(original);
    const auto again = cluster_world::parse(text);
    INFO(text << cluster::text_of(again.complaints()));
    REQUIRE(again.has_value());
    REQUIRE(*again == original);
    REQUIRE(to_toml(*again) == text);
  }
}

TEST_CASE("times and sizes are printed in the largest unit without a fraction") {
  using namespace std::chrono_literals;
  CHECK(cluster::detail::time_text(0ns) == "0ns");
  CHECK(cluster::detail::time_text(1500us) == "1500us");
  CHECK(cluster::detail::time_text(120s) == "2min");
  CHECK(cluster::detail::bytes_text(0) == "0B");
  CHECK(cluster::detail::bytes_text(1536) == "1536B");
  CHECK(cluster::detail::bytes_text(3 << 20) == "3MiB");
}

TEST_CASE("texts that a program puts into a configuration are printed as TOML, whatever they are") {
  CHECK(cluster::detail::toml_text("a\"\\\n\x7f") == R"("a\"\\\u000a\u007f")");
  CHECK(cluster::detail::toml_key("a.b") == "\"a.b\"");
  CHECK(cluster::detail::toml_key("a-b") == "a-b");
}

TEST_CASE("a configuration as JSON has numbers without units, and lists in order of id") {
  const auto read = cluster_world::parse(cluster_world::good);
  REQUIRE(read.has_value());
  CHECK(nlohmann::json(*read) == nlohmann::json::parse(R"({
    "cluster": {"name": "lab", "key_file": null, "heartbeat_ns": 100000000, "dead_after_ns": 500000000,
                "proxy": "udp", "compress": true, "batch_bytes": 32768},
    "nodes": [{"name": "disk", "id": 2, "address": "10.0.0.2", "port": 7400, "run": "/srv/dvs"},
              {"name": "client", "id": 3, "address": "client.lan", "port": 7300, "run": "/run/dvs/client"},
              {"name": "web", "id": 5, "address": "10.0.0.1", "port": 7300, "run": "/run/dvs/web"}],
    "links": [{"between": ["disk", "client"], "proxy": "udp", "compress": true, "batch_bytes": 0},
              {"between": ["disk", "web"], "proxy": "ethernet", "compress": true, "batch_bytes": 32768,
               "interfaces": {"disk": "eth2", "web": "eth1"},
               "hardware": {"disk": "52:54:00:00:00:02", "web": "52:54:00:00:00:01"}}],
    "dcs": [{"name": "open", "id": 0, "nodes": ["disk", "client", "web"], "users": [], "groups": [], "strict": false,
             "sizes": {"tasks": 64, "servers": 64, "users": 4096, "grants": 16384}},
            {"name": "muk", "id": 7, "nodes": ["disk", "web"], "users": [0, 33, 1000], "groups": [500],
             "strict": true, "sizes": {"tasks": 64, "servers": 32, "users": 100, "grants": 512}}]})"));
}

TEST_CASE("every file that the documentation shows is a configuration") {
  auto who = cluster_world::machine();
  who.user = [](const std::string& name) { return name == "www-data" ? std::optional<uid_t>(33) : std::nullopt; };
  std::ifstream in(DVS_DOCS "/cluster.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const std::string begin = "\n```toml\n", end = "\n```\n";
  std::vector<std::size_t> nodes;
  for (auto at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    const auto read = cluster::parse(page.substr(at, page.find(end, at) - at), "cluster.toml", who);
    INFO(cluster::text_of(read.complaints()));
    REQUIRE(read.has_value());
    nodes.push_back(read->nodes.size());
  }
  CHECK(nodes == std::vector<std::size_t>{3, 1});
  CHECK(cluster::load(DVS_DOCS "/cluster.toml", who).has_value());
}
