// SPDX-License-Identifier: MIT
/// @file
/// Direct ways between processes: who is given one, and when it is taken away again.
#include "daemon_support.hpp"

using namespace dvs;
using namespace dvs::userspace;
using namespace dvs::userspace::test;

namespace {

/// Three processes that have boards.
struct three_neighbours : three_lines {
  explicit three_neighbours(bool with_boards = true) : three_lines(10) {
    if (with_boards)
      for (hand* each : {&alice, &bob, &eve}) each->show_board();
    for (hand* each : {&alice, &bob, &eve}) each->descriptors_heard();
  }
  [[nodiscard]] json introduction(std::int32_t who, std::int32_t partner) const {
    return {{"op", "introduce"}, {"dc", dc}, {"who", who}, {"partner", partner}, {"place", 3}};
  }
};

json next_of(hand& who, std::string_view op) {
  for (;;) {
    json asked = who.question();
    if (asked.is_null() || asked.at("op") == op) return asked;
  }
}

}  // namespace

TEST_CASE("two who may talk are given the same memory, and nobody else hears of it") {
  three_neighbours all;
  const json told = all.alice.ask(all.introduction(all.a, all.b));
  CHECK(outcome_of(told) == errc::ok);
  CHECK(told.at("place") == 5);
  CHECK(all.alice.descriptors_heard() == 3);
  const json asked = next_of(all.bob, "way");
  REQUIRE(!asked.is_null());
  CHECK(asked.at("who") == all.a);
  CHECK(asked.at("partner") == all.b);
  CHECK(asked.at("place") == 3);
  CHECK(asked.at("number") == told.at("number"));
  CHECK(all.bob.descriptors_heard() == 3);
  CHECK(next_of(all.eve, "way").is_null());
  CHECK(all.eve.descriptors_heard() == 0);
}

TEST_CASE("who has a way to another is told the number that the other has for it, and none if it has none") {
  three_neighbours all;
  hand inside(all, 5007, 0), beside(all, 5008, 0);
  std::vector<std::int32_t> ids;
  for (hand* const each : {&inside, &beside}) {
    each->show_board();
    each->open("lab");
    ids.push_back(each->bind(all.dc, endpoint_id{static_cast<std::int32_t>(30 + ids.size())}));
  }
  CHECK(inside.ask(all.introduction(ids[0], ids[1])).at("pid") == 8);
  CHECK(next_of(beside, "way").at("pid") == 7);
  CHECK(inside.ask(all.introduction(ids[0], all.a)).at("pid") == 0);
  CHECK(next_of(all.alice, "way").at("pid") == 0);
}

TEST_CASE("a way is made in the name of one's own endpoint only, to one of another process, once") {
  three_neighbours all;
  CHECK(all.eve.outcome(all.introduction(all.a, all.b)) == errc::bad_endpoint);
  CHECK(all.alice.outcome(all.introduction(all.a, all.alice.bind(all.dc, endpoint_id{20}))) == errc::bad_endpoint);
  CHECK(all.alice.outcome(all.introduction(all.a, 40)) == errc::bad_endpoint);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::ok);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::table_full);
  CHECK(all.alice.outcome(all.introduction(all.a, all.e)) == errc::ok);
  json elsewhere = all.introduction(all.a, all.b);
  elsewhere["dc"] = all.dc + 1;
  CHECK(all.alice.outcome(elsewhere) == errc::bad_dc);
}

TEST_CASE("who may not do all that a way makes possible gets none") {
  three_neighbours all;
  privileges rights;
  const auto restrict = [&](std::int32_t who, const privileges& to) {
    const std::uint64_t asked = all.alice.request(all.privileges_request(who, to));
    for (hand* each : {&all.alice, &all.bob, &all.eve})
      for (json question; !(question = each->question()).is_null();) each->answer(question);
    CHECK(outcome_of(all.alice.answer_to(asked)) == errc::ok);
  };
  rights.calls = call_set::all().without(call::sendrec);
  restrict(all.a, rights);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::trap_denied);
  rights.calls = call_set::all().without(call::send);
  restrict(all.a, rights);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::trap_denied);
  rights = {};
  rights.to = peer_set::all().without(endpoint_id{all.b});
  restrict(all.a, rights);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::trap_denied);
  restrict(all.a, {});
  rights.to = peer_set::all().without(endpoint_id{all.a});
  restrict(all.b, rights);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::trap_denied);
  restrict(all.b, {});
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::ok);
}

