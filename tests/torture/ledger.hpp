// SPDX-License-Identifier: MIT
/// @file
/// The account of every message of a torture, in memory that all its processes share.
#ifndef DVS_TESTS_TORTURE_LEDGER_HPP
#define DVS_TESTS_TORTURE_LEDGER_HPP

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

/// Parties 0 to `mortals` - 1 are killed and started anew; the others live from the beginning to the end.
struct ledger {
  static constexpr std::uint64_t mortals = 4, parties = 8;
  static constexpr std::uint64_t messages_each = 1 << 22;
  static constexpr std::uint32_t sent = 1, is_request = 2, worked = 4, failed = 8, once_taken = 16;

  /// What became of a message; the party that sent it and the one that took it write it.
  std::atomic<std::uint32_t> messages[parties][messages_each];
  std::atomic<std::uint8_t> receivers[parties][messages_each];
  std::atomic<std::uint64_t> next[parties];      ///< message that a party sends next, over all its lives
  std::atomic<std::uint64_t> progress[parties];  ///< operations that ended
  std::atomic<std::uint64_t> broken;             ///< expectations that failed
  std::atomic<std::uint64_t> copies;
  std::atomic<bool> is_over;

  /// Zeros, in memory for all processes to come.
  [[nodiscard]] static ledger& open() {
    void* const memory =
        ::mmap(nullptr, sizeof(ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "the ledger");
    return *static_cast<ledger*>(memory);
  }

  /// How a message of a party may end. Nothing is delivered twice, ever. Where the receiver lives to the end, a result
  /// that the sender got is the truth.
  [[nodiscard]] bool is_in_order(std::uint64_t party, std::uint64_t message) const {
    const std::uint32_t state = messages[party][message];
    const std::uint32_t taken = state / once_taken;
    if (taken > 1) return false;
    if (receivers[party][message] < mortals) return true;
    if ((state & worked) != 0) return taken == 1;
    if ((state & failed) != 0 && (state & is_request) == 0) return taken == 0;
    return (state & (worked | failed)) != 0 || party < mortals;  // only the dead have no result
  }
};

#endif
