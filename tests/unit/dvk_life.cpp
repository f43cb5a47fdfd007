// SPDX-License-Identifier: MIT
/// @file
/// The rules of endpoints, bind, death and privileges, one sentence each.
#include <catch2/catch.hpp>
#include <cstring>
#include <set>

#include "dvk_world.hpp"

using ended = world::ended;

namespace {

struct company : world {
  dvk_endpoint server = bind(0), other = bind(1);
  dvk_endpoint alice = bind_user(), bob = bind_user(), carol = bind_user();
};

}  // namespace

// ---- endpoints ----

TEST_CASE("an endpoint is its generation times 2^20 plus its slot, and gives both back") {
  for (int generation : {0, 1, 2, 1000, DVK_GENERATION_MAX + 0}) {
    for (int slot : {-1024, -35, -1, 0, 1, 64, 1047543}) {
      const dvk_endpoint endpoint = dvk_endpoint_make(generation, slot);
      CHECK(endpoint == std::int64_t{generation} * 1048576 + slot);
      CHECK(dvk_generation_of(endpoint) == generation);
      CHECK(dvk_slot_of(endpoint) == slot);
    }
  }
}

TEST_CASE("the system tasks of nodes have different slots, none of them one of the pseudo sources") {
  std::set<dvk_endpoint> all{DVK_HARDWARE, DVK_CLOCK, DVK_EVENTS};
  CHECK(dvk_system_of(0) == DVK_SYSTEM);
  CHECK(dvk_system_of(31) == -33);
  for (unsigned node = 0; node < 1020; ++node) {
    CHECK(dvk_system_of(node) >= -DVK_TASKS_MAX);
    CHECK(all.insert(dvk_system_of(node)).second);
  }
  CHECK(dvk_system_of(1020) == DVK_NONE);
  CHECK(dvk_system_of(~0u) == DVK_NONE);
}

TEST_CASE("the endpoint of a system process is its slot, at every bind") {
  world w;
  for (int slot : {-40, -35, -2, 0, 7}) {
    for (int again = 0; again < 3; ++again) {
      CHECK(w.bind(slot) == slot);
      CHECK(w.unbind(slot) == 0);
    }
  }
}

TEST_CASE("a stale endpoint never reaches the next owner of its slot (B1)") {
  company w;
  const dvk_endpoint stale = w.bob;
  REQUIRE(w.unbind(w.bob) == 0);
  CHECK(w.send(w.alice, stale) == DVK_E_destination_died);
  const dvk_endpoint next = w.bind(dvk_slot_of(stale));
  CHECK(next == stale + DVK_GENERATION_SIZE);
  CHECK(w.send(w.alice, stale) == DVK_E_bad_endpoint);
  CHECK(w.sendrec(w.alice, stale) == DVK_E_bad_endpoint);
  CHECK(w.receive(w.alice, stale) == DVK_E_bad_endpoint);
  CHECK(w.reply(w.server, stale) == DVK_E_bad_endpoint);
  CHECK(w.unbind(stale) == DVK_E_bad_endpoint);
  CHECK(dvk_cancel(w.table(), stale, DVK_E_cancelled) == DVK_E_bad_endpoint);
  CHECK(w.sendrec(stale, w.server) == DVK_E_not_bound);
  CHECK(dvk_message_of(w.table(), stale) == nullptr);
}

TEST_CASE("after the last generation comes the first, and 0 never") {
  world w({36, 1, 36, 0});
  const dvk_endpoint first = w.bind(0);
  CHECK(first == dvk_endpoint_make(1, 0));
  dvk_endpoint now = first;
  for (int generation = 2; generation <= DVK_GENERATION_MAX; ++generation) {
    REQUIRE(w.unbind(now) == 0);
    now = w.bind(0);
    REQUIRE(now == dvk_endpoint_make(generation, 0));
  }
  REQUIRE(w.unbind(now) == 0);
  CHECK(w.bind(0) == first);
}

TEST_CASE("the user slot that has been free longest is used first") {
  world w({36, 3, 36, 0});
  CHECK(dvk_slot_of(w.bind(DVK_ANY)) == 0);
  CHECK(dvk_slot_of(w.bind(DVK_ANY)) == 1);
  REQUIRE(w.unbind(dvk_endpoint_make(1, 1)) == 0);
  REQUIRE(w.unbind(dvk_endpoint_make(1, 0)) == 0);
  for (int slot : {2, 1, 0}) CHECK(dvk_slot_of(w.bind(DVK_ANY)) == slot);
  CHECK(w.bind(DVK_ANY) == DVK_NONE);
}

