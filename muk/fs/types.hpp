// SPDX-License-Identifier: MIT
/// @file
/// The structures inside the requests and tables of FS.
#ifndef MUK_FS_TYPES_HPP
#define MUK_FS_TYPES_HPP

#include <array>
#include <cstdint>
#include <dvs/describe.hpp>
#include <dvs/grant.hpp>
#include <string_view>

namespace muk::fs {

/// A path in the caller's memory, which the caller granted to FS; it begins at the root. The caller must grant its own
/// memory, here and in all other requests: otherwise `not_granted`.
struct path {
  dvs::grant_ref<dvs::readable> memory;
  std::uint32_t length;
  std::uint32_t zero;  ///< 0; keeps what follows aligned
};

/// What a file is opened for; the bits may be or-ed.
enum class open_flags : std::uint32_t {
  read = 1,
  write = 2,
  read_write = 3,
  create = 4,     ///< make it if there is none
  exclusive = 8,  ///< with `create`: fail if there is one
  truncate = 16,  ///< empty it; needs `write`
  append = 32,    ///< every write goes to the end
};
[[nodiscard]] constexpr open_flags operator|(open_flags a, open_flags b) {
  return static_cast<open_flags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(open_flags all, open_flags one) {
  return (static_cast<std::uint32_t>(all) & static_cast<std::uint32_t>(one)) != 0;
}

/// What is known about a file.
struct file_info {
  std::uint64_t size;  ///< in bytes
  std::uint32_t inode;
  std::uint32_t mode;  ///< kind and permissions, as in POSIX
  std::uint32_t links;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t atime;  ///< seconds since 1970, as are the others
  std::uint32_t mtime;
  std::uint32_t ctime;

  /// Whether it is a directory.
  [[nodiscard]] constexpr bool is_directory() const { return (mode & 0170000) == 0040000; }
  /// Whether it is a regular file.
  [[nodiscard]] constexpr bool is_regular() const { return (mode & 0170000) == 0100000; }
  /// Whether it is a symbolic link.
  [[nodiscard]] constexpr bool is_symlink() const { return (mode & 0170000) == 0120000; }
};

/// One name of a directory, as `getdents` gives it.
struct name_row {
  std::uint32_t inode;
  std::uint32_t mode;  ///< of the file, as in `file_info`; 0 when its inode cannot be read
  std::array<char, 64> name;

  /// The name as text.
  [[nodiscard]] constexpr std::string_view text() const {
    const std::string_view all{name.data(), name.size()};
    return all.substr(0, all.find('\0'));
  }
};
/// The mounted file system.
struct volume_row {
  std::uint32_t version;
  std::uint32_t block_size;
  std::uint32_t blocks;
  std::uint32_t blocks_free;
  std::uint32_t inodes;
  std::uint32_t inodes_free;
  std::uint32_t inodes_in_use;  ///< in memory
  std::uint32_t workers;        ///< fibers that wait for work, the disk or each other
  std::uint64_t requests;       ///< served since FS started
  std::uint64_t cache_bytes;    ///< memory of the cache
  std::uint64_t device_reads;   ///< requests to the driver
  std::uint64_t device_writes;
  std::uint64_t faults;       ///< blocks that could not be read, written or true
  std::uint64_t fault_block;  ///< the last of them
};
/// One open file.
struct file_row {
  dvs::endpoint_id owner;
  std::uint32_t file;
  std::uint32_t inode;
  open_flags flags;
  std::uint64_t size;
  std::uint64_t position;
};
static_assert(std::has_unique_object_representations_v<name_row>);
static_assert(std::has_unique_object_representations_v<volume_row>);
static_assert(std::has_unique_object_representations_v<file_row>);

}  // namespace muk::fs

BOOST_HANA_ADAPT_STRUCT(muk::fs::path, memory, length, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::file_info, size, inode, mode, links, uid, gid, atime, mtime, ctime);
BOOST_HANA_ADAPT_STRUCT(muk::fs::name_row, inode, mode, name);
BOOST_HANA_ADAPT_STRUCT(muk::fs::volume_row, version, block_size, blocks, blocks_free, inodes, inodes_free,
                        inodes_in_use, workers, requests, cache_bytes, device_reads, device_writes, faults,
                        fault_block);
BOOST_HANA_ADAPT_STRUCT(muk::fs::file_row, owner, file, inode, flags, size, position);

#endif
