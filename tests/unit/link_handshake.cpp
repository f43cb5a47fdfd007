// SPDX-License-Identifier: MIT
/// @file
/// How links begin: the bytes are those of docs/wire_format.md, and whoever has not the key gets and does nothing.
#include "link_support.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

namespace {

link_settings without_key(link_settings settings) {
  settings.key.reset();
  return settings;
}

/// The first message of a dialler, and the answer to it.
struct greetings {
  handshake dialler;
  handshake listener;
  bytes first;
  bytes second;

  explicit greetings(link_transport transport, const link_settings& dials = dialling(),
                     const link_settings& listens = listening())
      : dialler(dials, link_role::dialler, transport, dialler_seed),
        listener(listens, link_role::listener, transport, listener_seed),
        first(bytes_of(dialler.to_send())) {
    REQUIRE(hear(listener, first) == errc::ok);
    second = bytes_of(listener.to_send());
    REQUIRE(hear(dialler, second) == errc::ok);
  }

  static errc hear(handshake& who, const bytes& said) {
    return who.receive(byte_view(said).first<handshake::message_bytes>());
  }
};

/// A first message by somebody who has the key and breaks the rules: its public key and introduction are these.
bytes forged_first(const std::array<std::uint8_t, 32>& public_key, const introduction& said) {
  const handshake::header head{'d', 'v', 's', 'L', 1, 1, 1, 0};
  transcript script(true);
  script.mix_hash(head);
  script.mix_key_and_hash(counting_from(0));
  script.mix_hash(public_key);
  script.mix_key(public_key);
  bytes message(handshake::message_bytes);
  std::copy(head.begin(), head.end(), message.begin());
  std::copy(public_key.begin(), public_key.end(), message.begin() + handshake::header_bytes);
  std::array<std::uint8_t, introduction::bytes> plain;
  said.write(plain.data());
  script.seal(plain, message.data() + handshake::header_bytes + handshake::key_bytes);
  return message;
}

errc verdict_of_listener(const bytes& first) {
  stream_session listener(listening(), link_role::listener, listener_seed, {});
  const auto taken = listener.receive(first, {});
  CHECK(listener.outgoing().empty());
  return taken.error();
}

const link_transport transports[] = {link_transport::stream, link_transport::datagram};

}  // namespace

TEST_CASE("the messages of a handshake have the bytes that an independent program computed") {
  struct golden {
    bool sealed;
    link_transport transport;
    const char* first;
    const char* second;
    const char* dialler_key;
  };
  const golden all[] = {
      {true, link_transport::stream,
       "6476734c01010100358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16625401cc75cf0a3f5c5ddef8"
       "f2551a63036f219881ca80be8ee75a2a65e5b13a85f2ab80aca88777813a8fa94e1eb0264c6a",
       "6476734c0101020079a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51acefd91f93386aa141f3d"
       "cab816a397e251874ddd5e05d1bb1553bf330cdd7361c413bcd1818da0dae3a72fb3e4910cdf",
       "838d76c6a4c37e14484111f48daad2565b219faee8c31e0434cb22c37f5d059c"},
      {false, link_transport::stream,
       "6476734c01000100202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f0300010198000200e803"
       "000088130000887766554433221100000000000000000d59783864c0ce1669c2514ba06b8b18",
       "6476734c01000200404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f040101004c000100f401"
       "00001027000000ffeeddccbbaa990000000000000000be7389e254fd38bc2779766bba57c9d9",
       "152b4ac6947f99d26f501dc514ea1d918d9b2dc05cfafc77b83384a473bb3ee7"},
      {true, link_transport::datagram,
       "6476734c01010101358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16625401cc75cf0a3f5c5ddef8"
       "f2551a63036f219881ca80be8ee75a2a75e5c93f85f2e10448ba158245812942b1537a8429f4",
       "6476734c0101020179a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51acefd91f93386aa141f3d"
       "cab816a397e251874ddd5e05d1bb1553b73324fe73610dce84f80d0db43819c0259c64179a3f",
       "7b191ac13613c1bc518ea9375ada9f50ff2d7a3af5e022e2e142ffa4b15529cd"},
      {false, link_transport::datagram,
       "6476734c01000101202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f0300010198000200e803"
       "00008813000088776655443322110000100078050000279456fbeb6929ca81df20adcd6cd18e",
       "6476734c01000201404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f040101004c000100f401"
       "00001027000000ffeeddccbbaa99000008002823000040ac1e683ff6d69ed02c9386fa1928d2",
       "e3087a8264038a32a97aba392ecccbd2646b00146c904e894bf138aca4a3c0c1"},
  };
  for (const golden& each : all) {
    CAPTURE(each.sealed, int(each.transport));
    const greetings both(each.transport, each.sealed ? dialling() : without_key(dialling()),
                         each.sealed ? listening() : without_key(listening()));
    CHECK(in_hex(both.first) == each.first);
    CHECK(in_hex(both.second) == each.second);
    const direction_keys keys = both.dialler.keys();
    CHECK(in_hex({keys.dialler.data(), keys.dialler.count}) == each.dialler_key);
    const direction_keys same = both.listener.keys();
    CHECK(std::memcmp(keys.listener.data(), same.listener.data(), same.listener.count) == 0);
  }
}

