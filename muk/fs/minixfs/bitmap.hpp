// SPDX-License-Identifier: MIT
/// @file
/// The inode map and the zone map: which numbers are taken.
#ifndef MUK_FS_MINIXFS_BITMAP_HPP
#define MUK_FS_MINIXFS_BITMAP_HPP

#include <bit>
#include <cstdint>
#include <dvs/result.hpp>
#include <muk/fs/minixfs/bytes.hpp>
#include <span>

namespace muk::minixfs {

/// A map of bits 1 … `highest` in consecutive blocks of a cache; bit 0 is never handed out.
template <class Cache>
class bitmap {
 public:
  explicit bitmap(Cache& cache) : cache_(cache) {}

  /// Says where the map lies; before the first use.
  void set_shape(std::uint32_t first_block, std::uint32_t highest, std::uint32_t block_size) {
    first_block_ = first_block;
    highest_ = highest;
    bits_per_block_ = block_size * 8;
  }

  /// Takes the first free bit at or after `near`, else the first of all. Errors: `no_space`, `io_error`.
  dvs::result<std::uint32_t> take(std::uint32_t near) {
    if (near < 1 || near > highest_) near = 1;
    const std::uint32_t blocks = highest_ / bits_per_block_ + 1;
    // The block of `near` is looked at twice: behind `near` first, from its beginning last.
    for (std::uint32_t step = 0; step <= blocks; ++step) {
      const std::uint32_t index = (near / bits_per_block_ + step) % blocks;
      const std::uint32_t from = step == 0 ? near % bits_per_block_ : (index == 0 ? 1 : 0);
      auto seen = cache_.get(first_block_ + index);
      if (!seen) return seen.error();
      if (first_free(seen->bytes(), from, index) == none) continue;
      auto edit = cache_.edit(first_block_ + index);
      if (!edit) return edit.error();
      const std::uint32_t bit = first_free(edit->bytes(), from, index);  // another fiber may have been faster
      if (bit == none) continue;
      edit->bytes()[bit / 8] |= std::byte{1} << (bit % 8);
      return index * bits_per_block_ + bit;
    }
    return dvs::errc::no_space;
  }

  /// Frees a bit of 1 … `highest`; false when it was free.
  dvs::result<bool> drop(std::uint32_t number) {
    auto edit = cache_.edit(first_block_ + number / bits_per_block_);
    if (!edit) return edit.error();
    const std::uint32_t bit = number % bits_per_block_;
    std::byte& cell = edit->bytes()[bit / 8];
    const std::byte mask = std::byte{1} << (bit % 8);
    if ((cell & mask) == std::byte{0}) return false;
    cell &= ~mask;
    return true;
  }

  /// Whether a bit of 1 … `highest` is taken.
  dvs::result<bool> holds(std::uint32_t number) {
    auto seen = cache_.get(first_block_ + number / bits_per_block_);
    if (!seen) return seen.error();
    const std::uint32_t bit = number % bits_per_block_;
    return (seen->bytes()[bit / 8] & (std::byte{1} << (bit % 8))) != std::byte{0};
  }

  /// How many bits are free.
  dvs::result<std::uint32_t> count_free() {
    std::uint32_t free = 0;
    for (std::uint32_t index = 0; index <= highest_ / bits_per_block_; ++index) {
      auto seen = cache_.get(first_block_ + index);
      if (!seen) return seen.error();
      for (std::uint32_t bit = index == 0 ? 1 : 0; (bit = first_free(seen->bytes(), bit, index)) != none; ++bit) ++free;
    }
    return free;
  }

 private:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  // The first free bit of block `index` at or after bit `from`.
  [[nodiscard]] std::uint32_t first_free(std::span<const std::byte> bytes, std::uint32_t from,
                                         std::uint32_t index) const {
    const std::uint32_t end =
        std::min<std::uint64_t>(bits_per_block_, std::uint64_t{highest_} + 1 - std::uint64_t{index} * bits_per_block_);
    for (std::uint32_t word = from / 64 * 64; word < end; word += 64) {
      std::uint64_t free = ~load<std::uint64_t>(bytes, word / 8);
      if (word < from) free &= ~std::uint64_t{0} << (from - word);
      if (free == 0) continue;
      const std::uint32_t bit = word + static_cast<std::uint32_t>(std::countr_zero(free));
      return bit < end ? bit : none;
    }
    return none;
  }

  Cache& cache_;
  std::uint32_t first_block_ = 0;
  std::uint32_t highest_ = 0;
  std::uint32_t bits_per_block_ = 8192;
};

}  // namespace muk::minixfs

#endif
