// SPDX-License-Identifier: MIT
/// @file
/// The switchboard and traces: who may watch, what is told, what is believed, and what is lost.
#include "daemon_support.hpp"

using namespace dvs;
using namespace dvs::userspace;
using namespace dvs::userspace::test;

namespace {

traced_message got(std::int32_t from, std::int32_t to, std::int32_t type = 5) {
  message m{};
  m.source = endpoint_id{from};
  m.type = type;
  return {monotonic_ns(), endpoint_id{to}, trace_kind::request, {}, std::bit_cast<std::array<std::byte, 64>>(m)};
}
packet report_of(std::uint16_t dc, std::vector<traced_message> messages, std::uint32_t lost = 0) {
  return make_packet(packet_kind::report, trace_report{dc, lost, std::move(messages)}.bytes());
}

/// Three processes of a DC whose brokers are there, and the superuser, who may watch them.
struct watched_lines : three_lines {
  hand root{*this, 9, 0};
  watched_lines() {
    for (hand* const each : {&alice, &bob, &eve}) {
      each->join(dc);
      each->forget_frames();
    }
  }
  /// Has a line watch the DC; what else there is to know of it is in `more`.
  void watch(hand& who, const json& more = json::object()) {
    json wanted = {{"op", "trace"}, {"name", "lab"}};
    wanted.update(more);
    const std::uint64_t asked = who.request(std::move(wanted));
    for (hand* const each : {&alice, &bob, &eve}) {
      const json order = each->question();
      REQUIRE(order.at("op") == "trace");
      REQUIRE(order.at("on") == true);
      CHECK(order.at("dc") == dc);
      CHECK(who.answer_to(asked).is_null());
      each->answer(order);
    }
    CHECK(who.answer_to(asked).at("dc") == dc);
    REQUIRE(who.frames() >= 3);
    who.forget_frames();
  }
};

}  // namespace

TEST_CASE("the superuser, the user of the daemon and the owner of a DC watch it, and nobody else") {
  three_lines all;
  const json wanted = {{"op", "trace"}, {"name", "lab"}};
  for (const std::uint32_t user : {0U, 900U, 1000U}) {
    hand watcher(all, 7, user);
    CHECK(watcher.outcome(wanted) == errc::ok);
    CHECK(watcher.outcome(wanted) == errc::exists);
  }
  CHECK(all.bob.outcome(wanted) == errc::no_privilege);  // who may enter may not watch
  hand stranger(all, 8, 1009);
  CHECK(stranger.outcome(wanted) == errc::no_privilege);
  CHECK(all.alice.outcome({{"op", "trace"}, {"name", "nowhere"}}) == errc::no_entry);
  CHECK(hand(all, 7, 900).outcome({{"op", "processes"}, {"dc", all.dc}}) == errc::bad_dc);
}

TEST_CASE("a trace has begun when all processes report, and names who is bound, and who will be") {
  watched_lines all;
  const std::uint64_t asked = all.root.request({{"op", "trace"}, {"name", "lab"}});
  all.alice.answer(all.alice.question());
  all.bob.answer(all.bob.question());
  all.alice.say(report_of(all.dc, {got(all.b, all.a)}));
  CHECK(all.root.answer_to(asked).is_null());
  all.eve.close();
  CHECK(!all.root.answer_to(asked).is_null());
  CHECK(!all.root.report().has_value());
  std::set<std::int32_t> named;
  while (const auto news = all.root.next(DVK_FRAME_bound)) {
    CHECK(std::string_view(news->frame.name) == "one");
    named.insert(news->frame.from);
  }
  CHECK(named == std::set<std::int32_t>{all.a, all.b});

  hand late(all, 6, 1000);
  late.open("lab");
  const std::int32_t d = late.bind(all.dc, endpoint_id{80});
  late.join(all.dc);
  CHECK(late.question().at("on") == true);
  CHECK(all.root.expect(DVK_FRAME_bound).from == d);
}

TEST_CASE("messages that processes report are told to who watches, until its line closes") {
  watched_lines all;
  all.watch(all.root);
  const std::vector<traced_message> both{got(all.a, all.b, 1), got(all.e, all.b, 2)};
  all.bob.say(report_of(all.dc, both, 3));
  const auto told = all.root.report();
  REQUIRE(told.has_value());
  CHECK(told->dc == all.dc);
  CHECK(told->lost == 3);
  REQUIRE(told->messages.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(told->messages[i].when_ns == both[i].when_ns);
    CHECK(told->messages[i].bytes == both[i].bytes);
    CHECK(told->messages[i].kind == trace_kind::request);
  }
  all.root.close();
  for (hand* const each : {&all.alice, &all.bob, &all.eve}) CHECK(each->question().at("on") == false);
  all.bob.say(report_of(all.dc, both));  // it had not heard yet
  CHECK(!all.bob.is_cut_off());
}

TEST_CASE("processes report until the last who watches has gone") {
  watched_lines all;
  all.watch(all.root);
  hand other(all, 7, 900);
  all.watch(other);
  all.root.close();
  CHECK(all.bob.question().is_null());
  all.bob.say(report_of(all.dc, {got(all.a, all.b)}));
  CHECK(other.report().has_value());
  other.close();
  CHECK(all.bob.question().at("on") == false);
}

