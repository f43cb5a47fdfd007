// SPDX-License-Identifier: MIT
/// @file
/// The laws for two nodes of the userspace backend in one process: threads and fibers mixed, gates on their own
/// threads, and a sealed link by the proxy that the environment variable DVS_LINK names: tcp, udp, ethernet, tipc, udt.
/// Ends with status 77, and says why, where that transport is not to be had.
#include <cstdlib>
#include <dvs/conformance/suite.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <tests/cluster/ethernet_wire.hpp>
#include <tests/cluster/tcp_wire.hpp>
#include <tests/cluster/tipc_wire.hpp>
#include <tests/cluster/udp_wire.hpp>
#include <tests/cluster/udt_wire.hpp>
#include <tests/cluster/userspace_nodes.hpp>

namespace {

const std::string link_by = [] {
  const char* const wanted = std::getenv("DVS_LINK");
  return std::string(wanted == nullptr ? "tcp" : wanted);
}();
const std::string name_of_setup = "userspace, two nodes, " + link_by;

/// Ends the program if the transport is not to be had, before any thread is there.
const bool is_to_be_had = [] {
  if (link_by == "ethernet") own_network().add_cable("dvs0", "dvs1", by_ethernet::mtu);
  if (link_by != "tipc") return true;
  try {
    static_cast<void>(dvs::proxies::tipc_socket::listen(by_tipc::place(0)));
  } catch (const dvs::error& refused) {
    std::cerr << "skipped: no TIPC here: " << refused.what() << std::endl;
    std::_Exit(own_network::skipped);
  }
  return true;
}();

template <class Gateway>
class chosen_wire {
 public:
  chosen_wire(Gateway& left, Gateway& right) : wire_(make(left, right)) {}

 private:
  static std::shared_ptr<void> make(Gateway& left, Gateway& right) {
    if (link_by == "tcp") return std::make_shared<tcp_wire<Gateway>>(left, right);
    if (link_by == "udp") return std::make_shared<bad_udp_wire<Gateway>>(left, right);
    if (link_by == "ethernet") return std::make_shared<ethernet_wire<Gateway>>(left, right);
    if (link_by == "tipc") return std::make_shared<tipc_wire<Gateway>>(left, right);
    if (link_by == "udt") return std::make_shared<udt_wire<Gateway>>(left, right);
    throw std::invalid_argument("DVS_LINK=" + link_by + ": there is no such link");
  }
  std::shared_ptr<void> wire_;
};

struct setup : dvs::conformance::mixed {
  using backend = dvs::userspace::backend;
  using world = two_nodes<true, chosen_wire>;
  static inline const std::string_view name = name_of_setup;
};

const dvs::conformance::suite<setup> laws;

}  // namespace
