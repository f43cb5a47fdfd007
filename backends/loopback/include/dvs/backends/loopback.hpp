// SPDX-License-Identifier: MIT
/// @file
/// The loopback backend: a whole DVS in one thread, made of the DVK rules and fibers; the model for backend authors.
///
/// Time is virtual: it stands still while anything can run, and jumps to the next timer when everything waits. A
/// program is therefore the same in every run. When nothing can ever run again the process ends with a message.
#ifndef DVS_BACKENDS_LOOPBACK_HPP
#define DVS_BACKENDS_LOOPBACK_HPP

#include <dvs/backends/loopback/condition.hpp>
#include <dvs/backends/loopback/node.hpp>
#include <dvs/ipc.hpp>

namespace dvs::loopback {

/// The types that carry out the API.
struct backend {
  using node = loopback::node_core;
  using dc = loopback::dc;
  using port = loopback::port;
  using condition = loopback::condition;
  static constexpr std::string_view name = "loopback";
  static constexpr dvs::abilities abilities{.threads = false, .streams = false};
};
static_assert(dvs::backend<backend>);

/// What programs use: `dvs::loopback::node node;`
using node = dvs::node<backend>;

}  // namespace dvs::loopback

#endif
