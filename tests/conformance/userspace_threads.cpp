// SPDX-License-Identifier: MIT
/// @file
/// The laws for the userspace backend: every party a thread of its own.
#include <dvs/backends/userspace.hpp>
#include <dvs/conformance/suite.hpp>

namespace {

struct setup : dvs::conformance::all_threads {
  using backend = dvs::userspace::backend;
  static constexpr std::string_view name = "userspace, threads";
  static dvs::userspace::node open() { return dvs::userspace::node(); }
};

const dvs::conformance::suite<setup> laws;

}  // namespace
