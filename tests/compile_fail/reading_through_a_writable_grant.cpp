// SPDX-License-Identifier: MIT
/// @file
/// The direction of a grant is part of its type: memory granted for writing cannot be copied from.
// expect: grant_ref<dvs::readable>
#include <dvs/backends/loopback.hpp>

void confuse(dvs::endpoint<dvs::loopback::backend>& self, dvs::grant_ref<dvs::writable> granted) {
  std::array<std::byte, 16> bytes;
  static_cast<void>(self.copy_from(granted, std::span<std::byte>{bytes}));
}
