// SPDX-License-Identifier: MIT
/// @file
/// The file system against a simple model of a tree: random operations, the same results, the same tree.
#include <map>
#include <memory>

#include "minixfs_support.hpp"

using namespace minixfs_test;
using dvs::errc;

namespace {

// The model: plain objects, no blocks. Only what POSIX says.
struct thing {
  bool directory = false;
  std::string content;
  std::map<std::string, std::shared_ptr<thing>> names;  // of a directory
  std::weak_ptr<thing> parent;
};
using ptr = std::shared_ptr<thing>;

struct model {
  ptr root = std::make_shared<thing>(thing{.directory = true, .content = {}, .names = {}, .parent = {}});

  static std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> parts;
    std::string part;
    for (const char c : path + "/") {
      if (c != '/') {
        part += c;
      } else if (!part.empty()) {
        parts.push_back(std::exchange(part, {}));
      }
    }
    return parts;
  }

  // The directory that holds the last component.
  errc parent_of(const std::string& path, ptr& parent, std::string& last) {
    auto parts = split(path);
    last = parts.back();
    parts.pop_back();
    parent = root;
    for (const auto& part : parts) {
      if (!parent->directory) return errc::not_directory;
      if (!parent->names.contains(part)) return errc::no_entry;
      parent = parent->names[part];
    }
    return parent->directory ? errc::ok : errc::not_directory;
  }
  errc find(const std::string& path, ptr& found) {
    ptr parent;
    std::string last;
    if (const errc e = parent_of(path, parent, last); e != errc::ok) return e;
    if (!parent->names.contains(last)) return errc::no_entry;
    found = parent->names[last];
    return errc::ok;
  }
  errc make(const std::string& path, bool directory) {
    ptr parent;
    std::string last;
    if (const errc e = parent_of(path, parent, last); e != errc::ok) return e;
    if (parent->names.contains(last)) return errc::exists;
    parent->names[last] =
        std::make_shared<thing>(thing{.directory = directory, .content = {}, .names = {}, .parent = parent});
    return errc::ok;
  }
  errc remove(const std::string& path, bool directory) {
    ptr parent;
    std::string last;
    if (const errc e = parent_of(path, parent, last); e != errc::ok) return e;
    if (!parent->names.contains(last)) return errc::no_entry;
    const ptr gone = parent->names[last];
    if (directory && !gone->directory) return errc::not_directory;
    if (!directory && gone->directory) return errc::is_directory;
    if (!gone->names.empty()) return errc::not_empty;
    parent->names.erase(last);
    return errc::ok;
  }
  errc link(const std::string& from, const std::string& to) {
    ptr file, parent;
    std::string last;
    if (const errc e = find(from, file); e != errc::ok) return e;
    if (file->directory) return errc::is_directory;
    if (const errc e = parent_of(to, parent, last); e != errc::ok) return e;
    if (parent->names.contains(last)) return errc::exists;
    parent->names[last] = file;
    return errc::ok;
  }
  static bool is_below(ptr here, const ptr& ancestor) {
    for (; here; here = here->parent.lock())
      if (here == ancestor) return true;
    return false;
  }
  errc rename(const std::string& from, const std::string& to) {
    ptr old_parent, new_parent;
    std::string old_name, new_name;
    if (const errc e = parent_of(from, old_parent, old_name); e != errc::ok) return e;
    if (const errc e = parent_of(to, new_parent, new_name); e != errc::ok) return e;
    if (!old_parent->names.contains(old_name)) return errc::no_entry;
    const ptr what = old_parent->names[old_name];
    if (what->directory && is_below(new_parent, what)) return errc::bad_argument;
    const ptr there = new_parent->names.contains(new_name) ? new_parent->names[new_name] : nullptr;
    if (there == what) return errc::ok;
    if (there) {
      if (what->directory && !there->directory) return errc::not_directory;
      if (!what->directory && there->directory) return errc::is_directory;
      if (!there->names.empty()) return errc::not_empty;
    }
    old_parent->names.erase(old_name);
    new_parent->names[new_name] = what;
    what->parent = new_parent;
    return errc::ok;
  }
};

// Compares two trees completely.
void require_same(volume& fs, const std::string& path, const thing& expected) {
  INFO(path);
  auto found = fs.find(path.empty() ? "/" : path, superuser);
  REQUIRE(found.error() == errc::ok);
  if (!expected.directory) {
    REQUIRE(fs.status(*found).size == expected.content.size());
    REQUIRE(get(fs, path) == expected.content);
    return;
  }
  std::map<std::string, int> seen;
  REQUIRE(fs.list(*found, 0, [&](std::uint32_t, std::string_view name, std::uint32_t) {
              ++seen[std::string{name}];
              return true;
            }).error() == errc::ok);
  REQUIRE(seen["."] == 1);
  REQUIRE(seen[".."] == 1);
  REQUIRE(seen.size() == expected.names.size() + 2);
  std::uint32_t directories = 0;
  for (const auto& [name, child] : expected.names) {
    REQUIRE(seen[name] == 1);
    directories += child->directory ? 1 : 0;
    require_same(fs, path + "/" + name, *child);
  }
  REQUIRE(fs.status(*found).links == directories + 2);
}

