// SPDX-License-Identifier: MIT
/// @file
/// The switchboard: who may enter a DC and say what to whom, and that each command has one completion.
#include "daemon_support.hpp"

using namespace dvs;
using namespace dvs::userspace;
using namespace dvs::userspace::test;

namespace {

constexpr dvk_frame_kind of_processes[] = {DVK_FRAME_send,        DVK_FRAME_request,  DVK_FRAME_try_send,
                                           DVK_FRAME_notify,      DVK_FRAME_copy_out, DVK_FRAME_copy_in,
                                           DVK_FRAME_copy_across, DVK_FRAME_reply};

/// A command that was passed on, as the other side has it.
dvk_frame passed(hand& from, hand& to, const dvk_frame& asked) {
  from.say(asked);
  return to.expect(static_cast<dvk_frame_kind>(asked.kind));
}

}  // namespace

// ---- Names ----

TEST_CASE("a line speaks in the name of its own endpoints only") {
  three_lines all(10);
  std::uint64_t exchange = 0;
  for (const dvk_frame_kind kind : of_processes) {
    CAPTURE(int{kind});
    CHECK(refusal(all.eve, command(kind, all.dc, ++exchange, all.a, all.b)) == errc::bad_endpoint);
    CHECK(refusal(all.eve, command(kind, all.dc, ++exchange, 40, all.b)) == errc::bad_endpoint);
    CHECK(refusal(all.eve, command(kind, all.dc, ++exchange, number(any), all.b)) == errc::bad_endpoint);
    CHECK(all.bob.frames() == 0);
  }
  CHECK(all.board().open_commands() == 0);
}

TEST_CASE("commands go to who has the endpoint, with its name, and completions go back") {
  three_lines all(10);
  std::uint64_t exchange = 100;
  for (const dvk_frame_kind kind : of_processes) {
    CAPTURE(int{kind});
    const dvk_frame there = passed(all.alice, all.bob, command(kind, all.dc, ++exchange, all.a, all.b));
    CHECK(there.from == all.a);
    CHECK(there.to == all.b);
    CHECK(there.to_node == number(this_process));
    CHECK(there.from_node == 3);
    all.bob.say(done(there));
    const dvk_frame back = all.alice.expect(completion_kind(kind));
    CHECK(back.exchange == exchange);
    CHECK(back.from == all.b);
    CHECK(back.to == all.a);
    CHECK(back.result == DVK_E_ok);
  }
  CHECK(all.eve.frames() == 0);
  CHECK(all.board().open_commands() == 0);
}

TEST_CASE("a process is gone when its line says so, and when another says so it is not") {
  three_lines all;
  all.eve.tell_gone(all.dc, all.b);
  CHECK(passed(all.alice, all.bob, command(DVK_FRAME_request, all.dc, 1, all.a, all.b)).from == all.a);
  all.bob.tell_gone(all.dc, all.b);
  CHECK(refusal(all.alice, command(DVK_FRAME_request, all.dc, 2, all.a, all.b)) == errc::destination_died);
  CHECK(refusal(all.alice, command(DVK_FRAME_copy_out, all.dc, 3, all.a, all.b)) == errc::source_died);
}

// ---- Who may enter ----

TEST_CASE("the owner, the superuser, the users and the groups of a list may enter a DC, and nobody else") {
  board_world world;
  hand owner(world, 1, 1000);
  const std::uint16_t dc = owner.create("lab", {{"users", {1001}}, {"groups", {50}}});
  const auto enters = [&](std::uint32_t user, std::set<std::uint32_t> groups) {
    hand who(world, 9, user, std::move(groups));
    return who.outcome({{"op", "open"}, {"name", "lab"}});
  };
  CHECK(enters(1000, {}) == errc::ok);
  CHECK(enters(0, {}) == errc::ok);
  CHECK(enters(1001, {}) == errc::ok);
  CHECK(enters(1002, {49, 50}) == errc::ok);
  CHECK(enters(1002, {49, 1001}) == errc::no_privilege);
  CHECK(enters(50, {}) == errc::no_privilege);
  hand other(world, 8, 1002);
  CHECK(other.outcome({{"op", "open"}, {"name", "elsewhere"}}) == errc::no_entry);
  CHECK(other.outcome({{"op", "create"}, {"name", "lab"}, {"sizes", to_json(dc_options{})}, {"stays", false}}) ==
        errc::exists);
  CHECK(owner.outcome({{"op", "privileges"}, {"dc", dc}, {"who", 1}}) == errc::bad_endpoint);
}

