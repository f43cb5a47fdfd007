// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process: threads and fibers mixed, gates on their own
/// threads, and a sealed UDP link that loses, repeats and delays packets.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/udp_wire.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = two_nodes<true, bad_udp_wire>;
  static constexpr std::string_view name = "userspace, two nodes, UDP";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
