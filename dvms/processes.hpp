// SPDX-License-Identifier: MIT
/// @file
/// The commands dvs ps and dvs top.
#ifndef DVMS_PROCESSES_HPP
#define DVMS_PROCESSES_HPP

#include <cstdint>

#include "output.hpp"

namespace dvms {

struct top_options {
  std::string dc;  ///< empty: all that the caller may enter
  double interval_s = 1;
  std::uint32_t count = 0;  ///< of looks; 0: without end, with --json one
};

/// Lists the processes of `dc`, or of all DCs that the caller may enter.
int list_processes(const setting& with, const std::string& dc);
/// Shows what processes do between two looks, those that do most first.
int watch_processes(const setting& with, const top_options& options);

}  // namespace dvms

#endif
