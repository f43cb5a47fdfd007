/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * The words of the DVK rules: endpoints, messages, calls and flags, the same in C and in C++.
 */
#ifndef DVS_DVK_TYPES_H
#define DVS_DVK_TYPES_H

#include <dvs/dvk/errors.h>
#include <stddef.h>
#include <stdint.h>

/** How the rules are defined in a header: one shared function in C++, a private copy per file in C. */
#ifdef __cplusplus
#define DVK_INLINE inline
#else
#define DVK_INLINE static inline
#endif

/**
 * The name of a process inside one DC: its slot and the generation of its owner (MINIX rule).
 *
 * `endpoint = generation * 2^20 + slot`. System slots (tasks and servers) always have generation 0, so that their
 * endpoint is their slot and can be written down; a user slot gets another generation at every bind, so that the
 * endpoint of a process that is gone never reaches the next owner of its slot.
 */
typedef int32_t dvk_endpoint;

enum dvk_endpoint_constant {
  DVK_GENERATION_SIZE = 1 << 20, /**< slots that one generation can name */
  DVK_GENERATION_MAX = 2047,     /**< the generation after it is 1 */
  DVK_TASKS_MAX = 1024,          /**< the lowest slot of any table is -1024 */
  DVK_SPECIALS = 8,              /**< top slots of a generation that no process may have */
  DVK_SLOTS_MAX = DVK_GENERATION_SIZE - DVK_SPECIALS,

  DVK_ANY = DVK_GENERATION_SIZE - DVK_TASKS_MAX - 1,   /**< as a source: whoever comes first; at bind: any user slot */
  DVK_NONE = DVK_GENERATION_SIZE - DVK_TASKS_MAX - 2,  /**< nobody */
  DVK_SELF = DVK_GENERATION_SIZE - DVK_TASKS_MAX - 3,  /**< the caller, in copies */
  DVK_USERS = DVK_GENERATION_SIZE - DVK_TASKS_MAX - 4, /**< every user process, in privileges */

  DVK_HARDWARE = -1, /**< source of interrupts; never bound, never a destination */
  DVK_SYSTEM = -2,   /**< the system task of node 0; see dvk_system_of() */
  DVK_CLOCK = -35,   /**< source of alarms, bound or not */
  DVK_EVENTS = -36,  /**< source of the news that a process was unbound; if the table has the slot */
  DVK_TASKS_MIN = 35 /**< every table has the slots down to #DVK_CLOCK */
};

/** The endpoint of the owner number @p generation (0..#DVK_GENERATION_MAX) of @p slot (see #dvk_endpoint). */
DVK_INLINE dvk_endpoint dvk_endpoint_make(int32_t generation, int32_t slot) {
  return (dvk_endpoint)((uint32_t)generation * DVK_GENERATION_SIZE + (uint32_t)slot);
}

/** The generation of @p endpoint; negative only if it is below every slot. Any value may be passed. */
DVK_INLINE int32_t dvk_generation_of(dvk_endpoint endpoint) {
  const int64_t shifted = (int64_t)endpoint + DVK_TASKS_MAX;
  return shifted < 0 ? -1 : (int32_t)(shifted / DVK_GENERATION_SIZE);
}

/** The slot of @p endpoint, `((endpoint + 1024) mod 2^20) - 1024`. Any value may be passed. */
DVK_INLINE int32_t dvk_slot_of(dvk_endpoint endpoint) {
  const uint32_t shifted = (uint32_t)endpoint + DVK_TASKS_MAX;
  return (int32_t)(shifted % DVK_GENERATION_SIZE) - DVK_TASKS_MAX;
}

/**
 * The system task of @p node: -2-node for the first 32 nodes, then below #DVK_EVENTS; #DVK_NONE if no slot is left
 * (nodes from 1020).
 */
DVK_INLINE dvk_endpoint dvk_system_of(uint32_t node) {
  if (node < 32) return DVK_SYSTEM - (int32_t)node;
  return node <= DVK_TASKS_MAX - 5 ? DVK_EVENTS - 1 - ((int32_t)node - 32) : (dvk_endpoint)DVK_NONE;
}

enum dvk_message_constant {
  DVK_PAYLOAD_BYTES = 56,
  DVK_REQUEST_MAX = 0xFFF,  /**< requests have types 1..0xFFF */
  DVK_NOTIFICATION = 0x1000 /**< the type of every notification, and of nothing else */
};

