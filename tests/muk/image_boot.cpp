// SPDX-License-Identifier: MIT
/// @file
/// The image: servers start in order, are stopped in reverse, and one that cannot start says why.
#include <catch2/catch.hpp>
#include <csignal>
#include <dvs/backends/loopback.hpp>
#include <dvs/backends/userspace.hpp>
#include <filesystem>
#include <fstream>
#include <muk/fs/client.hpp>
#include <muk/fs/minixfs/format.hpp>
#include <muk/ftp/client.hpp>
#include <muk/image/image.hpp>
#include <thread>

namespace {

namespace part = muk::part;
using whole_image = muk::image<part::systask, part::pm, part::rdisk, part::fs, part::is, part::ftp>;

/// A file with an empty MINIX file system, removed at the end.
class image_file {
 public:
  image_file() {
    std::ofstream(path_, std::ios::binary) << std::string(1 << 20, '\0');
    auto device = muk::rdisk::file_storage::open(path_, muk::rdisk::file_access::read_write).value();
    REQUIRE(muk::minixfs::format(*device, {}));
  }
  ~image_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_sound() const {
    return std::system(("PATH=$PATH:/usr/sbin:/sbin fsck.minix -f " + path_ + " >/dev/null").c_str()) == 0;
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("muk-image-" + std::to_string(::getpid()) + "-" + std::to_string(next_++) + ".img"))
                          .string();
  static inline int next_ = 0;
};

muk::config::unikernel configuration(const std::string& image) {
  muk::config::unikernel made{};
  made.name = "test";
  made.pm = muk::pm::where;
  made.rdisk = muk::rdisk::where;
  made.fs = muk::fs::where;
  made.is = muk::is::where;
  made.ftp = muk::ftp::where;
  made.disks.push_back({"DISK", false, image, 0, false, 65536});
  made.root = muk::config::file_system{"ROOT", 0, 4096};
  return made;
}

muk::report quiet() { return {muk::report::style::complaints_only, muk::report::clock::now()}; }

struct loopback_fibers {
  using backend = dvs::loopback::backend;
  static constexpr muk::as_fibers where{};
};
struct userspace_fibers {
  using backend = dvs::userspace::backend;
  static constexpr muk::as_fibers where{};
};
struct userspace_threads {
  using backend = dvs::userspace::backend;
  static constexpr dvs::on_thread where{};
};

}  // namespace

