// SPDX-License-Identifier: MIT
/// @file
/// The queue of messages that somebody watches.
#include <catch2/catch.hpp>
#include <dvs/backends/userspace/trace_tap.hpp>
#include <map>
#include <thread>

using namespace dvs;
using namespace dvs::userspace;

namespace {
traced_message numbered(std::int64_t number, int writer = 0) {
  return {number, endpoint_id{writer}, trace_kind::message, {}, {}};
}
}  // namespace

TEST_CASE("a tap has what was put there, in its order, for several rounds") {
  trace_tap tap;
  CHECK(!tap.take());
  std::int64_t in = 0, out = 0;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 3000; ++i) tap.put(numbered(in++));
    while (const auto next = tap.take()) REQUIRE(next->when_ns == out++);
  }
  CHECK(out == in);
  CHECK(tap.take_lost() == 0);
}

TEST_CASE("a tap that is full loses what is put there, and counts it") {
  trace_tap tap;
  for (std::size_t i = 0; i < trace_tap::places + 7; ++i) tap.put(numbered(static_cast<std::int64_t>(i)));
  CHECK(tap.take_lost() == 7);
  CHECK(tap.take_lost() == 0);
  CHECK(tap.take()->when_ns == 0);
  tap.put(numbered(-1));
  tap.put(numbered(-2));
  CHECK(tap.take_lost() == 1);
  tap.clear();
  CHECK(!tap.take());
  tap.put(numbered(3));
  CHECK(tap.take()->when_ns == 3);
}

TEST_CASE("of what several threads put into a tap each message comes once, in its thread's order, or is counted") {
  constexpr int writers = 3;
  constexpr std::int64_t each_writes = 20'000;
  trace_tap tap;
  std::atomic<int> running{writers};
  std::vector<std::thread> threads;
  for (int who = 0; who < writers; ++who)
    threads.emplace_back([&, who] {
      for (std::int64_t i = 1; i <= each_writes; ++i) tap.put(numbered(i, who));
      --running;
    });
  std::map<endpoint_id, std::int64_t> last;
  std::int64_t came = 0;
  for (bool is_over = false; !is_over;) {
    is_over = running == 0;
    while (const auto next = tap.take()) {
      CHECK(next->when_ns > last[next->to]);
      last[next->to] = next->when_ns;
      ++came;
    }
  }
  for (auto& each : threads) each.join();
  CHECK(came + tap.take_lost() == writers * each_writes);
}