TEST_CASE("only the user of the daemon and the superuser make DCs that reach other nodes") {
  board_world world;  // the daemon is the superuser's
  const json across = to_json(dc_options{.span = dc_span{dc_id{7}, 0, 2}});
  const auto makes = [&](std::uint32_t user) {
    hand who(world, 9, user);
    return who.outcome({{"op", "create"}, {"name", "wide"}, {"sizes", across}, {"stays", false}});
  };
  CHECK(makes(1000) == errc::no_privilege);
  CHECK(makes(0) == errc::ok);
}

TEST_CASE("a DC that a line has not opened does not exist for it, whatever number it guesses") {
  three_lines all;
  hand stranger(all, 4, 1003);
  for (const dvk_frame_kind kind : of_processes)
    CHECK(refusal(stranger, command(kind, all.dc, 9, all.a, all.b)) == errc::bad_dc);
  CHECK(refusal(stranger, command(DVK_FRAME_control, all.dc, 9, 0, all.b)) == errc::bad_dc);
  CHECK(refusal(all.eve, command(DVK_FRAME_request, 999, 9, all.e, all.b)) == errc::bad_dc);
  const auto guess = [&](const char* op, json with = json::object()) {
    with.update({{"op", op}, {"dc", all.dc}, {"who", 70}, {"name", "x"}});
    return stranger.outcome(std::move(with));
  };
  CHECK(guess("bind") == errc::dc_not_running);
  CHECK(guess("bind_thread", {{"thread", 200}}) == errc::dc_not_running);
  CHECK(guess("leave") == errc::bad_dc);
  CHECK(guess("leave", {{"end", true}}) == errc::bad_dc);
  CHECK(guess("privileges") == errc::bad_dc);
  CHECK(guess("set_privileges", {{"privileges", to_json(privileges{}, dc_options{})}}) == errc::bad_dc);
  CHECK(guess("processes") == errc::bad_dc);
  stranger.join(all.dc);
  CHECK(stranger.frames() == 0);
  CHECK(all.bob.frames() == 0);
}

TEST_CASE("a request that creates a DC badly makes none") {
  board_world world;
  hand owner(world);
  const json good = {{"op", "create"}, {"name", "lab"}, {"sizes", to_json(dc_options{})}, {"stays", true}};
  for (const json& bad : {json{{"stays", 1}}, json{{"users", {"root"}}}, json{{"groups", {-1}}}, json{{"sizes", 4}}}) {
    CAPTURE(bad);
    hand who(world);
    json wanted = good;
    wanted.update(bad);
    who.request(wanted);
    CHECK(who.is_cut_off());
    CHECK(owner.ask({{"op", "list"}}).at("dcs").empty());
  }
  for (const dc_options& sizes : {dc_options{.tasks = 5000}, dc_options{.servers = 5000}, dc_options{.users = 1 << 30},
                                  dc_options{.servers = 0xFFFFFFFF, .users = 9}, dc_options{.grants = 1 << 30}}) {
    json wanted = good;
    wanted["sizes"] = to_json(sizes);
    CHECK(owner.outcome(wanted) == errc::range);
  }
  CHECK(owner.ask({{"op", "list"}}).at("dcs").empty());
}

// ---- Privileges ----

