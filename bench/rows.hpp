// SPDX-License-Identifier: MIT
/// @file
/// The command line of a program that measures rows.
#ifndef DVS_BENCH_ROWS_HPP
#define DVS_BENCH_ROWS_HPP

#include <bench/bench.hpp>
#include <cstdlib>
#include <exception>

namespace bench {

/// Measures one row and prints it, or why it cannot be measured.
template <class MakeRows>
void measure_row(const std::string& id, int rounds, MakeRows&& all_rows) try {
  for (const row& each : all_rows())
    if (each.id == id) return measure(each, rounds);
  throw std::runtime_error("there is no such row");
} catch (const std::exception& why) {
  std::printf("{\"id\": \"%s\", \"failed\": \"%s\"}\n", id.c_str(), why.what());
  std::fflush(stdout);
}

/// usage: PROGRAM ROUNDS ID...   prints one line of JSON for each row: id, and nanoseconds per operation of the rounds
/// of reference and subject. A row that cannot be measured has the member `failed` instead, with the reason.
template <class MakeRows>
int run_rows(int count, char** arguments, MakeRows&& all_rows) {
  if (count < 3) {
    std::fprintf(stderr, "usage: %s ROUNDS ID...\n", arguments[0]);
    return 2;
  }
  for (int i = 2; i < count; ++i) measure_row(arguments[i], std::atoi(arguments[1]), all_rows);
  return 0;
}

}  // namespace bench

#endif
