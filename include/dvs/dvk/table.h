/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * The table of one DC: its slots, and everything the rules remember about them, in one block of memory.
 *
 * The block belongs to the caller, holds no pointer (it may be moved, mapped elsewhere or saved) and never grows.
 * Nothing here locks: the driver lets one thread at a time into a table.
 */
#ifndef DVS_DVK_TABLE_H
#define DVS_DVK_TABLE_H

#include <dvs/dvk/types.h>

/** The size of a table; fixed when it is made. */
struct dvk_limits {
  uint32_t tasks;            /**< slots -tasks..-1: #DVK_TASKS_MIN..#DVK_TASKS_MAX */
  uint32_t processes;        /**< slots 0..processes-1; with the tasks at most #DVK_SLOTS_MAX */
  uint32_t system_processes; /**< the lowest so many slots, tasks included, are system processes; at most 4096 */
  uint32_t grants;           /**< grants that may exist at one time in the DC; at most 2^20 */
};

enum dvk_limit { DVK_SYSTEM_MAX = 4096, DVK_GRANTS_MAX = 1 << 20 };

/** The node of a process that runs here. */
enum dvk_place_constant { DVK_HERE = -1 };

/** The limits of M3-IPC: 35 tasks, 29 servers, 192 user processes; and 1024 grants. */
DVK_INLINE struct dvk_limits dvk_default_limits(void) {
  struct dvk_limits limits;
  limits.tasks = 35;
  limits.processes = 221;
  limits.system_processes = 64;
  limits.grants = 1024;
  return limits;
}

/** A list of slots through their links: indices, -1 for none. */
struct dvk_list {
  int32_t head;
  int32_t tail;
};

/** What a process did since it was bound. */
struct dvk_counters {
  uint64_t sent;          /**< messages that reached their receiver */
  uint64_t received;      /**< messages, without notifications */
  uint64_t notifications; /**< notifications received */
  uint64_t copies;        /**< copies it asked for */
  uint64_t bytes;         /**< bytes moved by them */
};

/** One slot. Private to the rules: read it with dvk_describe(). */
struct dvk_slot {
  struct dvk_message message; /**< what it sends while it waits for a receiver, then what it received */
  struct dvk_counters counters;
  uint64_t owner;            /**< the driver's word, see dvk_bind() */
  uint64_t calls;            /**< bit per #dvk_call */
  uint32_t state;            /**< bits of #dvk_state_bit */
  uint32_t operation;        /**< the #dvk_call it waits in */
  int32_t generation;        /**< of the present or, when free, last owner */
  dvk_endpoint peer;         /**< whom it waits for; #DVK_ANY, or #DVK_NONE when it runs */
  int32_t result;            /**< of the completion to be fetched */
  int32_t level;             /**< a #dvk_level */
  int32_t node;              /**< where the process runs, if on another node; otherwise #DVK_HERE */
  dvk_endpoint warn;         /**< see struct dvk_privileges */
  uint32_t backup;           /**< 1: the process is elsewhere, and `owner` stands by for it; see migrate.h */
  uint32_t moving;           /**< a #dvk_moving */
  uint32_t term;             /**< how often it has moved */
  int32_t next;              /**< links of the one list that the slot is in */
  int32_t previous;          /**< (senders or waiters of its peer, completions, or free slots) */
  struct dvk_list senders;   /**< processes that wait to send to this one, in order of arrival */
  struct dvk_list waiters;   /**< processes that wait for its message, its bind or its unbind */
  int32_t grants;            /**< first of the grants it made */
  int32_t owner_next;        /**< next slot in the same owner bucket */
  uint32_t pending;          /**< notifications pending */
  uint32_t exchange;         /**< number of its present or last sendrec; goes on when the slot gets another owner */
  uint32_t taken;            /**< exchange of the request in `message`; 0 if its source waits for no answer */
  char name[DVK_NAME_BYTES]; /**< with a final zero */
};

