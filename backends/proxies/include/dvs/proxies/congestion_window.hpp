// SPDX-License-Identifier: MIT
/// @file
/// How many bytes may be under way.
#ifndef DVS_PROXIES_CONGESTION_WINDOW_HPP
#define DVS_PROXIES_CONGESTION_WINDOW_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace dvs::proxies {

/// Doubles in each round trip until the first loss, then grows by a packet in each and halves at a loss, once for all
/// that was under way. Source: NewReno, RFC 9002 section 7.
class congestion_window {
 public:
  congestion_window() = default;
  congestion_window(std::size_t packet_bytes, std::size_t bytes_max)
      : packet_bytes_(packet_bytes),
        bytes_max_(std::max(bytes_max, first_packets * packet_bytes)),
        bytes_(first_packets * packet_bytes),
        threshold_(bytes_max_) {}

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// `count` of `under_way` bytes have arrived. A window that was not used does not grow.
  void acknowledged(std::size_t count, std::size_t under_way) {
    if (under_way < bytes_ / 2) return;
    bytes_ += bytes_ < threshold_ ? count : packet_bytes_ * count / bytes_;
    bytes_ = std::min(bytes_, bytes_max_);
  }

  /// Packet `number` is lost; the next one to be sent is `next`.
  void lost(std::uint64_t number, std::uint64_t next) {
    if (number < recovers_at_) return;
    recovers_at_ = next;
    threshold_ = bytes_ = std::max(bytes_ / 2, least());
  }

  /// Nothing came back for several times as long as it should have.
  void collapse() { bytes_ = least(); }

 private:
  static constexpr std::size_t first_packets = 16;

  [[nodiscard]] std::size_t least() const { return 2 * packet_bytes_; }

  std::size_t packet_bytes_ = 0;
  std::size_t bytes_max_ = 0;
  std::size_t bytes_ = 0;
  std::size_t threshold_ = 0;
  std::uint64_t recovers_at_ = 0;
};

}  // namespace dvs::proxies

#endif
