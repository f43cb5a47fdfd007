// SPDX-License-Identifier: MIT
/// @file
/// The laws for processes of the host: every party in its own, or mixed with threads and fibers, as the environment
/// variable DVS_SETUP says.
#define CATCH_CONFIG_RUNNER
#include <cstdlib>
#include <dvs/conformance/suite.hpp>
#include <iostream>
#include <tests/cluster/userspace_processes.hpp>

namespace {

using namespace dvs::conformance;

const std::string chosen = [] {
  const char* const wanted = std::getenv("DVS_SETUP");
  for (const std::string each : {"processes", "processes_among_others"})
    if (wanted != nullptr && each == wanted) return each;
  std::cerr << "set the environment variable DVS_SETUP to processes or processes_among_others" << std::endl;
  std::_Exit(2);
}();

struct setup {
  using backend = dvs::userspace::backend;
  using world = userspace_processes;
  static const std::string name;
  static placement place(std::size_t party) {
    return chosen == "processes" ? all_processes::place(party) : processes_and_others::place(party);
  }
};
const std::string setup::name = "userspace, " + chosen;

const suite<setup> laws;

}  // namespace

int main(int argc, char** argv) {
  return shared_stack::run([&] { return Catch::Session().run(argc, argv); });
}
