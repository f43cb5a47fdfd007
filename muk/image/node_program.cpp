// SPDX-License-Identifier: MIT
/// @file
/// The program `muk-node`, which `muk` becomes when servers are at the daemon of a node: in one process, in a process
/// each, or one alone; or when a file is moved through one that is.
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <exception>
#include <filesystem>
#include <muk/image/boot_options.hpp>
#include <muk/image/image.hpp>
#include <muk/image/lone_server.hpp>
#include <muk/image/own_daemon.hpp>
#include <muk/image/server_processes.hpp>
#include <muk/image/transfer.hpp>

namespace {

namespace part = muk::part;
using whole_image = muk::image<part::systask, part::pm, part::rdisk, part::fs, part::is, part::nweb, part::ftp>;

/// Boots with a process for each server, at a daemon that is there or at one of our own.
bool boot_processes(const muk::boot_options& options, whole_image& image) {
  std::optional<muk::own_daemon> daemon;
  if (options.at.empty()) daemon.emplace();
  const std::string socket = daemon ? daemon->socket() : options.at;
  std::vector<std::string> words{options.config, "--at", socket, "--json"};
  if (options.port >= 0) words.insert(words.end(), {"--port", std::to_string(options.port)});
  muk::server_processes servers(std::filesystem::read_symlink("/proc/self/exe").string(), std::move(words));
  dvs::userspace::node node(socket);
  return image.run(node, muk::in_processes<muk::server_processes>{&servers});
}

bool boot(const muk::boot_options& options, whole_image& image) {
  if (options.mode == "processes") return boot_processes(options, image);
  dvs::userspace::node node(options.at);
  return options.mode == "threads" ? image.run(node, dvs::on_thread{}) : image.run(node);
}

/// Runs the server that is named; its DC has the others.
bool serve(const muk::boot_options& options, const muk::config::unikernel& config, muk::report& events,
           muk::host_signals& signals) {
  dvs::userspace::node node(options.at);
  return muk::run_alone_by_name<part::systask, part::pm, part::rdisk, part::fs, part::is, part::nweb, part::ftp>(
      options.server, node, config, events, signals);
}

bool run(const muk::boot_options& options, muk::report::clock::time_point began) {
  muk::host_signals signals;
  auto events = options.events(began);
  auto config = options.configuration();
  if (!options.server.empty()) return serve(options, config, events, signals);
  whole_image image(std::move(config), events, &signals);
  return boot(options, image);
}

/// Moves a file through the M3FTP of a unikernel in the DC of its configuration, whatever the node.
bool move(const muk::transfer& wanted) {
  const auto config = muk::config::load(wanted.config);
  if (!config.ftp) throw muk::config::error(wanted.config, 0, "ftp_ep", "there is no M3FTP: add ftp_ep");
  muk::report events(muk::report::style::complaints_only, muk::report::clock::now());
  dvs::userspace::node node(wanted.at);
  auto dc = node.open_dc(config.name);
  return dc.run([&](auto& self) { return wanted.move(self, *config.ftp, events); });
}

}  // namespace

int main(int count, char** words) {
  const auto began = muk::report::clock::now();
  CLI::App app{"A multiserver unikernel at the daemon of a node: see muk.", "muk"};
  muk::boot_options options;
  options.add_to(app);
  muk::transfer moving;
  moving.add_to(app);
  try {
    app.parse(count, words);
    return (moving.is_wanted() ? move(moving) : run(options, began)) ? 0 : 1;
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  } catch (const muk::config::error& wrong) {
    std::fprintf(stderr, "muk: %s\n", wrong.what());
    return 2;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "muk: %s\n", wrong.what());
    return 1;
  }
}
