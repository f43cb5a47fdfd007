// SPDX-License-Identifier: MIT
/// @file
/// What the author of a backend gives to the suite: how to open a node, and where the parties of a law run.
#ifndef DVS_CONFORMANCE_SETUP_HPP
#define DVS_CONFORMANCE_SETUP_HPP

#include <concepts>
#include <cstddef>
#include <dvs/ipc.hpp>
#include <string_view>

namespace dvs::conformance {

/// Where one party of a law runs.
enum class placement {
  fiber,  ///< a fiber of the thread that carries out the law
  thread  ///< a thread of its own
};

/// A backend together with a way to place parties; the suite is instantiated for one of these.
///
///     struct my_fibers {
///       using backend = my::backend;
///       static constexpr std::string_view name = "my backend, fibers";  // begins the name of every test
///       static dvs::node<backend> open() { return dvs::node<backend>(); }
///       static constexpr dvs::conformance::placement place(std::size_t party) { ... }  // party: 0, 1, 2 ... of a law
///     };
template <class Setup>
concept setup = backend<typename Setup::backend> && requires(std::size_t party) {
  { Setup::name } -> std::convertible_to<std::string_view>;
  { Setup::open() } -> std::same_as<node<typename Setup::backend>>;
  { Setup::place(party) } -> std::same_as<placement>;
};

/// Every party a fiber.
struct all_fibers {
  static constexpr placement place(std::size_t) { return placement::fiber; }
};
/// Every party a thread.
struct all_threads {
  static constexpr placement place(std::size_t) { return placement::thread; }
};
/// Two fibers, two threads, and so on: neighbours meet in all four ways.
struct mixed {
  static constexpr placement place(std::size_t party) {
    return party / 2 % 2 == 0 ? placement::fiber : placement::thread;
  }
};

}  // namespace dvs::conformance

#endif
