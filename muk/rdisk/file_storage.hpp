// SPDX-License-Identifier: MIT
/// @file
/// Devices that are files of the host, and devices whose changes stay in memory.
#ifndef MUK_RDISK_FILE_STORAGE_HPP
#define MUK_RDISK_FILE_STORAGE_HPP

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <muk/rdisk/storage.hpp>
#include <string>
#include <unordered_map>

namespace muk::rdisk {

/// What a file is opened for.
enum class file_access { read_only, read_write };

/// A device that is a file. The file keeps its size.
///
/// It is read with pread, not mapped: a file that is truncated while it is in use then gives `io_error`, not a signal.
class file_storage final : public storage {
 public:
  /// Opens the file at `path`.
  /// Errors: `no_entry`, `access_denied`, `bad_file` (no regular file, or empty), `io_error`.
  [[nodiscard]] static dvs::result<std::unique_ptr<storage>> open(const std::string& path, file_access access) {
    const int file = ::open(path.c_str(), (access == file_access::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (file < 0) {
      if (errno == ENOENT || errno == ENOTDIR) return dvs::errc::no_entry;
      return errno == EISDIR                     ? dvs::errc::bad_file
             : errno == EACCES || errno == EROFS ? dvs::errc::access_denied
                                                 : dvs::errc::io_error;
    }
    struct stat about {};
    if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0) {
      ::close(file);
      return dvs::errc::bad_file;
    }
    return std::unique_ptr<storage>(new file_storage(file, static_cast<std::uint64_t>(about.st_size)));
  }
  ~file_storage() override { ::close(file_); }

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  dvs::result<void> read(std::uint64_t position, std::span<std::byte> into) override {
    while (!into.empty()) {
      const auto got = ::pread(file_, into.data(), into.size(), static_cast<off_t>(position));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return dvs::errc::io_error;
      into = into.subspan(static_cast<std::size_t>(got));
      position += static_cast<std::uint64_t>(got);
    }
    return {};
  }
  dvs::result<void> write(std::uint64_t position, std::span<const std::byte> from) override {
    while (!from.empty()) {
      const auto put = ::pwrite(file_, from.data(), from.size(), static_cast<off_t>(position));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && (errno == ENOSPC || errno == EDQUOT)) return dvs::errc::no_space;
      if (put <= 0) return dvs::errc::io_error;
      from = from.subspan(static_cast<std::size_t>(put));
      position += static_cast<std::uint64_t>(put);
      written_ = true;
    }
    return {};
  }
  dvs::result<void> flush() override {
    if (written_ && ::fdatasync(file_) != 0) return dvs::errc::io_error;
    written_ = false;
    return {};
  }

 private:
  file_storage(int file, std::uint64_t size) : file_(file), size_(size) {}

  int file_;
  std::uint64_t size_;
  bool written_ = false;
};

/// A device that begins as another and keeps its changes in memory, in blocks of 4 KB: `volatile YES`.
class volatile_storage final : public storage {
 public:
  explicit volatile_storage(std::unique_ptr<storage> below) : below_(std::move(below)) {}

  [[nodiscard]] std::uint64_t size() const override { return below_->size(); }
  dvs::result<void> read(std::uint64_t position, std::span<std::byte> into) override {
    while (!into.empty()) {
      const std::size_t bytes = piece(position, into.size());
      const auto changed = changed_.find(position / block_bytes);
      if (changed != changed_.end())
        std::copy_n(changed->second->data() + position % block_bytes, bytes, into.data());
      else if (const auto got = below_->read(position, into.first(bytes)); !got)
        return got;
      into = into.subspan(bytes);
      position += bytes;
    }
    return {};
  }
  dvs::result<void> write(std::uint64_t position, std::span<const std::byte> from) override {
    while (!from.empty()) {
      const std::size_t bytes = piece(position, from.size());
      auto& kept = changed_[position / block_bytes];
      if (!kept) {
        auto fresh = std::make_unique<block>();
        const std::uint64_t start = position / block_bytes * block_bytes;
        const auto whole = std::span{*fresh}.first(std::min<std::uint64_t>(block_bytes, size() - start));
        if (const auto got = below_->read(start, whole); !got) {
          changed_.erase(position / block_bytes);
          return got;
        }
        kept = std::move(fresh);
      }
      std::copy_n(from.data(), bytes, kept->data() + position % block_bytes);
      from = from.subspan(bytes);
      position += bytes;
    }
    return {};
  }
  dvs::result<void> flush() override { return {}; }

 private:
  static constexpr std::size_t block_bytes = 4096;
  using block = std::array<std::byte, block_bytes>;

  /// How many of `bytes` at `position` lie in one block.
  static std::size_t piece(std::uint64_t position, std::size_t bytes) {
    return std::min<std::size_t>(bytes, block_bytes - position % block_bytes);
  }

  std::unique_ptr<storage> below_;
  std::unordered_map<std::uint64_t, std::unique_ptr<block>> changed_;
};

}  // namespace muk::rdisk

#endif
