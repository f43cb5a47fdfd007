// SPDX-License-Identifier: MIT
/// @file
/// What a node says about itself in a handshake: 32 bytes (docs/wire_format.md), and what follows from two of them.
#ifndef DVS_PROXIES_INTRODUCTION_HPP
#define DVS_PROXIES_INTRODUCTION_HPP

#include <dvs/proxies/link_settings.hpp>
#include <dvs/result.hpp>

namespace dvs::proxies {

/// Writes `bytes` bytes of `value`, lowest first.
inline void put_number(std::uint8_t* into, std::uint64_t value, std::uint32_t bytes) {
  dvk_wire_writer writer{into};
  dvk_wire_put(&writer, value, bytes);
}

/// Reads `bytes` bytes, lowest first.
[[nodiscard]] inline std::uint64_t get_number(const std::uint8_t* from, std::uint32_t bytes) {
  dvk_wire_reader reader{from};
  return dvk_wire_get(&reader, bytes);
}

/// One side's introduction. Offers of a kind that we do not know are passed over: they come from later versions.
struct introduction {
  static constexpr std::size_t bytes = 32;
  static constexpr std::uint8_t flag_lz4 = 1;

  link_peer self;
  std::uint8_t version_max = link_version_max;
  bool lz4 = false;
  std::uint32_t batch_bytes = 0;
  std::uint32_t heartbeat_ms = 0;
  std::uint32_t dead_after_ms = 0;
  std::uint32_t window_bytes = 0;  ///< 0 on a stream
  std::uint32_t packet_bytes = 0;  ///< 0 on a stream

  [[nodiscard]] static introduction of(const link_settings& settings, link_transport transport) {
    const auto ms = [](duration d) {
      return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
    };
    const bool packets = transport == link_transport::datagram;
    return {.self = {settings.node, settings.incarnation},
            .lz4 = settings.lz4,
            .batch_bytes = settings.batch_bytes,
            .heartbeat_ms = ms(settings.heartbeat),
            .dead_after_ms = ms(settings.dead_after),
            .window_bytes = packets ? settings.window_bytes : 0,
            .packet_bytes = packets ? settings.packet_bytes : 0};
  }

  void write(std::uint8_t* into) const {
    put_number(into, number(self.node), 2);
    put_number(into + 2, version_max, 1);
    put_number(into + 3, lz4 ? flag_lz4 : 0, 1);
    put_number(into + 4, batch_bytes, 4);
    put_number(into + 8, heartbeat_ms, 4);
    put_number(into + 12, dead_after_ms, 4);
    put_number(into + 16, self.incarnation, 8);
    put_number(into + 24, window_bytes, 4);
    put_number(into + 28, packet_bytes, 4);
  }

  /// `bad_argument` if a number is not one that such a side may offer.
  [[nodiscard]] static result<introduction> read(const std::uint8_t* from, link_transport transport) {
    const auto number32 = [&](std::size_t at) { return static_cast<std::uint32_t>(get_number(from + at, 4)); };
    const introduction said{
        .self = {node_id{static_cast<std::uint16_t>(get_number(from, 2))}, get_number(from + 16, 8)},
        .version_max = from[2],
        .lz4 = (from[3] & flag_lz4) != 0,
        .batch_bytes = number32(4),
        .heartbeat_ms = number32(8),
        .dead_after_ms = number32(12),
        .window_bytes = number32(24),
        .packet_bytes = number32(28)};
    const bool packets = transport == link_transport::datagram;
    if (!packets && (said.window_bytes != 0 || said.packet_bytes != 0)) return errc::bad_argument;
    return check(said.as_settings(), transport) == errc::ok ? result(said) : errc::bad_argument;
  }

  /// Whether `ours` can follow these offers: `bad_node` (our own number, or not the expected one), `not_supported` (no
  /// version that both know).
  [[nodiscard]] errc acceptable_to(const link_settings& ours) const {
    if (version_max < link_version_min) return errc::not_supported;
    if (self.node == ours.node || (ours.peer && *ours.peer != self.node)) return errc::bad_node;
    return errc::ok;
  }

  /// What both sides follow after these two introductions.
  [[nodiscard]] static link_agreement agree(const introduction& ours, const introduction& theirs, bool sealed) {
    return {.version = std::min(ours.version_max, theirs.version_max),
            .sealed = sealed,
            .lz4 = ours.lz4 && theirs.lz4,
            .batch_bytes = std::min(ours.batch_bytes, theirs.batch_bytes),
            .heartbeat = std::chrono::milliseconds{std::min(ours.heartbeat_ms, theirs.heartbeat_ms)},
            .dead_after = std::chrono::milliseconds{std::min(ours.dead_after_ms, theirs.dead_after_ms)},
            .packet_bytes = std::min(ours.packet_bytes, theirs.packet_bytes),
            .peer_window_bytes = theirs.window_bytes};
  }

 private:
  [[nodiscard]] link_settings as_settings() const {
    link_settings settings;
    settings.batch_bytes = batch_bytes;
    settings.heartbeat = std::chrono::milliseconds{heartbeat_ms};
    settings.dead_after = std::chrono::milliseconds{dead_after_ms};
    settings.window_bytes = window_bytes;
    settings.packet_bytes = packet_bytes;
    return settings;
  }
};

}  // namespace dvs::proxies

#endif
