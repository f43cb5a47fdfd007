// SPDX-License-Identifier: MIT
/// @file
/// The rules of rendezvous, notification and deadlock, one sentence each.
#include <catch2/catch.hpp>

#include "dvk_world.hpp"

using ended = world::ended;

namespace {

/// A server, and clients that may make every call.
struct company : world {
  dvk_endpoint server = bind(0), other = bind(1);
  dvk_endpoint alice = bind_user(), bob = bind_user(), carol = bind_user();
};

}  // namespace

// ---- send and receive ----

TEST_CASE("a message to a process that waits for it is delivered at once and its sender goes on") {
  company w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  CHECK(w.send(w.alice, w.server, 7) == 0);
  CHECK(w.completions() == ended{{w.server, 0}});
  CHECK(w.received(w.server).type == 7);
  CHECK(w.received(w.server).source == w.alice);
}

TEST_CASE("a sender waits until its message is received") {
  company w;
  REQUIRE(w.send(w.alice, w.server, 7) == DVK_BLOCKED);
  CHECK(w.info(w.alice).state == DVK_STATE_sending);
  CHECK(w.receive(w.server) == 0);
  CHECK(w.received(w.server).type == 7);
  CHECK(w.completions() == ended{{w.alice, 0}});
  CHECK(w.runs(w.alice));
}

TEST_CASE("the source of a message is its sender, whatever the sender wrote there") {
  company w;
  dvk_message lie = world::message(1);
  lie.source = w.bob;
  REQUIRE(dvk_send(w.table(), w.alice, w.server, &lie, 0) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.received(w.server).source == w.alice);
  CHECK(lie.source == w.bob);  // B4: the sender's own memory is not written
}

TEST_CASE("waiting senders are received in the order in which they came") {
  company w;
  for (dvk_endpoint who : {w.bob, w.carol, w.alice}) REQUIRE(w.send(who, w.server) == DVK_BLOCKED);
  for (dvk_endpoint who : {w.bob, w.carol, w.alice}) {
    REQUIRE(w.receive(w.server) == 0);
    CHECK(w.received(w.server).source == who);
  }
}

TEST_CASE("a receive from one source takes its message and leaves the others their places") {
  company w;
  for (dvk_endpoint who : {w.alice, w.bob, w.carol}) REQUIRE(w.send(who, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server, w.bob) == 0);
  CHECK(w.received(w.server).source == w.bob);
  for (dvk_endpoint who : {w.alice, w.carol}) {
    REQUIRE(w.receive(w.server) == 0);
    CHECK(w.received(w.server).source == who);
  }
}

