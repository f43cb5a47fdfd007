// SPDX-License-Identifier: MIT
/// @file
/// What the tests of streams share: a DC, a client outside of it, and connections between them.
#ifndef TESTS_UNIT_STREAMS_WORLD_HPP
#define TESTS_UNIT_STREAMS_WORLD_HPP

#include <array>
#include <catch2/catch.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace streams_test {

using namespace std::chrono_literals;
using dvs::errc;
using endpoint = dvs::endpoint<dvs::userspace::backend>;
using dvs::userspace::listener;
using dvs::userspace::stream;

/// Takes so long that only a hang gets there.
constexpr auto long_time = 60s;

/// The outside world: a blocking TCP client.
class client {
 public:
  explicit client(std::uint16_t port, const char* address = "127.0.0.1")
      : where_(dvs::userspace::socket_address::from_text(address, port).value()),
        fd_(::socket(where_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    connected_ = ::connect(fd_, where_.raw(), where_.size()) == 0;
  }
  client(client&& other) noexcept
      : where_(other.where_), fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  ~client() { close(); }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string address() const { return dvs::userspace::socket_address::of_socket(fd_).text(); }
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  [[nodiscard]] std::string receive(std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got = ::recv(fd_, text.data() + have, bytes - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
  }
  void no_more_bytes() const { ::shutdown(fd_, SHUT_WR); }
  /// Closes so that the other side is told of a reset.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  dvs::userspace::socket_address where_;
  int fd_;
  bool connected_ = false;
};

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Reads once; the text, or the error in angle brackets.
inline std::string read_text(stream& from, dvs::timeout limit = long_time) {
  std::array<std::byte, 4096> buffer;
  const auto got = from.read_some(buffer, limit);
  if (!got) return '<' + std::string(name_of(got.error())) + '>';
  return {reinterpret_cast<const char*>(buffer.data()), *got};
}

/// A DC in which the test itself is a process.
struct world {
  dvs::userspace::node node;
  dvs::dc<dvs::userspace::backend> dc = node.create_dc("streams");

  /// Lets fibers run until `who` waits for the outside world.
  void until_outside(endpoint& self, dvs::endpoint_id who, dvs::activity doing = dvs::activity::receiving) {
    for (;;) {
      for (const auto& row : dc.processes())
        if (row.endpoint == who && row.doing == doing && row.peer == dvs::hardware) return;
      self.yield();
    }
  }
};

/// Both ends of a connection.
struct pair_of_ends {
  client outside;
  stream inside;
};

inline pair_of_ends connect(listener& at) {
  client outside(at.port());
  return {std::move(outside), at.accept(long_time).value()};
}

}  // namespace streams_test

#endif
