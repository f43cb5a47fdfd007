// SPDX-License-Identifier: MIT
/// @file
/// The rules of tables that several nodes have together, one sentence each.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "dvk_world.hpp"

using ended = world::ended;

namespace {

struct company : world {
  dvk_endpoint alice = bind_user();
};

}  // namespace

TEST_CASE("nodes that share a table deal out different user slots, and all of them") {
  for (const std::uint32_t nodes : {1U, 2U, 3U, 7U, 16U, 20U}) {
    std::set<int> dealt;
    std::size_t smallest = 1000, largest = 0;
    for (std::uint32_t position = 0; position < nodes; ++position) {
      world w;
      REQUIRE(dvk_share_users(w.table(), position, nodes) == DVK_E_ok);
      std::size_t here = 0;
      for (dvk_endpoint user; (user = w.bind(DVK_ANY)) != DVK_NONE; ++here)
        CHECK(dealt.insert(dvk_slot_of(user)).second);
      smallest = std::min(smallest, here);
      largest = std::max(largest, here);
    }
    CHECK(dealt.size() == 16);
    CHECK(largest - smallest <= 1);
  }
}

TEST_CASE("a slot of another node's share can be asked for by name, and is not dealt out when it is free again") {
  world w;
  REQUIRE(dvk_share_users(w.table(), 0, 2) == DVK_E_ok);
  const dvk_endpoint named = w.bind(23);
  REQUIRE(named == dvk_endpoint_make(1, 23));
  REQUIRE(w.unbind(named) == 0);
  for (int i = 0; i < 8; ++i) CHECK(dvk_slot_of(w.bind(DVK_ANY)) == 8 + i);
  CHECK(w.bind(DVK_ANY) == DVK_NONE);
}

TEST_CASE("a table is shared before anybody is bound, by as many as there are") {
  world w;
  CHECK(dvk_share_users(w.table(), 2, 2) == DVK_E_bad_value);
  CHECK(dvk_share_users(w.table(), 0, 0) == DVK_E_bad_value);
  w.bind(0);
  CHECK(dvk_share_users(w.table(), 0, 2) == DVK_E_slot_used);
}

TEST_CASE("a process of another node has here the endpoint that it has there") {
  world w;
  const dvk_endpoint user = dvk_endpoint_make(77, 9);
  REQUIRE(dvk_bind_remote(w.table(), user, "elsewhere", 5) == DVK_E_ok);
  CHECK(w.info(user).endpoint == user);
  CHECK(w.info(user).node == 5);
  CHECK(dvk_bind_remote(w.table(), user, "elsewhere", 5) == DVK_E_slot_used);
  CHECK(w.bind(9) == DVK_NONE);
  REQUIRE(w.unbind(user) == 0);
  const dvk_endpoint next = w.bind(9);
  CHECK(next == dvk_endpoint_make(78, 9));
  CHECK(w.info(next).node == DVK_HERE);
  REQUIRE(dvk_bind_remote(w.table(), 3, nullptr, 0) == DVK_E_ok);
  CHECK(w.info(3).node == 0);
}

TEST_CASE("what no process of another node can be called is refused") {
  world w;
  CHECK(dvk_bind_remote(w.table(), dvk_endpoint_make(1, 3), "", 5) == DVK_E_bad_argument);  // a server has generation 0
  CHECK(dvk_bind_remote(w.table(), 9, "", 5) == DVK_E_bad_argument);                        // and a user has not
  CHECK(dvk_bind_remote(w.table(), DVK_HARDWARE, "", 5) == DVK_E_bad_argument);
  CHECK(dvk_bind_remote(w.table(), 24, "", 5) == DVK_E_range);
  CHECK(dvk_bind_remote(w.table(), 3, "", -1) == DVK_E_range);
  CHECK(dvk_bind_remote(w.table(), 3, "", 0x10000) == DVK_E_range);
}

TEST_CASE("who waits for a process is told when it is bound on another node, or that another one is") {
  company w;
  const dvk_endpoint first = dvk_endpoint_make(1, 20), second = dvk_endpoint_make(2, 20);
  REQUIRE(dvk_wait_bind(w.table(), w.alice, first, 0) == DVK_BLOCKED);
  REQUIRE(dvk_bind_remote(w.table(), second, "", 1) == DVK_E_ok);
  CHECK(w.completions() == ended{{w.alice, DVK_E_bad_endpoint}});
  REQUIRE(w.unbind(second) == 0);
  REQUIRE(dvk_wait_bind(w.table(), w.alice, dvk_endpoint_make(3, 20), 0) == DVK_BLOCKED);
  REQUIRE(dvk_bind_remote(w.table(), dvk_endpoint_make(3, 20), "", 1) == DVK_E_ok);
  CHECK(w.completions() == ended{{w.alice, DVK_E_ok}});
}
