/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Bind and unbind: how a process gets its endpoint, what becomes of its partners when it goes, and waiting for both.
 */
#ifndef DVS_DVK_BIND_H
#define DVS_DVK_BIND_H

#include <dvs/dvk/grant.h>
#include <dvs/dvk/notify.h>

/** Enters a slot into the buckets of its owner word. Private. */
DVK_INLINE void dvk_owner_link(struct dvk_table* table, struct dvk_slot* slot) {
  int32_t* bucket = dvk_owner_bucket(table, slot->owner);
  slot->owner_next = *bucket;
  *bucket = dvk_index_of(table, slot);
}

/** Takes a slot from the buckets of its owner word. Private. */
DVK_INLINE void dvk_owner_unlink(struct dvk_table* table, struct dvk_slot* slot) {
  int32_t* link = dvk_owner_bucket(table, slot->owner);
  while (*link != dvk_index_of(table, slot)) link = &dvk_at(table, *link)->owner_next;
  *link = slot->owner_next;
}

/** The endpoint that @p owner (not 0) is bound to, or #DVK_NONE. */
DVK_INLINE dvk_endpoint dvk_endpoint_of_owner(const struct dvk_table* table, uint64_t owner) {
  int32_t index;
  if (owner == 0) return DVK_NONE;
  for (index = *dvk_owner_bucket(table, owner); index >= 0; index = dvk_at(table, index)->owner_next) {
    if (dvk_at(table, index)->owner == owner) return dvk_endpoint_of(table, dvk_at(table, index));
  }
  return DVK_NONE;
}

/** The generation that the next owner of a slot gets. */
DVK_INLINE int32_t dvk_next_generation(const struct dvk_table* table, const struct dvk_slot* slot) {
  if (dvk_is_system(table, dvk_index_of(table, slot))) return 0;
  return slot->generation == DVK_GENERATION_MAX ? 1 : slot->generation + 1;
}

/** Gives a free slot to a new owner. Private. */
DVK_INLINE dvk_endpoint dvk_occupy(struct dvk_table* table, struct dvk_slot* self, int32_t generation, const char* name,
                                   uint64_t owner) {
  int32_t other;
  int i;
  if (dvk_is_dealt(table, dvk_index_of(table, self))) dvk_list_remove(table, &table->free_users, self);
  self->state = 0;
  self->operation = DVK_CALL_none;
  self->generation = generation;
  self->node = DVK_HERE;
  self->owner = owner;
  self->peer = DVK_NONE;
  __builtin_memset(&self->message, 0, sizeof self->message);
  self->taken = 0; /* the exchange goes on: a late reply to the last owner must not reach this one */
  self->moving = DVK_MOVING_settled;
  self->term = 0;
  __builtin_memset(&self->counters, 0, sizeof self->counters);
  __builtin_memset(self->name, 0, sizeof self->name);
  for (i = 0; name != NULL && name[i] != 0 && i < DVK_NAME_BYTES - 1; ++i) self->name[i] = name[i];
  dvk_default_privileges(table, self);
  if (owner != 0) dvk_owner_link(table, self);
  for (other = self->waiters.head; other >= 0;) {
    struct dvk_slot* waiter = dvk_at(table, other);
    other = waiter->next;
    if ((waiter->state & DVK_STATE_wait_bind) == 0) continue;
    dvk_list_remove(table, &self->waiters, waiter);
    dvk_complete(table, waiter, waiter->peer == dvk_endpoint_of(table, self) ? DVK_E_ok : DVK_E_bad_endpoint);
  }
  return dvk_endpoint_of(table, self);
}

/**
 * Binds a process to a slot; it runs, with the default privileges (privilege.h). Who waits for this endpoint is
 * completed. The driver says who may do this: dvk_may_call() with bind.
 *
 * @param slot the number of a slot, or #DVK_ANY: the user slot that has been free longest, of
 *        those that this node deals out (dvk_share_users())
 * @param name ended by a zero, cut after 15 bytes; NULL for none
 * @param owner the driver's word for the process (a thread, a fiber), unique among the bound; 0 if it has none
 * @param[out] endpoint of the process: the slot itself for a system slot, else the slot in a new generation
 * @return 0; range (no such slot); bad_argument (#DVK_HARDWARE); slot_used (bound, or its last completion was not
 *         fetched yet); table_full (no user slot is free); busy (the owner is bound already).
 */
