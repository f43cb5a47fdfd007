// SPDX-License-Identifier: MIT
/// @file
/// A sealed TCP link between two gates of one process.
#ifndef DVS_TESTS_CLUSTER_TCP_WIRE_HPP
#define DVS_TESTS_CLUSTER_TCP_WIRE_HPP

#include <dvs/proxies/tcp_proxy.hpp>
#include <optional>

/// As `plain_wire`; the link is up when it is made.
template <class Gateway>
class tcp_wire {
 public:
  tcp_wire(Gateway& left, Gateway& right) : left_(left), right_(right) {
    dvs::proxies::link_settings how;
    how.key.emplace();
    how.key->fill(7);
    right_.run([&] { proxies_[1].emplace(right_, how, dvs::proxies::tcp_address{"127.0.0.1", 0}); });
    left_.run([&] {
      proxies_[0].emplace(left_, how, dvs::proxies::tcp_address{"127.0.0.1", 0});
      proxies_[0]->expect(right_.self(), {"127.0.0.1", proxies_[1]->port()});
    });
    while (!knows(left_, right_) || !knows(right_, left_)) continue;
  }
  tcp_wire(const tcp_wire&) = delete;
  tcp_wire& operator=(const tcp_wire&) = delete;
  ~tcp_wire() {
    left_.run([&] { proxies_[0].reset(); });
    right_.run([&] { proxies_[1].reset(); });
  }

 private:
  static bool knows(Gateway& one, Gateway& other) {
    bool known = false;
    one.run([&] { known = one.knows(other.self()); });
    return known;
  }

  Gateway& left_;
  Gateway& right_;
  std::optional<dvs::proxies::tcp_proxy> proxies_[2];
};

#endif
