/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Frames as bytes (docs/wire_format.md).
 *
 * dvk_frame_encode() and dvk_frame_decode() translate. Every frame has one encoding: whatever decodes encodes to the
 * same bytes again. Any bytes may be decoded; nothing is read behind them.
 */
#ifndef DVS_DVK_WIRE_H
#define DVS_DVK_WIRE_H

#include <dvs/dvk/frame.h>

/** A place in bytes. Private. */
struct dvk_wire_writer {
  uint8_t* at;
};
struct dvk_wire_reader {
  const uint8_t* at;
};

DVK_INLINE void dvk_wire_put(struct dvk_wire_writer* into, uint64_t value, uint32_t bytes) {
  uint32_t i;
  for (i = 0; i < bytes; ++i) *into->at++ = (uint8_t)(value >> (8 * i));
}

DVK_INLINE uint64_t dvk_wire_get(struct dvk_wire_reader* from, uint32_t bytes) {
  uint64_t value = 0;
  uint32_t i;
  for (i = 0; i < bytes; ++i) value |= (uint64_t)*from->at++ << (8 * i);
  return value;
}

DVK_INLINE int32_t dvk_wire_get_signed(struct dvk_wire_reader* from) {
  return (int32_t)(uint32_t)dvk_wire_get(from, 4);
}

/** Writes a message without its source. Private. */
DVK_INLINE void dvk_wire_put_message(struct dvk_wire_writer* into, const struct dvk_message* message) {
  uint32_t i;
  dvk_wire_put(into, (uint32_t)message->type, 4);
  for (i = 0; i < DVK_PAYLOAD_BYTES; ++i) *into->at++ = message->payload[i];
}

/** Reads a message without its source. Private. */
DVK_INLINE void dvk_wire_get_message(struct dvk_wire_reader* from, struct dvk_message* message) {
  uint32_t i;
  message->type = dvk_wire_get_signed(from);
  for (i = 0; i < DVK_PAYLOAD_BYTES; ++i) message->payload[i] = *from->at++;
}

/** Writes a copy, or a fragment of one. Private. */
DVK_INLINE void dvk_wire_put_part(struct dvk_wire_writer* into, const struct dvk_wire_part* part, int is_fragment) {
  dvk_wire_put(into, (uint32_t)part->grant, 4);
  dvk_wire_put(into, part->depth, 4);
  dvk_wire_put(into, part->offset, 8);
  dvk_wire_put(into, part->whole, 8);
  if (!is_fragment) return;
  dvk_wire_put(into, part->at, 8);
  dvk_wire_put(into, part->bytes, 4);
}

/** Reads a copy, or a fragment of one. Private. */
DVK_INLINE void dvk_wire_get_part(struct dvk_wire_reader* from, struct dvk_wire_part* part, int is_fragment) {
  part->grant = dvk_wire_get_signed(from);
  part->depth = (uint32_t)dvk_wire_get(from, 4);
  part->offset = dvk_wire_get(from, 8);
  part->whole = dvk_wire_get(from, 8);
  if (!is_fragment) return;
  part->at = dvk_wire_get(from, 8);
  part->bytes = (uint32_t)dvk_wire_get(from, 4);
}

