// SPDX-License-Identifier: MIT
/// @file
/// Two threads on two processors pass a 64-byte slot to and fro: the floor of any message exchange through memory.
#ifndef DVS_BENCH_REFERENCE_SLOT_PING_PONG_HPP
#define DVS_BENCH_REFERENCE_SLOT_PING_PONG_HPP

#include <array>
#include <atomic>
#include <bench/processes.hpp>
#include <cstring>
#include <thread>

namespace reference {

/// A cache line: a word that says which exchange it holds, and 60 bytes of message.
struct alignas(64) slot {
  std::atomic<std::uint32_t> turn{0};
  std::array<std::uint32_t, 15> content{};

  void put(std::uint32_t number, const std::array<std::uint32_t, 15>& from) {
    content = from;
    turn.store(number, std::memory_order_release);
  }
  void get(std::uint32_t number, std::array<std::uint32_t, 15>& into) const {
    while (turn.load(std::memory_order_acquire) != number) {
    }
    into = content;
  }
};
static_assert(sizeof(slot) == 64);
struct slot_pair {
  slot asked, answered;
};

/// Nanoseconds for a round trip between processors `here` and `there`, with a thread or a process as `Partner`.
template <class Partner>
double slot_ping_pong(int here, int there) {
  constexpr std::uint32_t warm = 10'000, counted = 100'000;
  bench::with_partner<slot_pair, Partner> slots;
  auto &asked = (*slots).asked, &answered = (*slots).answered;
  Partner partner([&] {
    const bench::pinned other(there);
    std::array<std::uint32_t, 15> content;
    for (std::uint32_t number = 1; number <= warm + counted; ++number) {
      asked.get(number, content);
      ++content[0];
      answered.put(number, content);
    }
  });
  const bench::pinned pin(here);
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
