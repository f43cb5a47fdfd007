// SPDX-License-Identifier: MIT
/// @file
/// Random operations on the DVK rules and on the simple model of them. DVS_SEED=number repeats a run.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <random>

#include "dvk_duel.hpp"

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DVS_TEST_IS_SLOW
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define DVS_TEST_IS_SLOW
#endif

#ifdef DVS_TEST_IS_SLOW
constexpr int steps_per_round = 10'000;
#else
constexpr int steps_per_round = 500'000;
#endif
constexpr int rounds = 24;

std::uint64_t chosen_seed() {
  const char* wanted = std::getenv("DVS_SEED");
  return wanted ? std::strtoull(wanted, nullptr, 0) : std::random_device{}();
}

/// Numbers below n from a 64-bit generator of three lines, as the standard distributions differ between libraries.
struct random_choices {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state += 0x9E3779B97F4A7C15;
    std::uint64_t mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return static_cast<std::uint32_t>(((mixed ^ (mixed >> 31)) >> 32) * n >> 32);
  }
};

}  // namespace

TEST_CASE("the rules and the simple model agree on every result, completion and blocked set") {
  const std::uint64_t seed = chosen_seed();
  std::cout << "DVS_SEED=" << seed << ", " << rounds << " rounds of " << steps_per_round << " steps\n";
  for (int round = 0; round < rounds; ++round) {
    random_choices choices{seed + static_cast<std::uint64_t>(round) * 1'000'003};
    const auto profile = dvk_model::some_profile(choices);
    dvk_model::duel duel(choices, profile);
    int steps = 0;
    while (steps < steps_per_round && duel.step()) ++steps;
    INFO("DVS_SEED=" << seed << " round " << round << ": " << duel.trouble());
    REQUIRE(steps == steps_per_round);
  }
}
