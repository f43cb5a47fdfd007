// SPDX-License-Identifier: MIT
/// @file
/// The rules of a process that moves: how it leaves and arrives, who learns it, and of backups.
#include <string>

#include "dvk_migrate_world.hpp"

using namespace dvk_migrate;
using ended = world::ended;

// ---- leaving ----

TEST_CASE("a process that has moved is one of the other node, and what is left of it ends its wait") {
  origin w;
  CHECK(w.commit() == DVK_E_not_waiting);
  w.depart();
  CHECK(w.leave() == DVK_E_busy);
  CHECK(w.commit(-1) == DVK_E_range);
  CHECK(w.commit(0x10000) == DVK_E_range);
  CHECK(w.commit() == 0);
  dvk_completion done{};
  REQUIRE(dvk_next_completion(w.table(), &done));
  CHECK(done.endpoint == w.server);
  CHECK(done.result == DVK_E_shut_down);
  CHECK(done.owner == 7);
  CHECK(w.info(w.server).node == there);
  CHECK(w.info(w.server).term == 1);
  CHECK(w.info(w.server).owner == 0);
  CHECK(dvk_endpoint_of_owner(w.table(), 7) == DVK_NONE);
  CHECK(w.start() == DVK_E_bad_node);
}

TEST_CASE("a process that has moved can end, before what is left of it was told too") {
  origin w;
  w.depart();
  REQUIRE(w.commit() == 0);
  REQUIRE(w.unbind(w.server) == 0);
  CHECK(w.bind(0) == DVK_NONE);
  CHECK(w.completions() == ended{{w.server, DVK_E_shut_down}});
  CHECK(w.bind(0, 7) == w.server);
}

TEST_CASE("nobody who waits for a process is completed by its move, and senders keep their order (B20)") {
  origin w;
  w.depart();
  REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.carol, w.server) == DVK_BLOCKED);
  REQUIRE(w.commit() == 0);
  CHECK(w.completions() == ended{{w.server, DVK_E_shut_down}});
  CHECK(dvk_next_sender(w.table(), w.server, DVK_NONE) == w.bob);
  CHECK(dvk_next_sender(w.table(), w.server, w.bob) == w.alice);
  CHECK(dvk_next_sender(w.table(), w.server, w.alice) == DVK_NONE);
  CHECK(dvk_next_sender(w.table(), w.server, w.carol) == DVK_NONE);
  CHECK(dvk_next_sender(w.table(), w.bob, DVK_NONE) == DVK_NONE);
}

TEST_CASE("a notification is in the estate, or late, never both") {
  origin w;
  dvk_estate_note late{};
  REQUIRE(w.receive_request(w.server) == DVK_BLOCKED);
  REQUIRE(w.notify(w.other, w.server, 2, 20) == 0);
  REQUIRE(w.start() == 0);
  CHECK(dvk_take_late(w.table(), w.server, &late) == 0);
  REQUIRE(w.leave() == 0);
  REQUIRE(w.estate->notes == 1);
  CHECK(w.estate->pending[0].source == w.other);
  CHECK(w.estate->pending[0].notification.value == 2);
  CHECK(w.estate->pending[0].notification.timestamp_ns == 20);
  REQUIRE(w.notify(w.other, w.server, 4, 40) == 0);
  REQUIRE(w.commit() == 0);
  CHECK(dvk_take_late(w.table(), w.server, &late) == 1);
  CHECK(late.source == w.other);
  CHECK(late.notification.value == 4);
  CHECK(dvk_take_late(w.table(), w.server, &late) == 0);
}

TEST_CASE("grants of the memory that stays end with the move, those that the process was given do not") {
  origin w;
  dvk_grant_id own = 0, magic = 0, given = 0;
  dvk_memory memory{};
  REQUIRE(dvk_grant_direct(w.table(), w.server, w.alice, 0, 8, DVK_READ, &own) == 0);
  REQUIRE(dvk_grant_magic(w.table(), w.other, w.server, w.alice, 0, 8, DVK_READ, &magic) == 0);
  REQUIRE(dvk_grant_direct(w.table(), w.other, w.server, 64, 8, DVK_READ, &given) == 0);
  w.depart();
  REQUIRE(w.commit() == 0);
  CHECK(w.info(w.server).grants == 0);
  CHECK(dvk_grant_check(w.table(), w.other, w.alice, magic, 0, 8, DVK_READ, 0, &memory) == DVK_E_not_granted);
  CHECK(dvk_grant_check(w.table(), w.other, w.server, given, 0, 8, DVK_READ, 0, &memory) == 0);
}

