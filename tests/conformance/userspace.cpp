// SPDX-License-Identifier: MIT
/// @file
/// The laws for the userspace backend, where the environment variable DVS_SETUP says: threads, fibers, or both mixed;
/// two parts of a node that a daemon brings together; parts of two nodes whose daemons are linked; and two nodes of one
/// process, on one thread or with gates on their own threads and a sealed link by a proxy. Ends with status 77, and
/// says why, where a transport is not to be had.
#include <dvs/conformance/suite.hpp>
#include <tests/cluster/ethernet_wire.hpp>
#include <tests/cluster/own_network.hpp>
#include <tests/cluster/tipc_wire.hpp>
#include <tests/cluster/udp_wire.hpp>
#include <tests/cluster/udt_wire.hpp>
#include <tests/cluster/userspace_daemons.hpp>
#include <tests/cluster/userspace_nodes.hpp>
#include <tests/cluster/userspace_parts.hpp>

#include "chosen_world.hpp"

namespace {

using namespace dvs::conformance;
using userspace = dvs::userspace::backend;

struct lone_node : one_node<userspace> {
  lone_node() : one_node{dvs::userspace::node()} {}
};
template <template <class> class Wire>
using linked = two_nodes<true, Wire>;

template <class World, class Placing = mixed>
constexpr auto to_choose = &choice_of<userspace, World, Placing>;

void skip_without_tipc() {
  try {
    static_cast<void>(dvs::proxies::tipc_socket::listen(by_tipc::place(0)));
  } catch (const dvs::error& refused) {
    std::cerr << "skipped: no TIPC here: " << refused.what() << std::endl;
    std::_Exit(own_network::skipped);
  }
}

/// Chosen before any thread is there, as a network of one's own has to be.
const world_choice<userspace> chosen = [] {
  const world_choice<userspace> choices[] = {to_choose<lone_node, all_threads>("threads"),
                                             to_choose<lone_node, all_fibers>("fibers"),
                                             to_choose<lone_node>("mixed"),
                                             to_choose<userspace_parts>("parts"),
                                             to_choose<userspace_daemons>("daemons"),
                                             to_choose<two_nodes<false>, all_fibers>("two_nodes"),
                                             to_choose<linked<tcp_wire>>("two_nodes_tcp"),
                                             to_choose<linked<bad_udp_wire>>("two_nodes_udp"),
                                             to_choose<linked<ethernet_wire>>("two_nodes_ethernet"),
                                             to_choose<linked<tipc_wire>>("two_nodes_tipc"),
                                             to_choose<linked<udt_wire>>("two_nodes_udt")};
  auto choice = choice_by_environment<userspace>(choices);
  if (choice.name == "two_nodes_ethernet") own_network().add_cable("dvs0", "dvs1", by_ethernet::mtu);
  if (choice.name == "two_nodes_tipc") skip_without_tipc();
  return choice;
}();
struct chosen_world {
  static const std::size_t nodes;
  static const bool has_gathered_tables;
  static std::size_t site(std::size_t party) { return chosen.site(party); }

  [[nodiscard]] dvs::userspace::node& node(std::size_t site) { return held->node(site); }
  [[nodiscard]] dvs::dc<userspace> make_dc(std::size_t site, std::string_view name, const dvs::dc_options& sizes) {
    return held->make_dc(site, name, sizes);
  }
  [[nodiscard]] bool knows(std::size_t site, const dvs::process_info& row) { return held->knows(site, row); }
  void settle() { held->settle(); }

  std::unique_ptr<held_world<userspace>> held = chosen.make();
};

const std::size_t chosen_world::nodes = chosen.nodes;
const bool chosen_world::has_gathered_tables = chosen.has_gathered_tables;

struct setup {
  using backend = userspace;
  using world = chosen_world;
  static const std::string name;
  static placement place(std::size_t party) { return chosen.place(party); }
};

const std::string setup::name = "userspace, " + chosen.name;

const suite<setup> laws;

}  // namespace
