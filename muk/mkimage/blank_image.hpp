// SPDX-License-Identifier: MIT
/// @file
/// An empty file system of the right size in a new file of the host.
#ifndef MUK_MKIMAGE_BLANK_IMAGE_HPP
#define MUK_MKIMAGE_BLANK_IMAGE_HPP

#include <fcntl.h>

#include <muk/fs/minixfs/format.hpp>
#include <muk/mkimage/host_tree.hpp>
#include <muk/rdisk/file_storage.hpp>

namespace muk::mkimage {

/// What the image is to be like.
struct options {
  std::uint64_t bytes = 0;    ///< 0: what the files need, and a little more
  std::uint32_t version = 3;  ///< of the MINIX file system: 1, 2 or 3
};

/// A new file, removed again unless it is kept: whoever looks never sees half an image.
class image_file {
 public:
  /// Makes a file beside `path` that gets this name when it is kept. Throws `failure`.
  explicit image_file(std::string path) : path_(std::move(path)), unfinished_(path_ + ".unfinished") {
    file_ = ::open(unfinished_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file_ < 0) throw failure(unfinished_, detail::reason());
  }
  image_file(const image_file&) = delete;
  image_file& operator=(const image_file&) = delete;
  ~image_file() {
    ::close(file_);
    if (!kept_) ::unlink(unfinished_.c_str());
  }
  /// Sets its size; it is all zeros. Throws `failure`.
  void resize(std::uint64_t bytes) {
    if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0) throw failure(unfinished_, detail::reason());
  }
  /// Gives it its name. Throws `failure`.
  void keep() {
    if (::rename(unfinished_.c_str(), path_.c_str()) != 0) throw failure(path_, detail::reason());
    kept_ = true;
  }
  /// Where it is now.
  [[nodiscard]] const std::string& name() const { return unfinished_; }
  /// Where it will be.
  [[nodiscard]] const std::string& final_name() const { return path_; }

 private:
  std::string path_;
  std::string unfinished_;
  int file_ = -1;
  bool kept_ = false;
};

/// Makes `file` an empty file system that has room for `tree`. Throws `failure`.
inline void make_blank(image_file& file, const std::vector<host_entry>& tree, const options& wanted) {
  minixfs::format_options shape;
  shape.format = static_cast<minixfs::version>(wanted.version);
  minixfs::tree_size needed(shape);
  for (const host_entry& each : tree) {
    if (each.kind == host_kind::file) needed.add_file(each.bytes);
    if (each.kind == host_kind::directory) needed.add_directory(each.names);
    if (each.kind == host_kind::symlink) needed.add_symlink();
  }
  const auto refuse = [&](dvs::errc why) { throw failure(file.final_name(), dvs::sentence_of(why)); };
  constexpr std::uint64_t blocks_spare = 256, inodes_spare = 64;
  shape.inodes = static_cast<std::uint32_t>(std::min<std::uint64_t>(needed.inodes() + inodes_spare, UINT32_MAX));
  std::uint64_t bytes = wanted.bytes / shape.block_size * shape.block_size;
  if (bytes == 0) {
    const auto least = needed.device_bytes(blocks_spare, inodes_spare);
    if (!least) refuse(least.error());
    bytes = *least;
  } else {
    shape.inodes = 0;  // there is more room than we know of, so as many as usual
  }
  file.resize(bytes);
  auto device = rdisk::file_storage::open(file.name(), rdisk::file_access::read_write);
  if (!device) refuse(device.error());
  auto made = minixfs::format(**device, shape);
  if (made && made->inodes < needed.inodes()) refuse(dvs::errc::no_space);
  if (!made) refuse(made.error());
}

}  // namespace muk::mkimage

#endif
