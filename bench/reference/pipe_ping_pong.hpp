// SPDX-License-Identifier: MIT
/// @file
/// Two threads or processes on one processor pass 64 bytes to and fro through two pipes.
#ifndef DVS_BENCH_REFERENCE_PIPE_PING_PONG_HPP
#define DVS_BENCH_REFERENCE_PIPE_PING_PONG_HPP

#include <unistd.h>

#include <array>
#include <bench/bench.hpp>
#include <thread>

namespace reference {

/// A pipe that carries 64-byte messages; writes of that size are never split.
class message_pipe {
 public:
  message_pipe() {
    if (::pipe(ends_) != 0) throw std::runtime_error("no pipe can be made");
  }
  message_pipe(const message_pipe&) = delete;
  message_pipe& operator=(const message_pipe&) = delete;
  ~message_pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  void put(const std::array<std::uint32_t, 16>& message) { check(write(ends_[1], message.data(), sizeof message)); }
  void get(std::array<std::uint32_t, 16>& message) { check(read(ends_[0], message.data(), sizeof message)); }

 private:
  static void check(ssize_t moved) {
    if (moved != 64) throw std::runtime_error("a pipe failed");
  }
  int ends_[2];
};

/// Nanoseconds for a round trip on processor `cpu`, with a thread or a process as `Partner`.
template <class Partner>
double pipe_ping_pong(int cpu) {
  constexpr std::uint32_t warm = 500, counted = 10'000;
  const bench::pinned pin(cpu);
  message_pipe asked, answered;
  Partner partner([&] {  // inherits the processor
    std::array<std::uint32_t, 16> message;
    for (std::uint32_t number = 0; number < warm + counted; ++number) {
      asked.get(message);
      ++message[0];
      answered.put(message);
    }
  });
  std::array<std::uint32_t, 16> message{};
  const auto round_trip = [&] {
    asked.put(message);
    answered.get(message);
  };
  for (std::uint32_t i = 0; i < warm; ++i) round_trip();
  const double each = bench::ns_each(counted, round_trip);
  partner.join();
  return each;
}

}  // namespace reference

#endif
