// SPDX-License-Identifier: MIT
/// @file
/// Addresses of TCP, and what the errors of the system's sockets are called here.
#ifndef DVS_BACKENDS_USERSPACE_STREAMS_ADDRESS_HPP
#define DVS_BACKENDS_USERSPACE_STREAMS_ADDRESS_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <dvs/result.hpp>
#include <string>
#include <string_view>

namespace dvs::userspace {

/// An IPv4 or IPv6 address with a port.
class socket_address {
 public:
  /// All addresses of the host: of both families when `family` is AF_INET6.
  [[nodiscard]] static socket_address of_host(int family, std::uint16_t port) {
    socket_address made;
    made.storage_.ss_family = static_cast<sa_family_t>(family);  // the address of all zeros means every one
    made.set_port(port);
    return made;
  }
  /// Reads "127.0.0.1" or "::1". Errors: `bad_argument`.
  [[nodiscard]] static result<socket_address> from_text(std::string_view text, std::uint16_t port) {
    const std::string terminated(text);
    for (const int family : {AF_INET, AF_INET6}) {
      socket_address made = of_host(family, port);
      if (::inet_pton(family, terminated.c_str(), made.number()) == 1) return made;
    }
    return errc::bad_argument;
  }
  /// The address to which the socket `fd` is bound.
  [[nodiscard]] static socket_address of_socket(int fd) {
    socket_address made;
    socklen_t size = sizeof made.storage_;
    ::getsockname(fd, made.raw(), &size);
    return made;
  }

  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  static constexpr socklen_t capacity = sizeof(sockaddr_storage);

  [[nodiscard]] std::uint16_t port() const {
    return ntohs(family() == AF_INET6 ? as<sockaddr_in6>().sin6_port : as<sockaddr_in>().sin_port);
  }
  /// "127.0.0.1:80" or "[::1]:80"; an IPv4 address that came in over IPv6 is written as the IPv4 address it is.
  [[nodiscard]] std::string text() const {
    char digits[INET6_ADDRSTRLEN] = "";
    std::string made;
    if (family() == AF_INET6) {
      const in6_addr address = as<sockaddr_in6>().sin6_addr;
      if (IN6_IS_ADDR_V4MAPPED(&address)) {
        ::inet_ntop(AF_INET, address.s6_addr + 12, digits, sizeof digits);
        made = digits;
      } else {
        ::inet_ntop(AF_INET6, &address, digits, sizeof digits);
        made = '[' + std::string(digits) + ']';
      }
    } else {
      const in_addr address = as<sockaddr_in>().sin_addr;
      ::inet_ntop(AF_INET, &address, digits, sizeof digits);
      made = digits;
    }
    return made + ':' + std::to_string(port());
  }

 private:
  template <class Form>
  [[nodiscard]] Form as() const {
    Form form;
    std::memcpy(&form, &storage_, sizeof form);
    return form;
  }
  [[nodiscard]] void* number() {
    const std::size_t offset =
        family() == AF_INET6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr);
    return reinterpret_cast<char*>(&storage_) + offset;
  }
  void set_port(std::uint16_t port) {
    static_assert(offsetof(sockaddr_in6, sin6_port) == offsetof(sockaddr_in, sin_port));
    const std::uint16_t ordered = htons(port);
    std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &ordered, sizeof ordered);
  }

  sockaddr_storage storage_{};
};

/// What it means when a socket cannot be made, bound or listened on.
[[nodiscard]] inline errc why_not_open(int system_error) {
  switch (system_error) {
    case EADDRINUSE:
      return errc::busy;
    case EACCES:
    case EPERM:
      return errc::access_denied;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
      return errc::table_full;
    case EAFNOSUPPORT:
      return errc::not_supported;
    default:
      return errc::bad_argument;  // an address that this host does not have
  }
}

/// What it means when a connection takes or gives no bytes.
[[nodiscard]] inline errc why_not_moved(int system_error) {
  switch (system_error) {
    case EAGAIN:
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
      return errc::would_block;
    case ENOBUFS:
    case ENOMEM:
      return errc::no_memory;
    default:
      return errc::not_connected;
  }
}

}  // namespace dvs::userspace

#endif
