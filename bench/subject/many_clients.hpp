// SPDX-License-Identifier: MIT
/// @file
/// One server and many clients that ask it all the time.
#ifndef DVS_BENCH_SUBJECT_MANY_CLIENTS_HPP
#define DVS_BENCH_SUBJECT_MANY_CLIENTS_HPP

#include <atomic>
#include <bench/bench.hpp>
#include <bench/subject/echo.hpp>
#include <thread>
#include <vector>

namespace subject {

/// Nanoseconds for a sendrec while `clients` fibers ask one server fiber of the same thread.
inline double fiber_clients(std::uint64_t clients) {
  constexpr std::uint64_t warm_each = 20, counted = 500'000;
  const std::uint64_t counted_each = counted / clients;
  dvs::userspace::node node;
  auto dc = node.create_dc("bench");
  dc.spawn(echo_server, serve_echo).value();
  std::uint64_t warmed = 0, finished_clients = 0, began = 0, ended = 0;
  for (std::uint64_t i = 0; i < clients; ++i) {
    dc.spawn([&](auto& client) {
        std::array<std::uint32_t, 14> content{};
        for (std::uint64_t n = 0; n < warm_each; ++n) ask_echo(client, content);
        ++warmed;
        while (warmed < clients) client.yield();
        if (began == 0) began = bench::now_ns();
        for (std::uint64_t n = 0; n < counted_each; ++n) ask_echo(client, content);
        if (++finished_clients < clients) return;
        ended = bench::now_ns();
        client.sendrec(referee, finished{}).value();
      }).value();
  }
  wait_until_finished(dc);
  return static_cast<double>(ended - began) / static_cast<double>(counted_each * clients);
}

/// Nanoseconds between answers while `clients` threads ask one server thread; the system places the threads.
inline double thread_clients(std::uint64_t clients) {
  constexpr std::uint64_t warm_each = 100, counted = 20'000;
  const std::uint64_t counted_each = counted / clients;
  dvs::userspace::node node;
  auto dc = node.create_dc("bench");
  dc.spawn(echo_server, dvs::on_thread{}, serve_echo).value();
  std::atomic<std::uint64_t> warmed{0}, began{0}, ended{0};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      dc.run([&](auto& self) {
        std::array<std::uint32_t, 14> content{};
        for (std::uint64_t n = 0; n < warm_each; ++n) ask_echo(self, content);
        if (++warmed == clients) {
          began = bench::now_ns();
          began.notify_all();
        }
        began.wait(0);
        for (std::uint64_t n = 0; n < counted_each; ++n) ask_echo(self, content);
        std::uint64_t last = ended.load();
        for (const std::uint64_t mine = bench::now_ns(); last < mine && !ended.compare_exchange_weak(last, mine);) {
        }
      });
    });
  }
  for (auto& thread : threads) thread.join();
  return static_cast<double>(ended - began) / static_cast<double>(counted_each * clients);
}

}  // namespace subject

#endif