/** One grant; see grant.h. */
struct dvk_grant {
  uint64_t address;     /**< in the memory of the owner (direct) or of `other` (magic) */
  uint64_t length;      /**< bytes */
  dvk_endpoint owner;   /**< who made it */
  dvk_endpoint grantee; /**< who may use it, or #DVK_ANY */
  dvk_endpoint other;   /**< indirect: who granted it to the owner; magic: whose memory */
  int32_t other_id;     /**< indirect: the id it was received with */
  uint32_t sequence;    /**< 0..2047, another one after each use of the entry */
  uint32_t kind;        /**< a #dvk_grant_kind, 0 when free */
  uint32_t access;      /**< bits of #dvk_access */
  int32_t next;         /**< links of the list of the owner, or of the free entries */
  int32_t previous;
};

/** A table: this head, then the arrays it gives the places of, as bytes from its own address. */
struct dvk_table {
  struct dvk_limits limits;
  uint32_t slots;               /**< tasks + processes */
  uint32_t privilege_words;     /**< 64-bit words of one privilege bitmap */
  uint32_t pending_words;       /**< 64-bit words of one pending bitmap */
  uint32_t owner_bits;          /**< 2^owner_bits buckets */
  int32_t users_from, users_to; /**< indices of the user slots that this node deals out: [from, to) */
  struct dvk_list free_users;   /**< free user slots, the one longest free first */
  struct dvk_list completions;  /**< processes whose completion was not fetched yet, in order */
  struct dvk_list free_grants;
  uint64_t slots_at;
  uint64_t privileges_at; /**< per slot: the bitmap `to`, then `from`; the last bit means every user process */
  uint64_t pending_at;    /**< per system slot: a bit for each system slot that notified it */
  uint64_t notes_at;      /**< per system slot and source: struct dvk_notification */
  uint64_t owners_at;     /**< per bucket: the first slot */
  uint64_t grants_at;
  uint64_t bytes;
};

/** @name Places inside a table; indices must be valid. */
/** @{ */
DVK_INLINE void* dvk_place(const struct dvk_table* table, uint64_t at) {
  return (void*)((uintptr_t)table + (uintptr_t)at);
}
DVK_INLINE struct dvk_slot* dvk_at(const struct dvk_table* table, int32_t index) {
  return (struct dvk_slot*)dvk_place(table, table->slots_at) + index;
}
DVK_INLINE int32_t dvk_index_of(const struct dvk_table* table, const struct dvk_slot* slot) {
  return (int32_t)(slot - dvk_at(table, 0));
}
DVK_INLINE struct dvk_grant* dvk_grant_at(const struct dvk_table* table, int32_t index) {
  return (struct dvk_grant*)dvk_place(table, table->grants_at) + index;
}
DVK_INLINE uint64_t* dvk_pending_of(const struct dvk_table* table, int32_t system_index) {
  return (uint64_t*)dvk_place(table, table->pending_at) + (size_t)system_index * table->pending_words;
}
DVK_INLINE struct dvk_notification* dvk_note_of(const struct dvk_table* table, int32_t to, int32_t from) {
  return (struct dvk_notification*)dvk_place(table, table->notes_at) +
         ((size_t)to * table->limits.system_processes + (size_t)from);
}
DVK_INLINE int32_t* dvk_owner_bucket(const struct dvk_table* table, uint64_t owner) {
  const uint64_t mixed = owner * UINT64_C(0x9E3779B97F4A7C15);
  return (int32_t*)dvk_place(table, table->owners_at) + (size_t)(mixed >> (64 - table->owner_bits));
}
/** @} */

