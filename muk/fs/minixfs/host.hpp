// SPDX-License-Identifier: MIT
/// @file
/// What the file system asks of its surroundings: a way to wait for another fiber, and the date.
#ifndef MUK_FS_MINIXFS_HOST_HPP
#define MUK_FS_MINIXFS_HOST_HPP

#include <concepts>
#include <cstdint>
#include <stdexcept>

namespace muk::minixfs {

/// The surroundings of a file system whose callers are fibers of one thread.
///
/// Laws:
/// - `now()` is the date in seconds since 1970.
/// - `wait_queue` is made from the host; `wait()` suspends the calling fiber until a later `wake_all()`.
///   It may return without a cause: callers look at their condition again.
/// - `wake_all()` never suspends.
template <class Host>
concept host = requires(Host& surroundings, typename Host::wait_queue& queue) {
  { surroundings.now() } -> std::convertible_to<std::uint32_t>;
  requires std::constructible_from<typename Host::wait_queue, Host&>;
  queue.wait();
  queue.wake_all();
};

/// The host of a file system with a single caller, who therefore never finds anything locked.
class single_caller {
 public:
  class wait_queue {
   public:
    explicit wait_queue(single_caller&) {}
    [[noreturn]] void wait() { throw std::logic_error("a file system with a single caller waits for itself"); }
    void wake_all() {}
  };

  explicit single_caller(std::uint32_t date = 0) : date_(date) {}
  [[nodiscard]] std::uint32_t now() const { return date_; }
  /// Sets the date that new and changed files get.
  void set_now(std::uint32_t date) { date_ = date; }

 private:
  std::uint32_t date_;
};

}  // namespace muk::minixfs

#endif