TEST_CASE("privileges hold at the switchboard, whatever the process of the sender thinks") {
  three_lines all(10);
  hand root(all, 5, 0);
  root.open("lab");
  const auto set = [&](std::int32_t who, hand& holder, const privileges& rights) {
    const auto asked = root.request(all.privileges_request(who, rights));
    holder.answer(holder.question());
    CHECK(outcome_of(root.answer_to(asked)) == errc::ok);
  };
  std::uint64_t exchange = 0;
  const auto from_alice = [&](dvk_frame_kind kind) {
    return refusal(all.alice, command(kind, all.dc, ++exchange, all.a, all.b));
  };

  SECTION("a call that it may not make") {
    set(all.a, all.alice, {.calls = call_set{}.with(call::reply)});
    for (const auto kind : {DVK_FRAME_send, DVK_FRAME_try_send, DVK_FRAME_request, DVK_FRAME_notify})
      CHECK(from_alice(kind) == errc::bad_call);
    dvk_frame by_address = command(DVK_FRAME_copy_out, all.dc, ++exchange, all.a, all.b);
    by_address.part.grant = DVK_NO_GRANT;
    CHECK(refusal(all.alice, by_address) == errc::bad_call);
  }
  SECTION("whom it may not address") {
    set(all.a, all.alice, {.to = peer_set::all().without(endpoint_id{all.b})});
    for (const auto kind : {DVK_FRAME_send, DVK_FRAME_try_send, DVK_FRAME_request, DVK_FRAME_notify, DVK_FRAME_reply})
      CHECK(from_alice(kind) == errc::trap_denied);
    CHECK(passed(all.alice, all.eve, command(DVK_FRAME_send, all.dc, 99, all.a, all.e)).from == all.a);
  }
  SECTION("who may not address that one") {
    set(all.b, all.bob, {.from = peer_set::nobody()});
    for (const auto kind : {DVK_FRAME_send, DVK_FRAME_try_send, DVK_FRAME_request, DVK_FRAME_notify, DVK_FRAME_reply})
      CHECK(from_alice(kind) == errc::trap_denied);
  }
  SECTION("a request needs a way back") {
    set(all.b, all.bob, {.to = peer_set::nobody()});
    CHECK(from_alice(DVK_FRAME_request) == errc::trap_denied);
    CHECK(passed(all.alice, all.bob, command(DVK_FRAME_send, all.dc, 99, all.a, all.b)).from == all.a);
  }
  CHECK(all.bob.frames() == 0);
}

TEST_CASE("users notify nobody and copy nothing by address, also if they may make all calls") {
  three_lines all;
  const json everything = to_json(privileges{}, dc_options{});
  const auto user = field<std::int32_t>(
      all.eve.ask({{"op", "bind"}, {"dc", all.dc}, {"who", 80}, {"name", "x"}, {"privileges", everything}}),
      "endpoint");
  const std::int32_t server = all.bob.bind(all.dc, endpoint_id{10});
  CHECK(refusal(all.eve, command(DVK_FRAME_notify, all.dc, 1, user, server)) == errc::trap_denied);
  dvk_frame as_other = command(DVK_FRAME_notify, all.dc, 2, user, server);
  as_other.other = number(hardware);
  CHECK(refusal(all.eve, as_other) == errc::no_privilege);
  for (const auto kind : {DVK_FRAME_copy_out, DVK_FRAME_copy_in, DVK_FRAME_copy_across}) {
    dvk_frame by_address = command(kind, all.dc, 3, user, server);
    by_address.part.grant = DVK_NO_GRANT;
    CHECK(refusal(all.eve, by_address) == errc::no_privilege);
  }
}

TEST_CASE("notifications are in the name of system slots, to system processes") {
  three_lines all(10);
  dvk_frame told = command(DVK_FRAME_notify, all.dc, 1, all.a, all.b);
  for (const std::int32_t bad : {70, 5000, -65, number(any), 0x7FFF'FFFF, -0x7FFF'FFFF - 1, 10 + (1 << 20)}) {
    CAPTURE(bad);
    told.other = bad;
    CHECK(refusal(all.alice, told) == errc::bad_endpoint);
  }
  told.other = number(hardware);
  CHECK(passed(all.alice, all.bob, told).other == number(hardware));
  const std::int32_t user = all.bob.bind(all.dc, endpoint_id{70});
  CHECK(refusal(all.alice, command(DVK_FRAME_notify, all.dc, 2, all.a, user)) == errc::trap_denied);
}

