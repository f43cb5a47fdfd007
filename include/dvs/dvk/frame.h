/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Frames: what one node says to another.
 *
 * A frame is a *command*, which asks the other node for something, its *completion*, of which there is exactly one, or
 * *news*, which nobody answers. wire.h turns them into bytes and back.
 */
#ifndef DVS_DVK_FRAME_H
#define DVS_DVK_FRAME_H

#include <dvs/dvk/grant.h>

enum dvk_wire_constant {
  DVK_WIRE_VERSION = 1,
  DVK_FRAME_HEADER_BYTES = 40,
  DVK_FRAGMENT_BYTES = 64 * 1024, /**< the most data that one frame carries */
  DVK_WIRE_PART_BYTES = 36,
  DVK_FRAME_BYTES_MAX = DVK_FRAME_HEADER_BYTES + DVK_WIRE_PART_BYTES + DVK_FRAGMENT_BYTES,
  DVK_FRAME_COMPLETES = 0x80 /**< marks the completion of a command */
};

/* clang-format off */
/** What frames say: X(name, number, what). */
#define DVK_FRAMES(X) \
  X(send,               0x01, "a message; completed when the destination has taken it") \
  X(request,            0x02, "a message whose sender waits for the answer, which is the completion") \
  X(notify,             0x03, "a notification; completed when it is pending or delivered") \
  X(cancel,             0x04, "ends another command of the same process, which is completed as cancelled") \
  X(copy_out,           0x05, "reads granted memory; the completion carries the bytes") \
  X(copy_in,            0x06, "writes granted memory") \
  X(copy_across,        0x07, "copies granted memory here into granted memory of a third process") \
  X(reply,              0x08, "a message for who waits in a receive for the caller; otherwise not_waiting") \
  X(control,            0x09, "tells a process to leave, or ends its wait") \
  X(try_send,           0x0A, "a message that the destination takes now or never; completed with would_block then") \
  X(inspect,            0x0B, "asks who has a request, and whether it was taken; no_entry if it is over") \
  X(waits_for,          0x0C, "asks for whom a process waits; no_entry if it goes on by itself") \
  X(lock,               0x0D, "ends a wait that closes a cycle, with locked; no_entry if it is over") \
  X(migrate,            0x0F, "asks a process to come to rest, or has it go on at another node, or here after all") \
  X(adopt,              0x10, "what a process would leave; completed when the node is ready to take it") \
  X(settle,             0x11, "what a process has left, which goes on at that node now; or the end of adopt") \
  X(heartbeat,          0x40, "news: the link is alive") \
  X(gone,               0x41, "news: the process was unbound") \
  X(bound,              0x42, "news: the process was bound") \
  X(join,               0x43, "news: the DC runs here now; the other node tells who is bound in it there") \
  X(listed,             0x44, "news: all who are bound in the DC have been told") \
  X(placed,             0x46, "news: the process, which has moved, is at this node") \
  X(send_done,          0x81, "completion of send") \
  X(answer,             0x82, "completion of request") \
  X(notify_done,        0x83, "completion of notify") \
  X(cancel_done,        0x84, "completion of cancel: no_entry if the command was completed before") \
  X(copy_out_done,      0x85, "completion of copy_out") \
  X(copy_in_done,       0x86, "completion of copy_in") \
  X(copy_across_done,   0x87, "completion of copy_across") \
  X(reply_done,         0x88, "completion of reply") \
  X(control_done,       0x89, "completion of control") \
  X(try_send_done,      0x8A, "completion of try_send") \
  X(inspect_done,       0x8B, "completion of inspect") \
  X(waits_for_done,     0x8C, "completion of waits_for") \
  X(lock_done,          0x8D, "completion of lock") \
  X(migrate_done,       0x8F, "completion of migrate") \
  X(adopt_done,         0x90, "completion of adopt") \
  X(settle_done,        0x91, "completion of settle; no_entry if the node knows nothing of it") \
  X(redirect,           0xC2, "completion of request: it was relayed; the caller asks there, with this message") \
  X(elsewhere,          0xC6, "completion of what is asked of a process: it has moved, nothing was done; ask there")
/* clang-format on */

