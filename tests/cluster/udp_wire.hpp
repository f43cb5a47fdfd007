// SPDX-License-Identifier: MIT
/// @file
/// A sealed link between two gates of one process, by UDP packets of which some are lost, repeated or late.
#ifndef DVS_TESTS_CLUSTER_UDP_WIRE_HPP
#define DVS_TESTS_CLUSTER_UDP_WIRE_HPP

#include <dvs/proxies/udp_proxy.hpp>
#include <random>
#include <vector>

#include "proxy_wire.hpp"

/// A UDP socket on a bad network.
class bad_udp_socket : public dvs::proxies::udp_socket {
 public:
  using udp_socket::udp_socket;

  template <class Use>
  bool receive(Use&& use) {
    return udp_socket::receive([&](const address& from, dvs::proxies::byte_view packet) {
      const auto luck = chance_() % 100;
      if (luck == 0) return;
      if (luck == 1) {
        late_.assign(packet.begin(), packet.end());
        late_from_ = from;
        return;
      }
      use(from, packet);
      if (luck == 2) use(from, packet);
      if (!late_.empty() && luck < 50) {
        use(late_from_, late_);
        late_.clear();
      }
    });
  }

 private:
  std::minstd_rand chance_{std::random_device{}()};
  std::vector<std::uint8_t> late_;
  address late_from_;
};

struct by_bad_udp {
  using proxy = dvs::proxies::datagram_proxy<bad_udp_socket>;
  static dvs::proxies::link_settings settings() { return {}; }
  static dvs::proxies::ip_place place(int) { return {"127.0.0.1", 0}; }
  static dvs::proxies::ip_place where(const proxy& made) { return {"127.0.0.1", made.transport().port()}; }
};

template <class Gateway>
using bad_udp_wire = proxy_wire<by_bad_udp, Gateway>;

#endif
