// SPDX-License-Identifier: MIT
/// @file
/// Links over streams in which somebody changes bytes, repeats old ones, or has the key and breaks the rules.
#include "link_support.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

namespace {

/// A dialler's stream in parts: its handshake, the record that proves it, and five records of one frame each.
struct recording {
  stream_pair pair;
  bytes first;
  std::vector<bytes> records{};
  std::vector<bytes> frames{};

  recording() {
    first = pair.drain(pair.dialler);
    pair.feed(pair.listener, pair.at_listener, first);
    pair.feed(pair.dialler, pair.at_dialler, pair.drain(pair.listener));
    records.push_back(pair.drain(pair.dialler));
    for (std::size_t i = 0; i < 5; ++i) {
      frames.push_back(frame_of(40 + 8 * i, i));
      REQUIRE(pair.dialler.send_frame(frames.back()) == errc::ok);
      records.push_back(pair.drain(pair.dialler));
    }
  }

  /// What the listener makes of these records.
  errc play(const std::vector<bytes>& changed) {
    for (const bytes& record : changed) pair.feed(pair.listener, pair.at_listener, record);
    return pair.listener.error();
  }

  /// Only what was sent, from the first frame on, without a gap.
  void check_prefix(std::size_t count) const {
    REQUIRE(pair.at_listener.size() == count);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(pair.at_listener[i] == frames[i]);
  }
};

/// A listener without a key that offers LZ4, established, and what it makes of these bytes.
errc verdict_of_plain(const bytes& stream) {
  link_settings dials = dialling();
  link_settings listens = listening();
  dials.key.reset();
  listens.key.reset();
  listens.lz4 = true;
  stream_pair pair(dials, listens);
  pair.exchange();
  REQUIRE(pair.listener.is_established());
  pair.feed(pair.listener, pair.at_listener, stream);
  CHECK(pair.at_listener.empty());
  return pair.listener.error();
}

bytes record_of(record_kind kind, const bytes& body, std::size_t said) {
  bytes record(record_head::bytes);
  record_head{kind, said}.write(record.data());
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

bytes compressed(const bytes& plain, std::uint32_t said) {
  bytes body(4 + static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(plain.size()))));
  put_number(body.data(), said, 4);
  const int made =
      LZ4_compress_default(reinterpret_cast<const char*>(plain.data()), reinterpret_cast<char*>(body.data() + 4),
                           static_cast<int>(plain.size()), static_cast<int>(body.size() - 4));
  body.resize(4 + static_cast<std::size_t>(made));
  return record_of(record_kind::lz4, body, body.size());
}

}  // namespace

TEST_CASE("records as they were sent are taken") {
  recording all;
  CHECK(all.play(all.records) == errc::ok);
  all.check_prefix(5);
}

TEST_CASE("any bit of a record that is changed ends the link before its frame") {
  const std::size_t bits = recording().records[2].size() * 8;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    CAPTURE(bit);
    recording all;
    all.records[2][bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const errc verdict = all.play(all.records);
    // A length that got larger, but is possible, may still wait for more.
    if (verdict != errc::ok) REQUIRE(verdict == errc::not_authentic);
    if (verdict == errc::ok) REQUIRE(bit < 32);
    all.check_prefix(1);
  }
}

