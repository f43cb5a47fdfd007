// SPDX-License-Identifier: MIT
/// @file
/// Making and removing names.
#ifndef MUK_FS_MINIXFS_DETAIL_NAMES_HPP
#define MUK_FS_MINIXFS_DETAIL_NAMES_HPP

#include <cstring>
#include <muk/fs/minixfs/file_system.hpp>

namespace muk::minixfs {

template <block_device Device, host Host>
auto file_system<Device, Host>::open(std::string_view path, const open_how& how, credentials who) -> dvs::result<node> {
  if (how.truncate && !how.write) return dvs::errc::bad_argument;
  walk way{*this, path, who};
  while (true) {
    auto last = way.to_last();
    if (!last) return last.error();
    const bool plain = !last->name.empty() && last->name != "." && last->name != "..";
    auto found = step(last->parent, last->name, who);
    if (!found && found.error() == dvs::errc::no_entry && how.create && plain && !last->parent->removed) {
      if (last->directory_wanted) return dvs::errc::is_directory;
      auto made = make_file(last->parent, last->name, how.mode, who);
      if (made || made.error() != dvs::errc::exists || how.exclusive) return made;
      found = step(last->parent, last->name, who);  // another fiber was faster
    }
    if (!found) return found;
    if (how.create && how.exclusive) return dvs::errc::exists;
    if ((*found)->record.is(file_kind::symlink)) {
      if (auto followed = way.follow(*found); !followed) return followed.error();
      continue;
    }
    if (last->directory_wanted && !(*found)->record.is(file_kind::directory)) return dvs::errc::not_directory;
    if (auto allowed = check_open(*found, how, who); !allowed) return allowed.error();
    if (how.truncate) {
      if (auto emptied = truncate(*found, 0); !emptied) return emptied.error();
    }
    return found;
  }
}

template <block_device Device, host Host>
auto file_system<Device, Host>::check_open(const node& file, const open_how& how, credentials who) const
    -> dvs::result<void> {
  if (file->record.is(file_kind::directory)) {
    if (how.write || how.create) return dvs::errc::is_directory;
  } else if (!file->record.is(file_kind::regular)) {
    return dvs::errc::not_supported;
  }
  const auto wanted =
      (how.read ? permission::read : permission::exists) | (how.write ? permission::write : permission::exists);
  return check(file, wanted, who);
}

// A new regular file with one name.
template <block_device Device, host Host>
auto file_system<Device, Host>::make_file(const node& parent, std::string_view name, std::uint16_t mode,
                                          credentials who) -> dvs::result<node> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  const exclusive guard{parent->lock};
  if (auto allowed = may_change(parent, who); !allowed) return allowed.error();
  auto names = entries(parent);
  auto taken = names.find(name);
  if (!taken) return taken.error();
  if (taken->inode != 0) return dvs::errc::exists;
  inode_record record;
  record.mode = static_cast<std::uint16_t>(static_cast<std::uint16_t>(file_kind::regular) | (mode & permission_mask));
  record.uid = who.uid;
  record.gid = (parent->record.mode & set_gid) != 0 ? parent->record.gid : who.gid;
  record.atime = record.mtime = record.ctime = storage_.surroundings.now();
  auto made = inodes_.create(record);
  if (!made) return made;
  if (auto named = names.insert(name, (*made)->number); !named) return named.error();
  (*made)->record.links = 1;
  if (auto stored = inodes_.store(**made); !stored) return stored.error();
  if (auto stored = inodes_.store(*parent); !stored) return stored.error();
  return made;
}

