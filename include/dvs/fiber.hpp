// SPDX-License-Identifier: MIT
/// @file
/// Stackful fibers without a scheduler: contexts of one thread that hand the processor to each other directly.
///
/// A *context* is something a thread can run: its own original stack (the root context) or a fiber. Exactly one context
/// of a thread runs at a time; it chooses the next one and calls `switch_to`. Who that is, and when, is the business of
/// a scheduler built on top.
///
/// Rules
/// - A context belongs to the thread that first ran it and may only be resumed there. Fibers do not migrate, so code
/// may
///   hold addresses of thread-local variables across a switch. A fiber may be created on one thread and first run on
///   another, if the creation happens before.
/// - A switch keeps exceptions apart: a fiber may switch inside a catch block and rethrow its own exception later.
/// - The floating-point rounding mode is each context's own; the flags of past floating-point exceptions are the
/// thread's.
/// - An exception that leaves a fiber's entry ends the process with a line that names the fiber.
/// - Nobody is unwound by force. `request_cancel` sets a flag that blocking operations test; the fiber returns by
/// itself.
/// - An overflow of a fiber's stack ends the process with a line that names the fiber and its stack size.
/// - AddressSanitizer and ThreadSanitizer are told of every switch.
#pragma once

#include <cxxabi.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dvs/detail/fiber_overflow.hpp>
#include <dvs/detail/fiber_sanitizer.hpp>
#include <dvs/detail/fiber_stack.hpp>
#include <dvs/detail/fiber_switch.hpp>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dvs {

class context;
class fiber;

namespace detail {

/// The C++ runtime's per-thread exception state: the stack of caught exceptions and the count of those in flight.
struct [[gnu::may_alias]] exception_words {
  void* caught;
  unsigned int uncaught;
};

struct thread_contexts;

/// The contexts of the calling thread; null until it asks for its current context.
inline constinit thread_local thread_contexts* contexts_here = nullptr;

}  // namespace detail

/// Usable bytes of a fiber's stack unless its creator says otherwise. Frames of sanitized code are several times
/// larger.
inline constexpr std::size_t fiber_stack_bytes = detail::sanitized ? 512 * 1024 : 64 * 1024;

/// What an entry must be: called once with its fiber, it returns the context that runs when the fiber has ended.
template <typename Entry>
concept fiber_entry = std::invocable<Entry&, fiber&> && std::same_as<std::invoke_result_t<Entry&, fiber&>, context&>;

/// Something a thread can run. Neither copied nor moved: others keep its address.
class alignas(64) context {
 public:
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  /// The running context of the calling thread. The first call on a thread makes its root context.
  static context& current();

  /// Suspends this context, which must be the running one, and runs `to` at once. Returns when somebody switches back.
  /// `to` must belong to this thread, be another context, and not have ended. Cost: a few nanoseconds. Callers on a
  /// fast path should be inlined where the other side does not return as often as this one: the processor then predicts
  /// a return wrongly, which costs 4 ns.
  void switch_to(context& to) noexcept;

  /// Brings what the switch to this context reads into the processor's cache. For schedulers that know who runs soon:
  /// with many fibers each finds its memory in a slower cache.
  [[gnu::always_inline]] void prefetch() const noexcept { __builtin_prefetch(this, for_writing); }
  /// The same for the end of its stack; the context itself should be there already. It must not be running.
  [[gnu::always_inline]] void prefetch_stack() const noexcept {
    const std::byte* const end = stopped_.stack_end();
#pragma GCC unroll 8
    for (std::size_t line = 0; line < prefetched_lines; ++line) __builtin_prefetch(end + 64 * line, for_writing);
  }

  /// The name for messages: the fiber's, or "root" for a thread's own stack.
  std::string_view name() const noexcept { return name_; }

 protected:
  context() = default;
  ~context() = default;

 private:
  friend class fiber;
  friend struct detail::thread_contexts;

