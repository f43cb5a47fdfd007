// SPDX-License-Identifier: MIT
/// @file
/// A request with padding would carry uninitialised bytes into another address space.
// expect: has_unique_object_representations_v
#include <dvs/protocol.hpp>

struct padded {
  static constexpr std::uint32_t opcode = 1;
  std::uint32_t small;
  std::uint64_t large;
  struct reply {};
};

static_assert(dvs::request<padded>);