// ---- tables ----

TEST_CASE("a table is made only within its limits and in enough aligned memory") {
  const dvk_limits right = dvk_default_limits();
  std::vector<std::uint64_t> memory(dvk_table_bytes(&right) / 8 + 2);
  CHECK(dvk_table_init(memory.data(), dvk_table_bytes(&right), &right) == 0);
  CHECK(dvk_table_init(memory.data(), dvk_table_bytes(&right) - 1, &right) == DVK_E_no_memory);
  CHECK(dvk_table_init(nullptr, 1 << 30, &right) == DVK_E_bad_argument);
  CHECK(dvk_table_init(reinterpret_cast<char*>(memory.data()) + 1, memory.size() * 8 - 1, &right) ==
        DVK_E_bad_argument);
  for (const dvk_limits& wrong : {dvk_limits{34, 10, 40, 0}, dvk_limits{1025, 10, 1030, 0},
                                  dvk_limits{35, 1048576, 64, 0}, dvk_limits{35, ~0u, 64, 0}, dvk_limits{35, 10, 34, 0},
                                  dvk_limits{35, 10, 46, 0}, dvk_limits{35, 10, 40, ~0u}}) {
    CHECK(dvk_table_bytes(&wrong) == 0);
    CHECK(dvk_table_init(memory.data(), memory.size() * 8, &wrong) == DVK_E_bad_value);
  }
}

TEST_CASE("the largest table has 2^20 - 8 slots, and all of them can be bound") {
  const dvk_limits limits{DVK_TASKS_MAX, DVK_SLOTS_MAX - DVK_TASKS_MAX, DVK_TASKS_MAX, 0};
  world w(limits);
  CHECK(w.bind(-1024) == -1024);
  const int last = static_cast<int>(limits.processes) - 1;
  CHECK(w.bind(last) == dvk_endpoint_make(1, last));
  CHECK(w.bind(last + 1) == DVK_NONE);
  std::uint32_t bound = 1;
  while (w.bind(DVK_ANY) != DVK_NONE) ++bound;
  CHECK(bound == limits.processes);
}

TEST_CASE("a table can be moved to other memory in the middle of everything") {
  company before;
  REQUIRE(before.sendrec(before.alice, before.server, 5) == DVK_BLOCKED);
  company after = before;  // copies the bytes, nothing else
  std::memset(before.table(), 0xEE, sizeof(dvk_table));
  CHECK(after.receive(after.server) == 0);
  CHECK(after.received(after.server).type == 5);
  CHECK(after.reply(after.server, after.alice) == 0);
  CHECK(after.completions() == ended{{after.alice, 0}});
}

// ---- bind ----

TEST_CASE("bind refuses wrong and used slots, and an owner that is bound already (B34)") {
  world w;
  dvk_endpoint got = DVK_NONE;
  CHECK(dvk_bind(w.table(), 0, "one", 77, &got) == 0);
  CHECK(dvk_bind(w.table(), 0, "two", 78, &got) == DVK_E_slot_used);
  CHECK(dvk_bind(w.table(), 1, "two", 77, &got) == DVK_E_busy);
  CHECK(dvk_bind(w.table(), 24, "two", 78, &got) == DVK_E_range);
  CHECK(dvk_bind(w.table(), -41, "two", 78, &got) == DVK_E_range);
  CHECK(dvk_bind(w.table(), DVK_HARDWARE, "two", 78, &got) == DVK_E_bad_argument);
  CHECK(dvk_endpoint_of_owner(w.table(), 77) == 0);
  CHECK(dvk_endpoint_of_owner(w.table(), 78) == DVK_NONE);
  CHECK(w.unbind(0) == 0);
  CHECK(dvk_endpoint_of_owner(w.table(), 77) == DVK_NONE);
  CHECK(dvk_bind(w.table(), 1, nullptr, 77, &got) == 0);
}

TEST_CASE("a name is cut after 15 bytes and always ends with a zero") {
  world w;
  dvk_endpoint got = DVK_NONE;
  REQUIRE(dvk_bind(w.table(), 0, "a name of more than fifteen bytes", 0, &got) == 0);
  CHECK(std::string(w.info(got).name) == "a name of more ");
}

TEST_CASE("a process starts with nothing of the former owner of its slot") {
  company w;
  REQUIRE(w.notify(w.other, w.server) == 0);
  REQUIRE(w.unbind(w.server) == 0);
  REQUIRE(w.bind(0) == w.server);
  CHECK(w.info(w.server).notifications_pending == 0);
  CHECK(w.info(w.server).counters.received == 0);
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);
}

