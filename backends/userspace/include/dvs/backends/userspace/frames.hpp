// SPDX-License-Identifier: MIT
/// @file
/// What gateways and daemons agree on about frames.
#ifndef DVS_BACKENDS_USERSPACE_FRAMES_HPP
#define DVS_BACKENDS_USERSPACE_FRAMES_HPP

#include <dvs/dvk/frame.h>

#include <dvs/error.hpp>
#include <dvs/ids.hpp>

namespace dvs::userspace {

/// The number that a process which shares its node with others has in the frames between it and the daemon
/// (`dvs/backends/userspace/daemon/attachment.hpp`). No node has it.
inline constexpr node_id this_process{0xFFFF};

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
