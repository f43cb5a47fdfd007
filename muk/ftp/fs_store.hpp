// SPDX-License-Identifier: MIT
/// @file
/// The files of FS as a store.
#ifndef MUK_FTP_FS_STORE_HPP
#define MUK_FTP_FS_STORE_HPP

#include <muk/fs/client.hpp>
#include <muk/ftp/store.hpp>
#include <muk/give_table.hpp>
#include <utility>

namespace muk::ftp {

/// The image that FS serves, as one process sees it. What that process may do is for FS to say.
template <dvs::backend Backend>
class fs_store {
 public:
  fs_store(dvs::endpoint<Backend>& own, dvs::endpoint_id file_server) : files_(own, file_server) {}
  fs_store(const fs_store&) = delete;
  fs_store& operator=(const fs_store&) = delete;

  /// A file that is open in FS. The store outlives it.
  class file {
   public:
    file(fs::client<Backend>& files, const fs::open::reply& opened) : files_(&files), number_(opened.file) {}
    file(file&& other) noexcept : files_(std::exchange(other.files_, nullptr)), number_(other.number_) {}
    file& operator=(file&& other) noexcept {
      std::swap(files_, other.files_);
      std::swap(number_, other.number_);
      return *this;
    }
    ~file() {
      if (files_ != nullptr) static_cast<void>(files_->close(number_));
    }

    dvs::result<file_status> status() { return status_of(files_->fstat(number_)); }
    dvs::result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) {
      return files_->read(number_, offset, into);
    }
    dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
      const auto written = files_->write(number_, offset, from);
      if (!written) return written.error();
      return *written == from.size() ? dvs::errc::ok : dvs::errc::no_space;
    }
    dvs::result<void> truncate(std::uint64_t size) { return files_->ftruncate(number_, size); }
    dvs::result<void> flush() { return files_->fsync(number_); }

   private:
    fs::client<Backend>* files_;
    std::uint32_t number_;
  };

  dvs::result<file_status> stat(std::string_view path) { return status_of(files_.lstat(path)); }
  dvs::result<file> open_to_read(std::string_view path) {
    const auto opened = files_.open(path);
    if (!opened) return opened.error();
    file made(files_, *opened);
    if (opened->info.is_directory()) return dvs::errc::is_directory;
    if (!opened->info.is_regular()) return dvs::errc::not_supported;
    return made;
  }
  dvs::result<file> open_to_write(std::string_view path, std::uint32_t permissions) {
    using fs::open_flags;
    const auto there = files_.lstat(path);
    if (!there && there.error() != dvs::errc::no_entry) return there.error();
    if (there && !there->is_regular()) return dvs::errc::access_denied;
    const auto made_new = there ? open_flags{} : open_flags::create | open_flags::exclusive;
    const auto opened = files_.open(path, open_flags::read_write | made_new, permissions);
    // FS follows links when it opens: what it opened must be what was seen.
    if (opened.error() == dvs::errc::exists) return dvs::errc::busy;
    if (!opened) return opened.error();
    file made(files_, *opened);
    if (there && there->inode != opened->info.inode) return dvs::errc::busy;
    return made;
  }
  dvs::result<void> rename(std::string_view from, std::string_view to) { return files_.rename(from, to); }
  dvs::result<void> remove(std::string_view path) { return files_.unlink(path); }

 private:
  static dvs::result<file_status> status_of(const dvs::result<fs::file_info>& info) {
    if (!info) return info.error();
    const file_kind kind = info->is_regular()     ? file_kind::regular
                           : info->is_directory() ? file_kind::directory
                                                  : file_kind::other;
    return file_status{kind, info->mode & 07777, info->size, {0, info->inode}};
  }

  fs::client<Backend> files_;
};

/// Gives each transfer the files of FS. A transfer for a system process may do what user 0 may; one for a user process
/// what FS lets users do that nobody vouched for.
class fs_stores {
 public:
  explicit fs_stores(dvs::endpoint_id file_server = fs::where) : file_server_(file_server) {}

  /// `self` is a system process: FS believes only those.
  template <dvs::backend Backend>
  dvs::result<void> admit(dvs::endpoint<Backend>& self, dvs::endpoint_id worker, dvs::endpoint_id client) {
    if (!is_system(client)) return {};
    return fs::client<Backend>(self, file_server_).setuid(worker, 0, 0);
  }
  template <dvs::backend Backend>
  fs_store<Backend> store_of(dvs::endpoint<Backend>& own) {
    return fs_store<Backend>(own, file_server_);
  }

 private:
  dvs::endpoint_id file_server_;
};

}  // namespace muk::ftp

#endif
