// SPDX-License-Identifier: MIT
/// @file
/// Measures the rows that one process can measure. `bench/run` calls it, judges the figures and prints the table.
#include <bench/bench.hpp>
#include <bench/reference/bare_switches.hpp>
#include <bench/reference/futex_ping_pong.hpp>
#include <bench/reference/memory_copy.hpp>
#include <bench/reference/pipe_ping_pong.hpp>
#include <bench/reference/slot_ping_pong.hpp>
#include <bench/rows.hpp>
#include <bench/subject/grant_copy.hpp>
#include <bench/subject/many_clients.hpp>
#include <bench/subject/sendrec.hpp>
#include <memory>
#include <thread>

namespace {

/// Two buffers that both sides of a copy row use.
struct buffers {
  explicit buffers(std::size_t bytes) : from(bytes, std::byte{1}), into(bytes) {}
  std::vector<std::byte> from, into;
};

bench::row copy_row(const std::string& id, std::size_t bytes) {
  const auto both = std::make_shared<buffers>(bytes);
  return {id, [both] { return reference::memory_copy(both->from, both->into); },
          [both, bytes] { return subject::grant_copy(both->from, both->into, reference::copies_in_a_round(bytes)); }};
}

bench::row clients_row(std::uint64_t clients) {
  return {"server-fibers-" + std::to_string(clients), [] { return subject::fiber_clients(1); },
          [clients] { return subject::fiber_clients(clients); }};
}

std::vector<bench::row> all_rows() {
  const int first = bench::processors().front(), last = bench::processors().back();
  const auto on_one_core = [first] { return subject::thread_sendrec(first, first, 500, 10'000); };
  return {
      {"fiber-sendrec", reference::bare_switches,
       [] { return subject::fiber_sendrec([](auto& self) { return subject::ns_each_echo(self, 1000, 500'000); }); }},
      {"fiber-sendrec-word", reference::bare_switches,
       [] {
         return subject::fiber_sendrec([](auto& self) { return subject::ns_each_increment(self, 1000, 500'000); });
       }},
      {"thread-sendrec-2core",
       [=] {
         if (first == last) throw std::runtime_error("it needs two processors");
         return reference::slot_ping_pong<std::thread>(first, last);
       },
       [=] { return subject::thread_sendrec(first, last, 5'000, 20'000); }},
      {"thread-sendrec-1core-futex", [=] { return reference::futex_ping_pong<std::thread>(first); }, on_one_core},
      {"thread-sendrec-1core-pipe", [=] { return reference::pipe_ping_pong<std::thread>(first); }, on_one_core},
      copy_row("grant-copy-64k", 64 << 10),
      copy_row("grant-copy-256k", 256 << 10),
      copy_row("grant-copy-1m", 1 << 20),
      clients_row(1),
      clients_row(8),
      clients_row(64),
      clients_row(512),
      {"server-threads", [] { return subject::thread_clients(1); }, [] { return subject::thread_clients(8); }},
  };
}

}  // namespace

int main(int count, char** arguments) { return bench::run_rows(count, arguments, all_rows); }
