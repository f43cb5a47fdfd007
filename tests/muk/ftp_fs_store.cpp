// SPDX-License-Identifier: MIT
/// @file
/// M3FTP for the files of FS: what arrives is in the image, which fsck.minix finds clean.
#include <muk/fs/server.hpp>
#include <muk/ftp/fs_store.hpp>
#include <muk/rdisk/server.hpp>

#include "ftp_house.hpp"
#include "minixfs_support.hpp"

namespace {

using namespace ftp_test;
namespace fs = muk::fs;
namespace rdisk = muk::rdisk;
using minixfs_test::memory_device;

/// An image as a device that the test keeps.
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

std::shared_ptr<memory_device> image_of(const std::string& version = "-3", std::size_t blocks = 8000) {
  return std::make_shared<memory_device>(minixfs_test::made_by_mkfs(version, blocks));
}

/// A house with RDISK, FS and M3FTP.
template <class Setup>
struct served_house : house<Setup> {
  using backend = typename Setup::backend;
  using store = memory_store<backend>;

  explicit served_house(std::shared_ptr<memory_device> image, fs::settings how = {}) {
    this->start(rdisk::where, "rdisk", [image](auto& self) {
      std::vector<rdisk::device> devices;
      devices.push_back({"image", std::make_unique<image_storage>(image), 65536, false});
      rdisk::server<backend> server(self, std::move(devices));
      static_cast<void>(server.run());
    });
    this->start(fs::where, "fs", [how](auto& self) {
      fs::server<backend> server(self, how);
      if (server.mount()) static_cast<void>(server.run());
    });
    this->start(ftp::where, "ftp", [](auto& self) {
      ftp::server<backend, ftp::fs_stores> server(self, ftp::fs_stores());
      static_cast<void>(server.run());
    });
  }
};

constexpr dvs::endpoint_id test_server{20};  // a system process, and so user 0 for FS

}  // namespace

TEMPLATE_TEST_CASE("What is put through FS is got back, and the image is clean", "", EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  for (const std::string version : {"-1 -n14", "-2", "-3"}) {
    INFO(version);
    auto image = image_of(version);
    const std::string large = random_text(chance, 2'000'000 + chance() % 1000);
    {
      served_house<TestType> house(image);
      const auto near = std::make_shared<memory_disk>();
      near->write("large", large);
      near->write("empty", "");
      house.as_server(test_server, [&](auto& self) {
        typename served_house<TestType>::store files(self, near);
        ftp::client client(self);
        fs::client direct(self);
        REQUIRE(direct.mkdir("/dir").error() == errc::ok);
        REQUIRE(client.put(files, "large", "/dir/15-letters-long").error() ==
                (version == "-1 -n14" ? errc::name_too_long : errc::ok));
        for (const std::string name : {"large", "empty"}) {
          REQUIRE(client.put(files, name, "/dir/file").error() == errc::ok);
          REQUIRE(client.get("/dir/file", files, "into").error() == errc::ok);
          REQUIRE(near->read("into") == near->read(name));
        }
        REQUIRE(client.put(files, "large", "/dir/file").error() == errc::ok);
        REQUIRE(direct.stat("/dir/file")->mode == 0100644);
        REQUIRE(direct.chmod("/dir/file", 0600).error() == errc::ok);
        REQUIRE(client.put(files, "large", "/dir/file").error() == errc::ok);
        REQUIRE(direct.stat("/dir/file")->mode == 0100600);
        REQUIRE(direct.readdir("/dir")->size() == (version == "-1 -n14" ? 1 : 2));
        REQUIRE(direct.sync().error() == errc::ok);
      });
    }
    minixfs_test::require_clean(*image);
    REQUIRE(minixfs_test::grub_reads(*image, "/dir/file") == large);
  }
}