TEST_CASE("administrators alone set privileges, end DCs and control the processes of others") {
  three_lines all;
  hand root(all, 5, 0);
  root.open("lab");
  CHECK(all.eve.outcome(all.privileges_request(all.b, {})) == errc::no_privilege);
  CHECK(all.eve.outcome(all.privileges_request(all.e, {})) == errc::no_privilege);
  CHECK(all.eve.outcome({{"op", "leave"}, {"dc", all.dc}, {"end", true}}) == errc::no_privilege);
  CHECK(refusal(all.eve, command(DVK_FRAME_control, all.dc, 1, 0, all.b)) == errc::no_privilege);
  CHECK(all.bob.question().is_null());
  CHECK(all.bob.frames() == 0);
  CHECK(passed(all.bob, all.bob, command(DVK_FRAME_control, all.dc, 1, 0, all.b)).value == 1);
  CHECK(passed(all.alice, all.bob, command(DVK_FRAME_control, all.dc, 1, 0, all.b)).value == 1);
  CHECK(passed(root, all.bob, command(DVK_FRAME_control, all.dc, 1, 0, all.b)).value == 1);
  CHECK(refusal(root, command(DVK_FRAME_control, all.dc, 2, 0, 40)) == errc::bad_endpoint);
}

TEST_CASE("threads are bound by their own user and by administrators") {
  three_lines all;
  const auto wanted = [&](std::int32_t thread) -> json {
    return {{"op", "bind_thread"}, {"dc", all.dc}, {"who", number(own)}, {"thread", thread}, {"name", "t"}};
  };
  CHECK(all.eve.outcome(wanted(201)) == errc::no_privilege);
  CHECK(all.eve.outcome(wanted(12345)) == errc::bad_process);
  CHECK(all.eve.outcome(wanted(5)) == errc::bad_process);
  const auto asked = all.alice.request(wanted(201));
  const json order = all.bob.question();
  CHECK(order.at("op") == "bind_thread");
  CHECK(order.at("thread") == 201);
  CHECK(all.alice.answer_to(asked).is_null());
  all.bob.answer(order);
  CHECK(all.alice.answer_to(asked).at("endpoint") == order.at("endpoint"));
}

// ---- Completions ----

TEST_CASE("what a line was asked ends when it closes") {
  three_lines all(10);
  std::uint64_t exchange = 0;
  for (const dvk_frame_kind kind : of_processes) all.alice.say(command(kind, all.dc, ++exchange, all.a, all.b));
  CHECK(all.board().open_commands() == exchange);
  all.bob.close();
  for (const dvk_frame_kind kind : of_processes) {
    CAPTURE(int{kind});
    const bool from_there = kind == DVK_FRAME_request || kind == DVK_FRAME_copy_out;
    CHECK(errc{all.alice.expect(completion_kind(kind)).result} ==
          (from_there ? errc::source_died : errc::destination_died));
  }
  CHECK(all.alice.frames() == 0);
  CHECK(all.board().open_commands() == 0);
}

TEST_CASE("what a line has asked is forgotten when it closes, and its late completions reach nobody") {
  three_lines all;
  const dvk_frame there = passed(all.alice, all.bob, command(DVK_FRAME_request, all.dc, 1, all.a, all.b));
  all.alice.close();
  CHECK(all.board().open_commands() == 0);
  all.bob.say(done(there));
  CHECK(!all.bob.is_cut_off());
  hand next(all, 1, 1000);
  CHECK(next.frames() == 0);
}

TEST_CASE("what is open in a DC ends with it") {
  three_lines all(10);
  std::uint64_t exchange = 0;
  for (const dvk_frame_kind kind : of_processes) all.eve.say(command(kind, all.dc, ++exchange, all.e, all.b));
  all.alice.close();
  for (const dvk_frame_kind kind : of_processes)
    CHECK(errc{all.eve.expect(completion_kind(kind)).result} == errc::shut_down);
  CHECK(all.board().open_commands() == 0);
  CHECK(refusal(all.eve, command(DVK_FRAME_send, all.dc, 50, all.e, all.b)) == errc::shut_down);
}

