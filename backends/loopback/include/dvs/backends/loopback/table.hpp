// SPDX-License-Identifier: MIT
/// @file
/// The table of the DVK rules in memory of its own, and how its completions wake those who wait.
#ifndef DVS_BACKENDS_LOOPBACK_TABLE_HPP
#define DVS_BACKENDS_LOOPBACK_TABLE_HPP

#include <dvs/dvk/dvk.h>

#include <dvs/backend.hpp>
#include <dvs/backends/loopback/scheduler.hpp>

namespace dvs::loopback {

/// A process as the rules complete it: the rules keep its address as the owner of a slot.
struct waiter {
  seat place;
  errc outcome = errc::ok;  ///< of the last wait that ended
};

/// The rules of one DC at work.
class table {
 public:
  explicit table(scheduler& contexts) : contexts_(contexts) {}

  /// Makes the table; `errc::range` when a size is out of its range.
  errc open(const dc_options& sizes) {
    if (sizes.tasks > 1024 || sizes.servers > 4096 || sizes.users > 1u << 20) return errc::range;
    const dvk_limits limits{.tasks = std::max(sizes.tasks, pseudo_slots),  // the pseudo sources need theirs
                            .processes = sizes.servers + sizes.users,
                            .system_processes = std::max(sizes.tasks, pseudo_slots) + sizes.servers,
                            .grants = sizes.grants};
    memory_.resize(dvk_table_bytes(&limits) / sizeof(std::uint64_t) + 1);
    return dvk_table_init(memory_.data(), memory_.size() * sizeof(std::uint64_t), &limits) == 0 ? errc::ok
                                                                                                : errc::range;
  }
  /// What the functions of the rules take.
  [[nodiscard]] dvk_table* rules() { return reinterpret_cast<dvk_table*>(memory_.data()); }

  /// Wakes everybody whose wait an operation has ended. To be called after every operation.
  void settle() {
    dvk_completion done{};
    while (dvk_next_completion(rules(), &done)) {
      auto& who = *reinterpret_cast<waiter*>(static_cast<std::uintptr_t>(done.owner));
      who.outcome = static_cast<errc>(done.result);
      contexts_.wake(who.place);
    }
  }

 private:
  static constexpr std::uint32_t pseudo_slots = 36;

  scheduler& contexts_;
  std::vector<std::uint64_t> memory_;
};

}  // namespace dvs::loopback

#endif
