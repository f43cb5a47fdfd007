// SPDX-License-Identifier: MIT
/// @file
/// Mounting, syncing and the attributes of files.
#ifndef MUK_FS_MINIXFS_DETAIL_ATTRIBUTES_HPP
#define MUK_FS_MINIXFS_DETAIL_ATTRIBUTES_HPP

#include <muk/fs/minixfs/file_system.hpp>

namespace muk::minixfs {

template <block_device Device, host Host>
auto file_system<Device, Host>::mount() -> dvs::result<void> {
  if (auto opened = storage_.open(); !opened) return opened;
  auto root = inodes_.get(root_inode);
  const bool usable = root && (*root)->record.is(file_kind::directory) && (*root)->record.size > 0;
  if (!root && root.error() != dvs::errc::io_error) return root.error();
  if (!usable) {
    inodes_.fault(root_inode, "not a MINIX file system: the root is no directory");
    return dvs::errc::bad_file;
  }
  root_ = std::move(*root);
  valid_at_mount_ = (storage_.super.state & state_valid) != 0;
  return {};
}

template <block_device Device, host Host>
auto file_system<Device, Host>::sync() -> dvs::result<void> {
  if (read_only_ || !root_) return {};
  const std::uint64_t begun = changes_begun_;
  const bool quiet = changes_active_ == 0;
  auto stored = inodes_.store_all();
  auto flushed = storage_.cache.flush();
  if (!stored) return stored;
  if (!flushed) return flushed;
  // Marked valid only if what was flushed is a whole: nothing was changing, nothing waits for its last user.
  const bool unmarked = (storage_.super.state & state_valid) == 0;
  if (!valid_at_mount_ || !unmarked || !quiet || begun != changes_begun_ || inodes_.has_nameless()) return {};
  if (auto marked = storage_.write_state(storage_.super.state | state_valid); !marked) return marked;
  return storage_.device.flush();
}

template <block_device Device, host Host>
auto file_system<Device, Host>::statfs() -> dvs::result<volume_status> {
  const superblock& super = storage_.super;
  auto zones = storage_.zone_map.count_free();
  if (!zones) return zones.error();
  auto inodes = storage_.inode_map.count_free();
  if (!inodes) return inodes.error();
  return volume_status{.format = super.format,
                       .block_size = super.block_size,
                       .blocks = super.zones - super.first_data_zone,
                       .blocks_free = *zones,
                       .inodes = super.inodes,
                       .inodes_free = *inodes,
                       .name_length = super.name_length};
}

template <block_device Device, host Host>
auto file_system<Device, Host>::statistics() const -> volume_statistics {
  const auto cache = storage_.cache.statistics();
  return {.cache_bytes = cache.bytes,
          .device_reads = cache.reads,
          .device_writes = cache.writes,
          .faults = storage_.faults.count(),
          .inodes_in_use = static_cast<std::uint32_t>(inodes_.size())};
}

template <block_device Device, host Host>
auto file_system<Device, Host>::mode_of(std::uint32_t inode_number) -> dvs::result<std::uint16_t> {
  auto found = inodes_.get(inode_number);
  if (!found) return found.error();
  return (*found)->record.mode;
}

template <block_device Device, host Host>
auto file_system<Device, Host>::begin_change() -> dvs::result<change> {
  if (read_only_) return dvs::errc::read_only;
  ++changes_active_;
  ++changes_begun_;
  change begun{*this};
  if ((storage_.super.state & state_valid) != 0) {
    const auto state = static_cast<std::uint16_t>(storage_.super.state & ~state_valid);
    if (auto marked = storage_.write_state(state); !marked) return marked.error();
  }
  return begun;
}

// Ends a change of the fields of an inode.
template <block_device Device, host Host>
auto file_system<Device, Host>::finish(inode_type& file) -> dvs::result<void> {
  file.record.ctime = storage_.surroundings.now();
  return inodes_.store(file);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::status(const node& file) const -> file_status {
  const inode_record& record = file->record;
  return {.inode = file->number,
          .mode = record.mode,
          .links = record.links,
          .uid = record.uid,
          .gid = record.gid,
          .size = record.size,
          .atime = record.atime,
          .mtime = record.mtime,
          .ctime = record.ctime};
}

template <block_device Device, host Host>
auto file_system<Device, Host>::check(const node& file, permission wanted, credentials who) const -> dvs::result<void> {
  const inode_record& record = file->record;
  const auto bits = static_cast<std::uint32_t>(wanted);
  const bool writes = (bits & static_cast<std::uint32_t>(permission::write)) != 0;
  const bool executes = (bits & static_cast<std::uint32_t>(permission::execute)) != 0;
  if (writes && read_only_) return dvs::errc::read_only;
  if (who.uid == 0) {
    if (executes && !record.is(file_kind::directory) && (record.mode & 0111) == 0) return dvs::errc::access_denied;
    return {};
  }
  const std::uint32_t shift = who.uid == record.uid ? 6 : (who.gid == record.gid ? 3 : 0);
  if (((static_cast<std::uint32_t>(record.mode) >> shift) & bits) != bits) return dvs::errc::access_denied;
  return {};
}

template <block_device Device, host Host>
auto file_system<Device, Host>::change_mode(const node& file, std::uint16_t mode, credentials who)
    -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  inode_record& record = file->record;
  if (who.uid != 0 && who.uid != record.uid) return dvs::errc::access_denied;
  mode &= permission_mask;
  if (who.uid != 0 && who.gid != record.gid) mode &= static_cast<std::uint16_t>(~set_gid);
  record.mode = static_cast<std::uint16_t>((record.mode & kind_mask) | mode);
  return finish(*file);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::change_owner(const node& file, std::uint16_t uid, std::uint16_t gid, credentials who)
    -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  inode_record& record = file->record;
  const bool own_group = who.uid == record.uid && uid == record.uid && (gid == who.gid || gid == record.gid);
  if (who.uid != 0 && !own_group) return dvs::errc::access_denied;
  if (storage_.super.format == version::v1 && gid > 255) return dvs::errc::bad_argument;
  record.uid = uid;
  record.gid = gid;
  if (who.uid != 0) record.mode &= static_cast<std::uint16_t>(~(set_uid | set_gid));
  return finish(*file);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::change_times(const node& file, std::optional<std::uint32_t> atime,
                                             std::optional<std::uint32_t> mtime, credentials who) -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  inode_record& record = file->record;
  if (who.uid != 0 && who.uid != record.uid) {
    if (atime || mtime) return dvs::errc::access_denied;
    if (auto allowed = check(file, permission::write, who); !allowed) return allowed;
  }
  const std::uint32_t now = storage_.surroundings.now();
  record.atime = atime.value_or(now);
  record.mtime = mtime.value_or(now);
  return finish(*file);
}

}  // namespace muk::minixfs

#endif
