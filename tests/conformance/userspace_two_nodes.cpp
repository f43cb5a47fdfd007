// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process, everything on one thread.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

struct setup : dvs::conformance::all_fibers {
  using backend = dvs::userspace::backend;
  using world = two_nodes<false>;
  static constexpr std::string_view name = "userspace, two nodes, fibers";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
