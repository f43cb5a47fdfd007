// SPDX-License-Identifier: MIT
/// @file
/// Opens the links of a node, each by the proxy that its configuration names.
#include "cluster_links.hpp"

#include <dvs/proxies/ethernet_proxy.hpp>
#include <dvs/proxies/tcp_proxy.hpp>
#include <dvs/proxies/tipc_proxy.hpp>
#include <dvs/proxies/udp_proxy.hpp>
#include <dvs/proxies/udt_proxy.hpp>
#include <map>
#include <stdexcept>

namespace dvsd {

namespace cluster = dvs::cluster;
namespace proxies = dvs::proxies;

namespace {

bool is_in_numbers(const std::string& host) { return proxies::ip_address({host, 0}, SOCK_DGRAM).is_valid(); }

/// The settings with what is configured for one link.
proxies::link_settings with(proxies::link_settings settings, bool compress, std::uint32_t batch) {
  settings.lz4 = compress;
  settings.batch_bytes = std::clamp(batch, proxies::batch_bytes_min, proxies::batch_bytes_max);
  settings.queue_bytes = settings.window_bytes = std::max(settings.window_bytes, 2 * settings.batch_bytes);
  return settings;
}
proxies::link_settings with(const proxies::link_settings& settings, const cluster::link_options& how) {
  return with(settings, how.compress, how.batch);
}

/// Makes a proxy, or says where it is not possible.
template <class Make>
auto opened(const std::string& what, Make&& make) {
  try {
    return make();
  } catch (const dvs::error& refused) {
    throw std::runtime_error("the links by " + what + " cannot be opened: " + refused.what());
  }
}

}  // namespace

cluster_links::cluster_links(boost::asio::io_context& loop, dvs::userspace::node_gate& gate,
                             const cluster::configuration& all, const cluster::node& self,
                             const std::optional<cluster::key>& key)
    : loop_(loop), gate_(gate), self_(self), is_v6_(self.address.find(':') != std::string::npos) {
  common_.heartbeat = all.heartbeat;
  common_.dead_after = all.dead_after;
  if (key) std::memcpy(common_.key.emplace().data(), key->bytes().data(), cluster::key::size);
  std::map<cluster::transport, link_list> by_transport;
  for (const cluster::link_to& link : cluster::links_of(all, self.id)) {
    gate_.expect(link.peer->id, link.peer->name, std::string(name_of(link.how.how.proxy)));
    by_transport[link.how.how.proxy].push_back(link);
  }
  if (by_transport.contains(cluster::transport::udp) && by_transport.contains(cluster::transport::udt))
    throw std::runtime_error("node " + self.name +
                             " has links by udp and by udt, which need the same port: write one of the two for both");
  for (const auto& [way, links] : by_transport) open(way, links);
}

/// What this node offers to all who dial: of two nodes, who dials knows best what is configured for the link.
proxies::link_settings cluster_links::offer_for(const proxies::link_settings& common, const link_list& links) {
  bool compress = false;
  std::uint32_t batch = 0;
  for (const cluster::link_to& link : links) {
    compress = compress || link.how.how.compress;
    batch = std::max(batch, link.how.how.batch);
  }
  return with(common, compress, batch);
}

void cluster_links::open(cluster::transport way, const link_list& links) {
  switch (way) {
    case cluster::transport::tcp:
      return open_ip<proxies::tcp_proxy>(links);
    case cluster::transport::udp:
      return open_ip<proxies::udp_proxy>(links);
    case cluster::transport::udt:
      return open_ip<proxies::udt_proxy>(links);
    case cluster::transport::tipc:
      return open_tipc(links);
    case cluster::transport::ethernet: {
      std::map<std::string, link_list> by_interface;
      for (const cluster::link_to& link : links) by_interface[link.how.interfaces[link.dials ? 0 : 1]].push_back(link);
      for (const auto& [interface, its_links] : by_interface) open_ethernet(interface, its_links);
    }
  }
}

/// A name may mean something else here than where others dial it, often the loopback device; then all are listened at.
proxies::ip_place cluster_links::listening_place() const {
  if (self_.address == "localhost") return {"127.0.0.1", self_.port};
  return {is_in_numbers(self_.address) ? self_.address : "0.0.0.0", self_.port};
}

template <class Proxy>
void cluster_links::open_ip(const link_list& links) {
  const auto here = listening_place();
  const std::string name(name_of(links.front().how.how.proxy));
  const std::string what = name + " at " + here.host + ", port " + std::to_string(here.port);
  auto made = opened(what, [&] { return std::make_unique<Proxy>(gate_, offer_for(common_, links), here); });
  for (const cluster::link_to& link : links) {
    if (!link.dials) continue;
    const auto reach = [this, by = made.get(), id = link.peer->id, port = link.peer->port,
                        how = link.how.how](const std::string& address) {
      by->expect(id, proxies::ip_place{address, port}, with(common_, how));
    };
    if (is_in_numbers(link.peer->address))
      reach(link.peer->address);
    else
      lookups_.emplace_back(loop_, link.peer->address, is_v6_, reach);
  }
  proxies_.push_back(std::move(made));
}

/// TIPC finds hosts by itself: the port of a node names a service, and its number the instance.
void cluster_links::open_tipc(const link_list& links) {
  const auto place_of = [](const cluster::node& one) { return proxies::tipc_place{one.port, dvs::number(one.id)}; };
  auto made = opened("tipc (is the module of the kernel loaded? modprobe tipc)", [&] {
    return std::make_unique<proxies::tipc_proxy>(gate_, offer_for(common_, links), place_of(self_));
  });
  for (const cluster::link_to& link : links)
    if (link.dials) made->expect(link.peer->id, place_of(*link.peer), with(common_, link.how.how));
  proxies_.push_back(std::move(made));
}

void cluster_links::open_ethernet(const std::string& interface, const link_list& links) {
  auto made = opened("ethernet at " + interface, [&] {
    auto offer = offer_for(common_, links);
    offer.packet_bytes = proxies::ethernet_socket::packet_bytes_of(interface);
    return std::make_unique<proxies::ethernet_proxy>(gate_, offer, proxies::ethernet_place{interface, {}});
  });
  for (const cluster::link_to& link : links)
    if (link.dials)
      made->expect(link.peer->id, proxies::ethernet_place{{}, link.how.hardware[1]}, with(common_, link.how.how));
  proxies_.push_back(std::move(made));
}

}  // namespace dvsd
