// SPDX-License-Identifier: MIT
/// @file
/// A UDP socket that never waits, and moves several packets at once.
#ifndef DVS_PROXIES_UDP_SOCKET_HPP
#define DVS_PROXIES_UDP_SOCKET_HPP

#include <sys/socket.h>
#include <unistd.h>

#include <dvs/proxies/ip_address.hpp>
#include <dvs/proxies/packet_batch.hpp>

namespace dvs::proxies {

/// See `packet_transport`.
class udp_socket {
 public:
  using place = ip_place;
  using address = ip_address;

  udp_socket(const place& here, std::size_t packet_bytes) : incoming_(packet_bytes), outgoing_(packet_bytes) {
    const address where = address_of(here);
    descriptor_ = ::socket(where.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) throw error(errc::table_full);
    const int room = buffer_bytes;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (::bind(descriptor_, where.data(), where.bytes()) != 0) {
      const errc why = why_not_there();
      ::close(descriptor_);
      throw error(why);
    }
  }
  udp_socket(const udp_socket&) = delete;
  udp_socket& operator=(const udp_socket&) = delete;
  ~udp_socket() { ::close(descriptor_); }

  [[nodiscard]] static address address_of(const place& where) {
    const address made(where, SOCK_DGRAM);
    if (!made.is_valid()) throw error(errc::bad_argument);
    return made;
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// The number of the port at this end.
  [[nodiscard]] std::uint16_t port() const {
    address here;
    socklen_t bytes = address::bytes_max;
    ::getsockname(descriptor_, here.data(), &bytes);
    here.set_bytes(bytes);
    return here.port();
  }

  template <class Use>
  bool receive(Use&& use) {
    return incoming_.receive(descriptor_, use);
  }

  [[nodiscard]] bool has_room() {
    if (outgoing_.is_full()) flush();
    return !outgoing_.is_full();
  }
  [[nodiscard]] std::span<std::uint8_t> room() { return outgoing_.room(); }
  void send(const address& to, std::size_t bytes) { outgoing_.add(bytes, to); }
  void flush() { outgoing_.send(descriptor_); }

 private:
  static constexpr int buffer_bytes = 4 << 20;

  int descriptor_ = -1;
  packet_batch<address> incoming_, outgoing_;
};

}  // namespace dvs::proxies

#endif
