/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Making a table.
 */
#ifndef DVS_DVK_INIT_H
#define DVS_DVK_INIT_H

#include <dvs/dvk/list.h>

/** Brings a slot into the state that it has before its first bind. */
DVK_INLINE void dvk_slot_clear(struct dvk_slot* slot) {
  __builtin_memset(slot, 0, sizeof *slot);
  slot->state = DVK_STATE_free;
  slot->peer = DVK_NONE;
  slot->warn = DVK_NONE;
  slot->node = DVK_HERE;
  slot->next = slot->previous = -1;
  slot->grants = -1;
  slot->owner_next = -1;
  dvk_list_clear(&slot->senders);
  dvk_list_clear(&slot->waiters);
}

/**
 * Makes an empty table in memory of the caller.
 *
 * @param memory aligned to 8 bytes at least; whatever it held is overwritten
 * @param bytes the size of the memory, at least dvk_table_bytes()
 * @param limits see struct dvk_limits
 * @return 0; bad_value (a limit is out of its range); no_memory (too few bytes); bad_argument (no memory, or not
 *         aligned)
 */
DVK_INLINE int dvk_table_init(void* memory, size_t bytes, const struct dvk_limits* limits) {
  struct dvk_table* table = (struct dvk_table*)memory;
  const size_t needed = dvk_table_bytes(limits);
  uint32_t i;
  if (needed == 0) return DVK_E_bad_value;
  if (memory == NULL || (uintptr_t)memory % 8 != 0) return DVK_E_bad_argument;
  if (bytes < needed) return DVK_E_no_memory;

  __builtin_memset(memory, 0, needed);
  (void)dvk_layout(limits, table);
  dvk_list_clear(&table->free_users);
  dvk_list_clear(&table->completions);
  dvk_list_clear(&table->free_grants);
  for (i = 0; i < table->slots; ++i) {
    struct dvk_slot* slot = dvk_at(table, (int32_t)i);
    dvk_slot_clear(slot);
    if (!dvk_is_system(table, (int32_t)i)) dvk_list_append(table, &table->free_users, slot);
  }
  table->users_from = (int32_t)limits->system_processes;
  table->users_to = (int32_t)table->slots;
  for (i = 0; i < (1U << table->owner_bits); ++i) ((int32_t*)dvk_place(table, table->owners_at))[i] = -1;
  for (i = 0; i < limits->grants; ++i) dvk_grant_append_free(table, (int32_t)i);
  return DVK_E_ok;
}

/**
 * Makes the table that of one node of several: of the user slots, which all of them have, dvk_bind() chooses only from
 * a share, so that no two nodes choose the same. For a table in which nobody is bound.
 *
 * @param position which of the @p nodes this is, from 0
 * @return 0; bad_value (position is not below nodes); slot_used (somebody is bound)
 */
DVK_INLINE int dvk_share_users(struct dvk_table* table, uint32_t position, uint32_t nodes) {
  const uint32_t first = table->limits.system_processes;
  const uint64_t users = table->slots - first;
  uint32_t i;
  if (position >= nodes) return DVK_E_bad_value;
  for (i = 0; i < table->slots; ++i) {
    if ((dvk_at(table, (int32_t)i)->state & DVK_STATE_free) == 0) return DVK_E_slot_used;
  }
  table->users_from = (int32_t)(first + users * position / nodes);
  table->users_to = (int32_t)(first + users * (position + 1) / nodes);
  dvk_list_clear(&table->free_users);
  for (i = first; i < table->slots; ++i) {
    struct dvk_slot* slot = dvk_at(table, (int32_t)i);
    slot->next = slot->previous = -1;
    if (dvk_is_dealt(table, (int32_t)i)) dvk_list_append(table, &table->free_users, slot);
  }
  return DVK_E_ok;
}

#endif
