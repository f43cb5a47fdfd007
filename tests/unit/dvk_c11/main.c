/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Runs the freestanding C11 code on a table that a hosted program gives it.
 */
#include <dvs/dvk/dvk.h>
#include <stdio.h>
#include <stdlib.h>

int dvk_c11_exchange(void* memory, size_t bytes);

int main(void) {
  const struct dvk_limits limits = dvk_default_limits();
  const size_t bytes = dvk_table_bytes(&limits);
  void* memory = malloc(bytes);
  const int failed = dvk_c11_exchange(memory, bytes);
  free(memory);
  if (failed) printf("step %d failed\n", failed);
  return failed;
}
