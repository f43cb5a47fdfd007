// SPDX-License-Identifier: MIT
/// @file
/// The harness: rounds of a reference and of a subject in turn, so that both meet the same machine. Knows no dvs.
#ifndef DVS_BENCH_BENCH_HPP
#define DVS_BENCH_BENCH_HPP

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// Nanoseconds on the monotonic clock.
inline std::uint64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

/// Nanoseconds that each of `count` calls of `operation` takes.
template <class Operation>
double ns_each(std::uint64_t count, Operation&& operation) {
  const std::uint64_t began = now_ns();
  for (std::uint64_t i = 0; i < count; ++i) operation();
  return static_cast<double>(now_ns() - began) / static_cast<double>(count);
}

/// Makes the compiler believe that all memory is read and written here.
inline void touch_memory() { asm volatile("" ::: "memory"); }

/// The processors that this process may use.
inline std::vector<int> processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<int> found;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) found.push_back(cpu);
  return found;
}

/// Keeps the calling thread on one processor while it lives.
class pinned {
 public:
  explicit pinned(int cpu) {
    pthread_getaffinity_np(pthread_self(), sizeof before_, &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(cpu), &only);
    if (pthread_setaffinity_np(pthread_self(), sizeof only, &only) != 0)
      throw std::runtime_error("this thread cannot be pinned to processor " + std::to_string(cpu));
  }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  ~pinned() { pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

/// One round: sets up, warms up, measures, clears away. Returns nanoseconds per operation.
using round = std::function<double()>;

/// Two things to compare.
struct row {
  std::string id;
  round reference;
  round subject;
};

/// Runs `rounds` rounds of each side in turn, after one of each that does not count, and prints the figures as one
/// line of JSON. The first of a pair changes from pair to pair, so that neither side always follows the other.
inline void measure(const row& what, int rounds) {
  const bool watched = isatty(STDERR_FILENO) != 0;
  std::vector<double> reference, subject;
  what.reference();
  what.subject();
  for (int i = 0; i < rounds; ++i) {
    if (i % 2 == 0) reference.push_back(what.reference());
    subject.push_back(what.subject());
    if (i % 2 != 0) reference.push_back(what.reference());
    if (watched) std::fprintf(stderr, "\r%s %d/%d", what.id.c_str(), i + 1, rounds);
  }
  if (watched) std::fprintf(stderr, "\r%*s\r", 40, "");
  const auto list = [](const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
    return text;
  };
  std::printf("{\"id\": \"%s\", \"reference\": [%s], \"subject\": [%s]}\n", what.id.c_str(), list(reference).c_str(),
              list(subject).c_str());
  std::fflush(stdout);
}

}  // namespace bench

#endif
