// SPDX-License-Identifier: MIT
/// @file
/// The door of a carrier: how other processes of the host ring it.
#ifndef DVS_BACKENDS_USERSPACE_SHARED_DOOR_HPP
#define DVS_BACKENDS_USERSPACE_SHARED_DOOR_HPP

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <dvs/backends/userspace/board.hpp>
#include <vector>

namespace dvs::userspace {

/// What may have news from another process. Both run on the carrier's thread.
class door_source {
 public:
  /// Whether there is something in the shared memory that this side has not seen.
  [[nodiscard]] virtual bool has_news() const = 0;
  virtual void rung() = 0;

 protected:
  ~door_source() = default;
};

/// See the file comment. Belongs to its carrier, except `add`.
class shared_door {
 public:
  shared_door(board& of, std::uint32_t place) : state_(of.state(place)), hints_(of.hints(place).word) {}
  shared_door(const shared_door&) = delete;
  shared_door& operator=(const shared_door&) = delete;

  /// Registers a source that is rung by `hint`; any thread, which then rings the carrier.
  void add(door_source& source, std::uint32_t hint) {
    const std::lock_guard guard(lock_);
    added_.push_back({&source, hint});
    has_added_.store(true, std::memory_order_release);
  }
  void remove(door_source& source) {
    adopt();
    std::erase_if(sources_, [&](const entry& each) { return each.source == &source; });
  }

  /// The word that tells of hints while it is not 0.
  [[nodiscard]] std::atomic<std::uint32_t>& hints() { return hints_; }
  void show_cpu(std::uint32_t cpu) { state_.cpu.store(cpu, std::memory_order_relaxed); }

  /// Runs the sources that were hinted at.
  void collect() {
    const std::uint32_t hinted = hints_.exchange(0, std::memory_order_seq_cst);
    run([&](const entry& each) { return (each.hint & hinted) != 0; });
  }
  /// Looks at all sources; to be called by one who is about to sleep, and says so. False: there is something to do.
  [[nodiscard]] bool prepare_sleep(sleep_kind how) {
    state_.sleeps.store(static_cast<std::uint32_t>(how), std::memory_order_seq_cst);
    if (hints_.load(std::memory_order_seq_cst) == 0 && !has_news()) return true;
    awake();
    run([](const entry& each) { return each.source->has_news(); });
    return false;
  }
  /// Sleeps until somebody rings, from here or elsewhere.
  void sleep(std::int64_t deadline_ns) { futex_sleep_shared(hints_, 0, deadline_ns); }
  void awake() { state_.sleeps.store(static_cast<std::uint32_t>(sleep_kind::awake), std::memory_order_release); }
  /// All sources may have news; any thread of this process.
  void hint_all() { hints_.store(~std::uint32_t{0}, std::memory_order_seq_cst); }
  /// Wakes the carrier; any thread of this process.
  void wake() {
    hints_.fetch_or(hint_from_inside, std::memory_order_seq_cst);
    futex_wake_shared(hints_);
  }

 private:
  struct entry {
    door_source* source;
    std::uint32_t hint;
  };
  void adopt() {
    if (!has_added_.load(std::memory_order_acquire)) return;
    const std::lock_guard guard(lock_);
    sources_.insert(sources_.end(), added_.begin(), added_.end());
    added_.clear();
    has_added_.store(false, std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_news() {
    adopt();
    return std::ranges::any_of(sources_, [](const entry& each) { return each.source->has_news(); });
  }
  template <class Wanted>
  void run(Wanted&& wanted) {
    adopt();
    boost::container::small_vector<door_source*, 8> due;
    for (const entry& each : sources_)
      if (wanted(each)) due.push_back(each.source);
    for (door_source* const source : due)  // what one starts may remove others
      if (std::ranges::find(sources_, source, &entry::source) != sources_.end()) source->rung();
  }

  board_state& state_;
  std::atomic<std::uint32_t>& hints_;
  std::vector<entry> sources_;
  std::mutex lock_;
  std::vector<entry> added_;
  std::atomic<bool> has_added_{false};
};

}  // namespace dvs::userspace

#endif
