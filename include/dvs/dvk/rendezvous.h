/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Rendezvous: a message passes when its sender and its receiver meet, whoever comes first.
 *
 * Every operation returns at once: 0 (done), #DVK_BLOCKED (the caller waits; its result comes as a completion) or an
 * error, after which nothing has changed. Errors of all of them: not_bound, bad_call (not in the caller's mask),
 * process_running (the caller waits in another call already; not of reply and relay), bad_argument (a message with the
 * type of a notification).
 * Errors of those that name a peer: bad_destination (#DVK_HARDWARE), range (no such slot, which includes #DVK_ANY
 * where it makes no sense), bad_endpoint (stale), the error of a dead peer, trap_denied (they may not talk).
 *
 * The sender's endpoint is written into every message by the rules. A receiver takes waiting messages in order of
 * their arrival.
 */
#ifndef DVS_DVK_RENDEZVOUS_H
#define DVS_DVK_RENDEZVOUS_H

#include <dvs/dvk/deadlock.h>
#include <dvs/dvk/notify.h>

/** Finds and tests the peer of a call. @p died and @p self are the errors of a free slot and of the caller. Private. */
DVK_INLINE int dvk_find_peer(const struct dvk_table* table, const struct dvk_slot* caller, dvk_endpoint endpoint,
                             int died, int self, struct dvk_slot** peer) {
  int result;
  if (endpoint == DVK_HARDWARE) return DVK_E_bad_destination;
  result = dvk_resolve(table, endpoint, peer);
  if (result != DVK_E_ok) return result;
  if (*peer == caller) return self;
  if (!dvk_is_bound(*peer)) return died;
  return dvk_may_pass(table, caller, *peer) ? DVK_E_ok : DVK_E_trap_denied;
}

/** Finds and tests a caller that may be waiting in another call; @p message may be NULL. Private. */
DVK_INLINE int dvk_enter_meanwhile(const struct dvk_table* table, dvk_endpoint caller, enum dvk_call call,
                                   const struct dvk_message* message, struct dvk_slot** self) {
  const int result = dvk_may_call_meanwhile(table, caller, call);
  if (result != DVK_E_ok) return result;
  *self = dvk_at(table, dvk_index_of_slot(table, dvk_slot_of(caller)));
  return message != NULL && dvk_is_notification(message) ? DVK_E_bad_argument : DVK_E_ok;
}

/** As dvk_enter_meanwhile(), for a caller that has to run. Private. */
DVK_INLINE int dvk_enter(const struct dvk_table* table, dvk_endpoint caller, enum dvk_call call,
                         const struct dvk_message* message, struct dvk_slot** self) {
  const int result = dvk_may_call(table, caller, call);
  return result != DVK_E_ok ? result : dvk_enter_meanwhile(table, caller, call, message, self);
}

/** True if @p to waits for a message of @p from; @p request tells that it comes by sendrec. Private. */
DVK_INLINE int dvk_accepts(const struct dvk_table* table, const struct dvk_slot* to, const struct dvk_slot* from,
                           int request) {
  if ((to->state & (DVK_STATE_sending | DVK_STATE_receiving)) != DVK_STATE_receiving || dvk_is_held(to)) return 0;
  if (to->operation == DVK_CALL_receive_request && !request) return 0;
  return to->peer == DVK_ANY || to->peer == dvk_endpoint_of(table, from);
}

/** Copies a message into the buffer of its receiver; @p exchange is 0 unless it is a request. Private. */
DVK_INLINE void dvk_deliver(const struct dvk_table* table, struct dvk_slot* from, const struct dvk_message* message,
                            uint32_t exchange, struct dvk_slot* to) {
  to->message = *message;
  to->message.source = dvk_endpoint_of(table, from);
  to->taken = exchange;
  ++from->counters.sent;
  ++to->counters.received;
}

/** Delivers a message to a process that accepts it, and ends that process's wait. Private. */
DVK_INLINE void dvk_hand_over(struct dvk_table* table, struct dvk_slot* from, const struct dvk_message* message,
                              uint32_t exchange, struct dvk_slot* to) {
  dvk_delist(table, to);
  dvk_deliver(table, from, message, exchange, to);
  dvk_complete(table, to, DVK_E_ok);
}

/**
 * Sends a message, and waits until its receiver has taken it.
 *
 * @param flags #DVK_NOWAIT: would_block if the destination does not wait for the message already
 * @return 0, #DVK_BLOCKED (completed with 0 when received; destination_died when the destination goes), would_block,
 *         locked (waiting would close a cycle); the common errors, with destination_died for a dead peer and
 *         bad_destination for the caller itself.
 */
DVK_INLINE int dvk_send(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint destination,
                        const struct dvk_message* message, unsigned flags) {
  struct dvk_slot* self;
  struct dvk_slot* to;
  int result = dvk_enter(table, caller, DVK_CALL_send, message, &self);
  if (result != DVK_E_ok) return result;
  result = dvk_find_peer(table, self, destination, DVK_E_destination_died, DVK_E_bad_destination, &to);
  if (result != DVK_E_ok) return result;
  if (dvk_accepts(table, to, self, 0)) {
    dvk_hand_over(table, self, message, 0, to);
    return DVK_E_ok;
  }
  if (flags & DVK_NOWAIT) return DVK_E_would_block;
  if (dvk_would_lock(table, self, to)) return DVK_E_locked;
  self->message = *message;
  self->taken = 0;
  dvk_block(self, DVK_STATE_sending, DVK_CALL_send, destination);
  dvk_enlist(table, self);
  return DVK_BLOCKED;
}

/**
 * Sends a request and waits for its answer: the next message from the destination, and nothing else. Until then no
 * notification and no message of others reaches the caller. The answer replaces the request in the caller's buffer.
 *
 * @param flags #DVK_NOWAIT is refused with would_block: an answer always has to be waited for
 * @return #DVK_BLOCKED (completed with 0 when answered; destination_died or source_died when the destination goes
 *         before or after it has received the request), would_block, locked; the common errors, with peer_died for a
 *         dead peer and bad_endpoint for the caller itself; trap_denied also if the answer could not come back.
 */
DVK_INLINE int dvk_sendrec(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint destination,
                           const struct dvk_message* message, unsigned flags) {
  struct dvk_slot* self;
  struct dvk_slot* to;
  int result = dvk_enter(table, caller, DVK_CALL_sendrec, message, &self);
  if (result != DVK_E_ok) return result;
  if (flags & DVK_NOWAIT) return DVK_E_would_block;
  result = dvk_find_peer(table, self, destination, DVK_E_peer_died, DVK_E_bad_endpoint, &to);
  if (result != DVK_E_ok) return result;
  if (!dvk_may_pass(table, to, self)) return DVK_E_trap_denied;
  if (!dvk_accepts(table, to, self, 1) && dvk_would_lock(table, self, to)) return DVK_E_locked;
  if (++self->exchange == 0) self->exchange = 1;
  if (dvk_accepts(table, to, self, 1)) {
    dvk_hand_over(table, self, message, self->exchange, to);
    dvk_block(self, DVK_STATE_receiving, DVK_CALL_sendrec, destination);
  } else {
    dvk_block(self, DVK_STATE_sending | DVK_STATE_receiving, DVK_CALL_sendrec, destination);
  }
  self->message = *message; /* kept through the reply phase: relay forwards it */
  self->taken = 0;
  dvk_enlist(table, self);
  return DVK_BLOCKED;
}

/** Takes the message of a process that waits to send to @p self. Private. */
DVK_INLINE void dvk_take_message(struct dvk_table* table, struct dvk_slot* self, struct dvk_slot* from) {
  const struct dvk_message message = from->message;
  dvk_delist(table, from);
  dvk_deliver(table, from, &message, from->operation == DVK_CALL_sendrec ? from->exchange : 0, self);
  if (from->operation == DVK_CALL_sendrec) {
    from->state = DVK_STATE_receiving;
    dvk_enlist(table, from);
  } else {
    dvk_complete(table, from, DVK_E_ok);
  }
}

/** Finds and tests the source of a receive; an index, or -1 for anybody. Private. */
DVK_INLINE int dvk_find_source(const struct dvk_table* table, const struct dvk_slot* self, dvk_endpoint source,
                               int32_t* index) {
  struct dvk_slot* from;
  int result;
  *index = -1;
  if (source == DVK_ANY) return DVK_E_ok;
  result = dvk_resolve(table, source, &from);
  if (result != DVK_E_ok) return result;
  if (from == self) return DVK_E_bad_endpoint;
  *index = dvk_index_of(table, from);
  if (!dvk_permits(table, dvk_index_of(table, self), DVK_FROM, *index)) return DVK_E_trap_denied;
  if (dvk_is_bound(from)) return dvk_may_pass(table, from, self) ? DVK_E_ok : DVK_E_trap_denied;
  return source == DVK_HARDWARE || source == DVK_CLOCK || source == DVK_EVENTS ? DVK_E_ok : DVK_E_source_died;
}

/** Holds a process that is to leave (migrate.h) and comes to rest in a receive from anybody. Private. */
DVK_INLINE int dvk_rests(const struct dvk_table* table, struct dvk_slot* self, uint32_t operation, unsigned flags) {
  if (self->moving != DVK_MOVING_leaving || (flags & DVK_NOWAIT) || dvk_owes(table, self)) return 0;
  dvk_block(self, DVK_STATE_receiving, operation, DVK_ANY);
  self->moving = DVK_MOVING_held;
  return 1;
}

/**
 * Receives a pending notification (the lowest source first), else the message that has waited longest, else waits.
 *
 * @param source #DVK_ANY, or the one process whose notification or message is wanted; also #DVK_HARDWARE, #DVK_CLOCK
 *        and #DVK_EVENTS
 * @param flags #DVK_NOWAIT: would_block if there is nothing
 * @return 0 (see dvk_message_of()), #DVK_BLOCKED (completed with 0; source_died when the source goes), would_block,
 *         locked (the source waits, perhaps through others, for the caller's message or answer); the common errors,
 *         with source_died for a dead peer and bad_endpoint for the caller itself.
 */
DVK_INLINE int dvk_receive(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint source, unsigned flags) {
  struct dvk_slot* self;
  int32_t from;
  int result = dvk_enter(table, caller, DVK_CALL_receive, NULL, &self);
  if (result != DVK_E_ok) return result;
  result = dvk_find_source(table, self, source, &from);
  if (result != DVK_E_ok) return result;
  if (from < 0 && dvk_rests(table, self, DVK_CALL_receive, flags)) return DVK_BLOCKED;
  if (dvk_take_notification(table, self, from)) return DVK_E_ok;
  if (from < 0) {
    if (self->senders.head >= 0) {
      dvk_take_message(table, self, dvk_at(table, self->senders.head));
      return DVK_E_ok;
    }
  } else if ((dvk_at(table, from)->state & DVK_STATE_sending) && dvk_at(table, from)->peer == caller) {
    dvk_take_message(table, self, dvk_at(table, from));
    return DVK_E_ok;
  }
  if (flags & DVK_NOWAIT) return DVK_E_would_block;
  if (from >= 0 && dvk_would_lock(table, self, dvk_at(table, from))) return DVK_E_locked;
  dvk_block(self, DVK_STATE_receiving, DVK_CALL_receive, source);
  dvk_enlist(table, self);
  return DVK_BLOCKED;
}

/**
 * Receives the request (a message by sendrec, also relayed) that has waited longest, else waits for one. Notifications
 * stay pending and plain messages keep waiting.
 *
 * @param flags #DVK_NOWAIT: would_block if there is no request
 * @return 0, #DVK_BLOCKED, would_block; the common errors of a caller.
 */
DVK_INLINE int dvk_receive_request(struct dvk_table* table, dvk_endpoint caller, unsigned flags) {
  struct dvk_slot* self;
  int32_t from;
  const int result = dvk_enter(table, caller, DVK_CALL_receive_request, NULL, &self);
  if (result != DVK_E_ok) return result;
  if (dvk_rests(table, self, DVK_CALL_receive_request, flags)) return DVK_BLOCKED;
  for (from = self->senders.head; from >= 0; from = dvk_at(table, from)->next) {
    if (dvk_at(table, from)->operation != DVK_CALL_sendrec) continue;
    dvk_take_message(table, self, dvk_at(table, from));
    return DVK_E_ok;
  }
  if (flags & DVK_NOWAIT) return DVK_E_would_block;
  dvk_block(self, DVK_STATE_receiving, DVK_CALL_receive_request, DVK_ANY);
  return DVK_BLOCKED;
}

/**
 * Answers a process that waits for this caller: in the reply phase of a sendrec, or in a receive from it. Never waits,
 * and may be used while the caller itself waits: a driver can have one thread receive and another one answer.
 *
 * @param exchange which request of the destination this answers, see dvk_exchange_of(); 0: none, it is in a receive
 * @return 0; not_waiting (it waits for nothing, for something else, or for the answer to a later request: it may have
 *         given up); the common errors, with destination_died for a dead peer and bad_endpoint for the caller itself.
 */
DVK_INLINE int dvk_reply(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint destination, uint32_t exchange,
                         const struct dvk_message* message) {
  struct dvk_slot* self;
  struct dvk_slot* to;
  int result = dvk_enter_meanwhile(table, caller, DVK_CALL_reply, message, &self);
  if (result != DVK_E_ok) return result;
  result = dvk_find_peer(table, self, destination, DVK_E_destination_died, DVK_E_bad_endpoint, &to);
  if (result != DVK_E_ok) return result;
  if (to->peer == DVK_ANY || !dvk_accepts(table, to, self, 0)) return DVK_E_not_waiting;
  if (exchange != (to->operation == DVK_CALL_sendrec ? to->exchange : 0)) return DVK_E_not_waiting;
  dvk_hand_over(table, self, message, 0, to);
  return DVK_E_ok;
}

/**
 * Passes the request that was received from @p requester on to another server. From then on the requester waits for
 * that server, which sees the requester as the source and answers it directly. Never waits, and may be used while the
 * caller itself waits.
 *
 * @param exchange which request of the requester it is, see dvk_exchange_of()
 * @param message what the server receives instead of the request; NULL: the request as it was
 * @return 0; not_waiting (the requester does not wait for the caller's reply to it); locked (the server waits, perhaps
 *         through others, for the requester); for the requester range, bad_endpoint, source_died; for the server the
 *         common errors, with destination_died for a dead peer, bad_endpoint for the caller or the requester, and
 *         trap_denied also if server and requester may not talk.
 */
DVK_INLINE int dvk_relay(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint requester, uint32_t exchange,
                         dvk_endpoint destination, const struct dvk_message* message) {
  struct dvk_slot* self;
  struct dvk_slot* from;
  struct dvk_slot* to;
  int result = dvk_enter_meanwhile(table, caller, DVK_CALL_relay, message, &self);
  if (result != DVK_E_ok) return result;
  result = dvk_resolve(table, requester, &from);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_bound(from)) return DVK_E_source_died;
  if (from->state != DVK_STATE_receiving || from->operation != DVK_CALL_sendrec || from->peer != caller ||
      from->exchange != exchange) {
    return DVK_E_not_waiting;
  }
  result = dvk_find_peer(table, self, destination, DVK_E_destination_died, DVK_E_bad_endpoint, &to);
  if (result != DVK_E_ok) return result;
  if (to == from) return DVK_E_bad_endpoint;
  if (!dvk_may_pass(table, from, to) || !dvk_may_pass(table, to, from)) return DVK_E_trap_denied;
  if (!dvk_accepts(table, to, from, 1) && dvk_would_lock(table, from, to)) return DVK_E_locked;
  if (message != NULL) from->message = *message;
  dvk_delist(table, from);
  if (dvk_accepts(table, to, from, 1)) {
    const struct dvk_message request = from->message;
    dvk_hand_over(table, from, &request, exchange, to);
  } else {
    from->state = DVK_STATE_sending | DVK_STATE_receiving;
  }
  from->peer = destination;
  dvk_enlist(table, from);
  return DVK_E_ok;
}

