// SPDX-License-Identifier: MIT
/// @file
/// The commands dvs node and dvs dc, and how commands fail.
#include <sys/stat.h>

#include "command_house.hpp"

using dvms_test::house;
using dvms_test::outcome;
using dvms_test::words;
using nlohmann::json;

TEST_CASE("a node that was started listens, says what it has, and is gone when it was stopped") {
  const house here;
  const json begun = here.ask({"node", "start", "--node", "7"});
  CHECK(begun.at("socket") == here.socket());
  CHECK(begun.at("node") == 7);
  REQUIRE(here.dvs({"dc", "create", "lab"}).status == 0);
  const json status = here.ask({"node", "status"});
  CHECK(status.at("reachable") == true);
  CHECK(status.at("node") == 7);
  CHECK(status.at("process") == begun.at("process"));
  CHECK(status.at("lines") == 0);
  CHECK(status.at("commands") == 0);
  CHECK(status.at("dcs") == 1);
  CHECK(here.dvs({"node", "stop"}).status == 0);
  CHECK(::access(here.socket().c_str(), F_OK) != 0);
  CHECK(here.dvs({"node", "status"}).status == 1);
}

TEST_CASE("a node in the foreground is the process that was started, and ends as it is told") {
  const house here;
  auto daemon = here.start({"node", "start", "--foreground"});
  CHECK(daemon.line() == "dvsd: node 0, at " + here.socket());
  CHECK(here.ask({"node", "status"}).at("process") == daemon.process());
  CHECK(here.dvs({"node", "stop"}).status == 0);
  CHECK(here.end(daemon).status == 0);
}

TEST_CASE("nodes of a configuration listen where it says, name their cluster, and list their links") {
  const house here;
  const std::string address =
      "127.77." + std::to_string(1 + ::getpid() / 250 % 250) + "." + std::to_string(1 + ::getpid() % 250);
  std::string text =
      "[cluster]\nname = \"pond\"\nsecurity = \"none\"\n[dc.lab]\nid = 7\nusers = [4711]\nstrict = true\n";
  for (const std::string each : {"1", "2"})
    text += "[node.n" + each + "]\nid = " + each + "\naddress = \"" + address + "\"\nport = 730" + each + "\nrun = \"" +
            here.file("n") + each + "\"\n";
  std::ofstream(here.file("pond.toml")) << text;
  ::unsetenv("DVS_NODE");
  const std::string sockets[] = {here.file("n1/node"), here.file("n2/node")};
  const json begun = here.ask({"node", "start", "--config", here.file("pond.toml"), "--node", "n1"});
  CHECK(begun.at("socket") == sockets[0]);
  CHECK(begun.at("node") == 1);
  const outcome other = here.dvs({"node", "start", "--config", here.file("pond.toml"), "--node", "n2"});
  CHECK(other.out.starts_with("node 2 (n2 of pond), at " + sockets[1] + ", process "));
  CHECK(here.dvs({"node", "start", "--config", here.file("pond.toml"), "--node", "n1"}).status == 1);

  const json status = here.ask({"node", "status", "--socket", sockets[0]});
  CHECK(status.at("cluster") == "pond");
  CHECK(status.at("name") == "n1");
  CHECK(here.dvs({"node", "status", "--socket", sockets[1]}).out.find("cluster   pond\n") != std::string::npos);
  const json lab = here.ask({"dc", "list", "--socket", sockets[1]}).at("dcs").at(0);
  CHECK(lab.at("name") == "lab");
  CHECK(lab.at("dc") == 7);
  CHECK(lab.at("sizes").at("strict") == true);
  json links;
  do links = here.ask({"link", "list", "--socket", sockets[0]}).at("links");
  while (links.at(0).at("up") == false);
  REQUIRE(links.size() == 1);
  CHECK(links[0].at("name") == "n2");
  CHECK(links[0].at("proxy") == "tcp");
  CHECK(links[0].at("reconnects") == 0);
  const outcome shown = here.dvs({"link", "list", "--socket", sockets[0]});
  CHECK(shown.out.starts_with("NODE  NAME  PROXY  STATE"));
  CHECK(shown.out.find("   2  n2    tcp    up") != std::string::npos);
  for (const std::string& each : sockets) CHECK(here.dvs({"node", "stop", "--socket", each}).status == 0);
}

