// SPDX-License-Identifier: MIT
/// @file
/// Processes that share a node through a daemon, and a server that moves between two other nodes.
#include <catch2/catch.hpp>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/migrate.hpp>
#include <tests/cluster/daemon_thread.hpp>
#include <tests/cluster/tcp_wire.hpp>

using namespace dvs;
using namespace std::chrono_literals;

namespace {

constexpr endpoint_id server{1}, watcher{2};

struct question {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t number;
  struct reply {
    std::uint64_t number, place;
  };
};

template <class Self>
void serve(Self& self, std::uint64_t place) {
  while (const auto got = self.receive_request())
    static_cast<void>(self.reply(got->from(), question::reply{got->template as<question>().number + 1, place}));
}

/// Two nodes of a gateway each, and one of a daemon, all linked.
struct three_nodes {
  [[nodiscard]] static dc_options spanning(std::uint16_t position) { return {.span = dc_span{dc_id{7}, position, 3}}; }

  userspace::gateway_thread first_gate{node_id{1}}, second_gate{node_id{2}};
  daemon_thread third{node_id{3}};
  userspace::node first{*first_gate}, second{*second_gate}, part{third.path()};
  proxy_wire<by_tcp, userspace::gateway> first_to_second{*first_gate, *second_gate};
  proxy_wire<by_tcp, userspace::gateway, daemon_thread> first_to_third{*first_gate, third},
      second_to_third{*second_gate, third};
};

}  // namespace

TEST_CASE("processes at a daemon find a server of another node wherever it goes, and see no death") {
  std::atomic<bool> has_died = false, is_over = false;
  std::atomic<int> wrong = 0, asked = 0;
  std::atomic<std::uint64_t> served_by = 0;
  three_nodes w;
  auto here = w.part.create_dc("lab", three_nodes::spanning(2));
  auto one = w.first.create_dc("lab", three_nodes::spanning(0));
  auto two = w.second.create_dc("lab", three_nodes::spanning(1));
  REQUIRE(one.spawn(server, on_thread{}, [](auto& self) { serve(self, 1); }));
  REQUIRE(here.spawn(watcher, on_thread{}, [&](auto& self) {
    wrong += !self.wait_bind(server);
    if (self.wait_unbind(server)) has_died = true;
  }));
  REQUIRE(here.spawn(own, on_thread{}, [&](auto& self) {
    wrong += !self.wait_bind(server);
    for (std::uint64_t n = 0; !is_over; ++n, ++asked) {
      const auto answer = self.sendrec(server, question{n});
      wrong += !answer || answer->number != n + 1;
      if (!answer) return;
      served_by = answer->place;
    }
  }));
  here.run([&](auto& self) {
    REQUIRE(self.wait_bind(server));
    for (int moves = 0; moves < 10; ++moves) {
      auto& to = moves % 2 == 0 ? two : one;
      const node_id there{static_cast<std::uint16_t>(moves % 2 == 0 ? 2 : 1)};
      REQUIRE(to.spawn(own, on_thread{}, [&to, there](auto&) {
        const auto next = take_over(to, server);
        if (next) serve(**next, number(there));
      }));
      errc outcome;
      do {
        auto moving = migrate(one, server).value();
        outcome = moving.commit(there).error();
      } while (outcome == errc::not_waiting);
      REQUIRE(outcome == errc::ok);
      while (served_by != number(there)) wrong += !self.sleep_for(100us);
    }
    is_over = true;
    CHECK(migrate(here, server).error() == errc::not_supported);
    CHECK(take_over(here, server).error() == errc::not_supported);
  });
  CHECK(wrong == 0);
  CHECK(asked > 10);
  CHECK(!has_died);
}
