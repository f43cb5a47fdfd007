// SPDX-License-Identifier: MIT
/// @file
/// The commands dvs node start, stop and status.
#ifndef DVMS_NODE_HPP
#define DVMS_NODE_HPP

#include <string>

#include "output.hpp"

namespace dvms {

struct node_options {
  std::string node = "0";  ///< its number; with `config` its name
  std::string config;      ///< of a cluster, or empty
  std::string mode = "600";
  bool foreground = false;
};

/// Starts a daemon, and returns when it listens; in the foreground it becomes the daemon. What is wrong with a
/// configuration is said as compilers do.
int start_node(const setting& with, const node_options& options);
/// Ends the daemon, and returns when it has ended.
int stop_node(const setting& with);
int show_node(const setting& with);

}  // namespace dvms

#endif
