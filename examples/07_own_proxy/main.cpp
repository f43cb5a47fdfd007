// SPDX-License-Identifier: MIT
/// @file
/// Two nodes joined by a proxy of our own: frames go through a pair of Unix sockets, one packet each.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <dvs/backends/userspace/gateway.hpp>
#include <dvs/ipc.hpp>
#include <iostream>
#include <vector>

struct add {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t a, b;
  struct reply {
    std::uint64_t sum;
  };
};
inline constexpr dvs::endpoint_id adder{1};

/// One end of the link. The socket keeps packets whole and in order, which is all that a gate asks for.
class socket_proxy final : public dvs::proxy {
 public:
  socket_proxy(dvs::gate& gate, dvs::node_id peer, int socket) : gate_(gate), peer_(peer), socket_(socket) {
    gate_.link_up(peer_, 1, *this);  // both ends live and die together: there is no other incarnation
    gate_.wake(*this);
  }
  ~socket_proxy() override {
    gate_.remove(*this);
    gate_.forget(socket_);
    ::close(socket_);
  }

  void run() override {
    for (ssize_t bytes; (bytes = ::recv(socket_, room_.data(), room_.size(), MSG_DONTWAIT)) > 0;)
      gate_.deliver(peer_, std::span(room_).first(static_cast<std::size_t>(bytes)));
    gate_.wake_when(*this, socket_, dvs::readiness::readable);
    // A frame that was taken is ours until it is sent.
    while (unsent_ > 0 || (unsent_ = gate_.next_outgoing(peer_, outgoing_)) > 0) {
      if (::send(socket_, outgoing_.data(), unsent_, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno != EAGAIN) return gate_.link_down(peer_);
        gate_.wake_when(*this, socket_, dvs::readiness::writable);
        return;
      }
      unsent_ = 0;
    }
  }

 private:
  dvs::gate& gate_;
  dvs::node_id peer_;
  int socket_;
  std::size_t unsent_ = 0;
  std::vector<std::byte> room_ = std::vector<std::byte>(dvs::frame_bytes_max);
  std::vector<std::byte> outgoing_ = std::vector<std::byte>(dvs::frame_bytes_max);
};

int main() {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return 1;

  // Both nodes are in one program here, so that it needs no second one; a gate does not know.
  dvs::userspace::gateway left(dvs::node_id{1}), right(dvs::node_id{2});
  socket_proxy left_end(left, right.self(), sockets[0]), right_end(right, left.self(), sockets[1]);
  dvs::userspace::node first(left), second(right);
  const auto part = [](std::uint16_t position) {
    return dvs::dc_options{.span = dvs::dc_span{.number = dvs::dc_id{7}, .position = position, .nodes = 2}};
  };
  auto here = first.create_dc("example", part(0));
  auto there = second.create_dc("example", part(1));

  there
      .spawn(adder,
             [](auto& self) {
               dvs::serve<dvs::protocol<add>>(self, [](const add& ask, dvs::caller) {
                 return add::reply{ask.a + ask.b};
               }).value();
             })
      .value();
  here.run([](auto& self) {
    self.wait_bind(adder).value();
    std::cout << "node 2 says " << self.sendrec(adder, add{40, 2}).value().sum << '\n';
  });
}
