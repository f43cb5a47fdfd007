// SPDX-License-Identifier: MIT
/// @file
/// The bells of a carrier: who has one is told of every ring, whoever else comes and goes.
#include <catch2/catch.hpp>
#include <deque>
#include <dvs/backends/userspace.hpp>
#include <functional>

namespace {

using dvs::userspace::carrier;

struct counter final : dvs::userspace::bell_source {
  void rung() override {
    ++rings;
    if (then) then();
  }
  int rings = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("a bell that is removed twice is not given to two owners") {
  carrier here;
  counter first, second, third;
  const auto bell = here.add_bell(first);
  here.remove_bell(bell, first);
  here.remove_bell(bell, first);
  CHECK(here.add_bell(second) != here.add_bell(third));
}

TEST_CASE("a bell that its earlier owner removes late stays with its new owner") {
  carrier here;
  counter earlier, later;
  const auto bell = here.add_bell(earlier);
  here.remove_bell(bell, earlier);
  const auto again = here.add_bell(later);
  REQUIRE(again == bell);
  here.remove_bell(bell, earlier);
  here.ring(again);
  here.poll_bells();
  CHECK(later.rings == 1);
}

TEST_CASE("all who share a bell are rung, although one of them goes meanwhile") {
  carrier here;
  std::deque<counter> owners(2 * dvs::userspace::doorbell_bits<std::atomic>::bells_max);
  std::vector<std::uint32_t> bells;
  for (auto& each : owners) bells.push_back(here.add_bell(each));
  const std::size_t shares = owners.size() / 2;
  REQUIRE(bells[shares] == bells[0]);

  SECTION("the first one removes itself") {
    owners[0].then = [&] { here.remove_bell(bells[0], owners[0]); };
    here.ring(bells[0]);
    here.poll_bells();
    CHECK(owners[0].rings == 1);
    CHECK(owners[shares].rings == 1);
  }
  SECTION("the first one removes the other, which is not rung any more") {
    owners[0].then = [&] { here.remove_bell(bells[0], owners[shares]); };
    here.ring(bells[0]);
    here.poll_bells();
    CHECK(owners[0].rings == 1);
    CHECK(owners[shares].rings == 0);
  }
}
