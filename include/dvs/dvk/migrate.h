/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Migration: a process goes on at another node, under its endpoint; and backups, which take over from one that died.
 *
 * The node of a process holds it (start) when it is at rest: in a receive from anybody or in receive_request, with
 * nobody waiting for an answer from it. Then its estate is taken (leave) and goes to another node, where another
 * process takes it over (adopt) as the old node lets go (commit); until then the old node may go back (rollback). All
 * other nodes learn the place. Meanwhile nothing is delivered to the process: senders queue, notifications stay
 * pending, and copies of its memory wait. Its memory is for others to bring along.
 *
 * ```c
 * dvk_migrate_start(table, server);                    // here; and when it is held (dvk_describe()):
 * dvk_migrate_leave(table, server, &estate);           // to be sent (estate.h)
 * dvk_migrate_check(there, &estate, owner);            // there, before it is decided
 * dvk_migrate_commit(table, server, node);             // here it is decided ...
 * dvk_migrate_adopt(there, &estate, owner);            // ... there it goes on ...
 * dvk_migrate_place(elsewhere, server, node, estate.term); // ... and there it is known
 * ```
 *
 * Every operation is one that the driver decides about, as with dvk_bind(): dvk_may_call() with migrate.
 */
#ifndef DVS_DVK_MIGRATE_H
#define DVS_DVK_MIGRATE_H

#include <dvs/dvk/bind.h>
#include <dvs/dvk/rendezvous.h>

/** A notification of an estate. */
struct dvk_estate_note {
  dvk_endpoint source; /**< a system slot */
  struct dvk_notification notification;
};

enum dvk_estate_constant { DVK_ESTATE_WORDS = (DVK_SYSTEM_MAX + 1 + 63) / 64 };

/** What a process leaves to the one that goes on in its place. Some 100 KB: not for a stack. */
struct dvk_estate {
  dvk_endpoint endpoint;
  uint32_t term;             /**< how often it will have moved; not 0 */
  uint32_t exchange;         /**< number of its last sendrec */
  uint32_t tasks;            /**< of the tables of its DC, see struct dvk_limits */
  uint32_t system_processes; /**< of the tables of its DC */
  struct dvk_privileges privileges;
  uint64_t peers[2][DVK_ESTATE_WORDS]; /**< per #dvk_direction: bit per system process, then the one of all users */
  struct dvk_counters counters;
  char name[DVK_NAME_BYTES];                          /**< with a final zero, and nothing but zeros behind it */
  uint32_t notes;                                     /**< notifications pending */
  struct dvk_estate_note pending[DVK_SYSTEM_MAX + 1]; /**< so many, the lowest source first */
};

/**
 * Asks a process of this node to come to rest. It is held at once if it is, otherwise by the call that brings it to
 * rest: a receive from anybody then takes nothing, the answer to its last client is the end of its work. A receive
 * with #DVK_NOWAIT never rests. dvk_describe() tells how far it is.
 * @return 0; range, bad_endpoint, bad_process; bad_node (it is not of this node); busy (it is asked already).
 */
DVK_INLINE int dvk_migrate_start(struct dvk_table* table, dvk_endpoint endpoint) {
  struct dvk_slot* self;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (self->node != DVK_HERE) return DVK_E_bad_node;
  if (self->moving != DVK_MOVING_settled) return DVK_E_busy;
  self->moving = dvk_is_at_rest(table, self) ? DVK_MOVING_held : DVK_MOVING_leaving;
  return DVK_E_ok;
}

/**
 * Takes a notification that is pending at a process whose estate was taken, or that is not of this node: it came too
 * late, and the driver tells it to the process's node. The lowest source first.
 * @return 1 and the notification, or 0 if there is none.
 */
