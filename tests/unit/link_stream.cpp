// SPDX-License-Identifier: MIT
/// @file
/// Links over streams: frames arrive once, in order and unaltered; time and room have their bounds.
#include "link_support.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

namespace {

stream_pair established(const link_settings& dials = dialling(), const link_settings& listens = listening()) {
  stream_pair pair(dials, listens);
  pair.exchange();
  REQUIRE(pair.dialler.is_established());
  REQUIRE(pair.listener.is_established());
  return pair;
}

struct variant {
  bool sealed;
  bool lz4;
};
constexpr variant variants[] = {{true, false}, {true, true}, {false, false}, {false, true}};

link_settings with(link_settings settings, variant v) {
  if (!v.sealed) settings.key.reset();
  settings.lz4 = v.lz4;
  return settings;
}

/// Bytes on their way, which come out in pieces of any size.
struct wire {
  bytes held{};

  void carry(std::mt19937_64& chance, stream_session& from, stream_session& to, duration now) {
    const byte_view out = from.outgoing();
    const std::size_t sent = out.empty() ? 0 : chance() % (out.size() + 1);
    held.insert(held.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(sent));
    from.consumed(sent, now);
    const std::size_t there = chance() % 2 == 0 ? held.size() : chance() % (held.size() + 1);
    const auto taken = to.receive(byte_view(held).first(there), now);
    REQUIRE(taken);
    held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(*taken));
  }
};

}  // namespace

TEST_CASE("frames arrive once, in order and unaltered, however the transport cuts the bytes") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  for (const variant v : variants) {
    CAPTURE(v.sealed, v.lz4);
    stream_pair pair(with(dialling(), v), with(listening(), v));
    stream_session* const ends[] = {&pair.dialler, &pair.listener};
    std::vector<bytes>* const got[] = {&pair.at_dialler, &pair.at_listener};
    std::vector<bytes> sent[2];
    wire wires[2];
    while (pair.at_dialler.size() < 300 || pair.at_listener.size() < 300) {
      for (const std::size_t side : {0, 1}) {
        const bytes frame = random_frame(chance, sent[side].size());
        if (chance() % 3 == 0 && sent[side].size() < 300 && ends[side]->send_frame(frame) == errc::ok)
          sent[side].push_back(frame);
        wires[side].carry(chance, *ends[side], *ends[1 - side], pair.now);
        if (chance() % 2 == 0) stream_pair::take_frames(*ends[side], *got[side]);
      }
      REQUIRE(pair.dialler.error() == errc::ok);
      REQUIRE(pair.listener.error() == errc::ok);
    }
    CHECK(pair.at_listener == sent[0]);
    CHECK(pair.at_dialler == sent[1]);
  }
}

TEST_CASE("records have the bytes that an independent program computed, also under a later key") {
  stream_pair pair = established();
  stream_pair fresh;
  fresh.feed(fresh.listener, fresh.at_listener, fresh.drain(fresh.dialler));
  fresh.feed(fresh.dialler, fresh.at_dialler, fresh.drain(fresh.listener));
  CHECK(in_hex(fresh.drain(fresh.dialler)) == "100000007d90f893358987a77526114dd9c2b6d5");

  const bytes frame = small_frame();
  REQUIRE(pair.dialler.send_frame(frame) == errc::ok);
  CHECK(in_hex(pair.drain(pair.dialler)) ==
        "38000000f453b724300985d5ec9b7022b98d5c458318e873ecf232c762f211ed7be021c03c65be3513c0d50df9a07df16b60"
        "26d26d4d4a17d8a7a61a");
  REQUIRE(pair.listener.send_frame(frame) == errc::ok);
  CHECK(in_hex(pair.drain(pair.listener)) ==
        "3800000018ee6ec0fc6440e36362772149cc376d9bc0ea63ac80fe0aad1b3f45215bc58ff2f2a45ec016358c037d8f355b19"
        "1b81fcecc1d0375f973a");
  bytes last;
  for (std::uint64_t number = 2; number <= direction_cipher::numbers_per_key; ++number) {
    REQUIRE(pair.dialler.send_frame(frame) == errc::ok);
    last = pair.drain(pair.dialler);
  }
  CHECK(in_hex(last) ==
        "380000009464242493b2bcc79f64f7470a7037cd270071a25a7409fded589c1211bce44631f353ec3d9549a716249832ae42"
        "fe49ac988dff2ee346ea");
}

TEST_CASE("a link goes on across changes of its key") {
  stream_pair pair = established();
  for (std::uint64_t i = 0; i < 2 * direction_cipher::numbers_per_key + 10; ++i) {
    REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
    pair.feed(pair.listener, pair.at_listener, pair.drain(pair.dialler));
  }
  CHECK(pair.at_listener.size() == 2 * direction_cipher::numbers_per_key + 10);
}

