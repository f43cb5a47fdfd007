// SPDX-License-Identifier: MIT
/// @file
/// Who runs next, what time it is, and chance: all that a backend adds to the rules.
#ifndef DVS_BACKENDS_LOOPBACK_SCHEDULER_HPP
#define DVS_BACKENDS_LOOPBACK_SCHEDULER_HPP

#include <cstdio>
#include <deque>
#include <dvs/fiber.hpp>
#include <dvs/time.hpp>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

namespace dvs::loopback {

/// Where one context waits. It is free, or somebody sits on it.
class seat {
  friend class scheduler;
  context* taken_by_ = nullptr;
};

/// Runs the contexts of one thread in turn. No thread safety.
class scheduler {
 public:
  using timer = std::multimap<duration, std::function<void()>>::iterator;

  [[nodiscard]] duration now() const { return now_; }
  [[nodiscard]] std::uint64_t random() { return chance_(); }

  /// Calls `action` when the time has come.
  timer at(duration when, std::function<void()> action) { return timers_.emplace(when, std::move(action)); }
  void take_back(timer unwanted) { timers_.erase(unwanted); }

  /// The calling context waits on `where` until it is woken; false when the time passed first.
  bool park(seat& where, timeout limit) {
    bool in_time = true, rang = false;
    timer alarm;
    if (!limit.is_forever()) {
      alarm = at(now_ + limit.length(), [&] {
        rang = true;
        in_time = where.taken_by_ == nullptr;  // woken already, but it has not run yet
        wake(where);
      });
    }
    where.taken_by_ = &context::current();
    run_others();
    if (!limit.is_forever() && !rang) take_back(alarm);
    return in_time;
  }
  /// Lets who waits there run again, after those who can run already.
  void wake(seat& where) {
    if (where.taken_by_ != nullptr) ready_.push_back(std::exchange(where.taken_by_, nullptr));
  }
  /// Lets the others run first.
  void yield() {
    ready_.push_back(&context::current());
    run_others();
  }

  /// Starts a fiber that runs `body()`.
  template <class Body>
  void start(std::string_view name, Body body) {
    auto entry = [this, body = std::make_unique<Body>(std::move(body))](fiber& self) mutable -> context& {
      ended_.clear();
      (*body)();
      body.reset();
      ended_.push_back(fibers_.extract(&self));  // freed by whoever runs next: nobody can free the stack he stands on
      return next();
    };
    auto made = std::make_unique<fiber>(fiber_stack_bytes, std::move(entry), name);
    ready_.push_back(made.get());
    fibers_.emplace(made.get(), std::move(made));
  }  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the body is kept by the entry, on the fiber's stack

 private:
  using fiber_map = std::map<const fiber*, std::unique_ptr<fiber>>;

  void run_others() {
    context& successor = next();
    if (&successor != &context::current()) context::current().switch_to(successor);
    ended_.clear();
  }
  /// The context that runs next. Time stands still while there is one that can.
  context& next() {
    while (ready_.empty()) {
      if (timers_.empty()) {
        std::fputs("dvs loopback: everybody waits for something that cannot happen any more\n", stderr);
        std::terminate();
      }
      const auto first = timers_.extract(timers_.begin());
      now_ = std::max(now_, first.key());
      first.mapped()();
    }
    context& chosen = *ready_.front();
    ready_.pop_front();
    return chosen;
  }

  duration now_{0};
  std::deque<context*> ready_;
  std::multimap<duration, std::function<void()>> timers_;
  fiber_map fibers_;
  std::vector<fiber_map::node_type> ended_;
  std::mt19937_64 chance_;
};

}  // namespace dvs::loopback

#endif
