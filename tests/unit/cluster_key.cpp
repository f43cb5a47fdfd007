// SPDX-License-Identifier: MIT
/// @file
/// Key files: who may read them, what they contain, and that keys leave no copies.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <dvs/cluster/key.hpp>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <type_traits>

namespace {

using dvs::cluster::key;
using dvs::cluster::make_key_file;
using dvs::cluster::read_key_file;

template <class T>
concept streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!streamable<key>);
static_assert(!std::is_copy_constructible_v<key> && !std::is_copy_assignable_v<key>);
static_assert(std::is_nothrow_move_constructible_v<key> && std::is_nothrow_move_assignable_v<key>);

const std::string digits = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

/// A folder that goes with its content.
class folder {
 public:
  folder() {
    std::string made = (std::filesystem::temp_directory_path() / "dvs-key-XXXXXX").string();
    REQUIRE(::mkdtemp(made.data()) != nullptr);
    path_ = made;
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  /// A file with this content and mode.
  [[nodiscard]] std::string file(const std::string& content, mode_t mode = 0600) const {
    const auto path = *this / "k";
    std::filesystem::remove(path);
    std::ofstream(path) << content;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }

 private:
  std::string path_;
};

std::string said_of(const std::string& path) { return dvs::cluster::text_of(read_key_file(path).complaints()); }

std::array<std::byte, 32> counted() {
  std::array<std::byte, 32> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

}  // namespace

TEST_CASE("64 hex digits, with or without a newline, are a key") {
  const folder here;
  for (const std::string end : {"", "\n"}) {
    const auto read = read_key_file(here.file(digits + end));
    REQUIRE(read.has_value());
    CHECK(std::ranges::equal(read->bytes(), counted()));
  }
  CHECK(read_key_file(here.file(digits, 0400)).has_value());
}

TEST_CASE("anything but 64 hex digits is no key, and the place is named without what stands there") {
  const folder here;
  const auto said = [&](const std::string& content) {
    const auto path = here.file(content);
    const auto text = said_of(path);
    const std::string end = ": is not a key: write exactly 64 hex digits, or make a new key file\n";
    REQUIRE(text.starts_with(path + ":1:"));
    REQUIRE(text.ends_with(end));
    return std::stoi(text.substr(path.size() + 3));
  };
  CHECK(said("") == 1);
  CHECK(said("\n") == 1);
  CHECK(said(digits.substr(1)) == 64);
  CHECK(said(digits.substr(2) + "\n") == 63);
  CHECK(said(digits + "0") == 65);
  CHECK(said(digits + "\n\n") == 65);
  CHECK(said(digits + "\r\n") == 65);
  CHECK(said(" " + digits) == 1);
  CHECK(said("0x" + digits.substr(2)) == 2);
  CHECK(said(digits.substr(0, 40) + "g" + digits.substr(41)) == 41);
  CHECK(said(digits.substr(0, 40) + std::string(1, '\0') + digits.substr(41)) == 41);
  CHECK(said(std::string(100'000, 'a')) == 65);
}

TEST_CASE("a key file that others may read or write is refused, with the command that mends it") {
  const folder here;
  for (const auto& [mode, written] :
       {std::pair<mode_t, std::string>{0640, "0640"}, {0604, "0604"}, {0620, "0620"}, {0601, "0601"}}) {
    const auto path = here.file(digits, mode);
    CHECK(said_of(path) == path + ": has mode " + written + ", so others may use the key: chmod 600 " + path + "\n");
  }
}

TEST_CASE("a key file of somebody else is refused") {
  struct stat file {};
  file.st_mode = S_IFREG | 0644;
  file.st_uid = geteuid() + 1;
  const auto said = dvs::cluster::text_of(dvs::cluster::detail::access_complaints("k", file));
  CHECK(said == "k: belongs to user " + std::to_string(file.st_uid) + ": chown it to root, or to yourself\n" +
                    "k: has mode 0644, so others may use the key: chmod 600 k\n");
  file.st_mode = S_IFREG | 0600;
  file.st_uid = geteuid();
  CHECK(dvs::cluster::detail::access_complaints("k", file).empty());
  file.st_uid = 0;
  CHECK(dvs::cluster::detail::access_complaints("k", file).empty());
}

TEST_CASE("what is no regular file is no key file, and is not waited for") {
  const folder here;
  const auto pipe = here / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(said_of(pipe) == pipe + ": is not a regular file: name the file that holds the key\n");
  CHECK(said_of("/dev/null") == "/dev/null: is not a regular file: name the file that holds the key\n");
  const auto absent = here / "absent";
  CHECK(said_of(absent) == absent +
                               ": the key file cannot be read (No such file or directory): make one, and copy it to "
                               "all nodes\n");
}

TEST_CASE("a new key file has a key of its own, is the owner's alone, and replaces nothing") {
  const folder here;
  const mode_t before = ::umask(0);
  const auto one = make_key_file(here / "one");
  const auto two = make_key_file(here / "two");
  ::umask(before);
  REQUIRE(one.has_value());
  REQUIRE(two.has_value());
  CHECK_FALSE(*one == *two);
  struct stat file {};
  REQUIRE(::stat((here / "one").c_str(), &file) == 0);
  CHECK((file.st_mode & 07777) == 0600);
  CHECK(file.st_size == 65);
  const auto read = read_key_file(here / "one");
  REQUIRE(read.has_value());
  CHECK(*read == *one);

  const auto again = make_key_file(here / "one");
  CHECK(dvs::cluster::text_of(again.complaints()) ==
        (here / "one") + ": the key file cannot be made (File exists): keep it, or move it away first\n");
  CHECK(*read_key_file(here / "one") == *one);
  const auto nowhere = here / "no/folder";
  CHECK(dvs::cluster::text_of(make_key_file(nowhere).complaints()) ==
        nowhere + ": the key file cannot be made (No such file or directory): name a file in a folder of yours\n");
}

TEST_CASE("a key is wiped where it was taken from, and where it is destroyed") {
  const std::array<std::byte, 32> zeros{};
  auto bytes = counted();
  alignas(key) std::array<std::byte, sizeof(key)> storage;
  auto* first = ::new (storage.data()) key(bytes);
  CHECK(bytes == zeros);
  key second(std::move(*first));
  CHECK(std::ranges::equal(second.bytes(), counted()));
  CHECK(std::ranges::equal(first->bytes(), zeros));
  *first = std::move(second);
  CHECK(std::ranges::equal(first->bytes(), counted()));
  first->~key();
  CHECK(std::memcmp(storage.data(), zeros.data(), zeros.size()) == 0);
}