TEST_CASE("one small frame goes out at once, as one record of four bytes and a tag around it") {
  stream_pair pair = established();
  REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
  CHECK(pair.dialler.outgoing().size() == DVK_FRAME_HEADER_BYTES + 4 + 16);
  stream_pair plain = established(with(dialling(), {false, false}), with(listening(), {false, false}));
  REQUIRE(plain.dialler.send_frame(small_frame()) == errc::ok);
  CHECK(plain.dialler.outgoing().size() == DVK_FRAME_HEADER_BYTES + 4);
}

TEST_CASE("frames that wait for the transport travel in batches, up to what both offered") {
  stream_pair pair = established();
  REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
  REQUIRE(pair.dialler.outgoing().size() == DVK_FRAME_HEADER_BYTES + 4 + 16);
  for (int i = 0; i < 3000; ++i) REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
  const bytes stream = pair.drain(pair.dialler);
  const std::vector<bytes> records = records_in(stream);
  REQUIRE(records.size() == 3);  // the first alone, a full one, and the rest
  CHECK(records[1].size() == 4 + batch_bytes_min / DVK_FRAME_HEADER_BYTES * DVK_FRAME_HEADER_BYTES + 16);
  pair.feed(pair.listener, pair.at_listener, stream);
  CHECK(pair.at_listener.size() == 3001);
}

TEST_CASE("a record is compressed if both offer it and it gets smaller") {
  const std::size_t count = 5000;
  const auto record_of = [&](variant dials, variant listens, const bytes& frame) {
    stream_pair pair = established(with(dialling(), dials), with(listening(), listens));
    REQUIRE(pair.dialler.send_frame(frame) == errc::ok);
    const bytes record = pair.drain(pair.dialler);
    pair.feed(pair.listener, pair.at_listener, record);
    REQUIRE(pair.at_listener == std::vector<bytes>{frame});
    return record;
  };
  const bytes small = record_of({true, true}, {true, true}, dull_frame_of(count));
  CHECK(small.size() < 200);
  CHECK(small[3] == 1);
  CHECK(record_of({true, true}, {true, false}, dull_frame_of(count)).size() == count + 20);
  const bytes random = record_of({true, true}, {true, true}, frame_of(count, 7));
  CHECK(random.size() == count + 20);
  CHECK(random[3] == 0);
}

TEST_CASE("a silent side sends a heartbeat after the agreed interval, and not before") {
  stream_pair pair = established();
  pair.now = 499ms;
  pair.dialler.tick(pair.now);
  CHECK(pair.dialler.outgoing().empty());
  CHECK(pair.dialler.next_deadline() == 500ms);
  pair.now = 500ms;
  pair.dialler.tick(pair.now);
  CHECK(pair.dialler.queued_bytes() == 20);
  pair.exchange();
  CHECK(pair.at_listener.empty());
  CHECK(pair.dialler.next_deadline() == 1000ms);
  CHECK(pair.listener.next_deadline() == 500ms);
  pair.now = 700ms;
  REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
  pair.exchange();
  CHECK(pair.dialler.next_deadline() == 1200ms);
}

TEST_CASE("a link lives as long as heartbeats come, and ends when they do not") {
  stream_pair pair = established();
  for (; pair.now < 60s; pair.now += 500ms) {
    pair.dialler.tick(pair.now);
    pair.listener.tick(pair.now);
    pair.exchange();
  }
  REQUIRE(pair.dialler.is_established());
  pair.listener.tick(pair.now);
  const duration last = pair.now - 500ms;
  for (; pair.dialler.error() == errc::ok; pair.now = pair.dialler.next_deadline()) {
    pair.dialler.tick(pair.now);
    pair.drain(pair.dialler);  // the transport loses all
    REQUIRE(pair.now <= last + 5s);
  }
  CHECK(pair.dialler.error() == errc::not_connected);
  CHECK_FALSE(pair.dialler.is_established());
  CHECK(pair.dialler.send_frame(small_frame()) == errc::not_connected);
  CHECK(pair.dialler.next_deadline() == duration::max());
}

