// SPDX-License-Identifier: MIT
/// @file
/// What processes of two nodes see when the link between the nodes is lost and comes back, and when a node starts
/// again.
#include <catch2/catch.hpp>
#include <chrono>
#include <dvs/ipc.hpp>
#include <memory>
#include <random>
#include <set>
#include <tests/cluster/userspace_nodes.hpp>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace dvs;

constexpr endpoint_id alice{1}, bob{2}, carol{3};

struct told_number {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
};
struct increment {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};

const privileges every_right;

/// Two nodes with one DC, everything on the calling thread.
struct pair_of_nodes : two_nodes<false> {
  dvs::dc<userspace::backend> here{make_dc(0, "pair", {})};
  dvs::dc<userspace::backend> there{make_dc(1, "pair", {})};

  /// Runs `body` as a process of the first node, while the others run.
  template <class Body>
  void observe(Body body) {
    here.run(body, {.privileges = &every_right});
  }
  static bool is_doing(dvs::dc<userspace::backend>& dc, endpoint_id who, activity what) {
    for (const auto& row : dc.processes())
      if (row.endpoint == who && row.doing == what) return true;
    return false;
  }
};

template <class Self, class Condition>
void until(Self& self, Condition condition) {
  while (!condition()) REQUIRE(self.sleep_for(100us));
}

}  // namespace

TEST_CASE("whoever waits for a process of a node that is lost is told, at whatever stage") {
  pair_of_nodes w;
  std::vector<errc> told;
  REQUIRE(w.there.spawn(bob, [](auto& self) {
    const auto taken = self.receive_request();  // keeps it
    REQUIRE(taken);
    static_cast<void>(self.sleep_for(1h));
  }));
  REQUIRE(w.there.spawn(carol, [](auto& self) { static_cast<void>(self.sleep_for(1h)); }));
  w.observe([&](auto& self) { REQUIRE(self.wait_bind(carol)); });
  REQUIRE(w.here.spawn(alice, [&told](auto& self) { told.push_back(self.sendrec(bob, increment{1}).error()); }));
  w.observe([&](auto& self) {
    until(self, [&] { return pair_of_nodes::is_doing(w.here, alice, activity::awaiting_reply); });
  });
  std::array<std::byte, 8> page{};
  const auto start = [&](auto operation) {
    REQUIRE(w.here.spawn(own, [&told, operation](auto& self) { told.push_back(operation(self)); },
                         {.privileges = &every_right}));
  };
  start([](auto& self) { return self.send(carol, told_number{1}).error(); });
  start([](auto& self) { return self.sendrec(carol, increment{1}).error(); });
  start([](auto& self) { return self.receive(carol).error(); });
  w.observe([&](auto& self) {
    until(self, [&] {
      int waiting = 0;
      for (const auto& row : w.here.processes())
        waiting += row.peer == carol && (row.doing == activity::sending || row.doing == activity::receiving);
      return waiting == 3;
    });
    w.wire.cut();
    until(self, [&] { return told.size() == 4; });
    CHECK(told == std::vector<errc>(4, errc::not_connected));
    // And whoever begins now.
    CHECK(self.sendrec(carol, increment{1}).error() == errc::not_connected);
    CHECK(self.receive(carol).error() == errc::not_connected);
    CHECK(self.is_bound(carol));  // as far as anybody knows here
    CHECK(self.copy_from({carol, grant_id{1}}, page).error() == errc::not_connected);
  });
  w.there.end();
  w.here.end();
}

TEST_CASE("a request that its server had taken when the link was lost cannot be answered any more") {
  pair_of_nodes w;
  errc answered = errc::ok;
  bool over = false;
  REQUIRE(w.there.spawn(bob, [&](auto& self) {
    const auto asked = self.receive();
    REQUIRE(asked);
    w.wire.cut();
    w.wire.mend();
    while ((answered = self.reply(asked->from(), increment::reply{2}).error()) == errc::ok)
      REQUIRE(self.sleep_for(100us));
    over = true;
  }));
  w.observe([&](auto& self) {
    REQUIRE(self.wait_bind(bob));
    CHECK(self.sendrec(bob, increment{1}).error() == errc::not_connected);
    until(self, [&] { return over; });
  });
  CHECK(answered == errc::not_waiting);
}