  static constexpr int for_writing = 1;
  static constexpr std::size_t prefetched_lines = 7;  ///< what a process touches that asks and asks again

  /// Makes `to` the running context as far as the books go; the stack is changed next (inline: see
  /// `sanitizer_view::leave`).
  [[gnu::always_inline]] void hand_over(context& to, bool for_good) noexcept;
  /// The first act on the new stack.
  static void arrived() noexcept;

  // What a switch touches is one cache line.
  [[no_unique_address]] detail::stopped_context stopped_;
  unsigned int uncaught_ = 0;  ///< exceptions in flight, while it is not the running one
  void* caught_ = nullptr;     ///< exceptions that it is handling, likewise
  detail::thread_contexts* thread_ = nullptr;
  [[no_unique_address]] detail::sanitizer_view sanitizer_;
  detail::stack_memory stack_;
  char name_[32] = "root";
};

/// A stack of its own and a function that runs on it.
class fiber final : public context {
 public:
  /// Prepares a fiber that calls `entry` when it is first switched to. `stack_bytes` is rounded up to pages; a stack
  /// costs memory only where it is touched. `entry` is copied or moved to the top of that stack. `name` is for messages
  /// and cut to 31 characters. Throws std::bad_alloc if no stack can be mapped (Linux allows about 32,000 in a
  /// process).
  template <typename Callable>
  requires fiber_entry<std::decay_t<Callable>> fiber(std::size_t stack_bytes, Callable&& entry,
                                                     std::string_view name = "unnamed");

  /// Returns the stack for reuse. The fiber must not have been started, or have ended; anything else ends the process
  /// with a line that names it, because the objects on its stack would never be destroyed.
  ~fiber();

  /// True once the entry has returned. The fiber can then be destroyed by any other context of its thread.
  bool done() const noexcept { return stage_ == stage::done; }

  /// Asks the fiber to come to an end. Any thread may call it. The one who sets the flag also sees to it that the fiber
  /// is run; a blocking operation that finds it set returns its error for "cancelled" instead of waiting.
  void request_cancel() noexcept { cancel_.store(true, std::memory_order_release); }

  /// True from `request_cancel` on.
  bool cancel_requested() const noexcept { return cancel_.load(std::memory_order_acquire); }

  /// Usable bytes of its stack.
  std::size_t stack_bytes() const noexcept { return stack_.usable_bytes; }

 private:
  enum class stage : std::uint8_t { fresh, started, done };

  template <typename Entry>
  static void run() noexcept;
  [[noreturn]] void die_of_exception() const noexcept;

  void (*drop_entry_)(void*) noexcept = nullptr;
  void* entry_ = nullptr;
  std::atomic<bool> cancel_{false};
  stage stage_ = stage::fresh;
};

namespace detail {

/// What a thread keeps for its contexts.
struct thread_contexts {
  thread_contexts() {
    root.thread_ = this;
    root.sanitizer_.adopt_thread();
    overflow_handler::install(&overflowed);
    contexts_here = this;
  }
  ~thread_contexts() { contexts_here = nullptr; }

  static overflow_victim overflowed(const void* address) noexcept {
    if (contexts_here == nullptr) return {};
    const context& running = *contexts_here->current;
    if (!running.stack_.guards(address)) return {};
    return {running.name(), running.stack_.usable_bytes};
  }

  struct root_context final : context {
  } root;
  context* current = &root;
  context* left = nullptr;  ///< which context switched here, as far as sanitizers want to know
  exception_words* exceptions = reinterpret_cast<exception_words*>(abi::__cxa_get_globals());
  alternate_signal_stack signal_stack;
};

}  // namespace detail

inline context& context::current() {
  if (detail::contexts_here == nullptr) [[unlikely]] {
    static thread_local detail::thread_contexts made;
  }
  return *detail::contexts_here->current;
}