TEST_CASE("bytes that are no record do not keep a link alive") {
  stream_pair pair = established();
  REQUIRE(pair.listener.send_frame(frame_of(60'000, 1)) == errc::ok);
  const bytes record = pair.drain(pair.listener);
  for (std::size_t i = 0; pair.dialler.error() == errc::ok; ++i) {
    REQUIRE(i < 60);
    pair.now = i * 100ms;
    static_cast<void>(pair.dialler.receive(byte_view(record).subspan(i, 1), pair.now));
    pair.dialler.tick(pair.now);
  }
  CHECK(pair.dialler.error() == errc::not_connected);
  CHECK(pair.now == 5s);
}

TEST_CASE("a peer is not blamed for silence while its frames wait to be taken out") {
  stream_pair pair = established();
  REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
  REQUIRE(pair.listener.receive(pair.drain(pair.dialler), 0s));
  pair.listener.tick(100s);
  CHECK(pair.listener.error() == errc::ok);
  CHECK(pair.listener.next_frame().size() == DVK_FRAME_HEADER_BYTES);
  CHECK(pair.listener.next_deadline() <= 105s);
  pair.listener.tick(105s);
  CHECK(pair.listener.error() == errc::not_connected);
}

TEST_CASE("frames wait with the caller until both sides have proved the key") {
  stream_pair pair;
  CHECK(pair.dialler.send_frame(small_frame()) == errc::would_block);
  pair.feed(pair.listener, pair.at_listener, pair.drain(pair.dialler));
  CHECK(pair.listener.send_frame(small_frame()) == errc::would_block);
  pair.feed(pair.dialler, pair.at_dialler, pair.drain(pair.listener));
  CHECK(pair.dialler.send_frame(small_frame()) == errc::ok);
  pair.feed(pair.listener, pair.at_listener, pair.drain(pair.dialler));
  CHECK(pair.listener.send_frame(small_frame()) == errc::ok);
}

TEST_CASE("bytes that have not the length of a frame are not sent") {
  stream_pair pair = established();
  bytes frame = small_frame();
  frame[0] = 33;
  CHECK(pair.dialler.send_frame(frame) == errc::range);
  CHECK(pair.dialler.send_frame(byte_view(frame).first(3)) == errc::range);
  CHECK(pair.dialler.send_frame(frame_of(31, 0)) == errc::range);
  CHECK(pair.dialler.send_frame(frame_of(DVK_FRAME_BYTES_MAX + 1, 0)) == errc::range);
  CHECK(pair.dialler.outgoing().empty());
}

TEST_CASE("a frame that was prepared and given up leaves no trace") {
  stream_pair pair = established();
  REQUIRE(pair.dialler.prepare(DVK_FRAME_HEADER_BYTES));
  REQUIRE(pair.dialler.prepare(DVK_FRAME_BYTES_MAX));
  CHECK(pair.dialler.outgoing().empty());
  REQUIRE(pair.dialler.send_frame(frame_of(DVK_FRAME_BYTES_MAX, 5)) == errc::ok);
  pair.exchange();
  CHECK(pair.at_listener == std::vector<bytes>{frame_of(DVK_FRAME_BYTES_MAX, 5)});
}

TEST_CASE("a queue that is full refuses frames until the transport has taken some") {
  stream_pair pair = established();
  std::size_t sent = 0;
  while (pair.dialler.send_frame(frame_of(1000, sent)) == errc::ok) ++sent;
  CHECK(pair.dialler.send_frame(frame_of(1000, sent)) == errc::would_block);
  CHECK(pair.dialler.queued_bytes() <= dialling().queue_bytes + 20 * 20);
  CHECK(sent > 1000);
  const byte_view out = pair.dialler.outgoing();
  pair.feed(pair.listener, pair.at_listener, out);
  pair.dialler.consumed(out.size(), pair.now);
  CHECK(pair.dialler.send_frame(frame_of(1000, sent)) == errc::ok);
  pair.exchange();
  CHECK(pair.at_listener.size() == sent + 1);
}

TEST_CASE("a receiver whose frames are not taken out takes no more than its buffer") {
  stream_pair pair = established();
  std::size_t taken = 0;
  std::uint64_t serial = 0;
  for (int round = 0; round < 100; ++round) {
    REQUIRE(pair.dialler.send_frame(frame_of(50'000, serial++)) == errc::ok);
    const bytes stream = pair.drain(pair.dialler);
    const auto some = pair.listener.receive(stream, pair.now);
    REQUIRE(some);
    taken += *some;
    if (*some == stream.size()) continue;
    REQUIRE(pair.listener.receive_space().empty());
    REQUIRE(pair.listener.receive(byte_view(stream).subspan(*some), pair.now).value() == 0);
    stream_pair::take_frames(pair.listener, pair.at_listener);
    pair.feed(pair.listener, pair.at_listener, byte_view(stream).subspan(*some));
    break;
  }
  CHECK(taken <= 2 * record_head::bytes_max(batch_bytes_min));
  REQUIRE(pair.at_listener.size() == serial);
  CHECK(pair.at_listener.back() == frame_of(50'000, serial - 1));
}

TEST_CASE("a session that its owner closed gives and takes nothing") {
  stream_pair pair = established();
  REQUIRE(pair.dialler.send_frame(small_frame()) == errc::ok);
  const bytes record = pair.drain(pair.dialler);
  pair.listener.close();
  CHECK(pair.listener.receive(record, pair.now).error() == errc::not_connected);
  CHECK(pair.listener.next_frame().empty());
  CHECK(pair.listener.outgoing().empty());
}
