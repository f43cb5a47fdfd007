// SPDX-License-Identifier: MIT
/// @file
/// Which zone holds which block of a file: direct, single, double and triple indirect.
#ifndef MUK_FS_MINIXFS_FILE_MAP_HPP
#define MUK_FS_MINIXFS_FILE_MAP_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <muk/fs/minixfs/inode.hpp>
#include <muk/fs/minixfs/storage.hpp>
#include <vector>

namespace muk::minixfs {

/// The zones of one inode. The caller holds the lock of the inode as long as the map lives: shared for `find`,
/// exclusive for the rest.
///
/// Every number read from the image is checked before it is followed, the depth is fixed, and an indirect block is
/// freed before its zones are looked at: neither a cycle nor a cross link can make an operation endless.
template <block_device Device, host Host>
class file_map {
 public:
  struct placed {
    std::uint32_t zone;
    bool fresh;  ///< Just taken: its content is anything until the caller writes all of it.
  };

  file_map(storage<Device, Host>& below, inode<Host>& file) : storage_(below), inode_(file) {}

  /// The zone of a block of the file, 0 for a hole. Errors: `io_error`, `file_too_big`.
  dvs::result<std::uint32_t> find(std::uint64_t block) {
    if (in_leaf(block)) return checked(zone_in(leaf_.bytes(), block - leaf_begin_), leaf_block_);
    route way;
    if (!locate(block, way)) return dvs::errc::file_too_big;
    auto zone = checked(inode_.record.zones[way.slot], storage_.super.inode_block(inode_.number));
    for (std::uint32_t level = 0; level < way.depth; ++level) {
      if (!zone || *zone == 0) return zone;
      if (auto entered = enter(*zone, way, level, block); !entered) return entered.error();
      zone = checked(zone_in(leaf_.bytes(), way.index[level]), leaf_block_);
    }
    return zone;
  }

  /// The zone of a block of the file; fills a hole with a free zone. Errors: `no_space`, `io_error`, `file_too_big`.
  dvs::result<placed> assign(std::uint64_t block) {
    auto known = find(block);
    if (!known) return known.error();
    if (*known != 0) return placed{*known, false};
    route way;
    if (!locate(block, way)) return dvs::errc::file_too_big;
    std::uint32_t zone = inode_.record.zones[way.slot];
    if (zone == 0) {
      auto taken = way.depth == 0 ? take() : take_indirect();
      if (!taken) return taken.error();
      inode_.record.zones[way.slot] = zone = *taken;
      inode_.dirty = true;
    }
    for (std::uint32_t level = 0; level < way.depth; ++level) {
      if (auto entered = enter(zone, way, level, block); !entered) return entered.error();
      auto below = checked(zone_in(leaf_.bytes(), way.index[level]), leaf_block_);
      if (!below) return below.error();
      if (*below == 0) {
        below = level + 1 == way.depth ? take() : take_indirect();
        if (!below) return below.error();
        if (auto linked = link(zone, way.index[level], *below); !linked) {
          (void)storage_.free_zone(*below);
          return linked.error();
        }
      }
      zone = *below;
    }
    return placed{zone, true};
  }

  /// Frees every zone from block `keep` on. Goes on after a fault, and returns the first one.
  dvs::result<void> cut(std::uint64_t keep) {
    leaf_.reset();
    leaf_is_last_ = false;
    dvs::result<void> outcome;
    auto& zones = inode_.record.zones;
    for (std::uint64_t i = std::min<std::uint64_t>(keep, direct_zones); i < direct_zones; ++i)
      drop(zones[i], 0, outcome);
    std::uint64_t begin = direct_zones;
    std::uint64_t span = 1;
    for (std::uint32_t level = 1; level <= storage_.super.indirect_levels(); ++level) {
      span *= storage_.super.zones_per_block();
      std::uint32_t& zone = zones[direct_zones + level - 1];
      if (keep <= begin) {
        drop(zone, level, outcome);
      } else if (zone != 0 && keep < begin + span) {
        trim(zone, level, keep - begin, outcome);
      }
      begin += span;
    }
    inode_.dirty = true;
    return outcome;
  }

 private:
  using view = typename block_cache<Device, Host>::view;

  struct route {
    std::uint32_t slot = 0;                // in the inode
    std::uint32_t depth = 0;               // indirect blocks on the way
    std::array<std::uint32_t, 3> index{};  // in each of them
  };

  bool locate(std::uint64_t block, route& way) const {
    if (block < direct_zones) {
      way.slot = static_cast<std::uint32_t>(block);
      return true;
    }
    block -= direct_zones;
    const std::uint64_t fan = storage_.super.zones_per_block();
    std::uint64_t span = 1;
    for (std::uint32_t level = 1; level <= storage_.super.indirect_levels(); ++level) {
      span *= fan;
      if (block >= span) {
        block -= span;
        continue;
      }
      way.slot = direct_zones + level - 1;
      way.depth = level;
      for (std::uint32_t i = level; i-- > 0; block /= fan) way.index[i] = static_cast<std::uint32_t>(block % fan);
      return true;
    }
    return false;
  }

