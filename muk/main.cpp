// SPDX-License-Identifier: MIT
/// @file
/// The program `muk`: boots a unikernel from a configuration, makes the images that it serves, and moves files in and
/// out.
#include <CLI/CLI.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <exception>
#include <filesystem>
#include <muk/config/load.hpp>
#include <muk/ftp/client.hpp>
#include <muk/ftp/host_store.hpp>
#include <muk/image/image.hpp>
#include <muk/mkimage/blank_image.hpp>
#include <muk/mkimage/copy_tree.hpp>

namespace {

namespace part = muk::part;
/// All servers; the configuration says which of them are started.
using whole_image = muk::image<part::systask, part::pm, part::rdisk, part::fs, part::is, part::nweb, part::ftp>;

/// What the program returns.
enum status : int { success = 0, failed = 1, misused = 2 };

struct boot_options {
  std::string config;
  bool threads = false;
  int port = -1;
  bool json = false;
};

int boot(const boot_options& options, muk::report::clock::time_point began) {
  muk::host_signals signals;
  muk::report events(options.json ? muk::report::style::json : muk::report::style::text, began);
  auto config = muk::config::load(options.config);
  if (options.port >= 0 && config.website) config.website->port = static_cast<std::uint16_t>(options.port);
  dvs::userspace::node node;
  whole_image image(std::move(config), events, &signals);
  return (options.threads ? image.run(node, dvs::on_thread{}) : image.run(node)) ? success : failed;
}

struct mkimage_options {
  std::string from;
  std::string image;
  muk::mkimage::options shape;
};

int mkimage(const mkimage_options& options) {
  const auto tree = muk::mkimage::list_tree(options.from);
  muk::mkimage::image_file file(options.image);
  muk::mkimage::make_blank(file, tree, options.shape);

  muk::config::unikernel config{};
  config.name = "mkimage";
  config.rdisk = muk::rdisk::where;
  config.fs = muk::fs::where;
  config.disks.push_back({"IMAGE", false, file.name(), 0, false, 1 << 20});
  config.root = muk::config::file_system{"IMAGE", 0, 4096};
  muk::report events(muk::report::style::complaints_only, muk::report::clock::now());
  dvs::userspace::node node;
  const auto copy = [&](auto& self) {
    try {
      muk::mkimage::tree_copier(self, options.from).copy(tree);
      return true;
    } catch (const muk::mkimage::failure& why) {
      events.complain(std::string("mkimage: ") + why.what());
      return false;
    }
  };
  if (!whole_image(config, events).run(node, muk::as_fibers{}, copy)) return failed;
  file.keep();
  return success;
}

struct transfer_options {
  std::string config;
  std::string file;   // of the host
  std::string image;  // the path in the image
  bool afresh = false;
};

/// Moves one file between the host and the image of a configuration, through M3FTP in a unikernel that is booted for
/// it.
int transfer(const transfer_options& options, bool putting) {
  auto config = muk::config::load(options.config);
  if (!config.fs) throw muk::config::error(options.config, 0, "fs_ep", "there is no FS, so there are no files");
  config.ftp = config.ftp.value_or(muk::ftp::where);
  for (auto* const unneeded : {&config.pm, &config.is, &config.web}) unneeded->reset();
  const auto server = *config.ftp;
  const auto file = std::filesystem::weakly_canonical(options.file);
  muk::report events(muk::report::style::complaints_only, muk::report::clock::now());
  const auto move = [&](auto& self) {
    auto files = muk::ftp::host_store::open(file.parent_path().string());
    const auto done = [&]() -> dvs::result<muk::ftp::moved> {
      if (!files) return files.error();
      const auto how = options.afresh ? muk::ftp::beginning::afresh : muk::ftp::beginning::resume;
      muk::ftp::client client(self, server);
      const std::string name = file.filename().string();
      return putting ? client.put(*files, name, options.image, how) : client.get(options.image, *files, name, how);
    }();
    if (!done)
      events.complain((putting ? options.file + " to " + options.image : options.image + " to " + options.file) + ": " +
                      dvs::sentence_of(done.error()));
    return done.has_value();
  };
  dvs::userspace::node node;
  return whole_image(std::move(config), events).run(node, muk::as_fibers{}, move) ? success : failed;
}

int check(const std::string& path) {
  const auto config = muk::config::load(path);
  std::printf("%s: the configuration of %s is right\n", path.c_str(), config.name.c_str());
  return success;
}

int run(int count, char** words, muk::report::clock::time_point began) {
  CLI::App app{"A multiserver unikernel: boots the servers that a configuration names.", "muk"};
  app.set_version_flag("--version", "muk " DVS_VERSION);
  app.footer("Exit status: 0 success, 1 failure, 2 wrong command line or configuration.");
  app.require_subcommand(0, 1);

  boot_options booting;
  app.add_option("CONFIG", booting.config, "configuration file, as in the README of muk/config");
  app.add_flag("--json", booting.json, "report as JSON objects, one a line");
  app.add_option("--port", booting.port, "TCP port of the web server, in place of the configured one")
      ->check(CLI::Range(0, 65535));
  std::string mode = "fibers";
  app.add_option("--mode", mode, "threads: one for each server; fibers: all servers in one thread (default)")
      ->check(CLI::IsMember({"threads", "fibers"}));

  mkimage_options making;
  auto* const make = app.add_subcommand("mkimage", "Fills a new MINIX image with a directory.");
  make->add_option("DIR", making.from, "what to copy")->required()->check(CLI::ExistingDirectory);
  make->add_option("IMAGE", making.image, "the file to make")->required();
  make->add_option("--size", making.shape.bytes, "of the image, such as 64MB; as large as necessary by default")
      ->transform(CLI::AsSizeValue(false));
  make->add_option("--version", making.shape.version, "of the MINIX file system: 1, 2 or 3 (default)")
      ->check(CLI::Range(1, 3));

  transfer_options moving;
  auto* const put = app.add_subcommand("put", "Puts a file of the host into the image of a configuration.");
  auto* const get = app.add_subcommand("get", "Gets a file out of the image of a configuration.");
  for (auto* const each : {put, get}) {
    each->add_option("CONFIG", moving.config, "configuration file; no other muk may be using its image")->required();
    if (each == put) each->add_option("FILE", moving.file, "of the host")->required();
    each->add_option("PATH", moving.image, "in the image")->required();
    if (each == get) each->add_option("FILE", moving.file, "of the host")->required();
    each->add_flag("--afresh", moving.afresh, "begin at the start, not where an earlier one was interrupted");
  }

  std::string checked;
  auto* const checking = app.add_subcommand("check", "Reads a configuration and says what is wrong with it.");
  checking->add_option("CONFIG", checked, "configuration file")->required();

  try {
    app.parse(count, words);
    if (*make) return mkimage(making);
    if (*put || *get) return transfer(moving, put->parsed());
    if (*checking) return check(checked);
    if (booting.config.empty()) throw CLI::RequiredError("CONFIG");
    booting.threads = mode == "threads";
    return boot(booting, began);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? success : misused;
  }
}

}  // namespace

int main(int count, char** words) {
  const auto began = muk::report::clock::now();
  try {
    return run(count, words, began);
  } catch (const muk::config::error& wrong) {
    std::fprintf(stderr, "muk: %s\n", wrong.what());
    return misused;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "muk: %s\n", wrong.what());
    return failed;
  }
}
