// SPDX-License-Identifier: MIT
/// @file
/// What can be asked of FS, the file server. The opcodes are MINIX's call numbers.
#ifndef MUK_FS_PROTOCOL_HPP
#define MUK_FS_PROTOCOL_HPP

#include <cstdint>
#include <dvs/protocol.hpp>
#include <muk/fs/types.hpp>
#include <string_view>

namespace muk::fs {

/// The well-known endpoint of FS.
inline constexpr dvs::endpoint_id where{1};

/// How many bytes one request may move.
inline constexpr std::uint32_t bytes_max = 1 << 20;
/// How long a path may be, in bytes.
inline constexpr std::uint32_t path_max = 4096;
/// How many files one process may have open.
inline constexpr std::uint32_t files_max = 1024;

/// An offset that stands for the position of the open file, which then moves on.
inline constexpr std::uint64_t at_position = ~std::uint64_t{0};

// Errors of all requests with a path: `no_entry`, `not_directory`, `access_denied`, `name_too_long`, `loop`,
// `not_granted`, `io_error`; of all that change something: `read_only`, `no_space`, `io_error`; of all with a file:
// `bad_descriptor`, also when it is not open for this kind of access.

/// Opens a file; the reply says at once what `fstat` would. A directory can be opened for reading its names.
/// Errors: also `exists`, `is_directory` (for writing), `not_supported` (devices), `table_full` (`files_max`).
struct open {
  static constexpr std::uint32_t opcode = 5;
  fs::path path;
  open_flags flags;
  std::uint32_t mode;  ///< permissions of a file that is made
  struct reply {
    file_info info;
    std::uint32_t file;  ///< what the other requests call it; valid for this caller only
    std::uint32_t zero;
  };
};
/// `open` for writing, with `create` and `truncate`.
struct creat {
  static constexpr std::uint32_t opcode = 8;
  fs::path path;
  std::uint32_t mode;
  std::uint32_t zero;
  using reply = open::reply;
};
/// Closes a file. What a process leaves open is closed when it dies.
struct close {
  static constexpr std::uint32_t opcode = 6;
  std::uint32_t file;
  struct reply {};
};

/// Reads at most `length` bytes from `offset` (or `at_position`) into the caller's memory; fewer at the end of the
/// file. Errors: also `too_big` (`bytes_max`), `is_directory`.
struct read {
  static constexpr std::uint32_t opcode = 3;
  std::uint32_t file;
  std::uint32_t length;
  std::uint64_t offset;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes read
  };
};
/// Writes `length` bytes at `offset` (or `at_position`, or always at the end with `open_flags::append`); fewer when
/// the device is full. Errors: also `too_big` (`bytes_max`), `file_too_big`.
struct write {
  static constexpr std::uint32_t opcode = 4;
  std::uint32_t file;
  std::uint32_t length;
  std::uint64_t offset;
  dvs::grant_ref<dvs::readable> from;
  struct reply {
    std::uint32_t length;  ///< bytes written
  };
};

/// From where `lseek` counts.
enum class whence : std::uint32_t { start = 0, current = 1, end = 2 };
/// The name of a point; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(whence value) {
  switch (value) {
    case whence::start:
      return "start";
    case whence::current:
      return "current";
    case whence::end:
      return "end";
  }
  return {};
}
/// Moves the position of an open file. Errors: also `bad_argument` (before the start, or past 2^62).
struct lseek {
  static constexpr std::uint32_t opcode = 19;
  std::uint32_t file;
  fs::whence whence;
  std::int64_t offset;
  struct reply {
    std::uint64_t position;
  };
};

/// What the path leads to, through symbolic links.
struct stat {
  static constexpr std::uint32_t opcode = 18;
  fs::path path;
  using reply = file_info;
};
/// What the path names: a symbolic link at its end is not followed.
struct lstat {
  static constexpr std::uint32_t opcode = 50;
  fs::path path;
  using reply = file_info;
};
/// What is open.
struct fstat {
  static constexpr std::uint32_t opcode = 28;
  std::uint32_t file;
  using reply = file_info;
};
/// Whether the caller may read (4), write (2), execute (1) the file, or-ed; 0 asks whether it is there.
struct access {
  static constexpr std::uint32_t opcode = 33;
  fs::path path;
  std::uint32_t wanted;
  std::uint32_t zero;
  struct reply {};
};

