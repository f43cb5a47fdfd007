// SPDX-License-Identifier: MIT
/// @file
/// A mounted MINIX V1, V2 or V3 file system: what POSIX asks of one, for many fibers at once.
#ifndef MUK_FS_MINIXFS_FILE_SYSTEM_HPP
#define MUK_FS_MINIXFS_FILE_SYSTEM_HPP

#include <cstdint>
#include <muk/fs/minixfs/directory.hpp>
#include <muk/fs/minixfs/inode_table.hpp>
#include <muk/fs/minixfs/storage.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace muk::minixfs {

/// Who asks: user 0 may do everything.
struct credentials {
  std::uint16_t uid = 0;
  std::uint16_t gid = 0;
};

/// What `open` shall do.
struct open_how {
  bool read = true;
  bool write = false;
  bool create = false;        ///< Make a regular file if the name is free.
  bool exclusive = false;     ///< With `create`: fail with `exists` if it is not.
  bool truncate = false;      ///< Empty the file; needs `write`.
  std::uint16_t mode = 0644;  ///< Permissions of a file that is made.
};

/// What `stat` tells. Sizes in bytes, times in seconds since 1970.
struct file_status {
  std::uint32_t inode;
  std::uint16_t mode;  ///< Kind and permissions, as in POSIX.
  std::uint16_t links;
  std::uint16_t uid;
  std::uint16_t gid;
  std::uint32_t size;
  std::uint32_t atime, mtime, ctime;
};

/// What `statfs` tells.
struct volume_status {
  version format;
  std::uint32_t block_size;
  std::uint32_t blocks, blocks_free;  ///< Of the data zones.
  std::uint32_t inodes, inodes_free;
  std::uint32_t name_length;
};

/// What happened inside since the mount.
struct volume_statistics {
  std::uint64_t cache_bytes;                  ///< memory of the cache
  std::uint64_t device_reads, device_writes;  ///< requests for blocks
  std::uint64_t faults;                       ///< see `last_fault`
  std::uint32_t inodes_in_use;
};

/// How a file system is mounted.
struct mount_options {
  std::size_t cache_bytes = std::size_t{16} << 20;
  bool read_only = false;
};

/// Permissions to ask for; may be combined with `|`.
enum class permission : std::uint8_t { exists = 0, execute = 1, write = 2, read = 4 };
[[nodiscard]] constexpr permission operator|(permission a, permission b) {
  return static_cast<permission>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}

/// A MINIX file system on a block device.
///
/// Used by any number of fibers of one thread; an operation that waits for the device stops only those who need the
/// same file, directory or block. Paths begin at the root, with or without a slash; at most `path_max` bytes, at most
/// `links_followed_max` symbolic links. Errors of all path operations: `no_entry`, `not_directory`, `access_denied`,
/// `name_too_long`, `loop`, `io_error`; of all that change something also `read_only` and `no_space`.
///
/// An image is not trusted: whatever it contains, an operation ends, stays inside its buffers, and says `io_error`
/// when it meets something impossible; `last_fault()` then names the block.
template <block_device Device, host Host>
class file_system {
  using table = inode_table<Device, Host>;
  using inode_type = typename table::inode_type;

 public:
  /// A reference to a file or directory, which exists at least as long. Move-only; its end may write to the device.
  using node = typename table::reference;

  static constexpr std::size_t path_max = 4096;
  static constexpr int links_followed_max = 16;

  /// Both must live longer than the file system. Nothing is read yet.
  file_system(Device& device, Host& surroundings, mount_options options = {})
      : storage_(device, surroundings, options.cache_bytes), topology_(surroundings), read_only_(options.read_only) {}

  /// Reads and checks the superblock and the root. Before anything else.
  /// Errors: `bad_file` (no MINIX file system), `io_error`; `last_fault()` says why.
  dvs::result<void> mount();

  /// Writes everything that changed to the device; with nobody else at work, the image is then consistent.
  /// Errors: `io_error`, also for writes that failed earlier and were not reported yet.
  dvs::result<void> sync();

