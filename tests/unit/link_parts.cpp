// SPDX-License-Identifier: MIT
/// @file
/// The parts of links that have laws of their own: sets of numbers, queues of bytes, and the estimates of a path.
#include <deque>
#include <dvs/proxies/congestion_window.hpp>
#include <dvs/proxies/packet_receipts.hpp>
#include <dvs/proxies/round_trip.hpp>
#include <set>

#include "link_support.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

TEST_CASE("ranges of numbers are a set of numbers") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  for (int round = 0; round < 200; ++round) {
    number_ranges ranges;
    std::set<std::uint64_t> model;
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t first = chance() % 100;
      const number_range added{first, first + 1 + chance() % 8};
      const std::size_t expected = ranges.size_with(added);
      ranges.add(added);
      for (std::uint64_t n = added.first; n < added.end; ++n) model.insert(n);
      REQUIRE(ranges.size() == expected);
      for (std::uint64_t n = 0; n < 110; ++n) REQUIRE(ranges.contains(n) == (model.count(n) == 1));
      for (std::size_t i = 1; i < ranges.size(); ++i) REQUIRE(ranges[i - 1].end < ranges[i].first);
      if (chance() % 10 == 0) {
        model.erase(model.begin(), model.lower_bound(ranges.front().end));
        ranges.pop_front();
      }
    }
  }
}

TEST_CASE("a queue of bytes gives back what was put in, from the front and from anywhere") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  byte_queue queue(64);
  std::deque<std::uint8_t> model;
  for (int step = 0; step < 50'000; ++step) {
    if (chance() % 2 == 0 && model.size() < 500) {
      const std::size_t count = 1 + chance() % 64;
      std::uint8_t* const place = queue.place_for(count);
      for (std::size_t i = 0; i < count; ++i) {
        place[i] = static_cast<std::uint8_t>(chance());
        model.push_back(place[i]);
      }
      queue.put(count);
    } else {
      const std::size_t count = chance() % (model.size() + 1);
      queue.pop(count);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
      if (chance() % 2 == 0) queue.rewind();
    }
    REQUIRE(queue.size() == model.size());
    const byte_view front = queue.front();
    REQUIRE(front.empty() == model.empty());
    REQUIRE(std::equal(front.begin(), front.end(), model.begin()));
    if (model.empty()) continue;
    const std::size_t from = chance() % model.size();
    bytes part(1 + chance() % (model.size() - from));
    queue.read(queue.begin() + from, part);
    REQUIRE(std::equal(part.begin(), part.end(), model.begin() + static_cast<std::ptrdiff_t>(from)));
  }
}

TEST_CASE("a congestion window doubles, halves once for what was under way, and then grows by a packet") {
  congestion_window window(1000, 1 << 20);
  const std::size_t begin = window.bytes();
  CHECK(begin == 16'000);
  window.acknowledged(begin, begin);
  CHECK(window.bytes() == 2 * begin);
  window.acknowledged(begin, begin / 2);
  CHECK(window.bytes() == 2 * begin);  // it was not used
  window.lost(10, 50);
  CHECK(window.bytes() == begin);
  window.lost(49, 60);
  CHECK(window.bytes() == begin);
  window.acknowledged(begin, begin);
  CHECK(window.bytes() == begin + 1000);
  window.lost(50, 70);
  CHECK(window.bytes() == (begin + 1000) / 2);
  window.collapse();
  CHECK(window.bytes() == 2000);
  window.lost(80, 90);
  CHECK(window.bytes() == 2000);
  for (int i = 0; i < 10'000; ++i) window.acknowledged(window.bytes(), window.bytes());
  CHECK(window.bytes() == 1 << 20);
}

TEST_CASE("a round trip is estimated without the time that the peer waited") {
  round_trip path;
  CHECK(path.until_missed() == 302ms);
  path.measure(10ms, 0ms);
  CHECK(path.until_missed() == 32ms);
  for (int i = 0; i < 100; ++i) path.measure(15ms, 5ms);
  CHECK(path.until_missed() < 13ms);
  CHECK(path.until_overtaken() == 11'250us);
  path.measure(10ms, 5ms);  // no path is shorter than the shortest
  CHECK(path.until_overtaken() == 11'250us);
  for (int i = 0; i < 100; ++i) path.measure(1us, 0ms);
  CHECK(path.until_missed() == 10ms);
  CHECK(path.until_overtaken() == 1ms);
}

TEST_CASE(
    "what arrives is acknowledged: the second packet at once, one out of order at once, one alone a little later") {
  packet_receipts receipts;
  CHECK(receipts.due() == duration::max());
  receipts.arrived(0, false, 1ms);
  CHECK(receipts.due() == duration::max());
  receipts.arrived(1, true, 1ms);
  CHECK(receipts.due() == 3ms);
  receipts.arrived(2, true, 2ms);
  CHECK(receipts.due() == 2ms);
  const packet_ack first = receipts.say(1000, 5ms);
  CHECK(first.count == 1);
  CHECK(first.ranges[0] == number_range{0, 3});
  CHECK(first.delay_us == 3000);
  CHECK(receipts.due() == duration::max());
  receipts.arrived(7, true, 6ms);
  CHECK(receipts.due() == 6ms);
  const packet_ack second = receipts.say(1000, 6ms);
  CHECK(second.count == 2);
  CHECK(second.ranges[0] == number_range{7, 8});
  CHECK(receipts.say(packet_ack::head_bytes + packet_ack::range_bytes, 6ms).count == 1);
}
