// SPDX-License-Identifier: MIT
/// @file
/// What goes over the socket between a process and its daemon: packets, each a frame, a request, an answer or a report.
///
/// Each begins with its length (4 bytes, little-endian, of what follows) and a byte that tells which it is. A frame is
/// one of `docs/wire_format.md`; its node numbers are those that the process sees, to which it is `this_process`
/// itself. Requests and answers are JSON (`control.hpp`). A report tells messages to who watches a DC
/// (`traced_message.hpp`).
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_PACKET_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_PACKET_HPP

#include <dvs/dvk/wire.h>

#include <cstddef>
#include <dvs/proxy.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace dvs::userspace {

enum class packet_kind : char { frame = 'F', request = 'Q', answer = 'A', report = 'T' };

/// The most bytes that a packet has: a list of all processes of a large DC fits.
inline constexpr std::size_t packet_bytes_max = 16 << 20;

/// The bytes of one packet, from its kind on.
using packet = std::vector<std::byte>;

[[nodiscard]] inline packet make_packet(packet_kind kind, std::span<const std::byte> body) {
  packet made;
  made.reserve(body.size() + 1);
  made.push_back(static_cast<std::byte>(kind));
  made.insert(made.end(), body.begin(), body.end());
  return made;
}
[[nodiscard]] inline packet make_packet(packet_kind kind, std::string_view text) {
  return make_packet(kind, std::as_bytes(std::span(text)));
}
/// A valid frame as a packet.
[[nodiscard]] inline packet make_packet(const dvk_frame& frame) {
  packet made(1 + dvk_frame_bytes(&frame));
  made[0] = static_cast<std::byte>(packet_kind::frame);
  std::size_t used = 0;
  dvk_frame_encode(&frame, reinterpret_cast<std::uint8_t*>(made.data()) + 1, made.size() - 1, &used);
  made.resize(1 + used);
  return made;
}

[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> body) {
  return {reinterpret_cast<const char*>(body.data()), body.size()};
}

}  // namespace dvs::userspace

#endif
