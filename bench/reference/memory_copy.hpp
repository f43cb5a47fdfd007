// SPDX-License-Identifier: MIT
/// @file
/// memcpy between two buffers of one process.
#ifndef DVS_BENCH_REFERENCE_MEMORY_COPY_HPP
#define DVS_BENCH_REFERENCE_MEMORY_COPY_HPP

#include <bench/bench.hpp>
#include <cstddef>
#include <cstring>
#include <span>

namespace reference {

/// How often to copy `bytes` bytes in a round: 256 MiB in all.
constexpr std::uint64_t copies_in_a_round(std::size_t bytes) { return (std::uint64_t{256} << 20) / bytes; }

/// Nanoseconds for one copy of `from` into `into`.
inline double memory_copy(std::span<const std::byte> from, std::span<std::byte> into) {
  const auto copy = [&] {
    std::memcpy(into.data(), from.data(), into.size());
    bench::touch_memory();
  };
  for (int warm = 0; warm < 10; ++warm) copy();
  return bench::ns_each(copies_in_a_round(into.size()), copy);
}

}  // namespace reference

#endif
