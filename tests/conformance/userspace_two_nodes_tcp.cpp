// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process: threads and fibers mixed, gates on their own
/// threads, and a sealed TCP link.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/tcp_wire.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = two_nodes<true, tcp_wire>;
  static constexpr std::string_view name = "userspace, two nodes, TCP";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
