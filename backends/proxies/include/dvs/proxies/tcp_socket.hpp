// SPDX-License-Identifier: MIT
/// @file
/// TCP sockets that never wait.
#ifndef DVS_PROXIES_TCP_SOCKET_HPP
#define DVS_PROXIES_TCP_SOCKET_HPP

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <dvs/proxies/ip_address.hpp>
#include <dvs/proxies/stream_socket.hpp>
#include <dvs/time.hpp>
#include <optional>

namespace dvs::proxies {

/// See `stream_transport`.
class tcp_socket : public stream_socket {
 public:
  using place = ip_place;

  tcp_socket() = default;

  [[nodiscard]] static tcp_socket listen(const place& here) {
    const ip_address where(here, SOCK_STREAM);
    if (!where.is_valid()) throw error(errc::bad_argument);
    tcp_socket made = open(where.family());
    const int yes = 1;
    ::setsockopt(made.descriptor(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(made.descriptor(), where.data(), where.bytes()) != 0 || ::listen(made.descriptor(), backlog) != 0)
      throw error(why_not_there());
    return made;
  }
  [[nodiscard]] static tcp_socket connect(const place& there) {
    const ip_address where(there, SOCK_STREAM);
    if (!where.is_valid()) return {};
    tcp_socket made = open(where.family());
    if (::connect(made.descriptor(), where.data(), where.bytes()) != 0 && errno != EINPROGRESS) return {};
    return made;
  }
  [[nodiscard]] tcp_socket accept() const { return tcp_socket(accept_descriptor()); }

  /// The number of the port at this end.
  [[nodiscard]] std::uint16_t port() const {
    ip_address here;
    socklen_t bytes = ip_address::bytes_max;
    ::getsockname(descriptor(), here.data(), &bytes);
    here.set_bytes(bytes);
    return here.port();
  }

  /// What the system has measured.
  [[nodiscard]] std::optional<duration> round_trip() const {
    tcp_info told{};
    socklen_t bytes = sizeof told;
    if (::getsockopt(descriptor(), IPPROTO_TCP, TCP_INFO, &told, &bytes) != 0 || told.tcpi_rtt == 0) return {};
    return std::chrono::microseconds(told.tcpi_rtt);
  }

 private:
  /// Frames go out at once: they were batched already.
  explicit tcp_socket(int made) : stream_socket(made) {
    const int yes = 1;
    if (made >= 0) ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  static tcp_socket open(int family) {
    tcp_socket made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made.is_valid()) throw error(errc::table_full);
    return made;
  }
};

}  // namespace dvs::proxies

#endif
