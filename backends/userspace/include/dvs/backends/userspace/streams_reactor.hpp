// SPDX-License-Identifier: MIT
/// @file
/// What a carrier sleeps on once a process of its thread listens: Boost.Asio's event loop.
#ifndef DVS_BACKENDS_USERSPACE_STREAMS_REACTOR_HPP
#define DVS_BACKENDS_USERSPACE_STREAMS_REACTOR_HPP

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <dvs/backends/userspace/carrier.hpp>
#include <memory>

namespace dvs::userspace {

/// The event loop of one thread. Only `interrupt` may be called from other threads.
/// While a thread has one, it wakes from sleep up to a millisecond after the time it meant to: epoll counts in them.
class asio_reactor final : public reactor {
 public:
  /// The loop of `here`, made at the first call; throws when the system has no descriptors left.
  [[nodiscard]] static asio_reactor& of(carrier& here) {
    if (here.outside() == nullptr) here.set_reactor(std::make_unique<asio_reactor>());
    return static_cast<asio_reactor&>(*here.outside());  // there is no other kind
  }

  /// Asking the system costs as much as many switches of fibers, so that a busy thread asks only now and then.
  void poll() override {
    const std::int64_t now = monotonic_ns();
    if (now - polled_ns_ < poll_interval_ns) return;
    polled_ns_ = now;
    loop_.poll();
  }
  void wait(std::int64_t deadline_ns) override {
    if (deadline_ns < 0)
      loop_.run_one();
    else
      loop_.run_one_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)));
  }
  void interrupt() override {
    boost::asio::post(loop_, [] {});
  }

  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }

  /// Whether a fiber that found its socket ready now made `turn_length` operations of this thread without a wait.
  [[nodiscard]] bool turn_over() { return ++turn_ % turn_length == 0; }

 private:
  static constexpr std::int64_t poll_interval_ns = 20'000;
  static constexpr std::uint32_t turn_length = 16;

  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> always_open_{loop_.get_executor()};
  std::int64_t polled_ns_ = 0;
  std::uint32_t turn_ = 0;
};

}  // namespace dvs::userspace

#endif
