// SPDX-License-Identifier: MIT
/// @file
/// The TCP proxy: links to any number of nodes, over one connection each.
#ifndef DVS_PROXIES_TCP_PROXY_HPP
#define DVS_PROXIES_TCP_PROXY_HPP

#include <dvs/proxies/stream_proxy.hpp>
#include <dvs/proxies/tcp_socket.hpp>

namespace dvs::proxies {

using tcp_proxy = stream_proxy<tcp_socket>;

}  // namespace dvs::proxies

#endif
