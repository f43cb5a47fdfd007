// SPDX-License-Identifier: MIT
/// @file
/// Links over datagrams: frames arrive once, in order and unaltered, whatever the network does; time and room have
/// bounds.
#include "link_network.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

namespace {

link_settings with(link_settings settings, bool sealed, bool lz4) {
  if (!sealed) settings.key.reset();
  settings.lz4 = lz4;
  return settings;
}

/// Sends `count` random frames each way, as the queues take them, and demands that they arrive.
void law_of_delivery(datagram_pair& pair, std::size_t count, duration time) {
  std::vector<bytes> sent[2];
  std::vector<bytes> waiting[2];
  for (const int side : {0, 1})
    for (std::size_t i = 0; i < count; ++i) waiting[side].push_back(random_frame(pair.chance, i));
  const duration end = pair.now + time;
  while (pair.got[0].size() + pair.got[1].size() < 2 * count) {
    for (const int side : {0, 1})
      while (sent[side].size() < count && pair.ends[side].send_frame(waiting[side][sent[side].size()]) == errc::ok)
        sent[side].push_back(waiting[side][sent[side].size()]);
    REQUIRE(pair.now < end);
    pair.step(end);
    REQUIRE(pair.ends[0].error() == errc::ok);
    REQUIRE(pair.ends[1].error() == errc::ok);
  }
  CHECK(pair.got[1] == sent[0]);
  CHECK(pair.got[0] == sent[1]);
}

}  // namespace

TEST_CASE("packets have the bytes that an independent program computed") {
  struct golden {
    bool sealed;
    const char* ping;
    const char* data;
    const char* ack;
  };
  const golden all[] = {
      {true, "0000000000000000a407a28bced78916277f8808d351206c255e569b9cc220cb53",
       "010000000000000050d8e73b29c26c4c7693677316fec0ea706a9b9cab63c0a2b1aa82ad843254786df4f535fbddf7d90c4b"
       "69a60e63365d5d597020de2cb440732475e37195f1f3c91db5f287",
       "00000000000000005cb592be22e96b35d88b50c1012998182d7b49e1e3f4ca32557e1ec9a37d944ba9ef843f9d2ae8385790"},
      {false, "0000000000000000e3087a8264038a32020000000000000000",
       "0100000000000000e3087a8264038a3202000000000000000028000000280000000140000003000401000000000000000000"
       "00000000000000000000000000000000000000",
       "00000000000000006a4c045ad4fd9bea0101000000002c00080000000000000000000000000002000000"},
  };
  for (const golden& each : all) {
    datagram_pair pair(with(dialling(), each.sealed, true), with(listening(), each.sealed, false));
    pair.receive(1, pair.next_packet(0));
    pair.receive(0, pair.next_packet(1));
    const bytes ping = pair.next_packet(0);
    CHECK(in_hex(ping) == each.ping);
    pair.receive(1, ping);
    REQUIRE(pair.ends[0].send_frame(small_frame()) == errc::ok);
    const bytes data = pair.next_packet(0);
    CHECK(in_hex(data) == each.data);
    pair.receive(1, data);
    CHECK(in_hex(pair.next_packet(1)) == each.ack);
    CHECK(pair.got[1] == std::vector<bytes>{small_frame()});
  }
}

TEST_CASE("frames arrive once, in order and unaltered, over networks that lose, repeat, delay and alter packets") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  const network_quality qualities[] = {
      {},
      {.lost = 5, .jitter = 300us},
      {.lost = 20, .repeated = 20, .jitter = 5ms},
      {.repeated = 50, .jitter = 50ms},
      {.lost = 10, .repeated = 5, .altered = 10, .delay = 20ms, .jitter = 20ms},
  };
  for (const network_quality& quality : qualities)
    for (const bool sealed : {true, false})
      for (const bool lz4 : {true, false}) {
        if (quality.altered > 0 && !sealed) continue;  // nobody notices that on a plain link
        CAPTURE(quality.lost, quality.repeated, quality.altered, quality.delay.count(), sealed, lz4);
        link_settings dials = with(dialling(), sealed, lz4);
        dials.packet_bytes = lz4 ? 9000 : sealed ? 1400 : packet_bytes_min;
        datagram_pair pair(dials, with(listening(), sealed, lz4));
        pair.chance.seed(seed);
        pair.quality = quality;
        REQUIRE(pair.run_until(60s, [&] { return pair.is_established(); }));
        law_of_delivery(pair, 200, 600s);
      }
}

