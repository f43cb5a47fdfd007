// SPDX-License-Identifier: MIT
/// @file
/// The laws for two parts of a node that a daemon brings together, with threads and fibers in each.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/userspace_parts.hpp>

namespace {

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = userspace_parts;
  static constexpr std::string_view name = "userspace, two parts";
};

const dvs::conformance::suite<setup> laws;

}  // namespace
