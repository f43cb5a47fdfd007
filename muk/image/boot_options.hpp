// SPDX-License-Identifier: MIT
/// @file
/// How a unikernel is booted, as its command line says it; the programs `muk` and `muk-node` share that.
#ifndef MUK_IMAGE_BOOT_OPTIONS_HPP
#define MUK_IMAGE_BOOT_OPTIONS_HPP

#include <CLI/CLI.hpp>
#include <muk/config/load.hpp>
#include <muk/image/report.hpp>
#include <string>

namespace muk {

struct boot_options {
  std::string config;
  std::string mode = "fibers";
  std::string at;      ///< the socket of a daemon, or empty
  std::string server;  ///< the one to run, or empty: all
  int port = -1;
  bool json = false;

  /// Adds what says this to a command line; its command `server`.
  CLI::App* add_to(CLI::App& app) {
    app.add_option("CONFIG", config, "configuration file, as in the README of muk/config");
    app.add_flag("--json", json, "report as JSON objects, one a line");
    app.add_option("--port", port, "TCP port of the web server, in place of the configured one")
        ->check(CLI::Range(0, 65535));
    app.add_option("--mode", mode,
                   "fibers: all servers in one thread (default); threads, processes: one for each server")
        ->check(CLI::IsMember({"threads", "fibers", "processes"}));
    app.add_option("--at", at, "socket of the daemon dvsd to be at; processes get a daemon of their own by default");
    auto* const one = app.add_subcommand("server", "Runs one server of a configuration; its DC has the others.");
    one->fallthrough();
    one->add_option("NAME", server, "systask, pm, rdisk, fs, is, nweb or ftp")->required();
    one->add_option("CONFIG", config, "configuration file")->required();
    return one;
  }
  /// Whether servers are elsewhere than in one process.
  [[nodiscard]] bool needs_node() const { return mode == "processes" || !at.empty() || !server.empty(); }
  /// Throws `CLI::ParseError`, `config::error`.
  [[nodiscard]] config::unikernel configuration() const {
    if (config.empty()) throw CLI::RequiredError("CONFIG");
    if (!server.empty() && at.empty()) throw CLI::RequiredError("--at");
    auto made = config::load(config);
    if (port >= 0 && made.website) made.website->port = static_cast<std::uint16_t>(port);
    if (made.rdisk_is_external && at.empty())
      throw config::error(config, 0, "rd_external", "RDISK is at a daemon: name its socket with --at");
    return made;
  }
  [[nodiscard]] report events(report::clock::time_point began) const {
    return {json ? report::style::json : report::style::text, began};
  }
};

}  // namespace muk

#endif