  [[nodiscard]] bool in_leaf(std::uint64_t block) const {
    return leaf_is_last_ && block >= leaf_begin_ && block - leaf_begin_ < storage_.super.zones_per_block();
  }

  // Makes `zone` the indirect block that is looked at; the last of a way serves the following blocks as well.
  dvs::result<void> enter(std::uint32_t zone, const route& way, std::uint32_t level, std::uint64_t block) {
    leaf_is_last_ = false;
    auto seen = storage_.cache.get(zone);
    if (!seen) return seen.error();
    leaf_ = std::move(*seen);
    leaf_block_ = zone;
    leaf_is_last_ = level + 1 == way.depth;
    leaf_begin_ = block - way.index[level];
    return {};
  }

  [[nodiscard]] std::uint32_t zone_in(std::span<const std::byte> indirect, std::uint64_t index) const {
    if (storage_.super.format == version::v1) return load<std::uint16_t>(indirect, index * 2);
    return load<std::uint32_t>(indirect, index * 4);
  }

  dvs::result<std::uint32_t> checked(std::uint32_t zone, std::uint32_t where) {
    if (zone == 0 || storage_.super.is_data_zone(zone)) return zone;
    return storage_.faults.report(where, "a zone number lies outside the data zones");
  }

  dvs::result<std::uint32_t> take() {
    auto zone = storage_.allocate_zone(inode_.next_zone);
    if (zone) inode_.next_zone = *zone + 1;
    return zone;
  }

  dvs::result<std::uint32_t> take_indirect() {
    auto zone = take();
    if (!zone) return zone;
    auto edit = storage_.cache.overwrite(*zone, 1);
    std::fill(edit.bytes().begin(), edit.bytes().end(), std::byte{0});
    edit.complete();
    return zone;
  }

  dvs::result<void> link(std::uint32_t indirect, std::uint32_t index, std::uint32_t zone) {
    auto edit = storage_.cache.edit(indirect);
    if (!edit) return edit.error();
    put(edit->bytes(), index, zone);
    return {};
  }

  void put(std::span<std::byte> indirect, std::uint32_t index, std::uint32_t zone) const {
    if (storage_.super.format == version::v1) return store(indirect, index * 2, static_cast<std::uint16_t>(zone));
    store(indirect, index * 4, zone);
  }

  static void note(dvs::result<void>& outcome, const dvs::result<void>& step) {
    if (outcome && !step) outcome = step;
  }

  // Frees a zone and, `level` indirections down, all that it names.
  void drop(std::uint32_t& slot, std::uint32_t level, dvs::result<void>& outcome) {
    if (slot == 0) return;
    const std::uint32_t zone = std::exchange(slot, 0);
    std::vector<std::uint32_t> below;
    if (level > 0) {
      if (!storage_.super.is_data_zone(zone))
        return note(outcome, storage_.faults.report(zone, "a zone number lies outside the data zones"));
      if (auto read = read_indirect(zone, below); !read) return note(outcome, read);
    }
    if (auto freed = storage_.free_zone(zone); !freed) return note(outcome, freed);
    for (std::uint32_t& one : below) drop(one, level - 1, outcome);
  }

  // Frees all blocks from `keep` on, counted from the first that this indirect block can reach; keeps the block itself.
  void trim(std::uint32_t zone, std::uint32_t level, std::uint64_t keep, dvs::result<void>& outcome) {
    if (!storage_.super.is_data_zone(zone))
      return note(outcome, storage_.faults.report(zone, "a zone number lies outside the data zones"));
    std::vector<std::uint32_t> below;
    if (auto read = read_indirect(zone, below); !read) return note(outcome, read);
    std::uint64_t reach = 1;
    for (std::uint32_t i = 1; i < level; ++i) reach *= storage_.super.zones_per_block();
    const std::uint64_t border = keep / reach;
    const std::uint64_t first = border + (keep % reach != 0 ? 1 : 0);
    {
      auto edit = storage_.cache.edit(zone);
      if (!edit) return note(outcome, edit.error());
      for (std::uint64_t i = first; i < below.size(); ++i) put(edit->bytes(), static_cast<std::uint32_t>(i), 0);
    }
    if (first != border && below[border] != 0) trim(below[border], level - 1, keep % reach, outcome);
    for (std::uint64_t i = first; i < below.size(); ++i) drop(below[i], level - 1, outcome);
  }

  dvs::result<void> read_indirect(std::uint32_t zone, std::vector<std::uint32_t>& into) {
    auto seen = storage_.cache.get(zone);
    if (!seen) return seen.error();
    into.resize(storage_.super.zones_per_block());
    for (std::uint32_t i = 0; i < into.size(); ++i) into[i] = zone_in(seen->bytes(), i);
    return {};
  }

  storage<Device, Host>& storage_;
  inode<Host>& inode_;
  view leaf_;  // the indirect block looked at last
  std::uint32_t leaf_block_ = 0;
  std::uint64_t leaf_begin_ = 0;  // the block of the file that its first zone holds, if it is the last of its way
  bool leaf_is_last_ = false;
};

}  // namespace muk::minixfs

#endif
