// SPDX-License-Identifier: MIT
/// @file
/// The links of a node to the others of its cluster.
#ifndef DVSD_CLUSTER_LINKS_HPP
#define DVSD_CLUSTER_LINKS_HPP

#include <boost/asio/io_context.hpp>
#include <dvs/backends/userspace/daemon/node_gate.hpp>
#include <dvs/cluster/key.hpp>
#include <dvs/cluster/query.hpp>
#include <dvs/proxies/ip_address.hpp>
#include <dvs/proxies/link_settings.hpp>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host_lookup.hpp"

namespace dvsd {

/// Opens what `dvs::cluster::links_of` says, with one proxy for all links of a transport (for Ethernet, of an
/// interface), and keeps them open. The configuration and the gate outlive it; all of it belongs to the loop's thread.
class cluster_links {
 public:
  /// Throws `std::runtime_error`: where it cannot listen, and why.
  cluster_links(boost::asio::io_context& loop, dvs::userspace::node_gate& gate, const dvs::cluster::configuration& all,
                const dvs::cluster::node& self, const std::optional<dvs::cluster::key>& key);

 private:
  using link_list = std::vector<dvs::cluster::link_to>;

  [[nodiscard]] static dvs::proxies::link_settings offer_for(const dvs::proxies::link_settings& common,
                                                             const link_list& links);
  void open(dvs::cluster::transport way, const link_list& links);
  template <class Proxy>
  void open_ip(const link_list& links);
  void open_tipc(const link_list& links);
  void open_ethernet(const std::string& interface, const link_list& links);
  [[nodiscard]] dvs::proxies::ip_place listening_place() const;

  boost::asio::io_context& loop_;
  dvs::userspace::node_gate& gate_;
  const dvs::cluster::node& self_;
  const bool is_v6_;
  dvs::proxies::link_settings common_;
  std::vector<std::unique_ptr<dvs::proxy>> proxies_;
  std::list<host_lookup> lookups_;
};

}  // namespace dvsd

#endif
