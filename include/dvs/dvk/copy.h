/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Copies: who may have memory copied without a grant, and the count of what was copied.
 */
#ifndef DVS_DVK_COPY_H
#define DVS_DVK_COPY_H

#include <dvs/dvk/rendezvous.h>

/** The two sides of a copy, with #DVK_SELF replaced. */
struct dvk_copy_parties {
  dvk_endpoint source;
  dvk_endpoint destination;
};

/** Tests one side of a vcopy. Private. */
DVK_INLINE int dvk_vcopy_party(const struct dvk_table* table, const struct dvk_slot* self, dvk_endpoint endpoint,
                               int died) {
  struct dvk_slot* party;
  int result;
  if (endpoint == DVK_HARDWARE) return DVK_E_bad_destination;
  if (endpoint == DVK_ANY || endpoint == DVK_NONE) return DVK_E_bad_endpoint;
  result = dvk_resolve(table, endpoint, &party);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_bound(party)) return died;
  if (party == self) return DVK_E_ok;
  if (!dvk_permits(table, dvk_index_of(table, self), DVK_TO, dvk_index_of(table, party))) return DVK_E_trap_denied;
  if (dvk_is_held(party)) return DVK_BLOCKED;
  return (party->state & (DVK_STATE_sending | DVK_STATE_receiving)) == DVK_STATE_receiving ? DVK_E_ok
                                                                                           : DVK_E_not_waiting;
}

/**
 * Tells whether a privileged process may have bytes copied between two processes without a grant. A party other than
 * the caller must be blocked in a receive or in the reply phase of a sendrec, so that its memory holds still; the
 * driver copies before it lets the table go on.
 *
 * @param source,destination endpoints; one of them may be #DVK_SELF or the caller
 * @return 0 and the parties; #DVK_BLOCKED (a party is held for a migration); not_bound, bad_call; trap_denied (the
 * caller is a user process or may not send to a party); bad_endpoint (both the same, #DVK_ANY, #DVK_NONE, or stale);
 * bad_destination
 *         (#DVK_HARDWARE); range (no such slot); source_died, destination_died; not_waiting (a party is not blocked).
 */
DVK_INLINE int dvk_vcopy_check(const struct dvk_table* table, dvk_endpoint caller, dvk_endpoint source,
                               dvk_endpoint destination, struct dvk_copy_parties* parties) {
  struct dvk_slot* self;
  int result = dvk_enter_meanwhile(table, caller, DVK_CALL_vcopy, NULL, &self);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_system(table, dvk_index_of(table, self))) return DVK_E_trap_denied;
  parties->source = source == DVK_SELF ? caller : source;
  parties->destination = destination == DVK_SELF ? caller : destination;
  if (parties->source == parties->destination) return DVK_E_bad_endpoint;
  result = dvk_vcopy_party(table, self, parties->source, DVK_E_source_died);
  if (result != DVK_E_ok) return result;
  return dvk_vcopy_party(table, self, parties->destination, DVK_E_destination_died);
}

/** Counts a copy of @p bytes that @p caller asked for and the driver has made. @return 0, or not_bound. */
DVK_INLINE int dvk_count_copy(struct dvk_table* table, dvk_endpoint caller, uint64_t bytes) {
  struct dvk_slot* slot;
  if (dvk_find_bound(table, caller, &slot) != DVK_E_ok) return DVK_E_not_bound;
  ++slot->counters.copies;
  slot->counters.bytes += bytes;
  return DVK_E_ok;
}

#endif