TEST_CASE("nothing is sent twice over a network that loses nothing") {
  datagram_pair pair;
  pair.establish();
  law_of_delivery(pair, 300, 60s);
  CHECK(pair.ends[0].counters().lost == 0);
  CHECK(pair.ends[1].counters().lost == 0);
  CHECK(pair.ends[0].counters().refused == 0);
}

TEST_CASE("a greeting goes out again until it is answered, and a link begins whichever packet is lost") {
  for (int lost = 0; lost < 12; ++lost) {
    CAPTURE(lost);
    datagram_pair pair;
    int packets = 0;
    pair.passes = [&](int, const bytes&) { return packets++ != lost; };
    pair.establish();
    law_of_delivery(pair, 3, 10s);
  }
  datagram_pair cut;
  int greetings = 0;
  cut.passes = [&](int to, const bytes&) {
    greetings += to;
    return false;
  };
  cut.run_until(5001ms);
  CHECK(greetings == 5);  // at 0, 0.2, 0.6, 1.4 and 3 seconds
  CHECK(cut.ends[0].error() == errc::not_connected);
  CHECK(cut.ends[0].next_deadline() == duration::max());
}

TEST_CASE("a listener says no more than it was told before the peer has proved itself") {
  datagram_pair pair;
  std::size_t heard = 0;
  std::size_t said = 0;
  bool answered = false;
  pair.passes = [&](int to, const bytes& packet) {
    (to == 1 ? heard : said) += packet.size();
    answered = answered || to == 0;
    return to == 1 && datagram_session::is_greeting(packet);
  };
  pair.run_until(10s);
  CHECK(answered);
  CHECK(said > 0);
  CHECK(said <= heard);
}

TEST_CASE("an idle link exchanges heartbeats, lives on them, and ends without them") {
  datagram_pair pair;
  pair.establish();
  const std::uint64_t before = pair.ends[0].counters().sent;
  pair.run_until(pair.now + 60s);
  CHECK(pair.is_established());
  const std::uint64_t beats = pair.ends[0].counters().sent - before;
  CHECK(beats >= 119);
  CHECK(beats <= 122);
  const duration cut = pair.now;
  pair.passes = [](int, const bytes&) { return false; };
  pair.run_until(cut + 4400ms);
  CHECK(pair.is_established());
  pair.run_until(cut + 5001ms);
  CHECK(pair.ends[0].error() == errc::not_connected);
  CHECK(pair.ends[1].error() == errc::not_connected);
  CHECK(pair.next_packet(0).empty());
}

