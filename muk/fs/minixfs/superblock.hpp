// SPDX-License-Identifier: MIT
/// @file
/// The superblock of MINIX V1, V2 and V3 file systems: reading, checking and writing it.
#ifndef MUK_FS_MINIXFS_SUPERBLOCK_HPP
#define MUK_FS_MINIXFS_SUPERBLOCK_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <dvs/result.hpp>
#include <muk/fs/minixfs/bytes.hpp>
#include <muk/fs/minixfs/fault.hpp>

namespace muk::minixfs {

/// The three layouts: V1 (16-bit zones), V2 (32-bit zones), V3 (32-bit inode numbers, 60-byte names, any block size).
enum class version : std::uint8_t { v1 = 1, v2 = 2, v3 = 3 };

inline constexpr std::uint64_t superblock_offset = 1024;  ///< In bytes from the start of the device.
inline constexpr std::size_t superblock_bytes = 1024;     ///< What a caller reads and writes of it.
inline constexpr std::uint32_t root_inode = 1;
inline constexpr std::uint16_t state_valid = 1;  ///< The image was left consistent (V1 and V2 only).
inline constexpr std::uint32_t direct_zones = 7;

/// The shape of a file system: all that later code needs to know to find a block.
struct superblock {
  version format = version::v3;
  std::uint16_t state = 0;
  std::uint32_t name_length = 60;  ///< Longest name, in bytes: 14 or 30 (V1, V2), 60 (V3).
  std::uint32_t block_size = 1024;
  std::uint32_t inodes = 0;  ///< Numbers 1 … inodes.
  std::uint32_t zones = 0;   ///< Blocks of the whole file system; a zone is one block.
  std::uint32_t inode_map_blocks = 0;
  std::uint32_t zone_map_blocks = 0;
  std::uint32_t first_data_zone = 0;
  std::uint32_t size_max = 0;  ///< Longest file, in bytes.

  [[nodiscard]] constexpr std::uint32_t inode_bytes() const { return format == version::v1 ? 32 : 64; }
  [[nodiscard]] constexpr std::uint32_t inodes_per_block() const { return block_size / inode_bytes(); }
  [[nodiscard]] constexpr std::uint32_t zone_number_bytes() const { return format == version::v1 ? 2 : 4; }
  [[nodiscard]] constexpr std::uint32_t zones_per_block() const { return block_size / zone_number_bytes(); }
  [[nodiscard]] constexpr std::uint32_t indirect_levels() const { return format == version::v1 ? 2 : 3; }
  [[nodiscard]] constexpr std::uint32_t entry_number_bytes() const { return format == version::v3 ? 4 : 2; }
  [[nodiscard]] constexpr std::uint32_t entry_bytes() const { return name_length + entry_number_bytes(); }
  [[nodiscard]] constexpr std::uint32_t links_max() const { return format == version::v1 ? 250 : 65530; }
  [[nodiscard]] constexpr std::uint32_t inode_map_start() const { return 2; }
  [[nodiscard]] constexpr std::uint32_t zone_map_start() const { return inode_map_start() + inode_map_blocks; }
  [[nodiscard]] constexpr std::uint32_t inode_table_start() const { return zone_map_start() + zone_map_blocks; }
  [[nodiscard]] constexpr std::uint32_t inode_table_blocks() const {
    return inodes / inodes_per_block() + (inodes % inodes_per_block() != 0 ? 1 : 0);
  }
  /// The block of the inode table that holds inode `number`.
  [[nodiscard]] constexpr std::uint32_t inode_block(std::uint32_t number) const {
    return inode_table_start() + (number - 1) / inodes_per_block();
  }
  [[nodiscard]] constexpr bool is_data_zone(std::uint32_t zone) const {
    return zone >= first_data_zone && zone < zones;
  }

