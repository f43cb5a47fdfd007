// SPDX-License-Identifier: MIT
/// @file
/// Two daemons that a configuration links by Ethernet.
#include <catch2/catch.hpp>
#include <dvs/proxies/ethernet_socket.hpp>
#include <tests/cluster/cluster_programs.hpp>
#include <tests/cluster/own_network.hpp>

using namespace dvs;

namespace {

const bool has_cable = [] {
  own_network().add_cable("dvs0", "dvs1", 9000);
  return true;
}();

std::string hardware_of(const std::string& interface) {
  return proxies::ethernet_socket({interface, {}}, 1000).own_address().text();
}

}  // namespace

TEST_CASE("two nodes are linked by Ethernet, with the largest frames of their interfaces, also after a restart") {
  REQUIRE(has_cable);
  cluster_programs all(2, "tcp",
                       "[dc.lab]\nid = 7\n[[link]]\nbetween = [\"n2\", \"n1\"]\nproxy = \"ethernet\"\n"
                       "interfaces = { n1 = \"dvs0\", n2 = \"dvs1\" }\nhardware = { n1 = \"" +
                           hardware_of("dvs0") + "\", n2 = \"" + hardware_of("dvs1") + "\" }\n");
  all.start(1);
  auto& second = all.start(2);
  userspace::node here(all.path(1));
  wait_until_link(here, 2, true);
  CHECK(link_of(here, 2).at("proxy") == "ethernet");
  while (!link_of(here, 2).contains("round_trip_us")) continue;

  second.kill(SIGKILL);
  second.start();
  while (link_of(here, 2).at("reconnects") != 1) continue;
  userspace::node there(all.path(2));
  auto lab_here = here.open_dc("lab"), lab_there = there.open_dc("lab");
  const auto one = lab_here.bind(endpoint_id{1}).value(), other = lab_there.bind(endpoint_id{2}).value();
  while (lab_there.processes().size() != 2 || lab_here.processes().size() != 2) continue;
  std::vector<std::byte> sent(100'000, std::byte{5}), got(sent.size());
  const auto lent = one->grant_read(other->id(), sent).value();
  CHECK(other->copy_from(lent.ref(), got));
  CHECK(sent == got);
}