/// Gives a file another name. Errors: also `exists`, `too_many_links`, `is_directory`.
struct link {
  static constexpr std::uint32_t opcode = 9;
  fs::path file;
  fs::path name;
  struct reply {};
};
/// Takes a name away. Errors: also `is_directory`.
struct unlink {
  static constexpr std::uint32_t opcode = 10;
  fs::path path;
  struct reply {};
};
/// Moves a name, and replaces what has the new one, as in POSIX. Errors: also `is_directory`, `not_empty`, `busy` (the
/// root), `too_many_links`, `bad_argument` (a directory into itself).
struct rename {
  static constexpr std::uint32_t opcode = 38;
  fs::path from;
  fs::path to;
  struct reply {};
};
/// Errors: also `exists`, `too_many_links`.
struct mkdir {
  static constexpr std::uint32_t opcode = 39;
  fs::path path;
  std::uint32_t mode;
  std::uint32_t zero;
  struct reply {};
};
/// Errors: also `not_empty`, `busy` (the root).
struct rmdir {
  static constexpr std::uint32_t opcode = 40;
  fs::path path;
  struct reply {};
};
/// Makes a symbolic link to `target`, which need not exist. Errors: also `exists`.
struct symlink {
  static constexpr std::uint32_t opcode = 45;
  fs::path target;
  fs::path path;
  struct reply {};
};
/// Reads where a symbolic link points to. Errors: also `bad_argument` (no symbolic link), `range` (it is longer than
/// `length`).
struct readlink {
  static constexpr std::uint32_t opcode = 49;
  fs::path path;
  dvs::grant_ref<dvs::writable> into;
  std::uint32_t length;
  std::uint32_t zero;
  struct reply {
    std::uint32_t length;
  };
};

/// Changes the permissions. Errors: also `access_denied` (neither owner nor user 0).
struct chmod {
  static constexpr std::uint32_t opcode = 15;
  fs::path path;
  std::uint32_t mode;
  std::uint32_t zero;
  struct reply {};
};
/// Changes owner and group. Errors: also `access_denied`, `bad_argument` (more than 16 bits; in V1 8 of a group).
struct chown {
  static constexpr std::uint32_t opcode = 16;
  fs::path path;
  std::uint32_t uid;
  std::uint32_t gid;
  struct reply {};
};
/// Sets the times of last access and change, or both to now.
struct utime {
  static constexpr std::uint32_t opcode = 30;
  fs::path path;
  std::uint32_t atime;
  std::uint32_t mtime;
  std::uint32_t now;  ///< 1: now, whatever the two say
  std::uint32_t zero;
  struct reply {};
};

/// Makes a regular file `size` bytes long. Errors: also `file_too_big`, `is_directory`, `bad_argument`.
struct truncate {
  static constexpr std::uint32_t opcode = 93;
  fs::path path;
  std::uint64_t size;
  struct reply {};
};
/// The same for an open file.
struct ftruncate {
  static constexpr std::uint32_t opcode = 94;
  std::uint32_t file;
  std::uint32_t zero;
  std::uint64_t size;
  struct reply {};
};

/// Copies a `name_row` for each name of an open directory, dot and dot-dot included, as many as `length` bytes hold.
/// The first request has position 0, later ones the `next` of the one before; a reply with length 0 is the last.
/// Errors: also `not_directory`, `too_big` (`bytes_max`).
struct getdents {
  static constexpr std::uint32_t opcode = 102;
  std::uint32_t file;
  std::uint32_t length;
  std::uint64_t position;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint64_t next;
    std::uint32_t length;
    std::uint32_t zero;
  };
};

/// Writes everything that changed to the device and flushes that. Errors: `io_error`, also for earlier writes.
struct sync {
  static constexpr std::uint32_t opcode = 36;
  struct reply {};
};
/// The same, asked for one file.
struct fsync {
  static constexpr std::uint32_t opcode = 87;
  std::uint32_t file;
  struct reply {};
};

/// How full the file system is.
struct statfs {
  static constexpr std::uint32_t opcode = 82;
  struct reply {
    std::uint32_t version;  ///< 1, 2 or 3
    std::uint32_t block_size;
    std::uint32_t blocks;
    std::uint32_t blocks_free;
    std::uint32_t inodes;
    std::uint32_t inodes_free;
    std::uint32_t name_length;
  };
};

