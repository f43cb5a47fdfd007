// SPDX-License-Identifier: MIT
/// @file
/// TIPC sockets that never wait.
#ifndef DVS_PROXIES_TIPC_SOCKET_HPP
#define DVS_PROXIES_TIPC_SOCKET_HPP

#include <linux/tipc.h>

#include <cstdint>
#include <dvs/proxies/ip_address.hpp>
#include <dvs/proxies/stream_socket.hpp>

namespace dvs::proxies {

/// A service of the cluster, which one node offers.
struct tipc_place {
  std::uint32_t service = 0;   ///< 64 and above
  std::uint32_t instance = 0;  ///< such as the number of the node
};

/// See `stream_transport`. `listen` throws `bad_argument` (a service that is reserved) and `not_supported` (this kernel
/// has no TIPC, or its module is not loaded).
class tipc_socket : public stream_socket {
 public:
  using place = tipc_place;

  tipc_socket() = default;

  [[nodiscard]] static tipc_socket listen(const place& here) {
    if (here.service < TIPC_RESERVED_TYPES) throw error(errc::bad_argument);
    tipc_socket made = open();
    if (!made.is_valid()) throw error(errc::not_supported);
    sockaddr_tipc where{};
    where.family = AF_TIPC;
    where.addrtype = TIPC_ADDR_NAMESEQ;
    where.scope = TIPC_CLUSTER_SCOPE;
    where.addr.nameseq = {here.service, here.instance, here.instance};
    if (::bind(made.descriptor(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 ||
        ::listen(made.descriptor(), backlog) != 0)
      throw error(why_not_there());
    return made;
  }
  [[nodiscard]] static tipc_socket connect(const place& there) {
    tipc_socket made = open();
    sockaddr_tipc where{};
    where.family = AF_TIPC;
    where.addrtype = TIPC_ADDR_NAME;
    where.addr.name.name = {there.service, there.instance};
    if (::connect(made.descriptor(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 && errno != EINPROGRESS)
      return {};
    return made;
  }
  [[nodiscard]] tipc_socket accept() const { return tipc_socket(accept_descriptor()); }

 private:
  explicit tipc_socket(int made) : stream_socket(made) {}
  static tipc_socket open() { return tipc_socket(::socket(AF_TIPC, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }
};

}  // namespace dvs::proxies

#endif
