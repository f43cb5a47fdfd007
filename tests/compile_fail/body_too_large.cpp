// SPDX-License-Identifier: MIT
/// @file
/// A body larger than the payload of a message belongs into granted memory.
// expect: payload_bytes
#include <dvs/protocol.hpp>

struct enormous {
  static constexpr std::uint32_t opcode = 1;
  std::uint8_t bytes[57];
  struct reply {};
};

static_assert(dvs::request<enormous>);
