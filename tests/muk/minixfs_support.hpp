// SPDX-License-Identifier: MIT
/// @file
/// What the tests of the file system share: a device in memory, and the programs that check an image.
#ifndef TESTS_MUK_MINIXFS_SUPPORT_HPP
#define TESTS_MUK_MINIXFS_SUPPORT_HPP

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <muk/fs/minixfs/file_system.hpp>
#include <muk/fs/minixfs/format.hpp>
#include <random>
#include <string>
#include <vector>

namespace minixfs_test {

namespace mfs = muk::minixfs;

/// A device in memory; a test may look at, delay or fail each request.
struct memory_device {
  explicit memory_device(std::vector<std::byte> content = {}) : bytes(std::move(content)) {}

  std::vector<std::byte> bytes;
  std::function<bool(bool writes, std::uint64_t offset, std::size_t length)> allow;  // false: the request fails
  std::uint64_t reads = 0, writes = 0;

  dvs::result<void> read(std::uint64_t offset, std::span<std::byte> into) {
    ++reads;
    if (offset + into.size() > bytes.size()) return dvs::errc::range;
    if (allow && !allow(false, offset, into.size())) return dvs::errc::io_error;
    std::memcpy(into.data(), bytes.data() + offset, into.size());
    return {};
  }
  dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
    ++writes;
    if (offset + from.size() > bytes.size()) return dvs::errc::range;
    if (allow && !allow(true, offset, from.size())) return dvs::errc::io_error;
    std::memcpy(bytes.data() + offset, from.data(), from.size());
    return {};
  }
  dvs::result<void> flush() { return {}; }
  [[nodiscard]] std::uint64_t size() const { return bytes.size(); }
};

using volume = mfs::file_system<memory_device, mfs::single_caller>;

/// A folder that goes with the test.
class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "minixfs.XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~scratch() { std::filesystem::remove_all(path_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline void save(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                              static_cast<std::streamsize>(bytes.size()));
}
inline std::string slurp(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

struct outcome {
  int status;
  std::string text;
};
inline outcome run(const std::string& command) {
  std::string text;
  // The tools of file systems lie where only administrators look.
  FILE* pipe = popen(("PATH=$PATH:/usr/sbin:/sbin; " + command + " 2>&1").c_str(), "r");
  char part[4096];
  for (std::size_t n; (n = fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, n);
  return {pclose(pipe), text};
}

/// Requires that `fsck.minix` knows its job: exit code 0 and not a word of complaint.
inline void require_clean(const memory_device& device) {
  const scratch here;
  save(here.file("image"), device.bytes);
  const auto checked = run("fsck.minix -f " + here.file("image"));
  INFO(checked.text);
  REQUIRE(checked.status == 0);
  REQUIRE(checked.text == "Forcing filesystem check on " + here.file("image") + ".\n");
}

/// An image made by `mkfs.minix` with the given options.
inline memory_device made_by_mkfs(const std::string& options, std::size_t blocks) {
  const scratch here;
  save(here.file("image"), std::vector<std::byte>(blocks * 1024));
  const auto made = run("mkfs.minix " + options + " " + here.file("image"));
  INFO(made.text);
  REQUIRE(made.status == 0);
  const std::string text = slurp(here.file("image"));
  memory_device device;
  device.bytes.resize(text.size());
  std::memcpy(device.bytes.data(), text.data(), text.size());
  return device;
}

/// The content of a file as `grub-fstest` reads it.
inline std::string grub_reads(const memory_device& device, const std::string& path) {
  const scratch here;
  save(here.file("image"), device.bytes);
  const auto copied = run("grub-fstest " + here.file("image") + " cp '(loop0)" + path + "' " + here.file("copy"));
  INFO(copied.text);
  REQUIRE(copied.status == 0);
  return slurp(here.file("copy"));
}

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

inline std::string random_text(std::mt19937& random, std::size_t length) {
  std::string text(length, ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

inline constexpr mfs::credentials superuser{};
inline constexpr mfs::open_how create{.write = true, .create = true};

/// Makes or empties a file and gives it a content.
template <class Volume>
void put(Volume& fs, std::string_view path, std::string_view text) {
  auto file = fs.open(path, {.write = true, .create = true, .truncate = true}, superuser);
  REQUIRE(file.error() == dvs::errc::ok);
  const auto written = fs.write(*file, 0, bytes_of(text));
  REQUIRE(written.error() == dvs::errc::ok);
  REQUIRE(*written == text.size());
}

/// The whole content of a file.
template <class Volume>
std::string get(Volume& fs, std::string_view path) {
  auto file = fs.open(path, {}, superuser);
  REQUIRE(file.error() == dvs::errc::ok);
  std::string text(fs.status(*file).size, '\0');
  const auto got = fs.read(*file, 0, std::as_writable_bytes(std::span{text}));
  REQUIRE(got.error() == dvs::errc::ok);
  REQUIRE(*got == text.size());
  return text;
}

/// The images that most tests run on.
inline const std::vector<std::string> all_kinds{"-1 -n14", "-1", "-2 -n14", "-2", "-3"};

}  // namespace minixfs_test

#endif
