// SPDX-License-Identifier: MIT
/// @file
/// The blocks of a mounted file system: its shape, its cache and its maps.
#ifndef MUK_FS_MINIXFS_STORAGE_HPP
#define MUK_FS_MINIXFS_STORAGE_HPP

#include <array>
#include <cstdint>
#include <muk/fs/minixfs/bitmap.hpp>
#include <muk/fs/minixfs/block_cache.hpp>
#include <muk/fs/minixfs/name_cache.hpp>
#include <muk/fs/minixfs/superblock.hpp>

namespace muk::minixfs {

/// What every part of a file system stands on. The parts use its members directly.
template <block_device Device, host Host>
struct storage {
  using cache_type = block_cache<Device, Host>;

  storage(Device& below, Host& around, std::size_t cache_bytes)
      : device(below), surroundings(around), cache(below, around, faults, cache_bytes) {}
  storage(const storage&) = delete;
  storage& operator=(const storage&) = delete;

  /// Reads and checks the superblock. Errors: `bad_file`, or `io_error` when the device cannot be read.
  dvs::result<void> open() {
    const auto refuse = [&](const char* why) {
      faults.report(0, why);
      return dvs::errc::bad_file;
    };
    if (device.size() < superblock_offset + superblock_bytes)
      return refuse("not a MINIX file system: the device is too short");
    std::array<std::byte, superblock_bytes> raw{};
    if (!device.read(superblock_offset, raw)) return faults.report(0, "the device could not read the superblock");
    auto decoded = decode_superblock(raw, device.size(), faults);
    if (!decoded) return decoded.error();
    super = *decoded;
    cache.set_shape(super.block_size, super.zones);
    inode_map.set_shape(super.inode_map_start(), super.inodes, super.block_size);
    zone_map.set_shape(super.zone_map_start(), super.zones - super.first_data_zone, super.block_size);
    return {};
  }

  /// Writes the state word of the superblock through to the device (V3 has none).
  dvs::result<void> write_state(std::uint16_t state) {
    super.state = state;
    if (super.format == version::v3) return {};
    std::array<std::byte, superblock_bytes> raw{};
    if (!device.read(superblock_offset, raw)) return faults.report(1, "the device could not read the superblock");
    encode_superblock(super, raw);
    if (!device.write(superblock_offset, raw)) return faults.report(1, "the device could not write the superblock");
    return {};
  }

  /// Takes a free zone, at or after `near` if possible; its content is whatever it was. Errors: `no_space`, `io_error`.
  dvs::result<std::uint32_t> allocate_zone(std::uint32_t near) {
    if (!super.is_data_zone(near)) near = next_zone;
    auto bit = zone_map.take(near < super.first_data_zone ? 1 : near - super.first_data_zone + 1);
    if (!bit) return bit.error();
    const std::uint32_t zone = *bit + super.first_data_zone - 1;
    next_zone = zone + 1;
    return zone;
  }

  /// Gives a zone back. Errors: `io_error` when no file can have had it.
  dvs::result<void> free_zone(std::uint32_t zone) {
    if (!super.is_data_zone(zone)) return faults.report(zone, "a zone number lies outside the data zones");
    auto dropped = zone_map.drop(zone - super.first_data_zone + 1);
    if (!dropped) return dropped.error();
    if (!*dropped) return faults.report(zone, "a zone is used twice or was free while in use");
    cache.discard(zone);
    return {};
  }

  Device& device;
  Host& surroundings;
  fault_log faults;
  superblock super;
  cache_type cache;
  bitmap<cache_type> inode_map{cache};
  bitmap<cache_type> zone_map{cache};
  name_cache names;
  std::uint32_t next_zone = 0;  ///< Where the next file without a better place begins.
};

}  // namespace muk::minixfs

#endif
