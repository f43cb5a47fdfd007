// SPDX-License-Identifier: MIT
/// @file
/// The commands that a node has open at others, by the number that their completions repeat.
#ifndef DVS_BACKENDS_USERSPACE_EXCHANGE_TABLE_HPP
#define DVS_BACKENDS_USERSPACE_EXCHANGE_TABLE_HPP

#include <cstdint>
#include <optional>
#include <vector>

namespace dvs::userspace {

/// Numbers entries so that the number of one that was removed is not given again for long: it is an index and how often
/// that was used. Belongs to one thread.
template <class Entry>
class exchange_table {
 public:
  /// Adds an entry; its number is never 0.
  std::uint64_t add(Entry entry) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    slots_[index].entry = std::move(entry);
    ++size_;
    return slots_[index].uses << 32 | index;
  }
  /// The entry of a number, or null.
  [[nodiscard]] Entry* find(std::uint64_t number) {
    const auto index = static_cast<std::uint32_t>(number);
    if (index >= slots_.size() || slots_[index].uses != number >> 32 || !slots_[index].entry) return nullptr;
    return &*slots_[index].entry;
  }
  /// Removes the entry of a number that `find` found.
  void remove(std::uint64_t number) {
    const auto index = static_cast<std::uint32_t>(number);
    slots_[index].entry.reset();
    slots_[index].uses = slots_[index].uses % 0xFFFF'FFFF + 1;
    free_.push_back(index);
    --size_;
  }
  /// Calls `visit(number, entry)` for each; it may remove the one it is shown.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (std::size_t index = 0; index < slots_.size(); ++index)
      if (slots_[index].entry) visit(slots_[index].uses << 32 | index, *slots_[index].entry);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct slot {
    std::uint64_t uses = 1;
    std::optional<Entry> entry;
  };
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace dvs::userspace

#endif
