// SPDX-License-Identifier: MIT
/// @file
/// Which part of a stream the next packet carries, and which parts have arrived.
#ifndef DVS_PROXIES_STREAM_DELIVERY_HPP
#define DVS_PROXIES_STREAM_DELIVERY_HPP

#include <dvs/proxies/byte_queue.hpp>
#include <dvs/proxies/number_ranges.hpp>

namespace dvs::proxies {

/// The sending half: a byte of the stream is unsent, in one packet under way, lost, or delivered. The queue keeps it
/// until all before it are delivered too.
class stream_delivery {
 public:
  /// The next part: lost ones first, then what was not sent and lies before `limit`. At most `count` bytes, maybe none.
  [[nodiscard]] number_range next(const byte_queue& queue, std::size_t count, std::uint64_t limit) {
    if (lost_at_ < lost_.size()) {
      number_range& part = lost_[lost_at_];
      const number_range taken{part.first, std::min(part.end, part.first + count)};
      part.first = taken.end;
      if (part.first == part.end && 2 * ++lost_at_ >= lost_.size()) {
        lost_.erase(lost_.begin(), lost_.begin() + static_cast<std::ptrdiff_t>(lost_at_));
        lost_at_ = 0;
      }
      return taken;
    }
    const std::uint64_t end = std::min({queue.end(), limit, unsent_ + count});
    if (end <= unsent_) return {};
    const number_range taken{unsent_, end};
    unsent_ = end;
    return taken;
  }

  [[nodiscard]] bool has_lost() const { return !lost_.empty(); }
  /// Where what was never sent begins.
  [[nodiscard]] std::uint64_t unsent() const { return unsent_; }

  void delivered(number_range part, byte_queue& queue) {
    if (part.first == queue.begin() && delivered_.empty()) return queue.pop(part.end - part.first);
    delivered_.add(part);
    if (delivered_.front().first != queue.begin()) return;
    queue.pop(delivered_.front().end - delivered_.front().first);
    delivered_.pop_front();
  }

  void lost(number_range part) { lost_.push_back(part); }

 private:
  std::uint64_t unsent_ = 0;
  std::vector<number_range> lost_;
  std::size_t lost_at_ = 0;  ///< the first of `lost_` that was not sent again
  number_ranges delivered_;  ///< behind a gap
};

}  // namespace dvs::proxies

#endif
