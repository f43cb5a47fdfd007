/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Queries: everything that a table knows, for tools and servers that show it. They change nothing.
 */
#ifndef DVS_DVK_QUERY_H
#define DVS_DVK_QUERY_H

#include <dvs/dvk/bind.h>
#include <dvs/dvk/copy.h>

/** One slot, as it is now. */
struct dvk_process_info {
  int32_t slot;                     /**< -tasks..processes-1 */
  dvk_endpoint endpoint;            /**< of the present owner or, when free, the last one */
  uint32_t state;                   /**< bits of #dvk_state_bit; 0 runs */
  uint32_t operation;               /**< the #dvk_call it waits in, or 0 */
  int32_t node;                     /**< where it runs, or #DVK_HERE */
  dvk_endpoint peer;                /**< whom it waits for: an endpoint, #DVK_ANY, or #DVK_NONE */
  uint32_t senders;                 /**< processes that wait to send to it */
  uint32_t notifications_pending;   /**< sources that have notified it */
  uint32_t grants;                  /**< grants of it that exist */
  struct dvk_privileges privileges; /**< also see dvk_get_peers() */
  struct dvk_counters counters;     /**< since it was bound */
  uint64_t owner;                   /**< the driver's word */
  uint32_t backup;                  /**< 1: it is elsewhere, and `owner` stands by for it */
  uint32_t moving;                  /**< a #dvk_moving */
  uint32_t term;                    /**< how often it has moved since it was bound */
  char name[DVK_NAME_BYTES];        /**< with a final zero */
};

/** The whole table, as it is now. */
struct dvk_table_info {
  struct dvk_limits limits;
  uint32_t bound;   /**< processes bound */
  uint32_t waiting; /**< of them, those that wait */
  uint32_t grants;  /**< grants that exist */
  uint64_t bytes;   /**< memory of the table */
};

/** Describes a slot, also a free one. Walks its queues. @return 0, or range (no such slot). */
DVK_INLINE int dvk_describe(const struct dvk_table* table, int32_t slot, struct dvk_process_info* info) {
  const int32_t index = dvk_index_of_slot(table, slot);
  const struct dvk_slot* self;
  int32_t i;
  if (index < 0) return DVK_E_range;
  self = dvk_at(table, index);
  __builtin_memset(info, 0, sizeof *info);
  info->slot = slot;
  info->endpoint = dvk_endpoint_of(table, self);
  info->state = self->state;
  info->operation = self->operation;
  info->node = self->node;
  info->peer = self->peer;
  for (i = self->senders.head; i >= 0; i = dvk_at(table, i)->next) ++info->senders;
  info->notifications_pending = self->pending;
  for (i = self->grants; i >= 0; i = dvk_grant_at(table, i)->next) ++info->grants;
  info->privileges.calls = self->calls;
  info->privileges.level = self->level;
  info->privileges.warn = self->warn;
  info->counters = self->counters;
  info->owner = self->owner;
  info->backup = self->backup;
  info->moving = self->moving;
  info->term = self->term;
  __builtin_memcpy(info->name, self->name, sizeof info->name);
  return DVK_E_ok;
}

/** Describes one entry of the grants of the table. @return 0, or range (@p index is not 0..limits.grants-1). */
DVK_INLINE int dvk_describe_grant(const struct dvk_table* table, uint32_t index, struct dvk_grant* grant) {
  if (index >= table->limits.grants) return DVK_E_range;
  *grant = *dvk_grant_at(table, (int32_t)index);
  return DVK_E_ok;
}

/** Describes the table. Walks all slots and grants. */
DVK_INLINE void dvk_describe_table(const struct dvk_table* table, struct dvk_table_info* info) {
  uint32_t i;
  __builtin_memset(info, 0, sizeof *info);
  info->limits = table->limits;
  info->bytes = table->bytes;
  for (i = 0; i < table->slots; ++i) {
    const struct dvk_slot* slot = dvk_at(table, (int32_t)i);
    if (!dvk_is_bound(slot)) continue;
    ++info->bound;
    if (dvk_is_waiting(slot)) ++info->waiting;
  }
  for (i = 0; i < table->limits.grants; ++i) {
    if (dvk_grant_at(table, (int32_t)i)->kind != DVK_GRANT_free) ++info->grants;
  }
}

#endif
