// SPDX-License-Identifier: MIT
/// @file
/// Where the laws of the servers are tried: a DC on each backend, with servers as fibers or as threads.
#ifndef TESTS_MUK_MUK_HOUSE_HPP
#define TESTS_MUK_MUK_HOUSE_HPP

#include <catch2/catch.hpp>
#include <dvs/backends/loopback.hpp>
#include <dvs/ipc.hpp>
#include <string_view>
#if __has_include(<dvs/backends/userspace.hpp>)
#include <dvs/backends/userspace.hpp>
#endif

/// A DC whose parties are fibers, and where `Setup` has threads, in another run of the test case, threads.
template <class Setup>
class house {
 public:
  using backend = typename Setup::backend;
  using endpoint = dvs::endpoint<backend>;

  /// Starts a server at `where`.
  template <class Body>
  void start(dvs::endpoint_id where, std::string_view name, Body body) {
    static_cast<void>(spawn(where, std::move(body), {.name = name}).value());
  }
  /// Starts a user process; returns its endpoint.
  template <class Body>
  dvs::endpoint_id start_user(Body body) {
    return spawn(dvs::own, std::move(body), {}).value();
  }
  /// Runs `body` in this context as a user process.
  template <class Body>
  void as_user(Body body) {
    dc.run(body);
  }
  /// Runs `body` in this context as the system process at `where`.
  template <class Body>
  void as_server(dvs::endpoint_id where, Body body) {
    const auto bound = dc.bind(where).value();
    body(static_cast<endpoint&>(*bound));
  }

  dvs::node<backend> node;
  dvs::dc<backend> dc{node.create_dc("house")};

 private:
  template <class Body>
  dvs::result<dvs::endpoint_id> spawn(dvs::endpoint_id where, Body body, const dvs::bind_options& options) {
    if constexpr (backend::abilities.threads)
      if (on_threads_) return dc.spawn(where, dvs::on_thread{}, std::move(body), options);
    return dc.spawn(where, std::move(body), options);
  }
  static bool runs_on_threads() {
    if constexpr (backend::abilities.threads) return GENERATE(false, true);
    return false;
  }

  const bool on_threads_ = runs_on_threads();
};

struct loopback {
  using backend = dvs::loopback::backend;
};
#if __has_include(<dvs/backends/userspace.hpp>)
struct userspace {
  using backend = dvs::userspace::backend;
};
#define EVERYWHERE loopback, userspace
#else
#define EVERYWHERE loopback
#endif

#endif
