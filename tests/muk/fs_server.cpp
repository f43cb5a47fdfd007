// SPDX-License-Identifier: MIT
/// @file
/// The laws of FS: files over messages and grants, many clients, deaths, and what is refused.
#include <atomic>
#include <muk/fs/client.hpp>
#include <muk/fs/server.hpp>
#include <muk/rdisk/server.hpp>

#include "minixfs_support.hpp"
#include "muk_house.hpp"

namespace {

namespace fs = muk::fs;
namespace rdisk = muk::rdisk;
using dvs::errc;
using minixfs_test::bytes_of;
using minixfs_test::memory_device;
using minixfs_test::require_clean;

/// An image as a device that the test keeps, so that it can look at it when the servers are gone.
class image_storage final : public rdisk::storage {
 public:
  explicit image_storage(std::shared_ptr<memory_device> image) : image_(std::move(image)) {}
  [[nodiscard]] std::uint64_t size() const override { return image_->size(); }
  dvs::result<void> read(std::uint64_t position, std::span<std::byte> into) override {
    return image_->read(position, into);
  }
  dvs::result<void> write(std::uint64_t position, std::span<const std::byte> from) override {
    return image_->write(position, from);
  }
  dvs::result<void> flush() override { return {}; }

 private:
  std::shared_ptr<memory_device> image_;
};

std::shared_ptr<memory_device> empty_image(std::size_t blocks = 4000) {
  auto image = std::make_shared<memory_device>(std::vector<std::byte>(blocks * 1024));
  REQUIRE(muk::minixfs::format(*image, {}).error() == errc::ok);
  return image;
}

/// A house with RDISK and FS in it.
template <class Setup>
struct file_house : house<Setup> {
  explicit file_house(std::shared_ptr<memory_device> image, fs::settings how = {}) {
    this->start(rdisk::where, "rdisk", [image](auto& self) {
      std::vector<rdisk::device> devices;
      devices.push_back({"image", std::make_unique<image_storage>(image), 65536, false});
      rdisk::server<typename Setup::backend> server(self, std::move(devices));
      static_cast<void>(server.run());
    });
    this->start(fs::where, "fs", [how](auto& self) {
      fs::server<typename Setup::backend> server(self, how);
      if (server.mount()) static_cast<void>(server.run());
    });
  }
  using client = fs::client<typename Setup::backend>;
};

constexpr dvs::endpoint_id test_server{20};  // a system process, and so user 0 for FS

}  // namespace

