// SPDX-License-Identifier: MIT
/// @file
/// What gateways and daemons agree on about frames.
#ifndef DVS_BACKENDS_USERSPACE_FRAMES_HPP
#define DVS_BACKENDS_USERSPACE_FRAMES_HPP

#include <dvs/dvk/wire.h>

#include <cstddef>
#include <dvs/error.hpp>
#include <dvs/ids.hpp>
#include <span>

namespace dvs::userspace {

/// The number that a process which shares its node with others has in the frames between it and the daemon
/// (`dvs/backends/userspace/daemon/attachment.hpp`). No node has it.
inline constexpr node_id this_process{0xFFFF};

/// Reads the one frame that `bytes` is. Errors: `range` (it is longer or shorter), those of dvk_frame_decode().
[[nodiscard]] inline errc decode_frame(std::span<const std::byte> bytes, dvk_frame& frame) {
  std::size_t used = 0;
  const int decoded =
      dvk_frame_decode(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), &frame, &used);
  if (decoded == DVK_E_would_block || (decoded == DVK_E_ok && used != bytes.size())) return errc::range;
  return errc{decoded};
}

/// The completion of a command that came in, or that never went out.
[[nodiscard]] inline dvk_frame completion_of(const dvk_frame& command, errc outcome) {
  dvk_frame done{};
  done.kind = command.kind == DVK_FRAME_request ? std::uint8_t{DVK_FRAME_answer}
                                                : static_cast<std::uint8_t>(command.kind | DVK_FRAME_COMPLETES);
  done.dc = command.dc;
  done.from_node = command.to_node;
  done.to_node = command.from_node;
  done.from = command.to;
  done.to = command.from;
  done.result = static_cast<int>(outcome);
  done.exchange = command.exchange;
  return done;
}

}  // namespace dvs::userspace

#endif
