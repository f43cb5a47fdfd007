// SPDX-License-Identifier: MIT
/// @file
/// The node: where a program enters the DVS.
#ifndef DVS_NODE_HPP
#define DVS_NODE_HPP

#include <dvs/dc.hpp>

namespace dvs {

/// A node of a DVS over one backend. Programs use the backend's name for it, such as `dvs::userspace::node`.
/// It must outlive its DCs. Thread safety: all members may be called from any thread.
template <backend Backend>
class node {
 public:
  using backend_type = Backend;

  /// Opens the node; the arguments are the backend's.
  template <class... Arguments>
  requires std::constructible_from<typename Backend::node, Arguments...>
  explicit node(Arguments&&... arguments) : node_(std::forward<Arguments>(arguments)...) {}
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Creates a DC. Throws `dvs::error`: `exists` (the name is taken), `range` (a size), `no_memory`.
  [[nodiscard]] dc<Backend> create_dc(std::string_view name, const dc_options& options = {}) {
    return dc<Backend>(node_.create_dc(name, options).value());
  }
  /// Enters a DC that another process of the node has created; leaving scope leaves it. Throws `dvs::error`:
  /// `no_entry` (there is none of that name; always so where processes do not share nodes), `no_privilege`.
  [[nodiscard]] dc<Backend> open_dc(std::string_view name) { return dc<Backend>(node_.open_dc(name).value()); }
  /// The DCs that run now.
  [[nodiscard]] std::vector<dc_info> dcs() { return node_.dcs(); }
  /// The number of this node in its cluster.
  [[nodiscard]] node_id id() const { return node_.id(); }

  /// The backend's object under this one, for code that extends the API.
  [[nodiscard]] typename Backend::node& implementation() { return node_; }

 private:
  typename Backend::node node_;
};

}  // namespace dvs

#endif
