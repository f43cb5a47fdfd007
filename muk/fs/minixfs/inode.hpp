// SPDX-License-Identifier: MIT
/// @file
/// An inode in memory.
#ifndef MUK_FS_MINIXFS_INODE_HPP
#define MUK_FS_MINIXFS_INODE_HPP

#include <cstdint>
#include <muk/fs/minixfs/inode_record.hpp>
#include <muk/fs/minixfs/locks.hpp>

namespace muk::minixfs {

/// An inode in memory.
template <host Host>
struct inode {
  inode(std::uint32_t its_number, Host& surroundings) : number(its_number), lock(surroundings), loaded(surroundings) {}

  const std::uint32_t number;
  inode_record record;
  fiber_lock<Host> lock;         ///< Guards the content and `zones`; the other fields change only between two waits.
  std::uint64_t next_read = 0;   ///< Where a sequential reader will go on.
  std::uint32_t next_zone = 0;   ///< Where the file would like to grow.
  std::uint32_t free_entry = 0;  ///< A directory has no free entry before this position.
  std::uint32_t users = 1;       ///< References; 0: kept in memory for the next; see `inode_table`.
  bool dirty = false;            ///< `record` is newer than the inode table.
  bool loading = true;           ///< `record` is being read.
  bool dying = false;            ///< The last user is giving the inode back.
  bool removed = false;          ///< A directory that lost its name; nothing may be created in it.
  typename Host::wait_queue loaded;
};

}  // namespace muk::minixfs

#endif
