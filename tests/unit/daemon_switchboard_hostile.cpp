// SPDX-License-Identifier: MIT
/// @file
/// The switchboard against lines that lie, are silent, flood, or close at the worst moment.
#include "daemon_support.hpp"

using namespace dvs;
using namespace dvs::userspace;
using namespace dvs::userspace::test;

namespace {

/// Lets time go by until the switchboard has done what it had to do at `at_ns`.
void pass_time_until(switchboard& board, std::int64_t at_ns) {
  do board.run_timers();
  while (monotonic_ns() <= at_ns);
  board.run_timers();
}

}  // namespace

// ---- Commands that are not for lines ----

TEST_CASE("lines ask for no edges and lock nobody") {
  three_lines all;
  CHECK(refusal(all.alice, command(DVK_FRAME_waits_for, all.dc, 1, all.a, all.b)) == errc::no_privilege);
  CHECK(refusal(all.alice, command(DVK_FRAME_lock, all.dc, 1, all.a, all.b)) == errc::no_privilege);
  CHECK(all.bob.frames() == 0);
}

TEST_CASE("a line cancels and inspects its own commands only") {
  three_lines all;
  const auto meaning = [&](dvk_frame_kind kind, std::uint64_t exchange, std::uint64_t meant) {
    dvk_frame frame = command(kind, all.dc, exchange, all.a, all.b);
    frame.value = meant;
    return frame;
  };
  all.alice.say(command(DVK_FRAME_request, all.dc, 7, all.a, all.b));
  const std::uint64_t inner = all.bob.expect(DVK_FRAME_request).exchange;
  for (const auto kind : {DVK_FRAME_cancel, DVK_FRAME_inspect}) {
    CAPTURE(int{kind});
    CHECK(refusal(all.eve, meaning(kind, 1, 7)) == errc::no_entry);
    CHECK(refusal(all.eve, meaning(kind, 1, inner)) == errc::no_entry);
    CHECK(refusal(all.alice, meaning(kind, 20, 8)) == errc::no_entry);
    all.alice.say(meaning(kind, 21, 7));
    const dvk_frame there = all.bob.expect(kind);
    CHECK(there.value == inner);
    CHECK(there.from == all.a);
    all.bob.say(done(there));
    CHECK(errc{all.alice.expect(completion_kind(kind)).result} == errc::ok);
  }
  const std::uint16_t other = all.alice.create("other");
  dvk_frame elsewhere = meaning(DVK_FRAME_cancel, 30, 7);
  elsewhere.dc = other;
  CHECK(refusal(all.alice, elsewhere) == errc::no_entry);
  CHECK(all.bob.frames() == 0);
}

TEST_CASE("memory is written in the name of another only while that one has it copied from here to there") {
  three_lines all(10);
  const dvk_frame wanted = command(DVK_FRAME_copy_across, all.dc, 1, all.a, all.b);
  dvk_frame onward = command(DVK_FRAME_copy_in, all.dc, 2, all.a, all.e);
  onward.part.grant = wanted.into.grant;
  CHECK(refusal(all.bob, onward) == errc::bad_endpoint);

  dvk_frame across = wanted;
  across.other = all.e;
  all.alice.say(across);
  const dvk_frame there = all.bob.expect(DVK_FRAME_copy_across);
  CHECK(there.other_node == 3);
  dvk_frame bent = onward;
  bent.part.grant = 99;
  CHECK(refusal(all.bob, bent) == errc::bad_endpoint);
  bent = onward;
  bent.to = all.a;
  CHECK(refusal(all.bob, bent) == errc::bad_endpoint);
  bent = onward;
  bent.kind = DVK_FRAME_copy_out;
  CHECK(refusal(all.bob, bent) == errc::bad_endpoint);
  CHECK(refusal(all.eve, onward) == errc::bad_endpoint);

  all.bob.say(onward);
  const dvk_frame written = all.eve.expect(DVK_FRAME_copy_in);
  CHECK(written.from == all.a);
  all.eve.say(done(written));
  CHECK(errc{all.bob.expect(DVK_FRAME_copy_in_done).result} == errc::ok);
  all.bob.say(done(there));
  CHECK(errc{all.alice.expect(DVK_FRAME_copy_across_done).result} == errc::ok);
  CHECK(refusal(all.bob, onward) == errc::bad_endpoint);
}

