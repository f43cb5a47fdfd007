// SPDX-License-Identifier: MIT
/// @file
/// A daemon as a node of a cluster: what the configuration of the cluster says of it.
#ifndef DVSD_CLUSTER_MEMBER_HPP
#define DVSD_CLUSTER_MEMBER_HPP

#include <dvs/backends/userspace/daemon/daemon.hpp>
#include <dvs/cluster/configuration.hpp>
#include <dvs/cluster/key.hpp>
#include <optional>
#include <string>

#include "cluster_links.hpp"

namespace dvsd {

/// A configuration that was read, and which of its nodes this is.
class cluster_place {
 public:
  /// Throws `std::runtime_error`: all complaints, as they are printed.
  cluster_place(const std::string& file, const std::string& node);

  [[nodiscard]] const dvs::cluster::configuration& all() const { return all_; }
  [[nodiscard]] const dvs::cluster::node& self() const { return *self_; }
  [[nodiscard]] const std::optional<dvs::cluster::key>& key() const { return key_; }
  /// Where processes of the node find its daemon.
  [[nodiscard]] std::string socket() const { return self_->run + "/node"; }

 private:
  const dvs::cluster::configuration all_;
  const dvs::cluster::node* const self_;
  std::optional<dvs::cluster::key> key_;
};

/// Makes the DCs of the node, and links it with the others. Lives on the thread of the loop, and goes before the
/// daemon.
class cluster_member {
 public:
  /// Throws `std::runtime_error`: a DC that cannot be made, or a place where links cannot be listened for.
  cluster_member(boost::asio::io_context& loop, dvs::userspace::daemon& here, const cluster_place& place);

 private:
  cluster_links links_;
};

}  // namespace dvsd

#endif
