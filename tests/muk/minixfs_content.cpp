// SPDX-License-Identifier: MIT
/// @file
/// The content of files: holes, growth, cuts, and every level of indirection.
#include "minixfs_support.hpp"

using namespace minixfs_test;
using dvs::errc;

namespace {

std::string read_at(volume& fs, const volume::node& file, std::uint64_t offset, std::size_t length) {
  std::string text(length, '?');
  const auto got = fs.read(file, offset, std::as_writable_bytes(std::span{text}));
  REQUIRE(got.error() == errc::ok);
  text.resize(*got);
  return text;
}

std::uint32_t free_blocks(volume& fs) { return fs.statfs()->blocks_free; }

}  // namespace

TEST_CASE("Files of every version read back what was written, also by GRUB") {
  std::mt19937 random{7};
  for (const std::string& kind : all_kinds) {
    INFO("mkfs.minix " << kind);
    memory_device device = made_by_mkfs(kind, 4000);
    mfs::single_caller host;
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    const std::string small = random_text(random, 100);
    const std::string large = random_text(random, 1'500'123);  // needs double indirection
    put(fs, "/small", small);
    REQUIRE(fs.make_directory("/dir", 0755, superuser).error() == errc::ok);
    put(fs, "/dir/large", large);
    REQUIRE(fs.make_symlink("dir/large", "/link", superuser).error() == errc::ok);
    REQUIRE(get(fs, "/small") == small);
    REQUIRE(get(fs, "/link") == large);
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
    REQUIRE(grub_reads(device, "/small") == small);
    REQUIRE(grub_reads(device, "/dir/large") == large);

    volume again{device, host};
    REQUIRE(again.mount().error() == errc::ok);
    REQUIRE(get(again, "/dir/large") == large);
  }
}

TEST_CASE("A cache far smaller than the file changes nothing but the speed") {
  std::mt19937 random{8};
  memory_device device = made_by_mkfs("-3", 8000);
  mfs::single_caller host;
  volume fs{device, host, {.cache_bytes = 1}};
  REQUIRE(fs.mount().error() == errc::ok);
  const std::string text = random_text(random, 3'000'001);
  put(fs, "/a", text);
  put(fs, "/b", text);
  REQUIRE(get(fs, "/a") == text);
  REQUIRE(fs.sync().error() == errc::ok);
  require_clean(device);
  REQUIRE(grub_reads(device, "/b") == text);
}

