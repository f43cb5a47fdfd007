// SPDX-License-Identifier: MIT
/// @file
/// The smallest service of dvs, as every IPC row uses it.
#ifndef DVS_BENCH_SUBJECT_ECHO_HPP
#define DVS_BENCH_SUBJECT_ECHO_HPP

#include <array>
#include <cstdlib>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>

namespace subject {

/// Brings its content back, with the first word one higher.
struct echo {
  static constexpr std::uint32_t opcode = 1;
  std::array<std::uint32_t, 14> content;
  struct reply {
    std::array<std::uint32_t, 14> content;
  };
};

/// The smallest request: one word.
struct increment {
  static constexpr std::uint32_t opcode = 3;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};

/// Tells the referee that the round is over.
struct finished {
  static constexpr std::uint32_t opcode = 2;
  struct reply {};
};

inline constexpr dvs::endpoint_id echo_server{1};
inline constexpr dvs::endpoint_id referee{2};

struct echo_service {
  echo::reply on(const echo& ask, dvs::caller) {
    echo::reply answer{ask.content};
    ++answer.content[0];
    return answer;
  }
  increment::reply on(const increment& ask, dvs::caller) { return {ask.n + 1}; }
};

/// The body of the server: serves until the DC ends.
inline constexpr auto serve_echo = [](auto& self) {
  echo_service service;
  dvs::serve<dvs::protocol<echo, increment>>(self, service).value();
};

/// One round trip; ends the program when it fails, as a figure from a failing call would mean nothing.
template <class Endpoint>
void ask_echo(Endpoint& self, std::array<std::uint32_t, 14>& content) {
  const auto answer = self.sendrec(echo_server, echo{content});
  if (!answer || answer->content[0] != content[0] + 1) std::abort();
  content = answer->content;
}

/// Nanoseconds for a round trip, after `warm` that do not count.
template <class Endpoint>
double ns_each_echo(Endpoint& self, std::uint64_t warm, std::uint64_t counted) {
  std::array<std::uint32_t, 14> content{};
  for (std::uint64_t i = 0; i < warm; ++i) ask_echo(self, content);
  return bench::ns_each(counted, [&] { ask_echo(self, content); });
}

/// The same with requests of one word.
template <class Endpoint>
double ns_each_increment(Endpoint& self, std::uint64_t warm, std::uint64_t counted) {
  std::uint64_t n = 0;
  const auto ask = [&] {
    const auto answer = self.sendrec(echo_server, increment{n});
    if (!answer || answer->n != n + 1) std::abort();
    n = answer->n;
  };
  for (std::uint64_t i = 0; i < warm; ++i) ask();
  return bench::ns_each(counted, ask);
}

/// Lets the fibers of this thread run until one of them says that it has finished.
template <class Dc>
void wait_until_finished(Dc& dc) {
  const auto self = dc.bind(referee).value();
  const auto said = self->receive().value();
  self->reply(said.from(), finished::reply{}).value();
}

}  // namespace subject

#endif
