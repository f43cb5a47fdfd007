// SPDX-License-Identifier: MIT
/// @file
/// Two endpoints in one process, no set-up.
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <iostream>

struct ping {
  static constexpr std::uint32_t opcode = 1;  // part of the wire format: never renumbered, never reused
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};
struct server {
  ping::reply on(const ping& ask, dvs::caller) { return {ask.n + 1}; }
};
constexpr dvs::endpoint_id ponger{1};

int main() {
  dvs::userspace::node node;  // the broker is linked in: no daemon, no privileges
  auto dc = node.create_dc("demo");

  // A fiber; dvs::on_thread{} before the body makes it a thread.
  dc.spawn(ponger, [](auto& self) { dvs::serve<dvs::protocol<ping>>(self, server{}).value(); }).value();

  dc.run([](auto& self) {  // an unnamed client; returns when it does
    std::cout << self.sendrec(ponger, ping{41}).value().n << '\n';
  });
}  // leaving scope ends the DC: its servers are told, then joined
