// SPDX-License-Identifier: MIT
/// @file
/// What cluster files mean, and what a daemon is told about them.
#include <catch2/catch.hpp>
#include <dvs/cluster/query.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "cluster_world.hpp"

namespace {

using dvs::node_id;
using dvs::cluster::transport;
using std::chrono::milliseconds;

dvs::cluster::configuration parsed(const std::string& text) {
  auto read = cluster_world::parse(text);
  INFO(dvs::cluster::text_of(read.complaints()));
  REQUIRE(read.has_value());
  return *std::move(read);
}

const std::string smallest = "[cluster]\nname = \"c\"\nkey_file = \"k\"\n[node.a]\nid = 1\naddress = \"h\"\n";

}  // namespace

TEST_CASE("a file says what a cluster is, and nodes, links and DCs are in order of id") {
  const auto all = parsed(cluster_world::good);
  CHECK(all.name == "lab");
  CHECK_FALSE(all.key_file.has_value());
  CHECK(all.heartbeat == milliseconds(100));
  CHECK(all.dead_after == milliseconds(500));
  CHECK(all.links == dvs::cluster::link_options{transport::udp, true, 32 << 10});
  REQUIRE(all.nodes.size() == 3);
  CHECK(all.nodes[0] == dvs::cluster::node{"disk", node_id{2}, "10.0.0.2", 7400, "/srv/dvs"});
  CHECK(all.nodes[1] == dvs::cluster::node{"client", node_id{3}, "client.lan", 7300, "/run/dvs/client"});
  CHECK(all.nodes[2] == dvs::cluster::node{"web", node_id{5}, "10.0.0.1", 7300, "/run/dvs/web"});
  REQUIRE(all.exceptions.size() == 2);
  CHECK(all.exceptions[0] == dvs::cluster::link{{node_id{2}, node_id{3}}, {transport::udp, true, 0}, {}, {}});
  CHECK(all.exceptions[1] == dvs::cluster::link{{node_id{2}, node_id{5}},
                                                {transport::ethernet, true, 32 << 10},
                                                {"eth2", "eth1"},
                                                {"52:54:00:00:00:02", "52:54:00:00:00:01"}});
  REQUIRE(all.dcs.size() == 2);
  CHECK(all.dcs[0].name == "open");
  CHECK(all.dcs[1].name == "muk");
  CHECK(all.dcs[1].id == dvs::dc_id{7});
  CHECK(all.dcs[1].nodes == std::vector{node_id{2}, node_id{5}});
  CHECK(all.dcs[1].users == std::vector<uid_t>{0, 33, 1000});
  CHECK(all.dcs[1].groups == std::vector<gid_t>{500});
  CHECK(all.dcs[1].strict);
  CHECK(all.dcs[1].sizes == dvs::dc_options{64, 32, 100, 512});
}

TEST_CASE("what a file leaves out has the documented default") {
  const auto all = parsed(smallest + "[dc.d]\nid = 65535\n");
  CHECK(all.key_file == "/etc/dvs/k");
  CHECK(all.heartbeat == milliseconds(100));
  CHECK(all.dead_after == milliseconds(500));
  CHECK(all.links == dvs::cluster::link_options{transport::tcp, false, 64 << 10});
  CHECK(all.nodes.at(0) == dvs::cluster::node{"a", node_id{1}, "h", 7300, "/run/dvs/a"});
  CHECK(all.exceptions.empty());
  CHECK(all.dcs.at(0) == dvs::cluster::dc{"d", dvs::dc_id{65535}, {node_id{1}}, {}, {}, false, {}});
}