TEMPLATE_TEST_CASE("an image boots, init uses its servers, and what was written is in the file when it has stopped", "",
                   loopback_fibers, userspace_fibers, userspace_threads) {
  const image_file file;
  auto events = quiet();
  for (const char* name : {"/first", "/second"}) {
    dvs::node<typename TestType::backend> node;
    whole_image image(configuration(file.path()), events);
    const bool well = image.run(node, TestType::where, [&](auto& init) {
      muk::fs::client files(init);
      REQUIRE(files.mkdir(name));
      const auto opened =
          files.open(std::string(name) + "/file", muk::fs::open_flags::write | muk::fs::open_flags::create);
      REQUIRE(opened);
      const std::string text(100'000, 'x');
      CHECK(files.write(opened->file, 0, std::as_bytes(std::span{text})).value() == text.size());
      REQUIRE(files.close(opened->file));
      CHECK(files.stat("/first"));  // also in the second run
      return true;
    });
    CHECK(well);
    CHECK(file.is_sound());
  }
}

TEMPLATE_TEST_CASE("what init puts through M3FTP is in the image when it has stopped, also when it was interrupted", "",
                   loopback_fibers, userspace_fibers, userspace_threads) {
  const image_file file;
  auto events = quiet();
  const std::string text(100'000, 'x');
  for (int boot = 0; boot < 2; ++boot) {
    dvs::node<typename TestType::backend> node;
    whole_image image(configuration(file.path()), events);
    const bool well = image.run(node, TestType::where, [&](auto& init) {
      namespace ftp = muk::ftp;
      muk::fs::client files(init);
      ftp::fs_store near(init, muk::fs::where);
      ftp::client client(init);
      if (boot == 1) {
        CHECK(client.get("/copy", near, "/back").value().size == text.size());
        CHECK(files.read_file("/back").value() == text);
        CHECK(client.put(near, "/back", "/half").value().bytes == text.size() - 1000);
        return true;
      }
      const auto made = files.open("/file", muk::fs::open_flags::write | muk::fs::open_flags::create);
      REQUIRE(made);
      REQUIRE(files.write(made->file, 0, std::as_bytes(std::span{text})).value() == text.size());
      REQUIRE(files.close(made->file));
      CHECK(client.put(near, "/file", "/copy").value().size == text.size());
      // A put that init never finishes: the server is asked to leave in its middle.
      const std::string_view name = "/half";
      const auto path = init.grant_read(ftp::where, name).value();
      const auto half = init.sendrec(ftp::where, ftp::put{{path.ref(), 5, 0}, 0, ftp::checksum().value()});
      REQUIRE(half);
      const auto piece = init.grant_read(ftp::where, text).value();
      REQUIRE(init.sendrec(ftp::where, ftp::pnext{half->transfer, 1000, 0, piece.ref()}));
      return true;
    });
    CHECK(well);
    CHECK(file.is_sound());
  }
}

TEMPLATE_TEST_CASE("every server of an image is a process of PM, and the time of day is set", "", loopback_fibers,
                   userspace_fibers, userspace_threads) {
  const image_file file;
  auto events = quiet();
  dvs::node<typename TestType::backend> node;
  whole_image image(configuration(file.path()), events);
  const bool well = image.run(node, TestType::where, [&](auto& init) {
    namespace pm = muk::pm;
    for (const char* name : {"systask", "pm", "rdisk", "fs", "is", "ftp", "init"})
      CHECK(init.sendrec(pm::where, pm::getprocnr{-1, muk::make_name(name)}));
    CHECK(init.sendrec(pm::where, pm::time{}).value().seconds > 1'600'000'000);
    return true;
  });
  CHECK(well);
}

TEMPLATE_TEST_CASE("a server without an endpoint is not started", "", loopback_fibers, userspace_fibers,
                   userspace_threads) {
  auto events = quiet();
  muk::config::unikernel small{};
  small.name = "small";
  small.pm = muk::pm::where;
  dvs::node<typename TestType::backend> node;
  const bool well = whole_image(small, events).run(node, TestType::where, [&](auto& init) {
    CHECK(init.is_bound(muk::systask::where));
    CHECK(init.is_bound(muk::pm::where));
    CHECK_FALSE(init.is_bound(muk::fs::where));
    CHECK_FALSE(init.is_bound(muk::is::where));
    CHECK_FALSE(init.is_bound(muk::ftp::where));
    return true;
  });
  CHECK(well);
}

TEMPLATE_TEST_CASE("an image whose disk is missing or no file system does not boot, and stops what it had started", "",
                   loopback_fibers, userspace_fibers, userspace_threads) {
  const image_file file;
  auto events = quiet();
  const auto boots = [&](const std::string& path) {
    dvs::node<typename TestType::backend> node;
    bool ran = false;
    const bool well =
        whole_image(configuration(path), events).run(node, TestType::where, [&](auto&) { return ran = true; });
    CHECK(well == ran);
    return ran;
  };
  CHECK_FALSE(boots(file.path() + ".not-there"));
  std::filesystem::resize_file(file.path(), 3000);
  CHECK_FALSE(boots(file.path()));
}

TEMPLATE_TEST_CASE("a body that fails makes the run fail, and the image is still consistent", "", loopback_fibers,
                   userspace_fibers, userspace_threads) {
  const image_file file;
  auto events = quiet();
  dvs::node<typename TestType::backend> node;
  CHECK_FALSE(whole_image(configuration(file.path()), events).run(node, TestType::where, [](auto& init) {
    REQUIRE(muk::fs::client(init).mkdir("/made"));
    return false;
  }));
  CHECK(file.is_sound());
}

TEMPLATE_TEST_CASE("a volatile disk forgets what was written", "", loopback_fibers, userspace_fibers,
                   userspace_threads) {
  const image_file file;
  auto events = quiet();
  for (int i = 0; i < 2; ++i) {
    auto config = configuration(file.path());
    config.disks[0].is_volatile = true;
    config.disks[0].in_memory = i == 1;
    dvs::node<typename TestType::backend> node;
    CHECK(whole_image(config, events).run(node, TestType::where, [](auto& init) {
      muk::fs::client files(init);
      CHECK(files.stat("/made").error() == dvs::errc::no_entry);
      return files.mkdir("/made").has_value();
    }));
  }
}
