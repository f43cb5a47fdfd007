// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process: threads and fibers mixed, gates on their own
/// threads, and a sealed link of Ethernet frames over a cable of its own.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/ethernet_wire.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

const bool has_cable = [] {
  own_network().add_cable("dvs0", "dvs1", by_ethernet::mtu);
  return true;
}();

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = two_nodes<true, ethernet_wire>;
  static constexpr std::string_view name = "userspace, two nodes, Ethernet";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
