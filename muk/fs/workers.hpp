// SPDX-License-Identifier: MIT
/// @file
/// The fibers that do the work of FS, so that one that waits for the disk does not stop the others.
#ifndef MUK_FS_WORKERS_HPP
#define MUK_FS_WORKERS_HPP

#include <cstdint>
#include <deque>
#include <muk/fs/fiber_host.hpp>
#include <vector>

namespace muk::fs {

/// A queue of jobs and the fibers that take them. A job is a function object `job(worker&)`; it never fails.
///
/// Fibers are made as they are needed, at most `workers_max`; each keeps its endpoint until the end.
template <dvs::backend Backend, class Job>
class workers {
 public:
  using worker_type = worker<Backend>;

  workers(dvs::endpoint<Backend>& self, std::uint32_t workers_max) : self_(self), workers_max_(workers_max) {}
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  /// Queues a job; never waits. Errors: those of `endpoint::spawn`, when there is not even one fiber to do it.
  dvs::result<void> add(Job job) {
    jobs_.push_back(std::move(job));
    if (!idle_.empty()) {
      worker_type* const next = idle_.back();
      idle_.pop_back();
      next->woken.wake_all();
      return {};
    }
    if (alive_ >= workers_max_) return {};
    ++alive_;
    const auto made = self_.spawn([this](dvs::endpoint<Backend>& own) { work(own); }, dvs::own, {.name = "fs.worker"});
    if (made) return {};
    if (--alive_ > 0) return {};
    jobs_.pop_back();
    return made.error();
  }

  /// Lets the fibers finish what is queued, and end. Returns when all have; other fibers run meanwhile.
  void finish() {
    finishing_ = true;
    for (worker_type* one : idle_) one->woken.wake_all();
    idle_.clear();
    while (alive_ > 0) self_.yield();
  }

  /// How many fibers there are.
  [[nodiscard]] std::uint32_t alive() const { return alive_; }
  /// How many jobs were done.
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  void work(dvs::endpoint<Backend>& own) {
    worker_type me{own};
    while (true) {
      if (jobs_.empty()) {
        if (finishing_) break;
        idle_.push_back(&me);
        const auto waited = me.woken.wait(own);
        std::erase(idle_, &me);
        if (waited || !jobs_.empty()) continue;
        if (waited.error() == dvs::errc::shut_down) break;
        continue;
      }
      Job next = std::move(jobs_.front());
      jobs_.pop_front();
      next(me);
      ++done_;
    }
    --alive_;
  }

  dvs::endpoint<Backend>& self_;
  std::uint32_t workers_max_;
  std::deque<Job> jobs_;
  std::vector<worker_type*> idle_;
  std::uint32_t alive_ = 0;
  std::uint64_t done_ = 0;
  bool finishing_ = false;
};

}  // namespace muk::fs

#endif
