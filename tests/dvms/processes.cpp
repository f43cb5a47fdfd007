// SPDX-License-Identifier: MIT
/// @file
/// The commands dvs run, dvs ps and dvs top, with programs that take the place they are told.
#include <sys/stat.h>

#include "command_house.hpp"

using dvms_test::house;
using dvms_test::outcome;
using dvms_test::words;
using nlohmann::json;

TEST_CASE("a program that was run is shown with its place, its messages, and whom it waits for") {
  const house here;
  here.open_lab();
  auto server = here.start({"run", "--dc", "lab", "--endpoint", "1", "--name", "ponger", "--", DVS_PARTY});
  REQUIRE(server.line() == "bound 1");
  auto client = here.start({"run", "--dc", "lab", "--endpoint", "2", "--", DVS_PARTY, "1"});
  REQUIRE(client.line() == "bound 2");

  const json rows = here.ask({"ps", "--dc", "lab"}).at("processes");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("dc") == "lab");
  CHECK(rows[0].at("endpoint") == 1);
  CHECK(rows[0].at("name") == "ponger");
  CHECK(rows[0].at("node") == 0);
  CHECK(rows[0].at("doing") == "receiving");
  CHECK(rows[0].at("peer") == "any");
  CHECK(rows[0].at("received") == 1);
  CHECK(rows[0].at("sent") == 1);
  CHECK(rows[1].at("endpoint") == 2);
  CHECK(rows[1].at("sent") == 1);
  CHECK(rows[0].at("process") != rows[1].at("process"));
  CHECK(::kill(rows[0].at("process").get<pid_t>(), 0) == 0);

  CHECK(here.ask({"ps"}).at("processes").size() == 2);
  const std::string text = here.dvs({"ps"}).out;
  CHECK(text.find("ponger") != std::string::npos);
  CHECK(text.find("receiving from any") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);

  CHECK(here.dvs({"dc", "end", "lab"}).status == 0);
  CHECK(here.end(server).status == 0);
  CHECK(here.end(client).status == 0);
}

TEST_CASE("rates are shown as often as is wanted, as lines and as one document") {
  const house here;
  here.open_lab();
  auto server = here.start({"run", "--dc", "lab", "--endpoint", "1", "--name", "ponger", "--", DVS_PARTY});
  REQUIRE(server.line() == "bound 1");
  const std::string text = here.dvs({"top", "--count", "2", "--interval", "0.01"}).out;
  const std::size_t first = text.find("ponger");
  REQUIRE(first != std::string::npos);
  CHECK(text.find("ponger", first + 1) != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  const json looks = here.ask({"top", "--count", "3", "--interval", "0.01", "--dc", "lab"}).at("looks");
  REQUIRE(looks.size() == 3);
  for (const json& each : looks) {
    CHECK(each.at("processes")[0].at("name") == "ponger");
    CHECK(each.at("processes")[0].at("messages_per_s") == 0);
  }
}

TEST_CASE("a program is told its place, and nothing that somebody else was told") {
  const house here;
  here.open_lab();
  ::setenv("DVS_ENDPOINT", "99", 1);
  const words print{"/bin/sh", "-c", "echo $DVS_NODE $DVS_DC ${DVS_ENDPOINT-none} ${DVS_NAME-none}"};
  words line{"run", "--dc", "lab", "--"};
  line.insert(line.end(), print.begin(), print.end());
  CHECK(here.dvs(line).out == here.socket() + " lab none none\n");
  line.insert(line.begin() + 3, {"--endpoint", "-3", "--name", "fs"});
  CHECK(here.dvs(line).out == here.socket() + " lab -3 fs\n");
  ::unsetenv("DVS_ENDPOINT");
}

TEST_CASE("a program gets all words after the first --, whatever they look like") {
  const house here;
  here.open_lab();
  const outcome how =
      here.dvs({"run", "--dc", "lab", "--", "/usr/bin/printf", "%s,", "--json", "ps", "--", "-x", "", "--dc", "y"});
  CHECK(how.status == 0);
  CHECK(how.out == "--json,ps,--,-x,,--dc,y,");
}

TEST_CASE("run returns what its program returns, and otherwise what a shell would") {
  const house here;
  here.open_lab();
  const auto status_of = [&](words command) {
    command.insert(command.begin(), {"run", "--dc", "lab", "--"});
    return here.dvs(std::move(command)).status;
  };
  CHECK(status_of({"true"}) == 0);
  CHECK(status_of({"sh", "-c", "exit 7"}) == 7);
  CHECK(status_of({"sh", "-c", "kill -KILL $$"}) == 128 + SIGKILL);
  CHECK(status_of({"/no/such/program"}) == 127);
  CHECK(status_of({"no such program"}) == 127);
  CHECK(status_of({"/tmp"}) == 126);
  CHECK(here.dvs({"run", "--dc", "nowhere", "--", "true"}).status == 1);
}

TEST_CASE("a signal to run reaches its program") {
  const house here;
  here.open_lab();
  auto running = here.start({"run", "--dc", "lab", "--", DVS_PARTY, "signal"});
  REQUIRE(running.line().starts_with("waits "));
  REQUIRE(::kill(running.process(), SIGTERM) == 0);
  CHECK(here.end(running).status == 9);
}

TEST_CASE("a detached program lives on, and the command returns with its process") {
  const house here;
  here.open_lab();
  const std::string pipe = here.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const json begun = here.dvs({"run", "--dc", "lab", "--endpoint", "1", "--detach", "--json", "--", "/bin/sh", "-c",
                               "exec \"$0\" > \"$1\"", DVS_PARTY, pipe})
                         .json();
  std::ifstream said(pipe);
  std::string word;
  said >> word;
  CHECK(word == "bound");
  const json rows = here.ask({"ps"}).at("processes");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("process") == begun.at("process"));
  CHECK(here.dvs({"dc", "end", "lab"}).status == 0);
}