void race_the_model(const std::string& kind, unsigned seed, int operations, std::size_t cache_bytes) {
  INFO("mkfs.minix " << kind << ", seed " << seed);
  std::mt19937 random{seed};
  memory_device device = made_by_mkfs(kind, 30'000);
  mfs::single_caller host{1000};
  auto fs = std::make_unique<volume>(device, host, mfs::mount_options{.cache_bytes = cache_bytes});
  REQUIRE(fs->mount().error() == errc::ok);
  model tree;
  const auto path = [&] {
    std::string made;
    for (unsigned depth = 1 + random() % 4; depth > 0; --depth)
      made += "/" + std::string(1, static_cast<char>('a' + random() % 4));
    return made;
  };
  for (int i = 0; i < operations; ++i) {
    const std::string one = path(), two = path();
    INFO("operation " << i << " on " << one << " and " << two);
    switch (random() % 12) {
      case 0:
        REQUIRE(fs->make_directory(one, 0755, superuser).error() == tree.make(one, true));
        break;
      case 1:
        REQUIRE(fs->open(one, {.write = true, .create = true, .exclusive = true}, superuser).error() ==
                tree.make(one, false));
        break;
      case 2:
        REQUIRE(fs->unlink(one, superuser).error() == tree.remove(one, false));
        break;
      case 3:
        REQUIRE(fs->remove_directory(one, superuser).error() == tree.remove(one, true));
        break;
      case 4:
        REQUIRE(fs->link(one, two, superuser).error() == tree.link(one, two));
        break;
      case 5:
      case 6:
        REQUIRE(fs->rename(one, two, superuser).error() == tree.rename(one, two));
        break;
      case 7: {
        ptr file;
        errc expected = tree.find(one, file);
        auto opened = fs->open(one, {.write = true}, superuser);
        if (expected == errc::ok && file->directory) expected = errc::is_directory;
        REQUIRE(opened.error() == expected);
        if (!opened) break;
        const std::size_t size = random() % 3 != 0 ? random() % 5000 : random() % 400'000;
        REQUIRE(fs->truncate(*opened, size).error() == errc::ok);
        file->content.resize(size);
        break;
      }
      case 8:
        if (random() % 20 == 0) {
          REQUIRE(fs->sync().error() == errc::ok);
          fs = std::make_unique<volume>(device, host, mfs::mount_options{.cache_bytes = cache_bytes});
          REQUIRE(fs->mount().error() == errc::ok);
        }
        break;
      default: {
        ptr file;
        const errc expected = tree.find(one, file);
        auto found = fs->find(one, superuser);
        REQUIRE(found.error() == expected);
        if (!found || file->directory) break;
        const std::size_t offset = random() % 3 != 0 ? random() % 8000 : random() % 300'000;
        const std::size_t length = random() % 8 != 0 ? random() % 3000 : random() % 100'000;
        if (random() % 2 != 0) {
          std::string got(length, ' ');
          const auto count = fs->read(*found, offset, std::as_writable_bytes(std::span{got}));
          REQUIRE(count.error() == errc::ok);
          got.resize(*count);
          REQUIRE(got == (offset < file->content.size() ? file->content.substr(offset, length) : ""));
        } else {
          const std::string text = random_text(random, length);
          const auto count = fs->write(*found, offset, bytes_of(text));
          if (count.error() == errc::no_space) break;
          REQUIRE(count.error() == errc::ok);
          if (*count == 0) break;
          if (file->content.size() < offset + *count) file->content.resize(offset + *count);
          file->content.replace(offset, *count, text, 0, *count);
        }
      }
    }
  }
  require_same(*fs, "", *tree.root);
  REQUIRE(fs->sync().error() == errc::ok);
  require_clean(device);
  volume again{device, host};
  REQUIRE(again.mount().error() == errc::ok);
  require_same(again, "", *tree.root);
}

}  // namespace

TEST_CASE("Random operations have the results of the model, and leave its tree on a consistent image") {
  const unsigned seed = std::random_device{}();
  for (const std::string& kind : all_kinds) race_the_model(kind, seed, 20'000, std::size_t{16} << 20);
}

TEST_CASE("Random operations through a cache of four frames do the same") {
  const unsigned seed = std::random_device{}();
  for (const char* kind : {"-1", "-3"}) race_the_model(kind, seed, 20'000, 1);
}
