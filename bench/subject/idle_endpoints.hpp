// SPDX-License-Identifier: MIT
/// @file
/// What endpoints cost that wait and are not asked.
#ifndef DVS_BENCH_SUBJECT_IDLE_ENDPOINTS_HPP
#define DVS_BENCH_SUBJECT_IDLE_ENDPOINTS_HPP

#include <bench/subject/process_pairs.hpp>
#include <ctime>

namespace subject {

/// Processor time of all threads of a process, in nanoseconds.
[[nodiscard]] inline double processor_ns(pid_t process) {
  clockid_t clock{};
  timespec used{};
  demand(::clock_getcpuclockid(process, &clock) == 0 && ::clock_gettime(clock, &used) == 0);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

/// Nanoseconds of processor time in a second, of their daemon and of `count` processes with an endpoint each, which
/// wait in receive without a limit of time.
inline double idle_endpoints(int count) {
  const std::string path = bench_daemon::path();
  const bench::shared<bench::gate> made, bound;
  const bench::forked owner([&] {  // the DC ends with it
    dvs::userspace::node node(path);
    const auto dc = node.create_dc("bench");
    made->arrive();
    ::pause();
  });
  made->wait_for(1);
  std::vector<bench::forked> idle;
  for (int i = 0; i < count; ++i)
    idle.emplace_back([&] {
      dvs::userspace::node mine(path);
      auto here = mine.open_dc("bench");
      const auto self = here.bind().value();
      bound->arrive();
      static_cast<void>(self->receive());
    });
  bound->wait_for(count);
  ::usleep(500'000);  // what they do before they sleep is not counted

  const auto used = [&] {
    double sum = processor_ns(bench_daemon::process()) + processor_ns(owner.process());
    for (const bench::forked& each : idle) sum += processor_ns(each.process());
    return sum;
  };
  const double before = used();
  const std::uint64_t began = bench::now_ns();
  ::usleep(2'000'000);
  return (used() - before) / static_cast<double>(bench::now_ns() - began) * 1e9;
}

}  // namespace subject

#endif
