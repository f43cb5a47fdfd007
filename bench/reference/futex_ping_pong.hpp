// SPDX-License-Identifier: MIT
/// @file
/// Two threads or processes on one processor pass a 64-byte message to and fro and sleep on futexes.
#ifndef DVS_BENCH_REFERENCE_FUTEX_PING_PONG_HPP
#define DVS_BENCH_REFERENCE_FUTEX_PING_PONG_HPP

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bench/processes.hpp>
#include <thread>

namespace reference {

/// A message and the futex that says which exchange it belongs to.
template <bool Private>
struct alignas(64) futex_slot {
  std::atomic<std::uint32_t> turn{0};
  std::array<std::uint32_t, 15> content{};
  static constexpr int scope = Private ? FUTEX_PRIVATE_FLAG : 0;

  void put(std::uint32_t number, const std::array<std::uint32_t, 15>& from) {
    content = from;
    turn.store(number, std::memory_order_release);
    syscall(SYS_futex, &turn, FUTEX_WAKE | scope, 1, nullptr, nullptr, 0);
  }
  void get(std::uint32_t number, std::array<std::uint32_t, 15>& into) {
    while (turn.load(std::memory_order_acquire) != number)
      syscall(SYS_futex, &turn, FUTEX_WAIT | scope, number - 1, nullptr, nullptr, 0);
    into = content;
  }
};

template <bool Private>
struct futex_slot_pair {
  futex_slot<Private> asked, answered;
};

/// Nanoseconds for a round trip on processor `cpu`, with a thread or a process as `Partner`.
template <class Partner>
double futex_ping_pong(int cpu) {
  constexpr std::uint32_t warm = 500, counted = 10'000;
  const bench::pinned pin(cpu);
  bench::with_partner<futex_slot_pair<std::is_same_v<Partner, std::thread>>, Partner> slots;
  auto &asked = (*slots).asked, &answered = (*slots).answered;
  Partner partner([&] {  // inherits the processor
    std::array<std::uint32_t, 15> content;
    for (std::uint32_t number = 1; number <= warm + counted; ++number) {
      asked.get(number, content);
      ++content[0];
      answered.put(number, content);
    }
  });
  std::uint32_t number = 0;
  std::array<std::uint32_t, 15> content{};
  const auto round_trip = [&] {
    asked.put(++number, content);
    answered.get(number, content);
  };
  while (number < warm) round_trip();
  const double each = bench::ns_each(counted, round_trip);
  partner.join();
  return each;
}

}  // namespace reference

#endif
