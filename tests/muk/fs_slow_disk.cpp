// SPDX-License-Identifier: MIT
/// @file
/// FS above a driver that takes its time, fails, or goes away.
#include <muk/fs/client.hpp>
#include <muk/fs/server.hpp>

#include "minixfs_support.hpp"
#include "muk_house.hpp"

namespace {

namespace fs = muk::fs;
namespace rdisk = muk::rdisk;
using dvs::errc;
using minixfs_test::bytes_of;
using minixfs_test::memory_device;

/// Waits until the driver holds a request back.
struct await_held {
  static constexpr std::uint32_t opcode = 0x7F0;
  struct reply {};
};
/// Lets the requests that are held back go on.
struct release {
  static constexpr std::uint32_t opcode = 0x7F1;
  struct reply {};
};
using driver_protocol = dvs::protocol<rdisk::read, rdisk::write, rdisk::open, rdisk::flush, await_held, release>;

/// A driver that keeps the callers who read one block, until it is told to go on, and answers the others meanwhile.
template <dvs::backend Backend>
class patient_driver {
 public:
  patient_driver(dvs::endpoint<Backend>& self, std::shared_ptr<memory_device> image, std::uint64_t held_block)
      : self_(self), image_(std::move(image)), held_(held_block * 1024) {}

  dvs::answer<rdisk::open> on(const rdisk::open&, dvs::caller) { return rdisk::open::reply{image_->size(), 4096, 0}; }
  dvs::answer<rdisk::flush> on(const rdisk::flush&, dvs::caller) { return rdisk::flush::reply{}; }
  dvs::answer<rdisk::read> on(const rdisk::read& ask, dvs::caller from) {
    if (!released_ && ask.position <= held_ && held_ < ask.position + ask.length) {
      waiting_.push_back({ask, from});
      for (const auto& one : std::exchange(watchers_, {})) (void)self_.reply(one, await_held::reply{});
      return dvs::later;
    }
    return transfer(ask);
  }
  dvs::answer<rdisk::write> on(const rdisk::write& ask, dvs::caller) {
    std::vector<std::byte> bytes(ask.length);
    if (auto copied = self_.copy_from(ask.from, bytes); !copied) return copied.error();
    if (auto written = image_->write(ask.position, bytes); !written) return written.error();
    return rdisk::write::reply{ask.length};
  }
  dvs::answer<await_held> on(const await_held&, dvs::caller from) {
    if (!waiting_.empty()) return await_held::reply{};
    watchers_.push_back(from);
    return dvs::later;
  }
  dvs::answer<release> on(const release&, dvs::caller) {
    released_ = true;
    for (const auto& [ask, from] : waiting_) {
      const auto done = transfer(ask);
      if (done.outcome() == errc::ok) {
        (void)self_.reply(from, done.reply());
      } else {
        (void)self_.reply(from, done.outcome());
      }
    }
    waiting_.clear();
    return release::reply{};
  }

 private:
  dvs::answer<rdisk::read> transfer(const rdisk::read& ask) {
    std::vector<std::byte> bytes(ask.length);
    if (auto read = image_->read(ask.position, bytes); !read) return read.error();
    if (auto copied = self_.copy_into(ask.into, bytes); !copied) return copied.error();
    return rdisk::read::reply{ask.length};
  }