// ---- Nonsense ----

TEST_CASE("what is no packet, frame or request closes the line that said it, and no other") {
  three_lines all;
  dvk_frame frame = command(DVK_FRAME_request, all.dc, 1, all.a, all.b);
  frame.from_node = 9;  // another node
  const packet of_other_node = make_packet(frame);
  frame.from_node = number(this_process);
  packet too_long = make_packet(frame);
  too_long.push_back({});
  packet cut = make_packet(frame);
  cut.pop_back();
  const auto request = [](std::string_view text) { return make_packet(packet_kind::request, text); };
  const std::string deep = R"({"id":1,"op":"hello","version":1,"x":)" + std::string(4 << 20, '[');
  const packet bad[] = {{},
                        {std::byte{'X'}},
                        {std::byte{'F'}},
                        packet(packet_bytes_max + 1, std::byte{'F'}),
                        of_other_node,
                        too_long,
                        cut,
                        request(""),
                        request("[]"),
                        request("{"),
                        request(R"({"op":"hello"})"),
                        request(R"({"id":-1,"op":"hello"})"),
                        request(R"({"id":1,"op":7})"),
                        request(R"({"id":1,"op":"hello","version":1.5})"),
                        request(R"({"id":1,"op":"open","name":null})"),
                        request(R"({"id":1,"op":"suspect"})"),
                        request(R"({"id":1,"op":"leave","dc":65536})"),
                        request(R"({"id":1,"op":"leave","dc":1,"end":"yes"})"),
                        request(R"({"id":1,"op":"bind","dc":1,"who":80,"name":"x","privileges":[]})"),
                        request(R"({"id":1,"op":"set_privileges","dc":1,"who":70})"),
                        request(deep + std::string(4 << 20, ']') + "}"),
                        request(deep),
                        make_packet(packet_kind::answer, "null"),
                        make_packet(packet_kind::answer, "{}"),
                        make_packet(packet_kind::answer, R"({"id":"1"})")};
  for (std::size_t i = 0; i < std::size(bad); ++i) {
    CAPTURE(i);
    hand liar(all, 2, 1001);
    REQUIRE(liar.open("lab") == 1);
    liar.say(bad[i]);
    CHECK(liar.is_cut_off());
    liar.say(packet_kind::request, {{"id", 99}, {"op", "hello"}, {"version", 1}});
    CHECK(liar.answer_to(99).is_null());  // it is not listened to any more
    liar.close();
  }
  CHECK(all.eve.outcome({{"op", "hello"}, {"version", 1}}) == errc::ok);
  CHECK(all.eve.outcome({{"op", "dance"}}) == errc::not_supported);
  CHECK(all.eve.outcome({{"op", "hello"}, {"version", 2}}) == errc::not_supported);
  CHECK(!all.alice.is_cut_off());
}

TEST_CASE("what is deep in privileges goes to nobody") {
  three_lines all;
  json rights = to_json(privileges{}, dc_options{});
  rights["more"] = json::array({json::array()});
  json wanted = all.privileges_request(all.b, {});
  wanted["privileges"] = rights;
  all.alice.request(wanted);
  CHECK(all.bob.question().at("privileges") == to_json(privileges{}, dc_options{}));
}

TEST_CASE("names fit frames, whatever a process calls itself") {
  three_lines all;
  all.bob.join(all.dc);
  const auto named = [&](const std::string& name) {
    all.bob.forget_frames();
    const json told = all.eve.ask({{"op", "bind"}, {"dc", all.dc}, {"who", number(own)}, {"name", name}});
    CHECK(outcome_of(told) == errc::ok);
    return std::string(all.bob.expect(DVK_FRAME_bound).name);
  };
  CHECK(named("short") == "short");
  CHECK(named("") == "");
  CHECK(named("exactly fifteen and more") == "exactly fifteen");
  CHECK(named(std::string("a\0b", 3)) == "a");
  CHECK(named(std::string("\0b", 2)) == "");
  CHECK(named("fourteen bytes\u00fc") == std::string("fourteen bytes\xc3"));
  all.alice.join(all.dc);
  CHECK(all.alice.expect(DVK_FRAME_listed).dc == all.dc);
}

