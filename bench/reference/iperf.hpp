// SPDX-License-Identifier: MIT
/// @file
/// What iperf3 moves over the cable between two hosts.
#ifndef DVS_BENCH_REFERENCE_IPERF_HPP
#define DVS_BENCH_REFERENCE_IPERF_HPP

#include <bench/two_hosts.hpp>
#include <cstdio>
#include <memory>
#include <string>

namespace reference {

/// Nanoseconds for `bytes`, of one second of one TCP stream.
inline double iperf(bench::two_hosts& hosts, std::uint64_t bytes) {
  hosts.begin([] { bench::two_hosts::command("iperf3 -s -1 >/dev/null 2>&1 &"); });
  hosts.finish();
  std::string said;
  for (int patience = 0; patience < 100 && said.find("\"sum_received\"") == std::string::npos; ++patience) {
    said.clear();
    const std::string command = std::string("iperf3 -c ") + bench::two_hosts::there + " -t 1 -J 2>&1";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
    char part[4096];
    while (const std::size_t got = std::fread(part, 1, sizeof part, output.get())) said.append(part, got);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::size_t sum = said.find("\"sum_received\"");
  const std::string name = "\"bits_per_second\":";
  const std::size_t at = sum == std::string::npos ? sum : said.find(name, sum);
  if (at == std::string::npos) throw std::runtime_error("iperf3 does not work here");
  return static_cast<double>(bytes) * 8e9 / std::stod(said.substr(at + name.size()));
}

}  // namespace reference

#endif
