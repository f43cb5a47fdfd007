// SPDX-License-Identifier: MIT
/// @file
/// Two nodes, each with a daemon, and parts of them, in one process of the host.
#ifndef DVS_TESTS_CLUSTER_USERSPACE_DAEMONS_HPP
#define DVS_TESTS_CLUSTER_USERSPACE_DAEMONS_HPP

#include <dvs/backends/userspace/daemon/attachment.hpp>

#include "daemon_thread.hpp"
#include "tcp_wire.hpp"

/// Parties of a law take turns in two parts of the first node and one of the second.
struct userspace_daemons {
  static constexpr std::size_t nodes = 3;
  static constexpr bool has_gathered_tables = true;
  static constexpr std::size_t site(std::size_t party) { return party % 3; }

  [[nodiscard]] dvs::userspace::node& node(std::size_t i) { return parts[i]; }
  [[nodiscard]] dvs::dc<dvs::userspace::backend> make_dc(std::size_t i, std::string_view name, dvs::dc_options sizes) {
    if (i == 1) return parts[1].open_dc(name);
    sizes.span = dvs::dc_span{dvs::dc_id{7}, static_cast<std::uint16_t>(i / 2), 2};
    return parts[i].create_dc(name, sizes);
  }
  [[nodiscard]] bool knows(std::size_t i, const dvs::process_info& row) { return node(i).id() == row.node; }
  void settle() {
    for (const std::size_t i : {0, 2, 0, 2})
      dynamic_cast<dvs::userspace::attachment&>(*parts[i].implementation().home()).fence();
  }

  daemon_thread left{dvs::node_id{1}}, right{dvs::node_id{2}};
  tcp_wire<daemon_thread> wire{left, right};
  dvs::userspace::node parts[3]{dvs::userspace::node(left.path()), dvs::userspace::node(left.path()),
                                dvs::userspace::node(right.path())};
};

#endif
