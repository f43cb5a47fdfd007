// SPDX-License-Identifier: MIT
/// @file
/// The laws of the timer list.
#include <catch2/catch.hpp>
#include <muk/clock/timers.hpp>
#include <random>
#include <vector>

namespace {
using namespace std::chrono_literals;
using timers = muk::clock::timers<int>;
}  // namespace

TEST_CASE("alarms expire in the order of their times, and each only once") {
  timers all;
  all.set(1, 30ns);
  all.set(2, 10ns);
  all.set(3, 20ns);
  CHECK(all.earliest() == 10ns);
  CHECK_FALSE(all.take_expired(9ns));
  CHECK(all.take_expired(25ns) == 2);
  CHECK(all.take_expired(25ns) == 3);
  CHECK_FALSE(all.take_expired(25ns));
  CHECK(all.take_expired(30ns) == 1);
  CHECK_FALSE(all.earliest());
}

TEST_CASE("an owner has one alarm: a new one replaces it, and it can be taken back") {
  timers all;
  all.set(1, 30ns);
  all.set(1, 50ns);
  CHECK(all.left(1, 20ns) == 30ns);
  CHECK_FALSE(all.take_expired(40ns));
  all.cancel(1);
  all.cancel(1);
  CHECK_FALSE(all.left(1, 0ns));
  CHECK_FALSE(all.take_expired(60ns));
}

TEST_CASE("nothing is left of an alarm whose time has come") {
  timers all;
  all.set(1, 30ns);
  CHECK(all.left(1, 31ns) == 0ns);
}

TEST_CASE("the list agrees with a list that is searched from end to end") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 chance(seed);
  timers all;
  std::vector<long> model(50, -1);
  for (int step = 0; step < 20'000; ++step) {
    const auto owner = static_cast<int>(chance() % model.size());
    const auto slot = static_cast<std::size_t>(owner);
    const long time = static_cast<long>(chance() % 1'000);
    switch (chance() % 3) {
      case 0:
        all.set(owner, std::chrono::nanoseconds(time));
        model[slot] = time;
        break;
      case 1:
        all.cancel(owner);
        model[slot] = -1;
        break;
      default: {
        long first = -1;
        for (const long each : model)
          if (each >= 0 && (first < 0 || each < first)) first = each;
        const auto taken = all.take_expired(std::chrono::nanoseconds(time));
        REQUIRE(taken.has_value() == (first >= 0 && first <= time));
        if (taken) {
          REQUIRE(model[static_cast<std::size_t>(*taken)] == first);
          model[static_cast<std::size_t>(*taken)] = -1;
        }
      }
    }
  }
}
