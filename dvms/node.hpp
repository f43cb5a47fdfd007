// SPDX-License-Identifier: MIT
/// @file
/// The commands dvs node start, stop and status.
#ifndef DVMS_NODE_HPP
#define DVMS_NODE_HPP

#include <cstdint>

#include "output.hpp"

namespace dvms {

struct node_options {
  std::uint16_t node = 0;
  std::string mode = "600";
  bool foreground = false;
};

/// Starts a daemon, and returns when it listens; in the foreground it becomes the daemon.
int start_node(const setting& with, const node_options& options);
/// Ends the daemon, and returns when it has ended.
int stop_node(const setting& with);
int show_node(const setting& with);

}  // namespace dvms

#endif
