// SPDX-License-Identifier: MIT
/// @file
/// Two requests of one protocol cannot share an opcode: the server could not tell them apart.
// expect: two requests of this protocol have the same opcode
#include <dvs/protocol.hpp>

struct first {
  static constexpr std::uint32_t opcode = 7;
  struct reply {};
};
struct second {
  static constexpr std::uint32_t opcode = 7;
  struct reply {};
};

using protocol = dvs::protocol<first, second>;
protocol instance;
