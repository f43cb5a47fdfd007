/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Completions: how the driver learns which waiting processes an operation has set going again.
 *
 * An operation returns the result of its caller. Whatever it does to others it appends, in order, to the completions
 * of the table; the driver fetches them after the operation and wakes whom they name.
 */
#ifndef DVS_DVK_COMPLETION_H
#define DVS_DVK_COMPLETION_H

#include <dvs/dvk/init.h>

/** The end of one wait. */
struct dvk_completion {
  dvk_endpoint endpoint; /**< who waited; with result shut_down it may be unbound already */
  int result;            /**< 0 (a message, if it waited for one, is in dvk_message_of()) or an error */
  uint64_t owner;        /**< the driver's word of that process */
};

/**
 * Fetches the oldest completion. Until then its process counts as waiting: it can call nothing (process_running), and
 * if it was unbound its slot cannot be bound again.
 * @return 1 and the completion, or 0 if there is none.
 */
DVK_INLINE int dvk_next_completion(struct dvk_table* table, struct dvk_completion* completion) {
  struct dvk_slot* slot;
  if (table->completions.head < 0) return 0;
  slot = dvk_at(table, table->completions.head);
  dvk_list_remove(table, &table->completions, slot);
  slot->state &= ~(uint32_t)DVK_STATE_completed;
  completion->endpoint = dvk_endpoint_of(table, slot);
  completion->result = slot->result;
  completion->owner = slot->backup ? 0 : slot->owner;
  if (dvk_is_bound(slot) && slot->node != DVK_HERE && !slot->backup) slot->owner = 0; /* it has moved away */
  if (!dvk_is_bound(slot) && dvk_is_dealt(table, dvk_index_of(table, slot))) {
    dvk_list_append(table, &table->free_users, slot);
  }
  return 1;
}

/** Ends the wait of a slot that is in no list any more. Private. */
DVK_INLINE void dvk_complete(struct dvk_table* table, struct dvk_slot* slot, int result) {
  slot->state = DVK_STATE_completed;
  slot->operation = DVK_CALL_none;
  slot->peer = DVK_NONE;
  slot->result = result;
  dvk_list_append(table, &table->completions, slot);
}

/** Lets a running process wait for @p peer, in no list yet. Private. */
DVK_INLINE void dvk_block(struct dvk_slot* slot, uint32_t state, uint32_t operation, dvk_endpoint peer) {
  slot->state = state;
  slot->operation = operation;
  slot->peer = peer;
}

/** Puts a blocked process into the list of its peer that its state demands; none if it waits for anybody. Private. */
DVK_INLINE void dvk_enlist(struct dvk_table* table, struct dvk_slot* slot) {
  struct dvk_slot* peer;
  if (slot->peer == DVK_ANY) return;
  peer = dvk_at(table, dvk_index_of_slot(table, dvk_slot_of(slot->peer)));
  dvk_list_append(table, slot->state & DVK_STATE_sending ? &peer->senders : &peer->waiters, slot);
}

/** True if somebody waits for an answer of the process. Private; walks who waits for it. */
DVK_INLINE int dvk_owes(const struct dvk_table* table, const struct dvk_slot* slot) {
  int32_t other;
  for (other = slot->waiters.head; other >= 0; other = dvk_at(table, other)->next) {
    if (dvk_at(table, other)->operation == DVK_CALL_sendrec) return 1;
  }
  return 0;
}

/** True if the process waits for anybody, and nobody for an answer of it. Private. */
DVK_INLINE int dvk_is_at_rest(const struct dvk_table* table, const struct dvk_slot* slot) {
  return slot->state == DVK_STATE_receiving && slot->peer == DVK_ANY && !dvk_owes(table, slot);
}

/** True if nothing may be delivered to the process, as it is about to move. Private. */
DVK_INLINE int dvk_is_held(const struct dvk_slot* slot) { return slot->moving >= DVK_MOVING_held; }

/** Takes a blocked process out of the list of its peer, who may come to rest by that. Private. */
DVK_INLINE void dvk_delist(struct dvk_table* table, struct dvk_slot* slot) {
  struct dvk_slot* peer;
  if (slot->peer == DVK_ANY) return;
  peer = dvk_at(table, dvk_index_of_slot(table, dvk_slot_of(slot->peer)));
  dvk_list_remove(table, slot->state & DVK_STATE_sending ? &peer->senders : &peer->waiters, slot);
  if (peer->moving == DVK_MOVING_leaving && dvk_is_at_rest(table, peer)) peer->moving = DVK_MOVING_held;
}

/** True if the process waits for something that has not happened yet. */
DVK_INLINE int dvk_is_waiting(const struct dvk_slot* slot) {
  return (slot->state & (DVK_STATE_sending | DVK_STATE_receiving | DVK_STATE_wait_bind | DVK_STATE_wait_unbind)) != 0;
}

#endif