TEST_CASE("a configuration that cannot be used is complained of as compilers do, and as JSON") {
  const house here;
  std::ofstream(here.file("pond.toml")) << "[cluster]\nname = \"pond\"\nsecurity = \"nothing\"\n";
  const words line{"node", "start", "--config", here.file("pond.toml"), "--node", "n1"};
  const outcome text = here.dvs(line);
  CHECK(text.status == 1);
  CHECK(text.err.starts_with(here.file("pond.toml") + ":1:1: node: is missing: "));
  CHECK(text.err.find("\n" + here.file("pond.toml") + ":3:12: cluster.security: ") != std::string::npos);
  words with_json = line;
  with_json.push_back("--json");
  CHECK(here.dvs(with_json).json().at("error") == "bad_value");
}

TEST_CASE("a second daemon is not started at the same socket, and the first goes on") {
  const house here;
  const json first = here.ask({"node", "start"});
  const outcome second = here.dvs({"node", "start"});
  CHECK(second.status == 1);
  CHECK(second.err.starts_with("dvs: a daemon listens at " + here.socket() + " already; "));
  CHECK(here.ask({"node", "status"}).at("process") == first.at("process"));
}

TEST_CASE("a daemon that cannot listen says why") {
  const house here;
  const outcome how = here.dvs({"node", "start", "--socket", "/proc/nowhere/node"});
  CHECK(how.status == 1);
  CHECK(how.err.find("/proc/nowhere") != std::string::npos);
}

TEST_CASE("a DC that was created stays after its command, is listed with its sizes, and ends when that is wanted") {
  const house here;
  REQUIRE(here.dvs({"node", "start"}).status == 0);
  CHECK(here.ask({"dc", "create", "lab", "--users", "9", "--servers", "8", "--tasks", "40", "--grants", "6", "--strict",
                  "--allow-user", "root", "--allow-group", "4711"})
            .at("name") == "lab");
  const json rows = here.ask({"dc", "list"}).at("dcs");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("name") == "lab");
  CHECK(rows[0].at("sizes") == json{{"users", 9}, {"servers", 8}, {"tasks", 40}, {"grants", 6}, {"strict", true}});
  CHECK(rows[0].at("may_enter") == true);
  CHECK(rows[0].at("stays") == true);
  CHECK(here.dvs({"dc", "list"}).out.find("lab") != std::string::npos);
  CHECK(here.dvs({"dc", "end", "lab"}).status == 0);
  CHECK(here.ask({"dc", "list"}).at("dcs").empty());
}

TEST_CASE("a DC may have the name of a command") {
  const house here;
  REQUIRE(here.dvs({"node", "start"}).status == 0);
  for (const char* name : {"list", "ps", "node"}) {
    CHECK(here.dvs({"dc", "create", name}).status == 0);
    CHECK(here.dvs({"dc", "end", name}).status == 0);
  }
}

TEST_CASE("who may not enter a DC is told its name and not its owner, and cannot end it") {
  if (::geteuid() != 0) return;  // nobody else can become another user
  const house here;
  here.open_lab();
  REQUIRE(here.dvs({"dc", "create", "open", "--allow-user", "12345"}).status == 0);
  REQUIRE(::chmod(here.socket().c_str(), 0666) == 0);
  REQUIRE(::chmod(here.file("").c_str(), 0755) == 0);
  const auto as_other = [&](words arguments) {
    const words who{"/usr/bin/setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", DVS_COMMAND};
    arguments.insert(arguments.begin(), who.begin(), who.end());
    return here.call(std::move(arguments));
  };
  if (as_other({"--version"}).status != 0) return;  // the program lies where that user cannot go
  const json rows = as_other({"dc", "list", "--json"}).json().at("dcs");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("may_enter") == false);
  CHECK(!rows[0].contains("owner"));
  CHECK(rows[1].at("may_enter") == true);
  CHECK(as_other({"dc", "end", "lab"}).err.starts_with("dvs: you may not enter the DC lab; "));
  CHECK(as_other({"dc", "end", "open"}).err.starts_with("dvs: you may not end the DC open; "));
  CHECK(as_other({"node", "stop"}).err.starts_with("dvs: the daemon at " + here.socket() + " belongs to user 0; "));
  CHECK(here.ask({"dc", "list"}).at("dcs").size() == 2);
}

