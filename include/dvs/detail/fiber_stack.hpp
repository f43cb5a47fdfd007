// SPDX-License-Identifier: MIT
/// @file
/// Stacks of fibers: mapped with a guard below, coloured, and kept for reuse.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace dvs::detail {

/// One mapping: a guard that faults on any touch, and above it the stack proper. Plain data; `stack_pool` owns the
/// memory.
struct stack_memory {
  /// As large as the largest frame that a compiler lets grow without probing each page on its way.
  static constexpr std::size_t guard_bytes = 64 * 1024;
  /// Stack tops are spread over one page, the span of addresses that index a first-level cache.
  static constexpr std::size_t colour_bytes = 4096;

  std::byte* mapping = nullptr;
  std::size_t usable_bytes = 0;  ///< what the owner asked for, rounded up to pages
  std::size_t colour = 0;        ///< bytes left unused at the top

  std::byte* bottom() const noexcept { return mapping + guard_bytes; }
  std::byte* top() const noexcept { return bottom() + usable_bytes + colour_bytes - colour; }
  std::size_t mapped_bytes() const noexcept { return guard_bytes + usable_bytes + colour_bytes; }
  bool guards(const void* address) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto begin = reinterpret_cast<std::uintptr_t>(mapping);
    return mapping != nullptr && at >= begin && at < begin + guard_bytes;
  }
};

/// Lends stacks to fibers of all threads. Up to `idle_max` returned stacks stay mapped; the others go back to the
/// system.
class stack_pool {
 public:
  static constexpr std::size_t idle_max = 256;

  /// The pool of the process. It is never destroyed: fibers may end during static destruction.
  static stack_pool& instance() {
    static stack_pool& pool = *new stack_pool;
    return pool;
  }

  /// A stack of at least `bytes` usable bytes. Throws std::bad_alloc when the system gives no more mappings.
  stack_memory take(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t usable = (bytes + page - 1) / page * page;
    std::size_t colour = 0;
    {
      const std::lock_guard lock(mutex_);
      for (auto candidate = idle_.rbegin(); candidate != idle_.rend(); ++candidate) {
        if (candidate->usable_bytes == usable) {
          std::swap(*candidate, idle_.back());
          const stack_memory found = idle_.back();
          idle_.pop_back();
          return found;
        }
      }
      // An odd stride visits every line of the page once and keeps neighbours far apart.
      constexpr std::size_t line = 64, lines = stack_memory::colour_bytes / line, stride = 37;
      colour = created_++ * stride % lines * line;
    }
    stack_memory fresh{nullptr, usable, colour};
    void* const mapping = mmap(nullptr, fresh.mapped_bytes(), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    if (mprotect(mapping, stack_memory::guard_bytes, PROT_NONE) != 0) {
      munmap(mapping, fresh.mapped_bytes());
      throw std::bad_alloc();
    }
    fresh.mapping = static_cast<std::byte*>(mapping);
    return fresh;
  }

  void give_back(const stack_memory& stack) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (idle_.size() < idle_max) {
        idle_.push_back(stack);  // the constructor reserved the room
        return;
      }
    }
    munmap(stack.mapping, stack.mapped_bytes());
  }

 private:
  stack_pool() { idle_.reserve(idle_max); }

  std::mutex mutex_;
  std::vector<stack_memory> idle_;
  std::size_t created_ = 0;
};

}  // namespace dvs::detail