DVK_INLINE int dvk_take_late(struct dvk_table* table, dvk_endpoint endpoint, struct dvk_estate_note* late) {
  struct dvk_slot* self;
  int32_t index, source;
  if (dvk_find_bound(table, endpoint, &self) != DVK_E_ok || self->pending == 0) return 0;
  if (self->node == DVK_HERE && self->moving != DVK_MOVING_departed) return 0;
  index = dvk_index_of(table, self);
  source = dvk_lowest_pending(table, index);
  (void)dvk_clear_pending(table, index, source);
  late->source = source - (int32_t)table->limits.tasks;
  late->notification = *dvk_note_of(table, index, source);
  return 1;
}

/**
 * Takes the estate of a held process. Its notifications are in the estate from now on, and only there, even if their
 * sources go meanwhile; those that come later are for dvk_take_late().
 * @return 0; range, bad_endpoint, bad_process; not_waiting (dvk_migrate_start() has not been called); would_block (it
 *         has not come to rest); busy (the estate was taken before).
 */
DVK_INLINE int dvk_migrate_leave(struct dvk_table* table, dvk_endpoint endpoint, struct dvk_estate* estate) {
  struct dvk_slot* self;
  int32_t index;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (self->moving == DVK_MOVING_settled) return DVK_E_not_waiting;
  if (self->moving == DVK_MOVING_leaving) return DVK_E_would_block;
  if (self->moving == DVK_MOVING_departed) return DVK_E_busy;
  index = dvk_index_of(table, self);
  __builtin_memset(estate, 0, sizeof *estate);
  estate->endpoint = endpoint;
  estate->term = self->term + 1;
  estate->exchange = self->exchange;
  estate->tasks = table->limits.tasks;
  estate->system_processes = table->limits.system_processes;
  (void)dvk_get_privileges(table, endpoint, &estate->privileges);
  estate->counters = self->counters;
  __builtin_memcpy(estate->name, self->name, sizeof estate->name);
  __builtin_memcpy(estate->peers[DVK_TO], dvk_peers_of(table, index, DVK_TO), table->privilege_words * 8);
  __builtin_memcpy(estate->peers[DVK_FROM], dvk_peers_of(table, index, DVK_FROM), table->privilege_words * 8);
  self->moving = DVK_MOVING_departed;
  while (dvk_take_late(table, endpoint, &estate->pending[estate->notes])) ++estate->notes;
  return DVK_E_ok;
}

/** Makes the notifications of an estate pending, merged with those that are. Private. */
DVK_INLINE void dvk_estate_notify(struct dvk_table* table, struct dvk_slot* self, const struct dvk_estate* estate) {
  const int32_t index = dvk_index_of(table, self);
  uint32_t i;
  for (i = 0; i < estate->notes; ++i) {
    const struct dvk_estate_note* early = &estate->pending[i];
    const int32_t source = early->source + (int32_t)table->limits.tasks;
    struct dvk_notification* note = dvk_note_of(table, index, source);
    const uint64_t late = dvk_clear_pending(table, index, source) ? note->value : 0;
    dvk_pending_of(table, index)[source / 64] |= UINT64_C(1) << (source % 64);
    ++self->pending;
    *note = early->notification;
    note->value |= late;
  }
}

/** Tests the content of an estate, for itself: DVK_E_bad_argument (a value that no estate has), DVK_E_range (a count).
 */
DVK_INLINE int dvk_estate_check(const struct dvk_estate* estate) {
  const uint32_t system = estate->system_processes;
  const int64_t self = (int64_t)dvk_slot_of(estate->endpoint) + estate->tasks;
  const int64_t warned = (int64_t)estate->privileges.warn + estate->tasks;
  int64_t last = -1;
  uint32_t i;
  if (estate->tasks < DVK_TASKS_MIN || estate->tasks > DVK_TASKS_MAX) return DVK_E_range;
  if (system < estate->tasks || system > DVK_SYSTEM_MAX || estate->notes > system) return DVK_E_range;
  if (self < 0 || estate->endpoint == DVK_HARDWARE || estate->term == 0) return DVK_E_bad_argument;
  if ((dvk_generation_of(estate->endpoint) == 0) != (self < system)) return DVK_E_bad_argument;
  if (estate->privileges.level < DVK_LEVEL_user || estate->privileges.level > DVK_LEVEL_proxy) {
    return DVK_E_bad_argument;
  }
  if (estate->privileges.warn != DVK_NONE && (warned < 0 || warned >= system)) return DVK_E_bad_argument;
  if (estate->notes > 0 && self >= system) return DVK_E_bad_argument;
  for (i = 0; i < estate->notes; ++i) {
    const int64_t source = (int64_t)estate->pending[i].source + estate->tasks;
    if (source <= last || source >= system || source == self) return DVK_E_bad_argument;
    last = source;
  }
  return DVK_E_ok;
}

