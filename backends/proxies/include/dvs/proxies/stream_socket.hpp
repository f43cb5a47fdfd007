// SPDX-License-Identifier: MIT
/// @file
/// What connections of the system have in common.
#ifndef DVS_PROXIES_STREAM_SOCKET_HPP
#define DVS_PROXIES_STREAM_SOCKET_HPP

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <dvs/error.hpp>
#include <dvs/result.hpp>
#include <span>
#include <utility>

namespace dvs::proxies {

/// A listening socket or a connection that never waits; see `stream_transport`. Closed when it goes.
class stream_socket {
 public:
  [[nodiscard]] bool is_valid() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// Whether `connect` has succeeded: `ok`, `would_block` (not yet), `not_connected`.
  [[nodiscard]] errc connected() const {
    pollfd look{descriptor_, POLLOUT, 0};
    if (::poll(&look, 1, 0) == 0) return errc::would_block;
    int problem = 0;
    socklen_t bytes = sizeof problem;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &problem, &bytes);
    return problem == 0 ? errc::ok : errc::not_connected;
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

 protected:
  stream_socket() = default;
  explicit stream_socket(int descriptor) : descriptor_(descriptor) {}
  stream_socket(stream_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  stream_socket& operator=(stream_socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~stream_socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  static constexpr int backlog = 64;
  [[nodiscard]] int accept_descriptor() const {
    return ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }

 private:
  static errc why_not() { return errno == EAGAIN || errno == EWOULDBLOCK ? errc::would_block : errc::not_connected; }

  int descriptor_ = -1;
};

}  // namespace dvs::proxies

#endif