/** Computes the places of a table of this size; 0 when a limit is out of its range. */
DVK_INLINE uint64_t dvk_layout(const struct dvk_limits* limits, struct dvk_table* table) {
  uint64_t at = (sizeof *table + 63) & ~UINT64_C(63);
  if (limits->tasks < DVK_TASKS_MIN || limits->tasks > DVK_TASKS_MAX) return 0;
  if (limits->processes > DVK_SLOTS_MAX - limits->tasks) return 0;
  if (limits->system_processes < limits->tasks || limits->system_processes > DVK_SYSTEM_MAX) return 0;
  if (limits->system_processes > limits->tasks + limits->processes) return 0;
  if (limits->grants > DVK_GRANTS_MAX) return 0;
  table->limits = *limits;
  table->slots = limits->tasks + limits->processes;
  table->privilege_words = (limits->system_processes + 1 + 63) / 64;
  table->pending_words = (limits->system_processes + 63) / 64;
  table->owner_bits = 1;
  while ((1U << table->owner_bits) < table->slots) ++table->owner_bits;
  table->slots_at = at;
  at += (uint64_t)table->slots * sizeof(struct dvk_slot);
  table->privileges_at = at;
  at += (uint64_t)table->slots * 2 * table->privilege_words * sizeof(uint64_t);
  table->pending_at = at;
  at += (uint64_t)limits->system_processes * table->pending_words * sizeof(uint64_t);
  table->notes_at = at;
  at += (uint64_t)limits->system_processes * limits->system_processes * sizeof(struct dvk_notification);
  table->grants_at = at;
  at += (uint64_t)limits->grants * sizeof(struct dvk_grant);
  table->owners_at = at;
  at += ((uint64_t)1 << table->owner_bits) * sizeof(int32_t);
  table->bytes = at;
  return at <= SIZE_MAX ? at : 0;
}

/** The bytes of memory that a table of this size needs; 0 if a limit is out of its range. */
DVK_INLINE size_t dvk_table_bytes(const struct dvk_limits* limits) {
  struct dvk_table table;
  return (size_t)dvk_layout(limits, &table);
}

/** The endpoint of the present, or last, owner of a slot. */
DVK_INLINE dvk_endpoint dvk_endpoint_of(const struct dvk_table* table, const struct dvk_slot* slot) {
  return dvk_endpoint_make(slot->generation, dvk_index_of(table, slot) - (int32_t)table->limits.tasks);
}

/** True if @p index (of a slot of the table) belongs to the system processes. */
DVK_INLINE int dvk_is_system(const struct dvk_table* table, int32_t index) {
  return (uint32_t)index < table->limits.system_processes;
}

/** True if the slot is one that dvk_bind() may choose. */
DVK_INLINE int dvk_is_dealt(const struct dvk_table* table, int32_t index) {
  return index >= table->users_from && index < table->users_to;
}

/** True if a process is bound to the slot. */
DVK_INLINE int dvk_is_bound(const struct dvk_slot* slot) { return (slot->state & DVK_STATE_free) == 0; }

/** The index of @p slot, or -1 if the table does not have it. */
DVK_INLINE int32_t dvk_index_of_slot(const struct dvk_table* table, int32_t slot) {
  const int64_t index = (int64_t)slot + table->limits.tasks;
  return index >= 0 && index < (int64_t)table->slots ? (int32_t)index : -1;
}

/**
 * Finds the slot of any endpoint value.
 * @return 0; range (the table has no such slot); bad_endpoint (the slot has, or last had, another generation).
 */
DVK_INLINE int dvk_resolve(const struct dvk_table* table, dvk_endpoint endpoint, struct dvk_slot** slot) {
  const int32_t index = dvk_index_of_slot(table, dvk_slot_of(endpoint));
  if (index < 0 || dvk_generation_of(endpoint) < 0) return DVK_E_range;
  *slot = dvk_at(table, index);
  return dvk_generation_of(endpoint) == (*slot)->generation ? DVK_E_ok : DVK_E_bad_endpoint;
}

/**
 * The message buffer of a bound process: after an operation or completion with result 0, the message it received.
 * It keeps its content until the next operation of that process. NULL if @p endpoint is not bound.
 */
DVK_INLINE const struct dvk_message* dvk_message_of(const struct dvk_table* table, dvk_endpoint endpoint) {
  struct dvk_slot* slot;
  if (dvk_resolve(table, endpoint, &slot) || !dvk_is_bound(slot)) return NULL;
  return &slot->message;
}

/**
 * Which request of its source that message is: the number that dvk_reply() and dvk_relay() want. 0 if the source waits
 * for no answer (a plain message, a reply, a notification), or if @p endpoint is not bound.
 */
DVK_INLINE uint32_t dvk_exchange_of(const struct dvk_table* table, dvk_endpoint endpoint) {
  struct dvk_slot* slot;
  if (dvk_resolve(table, endpoint, &slot) || !dvk_is_bound(slot)) return 0;
  return slot->taken;
}

#endif