// ---- who waits when a process goes: the matrix ----

TEST_CASE("who waits to send to a process gets destination_died when it goes") {
  company w;
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions() == ended{{w.alice, DVK_E_destination_died}, {w.bob, DVK_E_destination_died}});
}

TEST_CASE("who receives from a process alone gets source_died when it goes") {
  company w;
  REQUIRE(w.receive(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions() == ended{{w.alice, DVK_E_source_died}});
}

TEST_CASE("who waits for an answer of a process gets source_died when it goes") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions() == ended{{w.alice, DVK_E_source_died}});
}

TEST_CASE("a relayed request depends on the life of its last server only") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(w.relay(w.server, w.alice, w.other) == 0);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions().empty());
  CHECK(w.unbind(w.other) == 0);
  CHECK(w.completions() == ended{{w.alice, DVK_E_destination_died}});
}

TEST_CASE("who receives from anybody goes on waiting when a process goes") {
  company w;
  REQUIRE(w.receive(w.alice) == DVK_BLOCKED);
  REQUIRE(w.receive_request(w.other) == DVK_BLOCKED);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions().empty());
}

TEST_CASE("a notification of a process that has gone is never received") {
  company w;
  REQUIRE(w.notify(w.other, w.server) == 0);
  CHECK(w.unbind(w.other) == 0);
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);
}

TEST_CASE("who waits for the unbind of a process gets 0 when it goes") {
  company w;
  CHECK(dvk_wait_unbind(w.table(), w.alice, w.server, DVK_NOWAIT) == DVK_E_would_block);
  REQUIRE(dvk_wait_unbind(w.table(), w.alice, w.server, 0) == DVK_BLOCKED);
  CHECK(w.unbind(w.server) == 0);
  CHECK(w.completions() == ended{{w.alice, 0}});
  CHECK(dvk_wait_unbind(w.table(), w.alice, w.server, 0) == 0);
}

TEST_CASE("a process that waits gets shut_down when it is unbound, whatever it waits for") {
  company w;
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.carol) == DVK_BLOCKED);
  for (dvk_endpoint who : {w.alice, w.bob, w.carol}) {
    CHECK(w.unbind(who) == 0);
    CHECK(w.completions() == ended{{who, DVK_E_shut_down}});
  }
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);  // their messages went with them
}

TEST_CASE("a process that goes frees its partners in order of arrival, itself first") {
  company w;
  REQUIRE(w.sendrec(w.carol, w.bob) == DVK_BLOCKED);
  REQUIRE(w.receive(w.other, w.bob) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.alice, w.bob) == DVK_BLOCKED);
  REQUIRE(w.receive(w.bob, w.server) == DVK_BLOCKED);
  CHECK(w.unbind(w.bob) == 0);
  CHECK(w.completions() == ended{{w.bob, DVK_E_shut_down},
                                 {w.carol, DVK_E_destination_died},
                                 {w.alice, DVK_E_destination_died},
                                 {w.other, DVK_E_source_died}});
}

TEST_CASE("a slot is not bound again before the end of its last owner's wait was fetched") {
  company w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.unbind(w.server) == 0);
  CHECK(w.bind(0) == DVK_NONE);
  CHECK(w.completions() == ended{{w.server, DVK_E_shut_down}});
  CHECK(w.bind(0) == 0);
}

TEST_CASE("the client of a server that comes back is not its client any more") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(w.unbind(w.server) == 0);
  REQUIRE(w.bind(0) == w.server);
  w.completions();
  CHECK(w.reply(w.server, w.alice) == DVK_E_not_waiting);
}

// ---- waiting for a bind ----

TEST_CASE("who waits for a bind is woken by that very bind (B35)") {
  company w;
  REQUIRE(dvk_wait_bind(w.table(), w.alice, 3, 0) == DVK_BLOCKED);
  CHECK(w.bind(4) == 4);
  CHECK(w.completions().empty());
  CHECK(w.bind(3) == 3);
  CHECK(w.completions() == ended{{w.alice, 0}});
  CHECK(dvk_wait_bind(w.table(), w.alice, 3, 0) == 0);
}