/** Tests whether an estate could be one of this table. Private. */
DVK_INLINE int dvk_estate_fits(const struct dvk_table* table, const struct dvk_estate* estate) {
  return estate->tasks == table->limits.tasks && estate->system_processes == table->limits.system_processes &&
         dvk_estate_check(estate) == DVK_E_ok;
}

/** Lets a held process take what it waits for, if that has come meanwhile. Private. */
DVK_INLINE void dvk_go_on(struct dvk_table* table, struct dvk_slot* self) {
  const int requests_only = self->operation == DVK_CALL_receive_request;
  int32_t from = self->senders.head;
  if (requests_only || !dvk_take_notification(table, self, -1)) {
    while (requests_only && from >= 0 && dvk_at(table, from)->operation != DVK_CALL_sendrec) {
      from = dvk_at(table, from)->next;
    }
    if (from < 0) return;
    dvk_take_message(table, self, dvk_at(table, from));
  }
  dvk_complete(table, self, DVK_E_ok);
}

/**
 * Ends a migration that was not committed, however far it is: the process goes on here. If it was held it now takes
 * what it waits for, like a receive, and is completed.
 *
 * @param estate what dvk_migrate_leave() has given, to be used no more; NULL if that was not called
 * @return 0; range, bad_endpoint, bad_process; not_waiting (dvk_migrate_start() has not been called); bad_argument
 *         (it is not the estate of this process, or is missing).
 */
DVK_INLINE int dvk_migrate_rollback(struct dvk_table* table, dvk_endpoint endpoint, const struct dvk_estate* estate) {
  struct dvk_slot* self;
  int was_held;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (self->moving == DVK_MOVING_settled) return DVK_E_not_waiting;
  if ((self->moving == DVK_MOVING_departed) != (estate != NULL)) return DVK_E_bad_argument;
  if (estate != NULL && (estate->endpoint != endpoint || !dvk_estate_fits(table, estate))) return DVK_E_bad_argument;
  if (estate != NULL) dvk_estate_notify(table, self, estate);
  was_held = dvk_is_held(self);
  self->moving = DVK_MOVING_settled;
  if (was_held) dvk_go_on(table, self);
  return DVK_E_ok;
}

/** Ends the grants of the memory of a process, whoever made them. Private; walks all grants. */
DVK_INLINE void dvk_end_memory(struct dvk_table* table, struct dvk_slot* self) {
  const dvk_endpoint endpoint = dvk_endpoint_of(table, self);
  uint32_t i;
  dvk_grants_end(table, self);
  for (i = 0; i < table->limits.grants; ++i) {
    const struct dvk_grant* grant = dvk_grant_at(table, (int32_t)i);
    if (grant->kind != DVK_GRANT_magic || grant->other != endpoint) continue;
    dvk_grant_end(table, dvk_at(table, dvk_index_of_slot(table, dvk_slot_of(grant->owner))), (int32_t)i);
  }
}

/**
 * Lets a process go whose estate was taken: it is of another node now, as after dvk_bind_remote(). What is left of it
 * here ends its wait with shut_down. Nobody else is completed: who waits to send to it, for its message or for its
 * unbind goes on waiting, and the driver carries out there what they wait for (dvk_next_sender()). Its grants end, and
 * all grants of its memory. Walks all grants of the table.
 *
 * @param node where it is, 0..65535
 * @return 0; range (also of the node), bad_endpoint, bad_process; not_waiting (dvk_migrate_leave() has not been
 * called).
 */
