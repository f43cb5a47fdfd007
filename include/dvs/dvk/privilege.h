/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Privileges: which calls a process may make, whom it may send to, and from whom it may hear.
 *
 * They are tested when a call is made, in both directions: a message goes from A to B only if A may send `to` B and B
 * may hear `from` A. Each system process has a bit of its own; all user processes share one. A process starts with
 * the defaults at every bind: system processes may make every call, user processes may call sendrec and wait_bind (and
 * use grants, which need no privilege); both may talk to everybody.
 *
 * Who may change privileges is for the driver to say: see dvk_may_call().
 */
#ifndef DVS_DVK_PRIVILEGE_H
#define DVS_DVK_PRIVILEGE_H

#include <dvs/dvk/table.h>

/** The directions of a conversation. */
enum dvk_direction { DVK_TO = 0, DVK_FROM = 1 };

/** The privileges of a process that are single values. */
struct dvk_privileges {
  uint64_t calls;    /**< bit per #dvk_call */
  int32_t level;     /**< a #dvk_level */
  dvk_endpoint warn; /**< the system process that the driver tells when this one ends, or #DVK_NONE */
};

/** Every call. */
DVK_INLINE uint64_t dvk_all_calls(void) { return ~UINT64_C(0); }

/** The calls of a user process that was given no others. */
DVK_INLINE uint64_t dvk_user_calls(void) { return UINT64_C(1) << DVK_CALL_sendrec | UINT64_C(1) << DVK_CALL_wait_bind; }

/** The privilege bitmap of a slot in one direction. Private. */
DVK_INLINE uint64_t* dvk_peers_of(const struct dvk_table* table, int32_t index, enum dvk_direction direction) {
  return (uint64_t*)dvk_place(table, table->privileges_at) +
         ((size_t)index * 2 + (size_t)direction) * table->privilege_words;
}

/** The bit that stands for the slot @p index: its own for a system process, else the one of all user processes. */
DVK_INLINE uint32_t dvk_peer_bit(const struct dvk_table* table, int32_t index) {
  return dvk_is_system(table, index) ? (uint32_t)index : table->limits.system_processes;
}

/** True if slot @p index may send to (or hear from) slot @p peer. Private. */
DVK_INLINE int dvk_permits(const struct dvk_table* table, int32_t index, enum dvk_direction direction, int32_t peer) {
  const uint32_t bit = dvk_peer_bit(table, peer);
  return (int)(dvk_peers_of(table, index, direction)[bit / 64] >> (bit % 64) & 1);
}

/** True if a message may go from slot @p from to slot @p to. Private. */
DVK_INLINE int dvk_may_pass(const struct dvk_table* table, const struct dvk_slot* from, const struct dvk_slot* to) {
  const int32_t source = dvk_index_of(table, from);
  const int32_t destination = dvk_index_of(table, to);
  return dvk_permits(table, source, DVK_TO, destination) && dvk_permits(table, destination, DVK_FROM, source);
}

/** Gives a slot the privileges that it has after bind. Private. */
DVK_INLINE void dvk_default_privileges(const struct dvk_table* table, struct dvk_slot* slot) {
  const int32_t index = dvk_index_of(table, slot);
  slot->calls = dvk_is_system(table, index) ? dvk_all_calls() : dvk_user_calls();
  slot->warn = DVK_NONE;
  slot->level = DVK_LEVEL_user;
  if ((uint32_t)index < table->limits.tasks) {
    slot->level = DVK_LEVEL_task;
  } else if (dvk_is_system(table, index)) {
    slot->level = DVK_LEVEL_server;
  }
  __builtin_memset(dvk_peers_of(table, index, DVK_TO), 0xFF, 2 * sizeof(uint64_t) * table->privilege_words);
}

/** Finds a bound process: 0, range, bad_endpoint (stale), or bad_process (nobody is bound there). */
DVK_INLINE int dvk_find_bound(const struct dvk_table* table, dvk_endpoint endpoint, struct dvk_slot** slot) {
  const int result = dvk_resolve(table, endpoint, slot);
  if (result != DVK_E_ok) return result;
  return dvk_is_bound(*slot) ? DVK_E_ok : DVK_E_bad_process;
}

/**
 * Tells whether @p caller may make @p call, also while it waits in another one: so are the calls tested that never wait
 * and change nothing of the caller (notify, reply, relay, copies).
 * @return 0; not_bound; bad_call (not in its mask).
 */
DVK_INLINE int dvk_may_call_meanwhile(const struct dvk_table* table, dvk_endpoint caller, enum dvk_call call) {
  struct dvk_slot* slot;
  if (dvk_find_bound(table, caller, &slot) != DVK_E_ok) return DVK_E_not_bound;
  return (unsigned)call < 64 && (slot->calls >> (unsigned)call & 1) ? DVK_E_ok : DVK_E_bad_call;
}

/**
 * Tells whether @p caller may make @p call now. For calls that the driver carries out itself (bind, unbind,
 * set_privileges); the operations of this library test their own.
 * @return 0; not_bound; process_running (the caller waits in another call); bad_call (not in its mask).
 */
DVK_INLINE int dvk_may_call(const struct dvk_table* table, dvk_endpoint caller, enum dvk_call call) {
  struct dvk_slot* slot;
  if (dvk_find_bound(table, caller, &slot) != DVK_E_ok) return DVK_E_not_bound;
  return slot->state != 0 ? (int)DVK_E_process_running : dvk_may_call_meanwhile(table, caller, call);
}

