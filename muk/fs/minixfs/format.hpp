// SPDX-License-Identifier: MIT
/// @file
/// Making an empty MINIX file system, and finding out how large it must be for a given tree.
#ifndef MUK_FS_MINIXFS_FORMAT_HPP
#define MUK_FS_MINIXFS_FORMAT_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <muk/fs/minixfs/block_device.hpp>
#include <muk/fs/minixfs/inode_record.hpp>
#include <string_view>
#include <vector>

namespace muk::minixfs {

/// The shape of a file system to make.
struct format_options {
  version format = version::v3;
  std::uint32_t name_length = 0;    ///< 14 or 30 (V1, V2), 60 (V3); 0 takes the longest.
  std::uint32_t block_size = 1024;  ///< V3: a power of two from 1024 to 32768; V1 and V2: 1024.
  std::uint32_t inodes = 0;         ///< At least; 0 makes one for every three blocks.
  std::uint32_t now = 0;            ///< The date of the root directory.
};

/// The superblock of a new file system of `blocks` blocks.
/// Errors: `bad_argument` (a shape that the version does not have), `no_space` (too small), `too_big` (too many
/// inodes).
inline dvs::result<superblock> plan_superblock(const format_options& options, std::uint64_t blocks) {
  superblock shape;
  shape.format = options.format;
  shape.block_size = options.block_size;
  shape.name_length = options.name_length != 0 ? options.name_length : (options.format == version::v3 ? 60 : 30);
  const bool v3 = options.format == version::v3;
  const bool known_name = v3 ? shape.name_length == 60 : (shape.name_length == 14 || shape.name_length == 30);
  const bool known_block =
      v3 ? std::has_single_bit(shape.block_size) && shape.block_size >= 1024 && shape.block_size <= 32768
         : shape.block_size == 1024;
  if (!known_name || !known_block) return dvs::errc::bad_argument;
  const std::uint64_t zones_max = options.format == version::v1 ? 0xFFFF : 0xFFFF'FFFF;
  shape.zones = static_cast<std::uint32_t>(std::min(blocks, zones_max));
  const std::uint32_t per_block = shape.inodes_per_block();
  std::uint64_t inodes = std::max<std::uint64_t>(options.inodes != 0 ? options.inodes : shape.zones / 3, 1);
  inodes = (inodes + per_block - 1) / per_block * per_block;
  const std::uint64_t bits = std::uint64_t{shape.block_size} * 8;
  shape.zone_map_blocks = static_cast<std::uint32_t>((shape.zones + bits) / bits);
  if (shape.zone_map_blocks > 0xFFFF) return dvs::errc::too_big;
  // Inode numbers have 16 bits in V1 and V2; in V3 the number of the first data zone has, and the table lies before it.
  const std::uint64_t table_max = 0xFFFF - std::min<std::uint64_t>(shape.zone_map_blocks + 0x100, 0xFFFF);
  const std::uint64_t inodes_max = v3 ? table_max * per_block : 0xFFFF;
  if (inodes > inodes_max) {
    if (options.inodes > inodes_max || inodes_max == 0) return dvs::errc::too_big;
    inodes = inodes_max;
  }
  shape.inodes = static_cast<std::uint32_t>(inodes);
  shape.inode_map_blocks = static_cast<std::uint32_t>((inodes + bits) / bits);
  const std::uint64_t first = std::uint64_t{shape.inode_table_start()} + shape.inode_table_blocks();
  if (first >= shape.zones) return dvs::errc::no_space;
  shape.first_data_zone = static_cast<std::uint32_t>(first);
  shape.size_max = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(shape.mappable_blocks() * shape.block_size, std::numeric_limits<std::int32_t>::max()));
  shape.state = state_valid;
  return shape;
}

