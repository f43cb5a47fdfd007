// SPDX-License-Identifier: MIT
/// @file
/// When a link has to say something, and when it is dead.
#ifndef DVS_PROXIES_LINK_PULSE_HPP
#define DVS_PROXIES_LINK_PULSE_HPP

#include <dvs/proxies/link_settings.hpp>

namespace dvs::proxies {

/// The times at which either side was last heard. Until there is an agreement, our own settings hold.
class link_pulse {
 public:
  link_pulse(const link_settings& settings, duration now)
      : heartbeat_(settings.heartbeat), dead_after_(settings.dead_after), heard_(now), sent_(now) {}

  void follow(const link_agreement& agreed) {
    heartbeat_ = agreed.heartbeat;
    dead_after_ = agreed.dead_after;
  }

  void heard(duration now) { heard_ = std::max(heard_, now); }
  void sent(duration now) { sent_ = std::max(sent_, now); }

  [[nodiscard]] duration heartbeat_at() const { return sent_ + heartbeat_; }
  [[nodiscard]] duration dead_at() const { return heard_ + dead_after_; }

 private:
  duration heartbeat_;
  duration dead_after_;
  duration heard_;
  duration sent_;
};

}  // namespace dvs::proxies

#endif
