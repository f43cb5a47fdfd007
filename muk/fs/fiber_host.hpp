// SPDX-License-Identifier: MIT
/// @file
/// How the fibers of FS wait for each other, and how the file system knows the date.
#ifndef MUK_FS_FIBER_HOST_HPP
#define MUK_FS_FIBER_HOST_HPP

#include <chrono>
#include <cstdint>
#include <dvs/endpoint.hpp>
#include <utility>
#include <vector>

namespace muk::fs {

/// A fiber that works on requests, with the endpoint it asks the driver under.
template <dvs::backend Backend>
struct worker {
  dvs::endpoint<Backend>& self;
  dvs::condition<Backend> woken{};
};

/// The surroundings of the file system (see `minixfs::host`): the fibers of the server.
///
/// The file system does not know which fiber calls it, so the host does: `running()`. Whoever may have waited says
/// with `resumed` who goes on.
template <dvs::backend Backend>
class fiber_host {
 public:
  using worker_type = worker<Backend>;

  /// A list of fibers that wait until somebody wakes them.
  class wait_queue {
   public:
    explicit wait_queue(fiber_host& owner) : owner_(owner) {}

    void wait() {
      worker_type& me = owner_.running();
      waiting_.push_back(&me);
      if (!me.woken.wait(me.self)) {
        // The DC ends or the wait was cancelled: whoever holds what we wait for gets the same error and lets it go.
        std::erase(waiting_, &me);
        me.self.yield();
      }
      owner_.resumed(me);
    }
    void wake_all() {
      for (worker_type* one : std::exchange(waiting_, {})) one->woken.wake_all();
    }

   private:
    fiber_host& owner_;
    std::vector<worker_type*> waiting_;
  };

  /// `date_at_start`: seconds since 1970 when the clock of the node was zero.
  fiber_host(worker_type& first, std::uint64_t date_at_start) : running_(&first), date_at_start_(date_at_start) {}
  fiber_host(const fiber_host&) = delete;
  fiber_host& operator=(const fiber_host&) = delete;

  /// The date, in seconds since 1970.
  [[nodiscard]] std::uint32_t now() const {
    const auto since_start = std::chrono::duration_cast<std::chrono::seconds>(running_->self.now()).count();
    return static_cast<std::uint32_t>(date_at_start_ + static_cast<std::uint64_t>(since_start));
  }

  /// The fiber that runs.
  [[nodiscard]] worker_type& running() const { return *running_; }
  /// Says who runs: at the start of its work, and after every wait.
  void resumed(worker_type& who) { running_ = &who; }

 private:
  worker_type* running_;
  std::uint64_t date_at_start_;
};

}  // namespace muk::fs

#endif
