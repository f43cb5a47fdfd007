// SPDX-License-Identifier: MIT
/// @file
/// The program dvsd: the daemon of a node, which brings together the processes that attach to it.
#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <cstdio>
#include <dvs/backends/userspace/daemon/daemon.hpp>
#include <dvs/backends/userspace/daemon/default_place.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "cluster_member.hpp"

namespace {

constexpr const char* exit_codes = R"(Exit status:
  0  it was told to end (SIGTERM, SIGINT)
  1  it could not listen there, or the configuration is wrong
  2  the command line was wrong)";

struct options {
  std::string socket = dvs::userspace::default_place();
  std::string node = "0";
  std::string config;
  std::string mode = "600";
  bool is_quiet = false;
};

/// What goes beside the socket has to be reachable by those who may use it.
void make_directory_of(const std::string& socket) {
  const auto directory = std::filesystem::path(socket).parent_path();
  if (!directory.empty()) std::filesystem::create_directories(directory);
}

void serve(const options& how, dvs::node_id node, const std::optional<dvsd::cluster_place>& place) {
  boost::asio::io_context loop(1);
  make_directory_of(how.socket);
  dvs::userspace::daemon here(loop, how.socket, node, static_cast<mode_t>(std::stoul(how.mode, nullptr, 8)));
  std::optional<dvsd::cluster_member> member;
  if (place) member.emplace(loop, here, *place);
  boost::asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&](const auto&, int) { loop.stop(); });
  if (!how.is_quiet) {
    const std::string name = place ? " (" + place->self().name + " of " + place->all().name + ")" : "";
    std::printf("dvsd: node %u%s, at %s\n", dvs::number(node), name.c_str(), how.socket.c_str());
    std::fflush(stdout);
  }
  loop.run();
}

/// The number of a node that is in no cluster; nothing if the text is none.
std::optional<dvs::node_id> number_of_node(const std::string& text) {
  std::uint16_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number > 0xFFFE) return {};
  return dvs::node_id{number};
}

int run(options how, bool is_socket_given) {
  try {
    std::optional<dvsd::cluster_place> place;
    try {
      if (!how.config.empty()) place.emplace(how.config, how.node);
    } catch (const std::runtime_error& complaints) {
      std::fputs(complaints.what(), stderr);  // as compilers do, without our name
      return 1;
    }
    if (place && !is_socket_given) how.socket = place->socket();
    serve(how, place ? place->self().id : *number_of_node(how.node), place);
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "dvsd: %s\n", problem.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The daemon of a dvs node: owns its DCs and brings together the processes that attach to it.", "dvsd"};
  app.footer(exit_codes);
  app.set_version_flag("--version", "dvsd " DVS_VERSION);
  options how;
  auto* const socket = app.add_option("--socket", how.socket, "where processes find it")->capture_default_str();
  auto* const node = app.add_option("--node", how.node, "the number of the node, or with --config its name");
  node->capture_default_str();
  app.add_option("--config", how.config, "the configuration of the cluster that the node is in")->needs(node);
  app.add_option("--mode", how.mode, "who may connect, as the mode of the socket; DCs have lists of their own")
      ->check([](const std::string& text) {
        const bool good = text.size() == 3 && text.find_first_not_of("01234567") == std::string::npos;
        return good ? std::string() : "three octal digits, such as 660";
      })
      ->capture_default_str();
  app.add_flag("--quiet", how.is_quiet, "say nothing but errors");
  try {
    app.parse(argc, argv);
    if (how.config.empty() && !number_of_node(how.node))
      throw CLI::ValidationError("--node", "a number from 0 to 65534; a name needs --config");
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  }
  return run(std::move(how), socket->count() > 0);
}
