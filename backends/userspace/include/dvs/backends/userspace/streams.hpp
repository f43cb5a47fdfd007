// SPDX-License-Identifier: MIT
/// @file
/// Byte streams of the userspace backend: TCP connections of the host on which fibers wait.
///
/// Programs that listen include this after <dvs/backends/userspace.hpp>; it brings Boost.Asio's event loop with it.
///
///     auto listener = self.listen(8080).value();
///     auto client = listener.accept().value();
#ifndef DVS_BACKENDS_USERSPACE_STREAMS_HPP
#define DVS_BACKENDS_USERSPACE_STREAMS_HPP

#include <netinet/tcp.h>

#include <boost/system/system_error.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/backends/userspace/streams_socket.hpp>
#include <dvs/stream.hpp>

namespace dvs::userspace {

/// A connection; see `dvs::byte_stream`. It belongs to the thread of the process that listened, whose fibers may all
/// use it: one may read while another writes. It may be closed while others wait, destroyed only when nobody does.
///
/// Errors common to `read_some` and `write_all`: `not_connected` (the peer is gone, or the stream was closed),
/// `would_block` (with `no_wait`), `timed_out`, `cancelled`, `shut_down`, `busy` (another fiber is reading, or
/// writing), `process_running` (the caller's process waits elsewhere), `not_bound`, `not_supported` (called on another
/// thread).
class stream {
 public:
  stream(std::unique_ptr<fiber_socket> connected, const socket_address& peer)
      : socket_(std::move(connected)), peer_(peer) {}

  /// Waits for bytes; returns how many were read, 0 at the end of the stream.
  result<std::size_t> read_some(std::span<std::byte> into, timeout limit = forever) {
    if (socket_ == nullptr) return errc::not_connected;
    std::size_t moved = 0;
    const errc outcome = socket_->perform(fiber_socket::direction::in, limit, [&] {
      ssize_t got;
      do got = ::recv(socket_->fd(), into.data(), into.size(), 0);
      while (got < 0 && errno == EINTR);
      if (got < 0) return why_not_moved(errno);
      moved = static_cast<std::size_t>(got);
      return errc::ok;
    });
    if (outcome != errc::ok) return outcome;
    return moved;
  }

  /// Returns when all bytes are with the operating system; `limit` is for all of them. After an error some may be.
  result<void> write_all(std::span<const std::byte> from, timeout limit = forever) {
    if (socket_ == nullptr) return errc::not_connected;
    const std::int64_t deadline_ns =
        limit.is_forever() || limit.is_zero() ? -1 : monotonic_ns() + limit.length().count();
    for (;;) {
      const errc outcome = socket_->perform(fiber_socket::direction::out, limit, [&] {
        ssize_t put;
        do put = ::send(socket_->fd(), from.data(), std::min(from.size(), bytes_per_turn), MSG_NOSIGNAL);
        while (put < 0 && errno == EINTR);
        if (put < 0) return why_not_moved(errno);
        from = from.subspan(static_cast<std::size_t>(put));
        return errc::ok;
      });
      if (outcome != errc::ok) return outcome;
      if (from.empty()) return {};
      if (deadline_ns < 0) continue;
      const duration left{deadline_ns - monotonic_ns()};
      if (left <= duration{0}) return errc::timed_out;
      limit = left;
    }
  }

  /// Closes the connection; those who wait for it are told `not_connected`. Closing twice does nothing.
  void close() {
    if (socket_ != nullptr) socket_->close();
  }
  /// The address and port of the other side: "192.0.2.1:4711" or "[2001:db8::1]:4711".
  [[nodiscard]] std::string peer() const { return peer_.text(); }

 private:
  static constexpr std::size_t bytes_per_turn = 256 * 1024;  ///< copied at once, while other fibers wait

  std::unique_ptr<fiber_socket> socket_;
  socket_address peer_;
};
static_assert(byte_stream<stream>);

/// A listening TCP port; see `dvs::stream_listener`. What is said of `stream` about threads and fibers holds here too.
class listener {
 public:
  listener(std::unique_ptr<fiber_socket> listening, std::uint16_t port) : socket_(std::move(listening)), port_(port) {}

  /// Waits for a connection. Errors: `table_full` (no descriptor is left: the connection stays waiting, and asking
  /// again at once is no use), and those of `stream::read_some`.
  result<stream> accept(timeout limit = forever) {
    if (socket_ == nullptr) return errc::not_connected;
    socket_address peer;
    int fd = -1;
    const errc outcome = socket_->perform(fiber_socket::direction::in, limit, [&] { return take(fd, peer); });
    if (outcome != errc::ok) return outcome;
    const int at_once = 1;  // answers are written whole: waiting for more to send only delays them
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    auto connected = std::make_unique<fiber_socket>(socket_->listened());
    if (const errc refused = connected->adopt(fd); refused != errc::ok) return refused;
    return stream(std::move(connected), peer);
  }

  /// The number of the port.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Stops listening; who waits in `accept` is told `not_connected`. Closing twice does nothing.
  void close() {
    if (socket_ != nullptr) socket_->close();
  }

 private:
  /// Takes a connection from the system's queue. One that broke while it was in the queue counts as none.
  errc take(int& fd, socket_address& peer) {
    socklen_t size = socket_address::capacity;
    fd = ::accept4(socket_->fd(), peer.raw(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return errc::ok;
    return why_not_open(errno) == errc::table_full ? errc::table_full : errc::would_block;
  }

  std::unique_ptr<fiber_socket> socket_;
  std::uint16_t port_;
};
static_assert(stream_listener<listener>);

/// A listening socket at `where`; `errc::ok` and its descriptor, or why not.
inline errc open_listening(const socket_address& where, int& fd) {
  constexpr int backlog = 1024;
  const int yes = 1, no = 0;
  fd = ::socket(where.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return why_not_open(errno);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (where.family() == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  if (::bind(fd, where.raw(), where.size()) == 0 && ::listen(fd, backlog) == 0) return errc::ok;
  const errc why = why_not_open(errno);
  ::close(fd);
  return why;
}

inline result<listener> port::listen_at(std::initializer_list<socket_address> places) {
  if (const errc refused = enter_unchecked(); refused != errc::ok) return refused;
  if (&carrier::current() != carrier_.get()) return errc::not_supported;
  try {
    auto listening = std::make_unique<fiber_socket>(broker_->port_of(id_));
    int fd = -1;
    errc outcome = errc::not_supported;
    for (const socket_address& place : places) {
      outcome = open_listening(place, fd);
      if (outcome != errc::not_supported && outcome != errc::bad_argument) break;  // a host without IPv6 has IPv4
    }
    if (outcome == errc::ok) outcome = listening->adopt(fd);
    if (outcome != errc::ok) return outcome;
    const std::uint16_t number = socket_address::of_socket(listening->fd()).port();
    return listener(std::move(listening), number);
  } catch (const boost::system::system_error&) {
    return errc::table_full;  // the event loop needs descriptors of its own
  }
}

inline result<listener> port::listen(std::uint16_t number) {
  return listen_at({socket_address::of_host(AF_INET6, number), socket_address::of_host(AF_INET, number)});
}

inline result<listener> port::listen(std::string_view address, std::uint16_t number) {
  const auto where = socket_address::from_text(address, number);
  if (!where) return where.error();
  return listen_at({*where});
}

}  // namespace dvs::userspace

#endif
