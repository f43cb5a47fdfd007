// SPDX-License-Identifier: MIT
/// @file
/// Several nodes of the userspace backend in one process, each linked to every other one, and a DC on all of them.
#ifndef DVS_TESTS_CLUSTER_USERSPACE_MESH_HPP
#define DVS_TESTS_CLUSTER_USERSPACE_MESH_HPP

#include <deque>
#include <dvs/backends/userspace/gateway_thread.hpp>
#include <dvs/ipc.hpp>
#include <map>
#include <memory>
#include <string>

#include "plain_wire.hpp"

/// Gates on the calling thread, or on a thread each. Nodes have the numbers from 1.
template <std::size_t Nodes, bool OnThreads = false>
class userspace_mesh {
 public:
  using dc_type = dvs::dc<dvs::userspace::backend>;

  userspace_mesh() {
    for (std::uint16_t i = 0; i < Nodes; ++i) {
      gates_.emplace_back(dvs::node_id{static_cast<std::uint16_t>(i + 1)});
      nodes_.emplace_back(gate(i));
    }
    for (std::size_t i = 0; i < Nodes; ++i)
      for (std::size_t k = i + 1; k < Nodes; ++k)
        wires_[{i, k}] = std::make_unique<plain_wire<dvs::userspace::gateway>>(gate(i), gate(k));
    for (std::uint16_t i = 0; i < Nodes; ++i)
      dcs_.push_back(nodes_[i].create_dc("mesh", {.span = dvs::dc_span{dvs::dc_id{7}, i, Nodes}}));
  }
  userspace_mesh(const userspace_mesh&) = delete;
  userspace_mesh& operator=(const userspace_mesh&) = delete;
  ~userspace_mesh() {
    for (dc_type& each : dcs_) each.end();
  }

  [[nodiscard]] dc_type& dc(std::size_t i) { return dcs_[i]; }
  [[nodiscard]] dvs::node_id id(std::size_t i) { return gate(i).self(); }
  [[nodiscard]] auto& wire(std::size_t i, std::size_t k) { return *wires_.at({std::min(i, k), std::max(i, k)}); }
  /// Returns when all nodes have heard all news.
  void settle() {
    for (int round = 0; round < 2; ++round)
      for (std::size_t i = 0; i < Nodes; ++i)
        for (std::size_t k = 0; k < Nodes; ++k)
          if (i != k) gate(i).flush(gate(k).self(), dvs::dc_id{7});
  }

 private:
  using gate_type = std::conditional_t<OnThreads, dvs::userspace::gateway_thread, dvs::userspace::gateway>;
  dvs::userspace::gateway& gate(std::size_t i) {
    if constexpr (OnThreads)
      return *gates_[i];
    else
      return gates_[i];
  }

  std::deque<gate_type> gates_;
  std::deque<dvs::userspace::node> nodes_;
  std::map<std::pair<std::size_t, std::size_t>, std::unique_ptr<plain_wire<dvs::userspace::gateway>>> wires_;
  std::deque<dc_type> dcs_;
};

#endif