inline void context::hand_over(context& to, bool for_good) noexcept {
  detail::thread_contexts& thread = *thread_;
  assert(thread.current == this && "only the running context can switch");
  assert(&to != this && "a context cannot switch to itself");
  assert((to.thread_ == nullptr || to.thread_ == &thread) && "a context stays on the thread that first ran it");
  thread.current = &to;
  detail::exception_words& live = *thread.exceptions;
  const auto as_bits = [](const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); };
  if ((as_bits(live.caught) | as_bits(to.caught_) | live.uncaught | to.uncaught_) != 0) [[unlikely]] {
    caught_ = std::exchange(live.caught, std::exchange(to.caught_, nullptr));
    uncaught_ = std::exchange(live.uncaught, std::exchange(to.uncaught_, 0));
  }
  if constexpr (detail::sanitized) thread.left = this;
  sanitizer_.leave(to.sanitizer_, for_good);
}

inline void context::arrived() noexcept {
  if constexpr (detail::sanitized) {
    detail::thread_contexts& thread = *detail::contexts_here;
    thread.current->sanitizer_.arrive(thread.left->sanitizer_);
  }
}

[[gnu::always_inline]] inline void context::switch_to(context& to) noexcept {
  hand_over(to, false);
  stopped_.switch_to(to.stopped_);
  arrived();
}

template <typename Callable>
requires fiber_entry<std::decay_t<Callable>> fiber::fiber(std::size_t stack_bytes, Callable&& entry,
                                                          std::string_view name) {
  using entry_type = std::decay_t<Callable>;
  static_assert(sizeof(entry_type) <= 1024, "the entry lies on the fiber's own stack: let it capture by reference");
  static_assert(std::is_nothrow_constructible_v<entry_type, Callable>,
                "an entry reaches the fiber's stack without failing");
  name_[name.copy(name_, sizeof name_ - 1)] = '\0';
  stack_ = detail::stack_pool::instance().take(std::max(stack_bytes, 2 * sizeof(entry_type)));
  sanitizer_.create(stack_.bottom(), static_cast<std::size_t>(stack_.top() - stack_.bottom()));
  const auto room = reinterpret_cast<std::uintptr_t>(stack_.top()) - sizeof(entry_type);
  std::byte* const place = stack_.top() - sizeof(entry_type) - room % std::max(alignof(entry_type), std::size_t{16});
  entry_ = ::new (static_cast<void*>(place)) entry_type(std::forward<Callable>(entry));
  drop_entry_ = [](void* object) noexcept { std::destroy_at(static_cast<entry_type*>(object)); };
  const auto free_bytes = static_cast<std::size_t>(place - stack_.bottom());
  stopped_.prepare<&fiber::run<entry_type>>(place, free_bytes);
}

inline fiber::~fiber() {
  if (stage_ == stage::started) {
    detail::overflow_handler::say("dvs: fiber '");
    detail::overflow_handler::say(name());
    detail::overflow_handler::say("' was destroyed before it ended: cancel it and let it return first\n");
    std::abort();
  }
  if (stage_ == stage::fresh) drop_entry_(entry_);
  sanitizer_.destroy();
  detail::stack_pool::instance().give_back(stack_);
}

template <typename Entry>
void fiber::run() noexcept {
  arrived();
  auto& self = static_cast<fiber&>(*detail::contexts_here->current);
  self.thread_ = detail::contexts_here;
  self.stage_ = stage::started;
  context* next = nullptr;
  try {
    next = &(*static_cast<Entry*>(self.entry_))(self);
  } catch (...) {
    self.die_of_exception();
  }
  self.drop_entry_(self.entry_);
  self.stage_ = stage::done;
  self.hand_over(*next, true);
  self.stopped_.switch_to(next->stopped_);
  __builtin_unreachable();
}

inline void fiber::die_of_exception() const noexcept {
  detail::overflow_handler::say("dvs: an exception left fiber '");
  detail::overflow_handler::say(name());
  detail::overflow_handler::say("'\n");
  std::terminate();  // its handler prints the exception
}

}  // namespace dvs