DVK_INLINE int dvk_migrate_commit(struct dvk_table* table, dvk_endpoint endpoint, int32_t node) {
  struct dvk_slot* self;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (node < 0 || node > 0xFFFF) return DVK_E_range;
  if (result != DVK_E_ok) return result;
  if (self->moving != DVK_MOVING_departed) return DVK_E_not_waiting;
  dvk_end_memory(table, self);
  if (self->owner != 0) dvk_owner_unlink(table, self);
  self->moving = DVK_MOVING_settled;
  ++self->term;
  self->node = node;
  dvk_default_privileges(table, self);
  self->calls = dvk_all_calls();
  dvk_complete(table, self, DVK_E_shut_down);
  return DVK_E_ok;
}

/** The process that waits longest to send to @p endpoint, or the next one after the sender @p after; or #DVK_NONE. */
DVK_INLINE dvk_endpoint dvk_next_sender(const struct dvk_table* table, dvk_endpoint endpoint, dvk_endpoint after) {
  struct dvk_slot* self;
  struct dvk_slot* last;
  int32_t next;
  if (dvk_find_bound(table, endpoint, &self) != DVK_E_ok) return DVK_NONE;
  next = self->senders.head;
  if (after != DVK_NONE) {
    if (dvk_find_bound(table, after, &last) != DVK_E_ok) return DVK_NONE;
    if ((last->state & DVK_STATE_sending) == 0 || last->peer != endpoint) return DVK_NONE;
    next = last->next;
  }
  return next < 0 ? (dvk_endpoint)DVK_NONE : dvk_endpoint_of(table, dvk_at(table, next));
}

/**
 * Tells whether dvk_migrate_adopt() would succeed now.
 * @return 0, or what that returns.
 */
