// SPDX-License-Identifier: MIT
/// @file
/// The key of a cluster, which all its nodes share, and the file that holds it.
#ifndef DVS_CLUSTER_KEY_HPP
#define DVS_CLUSTER_KEY_HPP

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <dvs/cluster/complaint.hpp>
#include <dvs/cluster/detail/text.hpp>
#include <new>
#include <span>
#include <string>
#include <string_view>

namespace dvs::cluster {

/// 32 random bytes. They are wiped when their owner is destroyed or moved from, there is one copy of them unless a
/// program makes more, and nothing prints them.
class key {
 public:
  static constexpr std::size_t size = 32;

  /// Takes over the bytes, and wipes them where they were.
  explicit key(std::span<std::byte, size> bytes) noexcept { take(bytes); }
  /// Takes the bytes of `other`, which has zeros then.
  key(key&& other) noexcept { take(other.bytes_); }
  key& operator=(key&& other) noexcept {
    if (this != &other) take(other.bytes_);
    return *this;
  }
  ~key() { sodium_memzero(bytes_.data(), size); }

  /// The bytes, for the functions that encrypt.
  [[nodiscard]] std::span<const std::byte, size> bytes() const noexcept { return bytes_; }

  /// Takes the same time for all keys.
  friend bool operator==(const key& one, const key& other) noexcept {
    return sodium_memcmp(one.bytes_.data(), other.bytes_.data(), size) == 0;
  }

 private:
  void take(std::span<std::byte, size> from) noexcept {
    std::memcpy(bytes_.data(), from.data(), size);
    sodium_memzero(from.data(), size);
  }

  std::array<std::byte, size> bytes_;
};

namespace detail {

/// The hex digits of a key, and what may follow them; wiped at the end.
struct secret_text {
  std::array<char, 2 * key::size + 2> chars{};  // one more than a file may have, to notice a longer one
  secret_text() = default;
  secret_text(const secret_text&) = delete;
  secret_text& operator=(const secret_text&) = delete;
  ~secret_text() { sodium_memzero(chars.data(), chars.size()); }
};

[[nodiscard]] inline bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A file descriptor, closed at the end.
struct open_file {
  int descriptor;
  explicit open_file(int number) : descriptor(number) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

[[nodiscard]] inline complaint about_file(const std::string& path, std::string problem, std::string remedy) {
  return {.file = printable(path), .problem = std::move(problem), .remedy = std::move(remedy)};
}

/// What is wrong with who may read the file; empty when nothing is.
[[nodiscard]] inline std::vector<complaint> access_complaints(const std::string& path, const struct stat& file) {
  const auto shown = printable(path);
  if (!S_ISREG(file.st_mode)) return {about_file(path, "is not a regular file", "name the file that holds the key")};
  std::vector<complaint> all;
  if (file.st_uid != 0 && file.st_uid != geteuid())
    all.push_back(
        about_file(path, "belongs to user " + std::to_string(file.st_uid), "chown it to root, or to yourself"));
  if ((file.st_mode & 077) != 0) {
    constexpr char digits[] = "01234567";
    const std::string mode = {'0', digits[file.st_mode >> 6 & 7], digits[file.st_mode >> 3 & 7],
                              digits[file.st_mode & 7]};
    all.push_back(about_file(path, "has mode " + mode + ", so others may use the key", "chmod 600 " + shown));
  }
  return all;
}

}  // namespace detail

/// The key in the file at `path`: exactly 64 hex digits and, if it likes, a newline.
///
/// The file has to be a regular one that belongs to root or to the effective user, and that group and others may
/// neither read nor write. Complaints never show what the file contains.
[[nodiscard]] inline checked<key> read_key_file(const std::string& path) {
  constexpr std::size_t digits = 2 * key::size;
  // Without O_NONBLOCK a pipe without a writer would keep us here.
  const detail::open_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about {};
  if (file.descriptor < 0 || ::fstat(file.descriptor, &about) != 0) {
    const bool absent = errno == ENOENT;
    return detail::about_file(path, std::string("the key file cannot be read (") + std::strerror(errno) + ")",
                              absent ? "make one, and copy it to all nodes" : "run as its owner or as root");
  }
  if (auto wrong = detail::access_complaints(path, about); !wrong.empty()) return wrong;

  detail::secret_text text;
  std::size_t length = 0;
  while (length < text.chars.size()) {
    const auto got = ::read(file.descriptor, text.chars.data() + length, text.chars.size() - length);
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length == digits + 1 && text.chars[digits] == '\n') --length;

  const auto* const end = std::find_if_not(text.chars.begin(), text.chars.begin() + length, detail::is_hex_digit);
  const auto right = std::min(static_cast<std::size_t>(end - text.chars.begin()), digits);
  if (right != digits || length != digits) {
    auto wrong = detail::about_file(path, "is not a key", "write exactly 64 hex digits, or make a new key file");
    wrong.line = 1;
    wrong.column = static_cast<std::uint32_t>(right) + 1;
    return wrong;
  }
  std::array<std::byte, key::size> bytes;
  sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.chars.data(), digits, nullptr,
                 nullptr, nullptr);
  return key(bytes);
}

/// Makes a file with a new key at `path`, readable and writable by the effective user only, and gives that key.
/// Never replaces a file: one that is there is complained of, and stays as it is.
[[nodiscard]] inline checked<key> make_key_file(const std::string& path) {
  const auto cannot = [&](std::string_view what) {
    return detail::about_file(path, std::string(what) + " (" + std::strerror(errno) + ")",
                              errno == EEXIST ? "keep it, or move it away first" : "name a file in a folder of yours");
  };
  if (sodium_init() < 0) throw std::bad_alloc();
  const detail::open_file file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.descriptor < 0) return cannot("the key file cannot be made");

  std::array<std::byte, key::size> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  detail::secret_text text;
  sodium_bin2hex(text.chars.data(), 2 * key::size + 1, reinterpret_cast<const unsigned char*>(bytes.data()), key::size);
  key made(bytes);
  text.chars[2 * key::size] = '\n';
  const auto length = static_cast<ssize_t>(2 * key::size + 1);
  if (::fchmod(file.descriptor, 0600) != 0 ||
      ::write(file.descriptor, text.chars.data(), 2 * key::size + 1) != length || ::fsync(file.descriptor) != 0) {
    auto wrong = cannot("the key file cannot be written");
    ::unlink(path.c_str());
    return wrong;
  }
  return made;
}

}  // namespace dvs::cluster

#endif
