// SPDX-License-Identifier: MIT
/// @file
/// The rules of a process that is about to move: how it comes to rest, is held, and goes on if it stays.
#include "dvk_migrate_world.hpp"

using namespace dvk_migrate;
using ended = world::ended;

// ---- coming to rest ----

TEST_CASE("a process that waits for anybody is held at once") {
  origin w;
  SECTION("in receive") { REQUIRE(w.receive(w.server) == DVK_BLOCKED); }
  SECTION("in receive_request") { REQUIRE(w.receive_request(w.server) == DVK_BLOCKED); }
  CHECK(w.start() == 0);
  CHECK(w.moving() == DVK_MOVING_held);
  CHECK(w.start() == DVK_E_busy);
}

TEST_CASE("a process that runs is held by its next receive, which takes nothing") {
  origin w;
  REQUIRE(w.start() == 0);
  CHECK(w.moving() == DVK_MOVING_leaving);
  CHECK(w.leave() == DVK_E_would_block);
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.notify(w.other, w.server) == 0);
  SECTION("from anybody") { CHECK(w.receive(w.server) == DVK_BLOCKED); }
  SECTION("of requests") { CHECK(w.receive_request(w.server) == DVK_BLOCKED); }
  CHECK(w.moving() == DVK_MOVING_held);
  CHECK(w.completions().empty());
}

TEST_CASE("a process that only polls goes on, and does not come to rest") {
  origin w;
  REQUIRE(w.start() == 0);
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == 0);
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.moving() == DVK_MOVING_leaving);
}

TEST_CASE("who waits for one process is not at rest, and gets what it waits for") {
  origin w;
  REQUIRE(w.receive(w.server, w.alice) == DVK_BLOCKED);
  REQUIRE(w.start() == 0);
  CHECK(w.moving() == DVK_MOVING_leaving);
  CHECK(w.send(w.alice, w.server) == 0);
  CHECK(w.completions() == ended{{w.server, 0}});
}

TEST_CASE("a process that owes answers is held when it has given the last, or nobody waits for them any more (B8)") {
  origin w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(w.start() == 0);
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  CHECK(w.moving() == DVK_MOVING_leaving);
  CHECK(w.reply(w.server, w.alice) == 0);
  CHECK(w.moving() == DVK_MOVING_leaving);
  SECTION("the last is given") { CHECK(w.reply(w.server, w.bob) == 0); }
  SECTION("the client gives up") { CHECK(dvk_cancel(w.table(), w.bob, DVK_E_timed_out) == 0); }
  SECTION("the client goes") { CHECK(w.unbind(w.bob) == 0); }
  SECTION("somebody else gets the request") { CHECK(w.relay(w.server, w.bob, w.other) == 0); }
  CHECK(w.moving() == DVK_MOVING_held);
}

TEST_CASE("a process that owes answers still takes what it needs to give them") {
  origin w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(w.start() == 0);
  REQUIRE(w.notify(w.other, w.server) == 0);
  CHECK(w.receive(w.server) == 0);
  CHECK(w.notified_by(w.server) == w.other);
}

// ---- while it is held ----

TEST_CASE("nothing reaches a held process, and everybody waits as for a busy one (B20)") {
  origin w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.start() == 0);
  CHECK(w.send(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  CHECK(w.send(w.carol, w.server, 1, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.receive(w.carol, w.server) == DVK_BLOCKED);
  CHECK(w.notify(w.other, w.server) == 0);
  CHECK(w.notify(w.other, w.server) == DVK_E_overrun);
  CHECK(w.completions().empty());
  CHECK(w.info(w.server).senders == 2);
  CHECK(w.info(w.server).notifications_pending == 1);
}

TEST_CASE("who waits for a held process can give up as always, but the held one's own wait does not end") {
  origin w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.start() == 0);
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  CHECK(dvk_cancel(w.table(), w.alice, DVK_E_timed_out) == 0);
  CHECK(dvk_cancel(w.table(), w.server, DVK_E_timed_out) == DVK_E_busy);
  CHECK(w.completions() == ended{{w.alice, DVK_E_timed_out}});
}

TEST_CASE("copies of the memory of a held process wait") {
  origin w;
  dvk_grant_id id = 0;
  dvk_memory memory{};
  dvk_copy_parties parties{};
  const auto check = [&] { return dvk_grant_check(w.table(), w.server, w.alice, id, 0, 8, DVK_READ, 0, &memory); };
  const auto vcopy = [&] { return dvk_vcopy_check(w.table(), w.other, w.server, DVK_SELF, &parties); };
  REQUIRE(dvk_grant_direct(w.table(), w.server, w.alice, 4096, 8, DVK_READ, &id) == 0);
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  CHECK(check() == 0);
  CHECK(vcopy() == 0);
  REQUIRE(w.start() == 0);
  CHECK(check() == DVK_BLOCKED);
  CHECK(vcopy() == DVK_BLOCKED);
  REQUIRE(w.rollback(false) == 0);
  CHECK(check() == 0);
  CHECK(vcopy() == 0);
}

TEST_CASE("a process can end while it is held, and everybody is told as always") {
  origin w;
  w.depart();
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions() == ended{{w.server, DVK_E_shut_down}, {w.alice, DVK_E_destination_died}});
  CHECK(w.rollback() == DVK_E_bad_process);
  CHECK(w.commit() == DVK_E_bad_process);
  REQUIRE(w.bind(0) == w.server);
  CHECK(w.moving() == DVK_MOVING_settled);
  CHECK(w.commit() == DVK_E_not_waiting);
}