TEST_CASE("a process that receives from one source is not woken by another") {
  company w;
  REQUIRE(w.receive(w.server, w.bob) == DVK_BLOCKED);
  CHECK(w.send(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.completions().empty());
  CHECK(w.send(w.bob, w.server) == 0);
  CHECK(w.completions() == ended{{w.server, 0}});
}

TEST_CASE("told not to wait, send and receive refuse what would wait and change nothing") {
  company w;
  CHECK(w.send(w.alice, w.server, 1, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.receive_request(w.server, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.runs(w.alice));
  CHECK(w.runs(w.server));
  CHECK(w.info(w.server).senders == 0);
}

TEST_CASE("a sendrec that is told not to wait is refused even if the server waits, and nothing is delivered") {
  company w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  CHECK(w.sendrec(w.alice, w.server, 1, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.completions().empty());
}

TEST_CASE("wrong destinations get the error that says what is wrong") {
  company w;
  CHECK(w.send(w.alice, DVK_HARDWARE) == DVK_E_bad_destination);
  CHECK(w.send(w.alice, w.alice) == DVK_E_bad_destination);
  CHECK(w.sendrec(w.alice, w.alice) == DVK_E_bad_endpoint);
  CHECK(w.receive(w.alice, w.alice) == DVK_E_bad_endpoint);
  CHECK(w.reply(w.server, w.server) == DVK_E_bad_endpoint);
  CHECK(w.notify(w.server, w.server) == DVK_E_bad_endpoint);
  for (dvk_endpoint nowhere :
       {dvk_endpoint{DVK_ANY}, dvk_endpoint{DVK_NONE}, dvk_endpoint{DVK_SELF}, -41, 24, -1025, INT32_MIN}) {
    CHECK(w.send(w.alice, nowhere) == DVK_E_range);
    CHECK(w.sendrec(w.alice, nowhere) == DVK_E_range);
    CHECK(w.notify(w.server, nowhere) == DVK_E_range);
  }
  CHECK(w.send(w.alice, INT32_MAX) == DVK_E_bad_endpoint);  // a generation that no slot ever has
  CHECK(w.send(w.alice, 5) == DVK_E_destination_died);
  CHECK(w.receive(w.alice, 5) == DVK_E_source_died);
  CHECK(w.sendrec(w.alice, 5) == DVK_E_peer_died);
  CHECK(w.notify(w.server, 5) == DVK_E_destination_died);
}

TEST_CASE("a caller that is not bound gets not_bound from every call, also from notify (B3)") {
  company w;
  for (dvk_endpoint nobody : {dvk_endpoint{5}, dvk_endpoint{DVK_NONE}, INT32_MIN, INT32_MAX}) {
    CHECK(w.send(nobody, w.server) == DVK_E_not_bound);
    CHECK(w.sendrec(nobody, w.server) == DVK_E_not_bound);
    CHECK(w.receive(nobody) == DVK_E_not_bound);
    CHECK(w.receive_request(nobody) == DVK_E_not_bound);
    CHECK(w.reply(nobody, w.server) == DVK_E_not_bound);
    CHECK(w.relay(nobody, w.alice, w.server) == DVK_E_not_bound);
    CHECK(w.notify(nobody, w.server) == DVK_E_not_bound);
  }
}

TEST_CASE("a process that waits can make no second call that waits, but can notify, answer and relay") {
  company w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  w.completions();
  REQUIRE(w.receive(w.server, w.bob) == DVK_BLOCKED);
  CHECK(w.receive(w.server) == DVK_E_process_running);
  CHECK(w.send(w.server, w.other) == DVK_E_process_running);
  CHECK(w.sendrec(w.server, w.other) == DVK_E_process_running);
  CHECK(w.notify(w.server, w.other) == 0);
  CHECK(w.reply(w.server, w.alice) == 0);
}

TEST_CASE("a completed process counts as waiting until its completion is fetched") {
  company w;
  REQUIRE(w.receive(w.server) == DVK_BLOCKED);
  REQUIRE(w.send(w.alice, w.server) == 0);
  CHECK(w.receive(w.server) == DVK_E_process_running);
  CHECK(dvk_cancel(w.table(), w.server, DVK_E_timed_out) == DVK_E_not_waiting);
  w.completions();
  CHECK(w.receive(w.server) == DVK_BLOCKED);
}

TEST_CASE("a message cannot pretend to be a notification") {
  company w;
  CHECK(w.send(w.alice, w.server, DVK_NOTIFICATION) == DVK_E_bad_argument);
  CHECK(w.sendrec(w.alice, w.server, DVK_NOTIFICATION) == DVK_E_bad_argument);
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.reply(w.server, w.alice, DVK_NOTIFICATION) == DVK_E_bad_argument);
}

// ---- sendrec, reply, receive_request, relay ----

TEST_CASE("a sendrec ends with the answer of its server") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server, 3) == DVK_BLOCKED);
  CHECK(w.info(w.alice).state == (DVK_STATE_sending | DVK_STATE_receiving));
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.info(w.alice).state == DVK_STATE_receiving);
  CHECK(w.completions().empty());
  CHECK(w.reply(w.server, w.alice, -5) == 0);
  CHECK(w.completions() == ended{{w.alice, 0}});
  CHECK(w.received(w.alice).type == -5);
  CHECK(w.received(w.alice).source == w.server);
}

TEST_CASE("a plain send of the server to a client in the reply phase is its answer (MINIX)") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.send(w.server, w.alice, 9) == 0);
  CHECK(w.completions() == ended{{w.alice, 0}});
  CHECK(w.received(w.alice).type == 9);
}

