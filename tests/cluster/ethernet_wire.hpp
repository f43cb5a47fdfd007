// SPDX-License-Identifier: MIT
/// @file
/// A sealed link between two gates of one process, by Ethernet frames.
#ifndef DVS_TESTS_CLUSTER_ETHERNET_WIRE_HPP
#define DVS_TESTS_CLUSTER_ETHERNET_WIRE_HPP

#include <dvs/proxies/ethernet_proxy.hpp>

#include "own_network.hpp"
#include "proxy_wire.hpp"

/// The interfaces `dvs0` and `dvs1`, with jumbo frames.
struct by_ethernet {
  using proxy = dvs::proxies::ethernet_proxy;
  static constexpr int mtu = 9000;
  static dvs::proxies::link_settings settings() {
    dvs::proxies::link_settings made;
    made.packet_bytes = mtu - 2;
    return made;
  }
  static dvs::proxies::ethernet_place place(int side) { return {side == 0 ? "dvs0" : "dvs1", {}}; }
  static dvs::proxies::ethernet_place where(const proxy& made) { return {{}, made.transport().own_address().text()}; }
};

template <class Gateway>
using ethernet_wire = proxy_wire<by_ethernet, Gateway>;

#endif
