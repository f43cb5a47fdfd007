// SPDX-License-Identifier: MIT
/// @file
/// What one side of a link is configured with, and what both sides agree on.
#ifndef DVS_PROXIES_LINK_SETTINGS_HPP
#define DVS_PROXIES_LINK_SETTINGS_HPP

#include <dvs/dvk/wire.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <dvs/error.hpp>
#include <dvs/ids.hpp>
#include <dvs/time.hpp>
#include <optional>
#include <span>

namespace dvs::proxies {

/// Bytes that somebody else owns.
using byte_view = std::span<const std::uint8_t>;

/// The secret that the nodes of a cluster share. Who has it may be any node.
using cluster_key = std::array<std::uint8_t, 32>;

/// 32 random bytes for one session, from a source fit for keys (`fresh_seed()` in `dvs/proxies/transcript.hpp`). A seed
/// that is used twice gives away what both sessions said.
using session_seed = std::array<std::uint8_t, 32>;

/// Who speaks first. A link has one of each.
enum class link_role : std::uint8_t { dialler, listener };

/// What lies below: a stream of bytes, or packets. A value of the wire format.
enum class link_transport : std::uint8_t { stream = 0, datagram = 1 };

/// The link versions that this code speaks. Both sides use the highest that both know.
inline constexpr std::uint8_t link_version_min = 1;
inline constexpr std::uint8_t link_version_max = 1;

/// The bounds of `link_settings`. A batch holds at least one frame of any size.
inline constexpr std::uint32_t batch_bytes_min = DVK_FRAME_BYTES_MAX;
inline constexpr std::uint32_t batch_bytes_max = 1 << 20;
inline constexpr std::uint32_t packet_bytes_min = 512;
inline constexpr std::uint32_t packet_bytes_max = 65'535;
inline constexpr std::uint32_t window_bytes_min = 256 << 10;
inline constexpr std::uint32_t window_bytes_max = 64 << 20;
inline constexpr duration heartbeat_min = std::chrono::milliseconds{1};
inline constexpr duration dead_after_max = std::chrono::hours{24};

/// The configuration of one side. Everything but `node`, `incarnation` and `key` may stay as it is.
struct link_settings {
  node_id node{};                 ///< who we are
  std::uint64_t incarnation = 0;  ///< chosen at random when the node starts, so that a reboot is noticed

  std::optional<node_id> peer;     ///< the only node to accept at the other end; without it, any but our own
  std::optional<cluster_key> key;  ///< without it the link is plain: nothing is secret, nothing is proved

  /// Offers to compress what gets smaller. Lengths then tell something about contents, even of a sealed link: leave it
  /// off where strangers can place text beside secrets.
  bool lz4 = false;
  /// The most that a record may carry, `batch_bytes_min` to `batch_bytes_max`. Small frames are batched up to this.
  std::uint32_t batch_bytes = 2 * DVK_FRAME_BYTES_MAX;
  duration heartbeat = std::chrono::seconds{1};   ///< say something at least this often; whole milliseconds
  duration dead_after = std::chrono::seconds{5};  ///< the silence that ends a link; at least two heartbeats
  /// How much may wait to be sent, or over datagrams to be acknowledged, before `would_block`.
  std::size_t queue_bytes = 1 << 20;

  std::uint32_t packet_bytes = 1400;  ///< datagrams: the largest packet, `packet_bytes_min` to `packet_bytes_max`
  /// Datagrams: how much the peer may send ahead of what was taken out; at least two batches, `window_bytes_min` to
  /// `window_bytes_max`.
  std::uint32_t window_bytes = 1 << 20;
};

/// `bad_value` if a setting that matters to this transport is out of its range, else `ok`.
[[nodiscard]] constexpr errc check(const link_settings& settings, link_transport transport) {
  const auto within = [](auto value, auto low, auto high) { return low <= value && value <= high; };
  bool good = within(settings.batch_bytes, batch_bytes_min, batch_bytes_max) &&
              within(settings.heartbeat, heartbeat_min, settings.dead_after / 2) &&
              settings.dead_after <= dead_after_max;
  if (transport == link_transport::datagram)
    good = good && within(settings.packet_bytes, packet_bytes_min, packet_bytes_max) &&
           within(settings.window_bytes, std::max(window_bytes_min, 2 * settings.batch_bytes), window_bytes_max);
  return good ? errc::ok : errc::bad_value;
}

/// Who is at the other end, by its own word, which on a sealed link comes from somebody who has the key.
struct link_peer {
  node_id node{};
  std::uint64_t incarnation = 0;
  friend bool operator==(const link_peer&, const link_peer&) = default;
};

/// What both sides follow: the same on both, whoever dialled, but for `peer_window_bytes`.
struct link_agreement {
  std::uint8_t version = 0;             ///< the lower of the two highest
  bool sealed = false;                  ///< whether records are encrypted and authenticated
  bool lz4 = false;                     ///< if both offer it
  std::uint32_t batch_bytes = 0;        ///< the smaller
  duration heartbeat{};                 ///< the shorter
  duration dead_after{};                ///< the shorter
  std::uint32_t packet_bytes = 0;       ///< the smaller; 0 on a stream
  std::uint32_t peer_window_bytes = 0;  ///< what the peer lets us send ahead; 0 on a stream
  friend bool operator==(const link_agreement&, const link_agreement&) = default;
};

}  // namespace dvs::proxies

#endif
