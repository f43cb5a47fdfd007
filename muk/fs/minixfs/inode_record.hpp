// SPDX-License-Identifier: MIT
/// @file
/// An inode as it lies in the inode table.
#ifndef MUK_FS_MINIXFS_INODE_RECORD_HPP
#define MUK_FS_MINIXFS_INODE_RECORD_HPP

#include <array>
#include <cstdint>
#include <muk/fs/minixfs/superblock.hpp>

namespace muk::minixfs {

/// The kinds of file, as they stand in the upper bits of a mode.
enum class file_kind : std::uint16_t {
  fifo = 0010000,
  character_device = 0020000,
  directory = 0040000,
  block_device = 0060000,
  regular = 0100000,
  symlink = 0120000,
  socket = 0140000,
};

inline constexpr std::uint16_t kind_mask = 0170000;
inline constexpr std::uint16_t permission_mask = 07777;
inline constexpr std::uint16_t set_uid = 04000, set_gid = 02000, sticky = 01000;

/// The fields of an inode, the same for all versions; what a version lacks is derived from what it has.
struct inode_record {
  std::uint16_t mode = 0;
  std::uint16_t links = 0;
  std::uint16_t uid = 0;
  std::uint16_t gid = 0;    ///< At most 255 in V1.
  std::uint32_t size = 0;   ///< In bytes.
  std::uint32_t atime = 0;  ///< Seconds since 1970; V1 keeps only `mtime`.
  std::uint32_t mtime = 0;
  std::uint32_t ctime = 0;
  std::array<std::uint32_t, 10> zones{};  ///< 7 direct, then one for each level of indirection; 0 is a hole.

  [[nodiscard]] constexpr bool is(file_kind kind) const {
    return (mode & kind_mask) == static_cast<std::uint16_t>(kind);
  }
  /// Whether `zones` are zones: devices keep their number there, and fifos nothing.
  [[nodiscard]] constexpr bool has_zones() const {
    return is(file_kind::regular) || is(file_kind::directory) || is(file_kind::symlink);
  }
  [[nodiscard]] constexpr bool has_known_kind() const {
    return has_zones() || is(file_kind::fifo) || is(file_kind::character_device) || is(file_kind::block_device) ||
           is(file_kind::socket);
  }
};

/// Reads the inode that begins at `raw`.
inline inode_record decode_inode(version format, std::span<const std::byte> raw) {
  inode_record inode;
  inode.mode = load<std::uint16_t>(raw, 0);
  if (format == version::v1) {
    inode.uid = load<std::uint16_t>(raw, 2);
    inode.size = load<std::uint32_t>(raw, 4);
    inode.atime = inode.mtime = inode.ctime = load<std::uint32_t>(raw, 8);
    inode.gid = load<std::uint8_t>(raw, 12);
    inode.links = load<std::uint8_t>(raw, 13);
    for (std::size_t i = 0; i < 9; ++i) inode.zones[i] = load<std::uint16_t>(raw, 14 + 2 * i);
    return inode;
  }
  inode.links = load<std::uint16_t>(raw, 2);
  inode.uid = load<std::uint16_t>(raw, 4);
  inode.gid = load<std::uint16_t>(raw, 6);
  inode.size = load<std::uint32_t>(raw, 8);
  inode.atime = load<std::uint32_t>(raw, 12);
  inode.mtime = load<std::uint32_t>(raw, 16);
  inode.ctime = load<std::uint32_t>(raw, 20);
  for (std::size_t i = 0; i < 10; ++i) inode.zones[i] = load<std::uint32_t>(raw, 24 + 4 * i);
  return inode;
}

/// Writes the inode to `raw`.
inline void encode_inode(version format, const inode_record& inode, std::span<std::byte> raw) {
  store(raw, 0, inode.mode);
  if (format == version::v1) {
    store(raw, 2, inode.uid);
    store(raw, 4, inode.size);
    store(raw, 8, inode.mtime);
    store(raw, 12, static_cast<std::uint8_t>(inode.gid));
    store(raw, 13, static_cast<std::uint8_t>(inode.links));
    for (std::size_t i = 0; i < 9; ++i) store(raw, 14 + 2 * i, static_cast<std::uint16_t>(inode.zones[i]));
    return;
  }
  store(raw, 2, inode.links);
  store(raw, 4, inode.uid);
  store(raw, 6, inode.gid);
  store(raw, 8, inode.size);
  store(raw, 12, inode.atime);
  store(raw, 16, inode.mtime);
  store(raw, 20, inode.ctime);
  for (std::size_t i = 0; i < 10; ++i) store(raw, 24 + 4 * i, inode.zones[i]);
}

}  // namespace muk::minixfs

#endif
