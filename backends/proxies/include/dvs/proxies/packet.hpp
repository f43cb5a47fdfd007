// SPDX-License-Identifier: MIT
/// @file
/// What a packet says between its head and its tag (docs/wire_format.md).
#ifndef DVS_PROXIES_PACKET_HPP
#define DVS_PROXIES_PACKET_HPP

#include <dvs/proxies/introduction.hpp>
#include <dvs/proxies/number_ranges.hpp>

namespace dvs::proxies {

/// Which packets arrived, and how far the peer may send. What is in it when it is empty means nothing.
struct packet_ack {
  static constexpr std::size_t ranges_max = 32;
  static constexpr std::size_t head_bytes = 13;
  static constexpr std::size_t range_bytes = 12;

  std::uint32_t delay_us = 0;                     ///< since the highest of them arrived
  std::uint64_t limit = 0;                        ///< offset in the stream before which the peer may send
  std::array<number_range, ranges_max> ranges{};  ///< highest first
  std::size_t count = 0;

  [[nodiscard]] std::size_t bytes() const { return count == 0 ? 0 : head_bytes + count * range_bytes; }

  void write(std::uint8_t* into) const {
    put_number(into, count, 1);
    put_number(into + 1, delay_us, 4);
    put_number(into + 5, limit, 8);
    for (std::size_t i = 0; i < count; ++i) {
      put_number(into + head_bytes + i * range_bytes, ranges[i].first, 8);
      put_number(into + head_bytes + i * range_bytes + 8, ranges[i].end - ranges[i].first, 4);
    }
  }

  /// Reads one from the beginning of `from`. False if none is there: highest first, nothing empty, a gap between two.
  [[nodiscard]] bool read(byte_view from) {
    if (from.size() < head_bytes || from[0] == 0 || from[0] > ranges_max) return false;
    count = from[0];
    if (from.size() < bytes()) return false;
    delay_us = static_cast<std::uint32_t>(get_number(from.data() + 1, 4));
    limit = get_number(from.data() + 5, 8);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* const at = from.data() + head_bytes + i * range_bytes;
      const std::uint64_t first = get_number(at, 8);
      const std::uint64_t length = get_number(at + 8, 4);
      if (length == 0 || first > UINT64_MAX - length) return false;
      ranges[i] = {first, first + length};
      if (i > 0 && ranges[i].end >= ranges[i - 1].first) return false;
    }
    return true;
  }
};

/// The body of a packet.
struct packet_body {
  static constexpr std::size_t flags_bytes = 1;
  static constexpr std::size_t offset_bytes = 8;
  static constexpr std::uint8_t flag_ack = 1;
  static constexpr std::uint8_t flag_data = 2;

  packet_ack ack;            ///< without ranges if there is none
  bool has_data = false;     ///< whether the packet wants to be acknowledged; it may carry no bytes
  std::uint64_t offset = 0;  ///< of the data in the stream
  byte_view data;

  /// `bad_argument` if these bytes are no body.
  [[nodiscard]] static result<packet_body> read(byte_view from) {
    if (from.empty() || (from[0] & ~(flag_ack | flag_data)) != 0) return errc::bad_argument;
    packet_body body;
    byte_view rest = from.subspan(flags_bytes);
    if ((from[0] & flag_ack) != 0) {
      if (!body.ack.read(rest)) return errc::bad_argument;
      rest = rest.subspan(body.ack.bytes());
    }
    body.has_data = (from[0] & flag_data) != 0;
    if (!body.has_data) return rest.empty() ? result(body) : errc::bad_argument;
    if (rest.size() < offset_bytes) return errc::bad_argument;
    body.offset = get_number(rest.data(), offset_bytes);
    body.data = rest.subspan(offset_bytes);
    return body.offset > UINT64_MAX - body.data.size() ? errc::bad_argument : result(body);
  }
};

}  // namespace dvs::proxies

#endif
