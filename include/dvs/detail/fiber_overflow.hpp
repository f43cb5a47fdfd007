// SPDX-License-Identifier: MIT
/// @file
/// Turns a fault in a fiber's guard into one clear line and an abort.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace dvs::detail {

/// The fiber whose guard was touched; zero stack bytes mean "none".
struct overflow_victim {
  std::string_view name;
  std::size_t stack_bytes = 0;
};

/// Says which fiber of the calling thread overflowed, if `address` lies in its guard. Async-signal-safe.
using overflow_lookup = overflow_victim (*)(const void* address) noexcept;

/// A stack for signal handlers: a thread whose stack is exhausted has none left to handle the fault on.
class alternate_signal_stack {
 public:
  alternate_signal_stack() {
    stack_t present{};
    if (sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;  // somebody gave it one
    const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_MINSIGSTKSZ)) + handler_bytes;
    memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
    stack_t ours{};
    ours.ss_sp = memory_.get();
    ours.ss_size = bytes;
    sigaltstack(&ours, nullptr);
  }
  alternate_signal_stack(const alternate_signal_stack&) = delete;
  alternate_signal_stack& operator=(const alternate_signal_stack&) = delete;
  ~alternate_signal_stack() {
    if (!memory_) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

 private:
  static constexpr std::size_t handler_bytes = 64 * 1024;  // sanitizers' handlers are hungry
  std::unique_ptr<std::byte[]> memory_;
};

/// The process-wide SIGSEGV handler. Faults outside a guard go on to the handler that was there before.
class overflow_handler {
 public:
  /// Installs the handler at the first call; later calls do nothing.
  static void install(overflow_lookup lookup) {
    [[maybe_unused]] static const bool installed = [lookup] {
      lookup_ = lookup;
      struct sigaction ours {};
      ours.sa_sigaction = &handle;
      ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
      sigemptyset(&ours.sa_mask);
      return sigaction(SIGSEGV, &ours, &previous_) == 0;
    }();
  }

  /// Writes `text` to standard error without the C library's buffers.
  static void say(std::string_view text) noexcept {
    while (!text.empty()) {
      const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  static void handle(int signal, siginfo_t* info, void* machine) {
    if (const overflow_victim victim = lookup_(info->si_addr); victim.stack_bytes != 0) {
      say("dvs: stack overflow in fiber '");
      say(victim.name);
      say("', whose stack has ");
      say_number(victim.stack_bytes);
      say(" bytes: create it with a larger stack, or keep large objects on the heap\n");
      std::abort();
    }
    if ((previous_.sa_flags & SA_SIGINFO) != 0) return previous_.sa_sigaction(signal, info, machine);
    if (previous_.sa_handler != SIG_DFL && previous_.sa_handler != SIG_IGN) return previous_.sa_handler(signal);
    struct sigaction by_default {};  // the faulting instruction runs again and ends the process as without us
    by_default.sa_handler = SIG_DFL;
    sigaction(SIGSEGV, &by_default, nullptr);
  }

  static void say_number(std::size_t number) noexcept {
    char digits[24];
    char* first = digits + sizeof digits;
    do *--first = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    say({first, static_cast<std::size_t>(digits + sizeof digits - first)});
  }

  static inline overflow_lookup lookup_ = nullptr;
  static inline struct sigaction previous_ {};
};

}  // namespace dvs::detail
