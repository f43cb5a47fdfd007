// SPDX-License-Identifier: MIT
/// @file
/// The proxies: they dial again, let in who has the key, notice who begins anew, and say why they cannot listen.
#include <catch2/catch.hpp>
#include <chrono>
#include <dvs/backends/userspace/gateway.hpp>
#include <dvs/ipc.hpp>
#include <memory>
#include <optional>
#include <tests/cluster/tcp_wire.hpp>
#include <tests/cluster/udp_wire.hpp>
#include <tests/cluster/udt_wire.hpp>

namespace {

using namespace std::chrono_literals;
using namespace dvs;
using proxies::ip_place;

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
template <class Kind>
struct small_node {
  using proxy = typename Kind::proxy;

  small_node(std::uint16_t id, std::uint8_t key, ip_place where = {"127.0.0.1", 0}) : gate(node_id{id}) {
    gate.run([&] { wire.emplace(gate, keyed(key), where); });
    sizes.span = dc_span{dc_id{7}, static_cast<std::uint16_t>(id - 1), 3};
    dc.emplace(node.create_dc("proxies", sizes));
  }
  ~small_node() {
    dc.reset();
    gate.run([&] { wire.reset(); });
  }
  [[nodiscard]] ip_place place() const { return Kind::where(*wire); }
  void expect(node_id other, const ip_place& where) {
    gate.run([&] { wire->expect(other, where); });
  }
  void expect(const small_node& other) { expect(other.gate.self(), other.place()); }
  void serve() {
    REQUIRE(dc->spawn(bob, [](auto& self) {
      static_cast<void>(dvs::serve<protocol<increment>>(
          self, [](const increment& ask, caller) { return increment::reply{ask.n + 1}; }));
    }));
  }
  bool knows(const small_node& other) {
    bool known = false;
    gate.run([&] { known = gate.knows(other.gate.self()); });
    return known;
  }

  userspace::gateway gate;
  std::optional<proxy> wire;
  userspace::node node{gate};
  dc_options sizes;
  std::optional<dvs::dc<userspace::backend>> dc;
};

template <class Kind>
errc listening_fails_with(userspace::gateway& gate, const ip_place& where) {
  errc outcome = errc::ok;
  gate.run([&] {
    try {
      typename Kind::proxy(gate, keyed(1), where);
    } catch (const error& refused) {
      outcome = static_cast<errc>(refused.code().value());
    }
  });
  return outcome;
}

}  // namespace

TEMPLATE_TEST_CASE("a lost link is made again, and work goes on", "", by_tcp, by_udt, by_bad_udp) {
  small_node<TestType> one(1, 1), two(2, 1);
  two.serve();
  one.expect(two);
  one.dc->run([&](auto& self) {
    REQUIRE(self.wait_bind(bob));
    for (int round = 0; round < 3; ++round) {
      CHECK(self.sendrec(bob, increment{1}).value().n == 2);
      small_node<TestType>& loser = round % 2 == 0 ? one : two;  // either side may lose it
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

TEMPLATE_TEST_CASE("who has another key is never let in, and disturbs nobody", "", by_tcp, by_udt, by_bad_udp) {
  small_node<TestType> one(1, 1), two(2, 1), stranger(3, 99);
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

// Not for UDT, which frees the port of a program that goes on only some time after it was closed.
TEMPLATE_TEST_CASE("a node that begins anew at its old place is linked again, though nobody was told of its end", "",
                   by_tcp, by_bad_udp) {
  const bool lower = GENERATE(true, false);  // the one that dials, and the one that is dialled
  CAPTURE(lower);
  small_node<TestType> stays(lower ? 2 : 1, 1);
  std::optional<small_node<TestType>> other(std::in_place, lower ? 1 : 2, 1);
  const auto join = [&] {
    other->expect(stays);
    stays.expect(*other);
  };
  join();
  stays.serve();
  for (int run = 0; run < 3; ++run) {
    other->dc->run([&](auto& self) {
      REQUIRE(self.wait_bind(bob));
      CHECK(self.sendrec(bob, increment{1}).value().n == 2);
    });
    const ip_place where = other->place();
    other.reset();
    other.emplace(lower ? 1 : 2, 1, where);
    join();
  }
}

TEMPLATE_TEST_CASE("a proxy that cannot listen says why", "", by_tcp, by_udt, by_bad_udp) {
  userspace::gateway gate(node_id{1});
  CHECK(listening_fails_with<TestType>(gate, {"not an address", 0}) == errc::bad_argument);
  CHECK(listening_fails_with<TestType>(gate, {"192.0.2.1", 0}) == errc::no_device);
  std::optional<typename TestType::proxy> first;
  gate.run([&] { first.emplace(gate, keyed(1), ip_place{"127.0.0.1", 0}); });
  CHECK(listening_fails_with<TestType>(gate, TestType::where(*first)) == errc::busy);
  gate.run([&] { first.reset(); });
}
