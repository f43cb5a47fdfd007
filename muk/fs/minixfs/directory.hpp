// SPDX-License-Identifier: MIT
/// @file
/// The entries of a directory.
#ifndef MUK_FS_MINIXFS_DIRECTORY_HPP
#define MUK_FS_MINIXFS_DIRECTORY_HPP

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <muk/fs/minixfs/file_map.hpp>
#include <string_view>

namespace muk::minixfs {

/// One directory. The caller holds the lock of its inode as long as the object lives, exclusively for changes.
template <block_device Device, host Host>
class directory {
 public:
  /// An entry that was found.
  struct entry {
    std::uint32_t inode = 0;     ///< 0: nothing was found.
    std::uint32_t position = 0;  ///< In bytes from the start of the directory.
    std::uint32_t block = 0;     ///< The block of the device that holds it.
    std::string_view name;       ///< Valid only inside a visit.
  };

  directory(storage<Device, Host>& below, inode<Host>& its_inode)
      : storage_(below), inode_(its_inode), map_(below, its_inode) {}

  /// The inode that `name` leads to, 0 for none; a name that was looked up before is not searched. Errors: `io_error`.
  dvs::result<std::uint32_t> inode_of(std::string_view name) {
    if (const std::uint32_t known = storage_.names.find(inode_.number, name); known != 0) return known;
    auto found = find(name);
    if (!found) return found.error();
    if (found->inode != 0 && name != "..") storage_.names.remember(inode_.number, name, found->inode);
    return found->inode;
  }

  /// The entry called `name`, at most as long as names can be; its `inode` is 0 when there is none. Errors: `io_error`.
  dvs::result<entry> find(std::string_view name) {
    const superblock& super = storage_.super;
    const std::uint32_t step = super.entry_bytes();
    const std::uint32_t end = inode_.record.size / step * step;
    entry found;
    for (std::uint32_t position = 0; position < end && !name.empty();) {
      auto block = block_at(position);
      if (!block) return block.error();
      auto seen = storage_.cache.get(*block);
      if (!seen) return seen.error();
      const std::uint32_t stop = std::min<std::uint64_t>(end, (position / super.block_size + 1ULL) * super.block_size);
      const std::byte* raw = seen->bytes().data() + position % super.block_size;
      for (; position < stop; position += step, raw += step) {
        // Most entries differ in the first byte, so they are not even looked at as a whole.
        const auto* text = reinterpret_cast<const char*>(raw) + super.entry_number_bytes();
        if (text[0] != name[0] || std::memcmp(text, name.data(), name.size()) != 0) continue;
        if (name.size() < super.name_length && text[name.size()] != '\0') continue;
        const std::uint32_t number = number_in({raw, step});
        if (number == 0) continue;
        if (number > super.inodes) return storage_.faults.report(*block, "a directory record cannot be true");
        return entry{number, position, *block, {}};
      }
    }
    return found;
  }

  /// Whether there is nothing but `.` and `..`. Errors: `io_error`.
  dvs::result<bool> is_empty() {
    bool empty = true;
    auto scanned = scan(0, [&](const entry& one) { return empty = one.name == "." || one.name == ".."; });
    if (!scanned) return scanned.error();
    return empty;
  }

  /// Calls `visit(entry)` for the entries from `position` on until it returns false. Errors: `io_error`.
  template <class Visit>
  dvs::result<void> scan(std::uint32_t position, Visit&& visit) {
    const superblock& super = storage_.super;
    const std::uint32_t step = super.entry_bytes();
    const std::uint32_t end = inode_.record.size / step * step;
    position = (position + step - 1) / step * step;
    while (position < end) {
      auto block = block_at(position);
      if (!block) return block.error();
      auto seen = storage_.cache.get(*block);
      if (!seen) return seen.error();
      const std::uint32_t stop = std::min<std::uint64_t>(end, (position / super.block_size + 1ULL) * super.block_size);
      for (; position < stop; position += step) {
        const auto raw = seen->bytes().subspan(position % super.block_size, step);
        const std::uint32_t number = number_in(raw);
        if (number == 0) continue;
        const auto* text = reinterpret_cast<const char*>(raw.data()) + super.entry_number_bytes();
        const entry one{number, position, *block, {text, strnlen(text, super.name_length)}};
        if (number > super.inodes || one.name.empty() || one.name.find('/') != std::string_view::npos)
          return storage_.faults.report(*block, "a directory record cannot be true");
        if (!visit(one)) return {};
      }
    }
    return {};
  }

