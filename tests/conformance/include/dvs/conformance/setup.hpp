// SPDX-License-Identifier: MIT
/// @file
/// What the author of a backend gives to the suite: how to open a node, and where the parties of a law run.
#ifndef DVS_CONFORMANCE_SETUP_HPP
#define DVS_CONFORMANCE_SETUP_HPP

#include <concepts>
#include <cstddef>
#include <dvs/ipc.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace dvs::conformance {

/// Where one party of a law runs.
enum class placement {
  fiber,   ///< a fiber of the thread that carries out the law
  thread,  ///< a thread of its own
  process  ///< a process of the host of its own
};

/// A node of its own, on which all parties of a law run.
template <backend Backend>
struct one_node {
  static constexpr std::size_t nodes = 1;
  static constexpr std::size_t site(std::size_t) { return 0; }

  [[nodiscard]] dvs::node<Backend>& node(std::size_t) { return only; }
  [[nodiscard]] dvs::dc<Backend> make_dc(std::size_t, std::string_view name, const dc_options& sizes) {
    return only.create_dc(name, sizes);
  }
  [[nodiscard]] static bool knows(std::size_t, const process_info&) { return true; }
  static void settle() {}

  dvs::node<Backend> only;
};

/// A backend together with a way to place parties; the suite is instantiated for one of these.
///
///     struct my_fibers {
///       using backend = my::backend;
///       static constexpr std::string_view name = "my backend, fibers";  // begins the name of every test
///       static dvs::node<backend> open() { return dvs::node<backend>(); }
///       static constexpr dvs::conformance::placement place(std::size_t party) { ... }  // party: 0, 1, 2 ... of a law
///     };
///
/// For laws over several nodes of a cluster it has a type `world` instead of `open`, made anew for each law, that looks
/// like `one_node`: how many nodes, on which of them a party runs, the nodes, their parts of a DC, made in their order,
/// and which of them knows what the process of a row does. `settle` waits until every node has seen what the others
/// did: laws look at all nodes at once, which no process can. A world whose tables are gathered from several processes
/// says `has_gathered_tables`. None of this need be a constant: one program may choose its world when it starts.
///
/// A world that places parties in processes has what `world_of_processes` asks for. What the parties of a law share
/// lies in memory that all of them have: in variables of the law, without storage elsewhere.
template <class Setup>
concept setup_of_nodes = requires(typename Setup::world& world, std::size_t index, std::string_view dc,
                                  const dc_options& sizes, const process_info& row) {
  { Setup::world::nodes } -> std::convertible_to<std::size_t>;
  { Setup::world::site(index) } -> std::convertible_to<std::size_t>;
  { world.node(index) } -> std::same_as<node<typename Setup::backend>&>;
  { world.make_dc(index, dc, sizes) } -> std::same_as<dvs::dc<typename Setup::backend>>;
  { world.knows(index, row) } -> std::same_as<bool>;
  { world.settle() } -> std::same_as<void>;
};
/// `launch` starts a process that binds itself in the DC of this name and carries out the body; `own_dc` is the DC
/// there and null in the process of the law; `complaint` tells of processes that ended otherwise than by returning.
template <class World, class Backend>
concept world_of_processes = requires(World& world, std::string_view dc, endpoint_id who, const bind_options& options,
                                      std::function<void(endpoint<Backend>&)> body) {
  { world.launch(dc, who, options, body) } -> std::same_as<result<endpoint_id>>;
  { World::own_dc() } -> std::same_as<dvs::dc<Backend>*>;
  { world.complaint() } -> std::same_as<std::string>;
};
template <class Setup>
concept setup = backend<typename Setup::backend> &&(setup_of_nodes<Setup> ||
                                                    requires {
                                                      { Setup::open() } -> std::same_as<node<typename Setup::backend>>;
                                                    }) &&
                requires(std::size_t party) {
  { Setup::name } -> std::convertible_to<std::string_view>;
  { Setup::place(party) } -> std::same_as<placement>;
};

/// The nodes of a setup.
template <class Setup>
struct world_of {
  using type = one_node<typename Setup::backend>;
  static type open() { return {Setup::open()}; }
};
template <setup_of_nodes Setup>
struct world_of<Setup> {
  using type = typename Setup::world;
  static type open() { return {}; }
};

/// Every party a fiber.
struct all_fibers {
  static constexpr placement place(std::size_t) { return placement::fiber; }
};
/// Every party a thread.
struct all_threads {
  static constexpr placement place(std::size_t) { return placement::thread; }
};
/// Every party a process.
struct all_processes {
  static constexpr placement place(std::size_t) { return placement::process; }
};
/// Processes among fibers and threads.
struct processes_and_others {
  static constexpr placement place(std::size_t party) {
    constexpr placement turns[] = {placement::process, placement::fiber, placement::process, placement::thread};
    return turns[party % 4];
  }
};
/// Two fibers, two threads, and so on: neighbours meet in all four ways.
struct mixed {
  static constexpr placement place(std::size_t party) {
    return party / 2 % 2 == 0 ? placement::fiber : placement::thread;
  }
};

}  // namespace dvs::conformance

#endif
