// SPDX-License-Identifier: MIT
/// @file
/// The inodes in use: loaded once, shared by all who have the file open, written back, freed with their last user.
#ifndef MUK_FS_MINIXFS_INODE_TABLE_HPP
#define MUK_FS_MINIXFS_INODE_TABLE_HPP

#include <algorithm>
#include <list>
#include <muk/fs/minixfs/file_map.hpp>
#include <muk/fs/minixfs/inode.hpp>
#include <muk/fs/minixfs/storage.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

namespace muk::minixfs {

/// A counted reference to an inode; the file exists at least as long as it. Move-only.
template <class Table>
class inode_reference {
 public:
  inode_reference() = default;
  inode_reference(Table& table, typename Table::inode_type& target) : table_(&table), inode_(&target) {}
  inode_reference(inode_reference&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), inode_(std::exchange(other.inode_, nullptr)) {}
  inode_reference& operator=(inode_reference&& other) noexcept {
    inode_reference old{std::move(*this)};
    table_ = std::exchange(other.table_, nullptr);
    inode_ = std::exchange(other.inode_, nullptr);
    return *this;
  }
  ~inode_reference() {
    if (inode_ != nullptr) (void)table_->release(*inode_);
  }

  /// Ends the reference and says whether that went well: the last one of an unlinked file frees its blocks.
  dvs::result<void> release() {
    if (inode_ == nullptr) return {};
    return table_->release(*std::exchange(inode_, nullptr));
  }
  /// A second reference to the same inode.
  [[nodiscard]] inode_reference share() const {
    ++inode_->users;
    return {*table_, *inode_};
  }
  [[nodiscard]] explicit operator bool() const { return inode_ != nullptr; }
  [[nodiscard]] typename Table::inode_type& operator*() const { return *inode_; }
  [[nodiscard]] typename Table::inode_type* operator->() const { return inode_; }

 private:
  Table* table_ = nullptr;
  typename Table::inode_type* inode_ = nullptr;
};

/// All inodes that have users, and some that had until lately.
template <block_device Device, host Host>
class inode_table {
 public:
  using inode_type = inode<Host>;
  using reference = inode_reference<inode_table>;

  explicit inode_table(storage<Device, Host>& below) : storage_(below) {}
  inode_table(const inode_table&) = delete;
  inode_table& operator=(const inode_table&) = delete;

  /// The inode `number`, which a directory or the superblock named.
  /// Errors: `io_error` when the number is outside the table, free, or its record cannot be true.
  dvs::result<reference> get(std::uint32_t number) {
    if (number < 1 || number > storage_.super.inodes)
      return storage_.faults.report(0, "a directory names an inode number outside the table");
    if (const auto found = places_.find(number); found != places_.end()) {
      inode_type& known = *found->second;
      if (known.users == 0) used_.splice(used_.begin(), idle_, found->second);
      if (known.dying) return fault(number, "a directory names an inode that has no names left");
      ++known.users;
      reference shared{*this, known};
      while (known.loading) known.loaded.wait();
      if (known.record.mode == 0) return fault(number, "a directory names an inode that cannot be read");
      return shared;
    }
    inode_type& fresh = add(number);
    reference first{*this, fresh};
    const end_of_loading guard{fresh};
    if (auto loaded = load(fresh); !loaded) {
      fresh.record = {};
      return loaded.error();
    }
    return first;
  }

  /// A new inode with one user and no links yet. Errors: `no_space`, `io_error`.
  dvs::result<reference> create(const inode_record& record) {
    while (true) {
      auto number = storage_.inode_map.take(next_inode_);
      if (!number) return number.error();
      next_inode_ = *number + 1;
      // An image whose map calls a used inode free must not get two owners for it; the number stays taken.
      if (places_.contains(*number)) continue;
      inode_type& fresh = add(*number);
      fresh.loading = false;
      fresh.record = record;
      fresh.dirty = true;
      return reference{*this, fresh};
    }
  }

  /// Writes the record into its block of the cache. Errors: `io_error`.
  dvs::result<void> store(inode_type& changed) {
    auto edit = storage_.cache.edit(storage_.super.inode_block(changed.number));
    if (!edit) return edit.error();
    changed.dirty = false;
    encode_inode(storage_.super.format, changed.record,
                 edit->bytes().subspan(offset_in_block(changed.number), storage_.super.inode_bytes()));
    return {};
  }

