// SPDX-License-Identifier: MIT
/// @file
/// The command dvs run.
#ifndef DVMS_RUN_HPP
#define DVMS_RUN_HPP

#include <cstdint>
#include <optional>

#include "output.hpp"

namespace dvms {

struct run_options {
  std::string dc;
  std::optional<std::int32_t> endpoint;
  std::string name;
  bool detach = false;
  std::vector<std::string> command;
};

/// Starts a program that is told its place in a DC (`dvs/backends/userspace/daemon/told_place.hpp`). Returns its exit
/// status, 128 and the signal that ended it, 126 or 127; detached, it returns at once.
int run(const setting& with, const run_options& options);

}  // namespace dvms

#endif
