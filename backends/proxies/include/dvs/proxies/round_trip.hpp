// SPDX-License-Identifier: MIT
/// @file
/// How long an acknowledgement takes to come, and after which time it is missed.
#ifndef DVS_PROXIES_ROUND_TRIP_HPP
#define DVS_PROXIES_ROUND_TRIP_HPP

#include <dvs/proxies/packet_receipts.hpp>
#include <optional>

namespace dvs::proxies {

/// A smoothed measurement of the round trip. Source: RFC 6298, with the times of RFC 9002 section 5 and 6.
class round_trip {
 public:
  /// An acknowledgement came after `measured`, of which the peer says it kept `delay` to itself.
  void measure(duration measured, duration delay) {
    least_ = has_measured_ ? std::min(least_, measured) : measured;
    if (measured - least_ >= delay) measured -= delay;
    if (!has_measured_) {
      has_measured_ = true;
      smooth_ = measured;
      variation_ = measured / 2;
      return;
    }
    const duration apart = smooth_ > measured ? smooth_ - measured : measured - smooth_;
    variation_ = (3 * variation_ + apart) / 4;
    smooth_ = (7 * smooth_ + measured) / 8;
    latest_ = measured;
  }

  /// The smoothed round trip, once there is one.
  [[nodiscard]] std::optional<duration> measured() const {
    return has_measured_ ? std::optional(smooth_) : std::nullopt;
  }
  /// After this time without any acknowledgement the last packet counts as lost.
  [[nodiscard]] duration until_missed() const {
    return std::max(smooth_ + 4 * variation_ + packet_receipts::delay_max, missed_min);
  }
  /// After this time a packet counts as lost if a later one was acknowledged.
  [[nodiscard]] duration until_overtaken() const {
    return std::max(std::max(smooth_, latest_) * 9 / 8, duration{std::chrono::milliseconds{1}});
  }

 private:
  /// A machine that has other things to do may answer this late.
  static constexpr duration missed_min = std::chrono::milliseconds{10};

  bool has_measured_ = false;
  duration smooth_ = std::chrono::milliseconds{100};
  duration variation_ = std::chrono::milliseconds{50};
  duration least_{};
  duration latest_{};
};

}  // namespace dvs::proxies

#endif
