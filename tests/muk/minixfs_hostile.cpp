// SPDX-License-Identifier: MIT
/// @file
/// Images that lie: the file system says so, and neither crashes, nor hangs, nor reads what is not its own.
#include <array>

#include "minixfs_support.hpp"

using namespace minixfs_test;
using dvs::errc;

namespace {

// A small V3 image with known places: inode n at inode_at(n), data from `first` on.
struct victim {
  memory_device device{std::vector<std::byte>(std::size_t{400} * 1024)};
  mfs::single_caller host;
  mfs::superblock shape;

  victim() {
    shape = mfs::format(device, {.inodes = 64}).value();
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    REQUIRE(fs.make_directory("/a", 0755, superuser).error() == errc::ok);    // inode 2
    REQUIRE(fs.make_directory("/a/b", 0755, superuser).error() == errc::ok);  // inode 3
    put(fs, "/a/f", std::string(100'000, 'f'));                               // inode 4
    put(fs, "/a/g", std::string(20, 'g'));                                    // inode 5
    REQUIRE(fs.make_symlink("/a/g", "/l", superuser).error() == errc::ok);    // inode 6
    REQUIRE(fs.sync().error() == errc::ok);
  }
  [[nodiscard]] std::size_t inode_at(std::uint32_t number) const {
    return std::size_t{shape.inode_table_start()} * 1024 + (number - 1) * 64;
  }
  [[nodiscard]] std::uint32_t zone_of(std::uint32_t inode, std::uint32_t slot) const {
    return mfs::load<std::uint32_t>(device.bytes, inode_at(inode) + 24 + 4 * slot);
  }
  void set_zone(std::uint32_t inode, std::uint32_t slot, std::uint32_t zone) {
    set32(inode_at(inode) + 24 + 4 * slot, zone);
  }
  void set_size(std::uint32_t inode, std::uint32_t size) { set32(inode_at(inode) + 8, size); }
  void set32(std::size_t at, std::uint32_t value) { mfs::store(std::span{device.bytes}, at, value); }
  void set16(std::size_t at, std::uint16_t value) { mfs::store(std::span{device.bytes}, at, value); }
  // The entry of a directory with one block.
  [[nodiscard]] std::size_t entry_at(std::uint32_t directory, std::uint32_t index) const {
    return std::size_t{zone_of(directory, 0)} * 1024 + std::size_t{index} * 64;
  }
};

errc read_all(volume& fs, std::string_view path) {
  auto file = fs.open(path, {}, superuser);
  if (!file) return file.error();
  std::string text(100'000, ' ');
  return fs.read(*file, 0, std::as_writable_bytes(std::span{text})).error();
}

}  // namespace

TEST_CASE("What is no MINIX file system is refused at mount, with a reason") {
  const auto mounts = [](memory_device& device) {
    mfs::single_caller host;
    volume fs{device, host};
    const errc got = fs.mount().error();
    if (got != errc::ok) REQUIRE(fs.last_fault().has_value());
    return got;
  };
  memory_device empty, zeros{std::vector<std::byte>(100'000)}, tiny{std::vector<std::byte>(1500)};
  REQUIRE(mounts(empty) == errc::bad_file);
  REQUIRE(mounts(tiny) == errc::bad_file);
  REQUIRE(mounts(zeros) == errc::bad_file);
  victim good;
  REQUIRE(mounts(good.device) == errc::ok);

  const auto broken = [&](std::size_t at, std::uint32_t value) {
    victim here;
    here.set32(1024 + at, value);
    return mounts(here.device);
  };
  REQUIRE(broken(0, 0) == errc::bad_file);            // no inodes
  REQUIRE(broken(0, 0xFFFF'FFFF) == errc::bad_file);  // more inodes than the map has bits
  REQUIRE(broken(0, 8000) == errc::bad_file);         // the table reaches into the data
  REQUIRE(broken(8, 0) == errc::bad_file);            // no zone map
  REQUIRE(broken(20, 0) == errc::bad_file);           // no zones
  REQUIRE(broken(20, 401) == errc::bad_file);         // more zones than the device has blocks
  REQUIRE(broken(20, 0xFFFF'FFFF) == errc::bad_file);
  REQUIRE(broken(28, 0) == errc::bad_file);  // block size
  REQUIRE(broken(28, 1000) == errc::bad_file);
  REQUIRE(broken(12, 1) == errc::bad_file);  // zones of two blocks
  REQUIRE(broken(24, 0x1234) == errc::bad_file);
  for (std::size_t length = 0; length < good.device.bytes.size(); length += 511) {
    memory_device cut{{good.device.bytes.begin(), good.device.bytes.begin() + static_cast<std::ptrdiff_t>(length)}};
    REQUIRE(mounts(cut) == errc::bad_file);
  }
  victim rootless;
  rootless.set16(rootless.inode_at(1), 0100644);
  REQUIRE(mounts(rootless.device) == errc::bad_file);
}

TEST_CASE("A zone number outside the data zones is an I/O error that names the block it stands in") {
  for (const std::uint32_t wrong : {1U, 3U, 400U, 0xFFFF'FFFFU}) {
    victim direct;
    direct.set_zone(5, 0, wrong);
    volume fs{direct.device, direct.host};
    REQUIRE(fs.mount().error() == errc::ok);
    REQUIRE(read_all(fs, "/a/g") == errc::io_error);
    REQUIRE(fs.last_fault()->block == direct.shape.inode_block(5));
    REQUIRE(read_all(fs, "/a/f") == errc::ok);

    victim indirect;
    indirect.set32(std::size_t{indirect.zone_of(4, 7)} * 1024 + 40, wrong);
    volume other{indirect.device, indirect.host};
    REQUIRE(other.mount().error() == errc::ok);
    REQUIRE(read_all(other, "/a/f") == errc::io_error);
    REQUIRE(other.last_fault()->block == indirect.zone_of(4, 7));
    REQUIRE(other.unlink("/a/f", superuser).error() == errc::io_error);  // the rest is freed all the same
    REQUIRE(other.find("/a/f", superuser).error() == errc::no_entry);
  }
}

TEST_CASE("Indirect blocks that name themselves are read to the end of the file and freed once") {
  for (std::uint32_t slot = 7; slot <= 9; ++slot) {
    victim here;
    const std::uint32_t zone = here.zone_of(4, 7);
    for (std::size_t i = 0; i < 256; ++i) here.set32(std::size_t{zone} * 1024 + 4 * i, zone);
    here.set_zone(4, slot, zone);
    here.set_size(4, 0x7FFF'FFFF);
    volume fs{here.device, here.host};
    REQUIRE(fs.mount().error() == errc::ok);
    auto file = fs.open("/a/f", {.write = true}, superuser);
    std::array<std::byte, 4096> part{};
    REQUIRE(fs.read(*file, 0x7FFF'0000, part).error() == errc::ok);
    REQUIRE(fs.truncate(*file, 500'000).error() == (slot == 7 ? errc::ok : errc::io_error));
    REQUIRE((*file).release().error() == errc::ok);
    REQUIRE(fs.unlink("/a/f", superuser).error() == errc::io_error);
    REQUIRE(fs.last_fault()->block == zone);
  }
}

TEST_CASE("A zone that two files share is freed with the first and a fault with the second") {
  victim here;
  here.set_zone(5, 0, here.zone_of(4, 3));
  volume fs{here.device, here.host};
  REQUIRE(fs.mount().error() == errc::ok);
  REQUIRE(fs.unlink("/a/g", superuser).error() == errc::ok);
  REQUIRE(fs.unlink("/a/f", superuser).error() == errc::io_error);
  REQUIRE(fs.last_fault()->block == here.zone_of(4, 3));
}

TEST_CASE("Directory records that cannot be true are I/O errors") {
  const auto lists = [](victim& here) {
    volume fs{here.device, here.host};
    REQUIRE(fs.mount().error() == errc::ok);
    auto a = fs.find("/a", superuser);
    if (!a) return a.error();
    return fs.list(*a, 0, [](auto, auto, auto) { return true; }).error();
  };
  victim number, slash, nameless, hole, outside;
  number.set32(number.entry_at(2, 3), 65);
  REQUIRE(lists(number) == errc::io_error);
  slash.device.bytes[slash.entry_at(2, 3) + 5] = std::byte{'/'};
  REQUIRE(lists(slash) == errc::io_error);
  nameless.set32(nameless.entry_at(2, 3) + 4, 0);
  REQUIRE(lists(nameless) == errc::io_error);
  hole.set_size(2, 2048);
  REQUIRE(lists(hole) == errc::io_error);
  outside.set_size(2, 0x7FFF'FFC0);
  REQUIRE(lists(outside) == errc::io_error);
}

TEST_CASE("Names of inodes that are free, of no kind, without links or absurdly long are I/O errors") {
  const auto finds = [](victim& here) {
    volume fs{here.device, here.host};
    REQUIRE(fs.mount().error() == errc::ok);
    const errc got = fs.find("/a/g", superuser).error();
    REQUIRE(fs.last_fault()->block == (got == errc::io_error ? here.shape.inode_block(5) : 0));
    REQUIRE(fs.find("/a/f", superuser).error() == errc::ok);
    return got;
  };
  victim unused, kind, links, size;
  unused.device.bytes[2048] &= ~std::byte{1 << 5};
  REQUIRE(finds(unused) == errc::io_error);
  kind.set16(kind.inode_at(5), 0170644);
  REQUIRE(finds(kind) == errc::io_error);
  links.set16(links.inode_at(5) + 2, 0);
  REQUIRE(finds(links) == errc::io_error);
  size.set16(size.inode_at(5), 0120777);
  size.set_size(5, 1025);
  REQUIRE(finds(size) == errc::io_error);
}

TEST_CASE("Devices and fifos of an image have a status and cannot be opened, and their numbers are no zones") {
  for (const std::uint16_t mode : {0010644, 0020644, 0060644, 0140644}) {
    victim here;
    here.set16(here.inode_at(5), mode);
    here.set_zone(5, 0, 0x0801);
    volume fs{here.device, here.host};
    REQUIRE(fs.mount().error() == errc::ok);
    REQUIRE(fs.status(*fs.find("/a/g", superuser)).mode == mode);
    REQUIRE(fs.open("/a/g", {}, superuser).error() == errc::not_supported);
    REQUIRE(fs.truncate(*fs.find("/a/g", superuser), 0).error() == errc::bad_argument);
    REQUIRE(fs.unlink("/a/g", superuser).error() == errc::ok);
  }
}

TEST_CASE("Directories in a circle neither hang a path, nor a rename, nor a removal") {
  // /a/b/up is /a once more, and so its own ancestor.
  victim here;
  here.set32(here.entry_at(3, 2), 2);
  std::memcpy(here.device.bytes.data() + here.entry_at(3, 2) + 4, "up", 3);
  here.set_size(3, 192);
  here.set32(here.entry_at(2, 1), 3);  // and the parent of a is b
  volume fs{here.device, here.host};
  REQUIRE(fs.mount().error() == errc::ok);
  std::string path;
  for (int i = 0; i < 500; ++i) path += "/a/b/up/..";
  REQUIRE(fs.find(path, superuser).error() != errc::ok);
  path = "/a";
  for (int i = 0; i < 500; ++i) path += "/b/up";
  REQUIRE(fs.find(path, superuser).error() == errc::ok);
  REQUIRE(fs.make_directory("/d", 0755, superuser).error() == errc::ok);
  REQUIRE(fs.rename("/d", "/a/d", superuser).error() == errc::io_error);
  REQUIRE(fs.last_fault()->why == std::string{"a directory is its own ancestor"});
  REQUIRE(fs.rename("/a", "/a/b/x", superuser).error() == errc::bad_argument);
  REQUIRE(fs.remove_directory("/a/b/up", superuser).error() == errc::not_empty);

  // /a/self is /a itself.
  victim self;
  self.set32(self.entry_at(2, 2), 2);
  volume other{self.device, self.host};
  REQUIRE(other.mount().error() == errc::ok);
  REQUIRE(other.find("/a/b/b/b/f", superuser).error() == errc::ok);
  REQUIRE(other.remove_directory("/a/b", superuser).error() == errc::io_error);
  REQUIRE(other.rename("/a/b", "/a/c", superuser).error() == errc::bad_argument);
  REQUIRE(other.rename("/a/b/f", "/a/b/g", superuser).error() == errc::ok);
}

TEST_CASE("An image of random bytes with a good superblock ends every operation") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 300; ++round) {
    victim here;
    // Whole blocks of noise, or single bytes of it.
    for (int i = 0; i < 30; ++i) {
      const std::size_t at = 2048 + random() % (60 * 1024);
      here.device.bytes[at] = static_cast<std::byte>(random());
    }
    if (round % 4 == 0)
      for (std::size_t at = std::size_t{here.shape.first_data_zone} * 1024; at < 60 * 1024; ++at)
        here.device.bytes[at] = static_cast<std::byte>(random() % 80);
    volume fs{here.device, here.host, {.cache_bytes = 1}};
    if (!fs.mount()) continue;
    for (const char* path : {"/a/f", "/a/g", "/l", "/a/b/x"}) (void)read_all(fs, path);
    (void)fs.rename("/a/b", "/b", superuser);
    (void)fs.open("/a/new", create, superuser);
    for (const char* path : {"/a/f", "/a/g", "/l", "/a/new"}) (void)fs.unlink(path, superuser);
    (void)fs.remove_directory("/b", superuser);
    (void)fs.remove_directory("/a", superuser);
    (void)fs.sync();
  }
}
