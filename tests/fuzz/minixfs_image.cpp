// SPDX-License-Identifier: MIT
/// @file
/// Any bytes as a MINIX image: mounting, walking, reading and changing it ends, stays inside, and breaks nothing.
///
/// `minixfs_image --seeds=DIR` writes a corpus of sound images to begin with.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <muk/fs/minixfs/file_system.hpp>
#include <muk/fs/minixfs/format.hpp>
#include <random>
#include <string>
#include <vector>

namespace {

namespace mfs = muk::minixfs;

struct image_device {
  std::vector<std::byte> bytes;

  dvs::result<void> read(std::uint64_t offset, std::span<std::byte> into) {
    if (offset + into.size() > bytes.size()) std::abort();  // the file system never asks for what is not there
    std::memcpy(into.data(), bytes.data() + offset, into.size());
    return {};
  }
  dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
    if (offset + from.size() > bytes.size()) std::abort();
    std::memcpy(bytes.data() + offset, from.data(), from.size());
    return {};
  }
  dvs::result<void> flush() { return {}; }
  [[nodiscard]] std::uint64_t size() const { return bytes.size(); }
};

using volume = mfs::file_system<image_device, mfs::single_caller>;
constexpr mfs::credentials superuser{};

struct visitor {
  volume& fs;
  int budget = 300;  // files looked at
  std::vector<std::string> paths;