  /// How many blocks one inode can map: direct, single, double and (V2, V3) triple indirect.
  [[nodiscard]] constexpr std::uint64_t mappable_blocks() const {
    std::uint64_t total = direct_zones;
    std::uint64_t span = 1;
    for (std::uint32_t level = 0; level < indirect_levels(); ++level) total += span *= zones_per_block();
    return total;
  }
};

namespace detail {

// Positions of the fields; those of V3 that differ are in the second half.
inline constexpr std::size_t at_inodes = 0, at_zones16 = 2, at_inode_map = 4, at_zone_map = 6, at_first = 8,
                             at_log_zone = 10, at_size_max = 12, at_magic = 16, at_state = 18, at_zones32 = 20;
inline constexpr std::size_t at3_inode_map = 6, at3_zone_map = 8, at3_first = 10, at3_log_zone = 12, at3_size_max = 16,
                             at3_zones = 20, at3_magic = 24, at3_block_size = 28;

inline constexpr std::uint16_t magic_v3 = 0x4D5A;
struct magic_of {
  version format;
  std::uint32_t name_length;
  std::uint16_t magic;
};
inline constexpr std::array<magic_of, 4> magics{
    {{version::v1, 14, 0x137F}, {version::v1, 30, 0x138F}, {version::v2, 14, 0x2468}, {version::v2, 30, 0x2478}}};

// The first thing that cannot be true, or null.
constexpr const char* contradiction(const superblock& shape, std::uint64_t device_bytes) {
  const std::uint64_t bits_per_block = std::uint64_t{shape.block_size} * 8;
  if (shape.inodes == 0) return "the superblock names no inodes";
  if (shape.inode_map_blocks * bits_per_block < std::uint64_t{shape.inodes} + 1) return "the inode map is too small";
  const std::uint64_t front =
      std::uint64_t{2} + shape.inode_map_blocks + shape.zone_map_blocks + shape.inode_table_blocks();
  if (shape.first_data_zone < front) return "the data zones overlap the inode table";
  if (shape.first_data_zone >= shape.zones) return "the file system has no data zones";
  if (shape.zone_map_blocks * bits_per_block < std::uint64_t{shape.zones} - shape.first_data_zone + 1)
    return "the zone map is too small";
  if (std::uint64_t{shape.zones} * shape.block_size > device_bytes) return "the device is shorter than the file system";
  return nullptr;
}

}  // namespace detail

/// Reads the superblock from its 1024 bytes and checks every field against the others and the size of the device.
///
/// Errors: `bad_file` when this is no MINIX file system that can be used (the reason goes to `faults`).
inline dvs::result<superblock> decode_superblock(std::span<const std::byte> raw, std::uint64_t device_bytes,
                                                 fault_log& faults) {
  using namespace detail;
  const auto refuse = [&](const char* why) {
    faults.report(0, why);
    return dvs::errc::bad_file;
  };
  superblock shape;
  std::uint32_t log_zone = 0;
  if (load<std::uint16_t>(raw, at3_magic) == magic_v3) {
    shape.format = version::v3;
    shape.inodes = load<std::uint32_t>(raw, at_inodes);
    shape.inode_map_blocks = load<std::uint16_t>(raw, at3_inode_map);
    shape.zone_map_blocks = load<std::uint16_t>(raw, at3_zone_map);
    shape.first_data_zone = load<std::uint16_t>(raw, at3_first);
    log_zone = load<std::uint16_t>(raw, at3_log_zone);
    shape.size_max = load<std::uint32_t>(raw, at3_size_max);
    shape.zones = load<std::uint32_t>(raw, at3_zones);
    shape.block_size = load<std::uint16_t>(raw, at3_block_size);
    if (!std::has_single_bit(shape.block_size) || shape.block_size < 1024)
      return refuse("the block size is not usable");
    // 0 says that the number did not fit into 16 bits: the data then begin right behind the inode table.
    if (shape.first_data_zone == 0) shape.first_data_zone = shape.inode_table_start() + shape.inode_table_blocks();
  } else {
    const auto magic = load<std::uint16_t>(raw, at_magic);
    const auto known = std::find_if(magics.begin(), magics.end(), [&](const auto& one) { return one.magic == magic; });
    if (known == magics.end()) return refuse("not a MINIX file system: no known magic number");
    shape.format = known->format;
    shape.name_length = known->name_length;
    shape.inodes = load<std::uint16_t>(raw, at_inodes);
    shape.inode_map_blocks = load<std::uint16_t>(raw, at_inode_map);
    shape.zone_map_blocks = load<std::uint16_t>(raw, at_zone_map);
    shape.first_data_zone = load<std::uint16_t>(raw, at_first);
    log_zone = load<std::uint16_t>(raw, at_log_zone);
    shape.size_max = load<std::uint32_t>(raw, at_size_max);
    shape.state = load<std::uint16_t>(raw, at_state);
    shape.zones =
        shape.format == version::v1 ? load<std::uint16_t>(raw, at_zones16) : load<std::uint32_t>(raw, at_zones32);
  }
  if (log_zone != 0) return refuse("zones of several blocks are not supported");
  if (const char* why = contradiction(shape, device_bytes)) return refuse(why);
  const std::uint64_t mappable = shape.mappable_blocks() * shape.block_size;
  if (shape.size_max == 0 || shape.size_max > mappable)
    shape.size_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(mappable, 0x7FFF'FFFF));
  return shape;
}

/// Writes the superblock into its 1024 bytes, which the caller has zeroed or read before.
inline void encode_superblock(const superblock& shape, std::span<std::byte> raw) {
  using namespace detail;
  const auto put16 = [&](std::size_t at, std::uint32_t value) { store(raw, at, static_cast<std::uint16_t>(value)); };
  const auto put32 = [&](std::size_t at, std::uint32_t value) { store(raw, at, value); };
  if (shape.format == version::v3) {
    put32(at_inodes, shape.inodes);
    put16(at3_inode_map, shape.inode_map_blocks);
    put16(at3_zone_map, shape.zone_map_blocks);
    put16(at3_first, shape.first_data_zone <= 0xFFFF ? shape.first_data_zone : 0);
    put16(at3_log_zone, 0);
    put32(at3_size_max, shape.size_max);
    put32(at3_zones, shape.zones);
    put16(at3_magic, magic_v3);
    put16(at3_block_size, shape.block_size);
    return;
  }
  put16(at_inodes, shape.inodes);
  put16(at_zones16, shape.format == version::v1 ? shape.zones : 0);
  put16(at_inode_map, shape.inode_map_blocks);
  put16(at_zone_map, shape.zone_map_blocks);
  put16(at_first, shape.first_data_zone);
  put16(at_log_zone, 0);
  put32(at_size_max, shape.size_max);
  for (const auto& one : magics)
    if (one.format == shape.format && one.name_length == shape.name_length) put16(at_magic, one.magic);
  put16(at_state, shape.state);
  if (shape.format == version::v2) put32(at_zones32, shape.zones);
}

}  // namespace muk::minixfs

#endif
