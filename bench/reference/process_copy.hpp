// SPDX-License-Identifier: MIT
/// @file
/// Copies of memory of another process: by process_vm_readv, and through a pipe and a Unix socket.
#ifndef DVS_BENCH_REFERENCE_PROCESS_COPY_HPP
#define DVS_BENCH_REFERENCE_PROCESS_COPY_HPP

#include <sys/socket.h>
#include <sys/uio.h>

#include <bench/processes.hpp>
#include <cstddef>
#include <vector>

namespace reference {

constexpr std::uint64_t process_copies_in_a_round(std::size_t bytes) { return (std::uint64_t{128} << 20) / bytes; }

/// Nanoseconds for a copy of so much memory of another process by process_vm_readv.
inline double vm_copy(std::size_t bytes) {
  struct place {
    bench::gate ready;
    std::atomic<void*> address{nullptr};
    std::atomic<pid_t> process{0};
  };
  const bench::shared<place> told;
  const bench::forked owner([&] {
    std::vector<std::byte> memory(bytes, std::byte{1});
    told->address = memory.data();
    told->process = ::getpid();
    told->ready.arrive();
    ::pause();
  });
  told->ready.wait_for(1);
  std::vector<std::byte> into(bytes);
  const auto copy = [&] {
    const iovec remote{told->address, bytes}, local{into.data(), bytes};
    if (::process_vm_readv(told->process, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(bytes))
      throw std::runtime_error("process_vm_readv is not allowed");
  };
  for (int warm = 0; warm < 10; ++warm) copy();
  return bench::ns_each(process_copies_in_a_round(bytes), copy);
}

/// The same through two descriptors, one to write and one to read; the other process writes all the time.
inline double stream_copy(std::size_t bytes, bool is_pipe) {
  int ends[2];
  if (is_pipe ? ::pipe(ends) != 0 : ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
    throw std::runtime_error("no stream can be made");
  double each = 0;
  {
    const bench::forked writer([&] {
      const std::vector<std::byte> memory(bytes, std::byte{1});
      while (::write(ends[1], memory.data(), bytes) > 0) continue;
    });
    std::vector<std::byte> into(bytes);
    const auto copy = [&] {
      for (std::size_t had = 0; had < bytes;) had += static_cast<std::size_t>(::read(ends[0], &into[had], bytes - had));
    };
    for (int warm = 0; warm < 10; ++warm) copy();
    each = bench::ns_each(process_copies_in_a_round(bytes), copy);
  }
  for (const int end : ends) ::close(end);
  return each;
}

}  // namespace reference

#endif
