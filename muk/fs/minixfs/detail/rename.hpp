// SPDX-License-Identifier: MIT
/// @file
/// Moving a name.
#ifndef MUK_FS_MINIXFS_DETAIL_RENAME_HPP
#define MUK_FS_MINIXFS_DETAIL_RENAME_HPP

#include <muk/fs/minixfs/file_system.hpp>

namespace muk::minixfs {

template <block_device Device, host Host>
auto file_system<Device, Host>::rename(std::string_view from, std::string_view to, credentials who)
    -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  const auto special = [](const std::string& name) { return name == "." || name == ".."; };
  auto old_place = place_of(from, who);
  if (!old_place) return old_place.error();
  auto new_place = place_of(to, who);
  if (!new_place) return new_place.error();
  if (special(old_place->name) || special(new_place->name)) return dvs::errc::bad_argument;
  if (old_place->name.empty() || new_place->name.empty()) return dvs::errc::busy;
  // No directory moves or goes while this is held, so what is above another stays so.
  const exclusive one_at_a_time{topology_};
  while (true) {
    auto what = step(old_place->parent, old_place->name, who);
    if (!what) return what.error();
    if ((*what)->record.is(file_kind::directory)) {
      auto inside = is_below(new_place->parent->number, (*what)->number);
      if (!inside) return inside.error();
      if (*inside) return dvs::errc::bad_argument;
    } else if (old_place->directory_wanted || new_place->directory_wanted) {
      return dvs::errc::not_directory;
    }
    // Between the look and the lock a name may have gone to another file: then look again.
    auto renamed = rename_locked(*old_place, *new_place, *what, who);
    if (renamed.error() != dvs::errc::would_block) return renamed;
  }
}

// The part of `rename` that holds the directories. `would_block`: a name went to another file meanwhile.
template <block_device Device, host Host>
auto file_system<Device, Host>::rename_locked(place& from, place& to, const node& what, credentials who)
    -> dvs::result<void> {
  const node& source = from.parent;
  const node& target = to.parent;
  const bool moves = source->number != target->number;
  node replaced;  // outlives the guards: its release may free it
  bool replaces_ancestor = false;
  if (auto there = step(target, to.name, who)) {
    replaced = std::move(*there);
    if (replaced->record.is(file_kind::directory)) {
      auto above = is_below(source->number, replaced->number);
      if (!above) return above.error();
      replaces_ancestor = *above;
    }
  } else if (there.error() != dvs::errc::no_entry) {
    return there.error();
  }
  const exclusive source_guard{source->lock};
  std::optional<exclusive> target_guard;
  if (moves) target_guard.emplace(target->lock);
  if (auto allowed = may_change(source, who); !allowed) return allowed;
  if (auto allowed = may_change(target, who); !allowed) return allowed;
  auto source_names = entries(source);
  auto target_names = entries(target);
  auto old_entry = source_names.find(from.name);
  if (!old_entry) return old_entry.error();
  auto new_entry = target_names.find(to.name);
  if (!new_entry) return new_entry.error();
  if (old_entry->inode == 0) return dvs::errc::no_entry;
  if (old_entry->inode != what->number || new_entry->inode != (replaced ? replaced->number : 0))
    return dvs::errc::would_block;
  if (!may_remove(source, what, who)) return dvs::errc::access_denied;
  if (replaced && replaced->number == what->number) return {};
  const bool is_directory = what->record.is(file_kind::directory);
  if (what->number == source->number || what->number == target->number)
    return inodes_.fault(what->number, "a directory is its own ancestor");
  if (is_directory && moves) {
    if (auto allowed = check(what, permission::write, who); !allowed) return allowed;
  }

  std::optional<exclusive> replaced_guard;
  if (replaced) {
    if (!may_remove(target, replaced, who)) return dvs::errc::access_denied;
    const bool replaces_directory = replaced->record.is(file_kind::directory);
    if (is_directory && !replaces_directory) return dvs::errc::not_directory;
    if (!is_directory && replaces_directory) return dvs::errc::is_directory;
    if (replaces_directory) {
      if (replaces_ancestor) return dvs::errc::not_empty;
      if (replaced->number == source->number || replaced->number == target->number || replaced->number == root_inode)
        return inodes_.fault(replaced->number, "a directory is its own ancestor");
      replaced_guard.emplace(replaced->lock);
      auto empty = entries(replaced).is_empty();
      if (!empty) return empty.error();
      if (!*empty) return dvs::errc::not_empty;
    }
  } else if (is_directory && moves && target->record.links >= storage_.super.links_max()) {
    return dvs::errc::too_many_links;
  }

  if (replaced) {
    if (auto named = target_names.replace(*new_entry, to.name, what->number); !named) return named;
  } else if (auto named = target_names.insert(to.name, what->number); !named) {
    return named;
  }
  if (auto removed = source_names.remove(*old_entry, from.name); !removed) return removed;
  dvs::result<void> outcome;
  const auto note = [&](const dvs::result<void>& done) {
    if (outcome && !done) outcome = done;
  };
  if (replaced) {
    replaced->removed = is_directory;
    note(drop_links(*replaced, is_directory ? 2 : 1));
    note(finish(*replaced));
  }
  if (is_directory && replaced) note(drop_links(*target, 1));
  if (is_directory && moves) {
    note(drop_links(*source, 1));
    ++target->record.links;
    const exclusive what_guard{what->lock};
    auto inside = entries(what);
    auto up = inside.find("..");
    if (!up) return up.error();
    if (up->inode == 0) return inodes_.fault(what->number, "a directory does not name its parent");
    note(inside.replace(*up, "..", target->number));
  }
  note(finish(*what));
  note(inodes_.store(*source));
  if (moves) note(inodes_.store(*target));
  return outcome;
}

// Whether a directory is `ancestor` or lies below it. The caller holds `topology_` and no directory.
template <block_device Device, host Host>
auto file_system<Device, Host>::is_below(std::uint32_t directory_number, std::uint32_t ancestor) -> dvs::result<bool> {
  // The way up is compared with an earlier point of itself, ever farther back: a circle meets it again.
  std::uint32_t earlier = 0;
  for (std::uint64_t steps = 1, limit = 2;; ++steps) {
    if (directory_number == earlier) return inodes_.fault(ancestor, "a directory is its own ancestor");
    if (steps == limit) {
      earlier = directory_number;
      limit *= 2;
    }
    if (directory_number == ancestor) return true;
    if (directory_number == root_inode) return false;
    auto here = inodes_.get(directory_number);
    if (!here) return here.error();
    if (!(*here)->record.is(file_kind::directory))
      return inodes_.fault(directory_number, "the parent of a directory is no directory");
    if ((*here)->removed) return dvs::errc::no_entry;
    const shared guard{(*here)->lock};
    auto up = entries(*here).find("..");
    if (!up) return up.error();
    if (up->inode == 0) return inodes_.fault(directory_number, "a directory does not name its parent");
    directory_number = up->inode;
  }
}

}  // namespace muk::minixfs

#endif