TEST_CASE("a trace of endpoints has what they get and what they have sent") {
  watched_lines all;
  all.watch(all.root, {{"endpoints", {all.a}}});
  all.bob.say(report_of(all.dc, {got(all.e, all.b), got(all.a, all.b)}));
  all.eve.say(report_of(all.dc, {got(all.b, all.e)}));
  all.alice.say(report_of(all.dc, {got(all.e, all.a)}));
  const auto sent = all.root.report(), came = all.root.report();
  REQUIRE((sent && came));
  CHECK(sent->messages.size() == 1);
  CHECK(sent->messages[0].from() == endpoint_id{all.a});
  CHECK(came->messages[0].to == endpoint_id{all.a});
  CHECK(!all.root.report().has_value());
}

TEST_CASE("a process reports what its own endpoints got, at times that were, and nothing else is believed") {
  watched_lines all;
  all.watch(all.root);
  all.eve.say(report_of(all.dc, {got(all.a, all.b), got(all.e, 99), got(100'000, all.e)}));
  CHECK(!all.root.report().has_value());
  auto future = got(all.a, all.e);
  future.when_ns = std::numeric_limits<std::int64_t>::max();
  auto past = future;
  past.when_ns = -1;
  all.eve.say(report_of(all.dc, {future, past}));
  const auto told = all.root.report();
  REQUIRE(told.has_value());
  REQUIRE(told->messages.size() == 1);
  CHECK(told->messages[0].when_ns <= monotonic_ns());

  hand outsider(all, 8, 1000);
  outsider.say(report_of(all.dc, {got(all.a, all.b)}));
  outsider.say(report_of(all.dc + 1, {got(all.a, all.b)}));
  CHECK(!all.root.report().has_value());
  CHECK(!outsider.is_cut_off());
  CHECK(!all.eve.is_cut_off());
}

TEST_CASE("who reports in another form is cut off") {
  auto wrong_kind = got(1, 2);
  wrong_kind.kind = trace_kind{200};
  const std::vector<packet> wrong{make_packet(packet_kind::report, ""),
                                  make_packet(packet_kind::report, "1234567"),
                                  make_packet(packet_kind::report, std::string(8 + 79, '\0')),
                                  make_packet(packet_kind::report, std::string(8 + 81, '\0')),
                                  make_packet(packet_kind::report, std::string(8 + 1025 * 80, '\0')),
                                  report_of(1, {wrong_kind})};
  for (const packet& each : wrong) {
    CAPTURE(each.size());
    board_world world;
    hand liar(world);
    liar.say(each);
    CHECK(liar.is_cut_off());
  }
  for (const json& each : {json(5), json("a"), json({"a"}), json(std::vector<int>(257, 1))}) {
    board_world world;
    hand liar(world, 1, 0);
    liar.create("lab");
    liar.request({{"op", "trace"}, {"name", "lab"}, {"endpoints", each}});
    CHECK(liar.is_cut_off());
  }
}

TEST_CASE("a line that is slow to watch loses messages, is told how many, and keeps nobody waiting") {
  watched_lines all;
  all.watch(all.root);
  const std::vector<traced_message> many(trace_report::messages_max, got(all.a, all.b));
  std::uint64_t reported = 0;
  for (int i = 0; i < 100; ++i, reported += many.size()) all.bob.say(report_of(all.dc, many));
  CHECK(!all.root.is_cut_off());
  std::uint64_t told = 0, lost = 0;
  std::size_t bytes = 0;
  while (const auto next = all.root.report()) {
    told += next->messages.size();
    bytes += next->bytes().size();
    lost += next->lost;
  }
  CHECK(bytes <= switchboard::reported_bytes_max + (1 << 17));
  CHECK(told > 0);
  CHECK(lost > 0);
  CHECK(told + lost == reported);
}

TEST_CASE("who watches a DC is told its end") {
  watched_lines all;
  all.watch(all.root);
  CHECK(all.root.question().is_null());
  all.alice.request({{"op", "leave"}, {"dc", all.dc}, {"end", true}});
  CHECK(all.root.question().at("op") == "end");
  for (hand* const each : {&all.alice, &all.bob, &all.eve}) each->close();
  CHECK(all.root.outcome({{"op", "trace"}, {"name", "lab"}}) == errc::no_entry);
  hand again(all, 5, 1000);
  again.create("lab");
  CHECK(all.root.outcome({{"op", "trace"}, {"name", "lab"}}) == errc::ok);
}

TEST_CASE("a trace does not begin in a DC that ends before") {
  watched_lines all;
  const std::uint64_t asked = all.root.request({{"op", "trace"}, {"name", "lab"}});
  all.alice.request({{"op", "leave"}, {"dc", all.dc}, {"end", true}});
  for (hand* const each : {&all.bob, &all.eve}) each->answer(each->question());
  all.alice.close();
  CHECK(outcome_of(all.root.answer_to(asked)) == errc::shut_down);
}
