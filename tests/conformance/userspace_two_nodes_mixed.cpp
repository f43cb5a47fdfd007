// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process: threads and fibers, gates on their own threads.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = two_nodes<true>;
  static constexpr std::string_view name = "userspace, two nodes, mixed";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
