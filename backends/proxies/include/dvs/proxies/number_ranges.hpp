// SPDX-License-Identifier: MIT
/// @file
/// A set of numbers that mostly follow each other.
#ifndef DVS_PROXIES_NUMBER_RANGES_HPP
#define DVS_PROXIES_NUMBER_RANGES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dvs::proxies {

/// Numbers from `first` to just before `end`.
struct number_range {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  friend bool operator==(const number_range&, const number_range&) = default;
};

/// The set, as ranges with gaps between them. Cheap at its upper end, linear in the number of ranges elsewhere.
class number_ranges {
 public:
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  /// The range with the lowest numbers, the one with the highest, and the one at a place in between.
  [[nodiscard]] const number_range& front() const { return ranges_.front(); }
  [[nodiscard]] const number_range& back() const { return ranges_.back(); }
  [[nodiscard]] const number_range& operator[](std::size_t at) const { return ranges_[at]; }

  [[nodiscard]] bool contains(std::uint64_t value) const {
    const auto above = first_ending_behind(value);
    return above != ranges_.end() && above->first <= value;
  }

  /// How many ranges there would be with `added` in it.
  [[nodiscard]] std::size_t size_with(number_range added) const {
    const auto [from, to] = touching(added);
    return ranges_.size() + 1 - static_cast<std::size_t>(to - from);
  }

  /// Adds numbers, some of which may be in it.
  void add(number_range added) {
    const auto [from, to] = touching(added);
    if (from == to) {
      ranges_.insert(from, added);
      return;
    }
    const auto kept = ranges_.begin() + (from - ranges_.cbegin());
    kept->first = std::min(from->first, added.first);
    kept->end = std::max((to - 1)->end, added.end);
    ranges_.erase(from + 1, to);
  }

  void pop_front() { ranges_.erase(ranges_.begin()); }

 private:
  using position = std::vector<number_range>::const_iterator;

  [[nodiscard]] position first_ending_behind(std::uint64_t value) const {
    if (!ranges_.empty() && ranges_.back().first <= value) return ranges_.end() - (value < ranges_.back().end ? 1 : 0);
    return std::upper_bound(ranges_.begin(), ranges_.end(), value,
                            [](std::uint64_t wanted, const number_range& range) { return wanted < range.end; });
  }

  struct span_of_ranges {
    position from;
    position to;
  };

  /// The ranges that overlap or adjoin these numbers.
  [[nodiscard]] span_of_ranges touching(number_range added) const {
    const position from = added.first == 0 ? ranges_.begin() : first_ending_behind(added.first - 1);
    position to = from;
    while (to != ranges_.end() && to->first <= added.end) ++to;
    return {from, to};
  }

  std::vector<number_range> ranges_;
};

}  // namespace dvs::proxies

#endif
