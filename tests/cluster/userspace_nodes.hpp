// SPDX-License-Identifier: MIT
/// @file
/// Two nodes of the userspace backend in one process.
#ifndef DVS_TESTS_CLUSTER_USERSPACE_NODES_HPP
#define DVS_TESTS_CLUSTER_USERSPACE_NODES_HPP

#include <dvs/backends/userspace/gateway_thread.hpp>
#include <memory>

#include "plain_wire.hpp"

/// Gates of a thread each, or both on the calling thread.
template <bool OnThreads>
class userspace_gates {
 public:
  [[nodiscard]] dvs::userspace::gateway& operator[](std::size_t i) {
    if constexpr (OnThreads)
      return **gates_[i];
    else
      return *gates_[i];
  }

 private:
  using gate_type = std::conditional_t<OnThreads, dvs::userspace::gateway_thread, dvs::userspace::gateway>;
  std::unique_ptr<gate_type> gates_[2] = {std::make_unique<gate_type>(dvs::node_id{1}),
                                          std::make_unique<gate_type>(dvs::node_id{2})};
};

/// Two nodes and the wire between them; parties of a law take turns on them.
template <bool OnThreads, template <class> class Wire = plain_wire>
struct two_nodes {
  static constexpr std::size_t nodes = 2;
  static constexpr std::size_t site(std::size_t party) { return party % 2; }

  [[nodiscard]] dvs::userspace::node& node(std::size_t i) { return i == 0 ? left : right; }
  [[nodiscard]] dvs::dc<dvs::userspace::backend> make_dc(std::size_t i, std::string_view name, dvs::dc_options sizes) {
    sizes.span = dvs::dc_span{dvs::dc_id{7}, static_cast<std::uint16_t>(i), 2};
    return node(i).create_dc(name, sizes);
  }
  [[nodiscard]] bool knows(std::size_t i, const dvs::process_info& row) { return node(i).id() == row.node; }

  void settle() {
    for (int way : {0, 1, 0, 1}) gates[way].flush(gates[1 - way].self(), dvs::dc_id{7});
  }

  userspace_gates<OnThreads> gates;
  dvs::userspace::node left{gates[0]}, right{gates[1]};
  Wire<dvs::userspace::gateway> wire{gates[0], gates[1]};
};

#endif
