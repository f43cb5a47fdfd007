// SPDX-License-Identifier: MIT
/// @file
/// Links over datagrams among strangers: what is not of the session does nothing, and who has the key keeps the rules.
#include "link_network.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

namespace {

/// A dialler's packets, one frame in each, that a listener has not got yet.
struct recording {
  datagram_pair pair;
  std::vector<bytes> greeting{};
  std::vector<bytes> packets{};
  std::vector<bytes> frames{};

  recording() {
    greeting.push_back(pair.next_packet(0));
    pair.receive(1, greeting[0]);
    pair.receive(0, pair.next_packet(1));
    pair.receive(1, pair.next_packet(0));
    for (std::size_t i = 0; i < 5; ++i) {
      frames.push_back(frame_of(40 + 8 * i, i));
      REQUIRE(pair.ends[0].send_frame(frames[i]) == errc::ok);
      packets.push_back(pair.next_packet(0));
      REQUIRE_FALSE(packets[i].empty());
    }
  }
};

/// Somebody who has the key, or for a plain link needs none, and says whatever it likes to an established listener.
struct rule_breaker {
  handshake greets;
  datagram_session listener;
  packet_seal sealing{};
  std::uint64_t number = 0;

  explicit rule_breaker(const link_settings& listens = listening())
      : greets(dialling(), link_role::dialler, link_transport::datagram, dialler_seed),
        listener(listens, link_role::listener, listener_seed, {}) {
    bytes answer(handshake::message_bytes);
    REQUIRE(listener.receive(greets.to_send(), {}) == errc::ok);
    REQUIRE(listener.outgoing(answer, {}) == answer.size());
    REQUIRE(greets.receive(byte_view(answer).first<handshake::message_bytes>()) == errc::ok);
    sealing = packet_seal(greets.keys().dialler, true);
    REQUIRE(say({0}) == errc::ok);
    REQUIRE(listener.is_established());
  }

  errc say(const bytes& body) { return say(body, number++); }
  errc say(const bytes& body, std::uint64_t with_number) {
    bytes packet(sealing.body_at());
    packet.insert(packet.end(), body.begin(), body.end());
    packet.resize(body.size() + sealing.overhead());
    sealing.close(with_number, packet.data(), body.size());
    return listener.receive(packet, {});
  }

  errc say_data(std::uint64_t offset, const bytes& data) {
    bytes body(9);
    body[0] = packet_body::flag_data;
    put_number(body.data() + 1, offset, 8);
    body.insert(body.end(), data.begin(), data.end());
    return say(body);
  }

  errc say_ack(const std::vector<number_range>& ranges) {
    packet_ack ack;
    for (const number_range& range : ranges) ack.ranges[ack.count++] = range;
    bytes body(1 + packet_ack::head_bytes + ranges.size() * packet_ack::range_bytes);
    body[0] = packet_body::flag_ack;
    ack.write(body.data() + 1);
    return say(body);
  }
};

}  // namespace

TEST_CASE("a packet with one bit changed is dropped, and nothing else is disturbed") {
  recording all;
  for (std::size_t bit = 0; bit < all.packets[0].size() * 8; ++bit) {
    bytes changed = all.packets[0];
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    all.pair.receive(1, changed);
    REQUIRE(all.pair.got[1].empty());
  }
  CHECK(all.pair.ends[1].counters().refused == all.packets[0].size() * 8);
  for (const bytes& packet : all.packets) all.pair.receive(1, packet);
  CHECK(all.pair.got[1] == all.frames);
}

