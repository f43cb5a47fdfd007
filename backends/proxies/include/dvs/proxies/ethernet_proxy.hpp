// SPDX-License-Identifier: MIT
/// @file
/// The Ethernet proxy: links to any number of nodes of one network segment, without IP.
#ifndef DVS_PROXIES_ETHERNET_PROXY_HPP
#define DVS_PROXIES_ETHERNET_PROXY_HPP

#include <dvs/proxies/datagram_proxy.hpp>
#include <dvs/proxies/ethernet_socket.hpp>

namespace dvs::proxies {

/// Frames have the ethertype 0x88B5. Needs CAP_NET_RAW. `link_settings::packet_bytes` is at most the MTU of the
/// interface less 2: 1,498, or 8,998 with jumbo frames.
///
/// What it throws: `no_device` (no such interface), `access_denied`, `bad_value` (the packets are too large for it),
/// `bad_argument` (no name, or an address that is none).
using ethernet_proxy = datagram_proxy<ethernet_socket>;

}  // namespace dvs::proxies

#endif