TEST_CASE("new privileges end a way before they are said to hold") {
  three_neighbours all;
  REQUIRE(all.alice.outcome(all.introduction(all.a, all.b)) == errc::ok);
  REQUIRE(all.alice.outcome(all.introduction(all.a, all.e)) == errc::ok);
  all.bob.answer(next_of(all.bob, "way"));
  all.eve.answer(next_of(all.eve, "way"));
  const std::uint64_t changed = all.alice.request(all.privileges_request(all.b, {}));
  const json at_alice = next_of(all.alice, "sever"), at_bob = next_of(all.bob, "sever");
  REQUIRE(!at_alice.is_null());
  REQUIRE(!at_bob.is_null());
  CHECK(at_alice.at("partner") == all.b);
  CHECK(next_of(all.eve, "sever").is_null());
  all.alice.answer(at_alice);
  CHECK(all.alice.answer_to(changed).is_null());
  CHECK(next_of(all.bob, "privileges").is_null());
  all.bob.answer(at_bob);
  all.bob.answer(next_of(all.bob, "privileges"));
  CHECK(outcome_of(all.alice.answer_to(changed)) == errc::ok);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::ok);
}

TEST_CASE("there is no way in a strict DC, without a board, or to one that cannot be rung") {
  three_neighbours all;
  dc_options strict;
  strict.strict = true;
  const json made = all.alice.ask(
      {{"op", "create"}, {"name", "vault"}, {"sizes", to_json(strict)}, {"stays", false}, {"users", {1001}}});
  const auto vault = field<std::uint16_t>(made, "dc");
  REQUIRE(all.bob.open("vault") == vault);
  json wanted = all.introduction(all.alice.bind(vault, endpoint_id{1}), all.bob.bind(vault, endpoint_id{2}));
  wanted["dc"] = vault;
  CHECK(all.alice.outcome(wanted) == errc::not_supported);

  const json bound = all.bob.ask({{"op", "bind"}, {"dc", all.dc}, {"who", 30}, {"name", "x"}});
  CHECK(all.alice.outcome(all.introduction(all.a, field<std::int32_t>(bound, "endpoint"))) == errc::not_supported);

  three_neighbours without(false);
  CHECK(without.alice.outcome(without.introduction(without.a, without.b)) == errc::not_supported);
}

TEST_CASE("a board that can shrink, grow, or be written by those who may look is none, and ends the line") {
  const auto sealed = [](std::size_t bytes, int seals) {
    owned_descriptor file(::memfd_create("board", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(::ftruncate(file.get(), static_cast<off_t>(bytes)) == 0);
    REQUIRE(::fcntl(file.get(), F_ADD_SEALS, seals) == 0);
    return file;
  };
  constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  constexpr std::size_t states = sizeof(board_states), hints = sizeof(board_hint_words);
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_FUTURE_WRITE}) {
    three_lines all(10);
    const int given = (all_seals | F_SEAL_FUTURE_WRITE) & ~missing;
    all.eve.show_board(sealed(states, given), sealed(hints, all_seals));
    CHECK(all.eve.is_cut_off());
  }
  three_lines all(10);
  all.eve.show_board(sealed(states / 2, all_seals | F_SEAL_FUTURE_WRITE), sealed(hints, all_seals));
  CHECK(all.eve.is_cut_off());
  all.bob.show_board(owned_descriptor(::open("/dev/zero", O_RDWR | O_CLOEXEC)), sealed(hints, all_seals));
  CHECK(all.bob.is_cut_off());
  all.alice.request({{"op", "hello"}, {"version", control_version}, {"descriptors", 2}});
  CHECK(all.alice.is_cut_off());
}

TEST_CASE("a process is rung for its partner alone, once at a time, and no ring is lost") {
  three_neighbours all;
  REQUIRE(all.alice.outcome(all.introduction(all.a, all.b)) == errc::ok);
  all.bob.answer(next_of(all.bob, "way"));
  const auto ring = [&](hand& by, std::int32_t who, std::int32_t partner) {
    by.request({{"op", "ring"}, {"dc", all.dc}, {"who", who}, {"partner", partner}});
  };
  ring(all.eve, all.e, all.b);
  ring(all.eve, all.a, all.b);
  CHECK(next_of(all.bob, "ring").is_null());
  ring(all.alice, all.a, all.b);
  ring(all.alice, all.a, all.b);
  ring(all.alice, all.a, all.b);
  const json first = next_of(all.bob, "ring");
  REQUIRE(!first.is_null());
  CHECK(first.at("who") == all.b);
  CHECK(next_of(all.bob, "ring").is_null());
  all.bob.answer(first);
  const json second = next_of(all.bob, "ring");
  REQUIRE(!second.is_null());
  all.bob.answer(second);
  CHECK(next_of(all.bob, "ring").is_null());
  ring(all.bob, all.b, all.a);
  CHECK(!next_of(all.alice, "ring").is_null());
}

TEST_CASE("with a process its ways are gone") {
  three_neighbours all;
  REQUIRE(all.alice.outcome(all.introduction(all.a, all.b)) == errc::ok);
  all.bob.tell_gone(all.dc, all.b);
  CHECK(all.alice.outcome(all.introduction(all.a, all.b)) == errc::bad_endpoint);
  const std::int32_t again = all.bob.bind(all.dc, endpoint_id{11});
  CHECK(all.alice.outcome(all.introduction(all.a, again)) == errc::ok);
  all.alice.close();
  CHECK(all.board().open_commands() == 0);
}