  /// Adds an entry; the caller has checked that the name is free and not too long.
  /// Errors: `no_space`, `file_too_big`, `io_error`.
  dvs::result<void> insert(std::string_view name, std::uint32_t number) {
    const superblock& super = storage_.super;
    const std::uint32_t step = super.entry_bytes();
    const std::uint32_t end = inode_.record.size / step * step;
    auto place = free_place(end);
    if (!place) return place.error();
    if (*place < end) {
      auto block = block_at(*place);
      if (!block) return block.error();
      auto edit = storage_.cache.edit(*block);
      if (!edit) return edit.error();
      write(edit->bytes().subspan(*place % super.block_size, step), name, number);
    } else {
      if (super.size_max - end < step) return dvs::errc::file_too_big;
      auto zone = map_.assign(end / super.block_size);
      if (!zone) return zone.error();
      if (end % super.block_size == 0) {
        auto edit = storage_.cache.overwrite(zone->zone, 1);
        std::fill(edit.bytes().begin(), edit.bytes().end(), std::byte{0});
        write(edit.bytes().first(step), name, number);
        edit.complete();
      } else {
        auto edit = storage_.cache.edit(zone->zone);
        if (!edit) return edit.error();
        write(edit->bytes().subspan(end % super.block_size, step), name, number);
      }
      inode_.record.size = end + step;
    }
    inode_.free_entry = *place + step;
    if (name != "." && name != "..") storage_.names.remember(inode_.number, name, number);
    touch();
    return {};
  }

  /// Makes the entry called `name` lead to another inode. Errors: `io_error`.
  dvs::result<void> replace(const entry& which, std::string_view name, std::uint32_t number) {
    storage_.names.forget(inode_.number, name);
    auto edit = storage_.cache.edit(which.block);
    if (!edit) return edit.error();
    write_number(edit->bytes().subspan(which.position % storage_.super.block_size), number);
    touch();
    return {};
  }

  /// Takes the entry called `name` out. Errors: `io_error`.
  dvs::result<void> remove(const entry& which, std::string_view name) {
    inode_.free_entry = std::min(inode_.free_entry, which.position);
    return replace(which, name, 0);
  }

 private:
  dvs::result<std::uint32_t> block_at(std::uint32_t position) {
    auto zone = map_.find(position / storage_.super.block_size);
    if (zone && *zone == 0)
      return storage_.faults.report(storage_.super.inode_block(inode_.number), "a directory has a hole");
    return zone;
  }

  // The position of the first free entry, or `end`.
  dvs::result<std::uint32_t> free_place(std::uint32_t end) {
    const superblock& super = storage_.super;
    const std::uint32_t step = super.entry_bytes();
    for (std::uint32_t position = inode_.free_entry; position < end;) {
      auto block = block_at(position);
      if (!block) return block.error();
      auto seen = storage_.cache.get(*block);
      if (!seen) return seen.error();
      const std::uint32_t stop = std::min<std::uint64_t>(end, (position / super.block_size + 1ULL) * super.block_size);
      for (; position < stop; position += step)
        if (number_in(seen->bytes().subspan(position % super.block_size, step)) == 0) return position;
    }
    return end;
  }

  [[nodiscard]] std::uint32_t number_in(std::span<const std::byte> raw) const {
    return storage_.super.format == version::v3 ? load<std::uint32_t>(raw, 0) : load<std::uint16_t>(raw, 0);
  }
  void write_number(std::span<std::byte> raw, std::uint32_t number) const {
    if (storage_.super.format == version::v3) return store(raw, 0, number);
    store(raw, 0, static_cast<std::uint16_t>(number));
  }
  void write(std::span<std::byte> raw, std::string_view name, std::uint32_t number) const {
    std::fill(raw.begin(), raw.end(), std::byte{0});
    write_number(raw, number);
    std::memcpy(raw.data() + storage_.super.entry_number_bytes(), name.data(), name.size());
  }
  void touch() {
    inode_.record.mtime = inode_.record.ctime = storage_.surroundings.now();
    inode_.dirty = true;
  }

  storage<Device, Host>& storage_;
  inode<Host>& inode_;
  file_map<Device, Host> map_;
};

}  // namespace muk::minixfs

#endif
