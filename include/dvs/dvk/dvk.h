/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * The DVK rules: what happens when the processes of one DC talk to each other. Include this.
 *
 * The rules are functions on a table (table.h). They never wait, allocate, lock, read a clock or touch the memory of a
 * process; a *driver* (a broker, a kernel module, a simulator) gives them the table's memory and lets one thread at a
 * time call them. A driver is this loop:
 *
 * ```c
 * int result = dvk_sendrec(table, caller, server, &message, 0);
 * struct dvk_completion done;
 * while (dvk_next_completion(table, &done)) wake(done.owner, done.result);
 * if (result == DVK_BLOCKED) park(caller);   // until a completion names it; dvk_cancel() when its time is over
 * ```
 *
 * Who gets 0 from a receive or sendrec, at once or by a completion, finds the message in dvk_message_of(). If it is a
 * request, dvk_exchange_of() numbers it; the number goes into dvk_reply(), so that an answer that comes too late cannot
 * be taken for the answer to the next request of the same process.
 *
 * - errors.h: the closed set of errors
 * - types.h: endpoints, messages, calls, flags
 * - table.h: limits and layout of a table; init.h makes one: dvk_table_bytes(), dvk_table_init()
 * - completion.h: dvk_next_completion()
 * - bind.h: dvk_bind(), dvk_unbind(), dvk_wait_bind(), dvk_wait_unbind(), dvk_endpoint_of_owner()
 * - rendezvous.h: dvk_send(), dvk_receive(), dvk_receive_request(), dvk_sendrec(), dvk_reply(), dvk_relay(),
 *   dvk_cancel()
 * - migrate.h: dvk_migrate_start(), dvk_migrate_leave(), dvk_migrate_commit(), dvk_migrate_rollback(),
 *   dvk_migrate_check(), dvk_migrate_adopt(), dvk_migrate_place(); dvk_stand_by(), dvk_stand_down(), dvk_promote()
 * - estate.h: dvk_estate_encode(), dvk_estate_decode()
 * - notify.h: dvk_notify(), dvk_notify_as(), dvk_inject()
 * - privilege.h: dvk_may_call(), dvk_get_privileges(), dvk_set_privileges(), dvk_get_peers(), dvk_set_peers()
 * - grant.h: dvk_grant_direct(), dvk_grant_indirect(), dvk_grant_magic(), dvk_grant_revoke(), dvk_grant_check()
 * - copy.h: dvk_vcopy_check(), dvk_count_copy()
 * - query.h: dvk_describe(), dvk_describe_grant(), dvk_describe_table()
 * - frame.h: what nodes say to each other; wire.h: dvk_frame_encode(), dvk_frame_decode()
 *
 * Functions marked private serve the others. Every argument may have any value; after an error nothing has changed
 * (dvk_notify() with overrun excepted). All functions take constant time, but for those that say that they walk, the
 * search for a cycle, receive_request behind plain senders, and while a process is to leave the search for clients that
 * it owes an answer.
 */
#ifndef DVS_DVK_DVK_H
#define DVS_DVK_DVK_H

#include <dvs/dvk/bind.h>
#include <dvs/dvk/completion.h>
#include <dvs/dvk/copy.h>
#include <dvs/dvk/deadlock.h>
#include <dvs/dvk/errors.h>
#include <dvs/dvk/estate.h>
#include <dvs/dvk/grant.h>
#include <dvs/dvk/init.h>
#include <dvs/dvk/migrate.h>
#include <dvs/dvk/notify.h>
#include <dvs/dvk/privilege.h>
#include <dvs/dvk/query.h>
#include <dvs/dvk/rendezvous.h>
#include <dvs/dvk/table.h>
#include <dvs/dvk/types.h>
#include <dvs/dvk/wire.h>

#endif