  [[nodiscard]] node root() const { return root_.share(); }
  [[nodiscard]] const superblock& shape() const { return storage_.super; }
  [[nodiscard]] const std::optional<fault>& last_fault() const { return storage_.faults.last(); }
  [[nodiscard]] volume_statistics statistics() const;
  dvs::result<volume_status> statfs();

  // --- names -------------------------------------------------------------------------------------------------------

  /// The file that `path` names; a symbolic link at its end is followed if `follow`.
  dvs::result<node> find(std::string_view path, credentials who, bool follow = true);
  /// The file, checked against the permissions that `how` needs, made or emptied if `how` says so.
  /// Errors: also `exists`, `is_directory` (write access), `not_supported` (devices, fifos, sockets).
  dvs::result<node> open(std::string_view path, const open_how& how, credentials who);
  /// Errors: also `exists`, `too_many_links`.
  dvs::result<void> make_directory(std::string_view path, std::uint16_t mode, credentials who);
  /// Errors: also `not_empty`, `busy` (the root), `bad_argument` (the path ends in `.`).
  dvs::result<void> remove_directory(std::string_view path, credentials who);
  /// Gives `file` another name; a symbolic link gets the name itself. Errors: also `exists`, `too_many_links`,
  /// `is_directory`.
  dvs::result<void> link(std::string_view file, std::string_view name, credentials who);
  /// Takes a name away; the file goes with its last name and last user. Errors: also `is_directory`.
  dvs::result<void> unlink(std::string_view path, credentials who);
  /// Makes a symbolic link to `target`, which need not exist. Errors: also `exists`.
  dvs::result<void> make_symlink(std::string_view target, std::string_view path, credentials who);
  /// Where a symbolic link points to. Errors: also `bad_argument` (no symbolic link).
  dvs::result<std::string> read_symlink(std::string_view path, credentials who);
  /// Moves a name; replaces what has the new name, if both are directories (the replaced one empty) or neither is.
  /// Errors: also `is_directory`, `not_directory`, `not_empty`, `too_many_links`, `busy` (the root),
  /// `bad_argument` (into its own subtree, or a name `.` or `..`).
  dvs::result<void> rename(std::string_view from, std::string_view to, credentials who);

  // --- content -----------------------------------------------------------------------------------------------------

  /// Passes the bytes from `offset` on, at most `length`, piece by piece to `sink(at, bytes)`, which returns
  /// `dvs::result<void>`; `at` counts from 0. Returns how many there were: less than `length` at the end of the file.
  /// The bytes given to `sink` lie in the cache and are valid during the call, which may wait.
  template <class Sink>
  requires std::invocable<Sink&, std::uint64_t, std::span<const std::byte>> dvs::result<std::uint64_t> read(
      const node& file, std::uint64_t offset, std::uint64_t length, Sink&& sink);
  dvs::result<std::uint64_t> read(const node& file, std::uint64_t offset, std::span<std::byte> into);

  /// Takes the bytes from `source(at, into)`, which fills all of `into`. Returns how many were written: less than
  /// `length` if the device or the file size ended. Errors: `file_too_big`, `no_space`, `io_error`, `read_only`, and
  /// those of `source`.
  template <class Source>
  requires std::invocable<Source&, std::uint64_t, std::span<std::byte>> dvs::result<std::uint64_t> write(
      const node& file, std::uint64_t offset, std::uint64_t length, Source&& source);
  dvs::result<std::uint64_t> write(const node& file, std::uint64_t offset, std::span<const std::byte> from);
  /// As `write`, at the end of the file, wherever that is by then.
  template <class Source>
  dvs::result<std::uint64_t> append(const node& file, std::uint64_t length, Source&& source);

  /// Makes the file `size` bytes long; what is added reads as zeros and takes no space. Errors: `file_too_big`,
  /// `is_directory`, `bad_argument` (no regular file).
  dvs::result<void> truncate(const node& file, std::uint64_t size);

  /// Calls `visit(inode_number, name, next)` for each name in a directory, dot and dot-dot included, until it returns
  /// false. `from` is 0 or a `next` of an earlier call. Of the file system, `visit` may use `mode_of`.
  /// Errors: `not_directory`, `io_error`.
  template <class Visit>
  dvs::result<void> list(const node& directory, std::uint32_t from, Visit&& visit);

