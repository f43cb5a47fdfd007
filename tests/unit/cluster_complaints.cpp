// SPDX-License-Identifier: MIT
/// @file
/// What is said of wrong cluster files: each complaint, with its exact place.
#include <catch2/catch.hpp>

#include "cluster_world.hpp"

namespace {

using cluster_world::good;

/// What is said of `text`, without the path of the file.
std::string said_of(const std::string& text) {
  const auto read = dvs::cluster::parse(text, "c", cluster_world::machine());
  return dvs::cluster::text_of(read.complaints());
}

/// What is said when the first `from` of the good file is replaced by `to`.
std::string said(const std::string& from, const std::string& to) {
  std::string text = good;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return said_of(text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("a file without mistakes has no complaints") { CHECK(said_of(good).empty()); }

TEST_CASE("a key that does not exist is complained of where it stands, with the one that was meant") {
  CHECK(said("name", "nmae") ==
        "c:1:1: cluster.name: is missing: write name = \"NAME\"\n"
        "c:2:1: cluster.nmae: there is no such key: did you mean name?\n");
  CHECK(said("port = 7400", "  prot = 7400") == "c:17:3: node.disk.prot: there is no such key: did you mean port?\n");
  CHECK(said("strict", "srict") == "c:38:1: dc.muk.srict: there is no such key: did you mean strict?\n");
  CHECK(said("batch = \"0B\"", "colour = 1") ==
        "c:31:1: link.colour: there is no such key: there are between, proxy, compress, batch, interfaces, hardware\n");
  CHECK(said("grants = 512", "grant = 512") ==
        "c:39:50: dc.muk.sizes.grant: there is no such key: did you mean grants?\n");
  CHECK(said("[dc.open]", "[dcs.open]") == "c:41:2: dcs: there is no such key: did you mean dc?\n");
}

TEST_CASE("a value of the wrong type is complained of with the right type") {
  CHECK(
      said("\"lab\"", "5") ==
      "c:2:8: cluster.name: 5 is a whole number: write 1 to 63 letters, digits, - and _, a letter or a digit first\n");
  CHECK(said("security = \"none\"", "key_file = true") ==
        "c:3:12: cluster.key_file: true is true or false: write the path of a file\n");
  CHECK(said("compress = true", "compress = \"yes\"") ==
        "c:7:12: cluster.compress: \"yes\" is text: write true or false, without quotes\n");
  CHECK(said("\"100ms\"", "0.1") ==
        "c:4:13: cluster.heartbeat: 0.1 is a number with a fraction: write \"1ms\" to \"1min\", a whole number and one "
        "of "
        "the units h, min, s, ms, us, ns\n");
  CHECK(said("port = 7400", "port = 7400.0") ==
        "c:17:8: node.disk.port: 7400.0 is a number with a fraction: write a number from 1 to 65535\n");
  CHECK(said("port = 7400", "port = 2020-01-02") ==
        "c:17:8: node.disk.port: 2020-01-02 is a date or a time: write a number from 1 to 65535\n");
  CHECK(said("[\"web\", \"disk\"]\nusers", "\"web\"\nusers") ==
        "c:35:9: dc.muk.nodes: \"web\" is text: write a list of names of nodes\n");
  CHECK(said("nodes = [\"web\"", "nodes = [5") ==
        "c:35:10: dc.muk.nodes: 5 is a whole number: write the name of a node in quotes\n");
  CHECK(said("[\"dvs\"]", "[{ a = [1, \"x\"] }]") ==
        "c:37:11: dc.muk.groups: {a = [1, \"x\"]} is a table: write names or numbers of groups\n");
  CHECK(said("[\"dvs\"]", "\"dvs\"") ==
        "c:37:10: dc.muk.groups: \"dvs\" is text: write a list of names or numbers of groups\n");
  CHECK(said("{ tasks = 64, servers = 32, users = 100, grants = 512 }", "[]") ==
        "c:39:9: dc.muk.sizes: [] is a list: write a table: { users = 4096, ... }\n");
  CHECK(said("{ web = \"eth1\", disk = \"eth2\" }", "[\"eth1\", \"eth2\"]") ==
        "c:27:14: link.interfaces: [\"eth1\", \"eth2\"] is a list: write a table: { NODE = \"eth1\", ... }\n");
}

TEST_CASE("tables that are something else are complained of") {
  CHECK(said_of("cluster = 1\nnode = 2\nlink = [3]\ndc = 4\n") ==
        "c:1:11: cluster: 1 is a whole number: write a table: [cluster]\n"
        "c:2:8: node: 2 is a whole number: write a table for each node: [node.NAME]\n"
        "c:3:9: link: 3 is a whole number: write a table: [[link]]\n"
        "c:4:6: dc: 4 is a whole number: write a table for each DC: [dc.NAME]\n");
  CHECK(said("[[link]]\nbetween = [\"disk\", \"client\"]\nbatch = \"0B\"\n", "[node]\nspare = 1\n") ==
        "c:30:9: node.spare: 1 is a whole number: write a table: [node.NAME]\n");
  CHECK(said("[dc.open]\nid", "[dc]\nopen") == "c:42:8: dc.open: 0 is a whole number: write a table: [dc.NAME]\n");
  CHECK(said_of("[cluster]\nname = \"a\"\nsecurity = \"none\"\n[node.a]\nid = 1\naddress = \"a\"\n[link]\n") ==
        "c:7:1: link: {} is a table: write a table for each exception: [[link]]\n");
}

TEST_CASE("what has to be there and is not is complained of where it belongs") {
  CHECK(said_of("") ==
        "c:1:1: cluster: is missing: write [cluster] with a name, and a key_file or security = \"none\"\n"
        "c:1:1: node: is missing: write a [node.NAME] for each node\n");
  CHECK(said("security = \"none\"\n", "") ==
        "c:1:1: cluster.key_file: is missing: name a file of 64 hex digits, or write security = \"none\" and let "
        "everybody in\n");
  CHECK(said("id = 2\n", "") == "c:14:1: node.disk.id: is missing: write id = N, the number of the node\n");
  CHECK(said("address = \"client.lan\"\n", "") ==
        "c:20:1: node.client.address: is missing: write address = \"...\", a host name or an IP address that the other "
        "nodes can dial\n");
  CHECK(said("between = [\"disk\", \"client\"]\n", "") ==
        "c:29:1: link.between: is missing: write the names of two nodes: between = [\"a\", \"b\"]\n");
  CHECK(said("interfaces = { web = \"eth1\", disk = \"eth2\" }\n", "") ==
        "c:24:1: link.interfaces: is missing: write interfaces = { NODE = \"eth1\", ... } for both nodes\n");
  CHECK(said(", disk = \"eth2\"", "") ==
        "c:27:14: link.interfaces.disk: is missing: write disk = \"eth1\", its network interface\n");
  CHECK(said("hardware = { web = \"52:54:00:00:00:01\", disk = \"52:54:00:00:00:02\" }\n", "") ==
        "c:24:1: link.hardware: is missing: write hardware = { NODE = \"52:54:00:12:34:56\", ... } for both nodes\n");
  CHECK(said(", disk = \"52:54:00:00:00:02\"", "") ==
        "c:28:12: link.hardware.disk: is missing: write disk = \"52:54:00:12:34:56\", the address of its "
        "interface\n");
  CHECK(said("[dc.open]\nid = 0", "[dc.open]") ==
        "c:41:1: dc.open.id: is missing: write id = N, the number of the DC\n");
}

TEST_CASE("a number out of its range is complained of with the range") {
  CHECK(said("id = 5", "id = 65536") == "c:11:6: node.web.id: 65536 is out of range: write a number from 0 to 65534\n");
  CHECK(said("id = 7", "id = -1") == "c:34:6: dc.muk.id: -1 is out of range: write a number from 0 to 65535\n");
  CHECK(said("7400", "0") == "c:17:8: node.disk.port: 0 is out of range: write a number from 1 to 65535\n");
  CHECK(said("7400", "65536") == "c:17:8: node.disk.port: 65536 is out of range: write a number from 1 to 65535\n");
  CHECK(said("1000,", "4294967295,") ==
        "c:36:25: dc.muk.users: 4294967295 is out of range: write a number from 0 to 4294967294\n");
  CHECK(said("[\"dvs\"]", "[-1]") ==
        "c:37:11: dc.muk.groups: -1 is out of range: write a number from 0 to 4294967294\n");
  CHECK(said("tasks = 64", "tasks = 1025") ==
        "c:39:19: dc.muk.sizes.tasks: 1025 is out of range: write a number from 0 to 1024\n");
  CHECK(said("grants = 512", "grants = 1048577") ==
        "c:39:59: dc.muk.sizes.grants: 1048577 is out of range: write a number from 0 to 1048576\n");
  CHECK(
      said("users = 100", "users = 1") ==
      "c:39:45: dc.muk.sizes.users: 1 leaves some of the 2 nodes without a slot to deal out: write at least 2, or 0\n");
  CHECK(said("users = 100", "users = 0").empty());
  CHECK(said("servers = 32", "servers = 4033") ==
        "c:39:9: dc.muk.sizes: {grants = 512, servers = 4033, tasks = 64, users = 100} makes 4097 tasks and servers: "
        "write "
        "numbers that make at most 4096\n");
  CHECK(said("servers = 32", "servers = 4032").empty());
  CHECK(said("tasks = 64, servers = 32, users = 100", "tasks = 0, servers = 4, users = 1048529") ==
        "c:39:9: dc.muk.sizes: {grants = 512, servers = 4, tasks = 0, users = 1048529} makes 1048569 slots: write "
        "numbers "
        "that make at most 1048568\n");
}

TEST_CASE("times and sizes need a unit and a range") {
  const std::string times = "a whole number and one of the units h, min, s, ms, us, ns\n";
  const std::string sizes = "c:8:9: cluster.batch: ",
                    unit = ": write \"0B\" to \"16MiB\", a whole number and one of the units ";
  for (const std::string wrong :
       {"100", "ms", "-1ms", " 1s", "1 s", "1.5s", "9223372036854775808ns", "9223372036854775807s"})
    CHECK(said("100ms", wrong) ==
          "c:4:13: cluster.heartbeat: \"" + wrong + "\" cannot be used: write \"1ms\" to \"1min\", " + times);
  CHECK(said("100ms", "999us") ==
        "c:4:13: cluster.heartbeat: \"999us\" is out of range: write \"1ms\" to \"1min\", " + times);
  CHECK(said("500ms", "11min") ==
        "c:5:14: cluster.dead_after: \"11min\" is out of range: write \"3ms\" to \"10min\", " + times);
  CHECK(said("500ms", "299ms") ==
        "c:5:14: cluster.dead_after: \"299ms\" is less than 3 heartbeats of 100ms: write at least \"300ms\"\n");
  CHECK(said("500ms", "300ms").empty());
  CHECK(said("32KiB", "32kB") == sizes + "\"32kB\" cannot be used" + unit + "GiB, MiB, KiB, B\n");
  CHECK(said("32KiB", "17MiB") == sizes + "\"17MiB\" is out of range" + unit + "GiB, MiB, KiB, B\n");
}

TEST_CASE("names, addresses, paths and words are complained of with what they may be") {
  const std::string name = "write 1 to 63 letters, digits, - and _, a letter or a digit first\n";
  CHECK(said("\"lab\"", "\"\"") == "c:2:8: cluster.name: \"\" is empty: " + name);
  CHECK(said("\"lab\"", "\"a.b\"") == "c:2:8: cluster.name: \"a.b\" cannot be used: " + name);
  CHECK(said("\"lab\"", "\"" + std::string(64, 'a') + "\"") ==
        "c:2:8: cluster.name: \"" + std::string(60, 'a') + "...\" cannot be used: " + name);
  CHECK(said("[dc.open]", "[dc.\"o\\u001bn\"]") == "c:41:5: dc.o\\x1bn: is not a name: " + name);
  CHECK(said("[node.client]\nid = 3\naddress = \"client.lan\"\n", "[node.-x]\nid = 3\naddress = \"client.lan\"\n")
            .starts_with("c:20:7: node.-x: is not a name: " + name));
  for (const std::string wrong : {"10.0.0", "0.0.0.0", "::", "a b", "-a", "10.0.0.256", "a:b"})
    CHECK(said("10.0.0.2", wrong) ==
          "c:16:11: node.disk.address: \"" + wrong +
              "\" cannot be used: write a host name or an IP address that the other nodes can dial\n");
  for (const std::string right : {"fe80::1", "h", "a-b.c", "3com.example"}) CHECK(said("10.0.0.2", right).empty());
  CHECK(said("/srv/dvs", "srv") ==
        "c:18:7: node.disk.run: \"srv\" cannot be used: write an absolute path of at most 80 bytes\n");
  CHECK(said("/srv/dvs", "/" + std::string(80, 'a')).find("c:18:7: node.disk.run: ") == 0);
  CHECK(said("\"none\"", "\"all\"") ==
        "c:3:12: cluster.security: \"all\" cannot be used: write \"none\", or leave it out\n");
  CHECK(said("\"udp\"", "\"sctp\"") ==
        "c:6:9: cluster.proxy: \"sctp\" cannot be used: write one of tcp, udp, udt, ethernet, tipc\n");
  CHECK(said("eth1", "a/b") ==
        "c:27:22: link.interfaces.web: \"a/b\" cannot be used: write the name of a network interface, such as "
        "\"eth1\"\n");
  for (const std::string wrong : {"52:54:00:00:00", "52-54-00-00-00-01", "53:54:00:00:00:01", "00:00:00:00:00:00",
                                  "ff:ff:ff:ff:ff:ff", "52:54:00:00:00:0g", "52:54:00:00:00:01 "})
    CHECK(said("52:54:00:00:00:01", wrong) ==
          "c:28:20: link.hardware.web: \"" + wrong +
              "\" cannot be used: write the hardware address of one interface, such as \"52:54:00:12:34:56\"\n");
  CHECK(said("52:54:00:00:00:01", "AE:54:0f:00:00:01").empty());
}

TEST_CASE("what only one may have is complained of at the second one, with the first") {
  CHECK(said("id = 3", "id = 2") == "c:21:6: node.client.id: 2 is the id of node.disk in line 15: write another one\n");
  CHECK(said("id = 0", "id = 7") == "c:42:6: dc.open.id: 7 is the id of dc.muk in line 34: write another one\n");
  CHECK(said("client.lan", "10.0.0.1") ==
        "c:22:11: node.client.address: \"10.0.0.1\" with port 7300 is where the links of node.web in line 12: write "
        "another one\n");
  CHECK(said("client.lan\"", "10.0.0.2\"\nrun = \"/srv/dvs\"") ==
        "c:23:7: node.client.run: \"/srv/dvs\" is on this machine the folder of node.disk in line 18: write another "
        "one\n");
  CHECK(said("client.lan", "10.0.0.2").empty());  // another port of the same machine
  CHECK(said("\"disk\", \"client\"", "\"disk\", \"web\"") ==
        "c:30:11: link.between: [\"disk\", \"web\"] are linked by the link in line 25 already: keep one of them\n");
  CHECK(said("nodes = [\"web\", \"disk\"]", "nodes = [\"web\", \"disk\", \"web\"]") ==
        "c:35:25: dc.muk.nodes: \"web\" is there twice: keep one of them\n");
}

TEST_CASE("links and DCs are over nodes that exist") {
  CHECK(said("\"web\", \"disk\"]\nproxy", "\"wed\", \"disk\"]\nproxy")
            .starts_with("c:25:12: link.between: \"wed\" is not a node: did you mean web?\n"));
  CHECK(said("nodes = [\"web\", \"disk\"]", "nodes = [\"web\", \"nowhere\"]") ==
        "c:35:17: dc.muk.nodes: \"nowhere\" is not a node: write the NAME of a [node.NAME]\n");
  CHECK(said("nodes = [\"web\", \"disk\"]", "nodes = []") ==
        "c:35:9: dc.muk.nodes: [] is an empty list: name a node, or leave it out for all nodes\n");
  CHECK(said("\"disk\", \"client\"", "\"disk\", \"disk\"") ==
        "c:30:20: link.between: \"disk\" is linked with itself: write the names of two nodes: between = [\"a\", "
        "\"b\"]\n");
  CHECK(said("\"disk\", \"client\"", "\"disk\"") ==
        "c:30:11: link.between: [\"disk\"] has 1 elements: write the names of two nodes: between = [\"a\", \"b\"]\n");
  CHECK(said("disk = \"eth2\"", "disc = \"eth2\"") ==
        "c:27:14: link.interfaces.disk: is missing: write disk = \"eth1\", its network interface\n"
        "c:27:30: link.interfaces.disc: there is no such key: did you mean disk?\n");
}

TEST_CASE("proxies and keys that contradict each other are complained of") {
  CHECK(said("\"udp\"", "\"ethernet\"") ==
        "c:6:9: cluster.proxy: \"ethernet\" needs interfaces, which differ from link to link: write it into each "
        "[[link]]\n");
  CHECK(said("proxy = \"ethernet\"\n", "") ==
        "c:26:14: link.interfaces: {disk = \"eth2\", web = \"eth1\"} is for proxy = \"ethernet\" only: leave it out\n"
        "c:27:12: link.hardware: {disk = \"52:54:00:00:00:02\", web = \"52:54:00:00:00:01\"} is for proxy = "
        "\"ethernet\" only: leave it out\n");
  CHECK(said("security = \"none\"", "security = \"none\"\nkey_file = \"k\"") ==
        "c:3:12: cluster.security: \"none\" contradicts key_file: keep one of the two\n");
}

TEST_CASE("a name that could change a terminal is shown with escapes, also where another text is explained by it") {
  const std::string text = said_of(
      "[node.\"web\\u001b\"]\nid = 1\naddress = \"a\"\n[node.b]\nid = 1\naddress = \"b\"\n"
      "[[link]]\nbetween = [\"web\\u001b\", \"b\"]\nproxy = \"ethernet\"\ninterfaces = { c = 1 }\n"
      "[dc.d]\nid = 1\nnodes = [\"webs\"]\n");
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("c:1:7: node.web\\x1b: is not a name") != std::string::npos);
  CHECK(text.find("c:5:6: node.b.id: 1 is the id of node.web\\x1b in line 2") != std::string::npos);
  CHECK(text.find("c:10:14: link.interfaces.web\\x1b: is missing: write web\\x1b = ") != std::string::npos);
  CHECK(text.find("c:10:16: link.interfaces.c: there is no such key: there are ") != std::string::npos);
  CHECK(text.find("c:13:10: dc.d.nodes: \"webs\" is not a node: did you mean web\\x1b?") != std::string::npos);
}

TEST_CASE("users and groups that the machine does not have are complained of") {
  CHECK(said("\"www\"", "\"wwww\"") ==
        "c:36:10: dc.muk.users: \"wwww\" is not a user of this machine: add it on every node, or write a number\n");
  CHECK(said("\"dvs\"", "\"\"") ==
        "c:37:11: dc.muk.groups: \"\" is not a group of this machine: add it on every node, or write a number\n");
  CHECK(said("\"www\"", "\"root\\u0000www\"") ==
        "c:36:10: dc.muk.users: \"root\\x00www\" is not a user of this machine: add it on every node, or write a "
        "number\n");
}