// ---- arriving ----

TEST_CASE("a process arrives with its name, privileges, counters and notifications") {
  origin from;
  destination to;
  const dvk_privileges special{dvk_all_calls() & ~(1ULL << DVK_CALL_vcopy), DVK_LEVEL_system, from.other};
  REQUIRE(dvk_set_privileges(from.table(), from.server, &special) == 0);
  REQUIRE(dvk_set_peers(from.table(), from.server, DVK_FROM, -3, 0) == 0);
  REQUIRE(dvk_set_peers(from.table(), from.server, DVK_TO, DVK_USERS, 0) == 0);
  REQUIRE(from.send(from.alice, from.server) == DVK_BLOCKED);
  REQUIRE(from.receive(from.server) == 0);
  REQUIRE(from.notify(from.other, from.server, 3) == 0);
  REQUIRE(from.start() == 0);
  REQUIRE(from.receive(from.server) == DVK_BLOCKED);
  REQUIRE(from.leave() == 0);
  CHECK(dvk_migrate_check(to.table(), from.estate.get(), 77) == 0);
  CHECK(to.info(to.server).node == here);
  REQUIRE(to.adopt(*from.estate) == 0);
  const dvk_process_info now = to.info(to.server);
  CHECK(now.node == DVK_HERE);
  CHECK(now.state == 0);
  CHECK(now.owner == 77);
  CHECK(now.term == 1);
  CHECK(std::string(now.name) == "process");
  CHECK(now.privileges.calls == special.calls);
  CHECK(now.privileges.level == special.level);
  CHECK(now.privileges.warn == special.warn);
  CHECK(now.counters.received == 1);
  CHECK(dvk_endpoint_of_owner(to.table(), 77) == to.server);
  int allowed = 1;
  CHECK(dvk_get_peers(to.table(), to.server, DVK_FROM, -3, &allowed) == 0);
  CHECK(allowed == 0);
  CHECK(dvk_get_peers(to.table(), to.server, DVK_TO, DVK_USERS, &allowed) == 0);
  CHECK(allowed == 0);
  CHECK(to.receive(to.server) == 0);
  CHECK(to.notified_by(to.server) == to.other);
}

TEST_CASE("a process that arrives serves those who waited for it here") {
  origin from;
  destination to;
  REQUIRE(to.sendrec(to.dave, to.server, 5) == DVK_BLOCKED);
  from.depart();
  REQUIRE(to.adopt(*from.estate) == 0);
  REQUIRE(to.receive(to.server) == 0);
  CHECK(to.received(to.server).type == 5);
  CHECK(to.reply(to.server, to.dave) == 0);
  CHECK(to.completions() == ended{{to.dave, 0}});
}

TEST_CASE("a late answer to a request before the move is not the answer to one after it") {
  origin from;
  destination to;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(from.sendrec(from.server, from.other) == DVK_BLOCKED);
    REQUIRE(dvk_cancel(from.table(), from.server, DVK_E_timed_out) == 0);
    from.completions();
  }
  from.depart();
  REQUIRE(to.adopt(*from.estate) == 0);
  CHECK(to.exchange(to.server) == from.exchange(from.server));
}

TEST_CASE("a process that comes back is of this node again, with the next term") {
  origin from;
  destination to;
  from.depart();
  REQUIRE(from.commit() == 0);
  REQUIRE(to.adopt(*from.estate) == 0);
  REQUIRE(to.receive(to.server) == DVK_BLOCKED);
  REQUIRE(to.start() == 0);
  REQUIRE(to.leave() == 0);
  CHECK(from.adopt(*to.estate, 8) == DVK_E_process_running);  // what was left has not been told
  from.completions();
  CHECK(from.adopt(*to.estate, 8) == 0);
  CHECK(to.commit(here) == 0);
  CHECK(from.info(from.server).term == 2);
  CHECK(from.info(from.server).node == DVK_HERE);
  CHECK(to.info(to.server).node == here);
}

