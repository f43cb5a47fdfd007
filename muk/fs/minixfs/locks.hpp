// SPDX-License-Identifier: MIT
/// @file
/// A readers-writer lock between fibers of one thread.
#ifndef MUK_FS_MINIXFS_LOCKS_HPP
#define MUK_FS_MINIXFS_LOCKS_HPP

#include <cstdint>
#include <muk/fs/minixfs/host.hpp>
#include <utility>

namespace muk::minixfs {

/// Many readers or one writer; a waiting writer keeps new readers out. Not recursive.
template <host Host>
class fiber_lock {
 public:
  explicit fiber_lock(Host& surroundings) : changed_(surroundings) {}
  fiber_lock(const fiber_lock&) = delete;
  fiber_lock& operator=(const fiber_lock&) = delete;

  void lock() {
    waiting_writer here{*this};
    while (writer_ || readers_ > 0) changed_.wait();
    writer_ = true;
  }
  void unlock() {
    writer_ = false;
    changed_.wake_all();
  }
  void lock_shared() {
    while (writer_ || waiting_writers_ > 0) changed_.wait();
    ++readers_;
  }
  void unlock_shared() {
    if (--readers_ == 0) changed_.wake_all();
  }

 private:
  // Counts a writer that waits, also when its wait ends by an exception.
  struct waiting_writer {
    explicit waiting_writer(fiber_lock& owner) : lock(owner) { ++lock.waiting_writers_; }
    ~waiting_writer() {
      if (--lock.waiting_writers_ == 0 && !lock.writer_) lock.changed_.wake_all();
    }
    fiber_lock& lock;
  };

  typename Host::wait_queue changed_;
  std::uint32_t readers_ = 0;
  std::uint32_t waiting_writers_ = 0;
  bool writer_ = false;
};

/// Holds a `fiber_lock` for writing.
template <host Host>
class exclusive_guard {
 public:
  explicit exclusive_guard(fiber_lock<Host>& lock) : lock_(&lock) { lock.lock(); }
  exclusive_guard(exclusive_guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  exclusive_guard& operator=(exclusive_guard&&) = delete;
  ~exclusive_guard() { release(); }
  void release() {
    if (lock_ != nullptr) std::exchange(lock_, nullptr)->unlock();
  }

 private:
  fiber_lock<Host>* lock_;
};

/// Holds a `fiber_lock` for reading.
template <host Host>
class shared_guard {
 public:
  explicit shared_guard(fiber_lock<Host>& lock) : lock_(lock) { lock.lock_shared(); }
  shared_guard(const shared_guard&) = delete;
  shared_guard& operator=(const shared_guard&) = delete;
  ~shared_guard() { lock_.unlock_shared(); }

 private:
  fiber_lock<Host>& lock_;
};

}  // namespace muk::minixfs

#endif
