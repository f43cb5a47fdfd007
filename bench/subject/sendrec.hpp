// SPDX-License-Identifier: MIT
/// @file
/// sendrec between two fibers of a thread, and between two threads.
#ifndef DVS_BENCH_SUBJECT_SENDREC_HPP
#define DVS_BENCH_SUBJECT_SENDREC_HPP

#include <bench/bench.hpp>
#include <bench/subject/echo.hpp>

namespace subject {

/// Nanoseconds for a sendrec from one fiber of this thread to another, as `ask` measures it.
template <class Ask>
double fiber_sendrec(Ask ask) {
  dvs::userspace::node node;
  auto dc = node.create_dc("bench");
  double each = 0;
  dc.spawn(echo_server, serve_echo).value();
  dc.spawn([&](auto& client) {
      each = ask(client);
      client.sendrec(referee, finished{}).value();
    }).value();
  wait_until_finished(dc);
  return each;
}

/// Nanoseconds for a sendrec between threads on the processors `here` and `there`, which may be the same.
inline double thread_sendrec(int here, int there, std::uint64_t warm, std::uint64_t counted) {
  const bench::pinned pin(here);
  dvs::userspace::node node;
  auto dc = node.create_dc("bench");
  dc.spawn(echo_server, dvs::on_thread{}, [there](auto& self) {
      const bench::pinned other(there);
      serve_echo(self);
    }).value();
  return dc.run([&](auto& self) { return ns_each_echo(self, warm, counted); });
}

}  // namespace subject

#endif