// ---- Silence ----

TEST_CASE("who does not answer questions holds up others no longer than it may") {
  three_lines all;
  hand asker(all, 5, 0);
  asker.open("lab");
  const std::int64_t before = monotonic_ns();
  const auto census = asker.request({{"op", "processes"}, {"dc", all.dc}});
  const auto fence = asker.request({{"op", "fence"}});
  const auto rights = asker.request(all.privileges_request(all.b, {}));
  const auto thread =
      asker.request({{"op", "bind_thread"}, {"dc", all.dc}, {"who", number(own)}, {"thread", 201}, {"name", "thread"}});
  CHECK(all.board().next_timer_ns() <= before + 2 * switchboard::answer_within_ns);
  CHECK(asker.answer_to(census).is_null());
  for (json question; !(question = asker.question()).is_null();) asker.answer(question);
  pass_time_until(all.board(), monotonic_ns() + switchboard::answer_within_ns);
  CHECK(asker.answer_to(census).at("processes").size() == 3);
  CHECK(outcome_of(asker.answer_to(fence)) == errc::ok);
  CHECK(outcome_of(asker.answer_to(rights)) == errc::ok);
  CHECK(outcome_of(asker.answer_to(thread)) == errc::timed_out);
  CHECK(all.board().next_timer_ns() < 0);
  all.bob.answer(all.bob.question());  // too late
  CHECK(!all.bob.is_cut_off());
}

TEST_CASE("who answers nonsense is closed, and who has asked is answered") {
  const json good_row = to_json(process_info{endpoint_id{71}, "x", activity::running, none, 0, 0, 0, 0, node_id{}});
  json bad_row = good_row;
  bad_row["doing"] = 200;
  const json nonsense[] = {{{"error", 5}},
                           {{"processes", 7}},
                           {{"grants", 1}},
                           {{"grants", -1}, {"processes", json::array()}},
                           {{"grants", 1}, {"processes", {1}}},
                           {{"grants", 1}, {"processes", {good_row, bad_row}}}};
  for (const json& told : nonsense) {
    CAPTURE(told);
    three_lines all;
    const auto census = all.eve.request({{"op", "processes"}, {"dc", all.dc}});
    all.eve.answer(all.eve.question(), {{"grants", 0}, {"processes", json::array()}});
    all.alice.answer(all.alice.question(), {{"error", "no_memory"}});
    all.bob.answer(all.bob.question(), told);
    CHECK(all.bob.is_cut_off());
    all.bob.close();
    CHECK(outcome_of(all.eve.answer_to(census)) == errc::ok);
    CHECK(all.eve.answer_to(census).at("processes").size() == 3);
  }
}

TEST_CASE("a process tells about its own endpoints only, and not under another name") {
  three_lines all;
  const auto census = all.eve.request({{"op", "processes"}, {"dc", all.dc}});
  json rows = json::array();
  for (const std::int32_t who : {all.a, all.b, 90})
    rows.push_back(to_json(process_info{endpoint_id{who}, "liar", activity::sending, none, 9, 9, 9, 9, node_id{44}}));
  all.bob.answer(all.bob.question(), {{"grants", 5}, {"processes", rows}});
  for (hand* const who : {&all.alice, &all.eve})
    who->answer(who->question(), {{"grants", 1}, {"processes", json::array()}});
  const json told = all.eve.answer_to(census);
  CHECK(told.at("grants") == 7);
  REQUIRE(told.at("processes").size() == 3);
  for (const json& each : told.at("processes")) {
    const process_info row = process_from(each);
    CHECK(row.name == "one");
    CHECK(row.node == node_id{3});
    CHECK(row.messages_sent == (row.endpoint == endpoint_id{all.b} ? 9 : 0));
  }
}

