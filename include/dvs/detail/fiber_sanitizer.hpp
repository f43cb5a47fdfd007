// SPDX-License-Identifier: MIT
/// @file
/// What the sanitizers must be told when a thread changes stacks; empty functions in a build without them.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define DVS_FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DVS_FIBER_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define DVS_FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DVS_FIBER_TSAN 1
#endif
#endif

#ifdef DVS_FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef DVS_FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace dvs::detail {

#if defined(DVS_FIBER_ASAN) || defined(DVS_FIBER_TSAN)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// The sanitizers' view of one context. `leave` comes just before a switch, `arrive` just after it, on the other stack.
class sanitizer_view {
 public:
  /// Adopts the calling thread's own stack.
  void adopt_thread() noexcept {
#ifdef DVS_FIBER_TSAN
    shadow_ = __tsan_get_current_fiber();
#endif
  }

  /// Describes a new stack, which starts without frames.
  void create([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef DVS_FIBER_ASAN
    bottom_ = bottom;
    bytes_ = bytes;
    __asan_unpoison_memory_region(bottom, bytes);
#endif
#ifdef DVS_FIBER_TSAN
    shadow_ = __tsan_create_fiber(0);
#endif
  }

  /// Forgets a stack that no longer runs, so that its memory can be used again.
  void destroy() noexcept {
#ifdef DVS_FIBER_ASAN
    __asan_unpoison_memory_region(bottom_, bytes_);
#endif
#ifdef DVS_FIBER_TSAN
    __tsan_destroy_fiber(shadow_);
#endif
  }

  /// Announces a switch to `to`; `for_good` if this context never runs again. It is part of its caller, because the
  /// return from a function after it would already be counted on the other side.
  [[gnu::always_inline]] void leave([[maybe_unused]] sanitizer_view& to, [[maybe_unused]] bool for_good) noexcept {
#ifdef DVS_FIBER_ASAN
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, to.bottom_, to.bytes_);
#endif
#ifdef DVS_FIBER_TSAN
    __tsan_switch_to_fiber(to.shadow_, 0);
#endif
  }

  /// Completes a switch from `from`. A thread's own stack is measured here, when it is left for the first time.
  void arrive([[maybe_unused]] sanitizer_view& from) noexcept {
#ifdef DVS_FIBER_ASAN
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
    fake_stack_ = nullptr;
    from.bottom_ = bottom;
    from.bytes_ = bytes;
#endif
  }

 private:
#ifdef DVS_FIBER_ASAN
  void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
#endif
#ifdef DVS_FIBER_TSAN
  void* shadow_ = nullptr;
#endif
};

}  // namespace dvs::detail