TEST_CASE("the silence that counts as a loss grows with a slow heartbeat unless it is written") {
  const auto silence = [](const std::string& keys) {
    return parsed("[cluster]\nname = \"c\"\nsecurity = \"none\"\n" + keys + "[node.a]\nid = 1\naddress = \"h\"\n")
        .dead_after;
  };
  CHECK(silence("heartbeat = \"10ms\"\n") == milliseconds(500));
  CHECK(silence("heartbeat = \"2s\"\n") == milliseconds(10'000));
  CHECK(silence("heartbeat = \"2s\"\ndead_after = \"6s\"\n") == milliseconds(6000));
}

TEST_CASE("the key file is sought from the folder of the configuration on") {
  const auto key_file = [](const std::string& written) {
    std::string text = smallest;
    text.replace(text.find("\"k\""), 3, "\"" + written + "\"");
    return *parsed(text).key_file;
  };
  CHECK(key_file("cluster.key") == "/etc/dvs/cluster.key");
  CHECK(key_file("../keys/a") == "/etc/keys/a");
  CHECK(key_file("/root/key") == "/root/key");
}

TEST_CASE("a file is read from the disk as its text is") {
  const auto path = std::filesystem::temp_directory_path() / ("dvs-cluster-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << cluster_world::good;
  const auto read = dvs::cluster::load(path.string(), cluster_world::machine());
  std::filesystem::remove(path);
  REQUIRE(read.has_value());
  CHECK(*read == parsed(cluster_world::good));
}

TEST_CASE("users and groups of this machine have their numbers") {
  const auto who = dvs::cluster::system_identities();
  CHECK(who.user("root") == uid_t{0});
  CHECK(who.group("root") == gid_t{0});
  CHECK_FALSE(who.user("no such user here").has_value());
  CHECK_FALSE(who.group("no such group here").has_value());
}

TEST_CASE("nodes and DCs are found by name and by id") {
  const auto all = parsed(cluster_world::good);
  CHECK(find_node(all, "client")->id == node_id{3});
  CHECK(find_node(all, node_id{5})->name == "web");
  CHECK(find_node(all, "clien") == nullptr);
  CHECK(find_node(all, node_id{4}) == nullptr);
  CHECK(find_dc(all, "open")->id == dvs::dc_id{0});
  CHECK(find_dc(all, dvs::dc_id{7})->name == "muk");
  CHECK(find_dc(all, "ope") == nullptr);
  CHECK(find_dc(all, dvs::dc_id{1}) == nullptr);
}

TEST_CASE("a node has a link to every other one, and of each pair exactly the one with the lower id dials") {
  const auto all = parsed(cluster_world::good);
  const auto links = links_of(all, node_id{3});
  REQUIRE(links.size() == 2);
  CHECK(links[0].peer->name == "disk");
  CHECK_FALSE(links[0].dials);
  CHECK(links[0].how == all.exceptions[0]);
  CHECK(links[1].peer->name == "web");
  CHECK(links[1].dials);
  CHECK(links[1].how == dvs::cluster::link{{node_id{3}, node_id{5}}, all.links, {}, {}});
  for (const auto& one : all.nodes)
    for (const auto& there : links_of(all, one.id)) {
      const auto back = links_of(all, there.peer->id);
      const auto found = std::ranges::find(back, one.id, [](const auto& each) { return each.peer->id; });
      REQUIRE(found != back.end());
      CHECK(found->dials != there.dials);
      CHECK(found->how == there.how);
    }
}

TEST_CASE("a node has the DCs that name it") {
  const auto all = parsed(cluster_world::good);
  const auto names = [&](node_id where) {
    std::vector<std::string> found;
    for (const auto* each : dcs_of(all, where)) found.push_back(each->name);
    return found;
  };
  CHECK(names(node_id{2}) == std::vector<std::string>{"open", "muk"});
  CHECK(names(node_id{3}) == std::vector<std::string>{"open"});
  CHECK(names(node_id{4}).empty());
}

TEST_CASE("root, the users of a DC and the members of its groups may use it, and nobody else") {
  const auto all = parsed(cluster_world::good);
  const auto& muk = *find_dc(all, "muk");
  const auto& open = *find_dc(all, "open");
  const std::vector<gid_t> none, others{1, 499, 501}, members{1, 500};
  CHECK(may_use(muk, 0, none));
  CHECK(may_use(muk, 33, none));
  CHECK(may_use(muk, 1000, others));
  CHECK(may_use(muk, 7, members));
  CHECK_FALSE(may_use(muk, 7, others));
  CHECK_FALSE(may_use(muk, 500, none));
  CHECK(may_use(open, 0, none));
  CHECK_FALSE(may_use(open, 33, members));
}

TEST_CASE("the user slots of a DC are dealt out by its nodes: all of them, none twice, and evenly") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t most) { return std::uniform_int_distribution<std::uint32_t>(0, most)(random); };
  for (int round = 0; round < 2000; ++round) {
    dvs::cluster::dc one;
    one.sizes.servers = below(4096);
    one.sizes.users = below(round % 2 == 0 ? 40 : (1 << 20) - 8);
    for (std::uint32_t id = below(50); one.nodes.size() < 1 + static_cast<std::size_t>(round % 40); id += 1 + below(9))
      one.nodes.push_back(static_cast<node_id>(id));
    CAPTURE(round, one.sizes.servers, one.sizes.users, one.nodes.size());

    auto next = static_cast<std::int32_t>(one.sizes.servers);
    const std::uint32_t even = one.sizes.users / static_cast<std::uint32_t>(one.nodes.size());
    for (const auto id : one.nodes) {
      const auto range = user_slots(one, id);
      REQUIRE(range.first == next);
      REQUIRE((range.count == even || range.count == even + 1));
      next += static_cast<std::int32_t>(range.count);
    }
    REQUIRE(next == static_cast<std::int32_t>(one.sizes.servers + one.sizes.users));
    CHECK(user_slots(one, node_id{65535}).count == 0);
  }
}