/**
 * Ends the wait of a process from outside: its time is over, it was cancelled, its DC ends, its link is down.
 *
 * A message that was not received yet is withdrawn. A sendrec whose request was received stays without answer: the
 * server's reply will find not_waiting.
 * @param reason timed_out, cancelled, shut_down or not_connected: the result of its completion
 * @return 0 (the completion is appended); not_waiting (it does not wait, or was completed a moment ago); busy (it is
 *         held for a migration: ask again when that has ended); range, bad_endpoint, bad_process (not bound),
 *         bad_argument (another reason).
 */
DVK_INLINE int dvk_cancel(struct dvk_table* table, dvk_endpoint endpoint, int reason) {
  struct dvk_slot* slot;
  const int result = dvk_find_bound(table, endpoint, &slot);
  if (reason != DVK_E_timed_out && reason != DVK_E_cancelled && reason != DVK_E_shut_down &&
      reason != DVK_E_not_connected) {
    return DVK_E_bad_argument;
  }
  if (result != DVK_E_ok) return result;
  if (!dvk_is_waiting(slot)) return DVK_E_not_waiting;
  if (dvk_is_held(slot)) return DVK_E_busy;
  dvk_delist(table, slot);
  dvk_complete(table, slot, reason);
  return DVK_E_ok;
}

#endif
