// SPDX-License-Identifier: MIT
/// @file
/// A sealed TCP link between two gates of one process.
#ifndef DVS_TESTS_CLUSTER_TCP_WIRE_HPP
#define DVS_TESTS_CLUSTER_TCP_WIRE_HPP

#include <dvs/proxies/tcp_proxy.hpp>

#include "proxy_wire.hpp"

struct by_tcp {
  using proxy = dvs::proxies::tcp_proxy;
  static dvs::proxies::link_settings settings() { return {}; }
  static dvs::proxies::ip_place place(int) { return {"127.0.0.1", 0}; }
  static dvs::proxies::ip_place where(const proxy& made) { return {"127.0.0.1", made.listening().port()}; }
};

template <class Gateway>
using tcp_wire = proxy_wire<by_tcp, Gateway>;

#endif
