// SPDX-License-Identifier: MIT
/// @file
/// The TIPC proxy: links to any number of nodes of a TIPC cluster, over one connection each.
#ifndef DVS_PROXIES_TIPC_PROXY_HPP
#define DVS_PROXIES_TIPC_PROXY_HPP

#include <dvs/proxies/stream_proxy.hpp>
#include <dvs/proxies/tipc_socket.hpp>

namespace dvs::proxies {

/// TIPC finds the host of a place by itself.
using tipc_proxy = stream_proxy<tipc_socket>;

}  // namespace dvs::proxies

#endif