TEST_CASE("both sides know each other and agree, by rules that do not depend on who dialled") {
  const greetings both(link_transport::datagram);
  CHECK(both.dialler.peer() == link_peer{node_id{0x104}, 0x99AABBCCDDEEFF00});
  CHECK(both.listener.peer() == link_peer{node_id{3}, 0x1122334455667788});
  link_agreement agreed{.version = 1,
                        .sealed = true,
                        .lz4 = false,
                        .batch_bytes = batch_bytes_min,
                        .heartbeat = 500ms,
                        .dead_after = 5s,
                        .packet_bytes = 1400,
                        .peer_window_bytes = 1 << 19};
  CHECK(both.dialler.agreement() == agreed);
  agreed.peer_window_bytes = 1 << 20;
  CHECK(both.listener.agreement() == agreed);
}

TEST_CASE("node numbers and offers of a sealed link cannot be read or compared by others") {
  const greetings one(link_transport::stream);
  handshake again(dialling(), link_role::dialler, link_transport::stream, counting_from(99));
  const bytes first = bytes_of(again.to_send());
  std::size_t same = 0;
  for (std::size_t i = handshake::header_bytes; i < first.size(); ++i) same += first[i] == one.first[i] ? 1 : 0;
  CHECK(same < 8);
}

TEST_CASE("a peer with another key, or without, gets nothing from a listener, which says why it ended") {
  stream_pair other;
  link_settings wrong = dialling();
  wrong.key->back() ^= 1;
  other.dialler = stream_session(wrong, link_role::dialler, dialler_seed, {});
  other.exchange();
  CHECK(other.listener.error() == errc::not_authentic);
  CHECK(other.listener.outgoing().empty());
  CHECK_FALSE(other.listener.peer());
  CHECK(other.dialler.error() == errc::ok);  // it has heard nothing

  stream_pair keyless(without_key(dialling()));
  keyless.exchange();
  CHECK(keyless.listener.error() == errc::not_authentic);
  CHECK(keyless.listener.outgoing().empty());

  stream_pair plain(dialling(), without_key(listening()));
  plain.exchange();
  CHECK(plain.listener.error() == errc::not_authentic);
  CHECK(plain.listener.outgoing().empty());
}

TEST_CASE("a listener that answers in the clear is refused by a dialler that has a key") {
  const greetings plain(link_transport::stream, without_key(dialling()), without_key(listening()));
  stream_session dialler(dialling(), link_role::dialler, dialler_seed, {});
  CHECK(dialler.receive(plain.second, {}).error() == errc::not_authentic);
  CHECK_FALSE(dialler.is_established());
  CHECK(dialler.outgoing().empty());
}

TEST_CASE("another version, another protocol and another transport are refused at the eighth byte") {
  const greetings both(link_transport::stream);
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    bytes head(both.first.begin(), both.first.begin() + handshake::header_bytes);
    head[at] = value;
    return verdict_of_listener(head);
  };
  CHECK(changed(4, 2) == errc::not_supported);
  CHECK(changed(0, 'G') == errc::bad_argument);
  CHECK(changed(5, 0) == errc::not_authentic);
  CHECK(changed(5, 2) == errc::bad_argument);
  CHECK(changed(6, 2) == errc::bad_argument);
  CHECK(changed(7, 1) == errc::bad_argument);
}

TEST_CASE("a peer that speaks only versions that we do not is refused, and learns it") {
  introduction old = introduction::of(dialling(), link_transport::stream);
  old.version_max = 0;
  std::array<std::uint8_t, 32> key{};
  crypto_scalarmult_base(key.data(), dialler_seed.data());
  stream_session listener(listening(), link_role::listener, listener_seed, {});
  CHECK(listener.receive(forged_first(key, old), {}).error() == errc::not_supported);
  CHECK(listener.outgoing().size() == handshake::message_bytes);
  CHECK(introduction::agree(introduction::of(dialling(), link_transport::stream), old, true).version == 0);
}

TEST_CASE("a node does not link with itself, nor with another of the same number, and both sides know it") {
  for (const std::uint64_t incarnation : {dialling().incarnation, listening().incarnation}) {
    link_settings same = listening();
    same.node = dialling().node;
    same.incarnation = incarnation;
    stream_pair pair(dialling(), same);
    pair.exchange();
    CHECK(pair.listener.error() == errc::bad_node);
    CHECK(pair.dialler.error() == errc::bad_node);
    REQUIRE(pair.dialler.peer());
    CHECK(pair.dialler.peer()->incarnation == incarnation);
  }
}

