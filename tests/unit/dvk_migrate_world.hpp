// SPDX-License-Identifier: MIT
/// @file
/// Two nodes of a DC, for tests of processes that move between them.
#ifndef DVS_TESTS_UNIT_DVK_MIGRATE_WORLD_HPP
#define DVS_TESTS_UNIT_DVK_MIGRATE_WORLD_HPP

#include <catch2/catch.hpp>
#include <memory>

#include "dvk_world.hpp"

namespace dvk_migrate {

constexpr int here = 1, there = 2;

/// One node of a DC.
struct node : world {
  dvk_endpoint server = DVK_NONE, other = DVK_NONE;
  std::unique_ptr<dvk_estate> estate = std::make_unique<dvk_estate>();

  int start() { return dvk_migrate_start(table(), server); }
  int leave() { return dvk_migrate_leave(table(), server, estate.get()); }
  int commit(int to = there) { return dvk_migrate_commit(table(), server, to); }
  int rollback(bool with_estate = true) {
    return dvk_migrate_rollback(table(), server, with_estate ? estate.get() : nullptr);
  }
  int adopt(const dvk_estate& from, std::uint64_t owner = 77) { return dvk_migrate_adopt(table(), &from, owner); }
  unsigned moving() { return info(server).moving; }
  int notified_by(dvk_endpoint who) { return received(who).type == DVK_NOTIFICATION ? received(who).source : -99; }
};

/// The node where the server and everybody else begin.
struct origin : node {
  origin() { server = bind(0, 7), other = bind(1); }
  dvk_endpoint alice = bind_user(), bob = bind_user(), carol = bind_user();

  /// The server waits for anybody, is held, and its estate is under way.
  void depart() {
    REQUIRE(receive(server) == DVK_BLOCKED);
    REQUIRE(start() == 0);
    REQUIRE(leave() == 0);
  }
};

/// Another node, to which the server and `other` are processes of the first.
struct destination : node {
  destination() {
    server = 0, other = 1;
    REQUIRE(dvk_bind_remote(table(), 0, "server", here) == 0);
    REQUIRE(dvk_bind_remote(table(), 1, "other", here) == 0);
  }
  dvk_endpoint dave = bind_user();
};

}  // namespace dvk_migrate

#endif
