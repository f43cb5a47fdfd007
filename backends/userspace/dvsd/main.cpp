// SPDX-License-Identifier: MIT
/// @file
/// The program dvsd: the daemon of a node, which brings together the processes that attach to it.
#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <dvs/backends/userspace/daemon/daemon.hpp>
#include <dvs/backends/userspace/daemon/default_place.hpp>
#include <filesystem>
#include <string>

namespace {

constexpr const char* exit_codes = R"(Exit status:
  0  it was told to end (SIGTERM, SIGINT)
  1  it could not listen there
  2  the command line was wrong)";

/// What goes beside the socket has to be reachable by those who may use it.
void make_directory_of(const std::string& socket) {
  const auto directory = std::filesystem::path(socket).parent_path();
  if (!directory.empty()) std::filesystem::create_directories(directory);
}

int serve(const std::string& socket, std::uint16_t node, mode_t mode, bool is_quiet) {
  boost::asio::io_context loop(1);
  make_directory_of(socket);
  const dvs::userspace::daemon here(loop, socket, dvs::node_id{node}, mode);
  boost::asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&](const auto&, int) { loop.stop(); });
  if (!is_quiet) std::printf("dvsd: node %u, at %s\n", node, socket.c_str());
  std::fflush(stdout);
  loop.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The daemon of a dvs node: owns its DCs and brings together the processes that attach to it.", "dvsd"};
  app.footer(exit_codes);
  app.set_version_flag("--version", "dvsd " DVS_VERSION);
  std::string socket = dvs::userspace::default_place();
  std::uint16_t node = 0;
  std::string mode = "600";
  app.add_option("--socket", socket, "where processes find it")->capture_default_str();
  app.add_option("--node", node, "the number of the node in its cluster")
      ->check(CLI::Range(0, 0xFFFE))
      ->capture_default_str();
  app.add_option("--mode", mode, "who may connect, as the mode of the socket; DCs have lists of their own")
      ->check([](const std::string& text) {
        const bool good = text.size() == 3 && text.find_first_not_of("01234567") == std::string::npos;
        return good ? std::string() : "three octal digits, such as 660";
      })
      ->capture_default_str();
  bool is_quiet = false;
  app.add_flag("--quiet", is_quiet, "say nothing but errors");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  }
  try {
    return serve(socket, node, static_cast<mode_t>(std::stoul(mode, nullptr, 8)), is_quiet);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "dvsd: %s\n", problem.what());
    return 1;
  }
}