/** Reads the privileges of a process. @return 0, range, bad_endpoint, bad_process. */
DVK_INLINE int dvk_get_privileges(const struct dvk_table* table, dvk_endpoint endpoint,
                                  struct dvk_privileges* privileges) {
  struct dvk_slot* slot;
  const int result = dvk_find_bound(table, endpoint, &slot);
  if (result != DVK_E_ok) return result;
  privileges->calls = slot->calls;
  privileges->level = slot->level;
  privileges->warn = slot->warn;
  return DVK_E_ok;
}

/** Finds a process whose privileges may be changed: not while they are on their way to another node. Private. */
DVK_INLINE int dvk_find_changeable(const struct dvk_table* table, dvk_endpoint endpoint, struct dvk_slot** slot) {
  const int result = dvk_find_bound(table, endpoint, slot);
  return result == DVK_E_ok && (*slot)->moving == DVK_MOVING_departed ? (int)DVK_E_busy : result;
}

/**
 * Changes the privileges of a process, from its next call on.
 * @return 0; range, bad_endpoint, bad_process (of the process, or of `warn`: #DVK_NONE or a system slot of the table);
 *         busy (its estate was taken, see migrate.h); bad_value (no such level). After an error nothing has changed.
 */
DVK_INLINE int dvk_set_privileges(struct dvk_table* table, dvk_endpoint endpoint,
                                  const struct dvk_privileges* privileges) {
  struct dvk_slot* slot;
  const int result = dvk_find_changeable(table, endpoint, &slot);
  if (result != DVK_E_ok) return result;
  if (privileges->level < DVK_LEVEL_user || privileges->level > DVK_LEVEL_proxy) return DVK_E_bad_value;
  if (privileges->warn != DVK_NONE) {
    struct dvk_slot* warned;
    const int found = dvk_resolve(table, privileges->warn, &warned);
    if (found != DVK_E_ok) return found;
    if (!dvk_is_system(table, dvk_index_of(table, warned))) return DVK_E_bad_process;
  }
  slot->calls = privileges->calls;
  slot->level = privileges->level;
  slot->warn = privileges->warn;
  return DVK_E_ok;
}

/** Finds the bits that @p peers stands for: [*first, *end). Private. */
DVK_INLINE int dvk_peer_bits(const struct dvk_table* table, dvk_endpoint peers, uint32_t* first, uint32_t* end) {
  const uint32_t users = table->limits.system_processes;
  *first = peers == DVK_ANY ? 0 : users;
  *end = users + 1;
  if (peers != DVK_ANY && peers != DVK_USERS) {
    struct dvk_slot* slot;
    const int result = dvk_resolve(table, peers, &slot);
    if (result != DVK_E_ok) return result;
    *first = dvk_peer_bit(table, dvk_index_of(table, slot));
    *end = *first + 1;
    if (*first == users) return DVK_E_bad_endpoint;
  }
  return DVK_E_ok;
}

/**
 * Allows or forbids a process to send to (#DVK_TO) or hear from (#DVK_FROM) peers.
 *
 * Messages that wait already are not touched; a process that may hear from somebody but may not send to it can be
 * sent to and can never answer.
 * @param peers a system slot (bound or not), #DVK_USERS (all user processes) or #DVK_ANY (everybody)
 * @return 0; range, bad_endpoint, bad_process; busy (its estate was taken, see migrate.h); bad_endpoint also if
 *         @p peers is a single user process.
 */
DVK_INLINE int dvk_set_peers(struct dvk_table* table, dvk_endpoint endpoint, enum dvk_direction direction,
                             dvk_endpoint peers, int allowed) {
  struct dvk_slot* slot;
  uint64_t* bitmap;
  uint32_t bit, end;
  int result = dvk_find_changeable(table, endpoint, &slot);
  if (result != DVK_E_ok) return result;
  result = dvk_peer_bits(table, peers, &bit, &end);
  if (result != DVK_E_ok) return result;
  bitmap = dvk_peers_of(table, dvk_index_of(table, slot), direction == DVK_TO ? DVK_TO : DVK_FROM);
  for (; bit < end; ++bit) {
    const uint64_t mask = UINT64_C(1) << (bit % 64);
    bitmap[bit / 64] = allowed ? bitmap[bit / 64] | mask : bitmap[bit / 64] & ~mask;
  }
  return DVK_E_ok;
}

/**
 * Tells whether a process may send to (#DVK_TO) or hear from (#DVK_FROM) @p peers: all of them.
 * @return 0 and @p allowed, or an error of dvk_set_peers().
 */
DVK_INLINE int dvk_get_peers(const struct dvk_table* table, dvk_endpoint endpoint, enum dvk_direction direction,
                             dvk_endpoint peers, int* allowed) {
  struct dvk_slot* slot;
  const uint64_t* bitmap;
  uint32_t bit, end;
  int result = dvk_find_bound(table, endpoint, &slot);
  if (result != DVK_E_ok) return result;
  result = dvk_peer_bits(table, peers, &bit, &end);
  if (result != DVK_E_ok) return result;
  bitmap = dvk_peers_of(table, dvk_index_of(table, slot), direction == DVK_TO ? DVK_TO : DVK_FROM);
  *allowed = 1;
  for (; bit < end; ++bit) *allowed &= (int)(bitmap[bit / 64] >> (bit % 64) & 1);
  return DVK_E_ok;
}

#endif
