// SPDX-License-Identifier: MIT
/// @file
/// The servers that an image can hold, and how each is made from the configuration.
#ifndef MUK_IMAGE_PARTS_HPP
#define MUK_IMAGE_PARTS_HPP

#include <chrono>
#include <concepts>
#include <fstream>
#include <iterator>
#include <memory>
#include <muk/config/config.hpp>
#include <muk/fs/server.hpp>
#include <muk/ftp/fs_store.hpp>
#include <muk/ftp/server.hpp>
#include <muk/is/server.hpp>
#include <muk/nweb/fs_site.hpp>
#include <muk/nweb/server.hpp>
#include <muk/pm/server.hpp>
#include <muk/rdisk/file_storage.hpp>
#include <muk/rdisk/server.hpp>
#include <muk/systask/server.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace muk {

/// What a part finds around it when it starts.
template <dvs::backend Backend>
struct surroundings {
  const config::unikernel& config;
  dvs::dc<Backend>& dc;
  std::uint64_t date_at_start;
};

/// Seconds since 1970 when the clock of the node was zero.
template <dvs::backend Backend>
std::uint64_t date_at_start(dvs::endpoint<Backend>& self) {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<seconds>(system_clock::now().time_since_epoch() - self.now()).count());
}

/// One kind of server: its name, where the configuration wants it (nowhere: it is not started), and
/// `run(self, around, ready)`, which calls `ready(detail)` once and returns when it was asked to leave. It throws a
/// `std::runtime_error` with a sentence when it cannot start. `is_external(config)`, if it has that, says that somebody
/// else starts and ends it.
template <class Part>
concept image_part = requires(const config::unikernel& config) {
  { Part::name } -> std::convertible_to<std::string_view>;
  { Part::where(config) } -> std::same_as<std::optional<dvs::endpoint_id>>;
};

namespace part {

struct systask {
  static constexpr std::string_view name = "systask";
  static std::optional<dvs::endpoint_id> where(const config::unikernel&) { return muk::systask::where; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>& around, Ready&& ready) {
    muk::systask::server<Backend> server(self, around.dc, around.config.pm.value_or(muk::pm::where));
    ready("");
    return server.run();
  }
};

struct pm {
  static constexpr std::string_view name = "pm";
  static std::optional<dvs::endpoint_id> where(const config::unikernel& config) { return config.pm; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>&, Ready&& ready) {
    muk::pm::server<Backend> server(self);
    ready("");
    return server.run();
  }
};

struct rdisk {
  static constexpr std::string_view name = "rdisk";
  static std::optional<dvs::endpoint_id> where(const config::unikernel& config) { return config.rdisk; }
  static bool is_external(const config::unikernel& config) { return config.rdisk_is_external; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>& around, Ready&& ready) {
    std::vector<muk::rdisk::device> devices;
    for (const config::disk& each : around.config.disks)
      devices.push_back({each.name, open(each), each.buffer_bytes, each.is_volatile});
    muk::rdisk::server<Backend> server(self, std::move(devices));
    ready("");
    return server.run();
  }

 private:
  static std::unique_ptr<muk::rdisk::storage> open(const config::disk& disk) {
    using namespace muk::rdisk;
    if (disk.image_file.empty()) return std::make_unique<memory_storage>(disk.bytes);
    const bool written = !disk.in_memory && !disk.is_volatile;
    auto file = file_storage::open(disk.image_file, written ? file_access::read_write : file_access::read_only);
    if (!file) throw failure(disk, file.error());
    if (written) return std::move(*file);
    if (!disk.in_memory) return std::make_unique<volatile_storage>(std::move(*file));
    std::vector<std::byte> content((*file)->size());
    if (const auto read = (*file)->read(0, content); !read) throw failure(disk, read.error());
    return std::make_unique<memory_storage>(std::move(content));
  }
  static std::runtime_error failure(const config::disk& disk, dvs::errc why) {
    return std::runtime_error("device " + disk.name + ", image_file '" + disk.image_file +
                              "': " + dvs::sentence_of(why));
  }
};

struct fs {
  static constexpr std::string_view name = "fs";
  static std::optional<dvs::endpoint_id> where(const config::unikernel& config) { return config.fs; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>& around, Ready&& ready) {
    muk::fs::settings how;
    how.driver = *around.config.rdisk;
    how.minor = around.config.root->minor;
    how.date_at_start = around.date_at_start;
    const auto server = std::make_unique<muk::fs::server<Backend>>(self, how);
    if (const auto mounted = server->mount(); !mounted) {
      std::string why = dvs::sentence_of(mounted.error());
      if (const auto& fault = server->last_fault()) why = fault->why + (", block " + std::to_string(fault->block));
      throw std::runtime_error("device " + around.config.root->name + ": " + why);
    }
    ready("");
    return server->run();
  }
};

struct is {
  static constexpr std::string_view name = "is";
  static std::optional<dvs::endpoint_id> where(const config::unikernel& config) { return config.is; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>& around, Ready&& ready) {
    muk::is::server<Backend> server(self,
                                    {muk::systask::where, around.config.pm, around.config.rdisk, around.config.fs});
    ready("");
    return server.run();
  }
};

struct nweb {
  static constexpr std::string_view name = "nweb";
  static std::optional<dvs::endpoint_id> where(const config::unikernel& config) { return config.web; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>& around, Ready&& ready) {
    const config::web_server& site = *around.config.website;
    auto listener = self.listen(site.port);
    if (!listener)
      throw std::runtime_error("port " + std::to_string(site.port) + ": " + dvs::sentence_of(listener.error()));
    ready("http://127.0.0.1:" + std::to_string(listener->port()) + "/");
    muk::nweb::settings settings{.port = site.port, .root = site.root};
    settings.file_server = *around.config.fs;
    settings.information_server = around.config.is;
    settings.process_manager = around.config.pm;
    return muk::nweb::serve<muk::nweb::fs_site>(self, *listener, settings);
  }
};

struct ftp {
  static constexpr std::string_view name = "ftp";
  static std::optional<dvs::endpoint_id> where(const config::unikernel& config) { return config.ftp; }
  template <dvs::backend Backend, class Ready>
  static dvs::result<void> run(dvs::endpoint<Backend>& self, surroundings<Backend>& around, Ready&& ready) {
    muk::ftp::server<Backend, muk::ftp::fs_stores> server(self, muk::ftp::fs_stores(*around.config.fs));
    ready("");
    return server.run();
  }
};

}  // namespace part

}  // namespace muk

#endif
