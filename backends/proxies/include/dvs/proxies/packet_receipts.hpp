// SPDX-License-Identifier: MIT
/// @file
/// Which packets arrived, and when to say so.
#ifndef DVS_PROXIES_PACKET_RECEIPTS_HPP
#define DVS_PROXIES_PACKET_RECEIPTS_HPP

#include <dvs/proxies/packet.hpp>

namespace dvs::proxies {

/// The replay window and the acknowledgements of a receiver. Exact: a number is taken once. Of the gaps that losses
/// leave it remembers 64; what comes even later is refused, and its sender has long sent the content again.
class packet_receipts {
 public:
  static constexpr std::size_t ranges_max = 64;
  static constexpr duration delay_max = std::chrono::milliseconds{2};

  /// Whether the packet is a repeated one, or so late that this cannot be told.
  [[nodiscard]] bool is_refused(std::uint64_t number) const { return number < floor_ || numbers_.contains(number); }

  /// A packet that is not refused arrived. One that wants to be acknowledged is, soon; the second of them at once, and
  /// any at once that is not the next, so that the sender learns of losses.
  void arrived(std::uint64_t number, bool wants_ack, duration now) {
    const bool is_next = number == (numbers_.empty() ? floor_ : numbers_.back().end);
    if (numbers_.empty() || number >= numbers_.back().end) highest_at_ = now;
    numbers_.add({number, number + 1});
    if (numbers_.size() > ranges_max) {
      floor_ = numbers_.front().end;
      numbers_.pop_front();
    }
    if (!wants_ack) return;
    if (waiting_++ == 0) due_ = now + delay_max;
    if (waiting_ > 1 || !is_next) due_ = now;
  }

  /// Something else than a packet makes an acknowledgement due.
  void hurry(duration now) { due_ = std::min(due_, now); }

  /// When to acknowledge at the latest.
  [[nodiscard]] duration due() const { return numbers_.empty() ? duration::max() : due_; }

  /// Everything there is to say, in at most `room` bytes; the owner adds the limit and sends it.
  [[nodiscard]] packet_ack say(std::size_t room, duration now) {
    packet_ack ack;
    if (numbers_.empty() || room < packet_ack::head_bytes + packet_ack::range_bytes) return ack;
    const std::size_t most =
        std::min(packet_ack::ranges_max, (room - packet_ack::head_bytes) / packet_ack::range_bytes);
    const auto since_us = std::chrono::duration_cast<std::chrono::microseconds>(now - highest_at_).count();
    ack.delay_us = static_cast<std::uint32_t>(std::min<std::int64_t>(since_us, UINT32_MAX));
    for (std::size_t i = numbers_.size(); i > 0 && ack.count < most; --i) {
      number_range range = numbers_[i - 1];
      range.first = std::max(range.first, range.end - std::min<std::uint64_t>(range.end, UINT32_MAX));
      ack.ranges[ack.count++] = range;
    }
    waiting_ = 0;
    due_ = duration::max();
    return ack;
  }

 private:
  number_ranges numbers_;
  std::uint64_t floor_ = 0;  ///< all below are refused
  duration highest_at_{};
  std::uint32_t waiting_ = 0;
  duration due_ = duration::max();
};

}  // namespace dvs::proxies

#endif