TEST_CASE("a process can move within its node, and its senders keep their order") {
  origin w;
  w.depart();
  REQUIRE(w.sendrec(w.bob, w.server, 5) == DVK_BLOCKED);
  REQUIRE(w.send(w.alice, w.server, 6) == DVK_BLOCKED);
  REQUIRE(w.commit(here) == 0);
  CHECK(w.completions() == ended{{w.server, DVK_E_shut_down}});
  CHECK(w.adopt(*w.estate, 8) == 0);
  CHECK(w.info(w.server).node == DVK_HERE);
  CHECK(w.receive(w.server) == 0);
  CHECK(w.received(w.server).type == 5);
  CHECK(w.receive(w.server) == 0);
  CHECK(w.received(w.server).type == 6);
  CHECK(w.reply(w.server, w.bob) == 0);
}

TEST_CASE("an estate from before a later move is refused") {
  origin from;
  from.depart();
  REQUIRE(from.commit() == 0);
  from.completions();
  REQUIRE(dvk_migrate_place(from.table(), from.server, 5, 2) == 0);
  CHECK(from.adopt(*from.estate) == DVK_E_bad_argument);
}

TEST_CASE("an estate that no process of this table can have is refused, and nothing changes") {
  origin from;
  destination to;
  REQUIRE(from.notify(from.other, from.server) == 0);
  REQUIRE(from.start() == 0);
  REQUIRE(from.receive(from.server) == DVK_BLOCKED);
  REQUIRE(from.leave() == 0);
  dvk_estate& estate = *from.estate;
  const dvk_estate_note good = estate.pending[0];
  int expected = DVK_E_bad_argument;
  SECTION("another table") { ++estate.tasks; }
  SECTION("another table too") { --estate.system_processes; }
  SECTION("a term that is over") { estate.term = 0; }
  SECTION("a level that is none") { estate.privileges.level = 6; }
  SECTION("a user process to be warned") { estate.privileges.warn = to.dave; }
  SECTION("nobody to be warned") { estate.privileges.warn = 1000; }
  SECTION("more notifications than sources") { estate.notes = estate.system_processes + 1; }
  SECTION("the most notifications that the number says") { estate.notes = ~0U; }
  SECTION("a notification of a user") { estate.pending[0].source = 8; }
  SECTION("a notification of nobody") { estate.pending[0].source = -41; }
  SECTION("a notification of itself") { estate.pending[0].source = estate.endpoint; }
  SECTION("a notification twice") { estate.pending[estate.notes++] = good; }
  SECTION("a process that nobody has heard of") { estate.endpoint = 3, expected = DVK_E_bad_process; }
  SECTION("a slot that is none") { estate.endpoint = 1000, expected = DVK_E_range; }
  SECTION("a stale process") { estate.endpoint = dvk_endpoint_make(1, 0), expected = DVK_E_bad_endpoint; }
  SECTION("a user with notifications, who is here") { estate.endpoint = to.dave; }
  CHECK(to.adopt(estate) == expected);
  CHECK(to.info(to.server).node == here);
}

TEST_CASE("a process is taken over only by somebody who is free to") {
  origin from;
  destination to;
  from.depart();
  REQUIRE(to.bind(2, 50) == 2);
  CHECK(to.adopt(*from.estate, 50) == DVK_E_busy);
  REQUIRE(to.send(to.server, 2) == DVK_BLOCKED);  // as the driver calls in the name of the server
  CHECK(to.adopt(*from.estate, 51) == DVK_E_process_running);
  REQUIRE(to.receive(2) == 0);
  to.completions();
  CHECK(to.adopt(*from.estate, 51) == 0);
  CHECK(to.adopt(*from.estate, 51) == DVK_E_process_running);
}

TEST_CASE("other nodes learn the newest place, whatever they hear first") {
  destination third;
  const auto place = [&](int where, unsigned term) {
    return dvk_migrate_place(third.table(), third.server, where, term);
  };
  CHECK(place(5, 2) == 0);
  CHECK(place(there, 1) == DVK_E_bad_argument);
  CHECK(place(5, 2) == 0);
  CHECK(place(6, 2) == DVK_E_bad_argument);
  CHECK(place(-1, 3) == DVK_E_range);
  CHECK(third.info(third.server).node == 5);
  CHECK(dvk_migrate_place(third.table(), third.dave, 5, 1) == DVK_E_process_running);
  CHECK(dvk_migrate_place(third.table(), 3, 5, 1) == DVK_E_bad_process);
}

