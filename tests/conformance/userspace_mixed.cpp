// SPDX-License-Identifier: MIT
/// @file
/// The laws for the userspace backend: threads and fibers mixed.
#include <dvs/backends/userspace.hpp>
#include <dvs/conformance/suite.hpp>

namespace {

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  static constexpr std::string_view name = "userspace, mixed";
  static dvs::userspace::node open() { return dvs::userspace::node(); }
};

const dvs::conformance::suite<setup> laws;

}  // namespace