TEST_CASE("What lies between the end of a file and a later write reads as zeros and takes no space") {
  for (const std::string& kind : all_kinds) {
    INFO("mkfs.minix " << kind);
    memory_device device = made_by_mkfs(kind, 4000);
    mfs::single_caller host;
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    auto file = fs.open("/sparse", create, superuser);
    REQUIRE(*fs.write(*file, 0, bytes_of("begin")) == 5);
    const auto before = free_blocks(fs);
    // Through the last block that the version can map: single, double and, from V2 on, triple indirection.
    const std::uint64_t end = fs.shape().size_max;
    for (const std::uint64_t at :
         {std::uint64_t{20'000}, std::uint64_t{2'000'000}, std::uint64_t{100'000'000}, end - 4}) {
      REQUIRE(*fs.write(*file, at, bytes_of("mark")) == 4);
      REQUIRE(read_at(fs, *file, at, 10) == "mark");
      REQUIRE(read_at(fs, *file, at - 1000, 1004) == std::string(1000, '\0') + "mark");
    }
    REQUIRE(read_at(fs, *file, 0, 10) == std::string{"begin\0\0\0\0\0", 10});
    REQUIRE(fs.status(*file).size == end);
    REQUIRE(before - free_blocks(fs) <= 4 * 4);
    REQUIRE(fs.write(*file, end, bytes_of("x")).error() == errc::file_too_big);
    REQUIRE(*fs.write(*file, end - 1, bytes_of("xyz")) == 1);
    REQUIRE(fs.truncate(*file, end + 1).error() == errc::file_too_big);
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);

    REQUIRE(fs.truncate(*file, 2'000'004).error() == errc::ok);
    REQUIRE(read_at(fs, *file, 1'999'999, 100) == std::string("\0mark", 5));
    REQUIRE(fs.truncate(*file, 3).error() == errc::ok);
    REQUIRE(free_blocks(fs) == before);
    REQUIRE(fs.truncate(*file, 3000).error() == errc::ok);
    REQUIRE(read_at(fs, *file, 0, 5000) == "beg" + std::string(2997, '\0'));
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
  }
}

TEST_CASE("A dense file of triple indirection is read back, cut in the middle, and freed without a rest") {
  std::mt19937 random{9};
  memory_device device = made_by_mkfs("-3", 90'000);
  mfs::single_caller host;
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  const auto before = free_blocks(fs);
  const std::string text = random_text(random, 72'000'000);  // triple indirection begins at 67,379,200
  put(fs, "/big", text);
  REQUIRE(get(fs, "/big") == text);
  REQUIRE(fs.sync().error() == errc::ok);
  require_clean(device);
  REQUIRE(grub_reads(device, "/big") == text);
  auto file = fs.open("/big", {.write = true}, superuser);
  for (const std::size_t size : {70'000'000U, 67'379'201U, 67'379'200U, 300'000U, 200'000U, 7168U, 7000U, 0U}) {
    REQUIRE(fs.truncate(*file, size).error() == errc::ok);
    REQUIRE(get(fs, "/big") == text.substr(0, size));
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
  }
  REQUIRE(free_blocks(fs) == before);
}

TEST_CASE("A full device stops a write where it is and loses nothing that was there") {
  for (const std::string& kind : all_kinds) {
    INFO("mkfs.minix " << kind);
    memory_device device = made_by_mkfs(kind, 500);
    mfs::single_caller host;
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    const auto before = fs.statfs();
    put(fs, "/kept", "kept");
    auto file = fs.open("/full", create, superuser);
    const std::string text(1'000'000, 'f');
    const auto written = fs.write(*file, 0, bytes_of(text));
    REQUIRE(written.error() == errc::ok);
    REQUIRE(*written < text.size());
    REQUIRE(*written > 400'000);
    REQUIRE(free_blocks(fs) == 0);
    REQUIRE(fs.write(*file, *written, bytes_of("x")).error() == errc::no_space);
    REQUIRE(fs.make_directory("/d", 0755, superuser).error() == errc::no_space);
    REQUIRE(fs.make_symlink("t", "/l", superuser).error() == errc::no_space);
    REQUIRE(get(fs, "/kept") == "kept");
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
    REQUIRE(fs.truncate(*file, 0).error() == errc::ok);
    REQUIRE(fs.unlink("/full", superuser).error() == errc::ok);
    REQUIRE((*file).release().error() == errc::ok);
    for (int i = 0;; ++i) {
      const auto made = fs.open("/i" + std::to_string(i), create, superuser);
      if (made) continue;
      REQUIRE(made.error() == errc::no_space);
      break;
    }
    REQUIRE(fs.statfs()->inodes_free == 0);
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
    for (int i = 0; fs.unlink("/i" + std::to_string(i), superuser); ++i) {
    }
    REQUIRE(fs.unlink("/kept", superuser).error() == errc::ok);
    REQUIRE(fs.statfs()->inodes_free == before->inodes_free);
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
  }
}

TEST_CASE("Appending goes to the end, wherever that is") {
  memory_device device = made_by_mkfs("-3", 500);
  mfs::single_caller host;
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  auto one = fs.open("/log", create, superuser);
  auto two = fs.open("/log", {.write = true}, superuser);
  const auto append = [&](const volume::node& file, std::string_view text) {
    return fs.append(file, text.size(), [&](std::uint64_t at, std::span<std::byte> into) {
      std::memcpy(into.data(), text.data() + at, into.size());
      return dvs::result<void>{};
    });
  };
  REQUIRE(*append(*one, "one ") == 4);
  REQUIRE(*append(*two, "two ") == 4);
  REQUIRE(*append(*one, "three") == 5);
  REQUIRE(get(fs, "/log") == "one two three");
}

TEST_CASE("A source that fails leaves neither its own bytes nor old ones of the device in the file") {
  memory_device device = made_by_mkfs("-3", 500);
  mfs::single_caller host;
  {
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    put(fs, "/secret", std::string(300'000, 's'));
    REQUIRE(fs.sync().error() == errc::ok);
    REQUIRE(fs.unlink("/secret", superuser).error() == errc::ok);
    REQUIRE(fs.sync().error() == errc::ok);
  }
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  auto file = fs.open("/f", create, superuser);
  REQUIRE(fs.truncate(*file, 200'000).error() == errc::ok);
  int calls = 0;
  const auto written =
      fs.write(*file, 500, 150'000, [&](std::uint64_t, std::span<std::byte> into) -> dvs::result<void> {
        if (++calls > 2) return errc::fault;
        std::fill(into.begin(), into.end(), std::byte{'n'});
        return {};
      });
  REQUIRE(written.error() == errc::ok);
  REQUIRE(*written < 150'000);
  const std::string text = get(fs, "/f");
  REQUIRE(text.find_first_not_of(std::string_view{"n\0", 2}) == std::string::npos);
  REQUIRE(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), 'n')) == *written);
  const auto none = fs.write(*file, 0, 10, [](auto, auto) -> dvs::result<void> { return errc::not_granted; });
  REQUIRE(none.error() == errc::not_granted);
  REQUIRE(fs.sync().error() == errc::ok);
  require_clean(device);
}

TEST_CASE("Reading a file in order asks the device for long runs") {
  memory_device device = made_by_mkfs("-3", 4000);
  mfs::single_caller host;
  {
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    put(fs, "/f", std::string(2'000'000, 'x'));
    REQUIRE(fs.sync().error() == errc::ok);
  }
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  auto file = fs.open("/f", {}, superuser);
  device.reads = 0;
  std::uint64_t at = 0;
  for (std::string part; !(part = read_at(fs, *file, at, 700)).empty();) at += part.size();
  REQUIRE(at == 2'000'000);
  REQUIRE(device.reads < 2'000'000 / 65536 + 20);
}

TEST_CASE("A device that fails is reported with the block, and only to those who need it") {
  memory_device device = made_by_mkfs("-3", 4000);
  mfs::single_caller host;
  {
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    put(fs, "/good", std::string(100'000, 'g'));
    put(fs, "/bad", std::string(100'000, 'b'));
    REQUIRE(fs.sync().error() == errc::ok);
  }
  const std::uint64_t broken = [&] {
    for (std::uint64_t block = 100; block < 4000; ++block)
      if (device.bytes[block * 1024] == std::byte{'b'}) return block + 50;
    return std::uint64_t{0};
  }();
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  device.allow = [&](bool, std::uint64_t offset, std::size_t length) {
    return broken * 1024 < offset || broken * 1024 >= offset + length;
  };
  REQUIRE(get(fs, "/good") == std::string(100'000, 'g'));
  auto file = fs.open("/bad", {}, superuser);
  REQUIRE(read_at(fs, *file, 0, 40'000) == std::string(40'000, 'b'));
  std::string text(100'000, ' ');
  REQUIRE(fs.read(*file, 0, std::as_writable_bytes(std::span{text})).error() == errc::io_error);
  REQUIRE(fs.last_fault()->block == broken);
  REQUIRE(read_at(fs, *file, 60'000, 40'000) == std::string(40'000, 'b'));

  put(fs, "/new", "new");
  device.allow = [](bool writes, std::uint64_t, std::size_t) { return !writes; };
  REQUIRE(fs.sync().error() == errc::io_error);
  device.allow = nullptr;
  REQUIRE(fs.sync().error() == errc::ok);
}