TEST_CASE("packets in any order, each any number of times, deliver each frame once and in order") {
  std::vector<std::size_t> order{0, 1, 2, 3, 4};
  do {
    recording all;
    for (const std::size_t i : order) {
      all.pair.receive(1, all.packets[i]);
      for (const std::size_t again : order) {
        if (again == i) break;
        all.pair.receive(1, all.packets[again]);
      }
    }
    REQUIRE(all.pair.got[1] == all.frames);
    REQUIRE(all.pair.ends[1].counters().refused == 10);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("prefixes of packets, and packets sent back to their sender, are dropped") {
  recording all;
  for (std::size_t count = 0; count < all.packets[0].size(); ++count)
    all.pair.receive(1, bytes(all.packets[0].begin(), all.packets[0].begin() + static_cast<std::ptrdiff_t>(count)));
  CHECK(all.pair.got[1].empty());
  const std::uint64_t before = all.pair.ends[0].counters().refused;
  for (const bytes& packet : all.packets) all.pair.receive(0, packet);
  CHECK(all.pair.ends[0].counters().refused == before + 5);
  CHECK(all.pair.is_established());
}

TEST_CASE("no part of a greeting, and no longer one, makes a listener say anything") {
  const recording all;
  datagram_session listener(listening(), link_role::listener, listener_seed, {});
  bytes packet(9000);
  bytes greeting = all.greeting[0];
  greeting.resize(100);
  for (std::size_t count = 0; count <= greeting.size(); ++count) {
    if (count == handshake::message_bytes) continue;
    const bytes part(greeting.begin(), greeting.begin() + static_cast<std::ptrdiff_t>(count));
    REQUIRE(listener.receive(part, {}) == errc::ok);
    REQUIRE(listener.outgoing(packet, {}) == 0);
  }
  CHECK(listener.counters().refused == greeting.size());
  CHECK_FALSE(listener.peer());
}

TEST_CASE("strangers' packets neither end a session nor keep it alive") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  datagram_pair pair;
  pair.establish();
  pair.passes = [](int, const bytes&) { return false; };
  pair.chance.seed(seed);
  const duration end = pair.now + 5s;
  while (pair.now < end - 10ms) {
    bytes strange(pair.chance() % 1500);
    for (auto& byte : strange) byte = static_cast<std::uint8_t>(pair.chance());
    for (const int at : {0, 1}) pair.receive(at, strange);
    pair.step(std::min(end, pair.now + 10ms));
    REQUIRE(pair.is_established());
  }
  pair.run_until(end + 1s);
  CHECK(pair.ends[0].error() == errc::not_connected);
}

TEST_CASE("a recorded session against a new listener delivers nothing") {
  recording old;
  datagram_session listener(listening(), link_role::listener, counting_from(200), {});
  for (const bytes& packet : old.greeting) CHECK(listener.receive(packet, {}) == errc::ok);
  bytes answer(9000);
  CHECK(listener.outgoing(answer, {}) == handshake::message_bytes);
  for (const bytes& packet : old.packets) CHECK(listener.receive(packet, {}) == errc::ok);
  CHECK(listener.next_frame().empty());
  CHECK_FALSE(listener.is_established());
  CHECK(listener.counters().refused == 5);
  CHECK(listener.outgoing(answer, {}) == 0);
}

TEST_CASE("a recorded greeting does not keep a listener from the peer that is there") {
  recording old;
  datagram_pair pair;
  pair.ends[0] = datagram_session(dialling(), link_role::dialler, counting_from(99), {});
  pair.receive(1, old.greeting[0]);
  pair.establish();
  pair.receive(1, old.greeting[0]);
  CHECK(pair.ends[1].send_frame(small_frame()) == errc::ok);
  CHECK(pair.run_until(pair.now + 1s, [&] { return pair.got[0].size() == 1; }));
}

TEST_CASE("a peer with another key, or none, gets no packet, and both sides run out of time") {
  for (const bool has_key : {true, false}) {
    link_settings wrong = dialling();
    wrong.key->back() ^= 1;
    if (!has_key) wrong.key.reset();
    datagram_pair pair(wrong);
    bool answered = false;
    pair.passes = [&](int to, const bytes&) {
      answered = answered || to == 0;
      return true;
    };
    pair.run_until(20s);
    CHECK_FALSE(answered);
    CHECK(pair.ends[1].refusal() == errc::not_authentic);
    CHECK(pair.ends[0].error() == errc::not_connected);
    CHECK(pair.ends[1].error() == errc::not_connected);
  }
}

TEST_CASE("a node that dials itself, or finds another than it expects, is told, and the listener goes on listening") {
  link_settings same = listening();
  same.node = dialling().node;
  datagram_pair self(dialling(), same);
  CHECK(self.run_until(1s, [&] { return self.ends[0].error() == errc::bad_node; }));
  CHECK(self.ends[0].peer()->node == node_id{3});
  CHECK(self.ends[1].refusal() == errc::bad_node);
  CHECK(self.ends[1].error() == errc::ok);

  link_settings right = dialling();
  right.node = node_id{5};
  self.ends[0] = datagram_session(right, link_role::dialler, counting_from(99), self.now);
  self.establish();
  CHECK(self.ends[1].peer()->node == node_id{5});
}

TEST_CASE("an older session ignores the greeting of a peer that begins anew, and a new one takes it") {
  datagram_pair pair;
  pair.establish();
  datagram_session again(dialling(), link_role::dialler, counting_from(99), pair.now);
  datagram_session anew(listening(), link_role::listener, counting_from(100), pair.now);
  bytes greeting(9000);
  greeting.resize(again.outgoing(greeting, pair.now));
  REQUIRE(datagram_session::is_greeting(greeting));
  CHECK(pair.ends[1].receive(greeting, pair.now) == errc::ok);
  CHECK(pair.ends[1].is_established());
  CHECK(anew.receive(greeting, pair.now) == errc::ok);
  CHECK(anew.peer()->incarnation == dialling().incarnation);
}

TEST_CASE("a packet of an earlier plain session is not taken into a later one") {
  link_settings dials = dialling();
  link_settings listens = listening();
  dials.key.reset();
  listens.key.reset();
  datagram_pair old(dials, listens);
  old.establish();
  REQUIRE(old.ends[0].send_frame(small_frame()) == errc::ok);
  const bytes packet = old.next_packet(0);
  datagram_pair pair(dials, listens);
  pair.ends[1] = datagram_session(listens, link_role::listener, counting_from(99), {});
  pair.establish();
  pair.receive(1, packet);
  CHECK(pair.got[1].empty());
}

TEST_CASE("bodies that no packet has end the session of whoever has the key to send them") {
  CHECK(rule_breaker().say({}) == errc::bad_argument);
  CHECK(rule_breaker().say({4}) == errc::bad_argument);
  CHECK(rule_breaker().say({0, 0}) == errc::bad_argument);
  CHECK(rule_breaker().say({packet_body::flag_data, 0, 0, 0, 0, 0, 0, 0}) == errc::bad_argument);
  CHECK(rule_breaker().say({packet_body::flag_ack}) == errc::bad_argument);
  bytes empty(1 + packet_ack::head_bytes, 0);
  empty[0] = packet_body::flag_ack;
  CHECK(rule_breaker().say(empty) == errc::bad_argument);
  empty[1] = 33;
  empty.resize(1 + packet_ack::head_bytes + 33 * packet_ack::range_bytes);
  CHECK(rule_breaker().say(empty) == errc::bad_argument);
  CHECK(rule_breaker().say_data(UINT64_MAX, {1}) == errc::bad_argument);
}

TEST_CASE("acknowledgements of what was never sent, or with a list in disorder, end the session") {
  CHECK(rule_breaker().say_ack({{0, 1}}) == errc::bad_argument);
  CHECK(rule_breaker().say_ack({{7, 7}}) == errc::bad_argument);
  CHECK(rule_breaker().say_ack({{UINT64_MAX - 1, UINT64_MAX}}) == errc::bad_argument);
  CHECK(rule_breaker().say_ack({{5, 6}, {5, 6}}) == errc::bad_argument);
  CHECK(rule_breaker().say_ack({{5, 6}, {4, 5}}) == errc::bad_argument);
}

TEST_CASE("content beyond the window ends the session, and gaps without number are not remembered") {
  const std::uint64_t window = listening().window_bytes;
  CHECK(rule_breaker().say_data(window - 1, {1}) == errc::ok);
  CHECK(rule_breaker().say_data(window, {1}) == errc::range);
  rule_breaker many;
  for (std::uint64_t i = 1; i <= 2000; ++i) REQUIRE(many.say_data(2 * i, {1}) == errc::ok);
  CHECK(many.listener.counters().refused == 2000 - 1024);
}

TEST_CASE("records of a packet stream are held to the same rules as those of a stream") {
  CHECK(rule_breaker().say_data(0, {0xFF, 0xFF, 0xFF, 0}) == errc::range);
  CHECK(rule_breaker().say_data(0, {32, 0, 0, 1}) == errc::bad_argument);
  rule_breaker short_frame;
  REQUIRE(short_frame.say_data(0, {5, 0, 0, 0, 1, 2, 3, 4, 5}) == errc::ok);
  CHECK(short_frame.listener.next_frame().empty());
  CHECK(short_frame.listener.error() == errc::range);
}

TEST_CASE("a packet that is later than 64 gaps is refused, because it might be a repeated one") {
  rule_breaker late;
  for (std::uint64_t i = 0; i < 64; ++i) REQUIRE(late.say({0}, 2 + 2 * i) == errc::ok);
  CHECK(late.listener.counters().refused == 0);
  CHECK(late.say({0}, 2 + 2 * 64) == errc::ok);
  CHECK(late.say({0}, 1) == errc::ok);
  CHECK(late.listener.counters().refused == 1);
  CHECK(late.say({0}, 5) == errc::ok);
  CHECK(late.listener.counters().refused == 1);
}

TEST_CASE("numbers beyond what a packet has room for are refused") {
  rule_breaker far;
  CHECK(far.say({0}, packet_seal::number_max + 1) == errc::ok);
  CHECK(far.listener.counters().refused == 1);
}