DVK_INLINE int dvk_migrate_check(const struct dvk_table* table, const struct dvk_estate* estate, uint64_t owner) {
  struct dvk_slot* self;
  dvk_endpoint other;
  const int result = dvk_find_bound(table, estate->endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (!dvk_estate_fits(table, estate) || estate->term < self->term) return DVK_E_bad_argument;
  if (self->node == DVK_HERE || self->state != 0) return DVK_E_process_running;
  if (self->backup && self->owner != owner) return DVK_E_busy;
  other = dvk_endpoint_of_owner(table, owner);
  return other == DVK_NONE || other == estate->endpoint ? DVK_E_ok : DVK_E_busy;
}

/**
 * Takes over a process that another node has let go: it is of this node from now on, and runs. Who waits here to send
 * to it is in its queue. It has what the estate says, and what was pending for it here.
 *
 * It may also be the node that let it go, if that committed to itself: so a process goes on in another thread.
 *
 * @param owner the driver's word for the process, as in dvk_bind(); also that of the backup of this very process
 * @return 0; range, bad_endpoint, bad_process (no such process, not even on another node); bad_argument (no estate for
 *         this table, or an old one); process_running (it is of this node, or the driver has it in the middle of a
 *         call); busy (the owner is bound already, or somebody else is the backup).
 */
DVK_INLINE int dvk_migrate_adopt(struct dvk_table* table, const struct dvk_estate* estate, uint64_t owner) {
  struct dvk_slot* self;
  int32_t index;
  const int result = dvk_migrate_check(table, estate, owner);
  if (result != DVK_E_ok) return result;
  index = dvk_index_of_slot(table, dvk_slot_of(estate->endpoint));
  self = dvk_at(table, index);
  if (!self->backup && owner != 0) {
    self->owner = owner;
    dvk_owner_link(table, self);
  }
  self->backup = 0;
  self->node = DVK_HERE;
  self->term = estate->term;
  if (self->exchange < estate->exchange) self->exchange = estate->exchange;
  self->calls = estate->privileges.calls;
  self->level = estate->privileges.level;
  self->warn = estate->privileges.warn;
  __builtin_memcpy(dvk_peers_of(table, index, DVK_TO), estate->peers[DVK_TO], table->privilege_words * 8);
  __builtin_memcpy(dvk_peers_of(table, index, DVK_FROM), estate->peers[DVK_FROM], table->privilege_words * 8);
  self->counters = estate->counters;
  __builtin_memcpy(self->name, estate->name, sizeof self->name);
  self->name[DVK_NAME_BYTES - 1] = 0;
  dvk_estate_notify(table, self, estate);
  return DVK_E_ok;
}

/**
 * Learns where a process of another node is now. What is heard later than something newer is refused; what is known
 * already may be told again. Not for news that names this very node, as the estate says that. Grants of its memory end
 * with the move; walks all grants.
 * @return 0; range (also of the node), bad_endpoint, bad_process; process_running (it is of this node: if the term is
 *         higher than its own the driver ends it, as another has taken over); bad_argument (an old term, or another
 *         node for the present one).
 */
DVK_INLINE int dvk_migrate_place(struct dvk_table* table, dvk_endpoint endpoint, int32_t node, uint32_t term) {
  struct dvk_slot* self;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (node < 0 || node > 0xFFFF) return DVK_E_range;
  if (result != DVK_E_ok) return result;
  if (self->node == DVK_HERE) return DVK_E_process_running;
  if (term < self->term || (term == self->term && node != self->node)) return DVK_E_bad_argument;
  if (node != self->node) dvk_end_memory(table, self);
  self->node = node;
  self->term = term;
  return DVK_E_ok;
}

/**
 * Makes @p owner the backup of a process of another node. It waits in the driver, and can call nothing.
 * @return 0; range, bad_endpoint, bad_process; process_running (the process is of this node, or the end of its wait
 *         here was not fetched yet); busy (it has a backup here, or the owner is bound already); bad_argument (no
 * owner).
 */
DVK_INLINE int dvk_stand_by(struct dvk_table* table, dvk_endpoint endpoint, uint64_t owner) {
  struct dvk_slot* self;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (owner == 0) return DVK_E_bad_argument;
  if (self->node == DVK_HERE || (!self->backup && self->owner != 0)) return DVK_E_process_running;
  if (self->backup || dvk_endpoint_of_owner(table, owner) != DVK_NONE) return DVK_E_busy;
  self->backup = 1;
  self->owner = owner;
  dvk_owner_link(table, self);
  return DVK_E_ok;
}

/** Ends a backup; the process has none here any more. @return 0; range, bad_endpoint, bad_process (also: no backup). */
DVK_INLINE int dvk_stand_down(struct dvk_table* table, dvk_endpoint endpoint) {
  struct dvk_slot* self;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (!self->backup) return DVK_E_bad_process;
  dvk_owner_unlink(table, self);
  self->backup = 0;
  self->owner = 0;
  return DVK_E_ok;
}

/**
 * Puts the backup in the place of the process, which is dead: it runs, with the privileges that the slot has after
 * bind. Who waits for an answer gets source_died, as nobody knows how far it got; who waits to send is in the queue of
 * the new process; who waits for its message or its unbind goes on waiting.
 * @return 0; range, bad_endpoint, bad_process (also: no backup); process_running (the driver has the old process in the
 *         middle of a call here).
 */
DVK_INLINE int dvk_promote(struct dvk_table* table, dvk_endpoint endpoint) {
  struct dvk_slot* self;
  int32_t other;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  if (!self->backup) return DVK_E_bad_process;
  if (self->state != 0) return DVK_E_process_running;
  self->backup = 0;
  self->node = DVK_HERE;
  ++self->term;
  __builtin_memset(&self->counters, 0, sizeof self->counters);
  dvk_default_privileges(table, self);
  dvk_end_memory(table, self);
  for (other = self->waiters.head; other >= 0;) {
    struct dvk_slot* waiter = dvk_at(table, other);
    other = waiter->next;
    if (waiter->operation != DVK_CALL_sendrec) continue;
    dvk_list_remove(table, &self->waiters, waiter);
    dvk_complete(table, waiter, DVK_E_source_died);
  }
  return DVK_E_ok;
}

#endif
