// SPDX-License-Identifier: MIT
/// @file
/// Measures the rows of several processes; otherwise as `dvs_bench`.
#include <bench/reference/futex_ping_pong.hpp>
#include <bench/reference/memory_copy.hpp>
#include <bench/reference/message_libraries.hpp>
#include <bench/reference/pipe_ping_pong.hpp>
#include <bench/reference/process_copy.hpp>
#include <bench/reference/slot_ping_pong.hpp>
#include <bench/rows.hpp>
#include <bench/subject/idle_endpoints.hpp>
#include <bench/subject/process_copy.hpp>
#include <bench/subject/process_pairs.hpp>
#include <bench/subject/process_sendrec.hpp>

namespace {

using subject::loop_pattern;

/// How many round trips each of so many pairs has in a round.
constexpr std::uint64_t exchanges_of(int pairs) { return 8'000 / static_cast<std::uint64_t>(pairs); }

template <class Make>
void add_pairs(std::vector<bench::row>& rows, const std::string& mechanism, Make make, loop_pattern how,
               const std::string& id) {
  for (const int pairs : {1, 2, 4, 8})
    rows.push_back({id + "-" + mechanism + "-" + std::to_string(pairs),
                    [=] { return reference::kernel_channel(make, pairs, exchanges_of(pairs)); },
                    [=] { return subject::process_pairs(how, pairs, exchanges_of(pairs)); }});
}

double memory_copy(std::size_t bytes) {
  const std::vector<std::byte> from(bytes, std::byte{1});
  std::vector<std::byte> into(bytes);
  return reference::memory_copy(from, into);
}

void add_copies(std::vector<bench::row>& rows, const std::string& id, std::size_t bytes) {
  const auto copy = [bytes] { return subject::process_copy(bytes, reference::process_copies_in_a_round(bytes)); };
  rows.push_back({id, [bytes] { return reference::vm_copy(bytes); }, copy});
  rows.push_back({id + "-memcpy", [bytes] { return memory_copy(bytes); }, copy});
  rows.push_back({id + "-pipe", [bytes] { return reference::stream_copy(bytes, true); }, copy});
  rows.push_back({id + "-unix", [bytes] { return reference::stream_copy(bytes, false); }, copy});
}

std::vector<bench::row> all_rows() {
  const int first = bench::processors().front(), last = bench::processors().back();
  const auto on_one_core = [first] { return subject::process_sendrec(first, first, 500, 10'000); };
  std::vector<bench::row> rows{
      {"process-sendrec-2core",
       [=] {
         if (first == last) throw std::runtime_error("it needs two processors");
         return reference::slot_ping_pong<bench::forked>(first, last);
       },
       [=] { return subject::process_sendrec(first, last, 5'000, 50'000); }},
      {"process-sendrec-1core-futex", [=] { return reference::futex_ping_pong<bench::forked>(first); }, on_one_core},
      {"process-sendrec-1core-pipe", [=] { return reference::pipe_ping_pong<bench::forked>(first); }, on_one_core},
  };
  for (int how = 1; how <= 4; ++how)
    add_pairs(rows, "pipe", reference::pipes, loop_pattern{static_cast<std::uint8_t>(how)},
              "loop-" + std::to_string(how));
  const loop_pattern fastest = loop_pattern::sendrec_reply;
  add_pairs(rows, "fifo", reference::fifos, fastest, "pairs");
  add_pairs(rows, "mq", reference::message_queues, fastest, "pairs");
  add_pairs(rows, "unix", reference::unix_sockets, fastest, "pairs");
  add_pairs(rows, "tcp", reference::tcp_sockets, fastest, "pairs");
#ifdef DVS_BENCH_ZEROMQ
  add_pairs(rows, "zeromq", reference::zeromq, fastest, "pairs");
#endif
#ifdef DVS_BENCH_NNG
  add_pairs(rows, "nng", reference::nng, fastest, "pairs");
#endif
#ifdef DVS_BENCH_ICEORYX
  add_pairs(rows, "iceoryx", reference::iceoryx, fastest, "pairs");
#endif
  for (const auto& [name, bytes] : {std::pair("4k", 4U << 10), {"64k", 64U << 10}, {"1m", 1U << 20}, {"4m", 4U << 20}})
    add_copies(rows, std::string("process-copy-") + name, bytes);
  rows.push_back({"idle-endpoints-100", [] { return 1e9; }, [] { return subject::idle_endpoints(100); }});
  return rows;
}

}  // namespace

int main(int count, char** arguments) { return bench::run_rows(count, arguments, all_rows); }