TEMPLATE_TEST_CASE("A put into a full image is refused, leaves its room free, and the image is clean", "", EVERYWHERE) {
  auto image = image_of("-3", 1000);
  {
    served_house<TestType> house(image);
    const auto near = std::make_shared<memory_disk>();
    near->write("large", std::string(2'000'000, 'l'));
    near->write("small", std::string(500'000, 's'));
    house.as_server(test_server, [&](auto& self) {
      typename served_house<TestType>::store files(self, near);
      ftp::client client(self);
      fs::client direct(self);
      const auto before = direct.statfs()->blocks_free;
      REQUIRE(client.put(files, "large", "/file").error() == errc::no_space);
      REQUIRE(direct.statfs()->blocks_free == before);
      REQUIRE(direct.readdir("/")->empty());
      REQUIRE(client.put(files, "small", "/file").error() == errc::ok);
      REQUIRE(direct.sync().error() == errc::ok);
    });
  }
  minixfs_test::require_clean(*image);
}

TEMPLATE_TEST_CASE("A client that dies in the middle of a put leaves an image that is clean, and a later put goes on",
                   "", EVERYWHERE) {
  const std::string text(900'000, 't');
  auto image = image_of();
  {
    served_house<TestType> house(image);
    const auto near = std::make_shared<memory_disk>();
    near->write("from", text);
    house.as_server(test_server, [&](auto& self) {
      fs::client direct(self);
      {
        const auto dying = house.dc.bind(dvs::endpoint_id{21}).value();
        raw_client client(*dying);
        const auto transfer = client.put("/file");
        REQUIRE(client.pnext(*transfer, 0, text.substr(0, 700'000)) == errc::ok);
      }
      const auto open_files = [&] {
        const auto window = self.grant_write(fs::where, std::span<std::byte>{}).value();
        return self.sendrec(fs::where, fs::getsysinfo{fs::table::files, 0, window.ref()}).value().total;
      };
      REQUIRE(eventually(self, [&] { return open_files() == 0; }));
      REQUIRE(direct.stat("/file").error() == errc::no_entry);
      REQUIRE(direct.stat(beside("/file"))->size == 700'000);
      typename served_house<TestType>::store files(self, near);
      const auto rest = ftp::client(self).put(files, "from", "/file");
      REQUIRE(rest.error() == errc::ok);
      REQUIRE(rest->bytes == 200'000);
      REQUIRE(direct.read_file("/file").value() == text);
      REQUIRE(direct.readdir("/")->size() == 1);
      REQUIRE(direct.sync().error() == errc::ok);
    });
  }
  minixfs_test::require_clean(*image);
}

TEMPLATE_TEST_CASE("A user process gets and puts what FS lets users do, a system process everything", "", EVERYWHERE) {
  served_house<TestType> house(image_of());
  const auto near = std::make_shared<memory_disk>();
  near->write("from", "text");
  house.as_server(test_server, [&](auto& self) {
    typename served_house<TestType>::store files(self, near);
    ftp::client client(self);
    fs::client direct(self);
    REQUIRE(direct.mkdir("/free", 0777).error() == errc::ok);
    REQUIRE(direct.chmod("/free", 0777).error() == errc::ok);
    for (const char* path : {"/private", "/public"}) REQUIRE(client.put(files, "from", path).error() == errc::ok);
    REQUIRE(direct.chmod("/private", 0600).error() == errc::ok);
    std::atomic<errc> got_private{}, got_public{}, put_top{}, put_free{};
    const auto user = house.start_user([&](auto& own) {
      const auto its = std::make_shared<memory_disk>();
      its->write("from", "of a user");
      typename served_house<TestType>::store its_files(own, its);
      ftp::client its_client(own);
      got_private = its_client.get("/private", its_files, "into").error();
      got_public = its_client.get("/public", its_files, "into").error();
      put_top = its_client.put(its_files, "from", "/public").error();
      put_free = its_client.put(its_files, "from", "/free/file").error();
    });
    REQUIRE(self.wait_unbind(user).error() == errc::ok);
    CHECK(got_private.load() == errc::access_denied);
    CHECK(got_public.load() == errc::ok);
    CHECK(put_top.load() == errc::access_denied);
    CHECK(put_free.load() == errc::ok);
    CHECK(direct.read_file("/free/file").value() == "of a user");
    CHECK(direct.read_file("/public").value() == "text");
  });
}

TEMPLATE_TEST_CASE("Links, directories and unfinished files in the image are treated with care", "", EVERYWHERE) {
  auto image = image_of();
  {
    served_house<TestType> house(image);
    const auto near = std::make_shared<memory_disk>();
    near->write("from", "after");
    house.as_server(test_server, [&](auto& self) {
      typename served_house<TestType>::store files(self, near);
      ftp::client client(self);
      fs::client direct(self);
      REQUIRE(client.put(files, "from", "/target").error() == errc::ok);
      REQUIRE(direct.mkdir("/dir").error() == errc::ok);
      REQUIRE(direct.symlink("target", "/link").error() == errc::ok);
      REQUIRE(direct.symlink("target", beside("/file")).error() == errc::ok);
      REQUIRE(client.get("/link", files, "into").error() == errc::ok);
      REQUIRE(client.get("/dir", files, "into").error() == errc::is_directory);
      REQUIRE(client.put(files, "from", "/dir").error() == errc::is_directory);
      REQUIRE(client.put(files, "from", "/link").error() == errc::not_supported);
      REQUIRE(client.put(files, "from", "/file", ftp::beginning::afresh).error() == errc::access_denied);
      REQUIRE(client.put(files, "from", "/dir/../dir/./file").error() == errc::ok);
      REQUIRE(direct.read_file("/dir/file").value() == "after");
      REQUIRE(direct.read_file("/target").value() == "after");
      raw_client raw(self);
      const auto first = raw.put("/dir/two");
      REQUIRE(raw.put("/./dir//two").error() == errc::busy);  // another path, the same file
      REQUIRE(raw.cancel(*first) == errc::ok);
      REQUIRE(direct.sync().error() == errc::ok);
    });
  }
  minixfs_test::require_clean(*image);
}

TEMPLATE_TEST_CASE("Twenty clients at once put and get through FS, and the image is clean", "", EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto image = image_of("-3", 16'000);
  std::atomic<int> right{0};
  {
    served_house<TestType> house(image, {.cache_bytes = 1 << 20, .users = {0, 0}});
    std::vector<dvs::endpoint_id> users;
    for (unsigned number = 0; number < 20; ++number) {
      users.push_back(house.start_user([&, number](auto& own) {
        std::mt19937_64 chance(seed + number);
        const auto near = std::make_shared<memory_disk>();
        typename served_house<TestType>::store files(own, near);
        ftp::client client(own);
        const std::string name = "/f" + std::to_string(number);
        for (int round = 0; round < 3; ++round) {
          near->write("from", random_text(chance, chance() % 200'000));
          if (!client.put(files, "from", name) || !client.get(name, files, "back")) return;
          if (near->read("back") != near->read("from")) return;
        }
        ++right;
      }));
    }
    house.as_server(test_server, [&](auto& self) {
      for (const auto user : users) static_cast<void>(self.wait_unbind(user));
      REQUIRE(right == 20);
      REQUIRE(fs::client(self).readdir("/")->size() == 20);
      REQUIRE(fs::client(self).sync().error() == errc::ok);
    });
  }
  minixfs_test::require_clean(*image);
}
