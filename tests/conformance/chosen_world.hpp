// SPDX-License-Identifier: MIT
/// @file
/// A world for laws that is chosen when the program starts: the laws are compiled once for all worlds of a backend.
#ifndef DVS_TESTS_CONFORMANCE_CHOSEN_WORLD_HPP
#define DVS_TESTS_CONFORMANCE_CHOSEN_WORLD_HPP

#include <cstdlib>
#include <dvs/conformance/setup.hpp>
#include <iostream>
#include <memory>
#include <span>
#include <string>

/// What the laws ask of the world that was chosen.
template <dvs::backend Backend>
struct held_world {
  virtual ~held_world() = default;
  virtual dvs::node<Backend>& node(std::size_t site) = 0;
  virtual dvs::dc<Backend> make_dc(std::size_t site, std::string_view name, const dvs::dc_options& sizes) = 0;
  [[nodiscard]] virtual bool knows(std::size_t site, const dvs::process_info& row) = 0;
  virtual void settle() = 0;
};

/// One of the worlds that may be chosen, with a way to place parties.
template <dvs::backend Backend>
struct world_choice {
  std::string name;
  dvs::conformance::placement (*place)(std::size_t party);
  std::size_t nodes;
  std::size_t (*site)(std::size_t party);
  bool has_gathered_tables;
  std::unique_ptr<held_world<Backend>> (*make)();
};

/// The choice of `World` with the placement of `Placing`.
template <dvs::backend Backend, class World, class Placing>
world_choice<Backend> choice_of(std::string name) {
  struct held final : held_world<Backend> {
    dvs::node<Backend>& node(std::size_t site) override { return world.node(site); }
    dvs::dc<Backend> make_dc(std::size_t site, std::string_view dc, const dvs::dc_options& sizes) override {
      return world.make_dc(site, dc, sizes);
    }
    [[nodiscard]] bool knows(std::size_t site, const dvs::process_info& row) override { return world.knows(site, row); }
    void settle() override { world.settle(); }
    World world;
  };
  constexpr bool is_gathered = requires { requires World::has_gathered_tables; };
  return {std::move(name), &Placing::place,
          World::nodes,    &World::site,
          is_gathered,     [] { return std::unique_ptr<held_world<Backend>>(std::make_unique<held>()); }};
}

/// The choice that the environment variable DVS_SETUP names. Without a good name the program ends with status 2 and
/// says which there are.
template <dvs::backend Backend>
world_choice<Backend> choice_by_environment(std::span<const world_choice<Backend>> choices) {
  const char* const wanted = std::getenv("DVS_SETUP");
  for (const auto& each : choices)
    if (wanted != nullptr && each.name == wanted) return each;
  std::cerr << "set the environment variable DVS_SETUP to where the laws shall be tried:";
  for (const auto& each : choices) std::cerr << " " << each.name;
  std::cerr << std::endl;
  std::_Exit(2);
}

#endif