DVK_INLINE int dvk_bind(struct dvk_table* table, int32_t slot, const char* name, uint64_t owner,
                        dvk_endpoint* endpoint) {
  struct dvk_slot* self;
  int32_t index = slot == DVK_ANY ? table->free_users.head : dvk_index_of_slot(table, slot);
  if (index < 0) return slot == DVK_ANY ? DVK_E_table_full : DVK_E_range;
  if (slot == DVK_HARDWARE) return DVK_E_bad_argument;
  self = dvk_at(table, index);
  if (self->state != DVK_STATE_free) return DVK_E_slot_used;
  if (dvk_endpoint_of_owner(table, owner) != DVK_NONE) return DVK_E_busy;

  *endpoint = dvk_occupy(table, self, dvk_next_generation(table, self), name, owner);
  return DVK_E_ok;
}

/** Finds the free slot that @p endpoint names, with a generation that its owner can have. Private. */
DVK_INLINE int dvk_find_free(struct dvk_table* table, dvk_endpoint endpoint, struct dvk_slot** slot) {
  const int32_t index = dvk_index_of_slot(table, dvk_slot_of(endpoint));
  const int32_t generation = dvk_generation_of(endpoint);
  if (index < 0) return DVK_E_range;
  if (endpoint == DVK_HARDWARE || (generation == 0) != (dvk_is_system(table, index) != 0) || generation < 0) {
    return DVK_E_bad_argument;
  }
  *slot = dvk_at(table, index);
  return (*slot)->state == DVK_STATE_free ? DVK_E_ok : DVK_E_slot_used;
}

/**
 * Binds a process to the endpoint that another table has given it; otherwise like dvk_bind().
 * @return 0; range (no such slot); bad_argument (a generation that the slot cannot have); slot_used; busy.
 */
DVK_INLINE int dvk_bind_at(struct dvk_table* table, dvk_endpoint endpoint, const char* name, uint64_t owner) {
  struct dvk_slot* self;
  const int found = dvk_find_free(table, endpoint, &self);
  if (found != DVK_E_ok) return found;
  if (dvk_endpoint_of_owner(table, owner) != DVK_NONE) return DVK_E_busy;
  (void)dvk_occupy(table, self, dvk_generation_of(endpoint), name, owner);
  return DVK_E_ok;
}

/**
 * Binds a process that runs on another node to the slot that it has there, so that processes here can name it. It has
 * every privilege: what it may do is tested where it runs. The driver carries out what is asked of it.
 *
 * @param node where it runs, 0..65535
 * @return 0; range (no such slot, or no such node); bad_argument (a generation that the slot cannot have); slot_used.
 */
DVK_INLINE int dvk_bind_remote(struct dvk_table* table, dvk_endpoint endpoint, const char* name, int32_t node) {
  struct dvk_slot* self;
  int found;
  if (node < 0 || node > 0xFFFF) return DVK_E_range;
  found = dvk_find_free(table, endpoint, &self);
  if (found != DVK_E_ok) return found;
  (void)dvk_occupy(table, self, dvk_generation_of(endpoint), name, 0);
  self->calls = dvk_all_calls();
  self->node = node;
  return DVK_E_ok;
}

/**
 * Ends a process: its endpoint is dead at once, its slot may be bound again. The driver says who may do this.
 *
 * Its partners are completed, in order of arrival: itself with shut_down if it was waiting; who waits to send to it
 * (send, or sendrec not yet received) with destination_died; who waits for its message or its answer with
 * source_died; who waits for its unbind with 0. Who receives from anybody goes on waiting. Notifications that it has
 * sent and nobody received yet, its own pending ones and its grants are gone.
 * @return 0; range, bad_endpoint (stale), bad_process (not bound).
 */
