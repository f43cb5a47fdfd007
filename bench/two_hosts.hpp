// SPDX-License-Identifier: MIT
/// @file
/// Two hosts in one program: network namespaces, a thread in each, and an Ethernet cable (veth) between them.
#ifndef DVS_BENCH_TWO_HOSTS_HPP
#define DVS_BENCH_TWO_HOSTS_HPP

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bench/bench.hpp>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace bench {

/// The calling thread is on the first host from now on, at 10.77.0.1 and the interface dvs0. Needs to be root.
class two_hosts {
 public:
  static constexpr const char* here = "10.77.0.1";
  static constexpr const char* there = "10.77.0.2";
  static constexpr int mtu = 9000;

  two_hosts() {
    enter_new_network();
    thread_ = std::thread([this] { live(); });
    begin([this] {
      enter_new_network();
      other_ = std::to_string(syscall(SYS_gettid));
    });
    finish();
    const std::string size = " mtu " + std::to_string(mtu);
    command("ip link add dvs0" + size + " type veth peer name dvs1" + size + " netns " + other_);
    configure("dvs0", here);
    begin([] { configure("dvs1", there); });
    finish();
  }
  two_hosts(const two_hosts&) = delete;
  two_hosts& operator=(const two_hosts&) = delete;
  ~two_hosts() {
    begin([this] { ended_ = true; });
    thread_.join();
  }

  /// Has the second host, at 10.77.0.2 and dvs1, do something.
  void begin(std::function<void()> what) {
    const std::lock_guard guard(lock_);
    work_ = std::move(what);
    changed_.notify_all();
  }
  /// Waits until it has.
  void finish() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return work_ == nullptr; });
    if (problem_) std::rethrow_exception(std::exchange(problem_, nullptr));
  }

  static void command(const std::string& text) {
    if (std::system(text.c_str()) != 0) throw std::runtime_error(text + " fails");
  }

 private:
  static void enter_new_network() {
    if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("a network namespace is not permitted here");
  }
  static void configure(const std::string& interface, const std::string& address) {
    command("ip link set lo up");
    command("ip address add " + address + "/24 dev " + interface);
    command("ip link set " + interface + " up");
  }
  void live() {
    std::unique_lock guard(lock_);
    while (!ended_) {
      changed_.wait(guard, [this] { return work_ != nullptr; });
      guard.unlock();
      try {
        work_();
      } catch (...) {
        problem_ = std::current_exception();
      }
      guard.lock();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex lock_;
  std::condition_variable changed_;
  std::function<void()> work_;
  std::exception_ptr problem_;
  std::string other_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace bench

#endif