/** A message, 64 bytes. The rules write `source`; a process cannot choose it. */
struct dvk_message {
  dvk_endpoint source;                /**< the sender */
  int32_t type;                       /**< request, negated error or 0 of a reply, or #DVK_NOTIFICATION */
  uint8_t payload[DVK_PAYLOAD_BYTES]; /**< never looked at */
};

/** What the payload of a notification begins with; the rest is zero. */
struct dvk_notification {
  uint64_t timestamp_ns; /**< when the first of the merged notifications was made, as the driver told it */
  uint64_t value;        /**< the values of the merged notifications, or-ed */
};

/** True for a notification. A message with this type cannot be sent. */
DVK_INLINE int dvk_is_notification(const struct dvk_message* message) { return message->type == DVK_NOTIFICATION; }

/** Reads the payload of a notification. */
DVK_INLINE struct dvk_notification dvk_notification_of(const struct dvk_message* message) {
  struct dvk_notification notification;
  __builtin_memcpy(&notification, message->payload, sizeof notification);
  return notification;
}

/**
 * The calls of a process, as numbers; bit `1 << number` of a process's mask allows the call (numbers of M3-IPC, those
 * from 35 on are of dvs). The rules test the calls that they carry out; the driver tests the others with
 * dvk_may_call().
 */
enum dvk_call {
  DVK_CALL_none = 0,
  DVK_CALL_send = 2,
  DVK_CALL_receive = 3,
  DVK_CALL_notify = 4,
  DVK_CALL_sendrec = 5,
  DVK_CALL_receive_request = 6,
  DVK_CALL_reply = 7,
  DVK_CALL_bind = 9,    /**< bind another process */
  DVK_CALL_unbind = 10, /**< unbind another process; itself it always may */
  DVK_CALL_set_privileges = 12,
  DVK_CALL_vcopy = 13,
  DVK_CALL_relay = 16,
  DVK_CALL_wait_bind = 29,  /**< also waits for an unbind */
  DVK_CALL_migrate = 30,    /**< let a process move, and all that belongs to it */
  DVK_CALL_notify_as = 35,  /**< notify in the name of another system slot */
  DVK_CALL_magic_grant = 36 /**< grant the memory of another process */
};

/** What a process does; 0 means that it runs. Numbers of M3-IPC where it has them. */
enum dvk_state_bit {
  DVK_STATE_free = 1 << 0,         /**< nobody is bound to the slot */
  DVK_STATE_sending = 1 << 2,      /**< in send, or in the first phase of sendrec */
  DVK_STATE_receiving = 1 << 3,    /**< in receive, receive_request, or sendrec */
  DVK_STATE_completed = 1 << 4,    /**< completed, but the driver has not fetched the completion yet */
  DVK_STATE_wait_unbind = 1 << 17, /**< in wait_unbind */
  DVK_STATE_wait_bind = 1 << 18    /**< in wait_bind */
};

/** Whether a process is on its way to another node; see migrate.h. */
enum dvk_moving {
  DVK_MOVING_settled = 0, /**< no */
  DVK_MOVING_leaving = 1, /**< it is to be held as soon as it is at rest */
  DVK_MOVING_held = 2,    /**< nothing is delivered to it */
  DVK_MOVING_departed = 3 /**< held, and its estate was taken */
};

/** Flags of the operations. */
enum dvk_flag {
  DVK_NOWAIT = 1 /**< do not wait: would_block instead, and nothing is changed */
};

/**
 * The result of an operation whose caller has to wait: neither 0 nor an error. The driver parks the caller until a
 * completion for it arrives (dvk_next_completion()). Of a test, that the driver asks again when a migration has ended.
 */
enum dvk_result { DVK_BLOCKED = 1000 };

/** What a process is, as told to the tools; the rules do not depend on it. */
enum dvk_level {
  DVK_LEVEL_user = 0,
  DVK_LEVEL_server = 1,
  DVK_LEVEL_task = 2,
  DVK_LEVEL_system = 3,
  DVK_LEVEL_kernel = 4,
  DVK_LEVEL_proxy = 5
};

enum dvk_name_constant { DVK_NAME_BYTES = 16 /**< of a process, with the final zero */ };

#endif
