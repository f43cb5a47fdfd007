// SPDX-License-Identifier: MIT
/// @file
/// The program `muk`: boots a unikernel from a configuration, makes the images that it serves, and moves files in and
/// out.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <exception>
#include <filesystem>
#include <muk/config/load.hpp>
#include <muk/image/boot_options.hpp>
#include <muk/image/image.hpp>
#include <muk/image/transfer.hpp>
#include <muk/mkimage/blank_image.hpp>
#include <muk/mkimage/copy_tree.hpp>

namespace {

namespace part = muk::part;
/// All servers; the configuration says which of them are started.
using whole_image = muk::image<part::systask, part::pm, part::rdisk, part::fs, part::is, part::nweb, part::ftp>;

/// What the program returns.
enum status : int { success = 0, failed = 1, misused = 2 };

int boot(const muk::boot_options& options, muk::report::clock::time_point began) {
  muk::host_signals signals;
  auto events = options.events(began);
  whole_image image(options.configuration(), events, &signals);
  dvs::userspace::node node;
  return (options.mode == "threads" ? image.run(node, dvs::on_thread{}) : image.run(node)) ? success : failed;
}

/// Becomes the program that boots at a daemon. Most need none, and are better off with a small program.
int become_node(char** words) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").replace_filename("muk-node");
  ::execv(program.c_str(), words);
  throw std::runtime_error("there is no program " + program.string() + "; install muk whole");
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

/// Moves one file between the host and the image of a configuration, through M3FTP in a unikernel that is booted for
/// it.
int move(const muk::transfer& wanted) {
  auto config = muk::config::load(wanted.config);
  if (!config.fs) throw muk::config::error(wanted.config, 0, "fs_ep", "there is no FS, so there are no files");
  config.ftp = config.ftp.value_or(muk::ftp::where);
  for (auto* const unneeded : {&config.pm, &config.is, &config.web}) unneeded->reset();
  const auto server = *config.ftp;
  muk::report events(muk::report::style::complaints_only, muk::report::clock::now());
  dvs::userspace::node node;
  const auto body = [&](auto& self) { return wanted.move(self, server, events); };
  return whole_image(std::move(config), events).run(node, muk::as_fibers{}, body) ? success : failed;
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

  muk::boot_options booting;
  const auto* const one = booting.add_to(app);

  mkimage_options making;
  auto* const make = app.add_subcommand("mkimage", "Fills a new MINIX image with a directory.");
  make->add_option("DIR", making.from, "what to copy")->required()->check(CLI::ExistingDirectory);
  make->add_option("IMAGE", making.image, "the file to make")->required();
  make->add_option("--size", making.shape.bytes, "of the image, such as 64MB; as large as necessary by default")
      ->transform(CLI::AsSizeValue(false));
  make->add_option("--version", making.shape.version, "of the MINIX file system: 1, 2 or 3 (default)")
      ->check(CLI::Range(1, 3));

  muk::transfer moving;
  moving.add_to(app);

  std::string checked;
  auto* const checking = app.add_subcommand("check", "Reads a configuration and says what is wrong with it.");
  checking->add_option("CONFIG", checked, "configuration file")->required();

  try {
    app.parse(count, words);
    if (*make) return mkimage(making);
    if (moving.is_wanted()) return moving.at.empty() ? move(moving) : become_node(words);
    if (*checking) return check(checked);
    return *one || booting.needs_node() ? become_node(words) : boot(booting, began);
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