TEST_CASE("nobody but its server ends the reply phase of a sendrec: no message, no notification (B5)") {
  company w;
  const dvk_endpoint client = w.bind(2);  // a system process, as only those are notified
  REQUIRE(w.notify(w.other, client) == 0);
  REQUIRE(w.sendrec(client, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.notify(w.server, client) == 0);
  CHECK(w.inject(DVK_CLOCK, client) == 0);
  CHECK(w.send(w.alice, client) == DVK_BLOCKED);
  CHECK(w.reply(w.other, client) == DVK_E_not_waiting);
  CHECK(w.completions().empty());
  CHECK(w.reply(w.server, client, 4) == 0);
  CHECK(w.completions() == ended{{client, 0}});
  CHECK(w.received(client).type == 4);
  CHECK(w.info(client).notifications_pending == 3);
}

TEST_CASE("a sendrec to a process that is sending to the caller is a deadlock and takes no message as answer (B7)") {
  company w;
  REQUIRE(w.send(w.alice, w.bob, 6) == DVK_BLOCKED);
  CHECK(w.sendrec(w.bob, w.alice) == DVK_E_locked);
  CHECK(w.runs(w.bob));
  REQUIRE(w.receive(w.bob) == 0);
  CHECK(w.received(w.bob).type == 6);
}

TEST_CASE("an answer to a process that does not wait for it is refused with not_waiting") {
  company w;
  CHECK(w.reply(w.server, w.alice) == DVK_E_not_waiting);  // it runs
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.reply(w.server, w.alice) == DVK_E_not_waiting);  // its request was not received yet
  REQUIRE(w.receive(w.bob) == DVK_BLOCKED);
  CHECK(w.reply(w.server, w.bob) == DVK_E_not_waiting);  // it receives from anybody
  REQUIRE(w.receive(w.carol, w.server) == DVK_BLOCKED);
  CHECK(w.reply(w.server, w.carol) == 0);
}

TEST_CASE("an answer that comes too late is not taken for the answer to the next request") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  const std::uint32_t first = dvk_exchange_of(w.table(), w.server);
  REQUIRE(dvk_cancel(w.table(), w.alice, DVK_E_timed_out) == 0);
  w.completions();
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  const dvk_message answer = world::message(0);
  CHECK(dvk_reply(w.table(), w.server, w.alice, first, &answer) == DVK_E_not_waiting);
  CHECK(dvk_reply(w.table(), w.server, w.alice, dvk_exchange_of(w.table(), w.server), &answer) == 0);
}

TEST_CASE("receive_request takes requests only: plain messages and notifications stay (B10)") {
  company w;
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.notify(w.other, w.server) == 0);
  REQUIRE(w.receive_request(w.server) == DVK_BLOCKED);
  CHECK(w.notify(w.other, w.server) == DVK_E_overrun);
  CHECK(w.send(w.carol, w.server) == DVK_BLOCKED);
  CHECK(w.completions().empty());
  REQUIRE(w.sendrec(w.bob, w.server, 8) == DVK_BLOCKED);
  CHECK(w.completions() == ended{{w.server, 0}});
  CHECK(w.received(w.server).source == w.bob);
  CHECK(w.info(w.server).senders == 2);
  CHECK(w.info(w.server).notifications_pending == 1);
}

TEST_CASE("receive_request passes over plain senders to the first request") {
  company w;
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive_request(w.server) == 0);
  CHECK(w.received(w.server).source == w.bob);
}

TEST_CASE("a relayed request is answered by its last receiver, which sees the first sender") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server, 5) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  SECTION("who waits for it") { REQUIRE(w.receive_request(w.other) == DVK_BLOCKED); }
  SECTION("who comes later") {}
  REQUIRE(w.relay(w.server, w.alice, w.other) == 0);
  if (w.completions().empty()) REQUIRE(w.receive(w.other) == 0);
  CHECK(w.received(w.other).source == w.alice);
  CHECK(w.received(w.other).type == 5);
  CHECK(w.reply(w.server, w.alice) == DVK_E_not_waiting);
  CHECK(w.reply(w.other, w.alice) == 0);
  CHECK(w.completions() == ended{{w.alice, 0}});
  CHECK(w.received(w.alice).source == w.other);
}

TEST_CASE("a relay can change the request") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server, 5) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  const dvk_message changed = world::message(6);
  REQUIRE(dvk_relay(w.table(), w.server, w.alice, w.exchange(w.alice), w.other, &changed) == 0);
  REQUIRE(w.receive(w.other) == 0);
  CHECK(w.received(w.other).type == 6);
  CHECK(w.received(w.other).source == w.alice);
}

