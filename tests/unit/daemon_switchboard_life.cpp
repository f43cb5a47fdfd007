// SPDX-License-Identifier: MIT
/// @file
/// The switchboard: slots and DCs that end, and cycles of processes of several lines.
#include "daemon_support.hpp"

using namespace dvs;
using namespace dvs::userspace;
using namespace dvs::userspace::test;

namespace {

/// Lets time go by until `who` hears this.
dvk_frame heard_in_time(switchboard& board, hand& who, dvk_frame_kind kind) {
  for (;;) {
    if (const auto came = who.next(kind)) return came->frame;
    if (board.next_timer_ns() < 0) FAIL("it waits for nothing");
    board.run_timers();
  }
}

/// Tells that a process waits for an answer of another.
void tell_wait(hand& who, const dvk_frame& question, std::int32_t for_whom, std::uint64_t wait, std::uint64_t began) {
  dvk_frame edge = done(question);
  edge.value = wait;
  edge.other = for_whom;
  edge.other_node = 0;
  edge.began = began;
  who.say(edge);
}

}  // namespace

TEST_CASE("who has joined is told who is bound, who will be, and who is gone") {
  three_lines all;
  all.alice.join(all.dc);
  std::set<std::int32_t> known;
  for (int i = 0; i < 2; ++i) known.insert(all.alice.expect(DVK_FRAME_bound).from);
  CHECK(known == std::set{all.b, all.e});
  CHECK(all.alice.expect(DVK_FRAME_listed).dc == all.dc);
  const std::int32_t more = all.bob.bind(all.dc, own);
  CHECK(all.alice.expect(DVK_FRAME_bound).from == more);
  all.bob.tell_gone(all.dc, more);
  CHECK(all.alice.expect(DVK_FRAME_gone).from == more);
  CHECK(all.bob.frames() == 0);
}

TEST_CASE("a slot can be bound again when its line has closed, by somebody else with another name") {
  three_lines all;
  all.alice.join(all.dc);
  CHECK(all.eve.outcome({{"op", "bind"}, {"dc", all.dc}, {"who", 71}, {"name", "x"}}) != errc::ok);
  const std::uint64_t birth = all.alice.expect(DVK_FRAME_bound).value;
  all.bob.close();
  const std::int32_t next = all.eve.bind(all.dc, endpoint_id{71});
  CHECK(next != all.b);
  CHECK(slot_of(endpoint_id{next}) == 71);
  CHECK(all.alice.expect(DVK_FRAME_gone).from == all.b);
  const dvk_frame bound = all.alice.expect(DVK_FRAME_bound);
  CHECK(bound.from == next);
  CHECK(bound.value > birth);
  all.alice.say(command(DVK_FRAME_request, all.dc, 1, all.a, all.b));
  CHECK(errc{all.alice.expect(DVK_FRAME_answer).result} == errc::destination_died);
}

TEST_CASE("slots that are for nobody are refused") {
  three_lines all;
  const auto bind = [&](std::int64_t who) {
    return all.eve.outcome({{"op", "bind"}, {"dc", all.dc}, {"who", who}, {"name", "x"}});
  };
  for (const endpoint_id who : {any, none, hardware, clock_task, process_events, endpoint_id{-65},
                                endpoint_id{64 + 4096}, endpoint_id{-0x7FFF'FFFF - 1}, endpoint_id{0x7FFF'FFFF}}) {
    CAPTURE(number(who));
    CHECK(bind(number(who)) != errc::ok);
  }
  CHECK(bind(71 + (1 << 20)) != errc::ok);
}

