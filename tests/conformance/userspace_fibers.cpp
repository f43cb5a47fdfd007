// SPDX-License-Identifier: MIT
/// @file
/// The laws for the userspace backend: every party a fiber of one thread.
#include <dvs/backends/userspace.hpp>
#include <dvs/conformance/suite.hpp>

namespace {

struct setup : dvs::conformance::all_fibers {
  using backend = dvs::userspace::backend;
  static constexpr std::string_view name = "userspace, fibers";
  static dvs::userspace::node open() { return dvs::userspace::node(); }
};

const dvs::conformance::suite<setup> laws;

}  // namespace
