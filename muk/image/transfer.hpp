// SPDX-License-Identifier: MIT
/// @file
/// Moves one file between the host and an image, through the M3FTP of a unikernel.
#ifndef MUK_IMAGE_TRANSFER_HPP
#define MUK_IMAGE_TRANSFER_HPP

#include <CLI/CLI.hpp>
#include <filesystem>
#include <muk/config/load.hpp>
#include <muk/ftp/client.hpp>
#include <muk/ftp/host_store.hpp>
#include <muk/image/report.hpp>
#include <string>

namespace muk {

/// The commands `put` and `get`; the programs `muk` and `muk-node` share them.
struct transfer {
  std::string config;
  std::string file;   ///< of the host
  std::string image;  ///< the path in the image
  std::string at;     ///< the socket of a daemon where the unikernel runs, or empty: one is booted for this
  bool afresh = false;
  const CLI::App *put = nullptr, *get = nullptr;

  void add_to(CLI::App& app) {
    auto* const putting = app.add_subcommand("put", "Puts a file of the host into the image of a configuration.");
    auto* const getting = app.add_subcommand("get", "Gets a file out of the image of a configuration.");
    for (auto* const each : {putting, getting}) {
      each->add_option("CONFIG", config, "configuration file; without --at no muk may be using its image")->required();
      if (each == putting) each->add_option("FILE", file, "of the host")->required();
      each->add_option("PATH", image, "in the image")->required();
      if (each == getting) each->add_option("FILE", file, "of the host")->required();
      each->add_flag("--afresh", afresh, "begin at the start, not where an earlier one was interrupted");
      each->add_option("--at", at, "socket of the daemon at which the unikernel, or a node of its DC, is");
    }
    put = putting;
    get = getting;
  }
  [[nodiscard]] bool is_wanted() const { return put->parsed() || get->parsed(); }

  /// Moves the file, as `self`; false, and a complaint, if that fails.
  template <dvs::backend Backend>
  bool move(dvs::endpoint<Backend>& self, dvs::endpoint_id server, report& events) const {
    const bool putting = put->parsed();
    const auto here = std::filesystem::weakly_canonical(file);
    auto files = ftp::host_store::open(here.parent_path().string());
    const auto done = [&]() -> dvs::result<ftp::moved> {
      if (!files) return files.error();
      const auto how = afresh ? ftp::beginning::afresh : ftp::beginning::resume;
      ftp::client client(self, server);
      const std::string name = here.filename().string();
      return putting ? client.put(*files, name, image, how) : client.get(image, *files, name, how);
    }();
    if (!done)
      events.complain((putting ? file + " to " + image : image + " to " + file) + ": " +
                      dvs::sentence_of(done.error()));
    return done.has_value();
  }
};

}  // namespace muk

#endif
