// SPDX-License-Identifier: MIT
/// @file
/// The TCP proxy: it dials again, lets in who has the key, and says why it cannot listen.
#include <catch2/catch.hpp>
#include <chrono>
#include <dvs/backends/userspace/gateway.hpp>
#include <dvs/ipc.hpp>
#include <dvs/proxies/tcp_proxy.hpp>
#include <optional>

namespace {

using namespace std::chrono_literals;
using namespace dvs;
using proxies::tcp_address;
using proxies::tcp_proxy;

constexpr endpoint_id bob{2};

struct increment {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};

proxies::link_settings keyed(std::uint8_t with) {
  proxies::link_settings how;
  how.key.emplace();
  how.key->fill(with);
  how.heartbeat = 20ms;
  how.dead_after = 200ms;
  return how;
}

/// A node on the calling thread with one proxy, and a server that adds one.
struct tcp_node {
  tcp_node(std::uint16_t id, std::uint8_t key) : gate(node_id{id}) {
    gate.run([&] { wire.emplace(gate, keyed(key), tcp_address{"127.0.0.1", 0}); });
    sizes.span = dc_span{dc_id{7}, static_cast<std::uint16_t>(id - 1), 3};
    dc.emplace(node.create_dc("tcp", sizes));
  }
  ~tcp_node() {
    dc.reset();
    gate.run([&] { wire.reset(); });
  }
  void expect(tcp_node& other) {
    gate.run([&] { wire->expect(other.gate.self(), {"127.0.0.1", other.wire->port()}); });
  }
  void serve() {
    REQUIRE(dc->spawn(bob, [](auto& self) {
      static_cast<void>(dvs::serve<protocol<increment>>(
          self, [](const increment& ask, caller) { return increment::reply{ask.n + 1}; }));
    }));
  }
  bool knows(const tcp_node& other) {
    bool known = false;
    gate.run([&] { known = gate.knows(other.gate.self()); });
    return known;
  }

  userspace::gateway gate;
  std::optional<tcp_proxy> wire;
  userspace::node node{gate};
  dc_options sizes;
  std::optional<dvs::dc<userspace::backend>> dc;
};

errc listening_fails_with(userspace::gateway& gate, const tcp_address& where) {
  errc outcome = errc::ok;
  gate.run([&] {
    try {
      tcp_proxy(gate, keyed(1), where);
    } catch (const error& refused) {
      outcome = static_cast<errc>(refused.code().value());
    }
  });
  return outcome;
}

}  // namespace

TEST_CASE("a lost connection is dialled again, and work goes on") {
  tcp_node one(1, 1), two(2, 1);
  two.serve();
  one.expect(two);
  one.dc->run([&](auto& self) {
    REQUIRE(self.wait_bind(bob));
    for (int round = 0; round < 3; ++round) {
      CHECK(self.sendrec(bob, increment{1}).value().n == 2);
      tcp_node& loser = round % 2 == 0 ? one : two;  // either side may lose it
      loser.gate.run([&] { loser.wire->drop(round % 2 == 0 ? two.gate.self() : one.gate.self()); });
      for (;;) {
        const auto answer = self.sendrec(bob, increment{1});
        if (answer) break;
        REQUIRE(answer.error() == errc::not_connected);
        REQUIRE(self.sleep_for(1ms));
      }
    }
  });
}

TEST_CASE("who has another key is never let in, and disturbs nobody") {
  tcp_node one(1, 1), two(2, 1), stranger(3, 99);
  two.serve();
  one.expect(two);
  one.expect(stranger);
  two.expect(stranger);
  one.dc->run([&](auto& self) {
    REQUIRE(self.wait_bind(bob));
    const duration begin = self.now();
    while (self.now() - begin < 300ms) CHECK(self.sendrec(bob, increment{1}).value().n == 2);
  });
  CHECK(one.knows(two));
  CHECK_FALSE(one.knows(stranger));
  CHECK_FALSE(two.knows(stranger));
  CHECK_FALSE(stranger.knows(one));
}

TEST_CASE("a proxy that cannot listen says why") {
  userspace::gateway gate(node_id{1});
  CHECK(listening_fails_with(gate, {"not an address", 0}) == errc::bad_argument);
  CHECK(listening_fails_with(gate, {"192.0.2.1", 0}) == errc::no_device);
  std::optional<tcp_proxy> first;
  gate.run([&] { first.emplace(gate, keyed(1), tcp_address{"127.0.0.1", 0}); });
  CHECK(listening_fails_with(gate, {"127.0.0.1", first->port()}) == errc::busy);
  gate.run([&] { first.reset(); });
}
