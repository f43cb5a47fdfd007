/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The rules as freestanding C11: every header compiles without a hosted library, and one exchange goes through.
 */
#include <dvs/dvk/dvk.h>

/** A request and its answer between a server and a client. Returns 0, or the number of the step that failed. */
int dvk_c11_exchange(void* memory, size_t bytes);

int dvk_c11_exchange(void* memory, size_t bytes) {
  const struct dvk_limits limits = dvk_default_limits();
  struct dvk_table* table = (struct dvk_table*)memory;
  struct dvk_message request = {0, 1, {0}};
  struct dvk_completion done;
  dvk_endpoint server, client;
  if (dvk_table_init(memory, bytes, &limits) != DVK_E_ok) return 1;
  if (dvk_bind(table, 0, "server", 1, &server) != DVK_E_ok) return 2;
  if (dvk_bind(table, DVK_ANY, "client", 2, &client) != DVK_E_ok) return 3;
  if (dvk_sendrec(table, client, server, &request, 0) != DVK_BLOCKED) return 4;
  if (dvk_receive(table, server, DVK_ANY, 0) != DVK_E_ok) return 5;
  if (dvk_reply(table, server, client, dvk_exchange_of(table, server), &request) != DVK_E_ok) return 6;
  if (!dvk_next_completion(table, &done) || done.endpoint != client || done.result != DVK_E_ok) return 7;
  return dvk_message_of(table, client)->source == server ? 0 : 8;
}
