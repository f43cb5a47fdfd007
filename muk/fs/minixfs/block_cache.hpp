// SPDX-License-Identifier: MIT
/// @file
/// A write-back cache of blocks, shared by many fibers, that never stops one fiber for the block of another.
#ifndef MUK_FS_MINIXFS_BLOCK_CACHE_HPP
#define MUK_FS_MINIXFS_BLOCK_CACHE_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <muk/fs/minixfs/block_device.hpp>
#include <muk/fs/minixfs/fault.hpp>
#include <muk/fs/minixfs/host.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

namespace muk::minixfs {

/// Keeps recently used blocks in memory.
///
/// Blocks live in *frames* of 64 KiB of consecutive blocks, so that a run of blocks is one device request and one
/// copy; each block of a frame has its own state (valid, dirty, being read, being written, being edited), so a slow
/// read holds up only those who want the same block. Frames are dropped in least-recently-used order, dirty ones
/// after they were written. A frame that someone uses is never dropped: the limit is exceeded rather than waited for.
///
/// Rule for callers: no `editor` is held while the cache is asked for anything else.
template <block_device Device, host Host>
class block_cache {
  struct frame {
    explicit frame(Host& surroundings) : changed(surroundings) {}
    std::uint64_t number = 0;
    std::unique_ptr<std::byte[]> memory;
    std::uint64_t valid = 0, dirty = 0, reading = 0, writing = 0, editing = 0;  // one bit a block
    std::uint32_t pins = 0;
    typename Host::wait_queue changed;

    [[nodiscard]] bool idle() const { return pins == 0 && (reading | writing | editing) == 0; }
  };
  using frames = std::list<frame>;

 public:
  static constexpr std::size_t frame_bytes = 65536;

