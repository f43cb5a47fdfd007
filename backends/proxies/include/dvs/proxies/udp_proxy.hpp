// SPDX-License-Identifier: MIT
/// @file
/// The UDP proxy: links to any number of nodes through one socket.
#ifndef DVS_PROXIES_UDP_PROXY_HPP
#define DVS_PROXIES_UDP_PROXY_HPP

#include <dvs/proxies/datagram_proxy.hpp>
#include <dvs/proxies/udp_socket.hpp>

namespace dvs::proxies {

/// Lost packets are sent again and repeated ones dropped by the session. `link_settings::packet_bytes` is the payload
/// of a packet: 1,400 fits an Ethernet, 8,900 one with jumbo frames, and up to 65,507 the loopback device.
///
/// What it throws: `bad_argument` (no address), `busy` (the port is taken), `access_denied`, `no_device` (not an
/// address of this host).
using udp_proxy = datagram_proxy<udp_socket>;

}  // namespace dvs::proxies

#endif