TEST_CASE("a record that is left out, repeated, or changes places with the next ends the link") {
  for (std::size_t at = 1; at < 5; ++at) {
    CAPTURE(at);
    recording removed;
    removed.records.erase(removed.records.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK(removed.play(removed.records) == errc::not_authentic);
    removed.check_prefix(at - 1);

    recording repeated;
    repeated.records.insert(repeated.records.begin() + static_cast<std::ptrdiff_t>(at), repeated.records[at]);
    CHECK(repeated.play(repeated.records) == errc::not_authentic);
    repeated.check_prefix(at);

    recording swapped;
    std::swap(swapped.records[at], swapped.records[at + 1]);
    CHECK(swapped.play(swapped.records) == errc::not_authentic);
    swapped.check_prefix(at - 1);
  }
}

TEST_CASE("a record that is cut short delivers nothing, and its rest is missed") {
  for (std::size_t kept = 0; kept < recording().records[2].size(); ++kept) {
    recording cut;
    cut.records[2].resize(kept);
    cut.records.resize(3);
    REQUIRE(cut.play(cut.records) == errc::ok);
    cut.check_prefix(1);
    cut.pair.listener.tick(100s);
    REQUIRE(cut.pair.listener.error() == errc::not_connected);
  }
}

TEST_CASE("a record sent back to its sender is not taken for the peer's") {
  recording all;
  all.pair.feed(all.pair.dialler, all.pair.at_dialler, all.records[0]);
  CHECK(all.pair.dialler.error() == errc::not_authentic);
}

TEST_CASE("a recorded session against a new listener delivers nothing") {
  recording old;
  stream_session listener(listening(), link_role::listener, counting_from(200), {});
  REQUIRE(listener.receive(old.first, {}));
  CHECK_FALSE(listener.is_established());
  CHECK(listener.send_frame(small_frame()) == errc::would_block);
  bytes rest;
  for (const bytes& record : old.records) rest.insert(rest.end(), record.begin(), record.end());
  CHECK(listener.receive(rest, {}).error() == errc::not_authentic);
  CHECK(listener.next_frame().empty());
}

TEST_CASE("random damage never delivers anything but what was sent, in its order") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  for (int round = 0; round < 2000; ++round) {
    recording all;
    bytes stream;
    for (const bytes& record : all.records) stream.insert(stream.end(), record.begin(), record.end());
    for (std::uint64_t n = 1 + chance() % 3; n > 0; --n) {
      const std::size_t at = chance() % stream.size();
      const auto place = stream.begin() + static_cast<std::ptrdiff_t>(at);
      const std::size_t count = std::min<std::size_t>(1 + chance() % 60, stream.size() - at);
      const bytes piece(place, place + static_cast<std::ptrdiff_t>(count));
      if (chance() % 3 == 0) {
        *place = static_cast<std::uint8_t>(chance());
      } else if (chance() % 2 == 0 && count < stream.size()) {
        stream.erase(place, place + static_cast<std::ptrdiff_t>(count));
      } else {
        stream.insert(place, piece.begin(), piece.end());
      }
    }
    all.play({stream});
    REQUIRE(all.pair.at_listener.size() <= all.frames.size());
    all.check_prefix(all.pair.at_listener.size());
  }
}

TEST_CASE("what would become larger than agreed, or than it says, is not decompressed") {
  const bytes bomb(10 << 20, 0);
  CHECK(verdict_of_plain(compressed(bomb, 10 << 20)) == errc::range);
  CHECK(verdict_of_plain(compressed(bomb, batch_bytes_min)) == errc::range);
  CHECK(verdict_of_plain(compressed(dull_frame_of(5000), 4999)) == errc::range);
  CHECK(verdict_of_plain(compressed(dull_frame_of(5000), 5001)) == errc::range);
  CHECK(verdict_of_plain(compressed(frame_of(100, 1), 100)) == errc::range);  // it did not get smaller
  CHECK(verdict_of_plain(record_of(record_kind::lz4, {1, 0, 0, 0}, 4)) == errc::range);
}

TEST_CASE("records that no such link has are refused as soon as their head is there") {
  CHECK(verdict_of_plain(record_of(record_kind::frames, {}, batch_bytes_min + 1)) == errc::range);
  CHECK(verdict_of_plain(record_of(record_kind::frames, {}, 0xFF'FFFF)) == errc::range);
  CHECK(verdict_of_plain(record_of(record_kind{2}, {}, DVK_FRAME_HEADER_BYTES)) == errc::bad_argument);
}

TEST_CASE("a compressed record on a link that has not agreed on it is refused") {
  link_settings dials = dialling();
  link_settings listens = listening();
  dials.key.reset();
  listens.key.reset();
  stream_pair pair(dials, listens);
  pair.exchange();
  CHECK(pair.listener.receive(compressed(dull_frame_of(5000), 5000), {}).error() == errc::bad_argument);
}

TEST_CASE("a record that does not consist of whole frames ends the link at the frame that is none") {
  bytes body = small_frame();
  body.resize(64);
  CHECK(verdict_of_plain(record_of(record_kind::frames, bytes(31, 0), 31)) == errc::range);
  for (const std::uint32_t said : {0U, 31U, 33U, 65'585U, 0xFFFF'FFFFU}) {
    put_number(body.data() + 32, said, 4);
    link_settings dials = dialling();
    link_settings listens = listening();
    dials.key.reset();
    listens.key.reset();
    stream_pair pair(dials, listens);
    pair.exchange();
    pair.feed(pair.listener, pair.at_listener, record_of(record_kind::frames, body, body.size()));
    CHECK(pair.at_listener.size() == 1);
    CHECK(pair.listener.error() == errc::range);
  }
}
