// SPDX-License-Identifier: MIT
/// @file
/// The packets that wait to be acknowledged.
#ifndef DVS_PROXIES_PACKET_LEDGER_HPP
#define DVS_PROXIES_PACKET_LEDGER_HPP

#include <dvs/proxies/number_ranges.hpp>
#include <dvs/time.hpp>
#include <optional>

namespace dvs::proxies {

/// A packet as its sender remembers it.
struct sent_packet {
  std::uint64_t number = 0;
  duration sent_at{};
  number_range content;  ///< in the stream; may be empty
  std::size_t bytes = 0;
  bool is_settled = false;  ///< acknowledged, or given up
};

/// Packets in the order of their numbers, each until it is settled.
class packet_ledger {
 public:
  [[nodiscard]] std::size_t bytes_under_way() const { return bytes_; }
  [[nodiscard]] bool empty() const { return head_ == packets_.size(); }

  void add(const sent_packet& packet) {
    packets_.push_back(packet);
    bytes_ += packet.bytes;
  }

  /// Settles those with these numbers and calls `settled` with each. A number that is not here was settled before.
  template <class Settled>
  void acknowledge(number_range numbers, Settled settled) {
    const auto begin = packets_.begin() + static_cast<std::ptrdiff_t>(head_);
    auto at = std::lower_bound(begin, packets_.end(), numbers.first,
                               [](const sent_packet& packet, std::uint64_t number) { return packet.number < number; });
    for (; at != packets_.end() && at->number < numbers.end; ++at)
      if (!at->is_settled) settle(*at, settled);
    trim();
  }

  /// Gives up those that others overtook by `reordered_max` numbers, or that were sent before `too_old`. All of them
  /// have lower numbers than `highest`, which was acknowledged. Returns when the oldest that is left was sent, if it
  /// has been overtaken too.
  template <class Lost>
  std::optional<duration> lose(std::uint64_t highest, duration too_old, Lost lost) {
    for (std::size_t at = head_; at < packets_.size() && packets_[at].number < highest; ++at) {
      sent_packet& packet = packets_[at];
      if (packet.is_settled) continue;
      if (packet.number + reordered_max > highest && packet.sent_at > too_old) {
        trim();
        return packet.sent_at;
      }
      settle(packet, lost);
    }
    trim();
    return std::nullopt;
  }

  /// Gives up the oldest, which there is.
  template <class Lost>
  void lose_oldest(Lost lost) {
    settle(packets_[head_], lost);
    trim();
  }

 private:
  static constexpr std::uint64_t reordered_max = 3;

  template <class Done>
  void settle(sent_packet& packet, Done done) {
    packet.is_settled = true;
    bytes_ -= packet.bytes;
    done(packet);
  }

  /// Forgets settled packets at the front; moves the others when more than half of the memory is forgotten.
  void trim() {
    while (head_ < packets_.size() && packets_[head_].is_settled) ++head_;
    if (2 * head_ < packets_.size()) return;
    packets_.erase(packets_.begin(), packets_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

  std::vector<sent_packet> packets_;
  std::size_t head_ = 0;  ///< the first that is not settled
  std::size_t bytes_ = 0;
};

}  // namespace dvs::proxies

#endif
