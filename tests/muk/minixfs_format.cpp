// SPDX-License-Identifier: MIT
/// @file
/// File systems that the engine makes itself.
#include "minixfs_support.hpp"

using namespace minixfs_test;
using dvs::errc;

namespace {
const std::vector<mfs::format_options> shapes{
    {.format = mfs::version::v1, .name_length = 14},
    {.format = mfs::version::v1},
    {.format = mfs::version::v2, .name_length = 14},
    {.format = mfs::version::v2},
    {.format = mfs::version::v3},
};
}

TEST_CASE("An empty file system of each version satisfies fsck, at every size from the smallest on") {
  for (const auto& shape : shapes) {
    int usable = 0;
    for (std::size_t blocks = 1; blocks < 20'000; blocks = blocks * 9 / 8 + 1) {
      memory_device device{std::vector<std::byte>(blocks * 1024, std::byte{0xAA})};
      const auto made = mfs::format(device, shape);
      if (!made) {
        REQUIRE(made.error() == errc::no_space);
        REQUIRE(blocks < 8);
        continue;
      }
      INFO("version " << static_cast<int>(shape.format) << ", blocks " << blocks);
      if (blocks >= 10) require_clean(device);  // fsck.minix itself insists on ten
      mfs::single_caller host;
      volume fs{device, host};
      REQUIRE(fs.mount().error() == errc::ok);
      REQUIRE(fs.statfs()->blocks_free == made->zones - made->first_data_zone - 1);
      REQUIRE(fs.statfs()->inodes_free == made->inodes - 1);
      ++usable;
    }
    REQUIRE(usable > 30);
  }
}

TEST_CASE("Shapes that a version does not have are refused") {
  memory_device device{std::vector<std::byte>(1 << 20)};
  const auto made = [&](const mfs::format_options& options) { return mfs::format(device, options).error(); };
  REQUIRE(made({.format = mfs::version::v3, .name_length = 30}) == errc::bad_argument);
  REQUIRE(made({.format = mfs::version::v1, .name_length = 60}) == errc::bad_argument);
  REQUIRE(made({.format = mfs::version::v2, .block_size = 4096}) == errc::bad_argument);
  REQUIRE(made({.format = mfs::version::v3, .block_size = 3000}) == errc::bad_argument);
  REQUIRE(made({.format = mfs::version::v3, .block_size = 512}) == errc::bad_argument);
  REQUIRE(made({.format = mfs::version::v2, .inodes = 70'000}) == errc::too_big);
  REQUIRE(made({.format = mfs::version::v3, .inodes = 100'000}) == errc::no_space);
}

TEST_CASE("V3 works with every block size, and GRUB agrees") {
  std::mt19937 random{11};
  for (std::uint32_t block_size = 1024; block_size <= 32768; block_size *= 2) {
    INFO("block size " << block_size);
    memory_device device{std::vector<std::byte>(std::size_t{16} << 20)};
    REQUIRE(mfs::format(device, {.block_size = block_size}).error() == errc::ok);
    mfs::single_caller host;
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    const auto before = fs.statfs();
    REQUIRE(fs.make_directory("/d", 0755, superuser).error() == errc::ok);
    const std::string text = random_text(random, 3'000'000);
    put(fs, "/d/f", text);
    for (int i = 0; i < 300; ++i) put(fs, "/d/" + std::to_string(i), std::to_string(i));
    REQUIRE(get(fs, "/d/f") == text);
    REQUIRE(get(fs, "/d/299") == "299");
    REQUIRE(fs.sync().error() == errc::ok);
    REQUIRE(grub_reads(device, "/d/f") == text);
    volume again{device, host};
    REQUIRE(again.mount().error() == errc::ok);
    REQUIRE(get(again, "/d/f") == text);
    REQUIRE(again.unlink("/d/f", superuser).error() == errc::ok);
    for (int i = 0; i < 300; ++i) REQUIRE(again.unlink("/d/" + std::to_string(i), superuser).error() == errc::ok);
    REQUIRE(again.remove_directory("/d", superuser).error() == errc::ok);
    REQUIRE(again.statfs()->blocks_free == before->blocks_free);
    REQUIRE(again.statfs()->inodes_free == before->inodes_free);
  }
}

TEST_CASE("A device of the size that was worked out for a tree holds the tree, and is not much larger") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  for (const auto& shape : shapes) {
    for (int round = 0; round < 5; ++round) {
      mfs::tree_size size{shape};
      std::vector<std::size_t> files(random() % 200);
      for (auto& bytes : files) {
        bytes = random() % 4 != 0 ? random() % 20'000 : random() % 1'000'000;
        size.add_file(bytes);
      }
      size.add_directory(files.size() + 1);
      size.add_symlink();
      const auto bytes = size.device_bytes(0, 0);
      if (shape.format == mfs::version::v1 && bytes.error() == errc::too_big) continue;
      REQUIRE(bytes.error() == errc::ok);
      memory_device device{std::vector<std::byte>(*bytes)};
      auto options = shape;
      options.inodes = static_cast<std::uint32_t>(size.inodes());
      REQUIRE(mfs::format(device, options).error() == errc::ok);
      mfs::single_caller host;
      volume fs{device, host};
      REQUIRE(fs.mount().error() == errc::ok);
      for (std::size_t i = 0; i < files.size(); ++i) put(fs, "/" + std::to_string(i), std::string(files[i], 'x'));
      REQUIRE(fs.make_symlink("/0", "/link", superuser).error() == errc::ok);
      REQUIRE(fs.sync().error() == errc::ok);
      require_clean(device);
      REQUIRE(fs.statfs()->blocks_free < 20);
      REQUIRE(fs.statfs()->inodes_free < 40);
    }
  }
}
