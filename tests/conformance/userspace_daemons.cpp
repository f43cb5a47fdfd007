// SPDX-License-Identifier: MIT
/// @file
/// The laws for parts of two nodes, whose daemons are linked by TCP.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/userspace_daemons.hpp>

namespace {

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = userspace_daemons;
  static constexpr std::string_view name = "userspace, two nodes with daemons";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
