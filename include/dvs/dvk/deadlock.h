/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Deadlock: whether waiting would close a cycle (MINIX rule).
 */
#ifndef DVS_DVK_DEADLOCK_H
#define DVS_DVK_DEADLOCK_H

#include <dvs/dvk/completion.h>

/**
 * Follows the chain of who waits for whom from @p peer on. True if it leads to @p slot: then slot must not wait for
 * peer. The chain goes on from a sender to its destination and from a process that receives from one source to that
 * source; it ends at a process that runs, that receives from anybody, or that waits for a bind or unbind.
 *
 * MINIX exempts two processes of which one sends to the other while that one receives from it. They never get here:
 * such a message is delivered at once.
 *
 * Since no cycle is ever closed the walk ends, after at most as many steps as there are slots.
 */
DVK_INLINE int dvk_would_lock(const struct dvk_table* table, const struct dvk_slot* slot, const struct dvk_slot* peer) {
  while (peer != slot) {
    if ((peer->state & (DVK_STATE_sending | DVK_STATE_receiving)) == 0 || peer->peer == DVK_ANY) return 0;
    peer = dvk_at(table, dvk_index_of_slot(table, dvk_slot_of(peer->peer)));
  }
  return 1;
}

#endif
