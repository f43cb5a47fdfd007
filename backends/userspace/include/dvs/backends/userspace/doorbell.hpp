// SPDX-License-Identifier: MIT
/// @file
/// The doorbell of a thread: which of its channels have something to say, and whether it sleeps.
#ifndef DVS_BACKENDS_USERSPACE_DOORBELL_HPP
#define DVS_BACKENDS_USERSPACE_DOORBELL_HPP

#include <atomic>
#include <bit>
#include <cstdint>

namespace dvs::userspace {

/// A bitmap of bells, two levels deep, and the word on which its owner sleeps.
///
/// Any thread rings; only the owner collects and sleeps. A ring that comes before `prepare_sleep` makes it fail, one
/// that comes after it is told to wake the owner: no ring is lost. What the ring is about must have been written by a
/// sequentially consistent operation, because a bell that rings already is only looked at: an ordinary store might
/// still wait in the processor's store buffer when the owner collects. `Atomic` is `std::atomic`; the model check
/// replaces it.
template <template <class> class Atomic>
class doorbell_bits {
 public:
  /// How many bells there are; more sources than that share.
  static constexpr std::uint32_t bells_max = 64 * 64;

  /// Rings `bell`. Returns whether the owner sleeps and must be woken by the caller.
  bool ring(std::uint32_t bell) {
    auto& word = words_[bell / 64];
    const std::uint64_t bit = std::uint64_t{1} << bell % 64;
    // A bit that is set already was set before its source's state is collected: nothing to add.
    if ((word.load(std::memory_order_seq_cst) & bit) == 0) word.fetch_or(bit, std::memory_order_seq_cst);
    const std::uint64_t group = std::uint64_t{1} << bell / 64;
    if ((summary_.load(std::memory_order_seq_cst) & group) == 0) summary_.fetch_or(group, std::memory_order_seq_cst);
    return asleep_.load(std::memory_order_seq_cst) != 0 && asleep_.exchange(0, std::memory_order_seq_cst) != 0;
  }

  /// Whether a bell was rung since the last `collect`; cheap enough to poll.
  [[nodiscard]] bool rung() const { return summary_.load(std::memory_order_acquire) != 0; }

  /// Calls `visit(bell)` for each bell that was rung, after taking the ring back.
  template <class Visitor>
  void collect(Visitor&& visit) {
    std::uint64_t groups = summary_.exchange(0, std::memory_order_seq_cst);
    for (; groups != 0; groups &= groups - 1) {
      const auto group = static_cast<std::uint32_t>(std::countr_zero(groups));
      std::uint64_t bits = words_[group].exchange(0, std::memory_order_seq_cst);
      for (; bits != 0; bits &= bits - 1) visit(group * 64 + static_cast<std::uint32_t>(std::countr_zero(bits)));
    }
  }

  /// The owner wants to sleep. False: it was rung, do not. After true, sleep while `*sleep_word()` is 1.
  bool prepare_sleep() {
    asleep_.store(1, std::memory_order_seq_cst);
    if (summary_.load(std::memory_order_seq_cst) == 0) return true;
    asleep_.store(0, std::memory_order_seq_cst);
    return false;
  }
  /// Whether nobody has woken the owner since it prepared to sleep.
  [[nodiscard]] bool is_asleep() const { return asleep_.load(std::memory_order_seq_cst) != 0; }
  /// The owner is up again.
  void awake() { asleep_.store(0, std::memory_order_seq_cst); }
  [[nodiscard]] Atomic<std::uint32_t>* sleep_word() { return &asleep_; }

 private:
  alignas(64) Atomic<std::uint64_t> summary_{0};
  Atomic<std::uint32_t> asleep_{0};
  alignas(64) Atomic<std::uint64_t> words_[64]{};
};

}  // namespace dvs::userspace

#endif
