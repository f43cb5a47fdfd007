// SPDX-License-Identifier: MIT
/// @file
/// The thread under an `async_endpoint`: it performs one operation at a time.
///
/// Two processes live on that thread. The *performer* is the endpoint itself: it takes operations in order and may
/// wait in them. The *helper* is an unnamed process that sleeps until another thread wakes it by `dc::cancel`; it does
/// what must not queue behind a wait: answers, notifications, and cancelling the performer.
#ifndef DVS_DETAIL_ASYNC_WORKER_HPP
#define DVS_DETAIL_ASYNC_WORKER_HPP

#include <atomic>
#include <condition_variable>
#include <dvs/dc.hpp>
#include <dvs/detail/async_operation.hpp>
#include <memory>
#include <mutex>

namespace dvs::detail {

template <backend Backend>
class async_worker : public std::enable_shared_from_this<async_worker<Backend>> {
 public:
  using operation = async_operation<Backend>;

  explicit async_worker(dc<Backend>& owner) : dc_(owner) {}

  /// Starts the thread. Throws `dvs::error` when the endpoint or the helper cannot be bound.
  endpoint_id start(endpoint_id who, const bind_options& options) {
    auto body = [self = this->shared_from_this()](endpoint<Backend>& performer) { self->perform_all(performer); };
    performer_ = dc_.spawn(who, on_thread{}, std::move(body), options).value();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_; });
    if (closed_with_ != errc::ok) throw error(closed_with_);
    return performer_;
  }

  /// Ends the thread; every operation is completed with `errc::cancelled` before this returns.
  void stop() {
    async_queue<Backend> dropped;
    {
      const std::lock_guard lock(mutex_);
      if (closed_with_ == errc::ok) closed_with_ = errc::cancelled;
      take_all(dropped);
    }
    complete_all(dropped, errc::cancelled);
    // Waits for the unbind, so that the slot is free when this returns. Fails when the endpoint left before.
    static_cast<void>(dc_.unbind(performer_));
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_; });
  }

  /// A number for an operation that will be submitted.
  std::uint64_t next_number() { return ++last_number_; }

  /// Puts `added` behind the others, or to the helper if it does not wait.
  void submit(operation& added, std::uint64_t number, bool waits) {
    added.number = number;
    std::unique_lock lock(mutex_);
    if (closed_with_ != errc::ok) {
      const errc refused = closed_with_;
      lock.unlock();
      return added.complete(refused);
    }
    (waits ? waiting_ : immediate_).push(added);
    lock.unlock();
    wake_helper();
  }

  /// Ends the operation `number` with `errc::cancelled`, unless it has ended.
  void cancel(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    if (operation* const found = waiting_.take(number); found != nullptr) {
      lock.unlock();
      found->complete(errc::cancelled);
    } else if (running_ == number) {
      to_cancel_ = number;
      lock.unlock();
      wake_helper();
    }
  }

 private:
  void wake_helper() { static_cast<void>(dc_.cancel(helper_)); }

  void perform_all(endpoint<Backend>& self) {
    for (bool bound = start_helper(self); bound;) {
      if (operation* const next = take_next(); next != nullptr) {
        const errc outcome = next->perform(self);
        if (end_of_running() && outcome != errc::cancelled) absorb_cancellation(self);
        next->complete(outcome == errc::shut_down && stopping() ? errc::cancelled : outcome);
      } else {
        const errc woken = work_.wait(self).error();
        bound = woken == errc::ok || woken == errc::cancelled;
      }
    }
    end(self);
  }

  bool start_helper(endpoint<Backend>& self) {
    auto helper = self.spawn([this, &self](endpoint<Backend>& own_endpoint) { help(own_endpoint, self); });
    const std::lock_guard lock(mutex_);
    started_ = true;
    if (helper)
      helper_ = *helper;
    else
      closed_with_ = helper.error();
    helping_ = helper.has_value();
    changed_.notify_all();
    return helping_;
  }

  /// The helper: sleeps, and when it is woken looks for what there is to do.
  void help(endpoint<Backend>& own_endpoint, endpoint<Backend>& performer) {
    constexpr auto a_while = std::chrono::hours(1);
    for (;;) {
      const errc woken = own_endpoint.sleep_for(a_while).error();
      while (operation* const next = take_immediate()) next->complete(next->perform(performer));
      if (wants_cancel()) static_cast<void>(dc_.cancel(performer.id()));
      work_.wake_one();
      if (woken == errc::shut_down || leaving()) break;
    }
    helping_ = false;
  }

  /// What `dc::cancel` did not end is in store for the next wait: lets this one have it.
  void absorb_cancellation(endpoint<Backend>& self) { static_cast<void>(self.sleep_for(std::chrono::milliseconds(1))); }

  void end(endpoint<Backend>& self) {
    async_queue<Backend> dropped;
    errc outcome;
    {
      const std::lock_guard lock(mutex_);
      if (closed_with_ == errc::ok) closed_with_ = errc::shut_down;
      outcome = closed_with_;
      leaving_ = true;
      take_all(dropped);
    }
    complete_all(dropped, outcome);
    wake_helper();
    while (helping_) self.yield();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  operation* take_next() {
    const std::lock_guard lock(mutex_);
    operation* const next = waiting_.pop();
    running_ = next == nullptr ? 0 : next->number;
    return next;
  }
  operation* take_immediate() {
    const std::lock_guard lock(mutex_);
    return immediate_.pop();
  }
  /// The performer has ended its operation; true when the helper cancelled it.
  bool end_of_running() {
    const std::lock_guard lock(mutex_);
    running_ = 0;
    return std::exchange(cancel_sent_, false);
  }
  /// Whether the running operation is to be cancelled; says so once.
  bool wants_cancel() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t wanted = std::exchange(to_cancel_, 0);
    if (wanted == 0 || wanted != running_) return false;
    return cancel_sent_ = true;
  }
  bool stopping() {
    const std::lock_guard lock(mutex_);
    return closed_with_ == errc::cancelled;
  }
  bool leaving() {
    const std::lock_guard lock(mutex_);
    return leaving_;
  }
  void take_all(async_queue<Backend>& into) {
    while (operation* const next = immediate_.pop()) into.push(*next);
    while (operation* const next = waiting_.pop()) into.push(*next);
  }
  static void complete_all(async_queue<Backend>& queue, errc outcome) {
    while (operation* const next = queue.pop()) next->complete(outcome);
  }

  dc<Backend>& dc_;
  endpoint_id performer_ = none;
  endpoint_id helper_ = none;
  condition<Backend> work_;  // of the worker's thread only
  bool helping_ = false;     // of the worker's thread only

  std::atomic<std::uint64_t> last_number_ = 0;

  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  async_queue<Backend> waiting_;
  async_queue<Backend> immediate_;
  std::uint64_t running_ = 0;
  std::uint64_t to_cancel_ = 0;
  errc closed_with_ = errc::ok;  // what new operations get once it is not `ok`
  bool cancel_sent_ = false;
  bool started_ = false;
  bool leaving_ = false;
  bool ended_ = false;
};

}  // namespace dvs::detail

#endif