/// Says who `who` is, for the permissions of files. Only system processes may: PM does. Until then a system process is
/// user 0, and a user process what the settings of FS say. Errors: `no_privilege`, `bad_argument` (above 65,535).
struct setuid {
  static constexpr std::uint32_t opcode = 23;
  dvs::endpoint_id who;
  std::uint32_t uid;
  std::uint32_t gid;
  struct reply {};
};

/// What `getsysinfo` tells of.
enum class table : std::uint32_t {
  volume = 0,  ///< one `volume_row`
  files = 1,   ///< a `file_row` for each open file
};
/// The name of a table; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(table value) {
  switch (value) {
    case table::volume:
      return "volume";
    case table::files:
      return "files";
  }
  return {};
}
/// Copies the rows of a table, as many as `length` bytes hold. Errors: `not_granted`, `bad_argument`.
struct getsysinfo {
  static constexpr std::uint32_t opcode = 79;
  table what;
  std::uint32_t length;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes copied
    std::uint32_t total;   ///< bytes of all rows
  };
};

/// The service.
using protocol = dvs::protocol<read, write, open, close, creat, link, unlink, chmod, chown, stat, lseek, setuid, fstat,
                               utime, access, sync, rename, mkdir, rmdir, symlink, readlink, lstat, getsysinfo, statfs,
                               fsync, truncate, ftruncate, getdents>;

}  // namespace muk::fs

BOOST_HANA_ADAPT_STRUCT(muk::fs::open, path, flags, mode);
BOOST_HANA_ADAPT_STRUCT(muk::fs::open::reply, info, file, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::creat, path, mode, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::close, file);
BOOST_HANA_ADAPT_STRUCT(muk::fs::read, file, length, offset, into);
BOOST_HANA_ADAPT_STRUCT(muk::fs::read::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::fs::write, file, length, offset, from);
BOOST_HANA_ADAPT_STRUCT(muk::fs::write::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::fs::lseek, file, whence, offset);
BOOST_HANA_ADAPT_STRUCT(muk::fs::lseek::reply, position);
BOOST_HANA_ADAPT_STRUCT(muk::fs::stat, path);
BOOST_HANA_ADAPT_STRUCT(muk::fs::lstat, path);
BOOST_HANA_ADAPT_STRUCT(muk::fs::fstat, file);
BOOST_HANA_ADAPT_STRUCT(muk::fs::access, path, wanted, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::link, file, name);
BOOST_HANA_ADAPT_STRUCT(muk::fs::unlink, path);
BOOST_HANA_ADAPT_STRUCT(muk::fs::rename, from, to);
BOOST_HANA_ADAPT_STRUCT(muk::fs::mkdir, path, mode, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::rmdir, path);
BOOST_HANA_ADAPT_STRUCT(muk::fs::symlink, target, path);
BOOST_HANA_ADAPT_STRUCT(muk::fs::readlink, path, into, length, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::readlink::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::fs::chmod, path, mode, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::chown, path, uid, gid);
BOOST_HANA_ADAPT_STRUCT(muk::fs::utime, path, atime, mtime, now, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::truncate, path, size);
BOOST_HANA_ADAPT_STRUCT(muk::fs::ftruncate, file, zero, size);
BOOST_HANA_ADAPT_STRUCT(muk::fs::getdents, file, length, position, into);
BOOST_HANA_ADAPT_STRUCT(muk::fs::getdents::reply, next, length, zero);
BOOST_HANA_ADAPT_STRUCT(muk::fs::fsync, file);
BOOST_HANA_ADAPT_STRUCT(muk::fs::statfs::reply, version, block_size, blocks, blocks_free, inodes, inodes_free,
                        name_length);
BOOST_HANA_ADAPT_STRUCT(muk::fs::setuid, who, uid, gid);
BOOST_HANA_ADAPT_STRUCT(muk::fs::getsysinfo, what, length, into);
BOOST_HANA_ADAPT_STRUCT(muk::fs::getsysinfo::reply, length, total);
static_assert(dvs::is_described<muk::fs::protocol>());

#endif
