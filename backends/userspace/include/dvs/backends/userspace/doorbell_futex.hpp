// SPDX-License-Identifier: MIT
/// @file
/// Sleeping and waking on a word of memory, and which processor this is.
#ifndef DVS_BACKENDS_USERSPACE_DOORBELL_FUTEX_HPP
#define DVS_BACKENDS_USERSPACE_DOORBELL_FUTEX_HPP

#include <linux/futex.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace dvs::userspace {

/// Monotonic time in nanoseconds.
[[nodiscard]] inline std::int64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

/// Sleeps while `word` is `value`, until woken or until the monotonic time `deadline_ns` (negative: no limit).
inline void futex_sleep(std::atomic<std::uint32_t>& word, std::uint32_t value, std::int64_t deadline_ns) {
  timespec deadline{static_cast<std::time_t>(deadline_ns / 1'000'000'000),
                    static_cast<long>(deadline_ns % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline_ns < 0 ? nullptr : &deadline, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}

/// Wakes the one who sleeps on `word`.
inline void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

/// The same for a word that other processes share.
inline void futex_sleep_shared(std::atomic<std::uint32_t>& word, std::uint32_t value, std::int64_t deadline_ns) {
  timespec deadline{static_cast<std::time_t>(deadline_ns / 1'000'000'000),
                    static_cast<long>(deadline_ns % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, value, deadline_ns < 0 ? nullptr : &deadline, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}
inline void futex_wake_shared(std::atomic<std::uint32_t>& word) {
  constexpr int all = 0x7FFF'FFFF;  // others may sleep there to catch a single one
  syscall(SYS_futex, &word, FUTEX_WAKE, all, nullptr, nullptr, 0);
}

/// The processor that the caller runs on; a read of the thread's rseq area where the C library registered one.
[[nodiscard]] inline std::uint32_t current_cpu() {
  if (__rseq_size != 0) {
    const auto* area = reinterpret_cast<const volatile struct rseq*>(
        static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
    const auto cpu = static_cast<std::int32_t>(area->cpu_id);
    if (cpu >= 0) return static_cast<std::uint32_t>(cpu);
  }
  return static_cast<std::uint32_t>(sched_getcpu());
}

/// A clock for comparing moments on different processors, as cheap as there is.
[[nodiscard]] inline std::uint64_t ticks() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<std::uint64_t>(monotonic_ns());
#endif
}

/// Tells the processor that this is a spin loop.
inline void spin_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace dvs::userspace

#endif
