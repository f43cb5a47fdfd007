/* SPDX-License-Identifier: MIT */
/** @file
 * The smallest program with something to say: what starting any process costs. Linked statically. */
#include <unistd.h>

int main(void) { return write(STDOUT_FILENO, "hello\n", 6) == 6 ? 0 : 1; }
