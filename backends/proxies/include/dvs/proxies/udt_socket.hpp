// SPDX-License-Identifier: MIT
/// @file
/// UDT sockets that never wait: threads wait for them.
#ifndef DVS_PROXIES_UDT_SOCKET_HPP
#define DVS_PROXIES_UDT_SOCKET_HPP

#include <dvs/proxies/ip_address.hpp>
#include <dvs/proxies/stream_socket.hpp>
#include <dvs/proxies/udt_threads.hpp>

namespace dvs::proxies {

/// See `stream_transport`. What is sent and received goes through a pair of Unix sockets, whose other end belongs to
/// the threads.
class udt_socket : public stream_socket {
 public:
  using place = ip_place;

  udt_socket() = default;

  [[nodiscard]] static udt_socket listen(const place& here) {
    const ip_address where(here, SOCK_STREAM);
    if (!where.is_valid()) throw error(errc::bad_argument);
    udt_socket made(socket_pair{});
    made.listens_ = udt_owner<udt_listener>(std::in_place, where, made.far_end_);
    return made;
  }
  [[nodiscard]] static udt_socket connect(const place& there) {
    const ip_address where(there, SOCK_STREAM);
    if (!where.is_valid()) return {};
    udt_socket made(socket_pair{});
    made.carries_ = udt_owner<udt_connection>(std::in_place, where, made.far_end_);
    return made;
  }
  [[nodiscard]] udt_socket accept() const {
    UDTSOCKET called = UDT::INVALID_SOCK;
    if (::recv(descriptor(), &called, sizeof called, MSG_DONTWAIT) != sizeof called) return {};
    udt_socket made(socket_pair{});
    made.carries_ = udt_owner<udt_connection>(std::in_place, called, made.far_end_);
    return made;
  }

  /// The number of the port at this end.
  [[nodiscard]] std::uint16_t port() const { return listens_->port(); }

 private:
  struct socket_pair {
    socket_pair() {
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        throw error(errc::table_full);
    }
    int ends[2];
  };
  explicit udt_socket(const socket_pair& made) : stream_socket(made.ends[0]), far_end_(made.ends[1]) {}

  int far_end_ = -1;  ///< belongs to the threads
  udt_owner<udt_listener> listens_;
  udt_owner<udt_connection> carries_;
};

}  // namespace dvs::proxies

#endif
