// SPDX-License-Identifier: MIT
/// @file
/// A search for a cycle of processes that wait for each other, for one wait that has lasted.
///
/// It goes from process to process: who holds it asks for the edge of `at()` and hands it to `step`. A cycle that is
/// the same at two looks, with the same waits, is real: a wait that was there at both was there in between.
#ifndef DVS_BACKENDS_USERSPACE_CYCLE_SEARCH_HPP
#define DVS_BACKENDS_USERSPACE_CYCLE_SEARCH_HPP

#include <algorithm>
#include <cstdint>
#include <dvs/ids.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace dvs::userspace {

/// For whom a process waits.
struct wait_edge {
  bool is_stuck = false;  ///< it cannot go on before the other does something
  endpoint_id waits_for = none;
  bool receives = false;    ///< it waits for a message, not to give one
  std::uint64_t wait = 0;   ///< tells two waits apart
  std::uint64_t began = 0;  ///< when it began, in the logical time of the cluster
};

/// See the file comment. Belongs to one thread.
class cycle_search {
 public:
  /// A process that waits.
  struct seen {
    endpoint_id who;
    std::uint64_t wait;
    std::uint64_t began;  ///< in the logical time of the cluster
    [[nodiscard]] bool operator==(const seen& other) const { return who == other.who && wait == other.wait; }
  };

  /// When a wait is looked at first; then after twice the time, again and again, up to the longest.
  static constexpr std::int64_t first_after_ns = 2'000'000, longest_pause_ns = 640'000'000;

  /// `wait`: what `origin` waits for `asked` in.
  cycle_search(std::uint16_t dc, std::uint64_t wait, endpoint_id origin, endpoint_id asked)
      : dc_(dc), wait_(wait), origin_(origin), asked_(asked), before_(origin), at_(asked) {}

  [[nodiscard]] std::uint16_t dc() const { return dc_; }
  [[nodiscard]] endpoint_id origin() const { return origin_; }
  /// Whose edge is wanted, given that `before()` waits for it, in a receive or to give something.
  [[nodiscard]] endpoint_id at() const { return at_; }
  [[nodiscard]] endpoint_id before() const { return before_; }
  [[nodiscard]] bool before_receives() const { return before_receives_; }

  /// Goes along the edge of `at()`. Whether to look on.
  [[nodiscard]] bool step(const wait_edge& edge) {
    if (!edge.is_stuck) return false;
    // A cycle that the origin only leads to is found by those who are in it.
    if (std::ranges::find(steps_, at_, &seen::who) != steps_.end()) return false;
    steps_.push_back({at_, edge.wait, edge.began});
    if (at_ == origin_) return end_round();
    before_ = at_;
    before_receives_ = edge.receives;
    at_ = edge.waits_for;
    return true;
  }
  /// The wait that has to end, when the search has ended: the youngest of a cycle that was seen twice, which has closed
  /// it. All who see the cycle agree which that is.
  [[nodiscard]] std::optional<seen> verdict() const {
    if (!was_seen_twice_ || first_ != steps_ || steps_.back().wait != wait_) return {};
    const auto age = [](const seen& each) { return std::pair(each.began, each.who); };
    return *std::ranges::max_element(steps_, {}, age);
  }

 private:
  /// The search has come back to where it began. Whether to look once more.
  bool end_round() {
    if (std::exchange(is_second_look_, true)) {
      was_seen_twice_ = true;
      return false;
    }
    first_.swap(steps_);
    before_ = origin_;
    before_receives_ = false;
    at_ = asked_;
    return true;
  }

  const std::uint16_t dc_;
  const std::uint64_t wait_;
  const endpoint_id origin_, asked_;
  endpoint_id before_, at_;
  bool before_receives_ = false;
  bool is_second_look_ = false, was_seen_twice_ = false;
  std::vector<seen> first_, steps_;
};

}  // namespace dvs::userspace

#endif
