// SPDX-License-Identifier: MIT
/// @file
/// Signals of the host, for a program whose main context waits for messages.
#ifndef MUK_IMAGE_HOST_SIGNALS_HPP
#define MUK_IMAGE_HOST_SIGNALS_HPP

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>
#include <utility>

namespace muk {

/// Turns SIGINT, SIGTERM and SIGUSR1 into flags and a wake-up. Make it before any other thread: threads made later
/// inherit that these signals are blocked. A thread waits for them, so nothing runs in a signal handler.
class host_signals {
 public:
  host_signals() {
    ::sigemptyset(&waited_);
    for (const int each : {SIGINT, SIGTERM, SIGUSR1}) ::sigaddset(&waited_, each);
    ::pthread_sigmask(SIG_BLOCK, &waited_, &before_);
    ::signal(SIGPIPE, SIG_IGN);
  }
  host_signals(const host_signals&) = delete;
  host_signals& operator=(const host_signals&) = delete;
  ~host_signals() {
    ignore();
    const timespec at_once{};
    while (::sigtimedwait(&waited_, nullptr, &at_once) > 0) {
    }  // what came while we were stopping has been obeyed already
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  /// Calls `wake` from a thread of its own after each signal, until `ignore`.
  void listen(std::function<void()> wake) {
    leaving_ = false;
    listener_ = std::thread([this, wake = std::move(wake)] {
      for (int number = 0; ::sigwait(&waited_, &number) == 0 && !leaving_;) {
        (number == SIGUSR1 ? print_ : stop_) = true;
        wake();
      }
    });
  }
  /// Ends the thread; signals stay pending.
  void ignore() {
    if (!listener_.joinable()) return;
    leaving_ = true;
    ::pthread_kill(listener_.native_handle(), SIGUSR1);
    listener_.join();
  }

  /// Whether SIGINT or SIGTERM came.
  [[nodiscard]] bool stop_requested() const { return stop_; }
  /// Whether SIGUSR1 came since the last call.
  [[nodiscard]] bool take_print_request() { return print_.exchange(false); }

 private:
  sigset_t waited_{};
  sigset_t before_{};
  std::thread listener_;
  std::atomic<bool> leaving_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> print_{false};
};

}  // namespace muk

#endif