DVK_INLINE int dvk_unbind(struct dvk_table* table, dvk_endpoint endpoint) {
  struct dvk_slot* self;
  int32_t index, other;
  const int result = dvk_find_bound(table, endpoint, &self);
  if (result != DVK_E_ok) return result;
  index = dvk_index_of(table, self);

  if (dvk_is_waiting(self)) {
    dvk_delist(table, self);
    dvk_complete(table, self, DVK_E_shut_down);
  }
  self->state |= DVK_STATE_free;
  self->moving = DVK_MOVING_settled;
  while (self->senders.head >= 0) {
    struct dvk_slot* sender = dvk_at(table, self->senders.head);
    dvk_list_remove(table, &self->senders, sender);
    dvk_complete(table, sender, DVK_E_destination_died);
  }
  while (self->waiters.head >= 0) {
    struct dvk_slot* waiter = dvk_at(table, self->waiters.head);
    const int gone = waiter->state & DVK_STATE_wait_unbind ? DVK_E_ok : DVK_E_source_died;
    dvk_list_remove(table, &self->waiters, waiter);
    dvk_complete(table, waiter, gone);
  }
  if (dvk_is_system(table, index)) {
    for (other = 0; dvk_is_system(table, other); ++other) {
      (void)dvk_clear_pending(table, other, index);
      (void)dvk_clear_pending(table, index, other);
    }
  }
  dvk_grants_end(table, self);
  if (self->owner != 0 && (self->node == DVK_HERE || self->backup)) dvk_owner_unlink(table, self);
  if (self->backup) {
    self->backup = 0;
    self->owner = 0;
  }
  if (self->state == DVK_STATE_free && dvk_is_dealt(table, index)) {
    dvk_list_append(table, &table->free_users, self);
  }
  return DVK_E_ok;
}

/** Finds and tests the caller and the endpoint of a wait. Private. */
DVK_INLINE int dvk_enter_wait(const struct dvk_table* table, dvk_endpoint caller, dvk_endpoint awaited,
                              struct dvk_slot** self, struct dvk_slot** other) {
  int result = dvk_may_call(table, caller, DVK_CALL_wait_bind);
  if (result != DVK_E_ok) return result;
  *self = dvk_at(table, dvk_index_of_slot(table, dvk_slot_of(caller)));
  if (awaited == DVK_HARDWARE) return DVK_E_bad_destination;
  result = dvk_resolve(table, awaited, other);
  if (result == DVK_E_range) return result;
  return *self == *other ? DVK_E_bad_endpoint : DVK_E_ok;
}

/**
 * Waits until @p awaited is bound: a system slot, or a user slot in its present or next generation.
 *
 * @param flags #DVK_NOWAIT: would_block if it is not
 * @return 0 (it is), #DVK_BLOCKED (completed with 0 when it is), would_block; not_bound, process_running, bad_call;
 *         bad_destination (#DVK_HARDWARE), range, bad_endpoint (the caller itself, or a generation that is over or
 *         that is not the next).
 */
DVK_INLINE int dvk_wait_bind(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint awaited, unsigned flags) {
  struct dvk_slot* self;
  struct dvk_slot* other;
  const int result = dvk_enter_wait(table, caller, awaited, &self, &other);
  if (result != DVK_E_ok) return result;
  if (dvk_is_bound(other)) return dvk_endpoint_of(table, other) == awaited ? DVK_E_ok : DVK_E_bad_endpoint;
  if (dvk_generation_of(awaited) != dvk_next_generation(table, other)) return DVK_E_bad_endpoint;
  if (flags & DVK_NOWAIT) return DVK_E_would_block;
  dvk_block(self, DVK_STATE_wait_bind, DVK_CALL_wait_bind, awaited);
  dvk_enlist(table, self);
  return DVK_BLOCKED;
}

/**
 * Waits until @p awaited is no longer bound.
 *
 * @param flags #DVK_NOWAIT: would_block if it still is
 * @return 0 (it is not), #DVK_BLOCKED (completed with 0 when it is unbound), would_block; not_bound, process_running,
 *         bad_call; bad_destination (#DVK_HARDWARE), range, bad_endpoint (the caller itself).
 */
DVK_INLINE int dvk_wait_unbind(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint awaited, unsigned flags) {
  struct dvk_slot* self;
  struct dvk_slot* other;
  const int result = dvk_enter_wait(table, caller, awaited, &self, &other);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_bound(other) || dvk_endpoint_of(table, other) != awaited) return DVK_E_ok;
  if (flags & DVK_NOWAIT) return DVK_E_would_block;
  dvk_block(self, DVK_STATE_wait_unbind, DVK_CALL_wait_bind, awaited);
  dvk_enlist(table, self);
  return DVK_BLOCKED;
}

#endif