TEST_CASE("a failure names the socket and the remedy, as text and as JSON, with status 1") {
  const house here;
  const std::string what = "no daemon at " + here.socket() + "; start one with dvs node start";
  for (const words& line : {words{"node", "status"}, words{"node", "stop"}, words{"dc", "list"}, words{"link", "list"},
                            words{"dc", "end", "x"}, words{"dc", "create", "x"}, words{"ps"},
                            words{"top", "--count", "1"}, words{"run", "--dc", "x", "--", "true"}}) {
    INFO(line.front());
    const outcome text = here.dvs(line);
    CHECK(text.status == 1);
    CHECK(text.out.empty());
    CHECK(text.err.starts_with("dvs: " + what));
    words with_json{"--json"};
    with_json.insert(with_json.end(), line.begin(), line.end());
    const outcome document = here.dvs(with_json);
    CHECK(document.status == 1);
    CHECK(document.json().at("error") == "not_connected");
    CHECK(document.json().at("message").get<std::string>().starts_with(what));
  }
  here.open_lab();
  const auto error_of = [&](words line) {
    line.push_back("--json");
    const outcome how = here.dvs(std::move(line));
    CHECK(how.status == 1);
    return how.json().at("error").get<std::string>();
  };
  CHECK(error_of({"dc", "create", "lab"}) == "exists");
  CHECK(error_of({"dc", "create", "large", "--users", "99999999"}) == "range");
  CHECK(error_of({"dc", "create", "x", "--allow-user", "no such user"}) == "no_entry");
  CHECK(error_of({"dc", "end", "x"}) == "no_entry");
  CHECK(error_of({"ps", "--dc", "x"}) == "no_entry");
}

TEST_CASE("a wrong command line is status 2, whatever is wrong with it") {
  const house here;
  for (const words& line :
       {words{}, words{"frob"}, words{"node"}, words{"dc", "create"}, words{"dc", "list", "more"}, words{"run", "true"},
        words{"run", "--dc", "x"}, words{"node", "start", "--mode", "999"}, words{"node", "start", "--node", "65535"},
        words{"node", "start", "--node", "n1"}, words{"node", "start", "--config", "pond.toml"}, words{"link"},
        words{"dc", "create", "x", "--pids", "9"}, words{"dc", "create", "x", "--container", "--cpus", "0"},
        words{"top", "--interval", "0"}, words{"ps", "--frob"}, words{"completion", "fish"}}) {
    const outcome how = here.dvs(line);
    CHECK(how.status == 2);
    CHECK(!how.err.empty());
  }
  CHECK(here.dvs({"--json", "frob"}).json().at("error") == "bad_argument");
  CHECK(here.dvs({"--help"}).status == 0);
  CHECK(here.dvs({"run", "--help"}).status == 0);
}

TEST_CASE("the doctor says what is wrong, and that it is mended") {
  const house here;
  const outcome ill = here.dvs({"doctor", "--json"});
  CHECK(ill.status == 1);
  CHECK(ill.json().at("well") == false);
  CHECK(ill.json().at("findings")[0].at("subject") == "socket");
  CHECK(ill.json().at("findings")[0].at("remedy") == "start one with dvs node start");
  REQUIRE(here.dvs({"node", "start"}).status == 0);
  const json found = here.ask({"doctor"}).at("findings");
  words subjects;
  for (const json& each : found) {
    subjects.push_back(each.at("subject"));
    CHECK(each.contains("remedy") == (each.at("state") != "ok"));
  }
  CHECK(subjects == words{"permissions", "socket", "version", "dvsd", "memfd", "pidfd", "process_vm_readv",
                          "open files", "namespaces", "cgroup v2"});
}
