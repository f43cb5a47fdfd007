// SPDX-License-Identifier: MIT
/// @file
/// An ordered list of alarms: one for each owner.
#ifndef MUK_CLOCK_TIMERS_HPP
#define MUK_CLOCK_TIMERS_HPP

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace muk::clock {

/// Alarms of `Owner`s, ordered by time. It knows no clock: the caller says what time it is.
template <class Owner>
class timers {
 public:
  using time = std::chrono::nanoseconds;

  /// Sets the alarm of `owner`, in place of the one it had.
  void set(Owner owner, time when) {
    cancel(owner);
    by_owner_.emplace(owner, when);
    by_time_.emplace(when, owner);
  }
  /// Takes the alarm of `owner` back; nothing happens when it has none.
  void cancel(Owner owner) {
    const auto found = by_owner_.find(owner);
    if (found == by_owner_.end()) return;
    by_time_.erase({found->second, owner});
    by_owner_.erase(found);
  }
  /// How long it takes until the alarm of `owner`; nothing when it has none.
  [[nodiscard]] std::optional<time> left(Owner owner, time now) const {
    const auto found = by_owner_.find(owner);
    if (found == by_owner_.end()) return {};
    return found->second > now ? found->second - now : time{0};
  }
  /// The time of the first alarm.
  [[nodiscard]] std::optional<time> earliest() const {
    if (by_time_.empty()) return {};
    return by_time_.begin()->first;
  }
  /// Removes one alarm whose time has come and returns its owner; those of earlier times come first.
  [[nodiscard]] std::optional<Owner> take_expired(time now) {
    if (by_time_.empty() || by_time_.begin()->first > now) return {};
    const Owner owner = by_time_.begin()->second;
    cancel(owner);
    return owner;
  }

 private:
  std::map<Owner, time> by_owner_;
  std::set<std::pair<time, Owner>> by_time_;
};

}  // namespace muk::clock

#endif