  /// Read access to a run of blocks; their memory stays while the view lives, their content may change at any wait.
  class view {
   public:
    view() = default;
    view(view&& other) noexcept
        : frame_(std::exchange(other.frame_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
    view& operator=(view&& other) noexcept {
      reset();
      frame_ = std::exchange(other.frame_, nullptr);
      bytes_ = std::exchange(other.bytes_, {});
      return *this;
    }
    ~view() { reset(); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    void reset() {
      if (frame_ != nullptr) --std::exchange(frame_, nullptr)->pins;
      bytes_ = {};
    }

   private:
    friend block_cache;
    view(frame& owner, std::span<const std::byte> bytes) : frame_(&owner), bytes_(bytes) { ++owner.pins; }
    frame* frame_ = nullptr;
    std::span<const std::byte> bytes_;
  };

  /// Sole write access to a run of blocks, which count as changed when it ends.
  class editor {
   public:
    editor(editor&& other) noexcept
        : frame_(std::exchange(other.frame_, nullptr)), mask_(other.mask_), keep_(other.keep_), bytes_(other.bytes_) {}
    editor& operator=(editor&&) = delete;
    ~editor() {
      if (frame_ == nullptr) return;
      frame_->editing &= ~mask_;
      if (keep_) frame_->valid |= mask_;
      frame_->dirty |= mask_ & frame_->valid;
      --frame_->pins;
      frame_->changed.wake_all();
    }
    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
    /// Says that an overwritten run now has its content; without it only the blocks that were in memory before count.
    void complete() { keep_ = true; }

   private:
    friend block_cache;
    editor(frame& owner, std::uint64_t mask, bool keep, std::span<std::byte> bytes)
        : frame_(&owner), mask_(mask), keep_(keep), bytes_(bytes) {
      owner.editing |= mask;
      ++owner.pins;
    }
    frame* frame_;
    std::uint64_t mask_;
    bool keep_;
    std::span<std::byte> bytes_;
  };

  /// A cache of at most about `bytes_max` bytes; at least four frames.
  block_cache(Device& device, Host& surroundings, fault_log& faults, std::size_t bytes_max)
      : device_(device),
        surroundings_(surroundings),
        faults_(faults),
        frames_max_(std::max<std::size_t>(4, bytes_max / frame_bytes)) {}
  block_cache(const block_cache&) = delete;
  block_cache& operator=(const block_cache&) = delete;

  /// Sets the block size and count; before the first use.
  void set_shape(std::uint32_t block_size, std::uint32_t blocks) {
    block_size_ = block_size;
    blocks_ = blocks;
    per_frame_ = static_cast<std::uint32_t>(frame_bytes / block_size);
  }

  /// The block, read if it is not there; its neighbours in the same 4 KiB come along.
  dvs::result<view> get(std::uint32_t block) {
    const std::uint32_t group = std::max<std::uint32_t>(1, 4096 / block_size_);
    const std::uint32_t first = block % per_frame_ / group * group;
    return get_run(block, 1, mask_of(first, group));
  }

  /// The blocks from `block` on, at most `count`, as far as their frame goes. With `ahead` a read takes in the rest of
  /// the frame, too.
  dvs::result<view> get(std::uint32_t block, std::uint32_t count, bool ahead) {
    const std::uint32_t first = block % per_frame_;
    return get_run(block, count, ahead ? mask_of(first, per_frame_ - first) : 0);
  }

  /// The block for a change of part of it.
  dvs::result<editor> edit(std::uint32_t block) {
    const std::uint64_t mask = mask_of(block % per_frame_, 1);
    frame& here = pin(block / per_frame_);
    const unpin guard{here};
    while (true) {
      if (auto loaded = load(here, mask, mask); !loaded) return loaded.error();
      if (((here.writing | here.editing) & mask) == 0) return editor{here, mask, true, memory_of(here, block, 1)};
      here.changed.wait();
    }
  }

  /// The blocks from `block` on, at most `count`, as far as their frame goes, to be given a new content without
  /// reading the old; see `editor::complete`.
  editor overwrite(std::uint32_t block, std::uint32_t count) {
    const std::uint32_t first = block % per_frame_;
    count = std::min(count, per_frame_ - first);
    const std::uint64_t mask = mask_of(first, count);
    frame& here = pin(block / per_frame_);
    const unpin guard{here};
    while (((here.reading | here.writing | here.editing) & mask) != 0) here.changed.wait();
    return editor{here, mask, false, memory_of(here, block, count)};
  }

  /// How many requests the device was sent, and how much memory the frames take.
  struct counters {
    std::uint64_t reads = 0, writes = 0, bytes = 0;
  };
  [[nodiscard]] counters statistics() const { return {reads_, writes_, frames_.size() * frame_bytes}; }

  /// How many blocks from this one on lie in one frame.
  [[nodiscard]] std::uint32_t run_max(std::uint32_t block) const { return per_frame_ - block % per_frame_; }

  /// Forgets the changes of a block whose content matters no more.
  void discard(std::uint32_t block) {
    if (const auto found = index_.find(block / per_frame_); found != index_.end())
      found->second->dirty &= ~mask_of(block % per_frame_, 1);
  }

  /// Writes all that is dirty and flushes the device. Errors: `io_error` when a write failed since the last flush,
  /// also one that made room; the blocks that failed have lost their changes.
  dvs::result<void> flush() {
    std::vector<std::uint64_t> numbers;
    for (const frame& one : frames_)
      if ((one.dirty | one.writing) != 0) numbers.push_back(one.number);
    std::sort(numbers.begin(), numbers.end());
    for (const std::uint64_t number : numbers) {
      const auto found = index_.find(number);
      if (found == index_.end()) continue;
      frame& here = *found->second;
      ++here.pins;
      const unpin guard{here};
      write_back(here);
      while (here.writing != 0) here.changed.wait();
    }
    if (auto flushed = device_.flush(); !flushed) return faults_.report(0, "the device could not be flushed");
    if (std::exchange(write_failed_, false)) return dvs::errc::io_error;
    return {};
  }

 private:
  struct unpin {
    frame& pinned;
    ~unpin() { --pinned.pins; }
  };
  // Takes bits out of a state when a device request ends, however it ends.
  struct finish {
    frame& here;
    std::uint64_t& state;
    std::uint64_t mask;
    ~finish() {
      state &= ~mask;
      here.changed.wake_all();
    }
  };

  static constexpr std::uint64_t mask_of(std::uint32_t first, std::uint32_t count) {
    return (count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1) << first;
  }
  std::span<std::byte> memory_of(frame& here, std::uint32_t block, std::uint32_t count) const {
    return {here.memory.get() + std::size_t{block % per_frame_} * block_size_, std::size_t{count} * block_size_};
  }
  // The blocks of a frame that exist: the last frame may reach past the end of the device.
  [[nodiscard]] std::uint64_t existing(const frame& here) const {
    return mask_of(0,
                   static_cast<std::uint32_t>(std::min<std::uint64_t>(per_frame_, blocks_ - here.number * per_frame_)));
  }

  dvs::result<view> get_run(std::uint32_t block, std::uint32_t count, std::uint64_t wish) {
    const std::uint32_t first = block % per_frame_;
    count = std::min(count, per_frame_ - first);
    const std::uint64_t need = mask_of(first, count);
    frame& here = pin(block / per_frame_);
    const unpin guard{here};
    if (auto loaded = load(here, need, need | wish); !loaded) return loaded.error();
    return view{here, memory_of(here, block, count)};
  }

  // The frame, pinned; may write back another one to make room.
  frame& pin(std::uint64_t number) {
    while (true) {
      if (const auto found = index_.find(number); found != index_.end()) {
        frames_.splice(frames_.begin(), frames_, found->second);
        ++found->second->pins;
        return *found->second;
      }
      if (frames_.size() < frames_max_ || !make_room()) break;
    }
    frames_.emplace_front(surroundings_);
    frame& fresh = frames_.front();
    fresh.number = number;
    fresh.memory = spare_ ? std::move(spare_) : std::make_unique_for_overwrite<std::byte[]>(frame_bytes);
    fresh.pins = 1;
    index_.emplace(number, frames_.begin());
    return fresh;
  }

  // Drops or cleans the frame that was idle for longest; false when all are in use.
  bool make_room() {
    for (auto oldest = frames_.end(); oldest != frames_.begin();) {
      --oldest;
      if (!oldest->idle()) continue;
      if (oldest->dirty != 0) {
        ++oldest->pins;
        const unpin guard{*oldest};
        write_back(*oldest);
        return true;
      }
      spare_ = std::move(oldest->memory);
      index_.erase(oldest->number);
      frames_.erase(oldest);
      return true;
    }
    return false;
  }

  // Makes the blocks of `need` valid; reads those of `wish` along when it has to read at all.
  dvs::result<void> load(frame& here, std::uint64_t need, std::uint64_t wish) {
    while ((here.valid & need) != need) {
      if ((here.reading & need) != 0) {
        here.changed.wait();
        continue;
      }
      const std::uint64_t missing = ~(here.valid | here.reading | here.editing) & existing(here);
      // What is being overwritten cannot be read now; its new content comes without a read.
      if ((need & ~here.valid & ~missing) != 0) {
        here.changed.wait();
        continue;
      }
      if (read_blocks(here, wish & missing)) continue;
      // Someone's wish may have failed for a neighbour: what is needed gets its own chance, and names its own fault.
      for (std::uint64_t rest = need & ~here.valid; rest != 0; rest &= rest - 1) {
        const std::uint64_t one = rest & (~rest + 1);
        if (((here.valid | here.reading | here.editing) & one) != 0) continue;
        if (!read_blocks(here, one)) {
          return faults_.report(here.number * per_frame_ + static_cast<std::uint32_t>(std::countr_zero(one)),
                                "the device could not read the block");
        }
      }
    }
    return {};
  }

  // Reads each run of blocks in `mask`; false at the first failure.
  bool read_blocks(frame& here, std::uint64_t mask) {
    here.reading |= mask;
    const finish guard{here, here.reading, mask};
    for (std::uint64_t rest = mask; rest != 0;) {
      const auto [first, count] = run_of(rest);
      const std::uint64_t run = mask_of(first, count);
      rest &= ~run;
      const std::uint64_t block = here.number * per_frame_ + first;
      const std::span<std::byte> memory{here.memory.get() + std::size_t{first} * block_size_,
                                        std::size_t{count} * block_size_};
      ++reads_;
      if (!device_.read(block * block_size_, memory)) return false;
      here.valid |= run;
    }
    return true;
  }

  // Writes the blocks of a frame that are dirty now and that nobody edits or writes when their turn comes.
  void write_back(frame& here) {
    std::uint64_t rest = here.dirty;
    while ((rest &= here.dirty & ~(here.editing | here.writing)) != 0) {
      const auto [first, count] = run_of(rest);
      const std::uint64_t run = mask_of(first, count);
      rest &= ~run;
      const std::uint64_t block = here.number * per_frame_ + first;
      here.dirty &= ~run;
      here.writing |= run;
      const finish guard{here, here.writing, run};
      const std::span<const std::byte> memory{here.memory.get() + std::size_t{first} * block_size_,
                                              std::size_t{count} * block_size_};
      ++writes_;
      if (!device_.write(block * block_size_, memory)) {
        faults_.report(block, "the device could not write the block");
        write_failed_ = true;
      }
    }
  }

  static std::pair<std::uint32_t, std::uint32_t> run_of(std::uint64_t mask) {
    const auto first = static_cast<std::uint32_t>(std::countr_zero(mask));
    return {first, static_cast<std::uint32_t>(std::countr_one(mask >> first))};
  }

  Device& device_;
  Host& surroundings_;
  fault_log& faults_;
  std::size_t frames_max_;
  std::uint32_t block_size_ = 1024;
  std::uint32_t blocks_ = 0;
  std::uint32_t per_frame_ = 64;
  frames frames_;  // most recently used first
  std::unordered_map<std::uint64_t, typename frames::iterator> index_;
  std::unique_ptr<std::byte[]> spare_;
  bool write_failed_ = false;
  std::uint64_t reads_ = 0;
  std::uint64_t writes_ = 0;
};

}  // namespace muk::minixfs

#endif
