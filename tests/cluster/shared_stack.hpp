// SPDX-License-Identifier: MIT
/// @file
/// A stack that processes share, and a way to fork from it.
///
/// Whatever is in variables of functions that run there is the same memory for all of them. A process that is made has
/// a stack of its own: the one on which `run` was called.
#ifndef DVS_TESTS_CLUSTER_SHARED_STACK_HPP
#define DVS_TESTS_CLUSTER_SHARED_STACK_HPP

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <system_error>

/// There is one, used by one thread.
class shared_stack {
 public:
  /// Runs `body` there and returns what it returns.
  static int run(const std::function<int()>& body) {
    constexpr std::size_t bytes = 64 << 20;
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "a stack to share");
    body_ = &body;
    ::getcontext(&there_);
    there_.uc_stack.ss_sp = memory;
    there_.uc_stack.ss_size = bytes;
    there_.uc_link = &here_;
    ::makecontext(&there_, &shared_stack::begin, 0);
    for (::swapcontext(&here_, &there_); child_ != nullptr; ::swapcontext(&here_, &there_)) {
      forked_ = ::fork();
      if (forked_ == 0) {
        (*child_)();
        ::_exit(0);
      }
      child_ = nullptr;
    }
    return outcome_;
  }
  /// Makes a process that carries out `child` and ends; returns its number, or -1. Called by what runs there.
  static pid_t fork(const std::function<void()>& child) {
    child_ = &child;
    ::swapcontext(&there_, &here_);
    return forked_;
  }

 private:
  static void begin() { outcome_ = (*body_)(); }

  static inline ucontext_t here_, there_;
  static inline const std::function<int()>* body_ = nullptr;
  static inline const std::function<void()>* child_ = nullptr;
  static inline pid_t forked_ = -1;
  static inline int outcome_ = 0;
};

#endif