  /// Stores every inode that is dirty; errors as `store`, the first one, after trying all.
  dvs::result<void> store_all() {
    dvs::result<void> outcome;
    std::vector<std::uint32_t> numbers;
    for (const inode_type& one : used_)
      if (one.dirty && !one.dying && !one.loading) numbers.push_back(one.number);
    for (const std::uint32_t number : numbers) {
      const auto found = places_.find(number);
      if (found == places_.end() || found->second->dying || found->second->users == 0) continue;
      ++found->second->users;
      reference hold{*this, *found->second};
      if (auto stored = store(*hold); !stored) outcome = stored;
    }
    return outcome;
  }

  /// Gives up one reference; `inode_reference` calls it.
  dvs::result<void> release(inode_type& used) {
    dvs::result<void> outcome;
    while (used.users == 1 && used.record.mode != 0) {
      if (used.record.links == 0) {
        used.dying = true;
        outcome = destroy(used);
        break;
      }
      if (!used.dirty) break;
      // Storing may wait, and the inode may find new users meanwhile.
      outcome = store(used);
      if (!outcome) used.dirty = false;
    }
    if (--used.users > 0) return outcome;
    const auto here = places_.find(used.number);
    if (used.record.mode == 0) {
      used_.erase(here->second);
      places_.erase(here);
      return outcome;
    }
    idle_.splice(idle_.begin(), used_, here->second);
    if (idle_.size() > idle_max) {
      places_.erase(idle_.back().number);
      idle_.pop_back();
    }
    return outcome;
  }

  /// Whether some file has no name any more but is still in use.
  [[nodiscard]] bool has_nameless() const {
    return std::any_of(used_.begin(), used_.end(),
                       [](const inode_type& one) { return one.record.links == 0 && one.record.mode != 0; });
  }
  /// How many inodes are in use.
  [[nodiscard]] std::size_t size() const { return used_.size(); }

  /// Reports a fault of inode `number` at its block of the inode table.
  dvs::errc fault(std::uint32_t number, const char* why) {
    return storage_.faults.report(storage_.super.inode_block(number), why);
  }

 private:
  static constexpr std::size_t idle_max = 256;  // inodes without users that stay in memory

  struct end_of_loading {
    inode_type& target;
    ~end_of_loading() {
      target.loading = false;
      target.loaded.wake_all();
    }
  };

  inode_type& add(std::uint32_t number) {
    inode_type& fresh = used_.emplace_front(number, storage_.surroundings);
    places_.emplace(number, used_.begin());
    return fresh;
  }

  [[nodiscard]] std::uint32_t offset_in_block(std::uint32_t number) const {
    return (number - 1) % storage_.super.inodes_per_block() * storage_.super.inode_bytes();
  }

  dvs::result<void> load(inode_type& fresh) {
    auto taken = storage_.inode_map.holds(fresh.number);
    if (!taken) return taken.error();
    if (!*taken) return fault(fresh.number, "a directory names a free inode");
    auto seen = storage_.cache.get(storage_.super.inode_block(fresh.number));
    if (!seen) return seen.error();
    fresh.record = decode_inode(storage_.super.format,
                                seen->bytes().subspan(offset_in_block(fresh.number), storage_.super.inode_bytes()));
    if (!fresh.record.has_known_kind()) return fault(fresh.number, "an inode is of no known kind");
    if (fresh.record.links == 0) return fault(fresh.number, "an inode that has a name counts no links");
    if (fresh.record.has_zones() && fresh.record.size > storage_.super.mappable_blocks() * storage_.super.block_size)
      return fault(fresh.number, "a file is longer than its zones can reach");
    if (fresh.record.is(file_kind::directory) &&
        fresh.record.size / storage_.super.block_size > storage_.super.zones - storage_.super.first_data_zone)
      return fault(fresh.number, "a directory is longer than the file system");
    if (fresh.record.is(file_kind::symlink) && fresh.record.size > storage_.super.block_size)
      return fault(fresh.number, "a symbolic link is longer than a block");
    return {};
  }

  // Frees the content and the number of an inode without names and users.
  dvs::result<void> destroy(inode_type& used) {
    dvs::result<void> outcome;
    if (used.record.has_zones()) outcome = file_map{storage_, used}.cut(0);
    used.record = {};
    if (auto stored = store(used); !stored) return stored;
    auto dropped = storage_.inode_map.drop(used.number);
    if (!dropped) return dropped.error();
    return outcome;
  }

  storage<Device, Host>& storage_;
  std::list<inode_type> used_;
  std::list<inode_type> idle_;  // the one used last comes first
  std::unordered_map<std::uint32_t, typename std::list<inode_type>::iterator> places_;
  std::uint32_t next_inode_ = 1;
};

}  // namespace muk::minixfs

#endif