TEST_CASE("a DC ends when its creator closes, and stays if it was made to stay") {
  board_world world;
  hand creator(world), other(world);
  const std::uint16_t ends = creator.create("ends"), stays = creator.create("stays", {{"stays", true}});
  REQUIRE(other.open("ends") == ends);
  REQUIRE(other.open("stays") == stays);
  const std::int32_t who = other.bind(ends, own);
  other.bind(stays, own);
  creator.close();
  const json question = other.question();
  CHECK(question.at("op") == "end");
  CHECK(question.at("dc") == ends);
  CHECK(other.question().is_null());
  CHECK(other.outcome({{"op", "open"}, {"name", "ends"}}) == errc::no_entry);
  CHECK(other.outcome({{"op", "bind"}, {"dc", ends}, {"who", 99}, {"name", "x"}}) == errc::dc_not_running);
  CHECK(other.ask({{"op", "status"}}).at("dcs") == 2);
  other.tell_gone(ends, who);
  CHECK(other.ask({{"op", "status"}}).at("dcs") == 1);
  CHECK(other.outcome({{"op", "open"}, {"name", "stays"}}) == errc::ok);
}

TEST_CASE("an end is answered when all have left, however they leave") {
  three_lines all;
  const auto end = all.alice.request({{"op", "leave"}, {"dc", all.dc}, {"end", true}});
  for (hand* const who : {&all.bob, &all.eve}) {
    const json question = who->question();
    CHECK(question.at("op") == "end");
    who->answer(question);
  }
  CHECK(all.alice.answer_to(end).is_null());
  all.bob.tell_gone(all.dc, all.b);
  CHECK(all.alice.answer_to(end).is_null());
  all.eve.close();
  CHECK(all.alice.answer_to(end).is_null());
  all.alice.tell_gone(all.dc, all.a);
  CHECK(outcome_of(all.alice.answer_to(end)) == errc::ok);
  CHECK(all.bob.ask({{"op", "status"}}).at("dcs") == 0);
  CHECK(all.alice.create("lab") != all.dc);
}

TEST_CASE(
    "a DC with a container is kept by its keeper: it ends with that one, and its end is answered when that is gone") {
  board_world world;
  hand keeper(world, 44), other(world);
  const json container = {{"cgroup", "/groups/dvs-1"}};
  CHECK(keeper.outcome({{"op", "create"},
                        {"name", "lab"},
                        {"sizes", to_json(dc_options{})},
                        {"stays", true},
                        {"container", container}}) == errc::bad_argument);
  const std::uint16_t dc = keeper.create("lab", {{"container", container}});
  const json told = other.ask({{"op", "open"}, {"name", "lab"}});
  CHECK(told.at("container") == json{{"process", 44}, {"cgroup", "/groups/dvs-1"}, {"owner", 1000}});
  const json row = other.ask({{"op", "list"}}).at("dcs").at(0);
  CHECK(row.at("container") == true);
  CHECK(row.at("stays") == true);
  CHECK(other.outcome({{"op", "bind_thread"}, {"dc", dc}, {"who", number(own)}, {"thread", 201}, {"name", "t"}}) ==
        errc::not_supported);

  const auto end = other.request({{"op", "leave"}, {"dc", dc}, {"end", true}});
  const json question = keeper.question();
  CHECK(question.at("op") == "end");
  keeper.answer(question);
  CHECK(other.answer_to(end).is_null());
  keeper.close();
  CHECK(outcome_of(other.answer_to(end)) == errc::ok);
  CHECK(other.ask({{"op", "status"}}).at("dcs") == 0);

  hand second(world, 45);
  second.create("lab", {{"container", container}});
  second.close();
  CHECK(other.outcome({{"op", "open"}, {"name", "lab"}}) == errc::no_entry);
  CHECK(other.ask({{"op", "status"}}).at("dcs") == 0);
}

TEST_CASE("a thread that cannot be bound holds up no end") {
  three_lines all;
  const auto bind = all.alice.request(
      {{"op", "bind_thread"}, {"dc", all.dc}, {"who", number(own)}, {"thread", 201}, {"name", "thread"}});
  const auto end = all.alice.request({{"op", "leave"}, {"dc", all.dc}});
  all.alice.tell_gone(all.dc, all.a);
  all.bob.tell_gone(all.dc, all.b);
  all.eve.tell_gone(all.dc, all.e);
  CHECK(all.alice.answer_to(end).is_null());
  all.bob.answer(all.bob.question(), {{"error", "bad_process"}});
  CHECK(outcome_of(all.alice.answer_to(bind)) == errc::bad_process);
  CHECK(outcome_of(all.alice.answer_to(end)) == errc::ok);
}