TEST_CASE("a link survives a cut that is shorter than the agreed time, and goes on soon after it") {
  datagram_pair pair;
  pair.establish();
  bool cut = true;
  pair.passes = [&](int, const bytes&) { return !cut; };
  for (std::uint64_t i = 0; i < 15; ++i) REQUIRE(pair.ends[0].send_frame(frame_of(60'000, i)) == errc::ok);
  const duration began = pair.now;
  pair.run_until(began + 4s);
  CHECK(pair.got[1].empty());
  cut = false;
  std::map<duration, int> bursts;
  pair.passes = [&](int to, const bytes& packet) {
    if (to == 1 && packet.size() > 1000) ++bursts[pair.now];
    return true;
  };
  CHECK(pair.run_until(began + 7s, [&] { return pair.got[1].size() == 15; }));
  CHECK(pair.run_until(began + 7s, [&] { return pair.ends[0].queued_bytes() == 0; }));
  REQUIRE(bursts.size() > 3);
  auto burst = bursts.begin();
  for (const int most : {2, 4, 8}) CHECK((burst++)->second <= most);  // what the path bears now is not known
}

TEST_CASE("a lost packet is missed when later ones arrive, without waiting for its time to run out") {
  datagram_pair pair;
  pair.establish();
  pair.quality.delay = 1ms;
  for (int warm = 0; warm < 20; ++warm) {
    REQUIRE(pair.ends[0].send_frame(small_frame()) == errc::ok);
    pair.run_until(pair.now + 20ms);
  }
  pair.got[1].clear();
  int packets = 0;
  pair.passes = [&](int to, const bytes&) { return to == 0 || packets++ != 2; };
  REQUIRE(pair.ends[0].send_frame(frame_of(15'000, 1)) == errc::ok);
  const duration began = pair.now;
  REQUIRE(pair.run_until(began + 1s, [&] { return !pair.got[1].empty(); }));
  CHECK(pair.now - began < 6ms);  // there, back, and there again
  CHECK(pair.ends[0].counters().lost == 1);
}

TEST_CASE("a sender goes no further ahead than the receiver's window") {
  datagram_pair pair;
  pair.establish();
  pair.takes_frames[1] = false;
  std::uint64_t sent = 0;
  std::size_t carried = 0;
  pair.passes = [&](int to, const bytes& packet) {
    if (to == 1) carried += packet.size();
    return true;
  };
  for (duration end = pair.now + 2s; pair.now < end; pair.step(end))
    while (pair.ends[0].send_frame(frame_of(10'000, sent)) == errc::ok) ++sent;
  CHECK(pair.ends[0].send_frame(frame_of(10'000, sent)) == errc::would_block);
  CHECK(carried > listening().window_bytes);
  CHECK(carried < listening().window_bytes * 11 / 10);
  CHECK(pair.ends[0].queued_bytes() <= dialling().queue_bytes + 20'000);
  pair.takes_frames[1] = true;
  pair.take(1);
  CHECK(pair.run_until(pair.now + 1s, [&] { return pair.got[1].size() == sent; }));
}

TEST_CASE("a sender that waits for room asks for it, should the news have been lost") {
  datagram_pair pair;
  pair.establish();
  pair.takes_frames[1] = false;
  std::uint64_t sent = 0;
  for (duration end = pair.now + 1s; pair.now < end; pair.step(end))
    while (pair.ends[0].send_frame(frame_of(10'000, sent)) == errc::ok) ++sent;
  pair.takes_frames[1] = true;
  pair.take(1);
  REQUIRE_FALSE(pair.next_packet(1).empty());  // the news, at once
  CHECK(pair.run_until(pair.now + 100ms, [&] { return pair.got[1].size() == sent; }));
}

TEST_CASE("one small frame goes out at once in one packet, and what it costs is known") {
  for (const bool sealed : {true, false}) {
    datagram_pair pair(with(dialling(), sealed, false), with(listening(), sealed, false));
    pair.establish();
    pair.run_until(pair.now + 50ms);
    REQUIRE(pair.ends[0].send_frame(small_frame()) == errc::ok);
    CHECK(pair.next_packet(0).size() == DVK_FRAME_HEADER_BYTES + 4 + 9 + (sealed ? 24 : 16));
    CHECK(pair.next_packet(0).empty());
  }
}

TEST_CASE("packets are filled, and no larger than both sides allow") {
  datagram_pair pair;
  pair.establish();
  std::size_t packets = 0;
  pair.passes = [&](int to, const bytes& packet) {
    REQUIRE(packet.size() <= 1400);
    packets += packet.size() > 1000 ? 1 : 0;
    return to >= 0;
  };
  for (std::uint64_t i = 0; i < 1000; ++i) REQUIRE(pair.ends[0].send_frame(frame_of(500, i)) == errc::ok);
  REQUIRE(pair.run_until(pair.now + 1s, [&] { return pair.got[1].size() == 1000; }));
  CHECK(packets > 500'000 / 1400);
  CHECK(packets < 500'000 / 1300);
}

TEST_CASE("a link goes on across changes of its key, also when packets change places there") {
  datagram_pair pair;
  pair.establish();
  pair.quality = {.lost = 1, .delay = 10us, .jitter = 30us};
  std::uint64_t sent = 0;
  while (pair.ends[0].counters().sent < direction_cipher::numbers_per_key * 2 + 100) {
    if (pair.ends[0].send_frame(small_frame()) == errc::ok) ++sent;
    pair.step(pair.now + 2us);
  }
  CHECK(pair.run_until(pair.now + 5s, [&] { return pair.got[1].size() == sent; }));
  CHECK(pair.is_established());
}