TEST_CASE("the answer to a question that was not put is ignored") {
  three_lines all;
  const auto fence = all.alice.request({{"op", "fence"}});
  all.eve.say(packet_kind::answer, {{"id", 55}});
  const json question = all.eve.question();
  all.eve.answer(question);
  all.eve.answer(question);
  CHECK(all.alice.answer_to(fence).is_null());
  all.bob.answer(all.bob.question());
  all.alice.answer(all.alice.question());
  CHECK(outcome_of(all.alice.answer_to(fence)) == errc::ok);
  CHECK(!all.eve.is_cut_off());
}

// ---- Floods ----

TEST_CASE("a line that does not read is closed when too much waits for it") {
  three_lines all;
  const packet one = make_packet(packet_kind::request, json{{"id", 1}, {"op", "list"}}.dump());
  for (std::uint64_t said = 0; !all.eve.is_cut_off(); ++said) {
    all.eve.say(one);
    REQUIRE(said < switchboard::queue_bytes_max / 50);
  }
  CHECK(all.alice.outcome({{"op", "list"}}) == errc::ok);
  all.eve.close();
  CHECK(all.board().lines() == 2);
}

TEST_CASE("who floods another with data is refused before that one is closed") {
  three_lines all;
  const std::vector<std::uint8_t> data(DVK_FRAGMENT_BYTES);
  dvk_frame write = command(DVK_FRAME_copy_in, all.dc, 0, all.e, all.b);
  write.part.whole = write.part.bytes = write.data_bytes = DVK_FRAGMENT_BYTES;
  write.data = data.data();
  for (std::uint64_t exchange = 1; exchange < 2 * switchboard::queue_bytes_max / DVK_FRAGMENT_BYTES; ++exchange) {
    write.exchange = exchange;
    all.eve.say(write);
  }
  CHECK(errc{all.eve.expect(DVK_FRAME_copy_in_done).result} == errc::table_full);
  CHECK(!all.bob.is_cut_off());
  all.bob.forget_frames();
  all.alice.say(command(DVK_FRAME_request, all.dc, 1, all.a, all.b));
  CHECK(all.bob.expect(DVK_FRAME_request).from == all.a);
}

TEST_CASE("a line has no more commands open than it may") {
  three_lines all;
  for (std::uint64_t i = 1; i <= switchboard::commands_max; ++i)
    all.eve.say(command(DVK_FRAME_request, all.dc, i, all.e, all.b));
  CHECK(all.eve.frames() == 0);
  CHECK(refusal(all.eve, command(DVK_FRAME_request, all.dc, 70'000, all.e, all.b)) == errc::table_full);
  CHECK(all.board().open_commands() == switchboard::commands_max);
  all.bob.say(done(all.bob.expect(DVK_FRAME_request)));
  CHECK(all.eve.expect(DVK_FRAME_answer).exchange == 1);
  all.eve.say(command(DVK_FRAME_request, all.dc, 70'000, all.e, all.b));
  CHECK(all.eve.frames() == 0);
  all.eve.close();
  CHECK(all.board().open_commands() == 0);
}

TEST_CASE("a line has no more requests open than it may") {
  three_lines all;
  std::vector<std::uint64_t> asked;
  for (std::size_t i = 0; i < switchboard::requests_max; ++i) asked.push_back(all.eve.request({{"op", "fence"}}));
  CHECK(all.eve.outcome({{"op", "fence"}}) == errc::table_full);
  CHECK(all.alice.outcome({{"op", "list"}}) == errc::ok);
  for (hand* const who : {&all.alice, &all.bob, &all.eve})
    for (json question; !(question = who->question()).is_null();) who->answer(question);
  for (const auto each : asked) CHECK(outcome_of(all.eve.answer_to(each)) == errc::ok);
  CHECK(all.eve.outcome({{"op", "list"}}) == errc::ok);
}
