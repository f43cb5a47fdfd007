/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Estates as bytes (docs/wire_format.md): what a process that moves takes to its new node.
 *
 * Every estate has one encoding: whatever decodes encodes to the same bytes again. Any bytes may be decoded; nothing is
 * read behind them.
 */
#ifndef DVS_DVK_ESTATE_H
#define DVS_DVK_ESTATE_H

#include <dvs/dvk/migrate.h>
#include <dvs/dvk/wire.h>

enum dvk_estate_wire_constant {
  DVK_ESTATE_VERSION = 1,
  DVK_ESTATE_HEADER_BYTES = 92,
  DVK_ESTATE_NOTE_BYTES = 18,
  DVK_ESTATE_BYTES_MAX = DVK_FRAGMENT_BYTES /**< an estate travels in one frame */
};

/** How many bytes one bitmap of peers takes. Private. */
DVK_INLINE uint32_t dvk_estate_map_bytes(const struct dvk_estate* estate) {
  return (estate->system_processes + 1 + 7) / 8;
}

/** How many bytes the estate takes when it is encoded; for one that dvk_estate_check() accepts. */
DVK_INLINE size_t dvk_estate_bytes(const struct dvk_estate* estate) {
  return DVK_ESTATE_HEADER_BYTES + (size_t)2 * dvk_estate_map_bytes(estate) +
         (size_t)estate->notes * DVK_ESTATE_NOTE_BYTES;
}

/** The bits of the last byte of a bitmap that stand for somebody. Private. */
DVK_INLINE uint8_t dvk_estate_last_mask(const struct dvk_estate* estate) {
  return (uint8_t)(0xFF >> (7 - estate->system_processes % 8));
}

/** Writes a bitmap of peers; bits that stand for nobody are 0. Private. */
DVK_INLINE void dvk_estate_put_map(struct dvk_wire_writer* into, const struct dvk_estate* estate, const uint64_t* map) {
  const uint32_t bytes = dvk_estate_map_bytes(estate);
  uint32_t i;
  for (i = 0; i < bytes; ++i) dvk_wire_put(into, map[i / 8] >> (i % 8 * 8) & 0xFF, 1);
  into->at[-1] &= dvk_estate_last_mask(estate);
}

/** Reads a bitmap of peers. Private. @return 1 if no bit stands for nobody. */
DVK_INLINE int dvk_estate_get_map(struct dvk_wire_reader* from, const struct dvk_estate* estate, uint64_t* map) {
  const uint32_t bytes = dvk_estate_map_bytes(estate);
  uint32_t i;
  for (i = 0; i < bytes; ++i) map[i / 8] |= dvk_wire_get(from, 1) << (i % 8 * 8);
  return (from->at[-1] & ~(uint32_t)dvk_estate_last_mask(estate)) == 0;
}

/**
 * Writes @p estate to @p bytes, which has room for @p room, and how many bytes that were to @p used.
 * Errors: those of dvk_estate_check(); DVK_E_bad_argument (its name); DVK_E_too_big if there is no room, or the estate
 * is longer than #DVK_ESTATE_BYTES_MAX: then it cannot travel.
 */
DVK_INLINE int dvk_estate_encode(const struct dvk_estate* estate, uint8_t* bytes, size_t room, size_t* used) {
  struct dvk_wire_writer into;
  uint32_t i;
  int wrong = dvk_estate_check(estate);
  if (wrong == DVK_E_ok) wrong = dvk_wire_check_name(estate->name);
  if (wrong != DVK_E_ok) return wrong;
  if (dvk_estate_bytes(estate) > room || dvk_estate_bytes(estate) > DVK_ESTATE_BYTES_MAX) return DVK_E_too_big;
  *used = dvk_estate_bytes(estate);
  into.at = bytes;
  dvk_wire_put(&into, *used, 4);
  dvk_wire_put(&into, DVK_ESTATE_VERSION, 1);
  dvk_wire_put(&into, (uint32_t)estate->privileges.level, 1);
  dvk_wire_put(&into, estate->notes, 2);
  dvk_wire_put(&into, (uint32_t)estate->endpoint, 4);
  dvk_wire_put(&into, estate->term, 4);
  dvk_wire_put(&into, estate->exchange, 4);
  dvk_wire_put(&into, (uint32_t)estate->privileges.warn, 4);
  dvk_wire_put(&into, estate->privileges.calls, 8);
  dvk_wire_put(&into, estate->counters.sent, 8);
  dvk_wire_put(&into, estate->counters.received, 8);
  dvk_wire_put(&into, estate->counters.notifications, 8);
  dvk_wire_put(&into, estate->counters.copies, 8);
  dvk_wire_put(&into, estate->counters.bytes, 8);
  for (i = 0; i < DVK_NAME_BYTES; ++i) *into.at++ = (uint8_t)estate->name[i];
  dvk_wire_put(&into, estate->tasks, 2);
  dvk_wire_put(&into, estate->system_processes, 2);
  dvk_estate_put_map(&into, estate, estate->peers[DVK_TO]);
  dvk_estate_put_map(&into, estate, estate->peers[DVK_FROM]);
  for (i = 0; i < estate->notes; ++i) {
    dvk_wire_put(&into, (uint32_t)(estate->pending[i].source + (int32_t)estate->tasks), 2);
    dvk_wire_put(&into, estate->pending[i].notification.timestamp_ns, 8);
    dvk_wire_put(&into, estate->pending[i].notification.value, 8);
  }
  return DVK_E_ok;
}