TEMPLATE_TEST_CASE("A file is made, written, read, listed and removed through FS", "", EVERYWHERE) {
  auto image = empty_image();
  {
    file_house<TestType> house(image, {.date_at_start = 1'700'000'000});
    house.as_server(test_server, [](auto& self) {
      typename file_house<TestType>::client files(self);
      REQUIRE(files.mkdir("/d").error() == errc::ok);
      auto made = files.open("/d/f", fs::open_flags::read_write | fs::open_flags::create, 0600);
      REQUIRE(made.error() == errc::ok);
      REQUIRE(made->info.size == 0);
      REQUIRE(made->info.mode == 0100600);
      REQUIRE(made->info.mtime >= 1'700'000'000);
      const std::string text(3'000'000, 't');
      REQUIRE(*files.write(made->file, 0, bytes_of(text)) == text.size());
      REQUIRE(files.fstat(made->file)->size == text.size());
      std::string back(text.size() + 10, ' ');
      REQUIRE(*files.read(made->file, 0, std::as_writable_bytes(std::span{back})) == text.size());
      REQUIRE(back.substr(0, text.size()) == text);
      REQUIRE(files.close(made->file).error() == errc::ok);
      REQUIRE(files.close(made->file).error() == errc::bad_descriptor);
      REQUIRE(*files.read_file("/d/f") == text);

      REQUIRE(files.link("/d/f", "/d/g").error() == errc::ok);
      REQUIRE(files.stat("/d/g")->links == 2);
      REQUIRE(files.symlink("g", "/d/s").error() == errc::ok);
      REQUIRE(*files.readlink("/d/s") == "g");
      REQUIRE(files.lstat("/d/s")->is_symlink());
      REQUIRE(files.stat("/d/s")->is_regular());
      const auto names = files.readdir("/d");
      REQUIRE(names.error() == errc::ok);
      REQUIRE(names->size() == 3);
      REQUIRE((*names)[2].name == "s");
      REQUIRE((*names)[2].mode == 0120777);

      REQUIRE(files.chmod("/d/f", 0644).error() == errc::ok);
      REQUIRE(files.chown("/d/f", 7, 8).error() == errc::ok);
      REQUIRE(files.utime("/d/f", 5, 6).error() == errc::ok);
      const auto info = files.stat("/d/f");
      REQUIRE(info->mode == 0100644);
      REQUIRE(info->uid == 7);
      REQUIRE(info->gid == 8);
      REQUIRE(info->atime == 5);
      REQUIRE(info->mtime == 6);
      REQUIRE(files.truncate("/d/f", 5).error() == errc::ok);
      REQUIRE(*files.read_file("/d/g") == "ttttt");
      REQUIRE(files.rename("/d/f", "/d/h").error() == errc::ok);
      REQUIRE(files.access("/d/h", 6).error() == errc::ok);
      REQUIRE(files.access("/d/h", 1).error() == errc::access_denied);
      REQUIRE(files.rmdir("/d").error() == errc::not_empty);
      for (const char* name : {"/d/h", "/d/g", "/d/s"}) REQUIRE(files.unlink(name).error() == errc::ok);
      REQUIRE(files.rmdir("/d").error() == errc::ok);
      REQUIRE(files.stat("/d").error() == errc::no_entry);
      REQUIRE(files.statfs()->version == 3);
      REQUIRE(files.sync().error() == errc::ok);
    });
  }
  require_clean(*image);
}

TEMPLATE_TEST_CASE("An open file has a position of its own", "", EVERYWHERE) {
  file_house<TestType> house(empty_image());
  house.as_server(test_server, [](auto& self) {
    typename file_house<TestType>::client files(self);
    const auto one = files.open("/f", fs::open_flags::read_write | fs::open_flags::create)->file;
    const auto two = files.open("/f", fs::open_flags::write | fs::open_flags::append)->file;
    REQUIRE(one != two);
    REQUIRE(*files.write(one, fs::at_position, bytes_of("abc")) == 3);
    REQUIRE(*files.write(one, fs::at_position, bytes_of("def")) == 3);
    REQUIRE(*files.write(two, fs::at_position, bytes_of("xyz")) == 3);
    REQUIRE(*files.lseek(one, -2, fs::whence::current) == 4);
    std::string text(10, ' ');
    REQUIRE(*files.read(one, fs::at_position, std::as_writable_bytes(std::span{text})) == 5);
    REQUIRE(text.substr(0, 5) == "efxyz");
    REQUIRE(*files.lseek(one, -1, fs::whence::end) == 8);
    REQUIRE(*files.lseek(one, 100) == 100);
    REQUIRE(*files.read(one, fs::at_position, std::as_writable_bytes(std::span{text})) == 0);
    REQUIRE(files.lseek(one, -1).error() == errc::bad_argument);
    REQUIRE(files.lseek(one, 0, static_cast<fs::whence>(3)).error() == errc::bad_argument);
    REQUIRE(files.read(two, 0, std::as_writable_bytes(std::span{text})).error() == errc::bad_descriptor);
    REQUIRE(files.lseek(99, 0).error() == errc::bad_descriptor);
    REQUIRE(files.ftruncate(one, 2).error() == errc::ok);
    REQUIRE(*files.read_file("/f") == "ab");
  });
}

TEMPLATE_TEST_CASE("Requests that make no sense are refused and change nothing", "", EVERYWHERE) {
  file_house<TestType> house(empty_image());
  house.as_server(test_server, [](auto& self) {
    typename file_house<TestType>::client files(self);
    const auto file = files.open("/f", fs::open_flags::read_write | fs::open_flags::create)->file;
    REQUIRE(files.open("/f", static_cast<fs::open_flags>(0)).error() == errc::bad_argument);
    REQUIRE(files.open("/f", static_cast<fs::open_flags>(0x81)).error() == errc::bad_argument);
    REQUIRE(files.open("/f", fs::open_flags::read | fs::open_flags::truncate).error() == errc::bad_argument);
    REQUIRE(files.open(std::string(4097, 'x')).error() == errc::name_too_long);
    REQUIRE(files.open("").error() == errc::no_entry);

    std::array<std::byte, 100> memory{};
    auto window = self.grant_write(fs::where, memory).value();
    const auto reads = [&](std::uint32_t length, dvs::grant_ref<dvs::writable> into) {
      return self.sendrec(fs::where, fs::read{file, length, 0, into}).error();
    };
    REQUIRE(*files.write(file, 0, bytes_of(std::string(1000, 'x'))) == 1000);
    REQUIRE(reads(fs::bytes_max + 1, window.ref()) == errc::too_big);
    REQUIRE(reads(101, window.ref()) == errc::range);
    REQUIRE(reads(100, dvs::no_grant<dvs::writable>) == errc::not_granted);
    REQUIRE(reads(100, {rdisk::where, window.ref().id}) == errc::not_granted);  // not the caller's own
    const auto revoked = window.ref();
    REQUIRE(window.revoke().error() == errc::ok);
    REQUIRE(reads(100, revoked) == errc::not_granted);
    REQUIRE(self.sendrec(fs::where, fs::stat{{dvs::no_grant<dvs::readable>, 1, 0}}).error() == errc::not_granted);
    REQUIRE(self.sendrec(fs::where, fs::getsysinfo{static_cast<fs::table>(9), 0, revoked}).error() ==
            errc::bad_argument);
    dvs::message unknown{};
    unknown.type = 0x7FF;
    REQUIRE(self.sendrec(fs::where, unknown).error() == errc::ok);
    REQUIRE(dvs::outcome_of(unknown) == errc::bad_call);
    REQUIRE(files.fstat(file)->size == 1000);
  });
}

TEMPLATE_TEST_CASE("Files that a dead process left open are closed, and freed if they have no name", "", EVERYWHERE) {
  file_house<TestType> house(empty_image(), {.users = {0, 0}});
  house.as_server(test_server, [&](auto& self) {
    typename file_house<TestType>::client files(self);
    const auto before = files.statfs()->blocks_free;
    const auto dead = house.start_user([](auto& own) {
      typename file_house<TestType>::client mine(own);
      const auto file = mine.open("/orphan", fs::open_flags::write | fs::open_flags::create).value().file;
      static_cast<void>(mine.write(file, 0, bytes_of(std::string(50'000, 'o'))).value());
      mine.unlink("/orphan").value();
    });
    REQUIRE(self.wait_unbind(dead).error() == errc::ok);
    // The death reaches FS as a notification; requests that come later find its work queued before theirs.
    std::uint32_t free = 0;
    for (int i = 0; i < 10'000 && (free = files.statfs()->blocks_free) != before; ++i) self.yield();
    REQUIRE(free == before);
    std::array<fs::file_row, 4> rows{};
    auto window = self.grant_write(fs::where, rows).value();
    REQUIRE(self.sendrec(fs::where, fs::getsysinfo{fs::table::files, sizeof rows, window.ref()})->total == 0);
  });
}

TEMPLATE_TEST_CASE("User processes are nobody until a system process vouches for them", "", EVERYWHERE) {
  file_house<TestType> house(empty_image());
  house.as_server(test_server, [&](auto& self) {
    typename file_house<TestType>::client files(self);
    REQUIRE(files.mkdir("/home", 0755).error() == errc::ok);
    REQUIRE(files.chown("/home", 500, 50).error() == errc::ok);
    errc first{}, vouch{}, second{};
    const auto user = house.start_user([&](auto& own) {
      typename file_house<TestType>::client mine(own);
      first = mine.mkdir("/home/a").error();
      vouch = mine.setuid(own.id(), 0, 0).error();
      // Asks the test to vouch, and goes on when it has.
      static_cast<void>(own.sendrec(test_server, fs::fsync{0}));
      second = mine.mkdir("/home/b").error();
    });
    const auto asked = self.receive(user);
    REQUIRE(asked.error() == errc::ok);
    REQUIRE(files.setuid(user, 500, 50).error() == errc::ok);
    REQUIRE(files.setuid(user, 70'000, 50).error() == errc::bad_argument);
    REQUIRE(self.reply(asked->from(), fs::fsync::reply{}).error() == errc::ok);
    REQUIRE(self.wait_unbind(user).error() == errc::ok);
    REQUIRE(first == errc::access_denied);
    REQUIRE(vouch == errc::no_privilege);
    REQUIRE(second == errc::ok);
    REQUIRE(files.stat("/home/b")->uid == 500);
  });
}

TEMPLATE_TEST_CASE("Sixty clients at once read and write what is theirs, and the image is sound", "", EVERYWHERE) {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  auto image = empty_image(20'000);
  std::atomic<int> right{0};
  {
    file_house<TestType> house(image, {.cache_bytes = 1, .users = {0, 0}, .workers_max = 20});
    std::vector<dvs::endpoint_id> users;
    for (unsigned number = 0; number < 60; ++number) {
      users.push_back(house.start_user([&right, seed, number](auto& own) {
        std::mt19937 random{seed + number};
        typename file_house<TestType>::client files(own);
        const std::string dir = "/d" + std::to_string(number % 7), name = dir + "/f" + std::to_string(number);
        static_cast<void>(files.mkdir(dir));
        for (int round = 0; round < 5; ++round) {
          const std::string text = minixfs_test::random_text(random, random() % 100'000);
          const auto opened =
              files.open(name, fs::open_flags::read_write | fs::open_flags::create | fs::open_flags::truncate, 0644);
          if (!opened) return;
          if (files.write(opened->file, 0, bytes_of(text)).value_or(0) != text.size()) return;
          if (!files.close(opened->file)) return;
          if (files.read_file(name).value_or("") != text) return;
        }
        if (number % 3 == 0 && !files.unlink(name)) return;
        ++right;
      }));
    }
    house.as_server(test_server, [&](auto& self) {
      for (const auto user : users) static_cast<void>(self.wait_unbind(user));
      REQUIRE(right == 60);
      typename file_house<TestType>::client files(self);
      REQUIRE(files.sync().error() == errc::ok);
      std::array<fs::volume_row, 1> row{};
      auto window = self.grant_write(fs::where, row).value();
      const auto got = self.sendrec(fs::where, fs::getsysinfo{fs::table::volume, sizeof row, window.ref()});
      REQUIRE(got.error() == errc::ok);
      REQUIRE(row[0].workers > 1);
      REQUIRE(row[0].workers <= 20);
      REQUIRE(row[0].requests > 60 * 20);
      REQUIRE(row[0].faults == 0);
      REQUIRE(row[0].inodes_in_use == 1);
    });
  }
  require_clean(*image);
}
