// SPDX-License-Identifier: MIT
/// @file
/// Two nodes on two hosts, joined by a proxy: a node each, on the thread of its host.
#ifndef DVS_BENCH_SUBJECT_REMOTE_HPP
#define DVS_BENCH_SUBJECT_REMOTE_HPP

#include <bench/bench.hpp>
#include <bench/subject/echo.hpp>
#include <bench/two_hosts.hpp>
#include <dvs/backends/userspace/gateway.hpp>
#include <dvs/proxies/ethernet_proxy.hpp>
#include <dvs/proxies/tcp_proxy.hpp>
#include <dvs/proxies/udp_proxy.hpp>
#include <dvs/proxies/udt_proxy.hpp>
#include <future>
#include <list>
#include <optional>

namespace subject {

/// Asks for memory to write to.
struct borrow {
  static constexpr std::uint32_t opcode = 4;
  std::uint64_t bytes;
  struct reply {
    dvs::grant_ref<dvs::writable> memory;
  };
};

inline constexpr dvs::endpoint_id lender{3};

// ---- How the two are joined: where each of them receives, and where it is reached ----

template <class Proxy>
struct by_ip {
  using proxy = Proxy;
  static void adjust(dvs::proxies::link_settings& how) { how.packet_bytes = bench::two_hosts::mtu - 28; }
  static dvs::proxies::ip_place place(bool is_first) {
    return {is_first ? bench::two_hosts::here : bench::two_hosts::there, 0};
  }
  static dvs::proxies::ip_place where(const proxy& made) {
    if constexpr (requires { made.listening(); })
      return {bench::two_hosts::there, made.listening().port()};
    else
      return {bench::two_hosts::there, made.transport().port()};
  }
};
using by_tcp = by_ip<dvs::proxies::tcp_proxy>;
using by_udp = by_ip<dvs::proxies::udp_proxy>;
using by_udt = by_ip<dvs::proxies::udt_proxy>;

struct by_ethernet {
  using proxy = dvs::proxies::ethernet_proxy;
  static void adjust(dvs::proxies::link_settings& how) { how.packet_bytes = bench::two_hosts::mtu - 2; }
  static dvs::proxies::ethernet_place place(bool is_first) { return {is_first ? "dvs0" : "dvs1", {}}; }
  static dvs::proxies::ethernet_place where(const proxy& made) { return {{}, made.transport().own_address().text()}; }
};

/// One of the nodes.
template <class Kind>
class remote_site {
 public:
  remote_site(bool is_first, bool is_sealed) : gate_(dvs::node_id{static_cast<std::uint16_t>(is_first ? 1 : 2)}) {
    dvs::proxies::link_settings how;
    Kind::adjust(how);
    how.window_bytes = 8 << 20;
    if (is_sealed) how.key.emplace().fill(7);
    gate_.run([&] { wire.emplace(gate_, how, Kind::place(is_first)); });
    dvs::dc_options sizes;
    sizes.span = dvs::dc_span{dvs::dc_id{7}, static_cast<std::uint16_t>(is_first ? 0 : 1), 2};
    dc.emplace(node_.create_dc("bench", sizes));
  }
  ~remote_site() {
    dc.reset();
    gate_.run([&] { wire.reset(); });
  }
  void expect(const decltype(Kind::place(true))& where) {
    gate_.run([&] { wire->expect(dvs::node_id{2}, where); });
  }

 private:
  dvs::userspace::gateway gate_;
  dvs::userspace::node node_{gate_};

 public:
  std::optional<typename Kind::proxy> wire;
  std::optional<dvs::dc<dvs::userspace::backend>> dc;
};

/// Lends memory until the DC ends.
inline constexpr auto serve_lender = [](auto& self) {
  std::vector<std::byte> memory;
  std::list<decltype(self.grant_write(lender, memory).value())> given;
  dvs::serve<dvs::protocol<borrow>>(self, [&](const borrow& ask, dvs::caller by) {
    memory.resize(ask.bytes);
    given.push_back(self.grant_write(by.endpoint, memory).value());
    return borrow::reply{given.back().ref()};
  }).value();
};

/// Has `measure(dc)` run on the first host, while an echo server and a lender are on the second one. Returns what it
/// does.
template <class Kind, class Measure>
double remotely(bench::two_hosts& hosts, bool is_sealed, Measure&& measure) {
  std::promise<decltype(Kind::place(true))> listens;
  hosts.begin([&] {
    remote_site<Kind> there(false, is_sealed);
    there.dc->spawn(echo_server, serve_echo).value();
    there.dc->spawn(lender, serve_lender).value();
    listens.set_value(Kind::where(*there.wire));
    wait_until_finished(*there.dc);
  });
  double each = 0;
  {
    remote_site<Kind> here(true, is_sealed);
    here.expect(listens.get_future().get());
    here.dc->run([&](auto& self) {
      for (const dvs::endpoint_id who : {echo_server, lender, referee}) self.wait_bind(who).value();
    });
    each = measure(*here.dc);
    here.dc->run([](auto& self) { self.sendrec(referee, finished{}).value(); });
  }
  hosts.finish();
  return each;
}

/// Nanoseconds for a round trip.
template <class Kind>
double remote_sendrec(bench::two_hosts& hosts, bool is_sealed = false) {
  return remotely<Kind>(hosts, is_sealed, [](auto& dc) {
    double each = 0;
    dc.run([&](auto& self) { each = ns_each_echo(self, 200, 2'000); });
    return each;
  });
}

/// Nanoseconds for a round trip of any of so many clients.
template <class Kind>
double remote_clients(bench::two_hosts& hosts, std::uint64_t clients) {
  return remotely<Kind>(hosts, false, [clients](auto& dc) {
    const std::uint64_t asks = 16'000 / clients;
    std::uint64_t running = clients;
    std::uint64_t ended = 0;
    const std::uint64_t began = bench::now_ns();
    for (std::uint64_t i = 0; i < clients; ++i)
      dc.spawn([&](auto& self) {
          ns_each_echo(self, 0, asks);
          if (--running == 0) ended = bench::now_ns();
        }).value();
    dc.run([&](auto& self) {
      while (running > 0) self.sleep_for(std::chrono::milliseconds(5)).value();
    });
    return static_cast<double>(ended - began) / static_cast<double>(asks * clients);
  });
}

/// Nanoseconds for one copy into granted memory of the other host.
template <class Kind>
double remote_copy(bench::two_hosts& hosts, std::size_t bytes, bool is_sealed = false) {
  return remotely<Kind>(hosts, is_sealed, [bytes](auto& dc) {
    double each = 0;
    dc.run([&](auto& self) {
      const std::vector<std::byte> ink(bytes, std::byte{1});
      const auto memory = self.sendrec(lender, borrow{bytes}).value().memory;
      const auto copy = [&] { self.copy_into(memory, ink).value(); };
      copy();
      each = bench::ns_each(std::max<std::uint64_t>(2, (100 << 20) / bytes), copy);
    });
    return each;
  });
}

}  // namespace subject

#endif
