// SPDX-License-Identifier: MIT
/// @file
/// How messages look to somebody who watches them.
#include <catch2/catch.hpp>
#include <dvs/trace.hpp>
#include <random>

namespace files {
struct read {
  static constexpr std::uint32_t opcode = 1;
  std::uint32_t file;
  std::uint32_t length;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;
  };
};
struct sync {
  static constexpr std::uint32_t opcode = 2;
  struct reply {};
};
using protocol = dvs::protocol<read, sync>;
}  // namespace files
BOOST_HANA_ADAPT_STRUCT(files::read, file, length, into);
BOOST_HANA_ADAPT_STRUCT(files::read::reply, length);

namespace lamps {
struct blink {
  static constexpr std::uint32_t opcode = 9;
  bool fast;
  std::array<char, 3> where;
};
using protocol = dvs::protocol<blink>;
}  // namespace lamps
BOOST_HANA_ADAPT_STRUCT(lamps::blink, fast, where);

namespace {
using tracer = dvs::tracer<files::protocol, lamps::protocol>;
constexpr dvs::endpoint_id server{1};
constexpr dvs::endpoint_id client{70000};

template <class Body>
dvs::message typed(const Body& body) {
  dvs::message made{};
  made.type = Body::opcode;
  dvs::put(made, body);
  return made;
}
template <class Reply>
dvs::message answered(dvs::errc outcome, const Reply& body) {
  dvs::message made{};
  made.type = dvs::answer_type(outcome);
  dvs::put(made, body);
  return made;
}
dvs::trace_event ask(const dvs::message& content) { return {dvs::duration{1'204'999}, client, server, content}; }
dvs::trace_event answer(const dvs::message& content) { return {dvs::duration{2'000'001'000}, server, client, content}; }

const dvs::message question = typed(files::read{3, 4096, {client, dvs::grant_id{17}}});
}  // namespace

TEST_CASE("a request is shown with time, both ends, its name and its members") {
  tracer trace;
  CHECK(trace.line(ask(question)) == "0.001204 70000 -> 1 files.read{file=3, length=4096, into=grant 70000:17}");
  CHECK(trace.json(ask(question)) ==
        "{\"time_ns\":1204999,\"from\":70000,\"to\":1,\"kind\":\"request\",\"name\":\"files.read\",\"fields\":"
        "{\"file\":3,\"length\":4096,\"into\":{\"granter\":70000,\"id\":17}}}");
}

TEST_CASE("an answer is named after the question of the process that gets it") {
  tracer trace;
  static_cast<void>(trace.line(ask(question)));
  CHECK(trace.line(answer(answered(dvs::errc::ok, files::read::reply{512}))) ==
        "2.000001 1 -> 70000 files.read: {length=512}");
  CHECK(trace.json(answer(answered(dvs::errc::ok, files::read::reply{512}))) ==
        "{\"time_ns\":2000001000,\"from\":1,\"to\":70000,\"kind\":\"answer\",\"name\":\"files.read\","
        "\"outcome\":\"ok\",\"fields\":{\"length\":512}}");
}

TEST_CASE("an answer with an error shows the name of the error and no members") {
  tracer trace;
  static_cast<void>(trace.line(ask(question)));
  const auto refused = answer(answered(dvs::errc::not_granted, files::read::reply{512}));
  CHECK(trace.line(refused) == "2.000001 1 -> 70000 files.read: not_granted");
  CHECK(trace.json(refused).find(",\"outcome\":\"not_granted\"}") != std::string::npos);
}

TEST_CASE("an answer whose question was not seen is shown in hex") {
  tracer trace;
  CHECK(trace.line(answer(answered(dvs::errc::ok, files::read::reply{512}))) == "2.000001 1 -> 70000 answer: {0002}");
  CHECK(trace.line(answer(answered(dvs::errc::busy, files::sync::reply{}))) == "2.000001 1 -> 70000 answer: busy");
}

TEST_CASE("a notification shows its time and its value, and does not hide the question before it") {
  tracer trace;
  static_cast<void>(trace.line(ask(question)));
  dvs::message bell{};
  bell.type = dvs::notification_bit;
  dvs::put(bell, dvs::notification{5, 6});
  CHECK(trace.line(ask(bell)) == "0.001204 70000 -> 1 notification{time_ns=5, value=6}");
  CHECK(trace.line(answer(answered(dvs::errc::ok, files::read::reply{1}))).find("files.read: {") != std::string::npos);
}

TEST_CASE("a one-way message is a message, not a request") {
  tracer trace;
  const auto blink = ask(typed(lamps::blink{true, {'t', 'o', 'p'}}));
  CHECK(trace.line(blink) == "0.001204 70000 -> 1 lamps.blink{fast=true, where=\"top\"}");
  CHECK(trace.json(blink).find("\"kind\":\"message\"") != std::string::npos);
}

TEST_CASE("a type that no protocol knows is shown with its number and its payload in hex") {
  tracer trace;
  dvs::message strange{};
  strange.type = 77;
  strange.payload[1] = std::byte{0xAB};
  CHECK(trace.line(ask(strange)) == "0.001204 70000 -> 1 type 77{00ab}");
  CHECK(trace.json(ask(strange)).find(",\"kind\":\"message\",\"type\":77,\"payload\":\"00ab\"}") != std::string::npos);
}

TEST_CASE("an answer with a number outside the set of errors shows the number") {
  tracer trace;
  dvs::message odd{};
  odd.type = std::numeric_limits<std::int32_t>::min();
  CHECK(trace.line(answer(odd)) == "2.000001 1 -> 70000 answer: -2147483648");
  CHECK(trace.json(answer(odd)).find("\"type\":-2147483648}") != std::string::npos);
}

TEST_CASE("any bytes become one line, and JSON that is closed where it was opened") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  tracer trace;
  const std::int32_t types[] = {0, 1, 2, 9, 10, dvs::notification_bit, -1, -2, -4096};
  for (int round = 0; round < 20'000; ++round) {
    dvs::message noise;
    for (auto& byte : noise.payload) byte = static_cast<std::byte>(random());
    noise.type = round % 3 == 0 ? static_cast<std::int32_t>(random()) : types[random() % std::size(types)];
    const dvs::trace_event seen{dvs::duration{static_cast<std::int64_t>(random() >> 1)},
                                dvs::endpoint_id{static_cast<std::int32_t>(random() % 4)},
                                dvs::endpoint_id{static_cast<std::int32_t>(random() % 4)}, noise};
    const std::string line = trace.line(seen);
    REQUIRE(line.find_first_of("\n\r") == std::string::npos);
    const std::string json = trace.json(seen);
    int depth = 0;
    bool quoted = false, printable = true, closed_early = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
      printable &= json[i] >= 0x20 && json[i] < 0x7F;
      if (quoted && json[i] == '\\') {
        ++i;
        continue;
      }
      if (json[i] == '"') quoted = !quoted;
      if (!quoted) depth += (json[i] == '{' || json[i] == '[') - (json[i] == '}' || json[i] == ']');
      closed_early |= depth <= 0 && i + 1 < json.size();
    }
    REQUIRE(printable);
    REQUIRE(!closed_early);
    REQUIRE(depth == 0);
    REQUIRE(!quoted);
  }
}

TEST_CASE("who knows what a message was is believed") {
  tracer trace;
  dvs::message unknown{};
  unknown.type = 77;
  unknown.payload[0] = std::byte{5};
  dvs::trace_event seen{dvs::duration{}, client, server, unknown, dvs::trace_kind::request};
  CHECK(trace.line(seen) == "0.000000 70000 -> 1 type 77{05}");
  CHECK(trace.json(seen).find("\"kind\":\"request\",\"type\":77,\"payload\":\"05\"") != std::string::npos);
  seen.kind = dvs::trace_kind::answer;
  CHECK(trace.line(seen) == "0.000000 70000 -> 1 answer: 77{05}");
  CHECK(trace.json(seen).find("\"kind\":\"answer\",\"type\":77,\"payload\":\"05\"") != std::string::npos);
}