/** Writes the part of a frame behind its header and before its data. Private. */
DVK_INLINE void dvk_frame_put_body(struct dvk_wire_writer* into, const struct dvk_frame* frame) {
  uint32_t i;
  switch (frame->kind) {
    case DVK_FRAME_answer:
      if (frame->result == DVK_E_ok) dvk_wire_put_message(into, &frame->message);
      break;
    case DVK_FRAME_send:
    case DVK_FRAME_request:
    case DVK_FRAME_reply:
    case DVK_FRAME_try_send:
      dvk_wire_put_message(into, &frame->message);
      break;
    case DVK_FRAME_inspect_done:
      if (frame->result != DVK_E_ok) break;
      /* fallthrough */
    case DVK_FRAME_notify:
      dvk_wire_put(into, frame->value, 8);
      dvk_wire_put(into, (uint32_t)frame->other, 4);
      break;
    case DVK_FRAME_cancel:
    case DVK_FRAME_control:
    case DVK_FRAME_inspect:
    case DVK_FRAME_lock:
    case DVK_FRAME_settle:
      dvk_wire_put(into, frame->value, 8);
      break;
    case DVK_FRAME_migrate:
      dvk_wire_put(into, frame->value, 8);
      dvk_wire_put(into, frame->other_node, 2);
      break;
    case DVK_FRAME_elsewhere:
      dvk_wire_put(into, frame->other_node, 2);
      dvk_wire_put(into, frame->term, 4);
      break;
    case DVK_FRAME_waits_for:
      dvk_wire_put(into, (uint32_t)frame->other, 4);
      dvk_wire_put(into, frame->other_node, 2);
      break;
    case DVK_FRAME_waits_for_done:
      if (frame->result != DVK_E_ok) break;
      dvk_wire_put(into, frame->value, 8);
      dvk_wire_put(into, (uint32_t)frame->other, 4);
      dvk_wire_put(into, frame->other_node, 2);
      dvk_wire_put(into, frame->began, 8);
      break;
    case DVK_FRAME_bound:
    case DVK_FRAME_placed:
      dvk_wire_put(into, frame->value, 8);
      for (i = 0; i < DVK_NAME_BYTES; ++i) *into->at++ = (uint8_t)frame->name[i];
      if (frame->kind == DVK_FRAME_placed) dvk_wire_put(into, frame->term, 4);
      break;
    case DVK_FRAME_copy_out:
    case DVK_FRAME_copy_in:
      dvk_wire_put_part(into, &frame->part, 1);
      break;
    case DVK_FRAME_copy_across:
      dvk_wire_put_part(into, &frame->part, 0);
      dvk_wire_put(into, (uint32_t)frame->into.grant, 4);
      dvk_wire_put(into, frame->into.offset, 8);
      dvk_wire_put(into, (uint32_t)frame->other, 4);
      dvk_wire_put(into, frame->other_node, 2);
      break;
    case DVK_FRAME_redirect:
      dvk_wire_put_message(into, &frame->message);
      dvk_wire_put(into, (uint32_t)frame->other, 4);
      dvk_wire_put(into, frame->other_node, 2);
      break;
    default:
      break;
  }
}

/** The reverse of dvk_frame_put_body(). Private. */
DVK_INLINE void dvk_frame_get_body(struct dvk_wire_reader* from, struct dvk_frame* frame) {
  uint32_t i;
  frame->message.source = frame->from;
  switch (frame->kind) {
    case DVK_FRAME_answer:
      if (frame->result == DVK_E_ok) dvk_wire_get_message(from, &frame->message);
      break;
    case DVK_FRAME_send:
    case DVK_FRAME_request:
    case DVK_FRAME_reply:
    case DVK_FRAME_try_send:
      dvk_wire_get_message(from, &frame->message);
      break;
    case DVK_FRAME_inspect_done:
      if (frame->result != DVK_E_ok) break;
      /* fallthrough */
    case DVK_FRAME_notify:
      frame->value = dvk_wire_get(from, 8);
      frame->other = dvk_wire_get_signed(from);
      break;
    case DVK_FRAME_cancel:
    case DVK_FRAME_control:
    case DVK_FRAME_inspect:
    case DVK_FRAME_lock:
    case DVK_FRAME_settle:
      frame->value = dvk_wire_get(from, 8);
      break;
    case DVK_FRAME_migrate:
      frame->value = dvk_wire_get(from, 8);
      frame->other_node = (uint16_t)dvk_wire_get(from, 2);
      break;
    case DVK_FRAME_elsewhere:
      frame->other_node = (uint16_t)dvk_wire_get(from, 2);
      frame->term = (uint32_t)dvk_wire_get(from, 4);
      break;
    case DVK_FRAME_waits_for:
      frame->other = dvk_wire_get_signed(from);
      frame->other_node = (uint16_t)dvk_wire_get(from, 2);
      break;
    case DVK_FRAME_waits_for_done:
      if (frame->result != DVK_E_ok) break;
      frame->value = dvk_wire_get(from, 8);
      frame->other = dvk_wire_get_signed(from);
      frame->other_node = (uint16_t)dvk_wire_get(from, 2);
      frame->began = dvk_wire_get(from, 8);
      break;
    case DVK_FRAME_bound:
    case DVK_FRAME_placed:
      frame->value = dvk_wire_get(from, 8);
      for (i = 0; i < DVK_NAME_BYTES; ++i) frame->name[i] = (char)*from->at++;
      if (frame->kind == DVK_FRAME_placed) frame->term = (uint32_t)dvk_wire_get(from, 4);
      break;
    case DVK_FRAME_copy_out:
    case DVK_FRAME_copy_in:
      dvk_wire_get_part(from, &frame->part, 1);
      break;
    case DVK_FRAME_copy_across:
      dvk_wire_get_part(from, &frame->part, 0);
      frame->into.grant = dvk_wire_get_signed(from);
      frame->into.offset = dvk_wire_get(from, 8);
      frame->other = dvk_wire_get_signed(from);
      frame->other_node = (uint16_t)dvk_wire_get(from, 2);
      break;
    case DVK_FRAME_redirect:
      dvk_wire_get_message(from, &frame->message);
      frame->other = dvk_wire_get_signed(from);
      frame->other_node = (uint16_t)dvk_wire_get(from, 2);
      break;
    default:
      break;
  }
}