  void walk(const std::string& path, int depth) {
    if (--budget < 0 || depth > 8) return;
    paths.push_back(path);
    auto found = fs.find(path, superuser, false);
    if (!found) return;
    const auto status = fs.status(*found);
    if ((status.mode & mfs::kind_mask) == static_cast<std::uint16_t>(mfs::file_kind::directory)) {
      std::vector<std::string> names;
      (void)fs.list(*found, 0, [&](std::uint32_t, std::string_view name, std::uint32_t) {
        if (name != "." && name != "..") names.emplace_back(name);
        return names.size() < 40;
      });
      for (const auto& name : names) walk(path + "/" + name, depth + 1);
      return;
    }
    std::array<std::byte, 3000> part;
    for (const std::uint64_t at :
         {std::uint64_t{0}, std::uint64_t{7000}, std::uint64_t{270'000}, std::uint64_t{67'400'000}})
      (void)fs.read(*found, at, part);
    if (status.size > 2000) (void)fs.read(*found, status.size - 2000, part);
    (void)fs.read_symlink(path, superuser);
  }
};

void use(const std::uint8_t* data, std::size_t size) {
  image_device device{{reinterpret_cast<const std::byte*>(data), reinterpret_cast<const std::byte*>(data) + size}};
  mfs::single_caller host{1};
  volume fs{device, host, {.cache_bytes = 1}};
  if (!fs.mount()) return;
  visitor all{.fs = fs, .paths = {}};
  all.walk("", 0);
  (void)fs.statfs();
  const std::string text(3000, 't');
  const auto touch = [&](const std::string& path, std::uint64_t at) {
    auto file = fs.open(path, {.write = true, .create = true}, superuser);
    if (file) (void)fs.write(*file, at, std::as_bytes(std::span{text}));
    return file;
  };
  auto held = touch("/new", 300'000);
  for (std::size_t i = 0; i < all.paths.size() && i < 60; ++i) {
    const std::string& path = all.paths[i];
    switch (i % 8) {
      case 0:
        (void)touch(path + "/in", 10);
        break;
      case 1:
        (void)touch(path, 8000);
        break;
      case 2:
        (void)fs.unlink(path, superuser);
        break;
      case 3:
        (void)fs.rename(path, "/moved" + std::to_string(i), superuser);
        break;
      case 4:
        (void)fs.rename("/new", path, superuser);
        break;
      case 5:
        (void)fs.remove_directory(path, superuser);
        break;
      case 6:
        if (auto file = fs.open(path, {.write = true}, superuser)) (void)fs.truncate(*file, 5000);
        break;
      default:
        (void)fs.make_directory(path + "/dir", 0755, superuser);
    }
  }
  for (std::size_t i = all.paths.size(); i-- > 0;) {
    if (!fs.unlink(all.paths[i], superuser)) (void)fs.remove_directory(all.paths[i], superuser);
  }
  (void)fs.sync();
}

std::vector<std::byte> seed_image(const mfs::format_options& shape) {
  image_device device{std::vector<std::byte>(std::size_t{64} * shape.block_size)};
  mfs::single_caller host{1};
  auto options = shape;
  options.inodes = 32;
  if (!mfs::format(device, options)) std::abort();
  volume fs{device, host};
  if (!fs.mount()) std::abort();
  const auto put = [&](const char* path, std::uint64_t at, std::size_t length) {
    auto file = fs.open(path, {.write = true, .create = true}, superuser);
    const std::vector<std::byte> content(length, std::byte{'d'});
    if (!file || !fs.write(*file, at, content)) std::abort();
  };
  if (!fs.make_directory("/a", 0755, superuser) || !fs.make_directory("/a/b", 0755, superuser)) std::abort();
  put("/f", 0, 9000);
  put("/a/sparse", 300'000, 100);
  put("/a/b/g", 0, 10);
  if (shape.format != mfs::version::v1) put("/triple", 67'400'000, 100);
  if (!fs.link("/f", "/a/b/link", superuser) || !fs.make_symlink("../f", "/a/sym", superuser)) std::abort();
  for (int i = 0; i < 10; ++i) put(("/a/b/" + std::to_string(i)).c_str(), 0, 0);
  if (!fs.sync()) std::abort();
  return device.bytes;
}

void write_seeds(const std::string& directory) {
  for (const mfs::format_options& shape :
       {mfs::format_options{.format = mfs::version::v1, .name_length = 14},
        mfs::format_options{.format = mfs::version::v1},
        mfs::format_options{.format = mfs::version::v2, .name_length = 14},
        mfs::format_options{.format = mfs::version::v2}, mfs::format_options{.format = mfs::version::v3},
        mfs::format_options{.block_size = 2048}}) {
    const auto image = seed_image(shape);
    const std::string name = directory + "/v" + std::to_string(static_cast<int>(shape.format)) + "-" +
                             std::to_string(shape.name_length) + "-" + std::to_string(shape.block_size);
    std::ofstream{name, std::ios::binary}.write(reinterpret_cast<const char*>(image.data()),
                                                static_cast<std::streamsize>(image.size()));
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i) {
    const std::string argument = (*arguments)[i];
    if (!argument.starts_with("--seeds=")) continue;
    write_seeds(argument.substr(8));
    std::exit(0);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  use(data, size);
  return 0;
}

// Most of an image is never looked at: changes go where they matter, and are numbers that could be meant.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random{seed};
  if (size < 4096 || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
    const unsigned place = random() % 8;
    const std::size_t begin = place == 0 ? 1024 : 2048;
    const std::size_t end = place == 0 ? 1056 : std::min<std::size_t>(size, place < 5 ? 12'288 : size) - 4;
    const std::size_t at = begin + random() % (end - begin) / 2 * 2;
    std::uint32_t value = 0;
    switch (random() % 6) {
      case 0:
        value = static_cast<std::uint32_t>(random() % 64);
        break;
      case 1:
        value = static_cast<std::uint32_t>(random());
        break;
      case 2:
        value = 0xFFFF'FFFF;
        break;
      case 3:
        value = std::uint32_t{1} << (random() % 32);
        break;
      case 4:
        std::memcpy(&value, data + begin + random() % (end - begin) / 2 * 2, 4);
        break;
      default:
        std::memcpy(&value, data + at, 4);
        value += random() % 3 - 1;
    }
    std::memcpy(data + at, &value, random() % 2 != 0 ? 2 : 4);
  }
  return size;
}