  /// The mode of an inode that the directory being listed names. Errors: `io_error`.
  dvs::result<std::uint16_t> mode_of(std::uint32_t inode_number);

  // --- attributes --------------------------------------------------------------------------------------------------

  [[nodiscard]] file_status status(const node& file) const;
  /// Errors: `access_denied`, or `read_only` for write access to a file system that is mounted so.
  dvs::result<void> check(const node& file, permission wanted, credentials who) const;
  /// Errors: `access_denied` (neither owner nor user 0).
  dvs::result<void> change_mode(const node& file, std::uint16_t mode, credentials who);
  /// Errors: `access_denied`; `bad_argument` (V1 keeps 8 bits of a group).
  dvs::result<void> change_owner(const node& file, std::uint16_t uid, std::uint16_t gid, credentials who);
  /// Sets the times of last access and change; without values, to now, which needs only write permission.
  dvs::result<void> change_times(const node& file, std::optional<std::uint32_t> atime,
                                 std::optional<std::uint32_t> mtime, credentials who);

 private:
  using directory_type = directory<Device, Host>;
  using exclusive = exclusive_guard<Host>;
  using shared = shared_guard<Host>;

  // A change in progress; while there is one, the image is not marked valid.
  class change {
   public:
    explicit change(file_system& owner) : owner_(&owner) {}
    change(change&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    change& operator=(change&&) = delete;
    ~change() {
      if (owner_ != nullptr) --owner_->changes_active_;
    }

   private:
    file_system* owner_;
  };

  // The last component of a path and the directory that it is looked up in.
  struct place {
    node parent;
    std::string name;               // empty, "." and ".." are possible
    bool directory_wanted = false;  // the path ended in a slash
  };
  class walk;

  dvs::result<change> begin_change();
  [[nodiscard]] directory_type entries(const node& which) { return {storage_, *which}; }

  dvs::result<node> step(const node& parent, std::string_view name, credentials who);
  dvs::result<std::string> target_of(const node& symlink);
  dvs::result<place> place_of(std::string_view path, credentials who);
  dvs::result<void> may_enter(const node& parent, credentials who) const;
  dvs::result<void> may_change(const node& parent, credentials who) const;
  static bool may_remove(const node& parent, const node& child, credentials who);

  dvs::result<node> make_file(const node& parent, std::string_view name, std::uint16_t mode, credentials who);
  dvs::result<void> make_directory_in(const node& parent, std::string_view name, std::uint16_t mode, credentials who);
  dvs::result<void> check_open(const node& file, const open_how& how, credentials who) const;
  dvs::result<bool> is_below(std::uint32_t directory_number, std::uint32_t ancestor);
  dvs::result<void> rename_locked(place& from, place& to, const node& what, credentials who);
  dvs::result<void> drop_links(inode_type& file, std::uint32_t count);
  dvs::result<void> finish(inode_type& file);

  template <class Source>
  dvs::result<std::uint64_t> write_locked(inode_type& file, std::uint64_t offset, std::uint64_t length, Source& source);
  dvs::result<void> truncate_locked(inode_type& file, std::uint64_t size);
  dvs::result<void> zero_tail(inode_type& file);
  void zero_block(std::uint32_t zone);
  void note_access(inode_type& file);

  storage<Device, Host> storage_;
  table inodes_{storage_};
  fiber_lock<Host> topology_;  // whoever locks a second directory holds this first, so no two can wait for each other
  node root_;
  bool read_only_;
  bool valid_at_mount_ = false;
  std::uint32_t changes_active_ = 0;
  std::uint64_t changes_begun_ = 0;
};

}  // namespace muk::minixfs

#include <muk/fs/minixfs/detail/attributes.hpp>
#include <muk/fs/minixfs/detail/content.hpp>
#include <muk/fs/minixfs/detail/names.hpp>
#include <muk/fs/minixfs/detail/rename.hpp>
#include <muk/fs/minixfs/detail/walk.hpp>

#endif
