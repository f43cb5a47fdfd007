// SPDX-License-Identifier: MIT
/// @file
/// Copies of memory that another process has granted.
#ifndef DVS_BENCH_SUBJECT_PROCESS_COPY_HPP
#define DVS_BENCH_SUBJECT_PROCESS_COPY_HPP

#include <bench/subject/grant_copy.hpp>
#include <bench/subject/process_pairs.hpp>

namespace subject {

/// Nanoseconds for a copy of so much memory of another process.
inline double process_copy(std::size_t bytes, std::uint64_t times) {
  constexpr dvs::endpoint_id fetcher{1}, owner{2};
  const std::string path = bench_daemon::path();
  const bench::shared<bench::gate> made;
  const bench::shared<double> figure;
  const bench::forked copier([&] {
    dvs::userspace::node node(path);
    auto dc = node.create_dc("bench");
    const auto self = dc.bind(fetcher).value();
    made->arrive();
    std::vector<std::byte> into(bytes);
    dvs::serve<dvs::protocol<fetch>>(*self, [&](const fetch& ask, dvs::caller) {
      const auto copy = [&] { demand(self->copy_from(ask.from, into).has_value()); };
      for (int warm = 0; warm < 10; ++warm) copy();
      *figure = bench::ns_each(ask.times, copy);
      return fetch::reply{};
    }).value();
  });
  made->wait_for(1);
  bench::forked granter([&] {
    dvs::userspace::node node(path);
    auto dc = node.open_dc("bench");
    const auto self = dc.bind(owner).value();
    std::vector<std::byte> from(bytes, std::byte{1});
    auto window = self->grant_read(fetcher, from).value();
    self->sendrec(fetcher, fetch{window.ref(), times}).value();
    ::_exit(0);
  });
  granter.join();
  return *figure;
}

}  // namespace subject

#endif
