// SPDX-License-Identifier: MIT
/// @file
/// There and back between two bare contexts of Boost.Context, by the lowest level that the library has.
#ifndef DVS_BENCH_REFERENCE_BARE_SWITCHES_HPP
#define DVS_BENCH_REFERENCE_BARE_SWITCHES_HPP

#include <bench/bench.hpp>
#include <boost/context/detail/fcontext.hpp>

namespace reference {

/// Nanoseconds for two switches.
inline double bare_switches() {
  namespace context = boost::context::detail;
  alignas(64) static char stack[64 * 1024];
  // Made afresh each round: a context whose floating-point flags differ from ours would take 50 ns longer to load.
  context::transfer_t other{context::make_fcontext(stack + sizeof stack, sizeof stack,
                                                   [](context::transfer_t from) {
                                                     for (;;) from = context::jump_fcontext(from.fctx, nullptr);
                                                   }),
                            nullptr};
  const auto there_and_back = [&] { other = context::jump_fcontext(other.fctx, nullptr); };
  for (int warm = 0; warm < 1000; ++warm) there_and_back();
  return bench::ns_each(1'000'000, there_and_back);
}

}  // namespace reference

#endif
