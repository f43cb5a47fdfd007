// SPDX-License-Identifier: MIT
/// @file
/// Addresses of hosts in numbers, and what the system says when one cannot be used.
#ifndef DVS_PROXIES_IP_ADDRESS_HPP
#define DVS_PROXIES_IP_ADDRESS_HPP

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <compare>
#include <cstdint>
#include <cstring>
#include <dvs/error.hpp>
#include <string>

namespace dvs::proxies {

/// Where a node is reached, as a user writes it.
struct ip_place {
  std::string host;  ///< an IPv4 or IPv6 address in numbers
  std::uint16_t port = 0;
};

/// The same, as the system wants it.
class ip_address {
 public:
  ip_address() = default;
  /// Errors: none; an address that is none is not valid.
  ip_address(const ip_place& where, int socket_type) {
    addrinfo wanted{};
    wanted.ai_socktype = socket_type;
    wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    addrinfo* found = nullptr;
    if (::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &wanted, &found) != 0) return;
    std::memcpy(&storage_, found->ai_addr, found->ai_addrlen);
    bytes_ = found->ai_addrlen;
    ::freeaddrinfo(found);
  }

  [[nodiscard]] bool is_valid() const { return bytes_ != 0; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] std::uint16_t port() const {
    return ntohs(family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port
                                      : reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  }
  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t bytes() const { return bytes_; }
  void set_bytes(socklen_t bytes) { bytes_ = bytes; }
  static constexpr socklen_t bytes_max = sizeof(sockaddr_storage);

  friend std::strong_ordering operator<=>(const ip_address& a, const ip_address& b) {
    if (a.bytes_ != b.bytes_) return a.bytes_ <=> b.bytes_;
    return std::memcmp(&a.storage_, &b.storage_, a.bytes_) <=> 0;
  }
  friend bool operator==(const ip_address& a, const ip_address& b) { return (a <=> b) == 0; }

 private:
  sockaddr_storage storage_{};
  socklen_t bytes_ = 0;
};

/// Why the system does not let us receive at an address: `errno`, as an error of ours.
[[nodiscard]] inline errc why_not_there() {
  switch (errno) {
    case EADDRINUSE:
      return errc::busy;
    case EACCES:
    case EPERM:
      return errc::access_denied;
    case EADDRNOTAVAIL:
    case ENODEV:
      return errc::no_device;
    default:
      return errc::io_error;
  }
}

}  // namespace dvs::proxies

#endif
