// SPDX-License-Identifier: MIT
/// @file
/// Where the processes of a DC here put the messages that they get, while somebody watches.
#ifndef DVS_BACKENDS_USERSPACE_TRACE_TAP_HPP
#define DVS_BACKENDS_USERSPACE_TRACE_TAP_HPP

#include <atomic>
#include <dvs/backends/userspace/traced_message.hpp>
#include <memory>

namespace dvs::userspace {

/// A queue of bounded size that never keeps a writer waiting: what does not fit is counted, and lost. Any thread
/// writes; one reads, whenever it likes, and is not woken.
///
/// Each place has a turn: n, when the writer with ticket n may fill it; n + 1, when it is filled; n + `places` for the
/// next round. Source: D. Vyukov's bounded queue.
class trace_tap {
 public:
  static constexpr std::size_t places = 4096;

  trace_tap() {
    for (std::size_t at = 0; at < places; ++at) all_[at].turn.store(at, std::memory_order_relaxed);
  }

  void put(const traced_message& what) {
    std::size_t ticket = next_in_.load(std::memory_order_relaxed);
    for (;;) {
      place& at = all_[ticket % places];
      const std::size_t turn = at.turn.load(std::memory_order_acquire);
      if (turn == ticket) {
        if (!next_in_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed)) continue;
        at.what = what;
        at.turn.store(ticket + 1, std::memory_order_release);
        return;
      }
      if (static_cast<std::ptrdiff_t>(turn - ticket) < 0) {  // still full from the round before
        lost_.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      ticket = next_in_.load(std::memory_order_relaxed);
    }
  }

  /// The oldest message; nothing: there is none.
  [[nodiscard]] std::optional<traced_message> take() {
    place& at = all_[next_out_ % places];
    if (at.turn.load(std::memory_order_acquire) != next_out_ + 1) return {};
    const traced_message what = at.what;
    at.turn.store(next_out_ + places, std::memory_order_release);
    ++next_out_;
    return what;
  }
  /// How many were lost since the last call.
  [[nodiscard]] std::uint32_t take_lost() { return lost_.exchange(0, std::memory_order_relaxed); }
  /// Forgets what nobody wants any more.
  void clear() {
    while (take()) continue;
    static_cast<void>(take_lost());
  }

 private:
  struct place {
    std::atomic<std::size_t> turn;
    traced_message what;
  };
  const std::unique_ptr<place[]> all_ = std::make_unique<place[]>(places);
  alignas(64) std::atomic<std::size_t> next_in_{0};
  std::atomic<std::uint32_t> lost_{0};
  alignas(64) std::size_t next_out_ = 0;
};

}  // namespace dvs::userspace

#endif
