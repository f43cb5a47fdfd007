// SPDX-License-Identifier: MIT
/// @file
/// Processes of the host that take part in a round, and memory that they share. Knows no dvs.
#ifndef DVS_BENCH_PROCESSES_HPP
#define DVS_BENCH_PROCESSES_HPP

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <bench/bench.hpp>
#include <csignal>
#include <memory>
#include <new>
#include <thread>
#include <utility>

namespace bench {

/// A `T` that processes forked from now on share.
template <class T>
class shared {
 public:
  shared() : memory_(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("no memory to share");
    ::new (memory_) T;
  }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;
  ~shared() { ::munmap(memory_, sizeof(T)); }

  [[nodiscard]] T& operator*() const { return *static_cast<T*>(memory_); }
  [[nodiscard]] T* operator->() const { return static_cast<T*>(memory_); }

 private:
  void* const memory_;
};

/// A process that runs `life` and ends; it ends with this one at the latest. Used where a `std::thread` might be.
class forked {
 public:
  template <class Life>
  explicit forked(Life&& life) : process_(::fork()) {
    if (process_ < 0) throw std::runtime_error("no process can be forked");
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int outcome = 1;
    try {
      life();
      outcome = 0;
    } catch (const std::exception& why) {
      std::fprintf(stderr, "a process of the benchmark: %s\n", why.what());
    }
    ::_exit(outcome);
  }
  forked(forked&& other) noexcept : process_(std::exchange(other.process_, 0)) {}
  forked& operator=(forked&&) = delete;
  ~forked() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  [[nodiscard]] pid_t process() const { return process_; }

  /// Waits until it has ended, which it has to do well.
  void join() {
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("a process of the benchmark failed");
  }

 private:
  pid_t process_;
};

/// A `T` that is used with a partner: in plain memory if that is a thread.
template <class T, class Partner>
class with_partner : public shared<T> {};
template <class T>
class with_partner<T, std::thread> {
 public:
  [[nodiscard]] T& operator*() { return value_; }

 private:
  T value_;
};

/// Where processes wait for each other; they sleep.
class gate {
 public:
  void arrive() { count_.fetch_add(1); }
  void wait_for(int arrivals) const {
    while (count_.load() < arrivals) ::usleep(100);
  }

 private:
  std::atomic<int> count_{0};
};

/// Runs `pairs` clients and servers, each in a process, and returns nanoseconds per message of all of them together.
///
/// `make()` is what a pair shares, made before its processes are; `server(it, pair)` and `client(it, pair, start)`
/// are their lives. A client calls `start()` when it is warm, has `exchanges` round trips of two messages, and ends. A
/// single pair has a processor for each side.
template <class Make, class Server, class Client>
double messages_of_pairs(int pairs, std::uint64_t exchanges, Make&& make, Server&& server, Client&& client) {
  struct gates {
    gate warm, start;
  };
  const auto cpus = processors();
  const auto place = [&](bool is_server) {
    if (pairs == 1) static const pinned here(is_server ? cpus.back() : cpus.front());
  };
  shared<gates> all;
  std::vector<decltype(make())> between;
  std::vector<forked> servers, clients;
  for (int i = 0; i < pairs; ++i) between.push_back(make());
  for (int i = 0; i < pairs; ++i)
    servers.emplace_back([&, i] {
      place(true);
      server(*between[static_cast<std::size_t>(i)], i);
      ::pause();  // what it said last may still be on its way
    });
  for (int i = 0; i < pairs; ++i)
    clients.emplace_back([&, i] {
      place(false);
      client(*between[static_cast<std::size_t>(i)], i, [&] {
        all->warm.arrive();
        all->start.wait_for(1);
      });
    });
  all->warm.wait_for(pairs);
  const std::uint64_t began = now_ns();
  all->start.arrive();
  for (forked& each : clients) each.join();
  const auto took = static_cast<double>(now_ns() - began);
  return took / static_cast<double>(2 * exchanges * static_cast<std::uint64_t>(pairs));
}

}  // namespace bench

#endif