enum dvk_frame_kind {
#define DVK_FRAME_ENUMERATOR(name, number, what) DVK_FRAME_##name = number,
  DVK_FRAMES(DVK_FRAME_ENUMERATOR)
#undef DVK_FRAME_ENUMERATOR
};

/** What a process is told by `control`. */
enum dvk_control {
  DVK_CONTROL_cancel = 1, /**< its wait, or its next one, ends with cancelled */
  DVK_CONTROL_leave = 2   /**< its calls end with shut_down from now on; completed when it is unbound */
};

/** What is done about the move of a process, by `migrate`. */
enum dvk_migration {
  DVK_MIGRATION_start = 1,    /**< it comes to rest; completed when it does, or when that is called off */
  DVK_MIGRATION_commit = 2,   /**< it goes on at another node; completed when that is decided */
  DVK_MIGRATION_rollback = 3, /**< it goes on where it is */
  DVK_MIGRATION_forget = 4    /**< settle: it does not come; what adopt said is void */
};

/**
 * A copy, and the fragment of it that a frame is about. All fragments of a copy name the whole, so that each is refused
 * if any of them would be.
 */
struct dvk_wire_part {
  dvk_grant_id grant; /**< #DVK_NO_GRANT: by address, which a system process may */
  uint64_t offset;    /**< of the whole copy in the granted memory; its address if there is no grant */
  uint64_t whole;     /**< bytes of the whole copy, not 0 */
  uint64_t at;        /**< of the fragment in the whole copy */
  uint32_t bytes;     /**< of the fragment, 1..#DVK_FRAGMENT_BYTES */
  uint32_t depth;     /**< how often the grant was passed on before it came here, at most #DVK_GRANT_DEPTH_MAX */
};

/** A frame, decoded. Only the members that its kind has are looked at, and set. */
struct dvk_frame {
  uint8_t kind; /**< a #dvk_frame_kind */
  uint16_t dc;  /**< 0 in a heartbeat */
  uint16_t from_node, to_node;
  dvk_endpoint from; /**< who asks, whom a completion comes from, who is bound or gone; otherwise 0 in news */
  dvk_endpoint to;   /**< who is asked, or who has asked; 0 in news */
  int32_t result;    /**< of a completion: 0 or an error of errors.h; 0 in the others */
  uint64_t clock;    /**< the logical time of `from_node` when it was sent, below 2^63 */
  uint64_t exchange; /**< names a command among those of `from_node`; its completion repeats it. 0 in news only */

  struct dvk_message message; /**< send, request, reply, try_send, redirect, and an answer with result 0; its source is
                                   `from` */
  uint64_t value; /**< notify: the value; cancel, inspect: the exchange meant; control: a #dvk_control; migrate: a
                     #dvk_migration but forget; settle: commit or forget; waits_for_done: tells two waits apart;
                     inspect_done: 1 if the request was taken, else 0; bound, placed: which owner of its slot this is,
                     of all that its node has had */
  char name[DVK_NAME_BYTES]; /**< bound, placed; ends with a zero and nothing but zeros behind it */
  struct dvk_wire_part part; /**< copy_out, copy_in; copy_across: the origin, whole */
  struct dvk_wire_part into; /**< copy_across: grant and offset of the destination */
  dvk_endpoint other;        /**< copy_across: who granted `into`; redirect: whom to ask; notify: in whose name;
                                   inspect_done: who has the request; waits_for:
                                   who waits for it; waits_for_done: whom it waits for */
  uint64_t began;            /**< waits_for_done: the logical time at which the wait began */
  uint32_t term;             /**< placed, elsewhere: how often the process has moved */
  uint16_t other_node;       /**< the node of `other`; migrate: where to commit; elsewhere: whom to ask; waits_for: 1 if
                                  `other` receives, 0 if it sends or asks; waits_for_done: the same of `from` */

  const uint8_t*
      data; /**< copy_in, adopt, settle, and a copy_out_done with result 0: within the bytes that were decoded */
  uint32_t data_bytes; /**< 1..#DVK_FRAGMENT_BYTES */
};

/** True if @p result is 0 or an error of the closed set. */
DVK_INLINE int dvk_is_result(int32_t result) {
  switch (result) {
#define DVK_WIRE_CASE(name, number, sentence) case number:
    DVK_ERRORS(DVK_WIRE_CASE)
#undef DVK_WIRE_CASE
    return 1;
    default:
      return 0;
  }
}