TEST_CASE("only a request that waits for the caller's answer can be relayed") {
  company w;
  CHECK(w.relay(w.server, w.alice, w.other) == DVK_E_not_waiting);
  REQUIRE(w.receive(w.bob, w.server) == DVK_BLOCKED);  // no request
  CHECK(w.relay(w.server, w.bob, w.other) == DVK_E_not_waiting);
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  CHECK(w.relay(w.server, w.alice, w.other) == DVK_E_not_waiting);  // not received yet
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.relay(w.other, w.alice, w.server) == DVK_E_not_waiting);  // not by this server
  CHECK(w.relay(w.server, w.alice, w.alice) == DVK_E_bad_endpoint);
  CHECK(w.relay(w.server, w.alice, w.server) == DVK_E_bad_endpoint);
  CHECK(w.relay(w.server, w.alice, 5) == DVK_E_destination_died);
}

// ---- cancelling ----

TEST_CASE("a cancelled wait leaves nothing behind: no message, no place in a queue, no flag (B8)") {
  company w;
  for (int reason : {DVK_E_timed_out, DVK_E_cancelled, DVK_E_shut_down, DVK_E_not_connected}) {
    REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
    REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
    REQUIRE(w.receive(w.carol, w.server) == DVK_BLOCKED);
    for (dvk_endpoint who : {w.alice, w.bob, w.carol}) CHECK(dvk_cancel(w.table(), who, reason) == 0);
    CHECK(w.completions() == ended{{w.alice, reason}, {w.bob, reason}, {w.carol, reason}});
    CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);
    for (dvk_endpoint who : {w.alice, w.bob, w.carol}) CHECK(w.runs(who));
  }
  CHECK(dvk_cancel(w.table(), w.alice, DVK_E_timed_out) == DVK_E_not_waiting);
  CHECK(dvk_cancel(w.table(), w.alice, DVK_E_locked) == DVK_E_bad_argument);
}

TEST_CASE("the answer to a request that was cancelled after it was received finds not_waiting") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(dvk_cancel(w.table(), w.alice, DVK_E_timed_out) == 0);
  CHECK(w.reply(w.server, w.alice) == DVK_E_not_waiting);
  CHECK(w.relay(w.server, w.alice, w.other) == DVK_E_not_waiting);
}

// ---- deadlock ----

TEST_CASE("the sender that would close a cycle of senders gets locked, the others go on waiting") {
  company w;
  REQUIRE(w.send(w.alice, w.bob) == DVK_BLOCKED);
  REQUIRE(w.sendrec(w.bob, w.carol) == DVK_BLOCKED);
  CHECK(w.send(w.carol, w.alice) == DVK_E_locked);
  CHECK(w.sendrec(w.carol, w.alice) == DVK_E_locked);
  CHECK(w.send(w.carol, w.bob) == DVK_E_locked);
  CHECK(w.runs(w.carol));
  CHECK(w.completions().empty());
}

TEST_CASE("two processes of which one sends and the other receives are no deadlock") {
  company w;
  REQUIRE(w.send(w.alice, w.bob) == DVK_BLOCKED);
  CHECK(w.receive(w.bob, w.alice) == 0);
  REQUIRE(w.receive(w.carol, w.server) == DVK_BLOCKED);
  CHECK(w.send(w.server, w.carol) == 0);
}

TEST_CASE("two processes that receive from each other are a deadlock") {
  company w;
  REQUIRE(w.receive(w.alice, w.bob) == DVK_BLOCKED);
  CHECK(w.receive(w.bob, w.alice) == DVK_E_locked);
  CHECK(w.receive(w.bob) == DVK_BLOCKED);
}

TEST_CASE("a chain that ends at a process receiving from anybody is no deadlock") {
  company w;
  REQUIRE(w.receive_request(w.server) == DVK_BLOCKED);
  REQUIRE(w.send(w.bob, w.server) == DVK_BLOCKED);
  CHECK(w.send(w.alice, w.bob) == DVK_BLOCKED);
}

