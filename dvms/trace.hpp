// SPDX-License-Identifier: MIT
/// @file
/// The command dvs trace.
#ifndef DVMS_TRACE_HPP
#define DVMS_TRACE_HPP

#include <cstdint>

#include "output.hpp"

namespace dvms {

struct trace_options {
  std::string dc;
  std::vector<std::int32_t> endpoints;  ///< messages from and to them; none: all
  std::uint32_t count = 0;              ///< of messages; 0: without end
};

/// Shows the messages of a DC, until it ends, `count` were shown, or a signal asks for the end.
int trace(const setting& with, const trace_options& options);

}  // namespace dvms

#endif
