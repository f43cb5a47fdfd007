/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Notifications: a message without waiting, for events.
 *
 * A notification is a level, not a queue: until a process has received the one from a source, further ones from the
 * same source are merged into it (their values are or-ed, the first timestamp stays). Only system processes receive
 * and send them. They are received before any message, the lowest source slot first, by receive() from anybody or from
 * that very source; never by receive_request(), and never instead of the reply of a sendrec.
 */
#ifndef DVS_DVK_NOTIFY_H
#define DVS_DVK_NOTIFY_H

#include <dvs/dvk/completion.h>
#include <dvs/dvk/privilege.h>

/** Writes a notification into the buffer of a process. Private. */
DVK_INLINE void dvk_write_notification(const struct dvk_table* table, struct dvk_slot* to, int32_t source,
                                       const struct dvk_notification* note) {
  __builtin_memset(&to->message, 0, sizeof to->message);
  to->message.source = source - (int32_t)table->limits.tasks;
  to->message.type = DVK_NOTIFICATION;
  to->taken = 0;
  __builtin_memcpy(to->message.payload, note, sizeof *note);
  ++to->counters.notifications;
}

/** Forgets the notification pending at @p to from @p source, if there is one. Private. */
DVK_INLINE int dvk_clear_pending(const struct dvk_table* table, int32_t to, int32_t source) {
  uint64_t* word = dvk_pending_of(table, to) + source / 64;
  const uint64_t mask = UINT64_C(1) << (source % 64);
  if ((*word & mask) == 0) return 0;
  *word &= ~mask;
  --dvk_at(table, to)->pending;
  return 1;
}

/** The lowest source index that has a notification pending at a system process with any, see `pending`. Private. */
DVK_INLINE int32_t dvk_lowest_pending(const struct dvk_table* table, int32_t to) {
  const uint64_t* words = dvk_pending_of(table, to);
  int32_t i = 0;
  while (words[i] == 0) ++i;
  return i * 64 + __builtin_ctzll(words[i]);
}

/** Moves a pending notification from @p source (an index, or -1 for the lowest) into the buffer. Private. */
DVK_INLINE int dvk_take_notification(const struct dvk_table* table, struct dvk_slot* to, int32_t source) {
  const int32_t index = dvk_index_of(table, to);
  if (to->pending == 0) return 0;
  if (source < 0) source = dvk_lowest_pending(table, index);
  if (!dvk_is_system(table, source) || !dvk_clear_pending(table, index, source)) return 0;
  dvk_write_notification(table, to, source, dvk_note_of(table, index, source));
  return 1;
}

/** Finds and tests the destination of a notification in the name of slot @p source. Private. */
DVK_INLINE int dvk_notifiable(const struct dvk_table* table, int32_t source, dvk_endpoint destination,
                              struct dvk_slot** to) {
  int result;
  if (destination == DVK_HARDWARE) return DVK_E_bad_destination;
  result = dvk_resolve(table, destination, to);
  if (result != DVK_E_ok) return result;
  if (dvk_index_of(table, *to) == source) return DVK_E_bad_endpoint;
  if (!dvk_is_bound(*to)) return DVK_E_destination_died;
  if (!dvk_is_system(table, dvk_index_of(table, *to))) return DVK_E_trap_denied;
  return dvk_permits(table, dvk_index_of(table, *to), DVK_FROM, source) ? DVK_E_ok : DVK_E_trap_denied;
}

/** Delivers a notification, or leaves it pending. Private. */
DVK_INLINE int dvk_post(struct dvk_table* table, int32_t source, struct dvk_slot* to, uint64_t value,
                        uint64_t timestamp_ns) {
  const int32_t index = dvk_index_of(table, to);
  const dvk_endpoint name = source - (int32_t)table->limits.tasks;
  struct dvk_notification* pending = dvk_note_of(table, index, source);
  uint64_t* word = dvk_pending_of(table, index) + source / 64;
  const uint64_t mask = UINT64_C(1) << (source % 64);

  if (!dvk_is_held(to) && to->operation == DVK_CALL_receive && (to->peer == DVK_ANY || to->peer == name)) {
    struct dvk_notification note;
    note.timestamp_ns = timestamp_ns;
    note.value = value;
    dvk_delist(table, to);
    dvk_write_notification(table, to, source, &note);
    dvk_complete(table, to, DVK_E_ok);
    return DVK_E_ok;
  }
  if (*word & mask) {
    pending->value |= value;
    return DVK_E_overrun;
  }
  *word |= mask;
  pending->timestamp_ns = timestamp_ns;
  pending->value = value;
  ++to->pending;
  return DVK_E_ok;
}

/**
 * Notifies a system process. Never waits, and may be used while the caller itself waits.
 *
 * @param value bits that tell the receiver more; or-ed with those of notifications that it has not received yet
 * @param timestamp_ns the time now, by the driver's clock
 * @return 0; overrun (the former notification of the caller was still pending: the two are one now); not_bound,
 *         bad_call; bad_destination (#DVK_HARDWARE); range, bad_endpoint (stale, or the caller
 *         itself); destination_died; trap_denied (the caller or the destination is a user process, or they may not
 *         talk).
 */
DVK_INLINE int dvk_notify(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint destination, uint64_t value,
                          uint64_t timestamp_ns) {
  struct dvk_slot* to;
  const int32_t source = dvk_index_of_slot(table, dvk_slot_of(caller));
  int result = dvk_may_call_meanwhile(table, caller, DVK_CALL_notify);
  if (result != DVK_E_ok) return result;
  result = dvk_notifiable(table, source, destination, &to);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_system(table, source) || !dvk_permits(table, source, DVK_TO, dvk_index_of(table, to))) {
    return DVK_E_trap_denied;
  }
  return dvk_post(table, source, to, value, timestamp_ns);
}

/**
 * Notifies a system process in the name of a system slot: how the driver itself brings in interrupts (#DVK_HARDWARE),
 * alarms (#DVK_CLOCK) and signals (#DVK_SYSTEM).
 *
 * @param source any system slot of the table, bound or not, other than the destination
 * @return as dvk_notify(), without the errors of a caller; bad_endpoint also if the source is a user process.
 */
DVK_INLINE int dvk_inject(struct dvk_table* table, dvk_endpoint source, dvk_endpoint destination, uint64_t value,
                          uint64_t timestamp_ns) {
  struct dvk_slot* from;
  struct dvk_slot* to;
  int result = dvk_resolve(table, source, &from);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_system(table, dvk_index_of(table, from))) return DVK_E_bad_endpoint;
  result = dvk_notifiable(table, dvk_index_of(table, from), destination, &to);
  if (result != DVK_E_ok) return result;
  return dvk_post(table, dvk_index_of(table, from), to, value, timestamp_ns);
}

/**
 * dvk_inject() as a call of a process, which must be a system process (trap_denied) and have the call notify_as
 * (bad_call).
 */
DVK_INLINE int dvk_notify_as(struct dvk_table* table, dvk_endpoint caller, dvk_endpoint source,
                             dvk_endpoint destination, uint64_t value, uint64_t timestamp_ns) {
  const int result = dvk_may_call_meanwhile(table, caller, DVK_CALL_notify_as);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_system(table, dvk_index_of_slot(table, dvk_slot_of(caller)))) return DVK_E_trap_denied;
  return dvk_inject(table, source, destination, value, timestamp_ns);
}

#endif