TEST_CASE("a user endpoint can be waited for in its next generation only") {
  company w;
  const dvk_endpoint next = w.bob + DVK_GENERATION_SIZE;
  CHECK(dvk_wait_bind(w.table(), w.alice, w.bob, 0) == 0);
  CHECK(dvk_wait_bind(w.table(), w.alice, next, 0) == DVK_E_bad_endpoint);
  REQUIRE(w.unbind(w.bob) == 0);
  CHECK(dvk_wait_bind(w.table(), w.alice, w.bob, 0) == DVK_E_bad_endpoint);
  CHECK(dvk_wait_bind(w.table(), w.alice, next, DVK_NOWAIT) == DVK_E_would_block);
  REQUIRE(dvk_wait_bind(w.table(), w.alice, next, 0) == DVK_BLOCKED);
  CHECK(w.bind(dvk_slot_of(w.bob)) == next);
  CHECK(w.completions() == ended{{w.alice, 0}});
}

TEST_CASE("nobody waits for its own bind, for a slot outside the table, or for HARDWARE") {
  company w;
  CHECK(dvk_wait_bind(w.table(), w.alice, w.alice, 0) == DVK_E_bad_endpoint);
  CHECK(dvk_wait_unbind(w.table(), w.alice, w.alice, 0) == DVK_E_bad_endpoint);
  CHECK(dvk_wait_bind(w.table(), w.alice, 24, 0) == DVK_E_range);
  CHECK(dvk_wait_bind(w.table(), w.alice, DVK_HARDWARE, 0) == DVK_E_bad_destination);
}

// ---- privileges ----

TEST_CASE("a user process may at first only sendrec and wait for a bind, a system process everything") {
  world w;
  const dvk_endpoint server = w.bind(0), user = w.bind(DVK_ANY);
  CHECK(w.send(user, server) == DVK_E_bad_call);
  CHECK(w.receive(user) == DVK_E_bad_call);
  CHECK(w.receive_request(user) == DVK_E_bad_call);
  CHECK(w.reply(user, server) == DVK_E_bad_call);
  CHECK(w.relay(user, server, server) == DVK_E_bad_call);
  CHECK(w.notify(user, server) == DVK_E_bad_call);
  CHECK(dvk_may_call(w.table(), user, DVK_CALL_bind) == DVK_E_bad_call);
  CHECK(dvk_may_call(w.table(), server, DVK_CALL_bind) == 0);
  CHECK(dvk_wait_bind(w.table(), user, server, 0) == 0);
  CHECK(w.sendrec(user, server) == DVK_BLOCKED);
  CHECK(w.receive(server) == 0);
}

TEST_CASE("a call outside the mask of the caller is refused with bad_call, for each call alone (B14)") {
  company w;
  for (int call : {DVK_CALL_send, DVK_CALL_receive, DVK_CALL_notify, DVK_CALL_sendrec, DVK_CALL_receive_request,
                   DVK_CALL_reply, DVK_CALL_vcopy, DVK_CALL_relay, DVK_CALL_wait_bind, DVK_CALL_notify_as}) {
    REQUIRE(w.allow(w.server, dvk_all_calls() & ~(UINT64_C(1) << call)) == 0);
    dvk_copy_parties parties{};
    const std::vector<std::pair<int, int>> results{
        {DVK_CALL_send, w.send(w.server, w.alice, 1, DVK_NOWAIT)},
        {DVK_CALL_receive, w.receive(w.server, DVK_ANY, DVK_NOWAIT)},
        {DVK_CALL_notify, w.notify(w.server, w.alice)},
        {DVK_CALL_sendrec, w.sendrec(w.server, w.alice, 1, DVK_NOWAIT)},
        {DVK_CALL_receive_request, w.receive_request(w.server, DVK_NOWAIT)},
        {DVK_CALL_reply, w.reply(w.server, w.alice)},
        {DVK_CALL_vcopy, dvk_vcopy_check(w.table(), w.server, DVK_SELF, w.alice, &parties)},
        {DVK_CALL_relay, w.relay(w.server, w.alice, w.other)},
        {DVK_CALL_wait_bind, dvk_wait_bind(w.table(), w.server, 5, DVK_NOWAIT)},
        {DVK_CALL_notify_as, dvk_notify_as(w.table(), w.server, DVK_CLOCK, w.alice, 0, 0)}};
    for (const auto& [number, result] : results) CHECK((result == DVK_E_bad_call) == (number == call));
  }
}

