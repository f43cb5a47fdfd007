// SPDX-License-Identifier: MIT
/// @file
/// Following a path to a file.
#ifndef MUK_FS_MINIXFS_DETAIL_WALK_HPP
#define MUK_FS_MINIXFS_DETAIL_WALK_HPP

#include <cstring>
#include <muk/fs/minixfs/file_system.hpp>

namespace muk::minixfs {

/// The state of a path walk: where it is, and what of the path is left.
template <block_device Device, host Host>
class file_system<Device, Host>::walk {
 public:
  walk(file_system& owner, std::string_view path, credentials who)
      : owner_(owner), at_(owner.root_.share()), path_(path), who_(who) {}

  /// Goes to the directory of the last component. A component is looked up once; symbolic links on the way are
  /// followed, the last component is left to the caller.
  dvs::result<place> to_last() {
    if (path_.empty()) return dvs::errc::no_entry;
    while (true) {
      if (path_.size() > path_max) return dvs::errc::name_too_long;
      const std::size_t begin = std::min(path_.find_first_not_of('/', next_), path_.size());
      const std::size_t end = std::min(path_.find('/', begin), path_.size());
      const std::string name = path_.substr(begin, end - begin);
      if (name.size() > owner_.storage_.super.name_length) return dvs::errc::name_too_long;
      if (name.find('\0') != std::string::npos) return dvs::errc::bad_argument;
      next_ = end;
      if (path_.find_first_not_of('/', end) == std::string::npos)
        return place{at_.share(), name, name.empty() || end < path_.size()};
      auto child = owner_.step(at_, name, who_);
      if (!child) return child.error();
      if ((*child)->record.is(file_kind::symlink)) {
        if (auto followed = follow(*child); !followed) return followed.error();
        continue;
      }
      if (!(*child)->record.is(file_kind::directory)) return dvs::errc::not_directory;
      at_ = std::move(*child);
    }
  }

  /// Puts the target of a symbolic link, found in the directory where the walk is, in front of what is left.
  dvs::result<void> follow(const node& symlink) {
    if (++followed_ > links_followed_max) return dvs::errc::loop;
    auto target = owner_.target_of(symlink);
    if (!target) return target.error();
    if (target->empty()) return dvs::errc::no_entry;
    path_ = *target + path_.substr(next_);
    next_ = 0;
    if (path_.front() == '/') at_ = owner_.root_.share();
    return {};
  }

 private:
  file_system& owner_;
  node at_;
  std::string path_;
  std::size_t next_ = 0;
  int followed_ = 0;
  credentials who_;
};

template <block_device Device, host Host>
auto file_system<Device, Host>::place_of(std::string_view path, credentials who) -> dvs::result<place> {
  return walk{*this, path, who}.to_last();
}

template <block_device Device, host Host>
auto file_system<Device, Host>::find(std::string_view path, credentials who, bool follow) -> dvs::result<node> {
  walk way{*this, path, who};
  while (true) {
    auto last = way.to_last();
    if (!last) return last.error();
    auto found = step(last->parent, last->name, who);
    if (!found) return found;
    if ((*found)->record.is(file_kind::symlink) && (follow || last->directory_wanted)) {
      if (auto followed = way.follow(*found); !followed) return followed.error();
      continue;
    }
    if (last->directory_wanted && !(*found)->record.is(file_kind::directory)) return dvs::errc::not_directory;
    return found;
  }
}

// The file called `name` in a directory; an empty name is the directory itself.
template <block_device Device, host Host>
auto file_system<Device, Host>::step(const node& parent, std::string_view name, credentials who) -> dvs::result<node> {
  const shared guard{parent->lock};
  if (auto allowed = may_enter(parent, who); !allowed) return allowed.error();
  if (name.empty() || name == "." || (name == ".." && parent->number == root_inode)) return parent.share();
  auto number = entries(parent).inode_of(name);
  if (!number) return number.error();
  if (*number == 0) return dvs::errc::no_entry;
  return inodes_.get(*number);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::target_of(const node& symlink) -> dvs::result<std::string> {
  const shared guard{symlink->lock};
  file_map map{storage_, *symlink};
  auto zone = map.find(0);
  if (!zone) return zone.error();
  if (*zone == 0) return inodes_.fault(symlink->number, "a symbolic link has no target");
  auto seen = storage_.cache.get(*zone);
  if (!seen) return seen.error();
  const auto* text = reinterpret_cast<const char*>(seen->bytes().data());
  return std::string{text, strnlen(text, symlink->record.size)};
}

template <block_device Device, host Host>
auto file_system<Device, Host>::may_enter(const node& parent, credentials who) const -> dvs::result<void> {
  if (!parent->record.is(file_kind::directory)) return dvs::errc::not_directory;
  if (parent->removed) return dvs::errc::no_entry;
  return check(parent, permission::execute, who);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::may_change(const node& parent, credentials who) const -> dvs::result<void> {
  if (auto allowed = may_enter(parent, who); !allowed) return allowed;
  return check(parent, permission::write, who);
}

// In a sticky directory only the owners of the name or of the directory may take it away.
template <block_device Device, host Host>
bool file_system<Device, Host>::may_remove(const node& parent, const node& child, credentials who) {
  return (parent->record.mode & sticky) == 0 || who.uid == 0 || who.uid == parent->record.uid ||
         who.uid == child->record.uid;
}

}  // namespace muk::minixfs

#endif