TEST_CASE("completions that nobody waits for reach nobody") {
  three_lines all;
  const dvk_frame there = passed(all.alice, all.bob, command(DVK_FRAME_request, all.dc, 7, all.a, all.b));
  dvk_frame forged = done(there);

  all.eve.say(forged);  // from another line
  forged.exchange = 7;  // the number of the asker
  all.bob.say(forged);
  forged.exchange = there.exchange + (std::uint64_t{1} << 32);
  all.bob.say(forged);
  CHECK(all.alice.frames() == 0);
  all.bob.say(done(there));
  CHECK(all.alice.expect(DVK_FRAME_answer).exchange == 7);
  all.bob.say(done(there));  // twice
  CHECK(all.alice.frames() == 0);
  CHECK(!all.bob.is_cut_off());
  CHECK(!all.eve.is_cut_off());
}

TEST_CASE("a completion of another kind closes the line") {
  three_lines all(10);
  const dvk_frame asked = command(DVK_FRAME_request, all.dc, 7, all.a, all.b);
  for (const auto kind : {DVK_FRAME_send_done, DVK_FRAME_copy_out_done, DVK_FRAME_lock_done}) {
    hand liar(all, 2, 1001);
    liar.open("lab");
    dvk_frame question = asked;
    question.to = liar.bind(all.dc, endpoint_id{20});
    dvk_frame wrong = done(passed(all.alice, liar, question));
    wrong.kind = static_cast<std::uint8_t>(kind);
    liar.say(wrong);
    CHECK(liar.is_cut_off());
    CHECK(all.alice.frames() == 0);
    liar.close();
    CHECK(errc{all.alice.expect(DVK_FRAME_answer).result} == errc::source_died);
  }
  dvk_frame relayed = done(passed(all.alice, all.bob, command(DVK_FRAME_send, all.dc, 8, all.a, all.b)));
  relayed.kind = DVK_FRAME_redirect;
  all.bob.say(relayed);
  CHECK(all.bob.is_cut_off());
}

TEST_CASE("a copy that brings other than was asked for closes the line") {
  three_lines all(10);
  dvk_frame wrong = done(passed(all.alice, all.bob, command(DVK_FRAME_copy_out, all.dc, 7, all.a, all.b)));
  wrong.data_bytes = 3;
  all.bob.say(wrong);
  CHECK(all.bob.is_cut_off());
  CHECK(all.alice.frames() == 0);
}

TEST_CASE("each has its own numbers, whatever numbers others use") {
  three_lines all;
  const dvk_frame of_alice = passed(all.alice, all.bob, command(DVK_FRAME_request, all.dc, 5, all.a, all.b));
  const dvk_frame of_eve = passed(all.eve, all.bob, command(DVK_FRAME_request, all.dc, 5, all.e, all.b));
  const dvk_frame more = passed(all.alice, all.eve, command(DVK_FRAME_request, all.dc, 6, all.a, all.e));
  CHECK(of_alice.exchange != of_eve.exchange);
  all.bob.say(done(of_eve, errc::would_block));
  all.bob.say(done(of_alice, errc::locked));
  all.eve.say(done(more, errc::not_waiting));
  CHECK(errc{all.eve.expect(DVK_FRAME_answer).result} == errc::would_block);
  const dvk_frame first = all.alice.expect(DVK_FRAME_answer), second = all.alice.expect(DVK_FRAME_answer);
  CHECK(first.exchange == 5);
  CHECK(errc{first.result} == errc::locked);
  CHECK(second.exchange == 6);
  CHECK(errc{second.result} == errc::not_waiting);
}

TEST_CASE("a number that is in use closes the line") {
  three_lines all;
  all.alice.say(command(DVK_FRAME_request, all.dc, 5, all.a, all.b));
  SECTION("for a good command") { all.alice.say(command(DVK_FRAME_request, all.dc, 5, all.a, all.e)); }
  SECTION("for one that would be refused") { all.alice.say(command(DVK_FRAME_request, 99, 5, all.a, all.e)); }
  CHECK(all.alice.is_cut_off());
  CHECK(all.alice.frames() == 0);
  CHECK(all.eve.frames() == 0);
}
