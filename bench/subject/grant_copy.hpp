// SPDX-License-Identifier: MIT
/// @file
/// A server copies out of memory that its client granted, in one address space.
#ifndef DVS_BENCH_SUBJECT_GRANT_COPY_HPP
#define DVS_BENCH_SUBJECT_GRANT_COPY_HPP

#include <bench/bench.hpp>
#include <cstdlib>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <span>

namespace subject {

/// Asks the server to fetch the granted memory `times` times.
struct fetch {
  static constexpr std::uint32_t opcode = 1;
  dvs::grant_ref<dvs::readable> from;
  std::uint64_t times;
  struct reply {};
};

/// Nanoseconds for one granted copy of `from` into `into`, done `times` times.
inline double grant_copy(std::span<const std::byte> from, std::span<std::byte> into, std::uint64_t times) {
  constexpr dvs::endpoint_id fetcher{1};
  dvs::userspace::node node;
  auto dc = node.create_dc("bench");
  double each = 0;
  dc.spawn(fetcher, [&](auto& self) {
      dvs::serve<dvs::protocol<fetch>>(self, [&](const fetch& ask, dvs::caller) {
        const auto copy = [&] {
          if (!self.copy_from(ask.from, into)) std::abort();
          bench::touch_memory();
        };
        for (int warm = 0; warm < 10; ++warm) copy();
        each = bench::ns_each(ask.times, copy);
        return fetch::reply{};
      }).value();
    }).value();
  dc.run([&](auto& self) {
    auto window = self.grant_read(fetcher, from).value();
    self.sendrec(fetcher, fetch{window.ref(), times}).value();
  });
  return each;
}

}  // namespace subject

#endif