TEST_CASE(
    "a relay that would close a cycle is refused with locked, and its requester goes on waiting for the relayer") {
  company w;
  REQUIRE(w.sendrec(w.alice, w.server) == DVK_BLOCKED);
  REQUIRE(w.receive(w.server) == 0);
  REQUIRE(w.send(w.other, w.alice) == DVK_BLOCKED);
  CHECK(w.relay(w.server, w.alice, w.other) == DVK_E_locked);
  CHECK(w.reply(w.server, w.alice) == 0);
}

// ---- notifications ----

TEST_CASE("notifications are received before messages, the lowest slot first") {
  company w;
  REQUIRE(w.send(w.alice, w.server) == DVK_BLOCKED);
  for (dvk_endpoint source : {w.other, dvk_endpoint{DVK_HARDWARE}, dvk_endpoint{DVK_CLOCK}, dvk_endpoint{DVK_SYSTEM}}) {
    REQUIRE(w.inject(source, w.server) == 0);
  }
  for (dvk_endpoint source : {dvk_endpoint{DVK_CLOCK}, dvk_endpoint{DVK_SYSTEM}, dvk_endpoint{DVK_HARDWARE}, w.other}) {
    REQUIRE(w.receive(w.server) == 0);
    CHECK(dvk_is_notification(dvk_message_of(w.table(), w.server)));
    CHECK(w.received(w.server).source == source);
  }
  REQUIRE(w.receive(w.server) == 0);
  CHECK(w.received(w.server).source == w.alice);
}

TEST_CASE("a receive from one source takes no notification of another (B5)") {
  company w;
  REQUIRE(w.notify(w.other, w.server) == 0);
  CHECK(w.receive(w.server, DVK_CLOCK) == DVK_BLOCKED);
  CHECK(w.inject(DVK_HARDWARE, w.server) == 0);
  CHECK(w.completions().empty());
  CHECK(w.inject(DVK_CLOCK, w.server) == 0);
  CHECK(w.completions() == ended{{w.server, 0}});
  CHECK(w.received(w.server).source == DVK_CLOCK);
  CHECK(w.receive(w.server, w.other) == 0);
  CHECK(w.received(w.server).source == w.other);
}

TEST_CASE(
    "notifications of one source merge until they are received: values are or-ed, and the notifier is told (B9)") {
  company w;
  CHECK(w.notify(w.other, w.server, 1, 100) == 0);
  CHECK(w.notify(w.other, w.server, 4, 200) == DVK_E_overrun);
  REQUIRE(w.receive(w.server) == 0);
  const dvk_message got = w.received(w.server);
  CHECK(dvk_notification_of(&got).value == 5);
  CHECK(dvk_notification_of(&got).timestamp_ns == 100);
  CHECK(w.receive(w.server, DVK_ANY, DVK_NOWAIT) == DVK_E_would_block);
  CHECK(w.notify(w.other, w.server, 2, 300) == 0);
  REQUIRE(w.receive(w.server) == 0);
  const dvk_message next = w.received(w.server);
  CHECK(dvk_notification_of(&next).value == 2);
}

TEST_CASE("a notification in another's name is pending under that name, not the caller's (B9)") {
  company w;
  REQUIRE(dvk_notify_as(w.table(), w.other, DVK_CLOCK, w.server, 3, 0) == 0);
  REQUIRE(w.receive(w.server, w.other, DVK_NOWAIT) == DVK_E_would_block);
  REQUIRE(w.receive(w.server, DVK_CLOCK) == 0);
  CHECK(w.received(w.server).source == DVK_CLOCK);
  CHECK(dvk_notify_as(w.table(), w.other, w.alice, w.server, 0, 0) == DVK_E_bad_endpoint);
  CHECK(dvk_notify_as(w.table(), w.other, w.server, w.server, 0, 0) == DVK_E_bad_endpoint);
  CHECK(dvk_notify_as(w.table(), w.alice, DVK_CLOCK, w.server, 0, 0) == DVK_E_trap_denied);
}

TEST_CASE("only system processes notify and are notified") {
  company w;
  CHECK(w.notify(w.server, w.alice) == DVK_E_trap_denied);
  CHECK(w.inject(DVK_CLOCK, w.alice) == DVK_E_trap_denied);
  CHECK(w.notify(w.alice, w.server) == DVK_E_trap_denied);
  CHECK(w.notify(w.server, DVK_HARDWARE) == DVK_E_bad_destination);
}