TEST_CASE("privileges between two processes hold in both directions, for servers and users alike (B14)") {
  company w;
  const auto allow = [&](dvk_endpoint who, dvk_direction direction, dvk_endpoint peers, int allowed) {
    REQUIRE(dvk_set_peers(w.table(), who, direction, peers, allowed) == 0);
  };
  SECTION("to a server") {
    allow(w.alice, DVK_TO, w.server, 0);
    CHECK(w.send(w.alice, w.server, 1, DVK_NOWAIT) == DVK_E_trap_denied);
    CHECK(w.sendrec(w.alice, w.server) == DVK_E_trap_denied);
    CHECK(w.send(w.alice, w.other, 1, DVK_NOWAIT) == DVK_E_would_block);
    CHECK(w.receive(w.alice, w.server, DVK_NOWAIT) == DVK_E_would_block);
  }
  SECTION("to users") {
    allow(w.server, DVK_TO, DVK_USERS, 0);
    CHECK(w.send(w.server, w.alice, 1, DVK_NOWAIT) == DVK_E_trap_denied);
    CHECK(w.send(w.server, w.other, 1, DVK_NOWAIT) == DVK_E_would_block);
    CHECK(w.sendrec(w.alice, w.server) == DVK_E_trap_denied);  // it could not be answered
  }
  SECTION("from a server") {
    allow(w.alice, DVK_FROM, w.server, 0);
    CHECK(w.send(w.server, w.alice, 1, DVK_NOWAIT) == DVK_E_trap_denied);
    CHECK(w.receive(w.alice, w.server, DVK_NOWAIT) == DVK_E_trap_denied);
    CHECK(w.sendrec(w.alice, w.server) == DVK_E_trap_denied);
  }
  SECTION("from users") {
    allow(w.server, DVK_FROM, DVK_USERS, 0);
    CHECK(w.send(w.alice, w.server, 1, DVK_NOWAIT) == DVK_E_trap_denied);
    CHECK(w.sendrec(w.alice, w.server) == DVK_E_trap_denied);
    CHECK(w.send(w.other, w.server, 1, DVK_NOWAIT) == DVK_E_would_block);
  }
  SECTION("from everybody, then from one") {
    allow(w.server, DVK_FROM, DVK_ANY, 0);
    allow(w.server, DVK_FROM, w.other, 1);
    CHECK(w.send(w.alice, w.server, 1, DVK_NOWAIT) == DVK_E_trap_denied);
    CHECK(w.send(w.other, w.server, 1, DVK_NOWAIT) == DVK_E_would_block);
    CHECK(w.inject(DVK_CLOCK, w.server) == DVK_E_trap_denied);
    CHECK(w.notify(w.other, w.server) == 0);
  }
  SECTION("notifications") {
    allow(w.other, DVK_TO, w.server, 0);
    CHECK(w.notify(w.other, w.server) == DVK_E_trap_denied);
  }
  SECTION("a relay, if requester and server may not talk") {
    allow(w.alice, DVK_FROM, w.other, 0);
    REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
    REQUIRE(w.receive(w.server) == 0);
    CHECK(w.relay(w.server, w.alice, w.other) == DVK_E_trap_denied);
    CHECK(w.reply(w.server, w.alice) == 0);
  }
}

TEST_CASE("privileges are read back as they were set, also that nobody is warned (B14)") {
  company w;
  dvk_privileges now{};
  REQUIRE(w.allow(w.alice, 42, DVK_LEVEL_proxy, w.server) == 0);
  REQUIRE(dvk_get_privileges(w.table(), w.alice, &now) == 0);
  CHECK(now.calls == 42);
  CHECK(now.level == DVK_LEVEL_proxy);
  CHECK(now.warn == w.server);
  REQUIRE(w.allow(w.alice, 42, 0, DVK_NONE) == 0);
  REQUIRE(dvk_get_privileges(w.table(), w.alice, &now) == 0);
  CHECK(now.warn == DVK_NONE);
  CHECK(w.allow(w.alice, 1, 6) == DVK_E_bad_value);
  CHECK(w.allow(w.alice, 1, -1) == DVK_E_bad_value);
  CHECK(w.allow(w.alice, 1, 0, w.bob) == DVK_E_bad_process);
  CHECK(w.allow(w.alice, 1, 0, 24) == DVK_E_range);
  REQUIRE(dvk_get_privileges(w.table(), w.alice, &now) == 0);
  CHECK(now.calls == 42);
}

TEST_CASE("a single user process cannot be named in peer privileges: users share one bit") {
  company w;
  int allowed = 0;
  CHECK(dvk_set_peers(w.table(), w.server, DVK_TO, w.alice, 0) == DVK_E_bad_endpoint);
  REQUIRE(dvk_get_peers(w.table(), w.server, DVK_TO, DVK_ANY, &allowed) == 0);
  CHECK(allowed == 1);
  REQUIRE(dvk_set_peers(w.table(), w.server, DVK_TO, DVK_USERS, 0) == 0);
  REQUIRE(dvk_get_peers(w.table(), w.server, DVK_TO, DVK_ANY, &allowed) == 0);
  CHECK(allowed == 0);
}
