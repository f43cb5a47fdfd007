// SPDX-License-Identifier: MIT
/// @file
/// A daemon on a thread of the test, at a socket in a directory of its own.
#ifndef DVS_TESTS_CLUSTER_DAEMON_THREAD_HPP
#define DVS_TESTS_CLUSTER_DAEMON_THREAD_HPP

#include <boost/asio/executor_work_guard.hpp>
#include <dvs/backends/userspace/daemon/daemon.hpp>
#include <thread>

#include "own_directory.hpp"

/// See the file comment.
class daemon_thread {
 public:
  daemon_thread() : daemon_thread(dvs::node_id{3}) {}
  explicit daemon_thread(dvs::node_id self) : self_(self) {
    daemon_.emplace(loop_, path(), self);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~daemon_thread() {
    run([&] { loop_.stop(); });
    thread_.join();
  }

  [[nodiscard]] std::string path() const { return where_.file("node"); }
  /// Carries out `action(daemon)` on the thread of the daemon.
  void run(const std::function<void()>& action) {
    std::atomic<bool> done{false};
    boost::asio::post(loop_, [&] {
      action();
      done.store(true, std::memory_order_release);
      done.notify_all();
    });
    done.wait(false, std::memory_order_acquire);
  }
  /// Only on its thread, by `run`.
  [[nodiscard]] dvs::userspace::daemon& daemon() { return *daemon_; }

  // ---- As a gate between which a wire can be made ----
  [[nodiscard]] dvs::node_id self() const { return self_; }
  [[nodiscard]] bool knows(dvs::node_id peer) const { return daemon_->board().knows(peer); }
  operator dvs::gate&() { return daemon_->gate(); }

 private:
  const dvs::node_id self_;
  own_directory where_;
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_{loop_.get_executor()};
  std::optional<dvs::userspace::daemon> daemon_;
  std::thread thread_;
};

#endif
