// SPDX-License-Identifier: MIT
/// @file
/// TCP sockets that never wait.
#ifndef DVS_PROXIES_TCP_SOCKET_HPP
#define DVS_PROXIES_TCP_SOCKET_HPP

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <dvs/error.hpp>
#include <dvs/result.hpp>
#include <span>
#include <string>
#include <utility>

namespace dvs::proxies {

/// A listening socket or a connection. Closed when it goes.
class tcp_socket {
 public:
  tcp_socket() = default;
  explicit tcp_socket(int descriptor) : descriptor_(descriptor) {}
  tcp_socket(tcp_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  tcp_socket& operator=(tcp_socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~tcp_socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Listens at an address in numbers. Throws `dvs::error`: see `tcp_proxy`.
  [[nodiscard]] static tcp_socket listen(const std::string& host, std::uint16_t port) {
    const resolved where(host, port);
    if (where.first == nullptr) throw error(errc::bad_argument);
    tcp_socket made = open(*where.first);
    const int yes = 1;
    ::setsockopt(made.descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    constexpr int backlog = 64;
    if (::bind(made.descriptor_, where.first->ai_addr, where.first->ai_addrlen) != 0 ||
        ::listen(made.descriptor_, backlog) != 0)
      throw error(errno == EADDRINUSE      ? errc::busy
                  : errno == EACCES        ? errc::access_denied
                  : errno == EADDRNOTAVAIL ? errc::no_device
                                           : errc::io_error);
    return made;
  }
  /// Begins to connect; `connected` tells how that ends. Not valid if it cannot even begin.
  [[nodiscard]] static tcp_socket connect(const std::string& host, std::uint16_t port) {
    const resolved where(host, port);
    if (where.first == nullptr) return {};
    tcp_socket made = open(*where.first);
    if (::connect(made.descriptor_, where.first->ai_addr, where.first->ai_addrlen) != 0 && errno != EINPROGRESS)
      return {};
    return made;
  }

  [[nodiscard]] bool is_valid() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// The number of the port at this end.
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_storage address{};
    socklen_t bytes = sizeof address;
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &bytes);
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<sockaddr_in&>(address).sin_port);
  }

  /// Whether `connect` has succeeded: `ok`, `would_block` (not yet), `not_connected`.
  [[nodiscard]] errc connected() const {
    pollfd look{descriptor_, POLLOUT, 0};
    if (::poll(&look, 1, 0) == 0) return errc::would_block;
    int problem = 0;
    socklen_t bytes = sizeof problem;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &problem, &bytes);
    return problem == 0 ? errc::ok : errc::not_connected;
  }
  /// The next who calls; not valid if nobody does.
  [[nodiscard]] tcp_socket accept() const {
    tcp_socket caller(::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (caller.is_valid()) caller.set_up();
    return caller;
  }

  /// How many bytes were read, 0 at the end. Errors: `would_block`, `not_connected`.
  [[nodiscard]] result<std::size_t> receive(std::span<std::uint8_t> into) const {
    ssize_t got;
    do got = ::recv(descriptor_, into.data(), into.size(), 0);
    while (got < 0 && errno == EINTR);
    if (got >= 0) return static_cast<std::size_t>(got);
    return why_not();
  }
  /// How many bytes were taken. Errors: `would_block`, `not_connected`.
  [[nodiscard]] result<std::size_t> send(std::span<const std::uint8_t> from) const {
    ssize_t put;
    do put = ::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put >= 0) return static_cast<std::size_t>(put);
    return why_not();
  }

 private:
  struct resolved {
    resolved(const std::string& host, std::uint16_t port) {
      addrinfo wanted{};
      wanted.ai_socktype = SOCK_STREAM;
      wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
      const std::string service = std::to_string(port);
      if (::getaddrinfo(host.c_str(), service.c_str(), &wanted, &first) != 0) first = nullptr;
    }
    resolved(const resolved&) = delete;
    resolved& operator=(const resolved&) = delete;
    ~resolved() {
      if (first != nullptr) ::freeaddrinfo(first);
    }
    addrinfo* first = nullptr;
  };

  static tcp_socket open(const addrinfo& where) {
    tcp_socket made(::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made.is_valid()) throw error(errc::table_full);
    made.set_up();
    return made;
  }
  /// Frames go out at once: they were batched already.
  void set_up() const {
    const int yes = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  static errc why_not() { return errno == EAGAIN || errno == EWOULDBLOCK ? errc::would_block : errc::not_connected; }

  int descriptor_ = -1;
};

}  // namespace dvs::proxies

#endif
