// SPDX-License-Identifier: MIT
/// @file
/// Reads the configuration of a cluster, and makes a daemon the node that it names.
#include "cluster_member.hpp"

#include <dvs/cluster/load.hpp>
#include <stdexcept>

namespace dvsd {

namespace cluster = dvs::cluster;

namespace {

template <class T>
T value_or_complaints(cluster::checked<T> read) {
  if (!read) throw std::runtime_error(text_of(read.complaints()));
  return std::move(*read);
}

const cluster::node& node_named(const cluster::configuration& all, const std::string& file, const std::string& name) {
  if (const auto* const found = find_node(all, name)) return *found;
  std::string known;
  for (const auto& each : all.nodes) known += (known.empty() ? "" : ", ") + each.name;
  throw std::runtime_error(file + ": there is no [node." + cluster::detail::printable(name) +
                           "]: give one of these to --node: " + known + "\n");
}

/// Makes the daemon's part of a DC of the cluster.
void make_dc(dvs::userspace::switchboard& board, const cluster::dc& which, dvs::node_id self) {
  dvs::dc_options sizes = which.sizes;
  sizes.strict = which.strict;
  const auto position = std::ranges::lower_bound(which.nodes, self) - which.nodes.begin();
  if (which.nodes.size() > 1)
    sizes.span =
        dvs::dc_span{which.id, static_cast<std::uint16_t>(position), static_cast<std::uint16_t>(which.nodes.size())};
  const auto made = board.create_dc(which.name, sizes,
                                    {.owner = ::geteuid(),
                                     .users = {which.users.begin(), which.users.end()},
                                     .groups = {which.groups.begin(), which.groups.end()},
                                     .nodes = {which.nodes.begin(), which.nodes.end()}},
                                    which.id);
  if (!made) throw std::runtime_error("the DC " + which.name + " cannot be made: " + sentence_of(made.error()));
}

/// The daemon with its DCs made, and its name told to those who ask.
dvs::userspace::node_gate& prepared(dvs::userspace::daemon& here, const cluster_place& place) {
  here.be_called(place.self().name, place.all().name);
  for (const cluster::dc* const each : dcs_of(place.all(), place.self().id))
    make_dc(here.board(), *each, place.self().id);
  return here.gate();
}

}  // namespace

cluster_place::cluster_place(const std::string& file, const std::string& node)
    : all_(value_or_complaints(cluster::load(file))), self_(&node_named(all_, file, node)) {
  if (all_.key_file) key_ = value_or_complaints(cluster::read_key_file(*all_.key_file));
}

cluster_member::cluster_member(boost::asio::io_context& loop, dvs::userspace::daemon& here, const cluster_place& place)
    : links_(loop, prepared(here, place), place.all(), place.self(), place.key()) {}

}  // namespace dvsd
