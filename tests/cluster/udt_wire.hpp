// SPDX-License-Identifier: MIT
/// @file
/// A sealed UDT link between two gates of one process.
#ifndef DVS_TESTS_CLUSTER_UDT_WIRE_HPP
#define DVS_TESTS_CLUSTER_UDT_WIRE_HPP

#include <dvs/proxies/udt_proxy.hpp>

#include "proxy_wire.hpp"

struct by_udt {
  using proxy = dvs::proxies::udt_proxy;
  static dvs::proxies::link_settings settings() { return {}; }
  static dvs::proxies::ip_place place(int) { return {"127.0.0.1", 0}; }
  static dvs::proxies::ip_place where(const proxy& made) { return {"127.0.0.1", made.listening().port()}; }
};

template <class Gateway>
using udt_wire = proxy_wire<by_udt, Gateway>;

#endif