TEST_CASE("what is sent over a link that comes and goes arrives once, or its sender is told that it may not have") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 chance(seed);
  pair_of_nodes w;
  constexpr std::uint64_t messages = 2000;
  std::multiset<std::uint64_t> arrived;
  std::set<std::uint64_t> confirmed;
  bool done = false;
  REQUIRE(w.there.spawn(bob, [&](auto& self) {
    for (;;) {
      const auto got = self.receive();
      if (!got) return;
      arrived.insert(got->template as<told_number>().n);
      if (got->is_request())
        static_cast<void>(self.reply(got->from(), increment::reply{got->template as<told_number>().n}));
    }
  }));
  w.observe([](auto& self) { REQUIRE(self.wait_bind(bob)); });
  REQUIRE(w.here.spawn(alice, [&](auto& self) {
    for (std::uint64_t n = 0; n < messages; ++n) {
      const errc outcome =
          n % 2 == 0 ? self.send(bob, told_number{n}).error() : self.sendrec(bob, increment{n}).error();
      if (outcome == errc::ok)
        confirmed.insert(n);
      else
        REQUIRE(outcome == errc::not_connected);
      if (outcome != errc::ok) REQUIRE(self.sleep_for(10us));
    }
    done = true;
  }));
  w.observe([&](auto& self) {
    while (!done) {
      w.wire.cut();
      REQUIRE(self.sleep_for(std::chrono::microseconds(chance() % 100)));
      w.wire.mend();
      REQUIRE(self.sleep_for(std::chrono::microseconds(100 + chance() % 900)));
    }
  });
  CHECK(confirmed.size() > messages / 10);
  for (std::uint64_t n = 0; n < messages; ++n) {
    CAPTURE(n);
    REQUIRE(arrived.count(n) <= 1);
    if (confirmed.contains(n)) REQUIRE(arrived.count(n) == 1);
  }
  w.there.end();
  w.here.end();
}

TEST_CASE("who died while the link was down is gone when it is up again, also if its slot has a new owner") {
  pair_of_nodes w;
  bool dies = false;
  REQUIRE(w.there.spawn(bob, [&](auto& self) { until(self, [&] { return dies; }); }));
  REQUIRE(w.there.spawn(carol, [&](auto& self) { until(self, [&] { return dies; }); }));
  w.observe([&](auto& self) {
    REQUIRE(self.wait_bind(carol));
    w.wire.cut();
    until(self, [&] { return self.sendrec(bob, increment{1}).error() == errc::not_connected; });
    dies = true;
    until(self, [&] { return w.there.info().processes == 0; });
    REQUIRE(w.there.spawn(carol, [](auto& reborn) { static_cast<void>(reborn.receive()); }));
    CHECK(self.is_bound(bob));
    bool heard = false;
    REQUIRE(w.here.spawn([&](auto& watcher) {
      CHECK(watcher.wait_unbind(carol));  // of the first of that name
      heard = true;
    }));
    w.wire.mend();
    REQUIRE(self.wait_unbind(bob));
    until(self, [&] { return heard; });
    REQUIRE(self.wait_bind(carol));
    CHECK(self.send(carol, told_number{1}));
  });
  w.there.end();
  w.here.end();
}

TEST_CASE("the processes of a node that starts again are not those of before") {
  userspace::gateway left{node_id{1}};
  auto right = std::make_unique<userspace::gateway>(node_id{2});
  userspace::node first{left};
  const auto part = [](std::uint16_t position) {
    dc_options sizes;
    sizes.span = dc_span{dc_id{7}, position, 2};
    return sizes;
  };
  auto here = first.create_dc("pair", part(0));
  {
    userspace::node second{*right};
    plain_wire<userspace::gateway> wire{left, *right};
    auto there = second.create_dc("pair", part(1));
    REQUIRE(there.spawn(bob, [](auto& self) { static_cast<void>(self.receive()); }));
    here.run([&](auto& self) {
      REQUIRE(self.wait_bind(bob));
      wire.cut();  // it crashes: nobody hears that its processes end
      until(self, [&] { return self.sendrec(bob, increment{1}).error() == errc::not_connected; });
    });
    there.end();
  }
  right = std::make_unique<userspace::gateway>(node_id{2});
  userspace::node second{*right};
  auto there = second.create_dc("pair", part(1));
  plain_wire<userspace::gateway> wire{left, *right};
  here.run(
      [&](auto& self) {
        CHECK(self.wait_unbind(bob));
        CHECK(self.sendrec(bob, increment{1}).error() == errc::peer_died);
        REQUIRE(there.spawn(bob, [](auto& reborn) { static_cast<void>(reborn.receive()); }));
        REQUIRE(self.wait_bind(bob));
        CHECK(self.send(bob, told_number{1}));
      },
      {.privileges = &every_right});
  there.end();
  here.end();
}

TEST_CASE("a DC that spans nodes needs a gateway, a number of its own, and a place among its nodes") {
  const auto refused = [](userspace::node& node, std::string_view name, const dc_span& span) {
    try {
      static_cast<void>(node.create_dc(name, {.span = span}));
    } catch (const error& why) {
      return static_cast<errc>(why.code().value());
    }
    return errc::ok;
  };
  userspace::node alone;
  CHECK(refused(alone, "one", {dc_id{7}, 0, 2}) == errc::not_supported);
  userspace::gateway gate{node_id{1}};
  userspace::node node{gate};
  auto first = node.create_dc("first", {.span = dc_span{dc_id{7}, 0, 2}});
  CHECK(refused(node, "second", {dc_id{7}, 0, 2}) == errc::exists);
  CHECK(refused(node, "third", {dc_id{8}, 2, 2}) == errc::bad_value);
}