template <block_device Device, host Host>
auto file_system<Device, Host>::make_symlink(std::string_view target, std::string_view path, credentials who)
    -> dvs::result<void> {
  if (target.empty()) return dvs::errc::no_entry;
  if (target.find('\0') != std::string_view::npos) return dvs::errc::bad_argument;
  if (target.size() >= storage_.super.block_size || target.size() > path_max) return dvs::errc::name_too_long;
  auto changing = begin_change();
  if (!changing) return changing.error();
  auto last = place_of(path, who);
  if (!last) return last.error();
  if (last->name.empty() || last->name == "." || last->name == "..") return dvs::errc::exists;
  if (last->directory_wanted) {
    auto there = step(last->parent, last->name, who);
    return there ? dvs::errc::exists : there.error();
  }
  const exclusive guard{last->parent->lock};
  if (auto allowed = may_change(last->parent, who); !allowed) return allowed;
  auto names = entries(last->parent);
  auto taken = names.find(last->name);
  if (!taken) return taken.error();
  if (taken->inode != 0) return dvs::errc::exists;
  inode_record record;
  record.mode = static_cast<std::uint16_t>(static_cast<std::uint16_t>(file_kind::symlink) | 0777);
  record.uid = who.uid;
  record.gid = (last->parent->record.mode & set_gid) != 0 ? last->parent->record.gid : who.gid;
  record.atime = record.mtime = record.ctime = storage_.surroundings.now();
  auto made = inodes_.create(record);
  if (!made) return made.error();
  file_map map{storage_, **made};
  auto zone = map.assign(0);
  if (!zone) return zone.error();
  {
    auto edit = storage_.cache.overwrite(zone->zone, 1);
    std::fill(edit.bytes().begin(), edit.bytes().end(), std::byte{0});
    std::memcpy(edit.bytes().data(), target.data(), target.size());
    edit.complete();
  }
  (*made)->record.size = static_cast<std::uint32_t>(target.size());
  if (auto named = names.insert(last->name, (*made)->number); !named) return named;
  (*made)->record.links = 1;
  if (auto stored = inodes_.store(**made); !stored) return stored;
  return inodes_.store(*last->parent);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::read_symlink(std::string_view path, credentials who) -> dvs::result<std::string> {
  auto found = find(path, who, false);
  if (!found) return found.error();
  if (!(*found)->record.is(file_kind::symlink)) return dvs::errc::bad_argument;
  return target_of(*found);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::make_directory(std::string_view path, std::uint16_t mode, credentials who)
    -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  auto last = place_of(path, who);
  if (!last) return last.error();
  if (last->name.empty() || last->name == "." || last->name == "..") return dvs::errc::exists;
  return make_directory_in(last->parent, last->name, mode, who);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::make_directory_in(const node& parent, std::string_view name, std::uint16_t mode,
                                                  credentials who) -> dvs::result<void> {
  const exclusive guard{parent->lock};
  if (auto allowed = may_change(parent, who); !allowed) return allowed;
  auto names = entries(parent);
  auto taken = names.find(name);
  if (!taken) return taken.error();
  if (taken->inode != 0) return dvs::errc::exists;
  if (parent->record.links >= storage_.super.links_max()) return dvs::errc::too_many_links;
  const bool inherits = (parent->record.mode & set_gid) != 0;
  inode_record record;
  record.mode = static_cast<std::uint16_t>(static_cast<std::uint16_t>(file_kind::directory) | (mode & permission_mask) |
                                           (inherits ? set_gid : 0));
  record.uid = who.uid;
  record.gid = inherits ? parent->record.gid : who.gid;
  record.atime = record.mtime = record.ctime = storage_.surroundings.now();
  auto made = inodes_.create(record);
  if (!made) return made.error();
  auto inside = entries(*made);
  if (auto self = inside.insert(".", (*made)->number); !self) return self;
  if (auto up = inside.insert("..", parent->number); !up) return up;
  if (auto named = names.insert(name, (*made)->number); !named) return named;
  (*made)->record.links = 2;
  ++parent->record.links;
  if (auto stored = inodes_.store(**made); !stored) return stored;
  return inodes_.store(*parent);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::remove_directory(std::string_view path, credentials who) -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  auto last = place_of(path, who);
  if (!last) return last.error();
  if (last->name.empty()) return dvs::errc::busy;
  if (last->name == ".") return dvs::errc::bad_argument;
  if (last->name == "..") return dvs::errc::not_empty;
  const node& parent = last->parent;
  node child;  // outlives the guards: its release may free the directory
  const exclusive one_at_a_time{topology_};
  const exclusive guard{parent->lock};
  if (auto allowed = may_change(parent, who); !allowed) return allowed;
  auto names = entries(parent);
  auto found = names.find(last->name);
  if (!found) return found.error();
  if (found->inode == 0) return dvs::errc::no_entry;
  auto got = inodes_.get(found->inode);
  if (!got) return got.error();
  child = std::move(*got);
  if (!child->record.is(file_kind::directory)) return dvs::errc::not_directory;
  if (!may_remove(parent, child, who)) return dvs::errc::access_denied;
  if (child->number == parent->number || child->number == root_inode)
    return inodes_.fault(child->number, "a directory is its own ancestor");
  const exclusive child_guard{child->lock};
  auto empty = entries(child).is_empty();
  if (!empty) return empty.error();
  if (!*empty) return dvs::errc::not_empty;
  if (auto removed = names.remove(*found, last->name); !removed) return removed;
  child->removed = true;
  auto dropped = drop_links(*child, 2);
  auto dropped_up = drop_links(*parent, 1);
  if (auto stored = finish(*child); !stored) return stored;
  if (auto stored = finish(*parent); !stored) return stored;
  return dropped ? dropped_up : dropped;
}

template <block_device Device, host Host>
auto file_system<Device, Host>::link(std::string_view file, std::string_view name, credentials who)
    -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  auto target = find(file, who, false);
  if (!target) return target.error();
  if ((*target)->record.is(file_kind::directory)) return dvs::errc::is_directory;
  auto last = place_of(name, who);
  if (!last) return last.error();
  if (last->name.empty() || last->name == "." || last->name == "..") return dvs::errc::exists;
  if (last->directory_wanted) {
    auto there = step(last->parent, last->name, who);
    return there ? dvs::errc::exists : there.error();
  }
  const exclusive guard{last->parent->lock};
  if (auto allowed = may_change(last->parent, who); !allowed) return allowed;
  auto names = entries(last->parent);
  auto taken = names.find(last->name);
  if (!taken) return taken.error();
  if (taken->inode != 0) return dvs::errc::exists;
  inode_record& record = (*target)->record;
  if (record.links == 0) return dvs::errc::no_entry;
  if (record.links >= storage_.super.links_max()) return dvs::errc::too_many_links;
  ++record.links;  // before the name: whoever unlinks the old name meanwhile must not see the last one go
  if (auto named = names.insert(last->name, (*target)->number); !named) {
    --record.links;
    return named;
  }
  if (auto stored = finish(**target); !stored) return stored;
  return inodes_.store(*last->parent);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::unlink(std::string_view path, credentials who) -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  auto last = place_of(path, who);
  if (!last) return last.error();
  if (last->name.empty() || last->name == "." || last->name == "..") return dvs::errc::is_directory;
  node child;  // outlives the guard: its release may free the file
  {
    const exclusive guard{last->parent->lock};
    if (auto allowed = may_change(last->parent, who); !allowed) return allowed;
    auto names = entries(last->parent);
    auto found = names.find(last->name);
    if (!found) return found.error();
    if (found->inode == 0) return dvs::errc::no_entry;
    auto got = inodes_.get(found->inode);
    if (!got) return got.error();
    child = std::move(*got);
    if (child->record.is(file_kind::directory)) return dvs::errc::is_directory;
    if (last->directory_wanted) return dvs::errc::not_directory;
    if (!may_remove(last->parent, child, who)) return dvs::errc::access_denied;
    if (auto removed = names.remove(*found, last->name); !removed) return removed;
    auto dropped = drop_links(*child, 1);
    if (auto stored = finish(*child); !stored) return stored;
    if (auto stored = inodes_.store(*last->parent); !stored) return stored;
    if (!dropped) return dropped;
  }
  return child.release();
}

// Counts links off; a count that was too small to begin with ends at 0 and is a fault.
template <block_device Device, host Host>
auto file_system<Device, Host>::drop_links(inode_type& file, std::uint32_t count) -> dvs::result<void> {
  const bool enough = file.record.links >= count;
  file.record.links = enough ? static_cast<std::uint16_t>(file.record.links - count) : std::uint16_t{0};
  file.dirty = true;
  if (!enough) return inodes_.fault(file.number, "an inode counts fewer links than it has");
  return {};
}

}  // namespace muk::minixfs

#endif
