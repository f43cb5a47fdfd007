// SPDX-License-Identifier: MIT
/// @file
/// Changing the stack: the lowest level of `dvs/fiber.hpp`.
///
/// On x86-64 it is a dozen instructions within their caller: no call, so the processor goes on predicting the returns
/// of both sides, and every register is left to the compiler, which knows which of them matter. Elsewhere, and with
/// `DVS_FIBER_BOOST_SWITCH`, Boost.Context does it. Both keep the rounding mode of a context.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__)
#define DVS_FIBER_BOOST_SWITCH 1
#endif

#ifdef DVS_FIBER_BOOST_SWITCH
#include <boost/context/detail/fcontext.hpp>
#endif

namespace dvs::detail {

/// Where a context has stopped.
#ifdef DVS_FIBER_BOOST_SWITCH

class stopped_context {
 public:
  /// The first switch to it calls `Entry`, which never returns, on the stack of `bytes` that ends at `top`.
  template <void (*Entry)() noexcept>
  void prepare(std::byte* top, std::size_t bytes) noexcept {
    const auto begin = [](boost::context::detail::transfer_t by) {
      arrived(by);
      Entry();
    };
    at_ = boost::context::detail::make_fcontext(top, bytes, begin);
  }
  /// Stops the running context here and goes on with `to`.
  [[gnu::always_inline]] void switch_to(stopped_context& to) noexcept {
    arrived(boost::context::detail::jump_fcontext(to.at_, this));
  }

  /// Where its stack ends, the part that it touches first.
  [[nodiscard]] const std::byte* stack_end() const noexcept { return static_cast<const std::byte*>(at_); }

 private:
  static void arrived(boost::context::detail::transfer_t by) noexcept {
    static_cast<stopped_context*>(by.data)->at_ = by.fctx;
  }

  boost::context::detail::fcontext_t at_ = nullptr;
};

#else

class stopped_context {
 public:
  /// The first switch to it calls `Entry`, which never returns, on the stack of `bytes` that ends at `top`.
  template <void (*Entry)() noexcept>
  void prepare(std::byte* top, [[maybe_unused]] std::size_t bytes) noexcept {
    const auto end = reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15};
    auto* const returns_to = reinterpret_cast<std::uintptr_t*>(end) - 1;
    *returns_to = 0;  // the end of every backtrace
    stack_ = returns_to;
    frame_ = nullptr;
    code_ = reinterpret_cast<void*>(Entry);
    float_control_ = __builtin_ia32_stmxcsr();
  }
  /// Stops the running context here and goes on with `to`.
  [[gnu::always_inline]] void switch_to(stopped_context& to) noexcept {
    asm volatile("stmxcsr %0" : "=m"(float_control_));
    if (((float_control_ ^ to.float_control_) & ~float_flags) != 0) [[unlikely]]
      set_float_control(to.float_control_);
    static_assert(offsetof(stopped_context, stack_) == 0 && offsetof(stopped_context, frame_) == 8 &&
                  offsetof(stopped_context, code_) == 16 && offsetof(stopped_context, kept_) == 24);
    stopped_context* from = this;
    stopped_context* next = &to;
    asm volatile(
        "leaq 1f(%%rip), %%rax\n\t"
        "movq %%rsp, 0(%[from])\n\t"
        "movq %%rbp, 8(%[from])\n\t"
        "movq %%rax, 16(%[from])\n\t"
        "movq %%rbx, 24(%[from])\n\t"
        "movq %%r12, 32(%[from])\n\t"
        "movq 0(%[next]), %%rsp\n\t"
        "movq 8(%[next]), %%rbp\n\t"
        "movq 24(%[next]), %%rbx\n\t"
        "movq 32(%[next]), %%r12\n\t"
        "jmpq *16(%[next])\n"
        "1:"
        : [from] "+D"(from), [next] "+S"(next)
        :
        : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
          "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
          "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"
#ifdef __AVX512F__
          ,
          "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",
          "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#endif
    );
  }

  /// Where its stack ends, the part that it touches first.
  [[nodiscard]] const std::byte* stack_end() const noexcept { return static_cast<const std::byte*>(stack_); }

 private:
  static constexpr std::uint32_t float_flags = 0x3F;

  /// Loads the control bits of SSE, and gives the x87 unit the same rounding mode; the flags stay the thread's.
  [[gnu::noinline]] static void set_float_control(std::uint32_t wanted) noexcept {
    __builtin_ia32_ldmxcsr((wanted & ~float_flags) | (__builtin_ia32_stmxcsr() & float_flags));
    std::uint16_t x87 = 0;
    asm volatile("fnstcw %0" : "=m"(x87));
    x87 = static_cast<std::uint16_t>((x87 & ~0xC00U) | (wanted >> 3 & 0xC00U));
    asm volatile("fldcw %0" : : "m"(x87));
  }

  void* stack_ = nullptr;
  void* frame_ = nullptr;
  void* code_ = nullptr;
  [[maybe_unused]] void* kept_[2] = {};  ///< rbx and r12, where compilers put what they need at once
  std::uint32_t float_control_ = 0;
};

#endif

}  // namespace dvs::detail
