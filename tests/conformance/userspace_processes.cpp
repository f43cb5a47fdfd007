// SPDX-License-Identifier: MIT
/// @file
/// The laws for processes of the host: every party in its own, and mixed with threads and fibers.
#define CATCH_CONFIG_RUNNER
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/userspace_processes.hpp>

namespace {

struct own_processes : dvs::conformance::all_processes {
  using backend = dvs::userspace::backend;
  using world = userspace_processes;
  static constexpr std::string_view name = "userspace, processes";
};
struct some_processes : dvs::conformance::processes_and_others {
  using backend = dvs::userspace::backend;
  using world = userspace_processes;
  static constexpr std::string_view name = "userspace, processes among threads and fibers";
};

const dvs::conformance::suite<own_processes> laws;
const dvs::conformance::suite<some_processes> mixed_laws;

}  // namespace

int main(int argc, char** argv) {
  return shared_stack::run([&] { return Catch::Session().run(argc, argv); });
}
