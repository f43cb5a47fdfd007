// SPDX-License-Identifier: MIT
/// @file
/// The command dvs trace, with programs that talk to each other.
#include "command_house.hpp"

using dvms_test::house;
using dvms_test::outcome;
using dvms_test::started;
using dvms_test::words;
using nlohmann::json;

namespace {

/// The words that begin a server at endpoint 1 under this name.
words server_called(const char* name) {
  return {"run", "--dc", "lab", "--endpoint", "1", "--name", name, "--", DVS_PARTY};
}
/// Asks the server from an endpoint; the type of the request is 2.
void ask(const house& here, const char* from) {
  CHECK(here.dvs({"run", "--dc", "lab", "--endpoint", from, "--", DVS_PARTY, "lend", "1"}).status == 0);
}
/// The end of a line, after the time.
std::string after_time(const std::string& line) { return line.substr(line.find(' ') + 1); }

}  // namespace

TEST_CASE("messages are shown in the words of the server's protocol, which is told by its name") {
  const house here;
  here.open_lab();
  started server = here.start(server_called("ftp"));
  REQUIRE(server.line() == "bound 1");
  started trace = here.start({"trace", "--dc", "lab", "--count", "2"});
  REQUIRE(trace.line() == "SECONDS FROM -> TO MESSAGE");
  ask(here, "4");
  CHECK(after_time(trace.line()).starts_with("4 -> 1 ftp.put{"));
  CHECK(after_time(trace.line()).starts_with("1 -> 4 ftp.put: "));
  const outcome how = here.end(trace);
  CHECK(how.status == 0);
  CHECK(how.out.empty());
}

TEST_CASE("a message whose protocol is not known is shown with its type and its bytes") {
  const house here;
  here.open_lab();
  started server = here.start(server_called("echo"));
  REQUIRE(server.line() == "bound 1");
  started trace = here.start({"trace", "--dc", "lab"});
  REQUIRE(trace.line() == "SECONDS FROM -> TO MESSAGE");
  ask(here, "4");
  CHECK(after_time(trace.line()).starts_with("4 -> 1 type 2{"));
  CHECK(after_time(trace.line()).starts_with("1 -> 4 answer: {6c656e74"));  // "lent by"
  REQUIRE(::kill(trace.process(), SIGINT) == 0);
  CHECK(here.end(trace).status == 0);
}

TEST_CASE("with --json each message is an object in a line, and --endpoint shows those of one") {
  const house here;
  here.open_lab();
  started server = here.start(server_called("echo"));
  REQUIRE(server.line() == "bound 1");
  started trace = here.start({"trace", "--dc", "lab", "--json", "--endpoint", "5", "--endpoint", "6"});
  while (!trace.has_said()) {
    ask(here, "4");
    ask(here, "5");
  }
  const json asked = json::parse(trace.line()), told = json::parse(trace.line());
  CHECK(asked.at("kind") == "request");
  CHECK(asked.at("from") == 5);
  CHECK(asked.at("to") == 1);
  CHECK(asked.at("type") == 2);
  CHECK(told.at("kind") == "answer");
  CHECK(told.at("from") == 1);
  CHECK(told.at("to") == 5);
  CHECK(told.at("outcome") == "ok");
  CHECK(told.at("time_ns") >= asked.at("time_ns"));
  CHECK(here.dvs({"dc", "end", "lab"}).status == 0);
  CHECK(here.end(trace).status == 0);
}

TEST_CASE("a trace says what it lacks") {
  const house here;
  CHECK(here.dvs({"trace", "--dc", "lab"}).err.find("dvs node start") != std::string::npos);
  here.open_lab();
  CHECK(here.dvs({"trace"}).status == 2);
  CHECK(here.dvs({"trace", "--dc", "nowhere"}).err.find("has no DC nowhere; see dvs dc list") != std::string::npos);
  const outcome how = here.dvs({"trace", "--dc", "nowhere", "--json"});
  CHECK(how.status == 1);
  CHECK(how.json().at("error") == "no_entry");
}
