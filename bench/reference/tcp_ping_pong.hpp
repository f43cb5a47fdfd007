// SPDX-License-Identifier: MIT
/// @file
/// 64 bytes to and fro over a TCP connection, by blocking calls.
#ifndef DVS_BENCH_REFERENCE_TCP_PING_PONG_HPP
#define DVS_BENCH_REFERENCE_TCP_PING_PONG_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <bench/two_hosts.hpp>
#include <optional>

namespace reference {

/// A TCP socket in numbers.
class tcp {
 public:
  static constexpr std::uint16_t port = 7399;

  explicit tcp(int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) : socket_(made) {
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }
  tcp(const tcp&) = delete;
  tcp& operator=(const tcp&) = delete;
  ~tcp() { ::close(socket_); }

  void listen() const {
    sockaddr_in where = at("0.0.0.0");
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 || ::listen(socket_, 1) != 0)
      throw std::runtime_error("the port is taken");
  }
  [[nodiscard]] int accept() const { return ::accept(socket_, nullptr, nullptr); }
  void connect(const char* host) const {
    sockaddr_in where = at(host);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0)
      throw std::runtime_error("the other host does not answer");
  }
  /// False at the end.
  bool receive(char (&into)[64]) const { return ::recv(socket_, into, sizeof into, MSG_WAITALL) == sizeof into; }
  void send(const char (&from)[64]) const {
    if (::send(socket_, from, sizeof from, MSG_NOSIGNAL) != sizeof from)
      throw std::runtime_error("the connection broke");
  }

 private:
  static sockaddr_in at(const char* host) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    ::inet_pton(AF_INET, host, &where.sin_addr);
    return where;
  }
  int socket_;
};

/// Nanoseconds for a round trip between two hosts.
inline double tcp_ping_pong(bench::two_hosts& hosts, std::uint64_t warm, std::uint64_t counted) {
  std::optional<tcp> listening;
  hosts.begin([&] { listening.emplace().listen(); });
  hosts.finish();
  hosts.begin([&] {
    const tcp calls(listening->accept());
    char slot[64];
    while (calls.receive(slot)) calls.send(slot);
  });
  double each = 0;
  {
    const tcp connection;
    connection.connect(bench::two_hosts::there);
    char slot[64] = {};
    const auto round_trip = [&] {
      connection.send(slot);
      if (!connection.receive(slot)) throw std::runtime_error("the connection broke");
    };
    for (std::uint64_t i = 0; i < warm; ++i) round_trip();
    each = bench::ns_each(counted, round_trip);
  }
  hosts.finish();
  return each;
}

}  // namespace reference

#endif