// ---- backups ----

TEST_CASE("a backup stands by for a process of another node alone, one for each") {
  destination w;
  CHECK(dvk_stand_by(w.table(), w.dave, 9) == DVK_E_process_running);
  CHECK(dvk_stand_by(w.table(), 3, 9) == DVK_E_bad_process);
  CHECK(dvk_stand_by(w.table(), w.server, 0) == DVK_E_bad_argument);
  CHECK(dvk_stand_by(w.table(), w.server, 9) == 0);
  CHECK(dvk_stand_by(w.table(), w.server, 10) == DVK_E_busy);
  CHECK(dvk_stand_by(w.table(), w.other, 9) == DVK_E_busy);
  CHECK(w.info(w.server).backup == 1);
  CHECK(w.info(w.server).node == here);
}

TEST_CASE("the end of a backup changes nothing for anybody (B20)") {
  destination w;
  REQUIRE(w.sendrec(w.dave, w.server) == DVK_BLOCKED);
  REQUIRE(dvk_stand_by(w.table(), w.server, 9) == 0);
  CHECK(dvk_stand_down(w.table(), w.server) == 0);
  CHECK(dvk_stand_down(w.table(), w.server) == DVK_E_bad_process);
  CHECK(w.completions().empty());
  CHECK(w.info(w.server).endpoint == w.server);
  CHECK(w.info(w.server).node == here);
  CHECK(dvk_endpoint_of_owner(w.table(), 9) == DVK_NONE);
}

TEST_CASE("a promoted backup serves the queue, and whoever had asked its predecessor is told") {
  destination w;
  const dvk_endpoint erin = w.bind_user(), frank = w.bind_user();
  REQUIRE(w.sendrec(w.dave, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);  // as the driver takes it to the primary
  REQUIRE(w.sendrec(erin, w.server, 5) == DVK_BLOCKED);
  REQUIRE(w.receive(frank, w.server) == DVK_BLOCKED);
  CHECK(dvk_promote(w.table(), w.server) == DVK_E_bad_process);
  REQUIRE(dvk_stand_by(w.table(), w.server, 9) == 0);
  CHECK(dvk_promote(w.table(), w.server) == 0);
  CHECK(w.completions() == ended{{w.dave, DVK_E_source_died}});
  CHECK(w.info(w.server).node == DVK_HERE);
  CHECK(w.info(w.server).owner == 9);
  CHECK(w.info(w.server).term == 1);
  CHECK(w.receive(w.server) == 0);
  CHECK(w.received(w.server).type == 5);
  CHECK(w.send(w.server, frank) == 0);
  CHECK(w.unbind(w.server) == 0);
  CHECK(dvk_endpoint_of_owner(w.table(), 9) == DVK_NONE);
}

TEST_CASE("a backup is not promoted in the middle of a call of the primary, nor told of its end") {
  destination w;
  REQUIRE(w.send(w.server, w.dave) == DVK_BLOCKED);
  REQUIRE(dvk_stand_by(w.table(), w.server, 9) == 0);
  CHECK(dvk_promote(w.table(), w.server) == DVK_E_process_running);
  REQUIRE(dvk_cancel(w.table(), w.server, DVK_E_not_connected) == 0);
  dvk_completion done{};
  REQUIRE(dvk_next_completion(w.table(), &done));
  CHECK(done.owner == 0);
  CHECK(dvk_promote(w.table(), w.server) == 0);
}

TEST_CASE("the end of a process ends its backup here") {
  destination w;
  REQUIRE(dvk_stand_by(w.table(), w.server, 9) == 0);
  REQUIRE(w.unbind(w.server) == 0);
  CHECK(dvk_endpoint_of_owner(w.table(), 9) == DVK_NONE);
  CHECK(w.bind(0, 9) == w.server);
  CHECK(w.info(w.server).backup == 0);
}

TEST_CASE("a process can move to its own backup, but not past somebody else's") {
  origin from;
  destination to;
  from.depart();
  REQUIRE(dvk_stand_by(to.table(), to.server, 9) == 0);
  CHECK(to.adopt(*from.estate, 10) == DVK_E_busy);
  CHECK(to.adopt(*from.estate, 9) == 0);
  CHECK(to.info(to.server).backup == 0);
  CHECK(dvk_endpoint_of_owner(to.table(), 9) == to.server);
}