/** True if @p kind is one of #DVK_FRAMES. */
DVK_INLINE int dvk_is_frame_kind(uint32_t kind) {
  switch (kind) {
#define DVK_WIRE_CASE(name, number, what) case number:
    DVK_FRAMES(DVK_WIRE_CASE)
#undef DVK_WIRE_CASE
    return 1;
    default:
      return 0;
  }
}

/** True if the frame is a completion. */
DVK_INLINE int dvk_frame_completes(uint8_t kind) { return (kind & DVK_FRAME_COMPLETES) != 0; }

/** True if the frame is news, without exchange and completion. */
DVK_INLINE int dvk_frame_is_news(uint8_t kind) { return kind >= DVK_FRAME_heartbeat && kind < DVK_FRAME_COMPLETES; }

/** True if a frame of this kind and result carries data. */
DVK_INLINE int dvk_frame_has_data(uint8_t kind, int32_t result) {
  return kind == DVK_FRAME_copy_in || kind == DVK_FRAME_adopt || kind == DVK_FRAME_settle ||
         (kind == DVK_FRAME_copy_out_done && result == DVK_E_ok);
}

/** How many bytes stand between the header and the data of a frame of this kind and result. Private. */
DVK_INLINE uint32_t dvk_frame_fixed_bytes(uint8_t kind, int32_t result) {
  switch (kind) {
    case DVK_FRAME_send:
    case DVK_FRAME_request:
    case DVK_FRAME_reply:
    case DVK_FRAME_try_send:
      return 4 + DVK_PAYLOAD_BYTES;
    case DVK_FRAME_answer:
      return result == DVK_E_ok ? 4 + DVK_PAYLOAD_BYTES : 0;
    case DVK_FRAME_notify:
      return 8 + 4;
    case DVK_FRAME_cancel:
    case DVK_FRAME_control:
    case DVK_FRAME_inspect:
    case DVK_FRAME_lock:
    case DVK_FRAME_settle:
      return 8;
    case DVK_FRAME_migrate:
      return 8 + 2;
    case DVK_FRAME_placed:
      return 8 + DVK_NAME_BYTES + 4;
    case DVK_FRAME_elsewhere:
      return 2 + 4;
    case DVK_FRAME_inspect_done:
      return result == DVK_E_ok ? 8 + 4 : 0;
    case DVK_FRAME_waits_for:
      return 4 + 2;
    case DVK_FRAME_waits_for_done:
      return result == DVK_E_ok ? 8 + 4 + 2 + 8 : 0;
    case DVK_FRAME_bound:
      return 8 + DVK_NAME_BYTES;
    case DVK_FRAME_copy_out:
    case DVK_FRAME_copy_in:
      return DVK_WIRE_PART_BYTES;
    case DVK_FRAME_copy_across:
      return 24 + 12 + 6;
    case DVK_FRAME_redirect:
      return 4 + DVK_PAYLOAD_BYTES + 6;
    default:
      return 0;
  }
}

/** How many bytes the frame takes when it is encoded, at most #DVK_FRAME_BYTES_MAX if it is valid. */
DVK_INLINE size_t dvk_frame_bytes(const struct dvk_frame* frame) {
  const size_t data = dvk_frame_has_data(frame->kind, frame->result) ? frame->data_bytes : 0;
  return DVK_FRAME_HEADER_BYTES + (size_t)dvk_frame_fixed_bytes(frame->kind, frame->result) + data;
}

/** Tests the ends of a name: it fits, and there is nothing behind it. Private. */
DVK_INLINE int dvk_wire_check_name(const char* name) {
  int i, ended = 0;
  for (i = 0; i < DVK_NAME_BYTES; ++i) {
    if (ended && name[i] != 0) return DVK_E_bad_argument;
    ended |= name[i] == 0;
  }
  return ended ? (int)DVK_E_ok : DVK_E_bad_argument;
}

/** Tests that a fragment lies in its copy. Private. */
DVK_INLINE int dvk_wire_check_part(const struct dvk_wire_part* part) {
  if (part->bytes == 0 || part->bytes > DVK_FRAGMENT_BYTES || part->bytes > part->whole) return DVK_E_range;
  if (part->depth > DVK_GRANT_DEPTH_MAX) return DVK_E_range;
  return part->at > part->whole - part->bytes ? DVK_E_range : DVK_E_ok;
}

