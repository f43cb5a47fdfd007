// SPDX-License-Identifier: MIT
/// @file
/// What the tests of links share: two configurations, frames that can be told apart, and bytes as text.
#ifndef DVS_TESTS_LINK_SUPPORT_HPP
#define DVS_TESTS_LINK_SUPPORT_HPP

#include <catch2/catch.hpp>
#include <dvs/proxies/stream_session.hpp>
#include <random>
#include <string>
#include <vector>

namespace dvs::proxies::test {

using bytes = std::vector<std::uint8_t>;
using namespace std::chrono_literals;

inline bytes bytes_of(byte_view view) { return {view.begin(), view.end()}; }

inline std::string in_hex(byte_view view) {
  std::string text;
  for (const std::uint8_t byte : view) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

/// 32 bytes that count up from `first`.
inline std::array<std::uint8_t, 32> counting_from(std::uint8_t first) {
  std::array<std::uint8_t, 32> counted{};
  for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::uint8_t>(first + i);
  return counted;
}

/// The configurations of the golden handshakes.
inline link_settings dialling() {
  link_settings settings;
  settings.node = node_id{3};
  settings.incarnation = 0x1122334455667788;
  settings.key = counting_from(0);
  settings.lz4 = true;
  return settings;
}
inline link_settings listening() {
  link_settings settings;
  settings.node = node_id{0x104};
  settings.incarnation = 0x99AABBCCDDEEFF00;
  settings.key = counting_from(0);
  settings.batch_bytes = batch_bytes_min;
  settings.heartbeat = 500ms;
  settings.dead_after = 10s;
  settings.packet_bytes = 9000;
  settings.window_bytes = 1 << 19;
  return settings;
}
inline const session_seed dialler_seed = counting_from(32);
inline const session_seed listener_seed = counting_from(64);

/// `count` bytes, with their number in front as in every frame, then bytes that look random and follow from `serial`.
inline bytes frame_of(std::size_t count, std::uint64_t serial) {
  bytes frame(count);
  put_number(frame.data(), count, 4);
  for (std::size_t i = 4; i < count; ++i) {
    serial = serial * 0x5851F42D4C957F2D + 0x14057B7EF767814F;
    frame[i] = static_cast<std::uint8_t>(serial >> 56);
  }
  return frame;
}

/// A frame that gets smaller when it is compressed.
inline bytes dull_frame_of(std::size_t count) {
  bytes frame(count, 0x20);
  put_number(frame.data(), count, 4);
  return frame;
}

/// The heartbeat of docs/wire_format.md from node 3 to node 0x104.
inline bytes small_frame() {
  bytes frame(DVK_FRAME_HEADER_BYTES);
  put_number(frame.data(), frame.size(), 4);
  put_number(frame.data() + 4, 0x4001, 2);
  put_number(frame.data() + 8, 3, 2);
  put_number(frame.data() + 10, 0x104, 2);
  return frame;
}

/// A frame of a random length, small ones and large ones.
inline bytes random_frame(std::mt19937_64& chance, std::uint64_t serial) {
  const std::size_t most = chance() % 4 == 0 ? DVK_FRAME_BYTES_MAX : 300;
  const std::size_t count = DVK_FRAME_HEADER_BYTES + chance() % (most - DVK_FRAME_HEADER_BYTES + 1);
  return chance() % 3 == 0 ? dull_frame_of(count) : frame_of(count, serial);
}

/// Two sessions over a stream, and what each got.
struct stream_pair {
  stream_session dialler;
  stream_session listener;
  duration now{};
  std::vector<bytes> at_dialler{};
  std::vector<bytes> at_listener{};

  explicit stream_pair(const link_settings& dials = dialling(), const link_settings& listens = listening())
      : dialler(dials, link_role::dialler, dialler_seed, {}),
        listener(listens, link_role::listener, listener_seed, {}) {}

  static void take_frames(stream_session& from, std::vector<bytes>& into) {
    for (byte_view frame = from.next_frame(); !frame.empty(); frame = from.next_frame())
      into.push_back(bytes_of(frame));
  }

  /// All that a session has to send.
  bytes drain(stream_session& from) const {
    bytes all;
    for (byte_view some = from.outgoing(); !some.empty(); some = from.outgoing()) {
      all.insert(all.end(), some.begin(), some.end());
      from.consumed(some.size(), now);
    }
    return all;
  }

  void feed(stream_session& to, std::vector<bytes>& got, byte_view all) const {
    while (!all.empty()) {
      const result<std::size_t> taken = to.receive(all, now);
      take_frames(to, got);
      if (!taken) return;
      all = all.subspan(*taken);
    }
  }

  /// Moves bytes both ways until there are none.
  void exchange() {
    for (bool moved = true; moved;) {
      const bytes there = drain(dialler);
      const bytes back = drain(listener);
      feed(listener, at_listener, there);
      feed(dialler, at_dialler, back);
      moved = !there.empty() || !back.empty();
    }
  }
};

/// The records of a stream without its handshake, one by one.
inline std::vector<bytes> records_in(byte_view stream) {
  std::vector<bytes> records;
  while (!stream.empty()) {
    const std::size_t count = record_head::bytes + (get_number(stream.data(), 4) & 0xFF'FFFF);
    records.push_back(bytes_of(stream.first(count)));
    stream = stream.subspan(count);
  }
  return records;
}

}  // namespace dvs::proxies::test

#endif
