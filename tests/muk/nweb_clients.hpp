// SPDX-License-Identifier: MIT
/// @file
/// Clients of a web server on this host: curl, and a socket that says what it likes.
#ifndef DVS_TESTS_MUK_NWEB_CLIENTS_HPP
#define DVS_TESTS_MUK_NWEB_CLIENTS_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace nweb_test {

/// What curl prints when it is called with `arguments`; `URL` stands for the address of the server.
inline std::string curl(std::uint16_t port, std::string arguments) {
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  for (std::size_t at = arguments.find("URL"); at != std::string::npos; at = arguments.find("URL", at + url.size()))
    arguments.replace(at, 3, url);
  FILE* const pipe = ::popen(("curl --silent --max-time 60 --noproxy '*' --path-as-is " + arguments).c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("curl cannot be started");  // Catch2 takes no word from threads
  std::string got;
  std::array<char, 65536> part;
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe)) got.append(part.data(), n);
  if (::pclose(pipe) != 0) throw std::runtime_error("curl failed: " + arguments);
  return got;
}

/// A client that says what it likes.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  }
  raw_client(raw_client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~raw_client() {
    if (socket_ >= 0) ::close(socket_);
  }
  void say(std::string_view text) {
    REQUIRE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  void say_no_more() { ::shutdown(socket_, SHUT_WR); }
  /// Everything until the server closes.
  std::string hear() {
    std::string got;
    std::array<char, 65536> part;
    for (;;) {
      const ssize_t n = ::recv(socket_, part.data(), part.size(), 0);
      REQUIRE(n >= 0);
      if (n == 0) return got;
      got.append(part.data(), static_cast<std::size_t>(n));
    }
  }

 private:
  int socket_;
};

/// Asks for the first page, and for nothing more on this connection.
constexpr std::string_view last_request = "GET / HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n";

}  // namespace nweb_test

#endif