/** Tests who news is about: `from` and `to` are 0 where nobody is meant. Private. */
DVK_INLINE int dvk_wire_check_news(const struct dvk_frame* frame) {
  const int is_bound = frame->kind == DVK_FRAME_bound || frame->kind == DVK_FRAME_placed;
  const int names_from = frame->kind == DVK_FRAME_gone || is_bound;
  if (frame->to != 0 || (frame->from != 0 && !names_from)) return DVK_E_bad_argument;
  if (is_bound) return dvk_wire_check_name(frame->name);
  return frame->kind == DVK_FRAME_heartbeat && frame->dc != 0 ? DVK_E_bad_argument : DVK_E_ok;
}

/** Tests the content of a frame: DVK_E_bad_argument (a value that its kind does not have), DVK_E_range (a count). */
DVK_INLINE int dvk_frame_check(const struct dvk_frame* frame) {
  const int completes = dvk_frame_completes(frame->kind);
  if (!dvk_is_frame_kind(frame->kind)) return DVK_E_bad_argument;
  if (frame->clock >> 63 != 0) return DVK_E_range;
  if (completes ? !dvk_is_result(frame->result) : frame->result != 0) return DVK_E_bad_argument;
  if (dvk_frame_is_news(frame->kind) != (frame->exchange == 0)) return DVK_E_bad_argument;
  if (dvk_frame_has_data(frame->kind, frame->result) &&
      (frame->data_bytes == 0 || frame->data_bytes > DVK_FRAGMENT_BYTES))
    return DVK_E_range;
  if (dvk_frame_is_news(frame->kind)) return dvk_wire_check_news(frame);
  switch (frame->kind) {
    case DVK_FRAME_send:
    case DVK_FRAME_request:
    case DVK_FRAME_reply:
    case DVK_FRAME_try_send:
      return dvk_is_notification(&frame->message) ? DVK_E_bad_argument : DVK_E_ok;
    case DVK_FRAME_answer:
      return frame->result == DVK_E_ok && dvk_is_notification(&frame->message) ? DVK_E_bad_argument : DVK_E_ok;
    case DVK_FRAME_cancel:
    case DVK_FRAME_inspect:
      return frame->value == 0 ? DVK_E_bad_argument : DVK_E_ok;
    case DVK_FRAME_control:
      return frame->value == DVK_CONTROL_cancel || frame->value == DVK_CONTROL_leave ? DVK_E_ok : DVK_E_bad_argument;
    case DVK_FRAME_migrate:
      return frame->value >= DVK_MIGRATION_start && frame->value <= DVK_MIGRATION_rollback ? DVK_E_ok
                                                                                           : DVK_E_bad_argument;
    case DVK_FRAME_settle:
      return frame->value == DVK_MIGRATION_commit || frame->value == DVK_MIGRATION_forget ? DVK_E_ok
                                                                                          : DVK_E_bad_argument;
    case DVK_FRAME_elsewhere:
      return frame->result == DVK_E_ok ? DVK_E_ok : DVK_E_bad_argument;
    case DVK_FRAME_copy_out:
      return dvk_wire_check_part(&frame->part);
    case DVK_FRAME_copy_in:
      return frame->part.bytes != frame->data_bytes ? DVK_E_range : dvk_wire_check_part(&frame->part);
    case DVK_FRAME_copy_across:
      return frame->part.whole == 0 || frame->part.depth > DVK_GRANT_DEPTH_MAX ? DVK_E_range : DVK_E_ok;
    case DVK_FRAME_inspect_done:
      return frame->result == DVK_E_ok && frame->value > 1 ? DVK_E_bad_argument : DVK_E_ok;
    case DVK_FRAME_waits_for:
    case DVK_FRAME_waits_for_done:
      return frame->result == DVK_E_ok && frame->other_node > 1 ? DVK_E_bad_argument : DVK_E_ok;
    case DVK_FRAME_redirect:
      return frame->result != DVK_E_ok || dvk_is_notification(&frame->message) ? DVK_E_bad_argument : DVK_E_ok;
    default:
      return DVK_E_ok;
  }
}

#endif
