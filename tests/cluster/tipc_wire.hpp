// SPDX-License-Identifier: MIT
/// @file
/// A sealed TIPC link between two gates of one process.
#ifndef DVS_TESTS_CLUSTER_TIPC_WIRE_HPP
#define DVS_TESTS_CLUSTER_TIPC_WIRE_HPP

#include <dvs/proxies/tipc_proxy.hpp>

#include "proxy_wire.hpp"

struct by_tipc {
  using proxy = dvs::proxies::tipc_proxy;
  static dvs::proxies::link_settings settings() { return {}; }
  static dvs::proxies::tipc_place place(int side) { return {0xD005, static_cast<std::uint32_t>(side + 1)}; }
  static dvs::proxies::tipc_place where(const proxy&) { return place(1); }
};

template <class Gateway>
using tipc_wire = proxy_wire<by_tipc, Gateway>;

#endif
