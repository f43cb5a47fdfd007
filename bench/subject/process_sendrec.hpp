// SPDX-License-Identifier: MIT
/// @file
/// sendrec between two processes.
#ifndef DVS_BENCH_SUBJECT_PROCESS_SENDREC_HPP
#define DVS_BENCH_SUBJECT_PROCESS_SENDREC_HPP

#include <bench/subject/process_pairs.hpp>

namespace subject {

/// Nanoseconds for a sendrec between processes on the processors `here` and `there`, which may be the same.
inline double process_sendrec(int here, int there, std::uint64_t warm, std::uint64_t counted) {
  const std::string path = bench_daemon::path();
  const bench::shared<bench::gate> made;
  const bench::shared<double> figure;
  const bench::forked server([&] {
    const bench::pinned other(there);
    dvs::userspace::node node(path);
    auto dc = node.create_dc("bench");
    const auto self = dc.bind(echo_server).value();
    made->arrive();
    serve_echo(*self);
  });
  made->wait_for(1);
  bench::forked client([&] {
    const bench::pinned pin(here);
    dvs::userspace::node node(path);
    auto dc = node.open_dc("bench");
    const auto self = dc.bind(referee).value();
    *figure = ns_each_echo(*self, warm, counted);
    ::_exit(0);
  });
  client.join();
  return *figure;
}

}  // namespace subject

#endif
