// SPDX-License-Identifier: MIT
/// @file
/// Several parts of one node, each with a line to its daemon, in one process of the host; between them everything goes
/// through the daemon.
#ifndef DVS_TESTS_CLUSTER_USERSPACE_PARTS_HPP
#define DVS_TESTS_CLUSTER_USERSPACE_PARTS_HPP

#include <dvs/backends/userspace/daemon/attachment.hpp>

#include "daemon_thread.hpp"

/// Parties of a law take turns in them.
struct userspace_parts {
  static constexpr std::size_t nodes = 2;
  static constexpr bool has_gathered_tables = true;
  static constexpr std::size_t site(std::size_t party) { return party % 2; }

  [[nodiscard]] dvs::userspace::node& node(std::size_t i) { return i == 0 ? first : second; }
  [[nodiscard]] dvs::dc<dvs::userspace::backend> make_dc(std::size_t i, std::string_view name, dvs::dc_options sizes) {
    sizes.strict = true;  // parts that may share memory are in userspace_processes and userspace_daemons
    return i == 0 ? first.create_dc(name, sizes) : second.open_dc(name);
  }
  /// Each of them asks the others.
  [[nodiscard]] static bool knows(std::size_t, const dvs::process_info&) { return true; }
  void settle() { dynamic_cast<dvs::userspace::attachment&>(*first.implementation().home()).fence(); }

  daemon_thread host;
  dvs::userspace::node first{host.path()}, second{host.path()};
};

#endif
