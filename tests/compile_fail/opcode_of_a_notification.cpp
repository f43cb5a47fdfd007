// SPDX-License-Identifier: MIT
/// @file
/// Opcodes end below the bit that marks notifications.
// expect: 0xFFF
#include <dvs/protocol.hpp>

struct misnumbered {
  static constexpr std::uint32_t opcode = 0x1000;
  struct reply {};
};

static_assert(dvs::request<misnumbered>);
