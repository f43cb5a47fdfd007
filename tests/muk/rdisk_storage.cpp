// SPDX-License-Identifier: MIT
/// @file
/// The laws of the storage under RDISK: files, memory, and changes that are kept apart.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <muk/rdisk/file_storage.hpp>
#include <random>

namespace {

namespace rdisk = muk::rdisk;
using dvs::errc;

/// A file of its own, removed at the end.
class scratch_file {
 public:
  explicit scratch_file(std::size_t bytes) {
    const int file = ::mkstemp(path_.data());
    REQUIRE(file >= 0);
    ::close(file);
    std::ofstream(path_, std::ios::binary) << std::string(bytes, 'a');
  }
  ~scratch_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "muk-rdisk-XXXXXX").string();
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }
std::string read(rdisk::storage& from, std::uint64_t position, std::size_t bytes) {
  std::string into(bytes, '?');
  REQUIRE(from.read(position, std::as_writable_bytes(std::span{into})));
  return into;
}

}  // namespace

TEST_CASE("a file that is opened for writing holds what was written") {
  const scratch_file file(10'000);
  const auto opened = rdisk::file_storage::open(file.path(), rdisk::file_access::read_write);
  REQUIRE(opened);
  rdisk::storage& disk = **opened;
  CHECK(disk.size() == 10'000);
  CHECK(disk.memory().empty());
  REQUIRE(disk.write(5'000, bytes_of("hello")));
  REQUIRE(disk.flush());
  CHECK(read(disk, 4'999, 7) == "ahelloa");
  CHECK(file.content().substr(4'999, 7) == "ahelloa");
}

TEST_CASE("a file that is truncated while it is in use gives an I/O error") {
  const scratch_file file(10'000);
  const auto opened = rdisk::file_storage::open(file.path(), rdisk::file_access::read_write);
  REQUIRE(opened);
  std::filesystem::resize_file(file.path(), 100);
  std::array<std::byte, 10> into{};
  CHECK((*opened)->read(95, into).error() == errc::io_error);
  CHECK((*opened)->read(90, into));
}

TEST_CASE("what is no file with bytes in it is refused") {
  const scratch_file empty(0);
  const auto error_of = [](const std::string& path) {
    return rdisk::file_storage::open(path, rdisk::file_access::read_only).error();
  };
  CHECK(error_of(empty.path()) == errc::bad_file);
  CHECK(error_of(empty.path() + ".not-there") == errc::no_entry);
  CHECK(error_of(empty.path() + "/below") == errc::no_entry);
  CHECK(error_of("/") == errc::bad_file);
  CHECK(error_of("/dev/null") == errc::bad_file);
}

TEST_CASE("changes to a volatile device are read back and never reach the file") {
  const scratch_file file(10'000);
  rdisk::volatile_storage disk(rdisk::file_storage::open(file.path(), rdisk::file_access::read_only).value());
  REQUIRE(disk.write(4'094, bytes_of("hello")));
  REQUIRE(disk.write(9'999, bytes_of("z")));
  REQUIRE(disk.flush());
  CHECK(read(disk, 4'093, 7) == "ahelloa");
  CHECK(read(disk, 9'998, 2) == "az");
  CHECK(file.content() == std::string(10'000, 'a'));
}

TEST_CASE("a volatile device behaves like memory under random reads and writes") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 chance(seed);
  constexpr std::size_t size = 50'001;
  rdisk::memory_storage model(size);
  rdisk::volatile_storage disk(std::make_unique<rdisk::memory_storage>(size));
  for (int i = 0; i < 2'000; ++i) {
    const std::size_t position = chance() % size;
    const std::size_t bytes = std::min<std::size_t>(chance() % 10'000, size - position);
    const std::string text(bytes, static_cast<char>('a' + i % 26));
    if (chance() % 2 == 0) {
      REQUIRE(model.write(position, bytes_of(text)));
      REQUIRE(disk.write(position, bytes_of(text)));
    } else {
      REQUIRE(read(disk, position, bytes) == read(model, position, bytes));
    }
  }
}

TEST_CASE("a device in memory is one piece of memory") {
  rdisk::memory_storage disk(4'096);
  CHECK(disk.size() == 4'096);
  REQUIRE(disk.write(10, bytes_of("x")));
  CHECK(disk.memory().size() == 4'096);
  CHECK(disk.memory()[10] == std::byte{'x'});
}