TEST_CASE("no DC has the number 0, nor one that is in use") {
  board_world world;
  hand owner(world), other(world);
  const std::uint16_t kept = owner.create("kept");
  const json small = {{"op", "create"},
                      {"name", "short"},
                      {"sizes", to_json(dc_options{.tasks = 0, .servers = 1, .users = 1, .grants = 1})},
                      {"stays", false}};
  for (int i = 0; i < 0x10010; ++i) {
    const auto number = field<std::uint16_t>(owner.ask(small), "dc");
    REQUIRE(number != 0);
    REQUIRE(number != kept);
    REQUIRE(owner.outcome({{"op", "leave"}, {"dc", number}}) == errc::ok);
  }
}

// ---- Cycles ----

TEST_CASE("of a cycle over three lines the youngest wait is told to end") {
  three_lines all;
  struct process {
    hand* who;
    std::int32_t at, for_whom;
    std::uint64_t began;
  };
  const std::size_t youngest = GENERATE(0, 1, 2);
  process ring[] = {{&all.alice, all.a, all.b, 10}, {&all.bob, all.b, all.e, 20}, {&all.eve, all.e, all.a, 30}};
  ring[youngest].began = 40;
  for (const process& each : ring) each.who->say(command(DVK_FRAME_request, all.dc, 7, each.at, each.for_whom));
  std::optional<dvk_frame> verdict;
  while (!verdict) {
    REQUIRE(all.board().next_timer_ns() >= 0);
    all.board().run_timers();
    for (const process& each : ring)
      while (const auto came = each.who->next()) {
        if (came->frame.kind == DVK_FRAME_waits_for)
          tell_wait(*each.who, came->frame, each.for_whom, 7, each.began);
        else if (came->frame.kind == DVK_FRAME_lock)
          verdict = came->frame;
      }
  }
  CHECK(verdict->to == ring[youngest].at);
  CHECK(verdict->value == 7);
}

TEST_CASE("a chain that is no cycle locks nobody") {
  three_lines all;
  all.alice.say(command(DVK_FRAME_request, all.dc, 7, all.a, all.b));
  all.bob.say(command(DVK_FRAME_request, all.dc, 8, all.b, all.e));
  const dvk_frame first = heard_in_time(all.board(), all.bob, DVK_FRAME_waits_for);
  tell_wait(all.bob, first, all.e, 8, 20);
  const dvk_frame second = heard_in_time(all.board(), all.eve, DVK_FRAME_waits_for);
  all.eve.say(done(second, errc::no_entry));
  CHECK(all.alice.frames() == 0);
}

TEST_CASE("who tells no edge is asked for one at a time, and no longer than it may take") {
  three_lines all;
  all.alice.say(command(DVK_FRAME_request, all.dc, 7, all.a, all.b));
  heard_in_time(all.board(), all.bob, DVK_FRAME_waits_for);
  for (int i = 0; i < 1000; ++i) all.alice.say(packet_kind::request, {{"id", i}, {"op", "suspect"}, {"exchange", 7}});
  const std::int64_t until = monotonic_ns() + switchboard::answer_within_ns / 2;
  while (monotonic_ns() < until) all.board().run_timers();
  CHECK(all.bob.frames() == 0);
  CHECK(all.board().open_commands() == 2);
  heard_in_time(all.board(), all.bob, DVK_FRAME_waits_for);  // asked again
  CHECK(all.board().open_commands() == 2);
  all.alice.close();
  all.bob.close();
  CHECK(all.board().open_commands() == 0);
}

TEST_CASE("a line has cycles suspected for its own commands only") {
  three_lines all;
  all.alice.say(command(DVK_FRAME_request, all.dc, 7, all.a, all.b));
  all.bob.forget_frames();
  all.eve.say(packet_kind::request, {{"id", 1}, {"op", "suspect"}, {"exchange", 7}});
  CHECK(all.bob.frames() == 0);
  all.alice.say(packet_kind::request, {{"id", 1}, {"op", "suspect"}, {"exchange", 7}});
  CHECK(all.bob.expect(DVK_FRAME_waits_for).to == all.b);
}
