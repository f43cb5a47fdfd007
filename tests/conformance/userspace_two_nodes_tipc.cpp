// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process: threads and fibers mixed, gates on their own
/// threads, and a sealed TIPC link. Skipped where the kernel has no TIPC.
#include <dvs/conformance/suite.hpp>
#include <iostream>
#include <tests/cluster/own_network.hpp>
#include <tests/cluster/tipc_wire.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

const bool has_tipc = [] {
  try {
    static_cast<void>(dvs::proxies::tipc_socket::listen(by_tipc::place(0)));
  } catch (const dvs::error& refused) {
    std::cerr << "skipped: no TIPC here: " << refused.what() << std::endl;
    std::_Exit(own_network::skipped);
  }
  return true;
}();

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = two_nodes<true, tipc_wire>;
  static constexpr std::string_view name = "userspace, two nodes, TIPC";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
