// SPDX-License-Identifier: MIT
/// @file
/// Measures the rows of two hosts; otherwise as `dvs_bench`. Needs to be root, for network namespaces.
#include <bench/bench.hpp>
#include <bench/reference/iperf.hpp>
#include <bench/reference/tcp_ping_pong.hpp>
#include <bench/rows.hpp>
#include <bench/subject/remote.hpp>

namespace {

using namespace subject;

template <class Kind>
bench::row copy_row(bench::two_hosts& hosts, const std::string& id, std::size_t bytes) {
  return {id, [&hosts, bytes] { return reference::iperf(hosts, bytes); },
          [&hosts, bytes] { return remote_copy<Kind>(hosts, bytes); }};
}

std::vector<bench::row> all_rows(bench::two_hosts& hosts) {
  constexpr std::size_t small = 1 << 20, large = 100 << 20;
  return {
      {"remote-sendrec-tcp", [&] { return reference::tcp_ping_pong(hosts, 200, 2'000); },
       [&] { return remote_sendrec<by_tcp>(hosts); }},
      {"remote-clients-64", [&] { return remote_clients<by_tcp>(hosts, 1); },
       [&] { return remote_clients<by_tcp>(hosts, 64); }},
      copy_row<by_tcp>(hosts, "remote-copy-tcp-1m", small),
      copy_row<by_tcp>(hosts, "remote-copy-tcp-100m", large),
      copy_row<by_ethernet>(hosts, "remote-copy-ethernet-1m", small),
      copy_row<by_ethernet>(hosts, "remote-copy-ethernet-100m", large),
      copy_row<by_udp>(hosts, "remote-copy-udp-100m", large),
      copy_row<by_udt>(hosts, "remote-copy-udt-100m", large),
      {"remote-sendrec-sealed", [&] { return remote_sendrec<by_tcp>(hosts); },
       [&] { return remote_sendrec<by_tcp>(hosts, true); }},
      {"remote-copy-sealed-1m", [&] { return remote_copy<by_tcp>(hosts, small); },
       [&] { return remote_copy<by_tcp>(hosts, small, true); }},
  };
}

}  // namespace

int main(int count, char** arguments) {
  return bench::run_rows(count, arguments, [] {
    static bench::two_hosts hosts;
    return all_rows(hosts);
  });
}
