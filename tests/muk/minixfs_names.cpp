// SPDX-License-Identifier: MIT
/// @file
/// Names, links and permissions of the MINIX file system, on images of `mkfs.minix`, checked by `fsck.minix`.
#include <set>

#include "minixfs_support.hpp"

using namespace minixfs_test;
using dvs::errc;

namespace {

std::set<std::string> names_in(volume& fs, std::string_view path) {
  std::set<std::string> names;
  auto directory = fs.find(path, superuser);
  REQUIRE(directory.error() == errc::ok);
  const auto listed = fs.list(*directory, 0, [&](std::uint32_t, std::string_view name, std::uint32_t) {
    REQUIRE(names.insert(std::string{name}).second);
    return true;
  });
  REQUIRE(listed.error() == errc::ok);
  return names;
}

// Runs a scenario on each kind of image; the image must be consistent afterwards.
void on_every_image(const std::function<void(volume&)>& scenario) {
  for (const std::string& kind : all_kinds) {
    INFO("mkfs.minix " << kind);
    memory_device device = made_by_mkfs(kind, 2000);
    mfs::single_caller host{1'700'000'000};
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    scenario(fs);
    REQUIRE(fs.sync().error() == errc::ok);
    require_clean(device);
  }
}

}  // namespace

TEST_CASE("A created file is found, listed and has the attributes it was given") {
  on_every_image([](volume& fs) {
    put(fs, "/hello", "hello, world\n");
    REQUIRE(get(fs, "/hello") == "hello, world\n");
    REQUIRE(get(fs, "hello") == "hello, world\n");
    REQUIRE(names_in(fs, "/") == std::set<std::string>{".", "..", "hello"});
    const auto status = fs.status(*fs.find("/hello", superuser));
    REQUIRE(status.mode == 0100644);
    REQUIRE(status.links == 1);
    REQUIRE(status.size == 13);
    REQUIRE(status.mtime == 1'700'000'000);
    REQUIRE(fs.open("/hello", {.write = true, .create = true, .exclusive = true}, superuser).error() == errc::exists);
    REQUIRE(fs.open("/nothing", {}, superuser).error() == errc::no_entry);
    REQUIRE(fs.open("/hello/x", {}, superuser).error() == errc::not_directory);
    REQUIRE(fs.open("/hello/", {}, superuser).error() == errc::not_directory);
    REQUIRE(fs.open("/new/", create, superuser).error() == errc::is_directory);
    REQUIRE(fs.open("", {}, superuser).error() == errc::no_entry);
  });
}

TEST_CASE("Names may be as long as the version allows, and not longer") {
  on_every_image([](volume& fs) {
    const std::string longest(fs.shape().name_length, 'n');
    put(fs, longest, "x");
    REQUIRE(get(fs, longest) == "x");
    REQUIRE(names_in(fs, "/").contains(longest));
    REQUIRE(fs.open(longest + "n", create, superuser).error() == errc::name_too_long);
    REQUIRE(fs.find(longest.substr(1), superuser).error() == errc::no_entry);
    REQUIRE(fs.find("/" + std::string(5000, '/'), superuser).error() == errc::name_too_long);
    REQUIRE(fs.find(std::string_view{"a\0b", 3}, superuser).error() == errc::bad_argument);
  });
}

TEST_CASE("Directories are made, nest, count their links, and go when they are empty") {
  on_every_image([](volume& fs) {
    REQUIRE(fs.make_directory("/a", 0755, superuser).error() == errc::ok);
    REQUIRE(fs.make_directory("/a/b/", 0755, superuser).error() == errc::ok);
    REQUIRE(fs.make_directory("/a", 0755, superuser).error() == errc::exists);
    REQUIRE(fs.make_directory("/", 0755, superuser).error() == errc::exists);
    REQUIRE(fs.make_directory("/x/y", 0755, superuser).error() == errc::no_entry);
    REQUIRE(fs.status(fs.root()).links == 3);
    REQUIRE(fs.status(*fs.find("/a", superuser)).links == 3);
    put(fs, "/a/b/f", "deep");
    REQUIRE(get(fs, "/a/./b/../b//f") == "deep");
    REQUIRE(get(fs, "/../../a/b/f") == "deep");
    REQUIRE(fs.remove_directory("/a/b", superuser).error() == errc::not_empty);
    REQUIRE(fs.remove_directory("/a/b/.", superuser).error() == errc::bad_argument);
    REQUIRE(fs.remove_directory("/a/b/..", superuser).error() == errc::not_empty);
    REQUIRE(fs.remove_directory("/", superuser).error() == errc::busy);
    REQUIRE(fs.remove_directory("/a/b/f", superuser).error() == errc::not_directory);
    REQUIRE(fs.unlink("/a/b", superuser).error() == errc::is_directory);
    REQUIRE(fs.unlink("/a/b/f", superuser).error() == errc::ok);
    auto open = fs.find("/a/b", superuser);
    REQUIRE(fs.remove_directory("/a/b/", superuser).error() == errc::ok);
    REQUIRE(fs.status(*fs.find("/a", superuser)).links == 2);
    REQUIRE(fs.list(*open, 0, [](auto, auto, auto) { return true; }).error() == errc::ok);
  });
}

TEST_CASE("A directory of a thousand names keeps them all, and reuses what is free") {
  on_every_image([](volume& fs) {
    REQUIRE(fs.make_directory("/many", 0755, superuser).error() == errc::ok);
    const auto name = [](int i) { return "/many/" + std::to_string(i); };
    const int count = 600;  // an image of 2000 blocks has 666 inodes
    for (int i = 0; i < count; ++i) REQUIRE(fs.open(name(i), create, superuser).error() == errc::ok);
    REQUIRE(names_in(fs, "/many").size() == count + 2);
    const auto size = fs.status(*fs.find("/many", superuser)).size;
    for (int i = 0; i < count; i += 3) REQUIRE(fs.unlink(name(i), superuser).error() == errc::ok);
    REQUIRE(names_in(fs, "/many").size() == count - 200 + 2);
    for (int i = 0; i < count; i += 3) REQUIRE(fs.open(name(i), create, superuser).error() == errc::ok);
    REQUIRE(fs.status(*fs.find("/many", superuser)).size == size);
    for (int i = 0; i < count; ++i) REQUIRE(fs.find(name(i), superuser).error() == errc::ok);
  });
}

TEST_CASE("Hard links share the file, which goes with the last of them") {
  on_every_image([](volume& fs) {
    put(fs, "/one", "content");
    REQUIRE(fs.link("/one", "/two", superuser).error() == errc::ok);
    REQUIRE(fs.link("/one", "/two", superuser).error() == errc::exists);
    REQUIRE(fs.make_directory("/dir", 0755, superuser).error() == errc::ok);
    REQUIRE(fs.link("/dir", "/dir2", superuser).error() == errc::is_directory);
    REQUIRE(fs.status(*fs.find("/two", superuser)).links == 2);
    REQUIRE(fs.unlink("/one", superuser).error() == errc::ok);
    REQUIRE(get(fs, "/two") == "content");
    const auto before = fs.statfs()->blocks_free;
    REQUIRE(fs.unlink("/two", superuser).error() == errc::ok);
    REQUIRE(fs.statfs()->blocks_free == before + 1);
    REQUIRE(fs.unlink("/two", superuser).error() == errc::no_entry);
  });
}

TEST_CASE("A file has at most as many links as its version can count") {
  memory_device device = made_by_mkfs("-1", 4000);
  mfs::single_caller host;
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  put(fs, "/f", "x");
  for (int i = 1; i < 250; ++i) REQUIRE(fs.link("/f", "/f" + std::to_string(i), superuser).error() == errc::ok);
  REQUIRE(fs.link("/f", "/f250", superuser).error() == errc::too_many_links);
  for (int i = 2; i < 250; ++i)
    REQUIRE(fs.make_directory("/d" + std::to_string(i), 0755, superuser).error() == errc::ok);
  REQUIRE(fs.make_directory("/d250", 0755, superuser).error() == errc::too_many_links);
  REQUIRE(fs.make_directory("/d2/sub", 0755, superuser).error() == errc::ok);
  REQUIRE(fs.rename("/d2/sub", "/sub", superuser).error() == errc::too_many_links);
  REQUIRE(fs.sync().error() == errc::ok);
  require_clean(device);
}

TEST_CASE("An unlinked file stays until its last user closes it") {
  on_every_image([](volume& fs) {
    const auto before = fs.statfs();
    put(fs, "/gone", std::string(50'000, 'g'));
    auto file = fs.open("/gone", {.write = true}, superuser);
    REQUIRE(fs.unlink("/gone", superuser).error() == errc::ok);
    REQUIRE(fs.find("/gone", superuser).error() == errc::no_entry);
    std::string text(50'000, ' ');
    REQUIRE(*fs.read(*file, 0, std::as_writable_bytes(std::span{text})) == 50'000);
    REQUIRE(text == std::string(50'000, 'g'));
    REQUIRE(*fs.write(*file, 50'000, bytes_of("more")) == 4);
    REQUIRE(fs.status(*file).links == 0);
    REQUIRE((*file).release().error() == errc::ok);
    REQUIRE(fs.statfs()->blocks_free == before->blocks_free);
    REQUIRE(fs.statfs()->inodes_free == before->inodes_free);
  });
}

TEST_CASE("Symbolic links are followed, relative to where they are, and not for ever") {
  on_every_image([](volume& fs) {
    REQUIRE(fs.make_directory("/d", 0755, superuser).error() == errc::ok);
    put(fs, "/d/f", "target");
    REQUIRE(fs.make_symlink("f", "/d/l", superuser).error() == errc::ok);
    REQUIRE(fs.make_symlink("/d", "/abs", superuser).error() == errc::ok);
    REQUIRE(fs.make_symlink("../abs/l", "/d/up", superuser).error() == errc::ok);
    REQUIRE(get(fs, "/d/l") == "target");
    REQUIRE(get(fs, "/abs/f") == "target");
    REQUIRE(get(fs, "/abs/up") == "target");
    REQUIRE(*fs.read_symlink("/d/up", superuser) == "../abs/l");
    REQUIRE(fs.read_symlink("/d/f", superuser).error() == errc::bad_argument);
    REQUIRE(fs.status(*fs.find("/d/l", superuser, false)).mode == 0120777);
    REQUIRE(fs.status(*fs.find("/d/l", superuser, false)).size == 1);
    REQUIRE(fs.status(*fs.find("/abs/", superuser, false)).mode == 040755);

    REQUIRE(fs.make_symlink("loop2", "/loop1", superuser).error() == errc::ok);
    REQUIRE(fs.make_symlink("loop1", "/loop2", superuser).error() == errc::ok);
    REQUIRE(fs.find("/loop1", superuser).error() == errc::loop);
    REQUIRE(fs.find("/loop1/x", superuser).error() == errc::loop);
    REQUIRE(fs.open("/loop1", create, superuser).error() == errc::loop);
    REQUIRE(fs.open("/loop1", {.write = true, .create = true, .exclusive = true}, superuser).error() == errc::exists);

    REQUIRE(fs.make_symlink("/d/made", "/dangling", superuser).error() == errc::ok);
    REQUIRE(fs.find("/dangling", superuser).error() == errc::no_entry);
    put(fs, "/dangling", "through the link");
    REQUIRE(get(fs, "/d/made") == "through the link");
    REQUIRE(fs.unlink("/abs", superuser).error() == errc::ok);
    REQUIRE(fs.find("/d", superuser).error() == errc::ok);
    REQUIRE(fs.make_symlink("", "/empty", superuser).error() == errc::no_entry);
    REQUIRE(fs.make_symlink(std::string(1023, 't'), "/long", superuser).error() == errc::ok);
    REQUIRE(fs.read_symlink("/long", superuser)->size() == 1023);
    REQUIRE(fs.make_symlink(std::string(1024, 't'), "/longer", superuser).error() == errc::name_too_long);
  });
}

TEST_CASE("Rename moves files and directories, and refuses what POSIX refuses") {
  on_every_image([](volume& fs) {
    for (const char* dir : {"/a", "/a/sub", "/b", "/b/full", "/b/empty"})
      REQUIRE(fs.make_directory(dir, 0755, superuser).error() == errc::ok);
    put(fs, "/a/f", "f");
    put(fs, "/a/g", "g");
    put(fs, "/b/full/x", "x");
    const auto rename = [&](const char* from, const char* to) { return fs.rename(from, to, superuser).error(); };

    REQUIRE(rename("/a/f", "/a/h") == errc::ok);
    REQUIRE(fs.find("/a/f", superuser).error() == errc::no_entry);
    REQUIRE(rename("/a/h", "/a/g") == errc::ok);
    REQUIRE(get(fs, "/a/g") == "f");
    REQUIRE(rename("/a/g", "/b/g") == errc::ok);
    REQUIRE(get(fs, "/b/g") == "f");
    REQUIRE(rename("/b/g", "/b/g") == errc::ok);
    REQUIRE(fs.link("/b/g", "/b/g2", superuser).error() == errc::ok);
    REQUIRE(rename("/b/g", "/b/g2") == errc::ok);  // two names of one file: nothing happens
    REQUIRE(names_in(fs, "/b").contains("g"));

    REQUIRE(rename("/nothing", "/a/x") == errc::no_entry);
    REQUIRE(rename("/b/g", "/nowhere/x") == errc::no_entry);
    REQUIRE(rename("/b/g", "/a/sub") == errc::is_directory);
    REQUIRE(rename("/a/sub", "/b/g") == errc::not_directory);
    REQUIRE(rename("/a/sub", "/b/full") == errc::not_empty);
    REQUIRE(rename("/b/g", "/a/x/") == errc::not_directory);
    REQUIRE(rename("/a", "/a/sub/x") == errc::bad_argument);
    REQUIRE(rename("/a", "/a/x") == errc::bad_argument);
    REQUIRE(rename("/a/sub", "/a") == errc::not_empty);
    REQUIRE(rename("/b/full", "/b") == errc::not_empty);
    REQUIRE(rename("/", "/x") == errc::busy);
    REQUIRE(rename("/a", "/") == errc::busy);
    REQUIRE(rename("/a/.", "/x") == errc::bad_argument);
    REQUIRE(rename("/a/sub/..", "/x") == errc::bad_argument);
    REQUIRE(rename("/a", "/b/..") == errc::bad_argument);

    REQUIRE(rename("/a/sub", "/b/empty") == errc::ok);
    REQUIRE(fs.status(*fs.find("/a", superuser)).links == 2);
    REQUIRE(fs.status(*fs.find("/b", superuser)).links == 4);
    REQUIRE(rename("/b", "/a/b/") == errc::ok);
    REQUIRE(fs.status(*fs.find("/a/b/empty/../..", superuser)).inode == fs.status(*fs.find("/a", superuser)).inode);
    REQUIRE(get(fs, "/a/b/full/x") == "x");
    REQUIRE(fs.status(fs.root()).links == 3);
  });
}

TEST_CASE("A file that rename replaces stays for those who have it open") {
  on_every_image([](volume& fs) {
    put(fs, "/new", "new");
    put(fs, "/old", "old");
    auto old = fs.open("/old", {}, superuser);
    REQUIRE(fs.rename("/new", "/old", superuser).error() == errc::ok);
    std::string text(3, ' ');
    REQUIRE(*fs.read(*old, 0, std::as_writable_bytes(std::span{text})) == 3);
    REQUIRE(text == "old");
    REQUIRE(get(fs, "/old") == "new");
  });
}

TEST_CASE("Permissions are checked for owner, group and others, and bind everybody but user 0") {
  on_every_image([](volume& fs) {
    constexpr mfs::credentials owner{100, 10}, member{101, 10}, other{102, 11};
    REQUIRE(fs.open("/f", create, other).error() == errc::access_denied);
    REQUIRE(fs.make_directory("/home", 0777, superuser).error() == errc::ok);
    REQUIRE(fs.open("/home/f", {.write = true, .create = true, .mode = 0640}, owner).error() == errc::ok);
    const auto opens = [&](mfs::credentials who, bool writes) {
      return fs.open("/home/f", {.read = !writes, .write = writes}, who).error();
    };
    REQUIRE(opens(owner, true) == errc::ok);
    REQUIRE(opens(member, false) == errc::ok);
    REQUIRE(opens(member, true) == errc::access_denied);
    REQUIRE(opens(other, false) == errc::access_denied);
    REQUIRE(opens(superuser, true) == errc::ok);

    auto file = fs.find("/home/f", superuser);
    REQUIRE(fs.change_mode(*file, 0604, member).error() == errc::access_denied);
    REQUIRE(fs.change_mode(*file, 0604, owner).error() == errc::ok);
    REQUIRE(opens(member, false) == errc::access_denied);
    REQUIRE(opens(other, false) == errc::ok);
    REQUIRE(fs.check(*file, mfs::permission::execute, superuser).error() == errc::access_denied);
    REQUIRE(fs.change_owner(*file, 101, 10, owner).error() == errc::access_denied);
    REQUIRE(fs.change_owner(*file, 101, 10, superuser).error() == errc::ok);
    REQUIRE(fs.status(*file).uid == 101);
    REQUIRE(fs.change_times(*file, 5, 6, owner).error() == errc::access_denied);
    REQUIRE(fs.change_times(*file, 5, 6, member).error() == errc::ok);
    REQUIRE(fs.status(*file).mtime == 6);

    auto home = fs.find("/home", superuser);
    REQUIRE(fs.change_mode(*home, 01777, superuser).error() == errc::ok);
    REQUIRE(fs.unlink("/home/f", other).error() == errc::access_denied);
    REQUIRE(fs.rename("/home/f", "/home/g", other).error() == errc::access_denied);
    REQUIRE(fs.change_mode(*home, 0666, superuser).error() == errc::ok);
    REQUIRE(fs.find("/home/f", member).error() == errc::access_denied);
    REQUIRE(fs.change_mode(*home, 0755, superuser).error() == errc::ok);
    REQUIRE(fs.unlink("/home/f", member).error() == errc::access_denied);
    REQUIRE(fs.change_mode(*home, 0777, superuser).error() == errc::ok);
    REQUIRE(fs.unlink("/home/f", other).error() == errc::ok);
  });
}

TEST_CASE("A file system mounted read-only is read and never written") {
  memory_device device = made_by_mkfs("-2", 1000);
  mfs::single_caller host{1};
  {
    volume fs{device, host};
    REQUIRE(fs.mount().error() == errc::ok);
    put(fs, "/f", "text");
    REQUIRE(fs.sync().error() == errc::ok);
  }
  device.writes = 0;
  volume fs{device, host, {.read_only = true}};
  REQUIRE(fs.mount().error() == errc::ok);
  REQUIRE(get(fs, "/f") == "text");
  REQUIRE(fs.open("/g", create, superuser).error() == errc::read_only);
  REQUIRE(fs.open("/f", {.write = true}, superuser).error() == errc::read_only);
  REQUIRE(fs.unlink("/f", superuser).error() == errc::read_only);
  REQUIRE(fs.make_directory("/d", 0755, superuser).error() == errc::read_only);
  REQUIRE(fs.rename("/f", "/g", superuser).error() == errc::read_only);
  REQUIRE(fs.sync().error() == errc::ok);
  REQUIRE(device.writes == 0);
}

TEST_CASE("The image is marked valid exactly while it is consistent") {
  memory_device device = made_by_mkfs("-2", 1000);
  mfs::single_caller host{1};
  volume fs{device, host};
  REQUIRE(fs.mount().error() == errc::ok);
  const auto marked = [&] { return (std::to_integer<int>(device.bytes[1024 + 18]) & 1) != 0; };
  REQUIRE(marked());
  put(fs, "/f", "text");
  REQUIRE_FALSE(marked());
  REQUIRE(fs.sync().error() == errc::ok);
  REQUIRE(marked());
  auto open = fs.open("/f", {}, superuser);
  REQUIRE(fs.unlink("/f", superuser).error() == errc::ok);
  REQUIRE(fs.sync().error() == errc::ok);
  REQUIRE_FALSE(marked());  // the file has no name but keeps its blocks
  REQUIRE((*open).release().error() == errc::ok);
  REQUIRE(fs.sync().error() == errc::ok);
  REQUIRE(marked());
  require_clean(device);
}
