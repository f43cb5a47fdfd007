// SPDX-License-Identifier: MIT
/// @file
/// The UDT proxy: links to any number of nodes over long fat networks, by UDT connections.
#ifndef DVS_PROXIES_UDT_PROXY_HPP
#define DVS_PROXIES_UDT_PROXY_HPP

#include <dvs/proxies/stream_proxy.hpp>
#include <dvs/proxies/udt_socket.hpp>

namespace dvs::proxies {

/// Link `dvs::udt`. Each connection has two threads, as UDT is no part of the system: use it where TCP does not fill
/// the network, not where it does.
using udt_proxy = stream_proxy<udt_socket>;

}  // namespace dvs::proxies

#endif