TEST_CASE("a node that is not the expected one is refused by whoever expected another") {
  link_settings picky = dialling();
  picky.peer = node_id{77};
  stream_pair dials(picky);
  dials.exchange();
  CHECK(dials.dialler.error() == errc::bad_node);
  CHECK(dials.dialler.peer()->node == node_id{0x104});
  CHECK_FALSE(dials.listener.is_established());

  picky = listening();
  picky.peer = node_id{77};
  stream_pair listens(dialling(), picky);
  listens.exchange();
  CHECK(listens.listener.error() == errc::bad_node);

  picky.peer = node_id{3};
  stream_pair right(dialling(), picky);
  right.exchange();
  CHECK(right.listener.is_established());
}

TEST_CASE("no part of a handshake establishes a link, and its silence ends it") {
  const greetings both(link_transport::stream);
  for (std::size_t count = 0; count < handshake::message_bytes; ++count) {
    stream_session listener(listening(), link_role::listener, listener_seed, {});
    stream_session dialler(dialling(), link_role::dialler, dialler_seed, {});
    REQUIRE(listener.receive(byte_view(both.first).first(count), 1s));
    REQUIRE(dialler.receive(byte_view(both.second).first(count), 1s));
    REQUIRE_FALSE(listener.peer());
    REQUIRE(listener.outgoing().empty());
    REQUIRE_FALSE(dialler.is_established());
    REQUIRE(listener.next_deadline() == 10s);
    listener.tick(10s);
    REQUIRE(listener.error() == errc::not_connected);
  }
}

TEST_CASE("a handshake with one bit changed is refused, sealed or plain, over streams and datagrams") {
  for (const link_transport transport : transports)
    for (const bool sealed : {true, false}) {
      const link_settings dials = sealed ? dialling() : without_key(dialling());
      const link_settings listens = sealed ? listening() : without_key(listening());
      const greetings both(transport, dials, listens);
      for (std::size_t bit = 0; bit < handshake::message_bytes * 8; ++bit) {
        CAPTURE(bit, sealed, int(transport));
        handshake listener(listens, link_role::listener, transport, listener_seed);
        bytes first = both.first;
        first[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        REQUIRE(greetings::hear(listener, first) != errc::ok);
        REQUIRE(listener.to_send().empty());

        handshake dialler(dials, link_role::dialler, transport, dialler_seed);
        bytes second = both.second;
        second[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        REQUIRE(greetings::hear(dialler, second) != errc::ok);
      }
    }
}

TEST_CASE("an answer to another dialler's message, and one's own message, are no answers") {
  const greetings other(link_transport::stream);
  handshake dialler(dialling(), link_role::dialler, link_transport::stream, counting_from(99));
  CHECK(greetings::hear(dialler, other.second) == errc::not_authentic);
  CHECK(greetings::hear(dialler, bytes_of(dialler.to_send())) == errc::bad_argument);
  bytes reflected = bytes_of(dialler.to_send());
  reflected[6] = 2;
  CHECK(greetings::hear(dialler, reflected) == errc::not_authentic);
}

TEST_CASE("a public key that makes every secret zero is refused") {
  CHECK(verdict_of_listener(forged_first({}, introduction::of(dialling(), link_transport::stream))) ==
        errc::not_authentic);
}

TEST_CASE("offers out of their range are refused, also from somebody who has the key") {
  std::array<std::uint8_t, 32> key{};
  crypto_scalarmult_base(key.data(), dialler_seed.data());
  const auto with = [&](auto change) {
    introduction said = introduction::of(dialling(), link_transport::stream);
    change(said);
    return verdict_of_listener(forged_first(key, said));
  };
  CHECK(with([](introduction& i) { i.batch_bytes = batch_bytes_min - 1; }) == errc::bad_argument);
  CHECK(with([](introduction& i) { i.batch_bytes = 0xFFFF'FFFF; }) == errc::bad_argument);
  CHECK(with([](introduction& i) { i.heartbeat_ms = 0; }) == errc::bad_argument);
  CHECK(with([](introduction& i) { i.dead_after_ms = 2 * i.heartbeat_ms - 1; }) == errc::bad_argument);
  CHECK(with([](introduction& i) { i.dead_after_ms = 0xFFFF'FFFF; }) == errc::bad_argument);
  CHECK(with([](introduction& i) { i.window_bytes = 1; }) == errc::bad_argument);
}

TEST_CASE("settings out of their range make a session that has ended and says nothing") {
  link_settings wrong = dialling();
  wrong.batch_bytes = batch_bytes_min - 1;
  stream_session session(wrong, link_role::dialler, dialler_seed, {});
  CHECK(session.error() == errc::bad_value);
  CHECK(session.outgoing().empty());
  CHECK(session.receive_space().empty());
  CHECK(session.next_deadline() == duration::max());
}
