// SPDX-License-Identifier: MIT
/// @file
/// Copies a tree of the host into FS, as a client of FS.
#ifndef MUK_MKIMAGE_COPY_TREE_HPP
#define MUK_MKIMAGE_COPY_TREE_HPP

#include <fcntl.h>

#include <muk/fs/client.hpp>
#include <muk/mkimage/host_tree.hpp>
#include <span>

namespace muk::mkimage {

/// Copies what `list_tree` found in `top` into an empty file system. Modes, dates and the targets of symbolic links are
/// kept; everything belongs to user 0. Throws `failure` with the host's path.
template <dvs::backend Backend>
class tree_copier {
 public:
  tree_copier(dvs::endpoint<Backend>& self, std::string top) : files_(self), top_(std::move(top)) {}

  void copy(const std::vector<host_entry>& tree) {
    for (const host_entry& each : tree) {
      if (each.kind == host_kind::directory && each.path != "/") check(each, files_.mkdir(each.path, 0700));
      if (each.kind == host_kind::symlink) check(each, files_.symlink(each.target, each.path));
      if (each.kind == host_kind::file) copy_file(each);
    }
    // Names that are made in a directory change its date, so directories get theirs last.
    for (const host_entry& each : tree) {
      if (each.kind == host_kind::symlink) continue;  // the functions follow it, as in POSIX
      check(each, files_.chmod(each.path, each.mode));
      check(each, files_.utime(each.path, each.mtime, each.mtime));
    }
    if (const auto written = files_.sync(); !written) throw failure(top_, dvs::sentence_of(written.error()));
  }

 private:
  /// A file of the host, open for reading.
  class host_file {
   public:
    explicit host_file(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
      if (file_ < 0) throw failure(path_, detail::reason());
    }
    host_file(const host_file&) = delete;
    host_file& operator=(const host_file&) = delete;
    ~host_file() { ::close(file_); }
    std::size_t read(std::span<std::byte> into) {
      for (;;) {
        const auto got = ::read(file_, into.data(), into.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) throw failure(path_, detail::reason());
      }
    }

   private:
    const std::string& path_;
    int file_;
  };

  template <class Value>
  void check(const host_entry& each, const dvs::result<Value>& outcome) const {
    if (!outcome) throw failure(top_ + each.path, dvs::sentence_of(outcome.error()));
  }
  void copy_file(const host_entry& each) {
    const std::string path = top_ + each.path;
    host_file from(path);
    const auto into = files_.open(each.path, fs::open_flags::write | fs::open_flags::create, 0600);
    check(each, into);
    std::uint64_t offset = 0;
    while (const std::size_t bytes = from.read(buffer_)) {
      const auto wrote = files_.write(into->file, offset, std::span{buffer_}.first(bytes));
      check(each, wrote);
      if (*wrote != bytes) throw failure(path, dvs::sentence_of(dvs::errc::no_space));
      offset += bytes;
    }
    check(each, files_.close(into->file));
    if (offset != each.bytes) throw failure(path, "it changed while it was copied");
  }

  fs::client<Backend> files_;
  std::string top_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(fs::bytes_max);
};

}  // namespace muk::mkimage

#endif