/**
 * Writes @p frame to @p bytes, which has room for @p room, and how many bytes that were to @p used.
 * Errors: those of dvk_frame_check(); DVK_E_too_big if there is no room.
 */
DVK_INLINE int dvk_frame_encode(const struct dvk_frame* frame, uint8_t* bytes, size_t room, size_t* used) {
  const int wrong = dvk_frame_check(frame);
  struct dvk_wire_writer into;
  if (wrong != DVK_E_ok) return wrong;
  if (dvk_frame_bytes(frame) > room) return DVK_E_too_big;
  *used = dvk_frame_bytes(frame);
  into.at = bytes;
  dvk_wire_put(&into, *used, 4);
  dvk_wire_put(&into, DVK_WIRE_VERSION, 1);
  dvk_wire_put(&into, frame->kind, 1);
  dvk_wire_put(&into, frame->dc, 2);
  dvk_wire_put(&into, frame->from_node, 2);
  dvk_wire_put(&into, frame->to_node, 2);
  dvk_wire_put(&into, (uint32_t)frame->from, 4);
  dvk_wire_put(&into, (uint32_t)frame->to, 4);
  dvk_wire_put(&into, (uint32_t)frame->result, 4);
  dvk_wire_put(&into, frame->exchange, 8);
  dvk_wire_put(&into, frame->clock, 8);
  dvk_frame_put_body(&into, frame);
  if (dvk_frame_has_data(frame->kind, frame->result)) __builtin_memcpy(into.at, frame->data, frame->data_bytes);
  return DVK_E_ok;
}

/**
 * Reads the frame that @p bytes begins with, and writes to @p used how many of the @p count bytes it took.
 * Errors: DVK_E_would_block: the frame is not complete yet; DVK_E_not_supported: another version; DVK_E_range: its
 * length, or a count in it, is not one that such a frame can have; DVK_E_bad_argument: any other value is not. After
 * an error other than would_block the bytes that follow mean nothing.
 */
DVK_INLINE int dvk_frame_decode(const uint8_t* bytes, size_t count, struct dvk_frame* frame, size_t* used) {
  struct dvk_wire_reader from;
  uint64_t length;
  size_t fixed;
  if (count < 4) return DVK_E_would_block;
  from.at = bytes;
  length = dvk_wire_get(&from, 4);
  if (length < DVK_FRAME_HEADER_BYTES || length > DVK_FRAME_BYTES_MAX) return DVK_E_range;
  if (count < length) return DVK_E_would_block;
  if (dvk_wire_get(&from, 1) != DVK_WIRE_VERSION) return DVK_E_not_supported;
  __builtin_memset(frame, 0, sizeof *frame);
  frame->kind = (uint8_t)dvk_wire_get(&from, 1);
  frame->dc = (uint16_t)dvk_wire_get(&from, 2);
  frame->from_node = (uint16_t)dvk_wire_get(&from, 2);
  frame->to_node = (uint16_t)dvk_wire_get(&from, 2);
  frame->from = dvk_wire_get_signed(&from);
  frame->to = dvk_wire_get_signed(&from);
  frame->result = dvk_wire_get_signed(&from);
  frame->exchange = dvk_wire_get(&from, 8);
  frame->clock = dvk_wire_get(&from, 8);
  if (!dvk_is_frame_kind(frame->kind)) return DVK_E_bad_argument;
  fixed = DVK_FRAME_HEADER_BYTES + (size_t)dvk_frame_fixed_bytes(frame->kind, frame->result);
  if (dvk_frame_has_data(frame->kind, frame->result) ? length <= fixed : length != fixed) return DVK_E_range;
  dvk_frame_get_body(&from, frame);
  if (length > fixed) {
    frame->data = from.at;
    frame->data_bytes = (uint32_t)(length - fixed);
  }
  *used = (size_t)length;
  return dvk_frame_check(frame);
}

#endif