/** Reads what stands before the bitmaps. Private. */
DVK_INLINE void dvk_estate_get_header(struct dvk_wire_reader* from, struct dvk_estate* estate) {
  uint32_t i;
  estate->privileges.level = (int32_t)dvk_wire_get(from, 1);
  estate->notes = (uint32_t)dvk_wire_get(from, 2);
  estate->endpoint = dvk_wire_get_signed(from);
  estate->term = (uint32_t)dvk_wire_get(from, 4);
  estate->exchange = (uint32_t)dvk_wire_get(from, 4);
  estate->privileges.warn = dvk_wire_get_signed(from);
  estate->privileges.calls = dvk_wire_get(from, 8);
  estate->counters.sent = dvk_wire_get(from, 8);
  estate->counters.received = dvk_wire_get(from, 8);
  estate->counters.notifications = dvk_wire_get(from, 8);
  estate->counters.copies = dvk_wire_get(from, 8);
  estate->counters.bytes = dvk_wire_get(from, 8);
  for (i = 0; i < DVK_NAME_BYTES; ++i) estate->name[i] = (char)*from->at++;
  estate->tasks = (uint32_t)dvk_wire_get(from, 2);
  estate->system_processes = (uint32_t)dvk_wire_get(from, 2);
}

/**
 * Reads the estate that the @p count bytes at @p bytes are.
 * Errors: DVK_E_range: its length, or a count in it, is not one that such an estate can have; DVK_E_not_supported:
 * another version; DVK_E_bad_argument: any other value is not. After an error the estate means nothing.
 */
DVK_INLINE int dvk_estate_decode(const uint8_t* bytes, size_t count, struct dvk_estate* estate) {
  struct dvk_wire_reader from;
  uint32_t i;
  if (count < DVK_ESTATE_HEADER_BYTES || count > DVK_ESTATE_BYTES_MAX) return DVK_E_range;
  from.at = bytes;
  if (dvk_wire_get(&from, 4) != count) return DVK_E_range;
  if (dvk_wire_get(&from, 1) != DVK_ESTATE_VERSION) return DVK_E_not_supported;
  __builtin_memset(estate, 0, sizeof *estate);
  dvk_estate_get_header(&from, estate);
  if (estate->system_processes > DVK_SYSTEM_MAX || dvk_estate_bytes(estate) != count) return DVK_E_range;
  if (dvk_wire_check_name(estate->name) != DVK_E_ok) return DVK_E_bad_argument;
  if (!dvk_estate_get_map(&from, estate, estate->peers[DVK_TO])) return DVK_E_bad_argument;
  if (!dvk_estate_get_map(&from, estate, estate->peers[DVK_FROM])) return DVK_E_bad_argument;
  if (estate->notes > estate->system_processes) return DVK_E_range;
  for (i = 0; i < estate->notes; ++i) {
    estate->pending[i].source = (dvk_endpoint)dvk_wire_get(&from, 2) - (dvk_endpoint)estate->tasks;
    estate->pending[i].notification.timestamp_ns = dvk_wire_get(&from, 8);
    estate->pending[i].notification.value = dvk_wire_get(&from, 8);
  }
  return dvk_estate_check(estate);
}

#endif
