// SPDX-License-Identifier: MIT
/// @file
/// A backend author's program: the installed conformance suite, run for an installed backend.
#define CATCH_CONFIG_MAIN
#include <dvs/backends/loopback.hpp>
#include <dvs/conformance/suite.hpp>

namespace {

struct setup : dvs::conformance::all_fibers {
  using backend = dvs::loopback::backend;
  static constexpr std::string_view name = "loopback";
  static dvs::loopback::node open() { return dvs::loopback::node(); }
};

const dvs::conformance::suite<setup> laws;

}  // namespace