/// Makes an empty file system that fills the device. What was on the device is lost.
/// Errors: as `plan_superblock`, and `io_error`.
template <block_device Device>
dvs::result<superblock> format(Device& device, const format_options& options) {
  auto planned = plan_superblock(options, device.size() / options.block_size);
  if (!planned) return planned;
  const superblock& shape = *planned;
  const std::uint32_t block_size = shape.block_size;
  const auto put = [&](std::uint64_t block, std::span<const std::byte> bytes) {
    return device.write(block * block_size, bytes);
  };
  std::vector<std::byte> block(block_size);
  // The boot block, the superblock and the inode table begin as zeros.
  for (std::uint64_t number = 0; number < shape.first_data_zone; ++number)
    if (!put(number, block)) return dvs::errc::io_error;

  // A map begins with the reserved bit 0 and the first number, and ends with bits that stand for nothing.
  const auto put_map = [&](std::uint32_t start, std::uint32_t blocks, std::uint64_t highest) {
    for (std::uint32_t index = 0; index < blocks; ++index) {
      const std::uint64_t first_bit = std::uint64_t{index} * block_size * 8;
      for (std::uint64_t bit = 0; bit < std::uint64_t{block_size} * 8; ++bit) {
        const bool taken = first_bit + bit <= 1 || first_bit + bit > highest;
        const std::byte mask = std::byte{1} << (bit % 8);
        if (taken) {
          block[bit / 8] |= mask;
        } else {
          block[bit / 8] &= ~mask;
        }
      }
      if (!put(start + index, block)) return false;
    }
    return true;
  };
  if (!put_map(shape.inode_map_start(), shape.inode_map_blocks, shape.inodes)) return dvs::errc::io_error;
  if (!put_map(shape.zone_map_start(), shape.zone_map_blocks, std::uint64_t{shape.zones} - shape.first_data_zone))
    return dvs::errc::io_error;

  inode_record root;
  root.mode = static_cast<std::uint16_t>(static_cast<std::uint16_t>(file_kind::directory) | 0755);
  root.links = 2;
  root.size = 2 * shape.entry_bytes();
  root.atime = root.mtime = root.ctime = options.now;
  root.zones[0] = shape.first_data_zone;
  std::fill(block.begin(), block.end(), std::byte{0});
  encode_inode(shape.format, root, block);
  if (!put(shape.inode_table_start(), block)) return dvs::errc::io_error;

  std::fill(block.begin(), block.end(), std::byte{0});
  for (std::uint32_t entry = 0; entry < 2; ++entry) {
    const std::size_t at = std::size_t{entry} * shape.entry_bytes();
    store(std::span{block}, at, static_cast<std::uint16_t>(root_inode));
    std::fill_n(block.begin() + static_cast<std::ptrdiff_t>(at + shape.entry_number_bytes()), entry + 1,
                std::byte{'.'});
  }
  if (!put(shape.first_data_zone, block)) return dvs::errc::io_error;

  std::fill(block.begin(), block.end(), std::byte{0});
  encode_superblock(shape, std::span{block}.first(superblock_bytes));
  if (!device.write(superblock_offset, std::span{block}.first(superblock_bytes))) return dvs::errc::io_error;
  if (!device.flush()) return dvs::errc::io_error;
  return planned;
}

/// Adds up what a tree of files needs, so that an image of the right size can be made for it.
class tree_size {
 public:
  /// For a file system of this shape; `inodes` of the options is not looked at.
  explicit tree_size(const format_options& options) : options_(options) {
    if (auto planned = plan_superblock(options, 0xFFFF)) shape_ = *planned;
  }

  /// Adds a regular file of `bytes` bytes without holes.
  void add_file(std::uint64_t bytes) {
    ++inodes_;
    const std::uint64_t data = (bytes + shape_.block_size - 1) / shape_.block_size;
    blocks_ += data;
    std::uint64_t rest = data - std::min<std::uint64_t>(data, direct_zones);
    std::uint64_t span = 1;
    for (std::uint32_t level = 1; level <= shape_.indirect_levels() && rest > 0; ++level) {
      span *= shape_.zones_per_block();
      const std::uint64_t here = std::min(rest, span);
      std::uint64_t indirect = here;
      for (std::uint32_t i = 0; i < level; ++i) {
        indirect = (indirect + shape_.zones_per_block() - 1) / shape_.zones_per_block();
        blocks_ += indirect;
      }
      rest -= here;
    }
  }
  /// Adds a directory with `names` names, not counting `.` and `..`. The root is a directory, too.
  void add_directory(std::uint64_t names) { add_file((names + 2) * shape_.entry_bytes()); }
  /// Adds a symbolic link.
  void add_symlink() { add_file(1); }

  [[nodiscard]] std::uint64_t inodes() const { return inodes_; }
  /// The device that holds the tree with `blocks_spare` blocks and `inodes_spare` inodes left over, in bytes.
  /// Errors: `too_big` when the version cannot have so many.
  [[nodiscard]] dvs::result<std::uint64_t> device_bytes(std::uint64_t blocks_spare, std::uint64_t inodes_spare) const {
    const std::uint64_t inodes = inodes_ + inodes_spare;
    const std::uint64_t bits = std::uint64_t{shape_.block_size} * 8;
    const std::uint64_t front = 2 + (inodes + shape_.inodes_per_block() + bits) / bits +
                                (inodes + shape_.inodes_per_block() - 1) / shape_.inodes_per_block();
    const std::uint64_t data = blocks_ + blocks_spare;
    const std::uint64_t blocks = front + data + (front + data) / (bits - 1) + 2;
    const std::uint64_t blocks_max = shape_.format == version::v1 ? 0xFFFF : 0xFFFF'FFFF;
    const std::uint64_t inodes_max = shape_.format == version::v3 ? 0xFFFF'FFFF : 0xFFFF;
    if (blocks > blocks_max || inodes > inodes_max) return dvs::errc::too_big;
    return blocks * shape_.block_size;
  }

 private:
  format_options options_;
  superblock shape_;
  std::uint64_t inodes_ = 0;
  std::uint64_t blocks_ = 0;
};

}  // namespace muk::minixfs

#endif