// ---- going back ----

TEST_CASE("a process whose migration is rolled back takes what has come meanwhile, as if nothing had been") {
  origin w;
  const bool with_estate = GENERATE(false, true);
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.start() == 0);
  REQUIRE(w.send(w.alice, w.server, 5) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.server, 6) == DVK_BLOCKED);
  if (with_estate) REQUIRE(w.leave() == 0);
  SECTION("a message") {
    CHECK(w.rollback(with_estate) == 0);
    CHECK(w.completions() == ended{{w.alice, 0}, {w.server, 0}});
    CHECK(w.received(w.server).type == 5);
  }
  SECTION("notifications before messages") {
    REQUIRE(w.notify(w.other, w.server) == 0);
    CHECK(w.rollback(with_estate) == 0);
    CHECK(w.completions() == ended{{w.server, 0}});
    CHECK(w.notified_by(w.server) == w.other);
    CHECK(w.receive(w.server) == 0);
    CHECK(w.received(w.server).type == 5);
  }
  CHECK(w.receive(w.server) == 0);
  CHECK(w.received(w.server).type == 6);
  CHECK(w.moving() == DVK_MOVING_settled);
}

TEST_CASE("who waited for requests takes the first request when its migration is rolled back") {
  origin w;
  REQUIRE(w.receive_request(w.server) == DVK_BLOCKED);
  REQUIRE(w.start() == 0);
  REQUIRE(w.send(w.alice, w.server, 5) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.server, 6) == DVK_BLOCKED);
  REQUIRE(w.notify(w.other, w.server) == 0);
  CHECK(w.rollback(false) == 0);
  CHECK(w.completions() == ended{{w.server, 0}});
  CHECK(w.received(w.server).type == 6);
}

TEST_CASE("if nothing has come the process goes on waiting after a rollback, and can be asked to leave again") {
  origin w;
  w.depart();
  CHECK(w.rollback() == 0);
  CHECK(w.completions().empty());
  CHECK(w.start() == 0);
  CHECK(w.moving() == DVK_MOVING_held);
}

TEST_CASE("a process that had not come to rest is let go by a rollback, and never held later (B20)") {
  origin w;
  REQUIRE(w.start() == 0);
  CHECK(w.rollback(false) == 0);
  CHECK(w.rollback(false) == DVK_E_not_waiting);
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  CHECK(w.moving() == DVK_MOVING_settled);
  CHECK(w.send(w.alice, w.server) == 0);
}

TEST_CASE("a rollback merges the notifications of the estate with those that came later") {
  origin w;
  REQUIRE(w.notify(w.other, w.server, 1, 100) == 0);
  REQUIRE(w.start() == 0);
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.leave() == 0);
  REQUIRE(w.inject(DVK_CLOCK, w.server, 8, 150) == 0);
  REQUIRE(w.notify(w.other, w.server, 4, 200) == 0);
  CHECK(w.rollback() == 0);
  CHECK(w.completions() == ended{{w.server, 0}});
  CHECK(w.notified_by(w.server) == DVK_CLOCK);
  CHECK(w.receive(w.server) == 0);
  const dvk_message merged = w.received(w.server);
  CHECK(dvk_notification_of(&merged).value == 5);
  CHECK(dvk_notification_of(&merged).timestamp_ns == 100);
}

TEST_CASE("a rollback wants the very estate that was taken") {
  origin w;
  w.depart();
  CHECK(w.rollback(false) == DVK_E_bad_argument);
  w.estate->endpoint = w.other;
  CHECK(w.rollback() == DVK_E_bad_argument);
  w.estate->endpoint = w.server;
  CHECK(w.rollback() == 0);
}

TEST_CASE("the privileges of a process do not change while its estate is under way") {
  origin w;
  w.depart();
  CHECK(w.allow(w.server, 1) == DVK_E_busy);
  CHECK(dvk_set_peers(w.table(), w.server, DVK_TO, DVK_USERS, 0) == DVK_E_busy);
  REQUIRE(w.rollback() == 0);
  CHECK(w.allow(w.server, 1) == 0);
}