  dvs::endpoint<Backend>& self_;
  std::shared_ptr<memory_device> image_;
  std::uint64_t held_;
  bool released_ = false;
  std::vector<std::pair<rdisk::read, dvs::caller>> waiting_;
  std::vector<dvs::caller> watchers_;
};

std::shared_ptr<memory_device> image_with_files() {
  auto image = std::make_shared<memory_device>(std::vector<std::byte>(4000 * 1024));
  REQUIRE(muk::minixfs::format(*image, {}).error() == errc::ok);
  muk::minixfs::single_caller host;
  minixfs_test::volume volume{*image, host};
  REQUIRE(volume.mount().error() == errc::ok);
  minixfs_test::put(volume, "/between", std::string(5000, 'b'));
  minixfs_test::put(volume, "/slow", "slow" + std::string(200'000, 's'));
  minixfs_test::put(volume, "/fast", "fast" + std::string(200'000, 'f'));
  REQUIRE(volume.sync().error() == errc::ok);
  return image;
}

std::uint64_t block_that_begins_with(const memory_device& device, std::string_view text) {
  for (std::uint64_t block = 0; block < device.bytes.size() / 1024; ++block)
    if (std::memcmp(device.bytes.data() + block * 1024, text.data(), text.size()) == 0) return block;
  return 0;
}

template <class Setup>
struct slow_house : house<Setup> {
  explicit slow_house(std::shared_ptr<memory_device> image) {
    const std::uint64_t held = block_that_begins_with(*image, "slow");
    this->start(rdisk::where, "driver", [image, held](auto& self) {
      patient_driver<typename Setup::backend> driver(self, image, held);
      static_cast<void>(dvs::serve<driver_protocol>(self, driver));
    });
    this->start(fs::where, "fs", [](auto& self) {
      fs::server<typename Setup::backend> server(self, {.users = {0, 0}});
      if (server.mount()) static_cast<void>(server.run());
    });
  }
  using client = fs::client<typename Setup::backend>;
};

constexpr dvs::endpoint_id test_server{20};

}  // namespace

TEMPLATE_TEST_CASE("A slow block of one client stops nobody else", "", EVERYWHERE) {
  auto image = image_with_files();
  {
    slow_house<TestType> house(image);
    house.as_server(test_server, [&](auto& self) {
      dvs::result<std::string> seen = errc::busy;
      const auto slow = house.start_user([&seen](auto& own) {
        typename slow_house<TestType>::client files(own);
        seen = files.read_file("/slow");
      });
      REQUIRE(self.sendrec(rdisk::where, await_held{}).error() == errc::ok);
      typename slow_house<TestType>::client files(self);
      REQUIRE(files.read_file("/fast")->starts_with("fast"));
      const auto made = files.open("/new", fs::open_flags::write | fs::open_flags::create);
      REQUIRE(made.error() == errc::ok);
      REQUIRE(*files.write(made->file, 0, bytes_of(std::string(300'000, 'n'))) == 300'000);
      REQUIRE(files.rename("/new", "/newer").error() == errc::ok);
      REQUIRE(files.readdir("/")->size() == 4);
      REQUIRE(files.sync().error() == errc::ok);
      REQUIRE(self.is_bound(slow));
      REQUIRE(self.sendrec(rdisk::where, release{}).error() == errc::ok);
      REQUIRE(self.wait_unbind(slow).error() == errc::ok);
      REQUIRE(seen.error() == errc::ok);
      REQUIRE(*seen == "slow" + std::string(200'000, 's'));
    });
  }
  minixfs_test::require_clean(*image);
}

TEMPLATE_TEST_CASE("A client that dies while FS waits for the disk leaves nothing open", "", EVERYWHERE) {
  slow_house<TestType> house(image_with_files());
  house.as_server(test_server, [&](auto& self) {
    const auto dying = house.start_user([](auto& own) {
      typename slow_house<TestType>::client files(own);
      static_cast<void>(files.read_file("/slow"));
    });
    REQUIRE(self.sendrec(rdisk::where, await_held{}).error() == errc::ok);
    REQUIRE(house.dc.unbind(dying).error() == errc::ok);
    REQUIRE(self.sendrec(rdisk::where, release{}).error() == errc::ok);
    typename slow_house<TestType>::client files(self);
    std::array<fs::volume_row, 1> row{};
    auto window = self.grant_write(fs::where, row).value();
    for (int i = 0; i < 10'000 && row[0].inodes_in_use != 1; ++i) {
      REQUIRE(self.sendrec(fs::where, fs::getsysinfo{fs::table::volume, sizeof row, window.ref()}).error() == errc::ok);
      self.yield();
    }
    REQUIRE(row[0].inodes_in_use == 1);
    REQUIRE(row[0].faults == 0);
    REQUIRE(files.read_file("/slow")->starts_with("slow"));
  });
}

TEMPLATE_TEST_CASE("A broken block is an I/O error for those who need it, and FS names it", "", EVERYWHERE) {
  auto image = image_with_files();
  const std::uint64_t broken = block_that_begins_with(*image, "slow") + 100;
  image->allow = [broken](bool, std::uint64_t offset, std::size_t length) {
    return broken * 1024 < offset || broken * 1024 >= offset + length;
  };
  slow_house<TestType> house(image);
  house.as_server(test_server, [&](auto& self) {
    REQUIRE(self.sendrec(rdisk::where, release{}).error() == errc::ok);
    typename slow_house<TestType>::client files(self);
    const auto slow = files.open("/slow");
    std::string text(100'000, ' ');
    REQUIRE(*files.read(slow->file, 0, std::as_writable_bytes(std::span{text})) == text.size());
    REQUIRE(files.read(slow->file, 100'000, std::as_writable_bytes(std::span{text})).error() == errc::io_error);
    REQUIRE(files.read_file("/fast")->starts_with("fast"));
    std::array<fs::volume_row, 1> row{};
    auto window = self.grant_write(fs::where, row).value();
    REQUIRE(self.sendrec(fs::where, fs::getsysinfo{fs::table::volume, sizeof row, window.ref()}).error() == errc::ok);
    REQUIRE(row[0].fault_block == broken);
  });
}

TEMPLATE_TEST_CASE("An FS that is asked to leave writes everything out first", "", EVERYWHERE) {
  auto image = image_with_files();
  {
    slow_house<TestType> house(image);
    house.as_server(test_server, [&](auto& self) {
      typename slow_house<TestType>::client files(self);
      const auto made = files.open("/left", fs::open_flags::write | fs::open_flags::create);
      REQUIRE(*files.write(made->file, 0, bytes_of("left behind")) == 11);
      REQUIRE(files.unlink("/fast").error() == errc::ok);
      REQUIRE(house.dc.unbind(fs::where).error() == errc::ok);
      const errc gone = files.stat("/").error();
      REQUIRE((gone == errc::peer_died || gone == errc::destination_died));
    });
  }
  minixfs_test::require_clean(*image);
  muk::minixfs::single_caller host;
  minixfs_test::volume volume{*image, host};
  REQUIRE(volume.mount().error() == errc::ok);
  REQUIRE(minixfs_test::get(volume, "/left") == "left behind");
}

TEMPLATE_TEST_CASE("An image that is none is refused, and FS says why", "", EVERYWHERE) {
  house<TestType> house;
  auto image = std::make_shared<memory_device>(std::vector<std::byte>(100'000));
  house.start(rdisk::where, "driver", [image](auto& self) {
    patient_driver<typename TestType::backend> driver(self, image, 0);
    static_cast<void>(dvs::serve<driver_protocol>(self, driver));
  });
  house.as_server(fs::where, [&](auto& self) {
    REQUIRE(self.sendrec(rdisk::where, release{}).error() == errc::ok);
    fs::server<typename TestType::backend> server(self, {});
    REQUIRE(server.mount().error() == errc::bad_file);
    REQUIRE(server.last_fault()->why == std::string{"not a MINIX file system: no known magic number"});
  });
}
