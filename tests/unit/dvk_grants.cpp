// SPDX-License-Identifier: MIT
/// @file
/// The rules of grants and copies, one sentence each.
#include <catch2/catch.hpp>

#include "dvk_world.hpp"

namespace {

constexpr std::uint64_t base = 0x1000;

struct company : world {
  dvk_endpoint server = bind(0), other = bind(1);
  dvk_endpoint alice = bind_user(), bob = bind_user();

  /// 100 bytes of alice.
  dvk_grant_id grant(dvk_endpoint grantee, unsigned access = DVK_READ | DVK_WRITE) {
    dvk_grant_id id = DVK_NO_GRANT;
    return dvk_grant_direct(table(), alice, grantee, base, 100, access, &id) == DVK_E_ok ? id : dvk_grant_id{-1};
  }
  int check(dvk_endpoint granter, dvk_endpoint grantee, dvk_grant_id id, std::uint64_t offset = 0,
            std::uint64_t length = 1, unsigned access = DVK_READ) {
    found = {};
    return dvk_grant_check(table(), granter, grantee, id, offset, length, access, 0, &found);
  }
  int pass_on(dvk_endpoint owner, dvk_endpoint to, dvk_endpoint from, dvk_grant_id from_id, dvk_grant_id& id,
              std::uint64_t offset = 0, std::uint64_t length = 100, unsigned access = DVK_READ) {
    return dvk_grant_indirect(table(), owner, to, from, from_id, offset, length, access, &id);
  }
  dvk_memory found{};
};

}  // namespace

TEST_CASE("a grant lets its grantee, and nobody else, at the granted bytes") {
  company w;
  const dvk_grant_id id = w.grant(w.server);
  REQUIRE(w.check(w.alice, w.server, id, 10, 20) == 0);
  CHECK(w.found.owner == w.alice);
  CHECK(w.found.address == base + 10);
  CHECK(w.check(w.alice, w.other, id) == DVK_E_not_granted);
  CHECK(w.check(w.bob, w.server, id) == DVK_E_not_granted);
  CHECK(w.check(w.alice, w.server, id + 1) == DVK_E_not_granted);
}

TEST_CASE("a grant to anybody is for every bound process") {
  company w;
  const dvk_grant_id id = w.grant(DVK_ANY);
  CHECK(w.check(w.alice, w.other, id) == 0);
  CHECK(w.check(w.alice, w.bob, id) == 0);
  CHECK(w.check(w.alice, 5, id) == DVK_E_not_bound);
}

TEST_CASE("a grant holds for the granted directions only") {
  company w;
  const dvk_grant_id read = w.grant(w.server, DVK_READ);
  const dvk_grant_id write = w.grant(w.server, DVK_WRITE);
  CHECK(w.check(w.alice, w.server, read, 0, 1, DVK_READ) == 0);
  CHECK(w.check(w.alice, w.server, read, 0, 1, DVK_WRITE) == DVK_E_not_granted);
  CHECK(w.check(w.alice, w.server, read, 0, 1, DVK_READ | DVK_WRITE) == DVK_E_not_granted);
  CHECK(w.check(w.alice, w.server, write, 0, 1, DVK_READ) == DVK_E_not_granted);
  CHECK(w.check(w.alice, w.server, write, 0, 1, DVK_WRITE) == 0);
  CHECK(w.check(w.alice, w.server, read, 0, 1, 0) == DVK_E_bad_argument);
  CHECK(w.check(w.alice, w.server, read, 0, 1, 4) == DVK_E_bad_argument);
  CHECK(w.grant(w.server, 0) == DVK_NO_GRANT);
  CHECK(w.grant(w.server, 8) == DVK_NO_GRANT);
}

TEST_CASE("the bytes of a copy lie all inside the grant, also where sums overflow") {
  company w;
  const std::uint64_t most = ~UINT64_C(0);
  const dvk_grant_id id = w.grant(w.server);
  CHECK(w.check(w.alice, w.server, id, 0, 100) == 0);
  CHECK(w.check(w.alice, w.server, id, 100, 0) == 0);
  CHECK(w.check(w.alice, w.server, id, 0, 101) == DVK_E_range);
  CHECK(w.check(w.alice, w.server, id, 100, 1) == DVK_E_range);
  CHECK(w.check(w.alice, w.server, id, 101, 0) == DVK_E_range);
  CHECK(w.check(w.alice, w.server, id, most, 2) == DVK_E_range);
  CHECK(w.check(w.alice, w.server, id, 1, most) == DVK_E_range);
  CHECK(w.check(w.alice, w.server, id, most, most) == DVK_E_range);
  dvk_grant_id got = DVK_NO_GRANT;
  CHECK(dvk_grant_direct(w.table(), w.alice, w.server, 2, most - 1, DVK_READ, &got) == DVK_E_range);
  CHECK(dvk_grant_direct(w.table(), w.alice, w.server, 1, most - 1, DVK_READ, &got) == 0);
}

TEST_CASE("a revoked grant is refused, also when its entry is used again") {
  company w;
  const dvk_grant_id old = w.grant(w.server);
  CHECK(dvk_grant_revoke(w.table(), w.bob, old) == DVK_E_not_granted);
  CHECK(dvk_grant_revoke(w.table(), w.alice, old) == 0);
  CHECK(w.check(w.alice, w.server, old) == DVK_E_not_granted);
  CHECK(dvk_grant_revoke(w.table(), w.alice, old) == DVK_E_not_granted);
  dvk_grant_id again = w.grant(w.server);
  for (int entries = 1; entries < 16; ++entries) again = w.grant(w.server);
  CHECK(again % DVK_GRANT_INDEX_SIZE == old % DVK_GRANT_INDEX_SIZE);
  CHECK(w.check(w.alice, w.server, again) == 0);
  CHECK(w.check(w.alice, w.server, old) == DVK_E_not_granted);
}

TEST_CASE("an entry gives 2,048 different ids before the first comes again, and entries take turns") {
  world w({36, 8, 40, 2});
  const dvk_endpoint owner = w.bind(0);
  std::vector<dvk_grant_id> ids;
  for (int i = 0; i < 4096; ++i) {
    dvk_grant_id id = DVK_NO_GRANT;
    REQUIRE(dvk_grant_direct(w.table(), owner, DVK_ANY, 0, 1, DVK_READ, &id) == 0);
    REQUIRE(id == (i / 2) * DVK_GRANT_INDEX_SIZE + i % 2);
    REQUIRE(dvk_grant_revoke(w.table(), owner, id) == 0);
  }
  dvk_grant_id first = DVK_NO_GRANT;
  REQUIRE(dvk_grant_direct(w.table(), owner, DVK_ANY, 0, 1, DVK_READ, &first) == 0);
  CHECK(first == 0);
}

TEST_CASE("when all entries are used the next grant gets no_space, until one is revoked") {
  company w;
  dvk_grant_id last = DVK_NO_GRANT;
  for (int entries = 0; entries < 16; ++entries) last = w.grant(w.server);
  dvk_grant_id more = DVK_NO_GRANT;
  CHECK(dvk_grant_direct(w.table(), w.bob, DVK_ANY, 0, 1, DVK_READ, &more) == DVK_E_no_space);
  REQUIRE(dvk_grant_revoke(w.table(), w.alice, last) == 0);
  CHECK(dvk_grant_direct(w.table(), w.bob, DVK_ANY, 0, 1, DVK_READ, &more) == 0);
}

TEST_CASE("the grants of a process end with it, and its next namesake has none of them") {
  company w;
  const dvk_grant_id id = w.grant(w.server);
  REQUIRE(w.unbind(w.alice) == 0);
  CHECK(w.check(w.alice, w.server, id, 0, 1, DVK_READ) == DVK_E_source_died);
  CHECK(w.check(w.alice, w.server, id, 0, 1, DVK_WRITE) == DVK_E_destination_died);
  const dvk_endpoint next = w.bind(dvk_slot_of(w.alice));
  CHECK(w.check(w.alice, w.server, id) == DVK_E_bad_endpoint);
  CHECK(w.check(next, w.server, id) == DVK_E_not_granted);
}

TEST_CASE("the grants of a server end with it, though the next one has the same endpoint") {
  company w;
  dvk_grant_id id = DVK_NO_GRANT;
  REQUIRE(dvk_grant_direct(w.table(), w.server, DVK_ANY, base, 10, DVK_READ, &id) == 0);
  REQUIRE(w.unbind(w.server) == 0);
  REQUIRE(w.bind(0) == w.server);
  CHECK(w.check(w.server, w.alice, id) == DVK_E_not_granted);
}

TEST_CASE("a grant to a user process is not for the next owner of its slot") {
  company w;
  const dvk_grant_id id = w.grant(w.bob);
  REQUIRE(w.unbind(w.bob) == 0);
  const dvk_endpoint next = w.bind(dvk_slot_of(w.bob));
  CHECK(w.check(w.alice, next, id) == DVK_E_not_granted);
}

TEST_CASE(
    "a grant that is passed on leads to the memory of the first granter, and to no more of it than was passed on") {
  company w;
  const dvk_grant_id first = w.grant(w.server);
  dvk_grant_id second = DVK_NO_GRANT;
  REQUIRE(w.pass_on(w.server, w.other, w.alice, first, second, 10, 50, DVK_READ) == 0);
  REQUIRE(w.check(w.server, w.other, second, 5, 45) == 0);
  CHECK(w.found.owner == w.alice);
  CHECK(w.found.address == base + 15);
  CHECK(w.check(w.server, w.other, second, 5, 46) == DVK_E_range);
  CHECK(w.check(w.server, w.other, second, 0, 1, DVK_WRITE) == DVK_E_not_granted);
  CHECK(w.check(w.alice, w.other, first) == DVK_E_not_granted);
  CHECK(w.check(w.server, w.bob, second) == DVK_E_not_granted);
}

TEST_CASE("a part that reaches beyond the original, or another access, is refused when it is used") {
  company w;
  const dvk_grant_id first = w.grant(w.server, DVK_READ);
  dvk_grant_id wide = DVK_NO_GRANT, write = DVK_NO_GRANT;
  REQUIRE(w.pass_on(w.server, w.other, w.alice, first, wide, 90, 50) == 0);
  CHECK(w.check(w.server, w.other, wide, 0, 10) == 0);
  CHECK(w.check(w.server, w.other, wide, 0, 11) == DVK_E_range);
  REQUIRE(w.pass_on(w.server, w.other, w.alice, first, write, 0, 50, DVK_WRITE) == 0);
  CHECK(w.check(w.server, w.other, write, 0, 1, DVK_WRITE) == DVK_E_not_granted);
}

TEST_CASE("a grant can be passed on only by its grantee, and ends with any link of its chain") {
  company w;
  const dvk_grant_id first = w.grant(w.server);
  dvk_grant_id stolen = DVK_NO_GRANT, second = DVK_NO_GRANT;
  REQUIRE(w.pass_on(w.bob, w.other, w.alice, first, stolen) == 0);
  CHECK(w.check(w.bob, w.other, stolen) == DVK_E_not_granted);
  REQUIRE(w.pass_on(w.server, w.other, w.alice, first, second) == 0);
  REQUIRE(w.check(w.server, w.other, second) == 0);
  SECTION("the first granter revokes") {
    REQUIRE(dvk_grant_revoke(w.table(), w.alice, first) == 0);
    CHECK(w.check(w.server, w.other, second) == DVK_E_not_granted);
  }
  SECTION("the first granter goes") {
    REQUIRE(w.unbind(w.alice) == 0);
    CHECK(w.check(w.server, w.other, second) == DVK_E_source_died);
  }
  SECTION("the one in the middle goes") {
    REQUIRE(w.unbind(w.server) == 0);
    CHECK(w.check(w.server, w.other, second) == DVK_E_source_died);
  }
}

TEST_CASE("a grant can be passed on five times; a longer chain, or a circle, is a loop") {
  company w;
  dvk_endpoint from = w.alice;
  dvk_grant_id id = w.grant(DVK_ANY);
  for (int times = 1; times <= 6; ++times) {
    const dvk_endpoint owner = times % 2 ? w.server : w.other;
    dvk_grant_id next = DVK_NO_GRANT;
    REQUIRE(w.pass_on(owner, DVK_ANY, from, id, next) == 0);
    CHECK(w.check(owner, w.bob, next) == (times <= 5 ? DVK_E_ok : DVK_E_loop));
    from = owner;
    id = next;
  }
  dvk_grant_id circle = DVK_NO_GRANT;
  REQUIRE(w.pass_on(w.bob, DVK_ANY, w.bob, 7, circle) == 0);  // passes itself on
  REQUIRE(circle == 7);
  CHECK(w.check(w.bob, w.server, circle) == DVK_E_loop);
}

TEST_CASE("only a trusted server grants the memory of another process, and only while that one lives") {
  company w;
  dvk_grant_id id = DVK_NO_GRANT;
  const auto magic = [&](dvk_endpoint owner) {
    return dvk_grant_magic(w.table(), owner, w.alice, w.other, base, 100, DVK_READ, &id);
  };
  CHECK(magic(w.bob) == DVK_E_no_privilege);
  REQUIRE(w.allow(w.server, dvk_all_calls() & ~(UINT64_C(1) << DVK_CALL_magic_grant)) == 0);
  CHECK(magic(w.server) == DVK_E_no_privilege);
  REQUIRE(w.allow(w.server, dvk_all_calls()) == 0);
  REQUIRE(magic(w.server) == 0);
  REQUIRE(w.check(w.server, w.other, id, 4, 4) == 0);
  CHECK(w.found.owner == w.alice);
  CHECK(w.found.address == base + 4);
  REQUIRE(w.unbind(w.alice) == 0);
  CHECK(w.check(w.server, w.other, id) == DVK_E_source_died);
  REQUIRE(w.bind(dvk_slot_of(w.alice)) != DVK_NONE);
  CHECK(w.check(w.server, w.other, id) == DVK_E_source_died);  // the next owner's memory was not granted
}

TEST_CASE("ids and endpoints that make no sense are refused everywhere") {
  company w;
  dvk_grant_id got = DVK_NO_GRANT;
  for (dvk_grant_id nonsense : {-1, 16, 1 << 20, INT32_MIN, INT32_MAX}) {
    CHECK(w.check(w.alice, w.server, nonsense) == DVK_E_not_granted);
    CHECK(dvk_grant_revoke(w.table(), w.alice, nonsense) == DVK_E_not_granted);
  }
  for (dvk_grant_id nonsense : {-1, 16, INT32_MIN, INT32_MAX}) {
    CHECK(w.pass_on(w.server, w.other, w.alice, nonsense, got) == DVK_E_not_granted);
  }
  CHECK(dvk_grant_direct(w.table(), 5, w.server, 0, 1, DVK_READ, &got) == DVK_E_not_bound);
  CHECK(w.grant(INT32_MIN) == DVK_NO_GRANT);
  CHECK(w.check(INT32_MIN, w.server, 0) == DVK_E_range);
  CHECK(w.check(INT32_MAX, w.server, 0) == DVK_E_bad_endpoint);
}

// ---- vcopy ----

TEST_CASE("a privileged process may copy between two processes that are blocked in a receive or a reply phase") {
  company w;
  dvk_copy_parties parties{};
  const auto vcopy = [&](dvk_endpoint from, dvk_endpoint to) {
    return dvk_vcopy_check(w.table(), w.server, from, to, &parties);
  };
  CHECK(vcopy(w.alice, w.bob) == DVK_E_not_waiting);
  REQUIRE(w.receive(w.alice) == DVK_BLOCKED);
  CHECK(vcopy(w.alice, w.bob) == DVK_E_not_waiting);
  REQUIRE(w.sendrec(w.bob, w.server) == DVK_BLOCKED);
  CHECK(vcopy(w.alice, w.bob) == DVK_E_not_waiting);  // its request was not received yet
  REQUIRE(w.receive(w.server) == 0);
  CHECK(vcopy(w.alice, w.bob) == 0);
  CHECK(parties.source == w.alice);
  CHECK(parties.destination == w.bob);
  CHECK(vcopy(DVK_SELF, w.bob) == 0);
  CHECK(parties.source == w.server);
  CHECK(vcopy(w.bob, w.server) == 0);
}

TEST_CASE("vcopy names what is wrong with its parties") {
  company w;
  dvk_copy_parties parties{};
  const auto vcopy = [&](dvk_endpoint from, dvk_endpoint to) {
    return dvk_vcopy_check(w.table(), w.server, from, to, &parties);
  };
  REQUIRE(w.receive(w.alice) == DVK_BLOCKED);
  CHECK(vcopy(DVK_SELF, DVK_SELF) == DVK_E_bad_endpoint);
  CHECK(vcopy(DVK_SELF, w.server) == DVK_E_bad_endpoint);
  CHECK(vcopy(w.alice, w.alice) == DVK_E_bad_endpoint);
  CHECK(vcopy(DVK_ANY, w.alice) == DVK_E_bad_endpoint);
  CHECK(vcopy(w.alice, DVK_NONE) == DVK_E_bad_endpoint);
  CHECK(vcopy(DVK_HARDWARE, w.alice) == DVK_E_bad_destination);
  CHECK(vcopy(w.alice, 24) == DVK_E_range);
  CHECK(vcopy(5, w.alice) == DVK_E_source_died);
  CHECK(vcopy(w.alice, 5) == DVK_E_destination_died);
  CHECK(vcopy(w.alice, w.bob + DVK_GENERATION_SIZE) == DVK_E_bad_endpoint);
  CHECK(dvk_vcopy_check(w.table(), w.bob, DVK_SELF, w.alice, &parties) == DVK_E_trap_denied);
  REQUIRE(dvk_set_peers(w.table(), w.server, DVK_TO, DVK_USERS, 0) == 0);
  CHECK(vcopy(w.alice, DVK_SELF) == DVK_E_trap_denied);
}

TEST_CASE("copies are counted for who asked for them") {
  company w;
  REQUIRE(dvk_count_copy(w.table(), w.server, 4096) == 0);
  REQUIRE(dvk_count_copy(w.table(), w.server, 4) == 0);
  CHECK(w.info(w.server).counters.copies == 2);
  CHECK(w.info(w.server).counters.bytes == 4100);
  CHECK(dvk_count_copy(w.table(), 5, 1) == DVK_E_not_bound);
}

TEST_CASE("a chain of grants is followed up to the first that was made on another node, and is tested there") {
  company w;
  const dvk_endpoint far = dvk_endpoint_make(4, 20);
  REQUIRE(dvk_bind_remote(w.table(), far, "far", 6) == DVK_E_ok);

  REQUIRE(w.check(far, w.server, 12, 5, 10) == DVK_E_ok);
  CHECK(w.found.owner == far);
  CHECK(w.found.node == 6);
  CHECK(w.found.grant == 12);
  CHECK(w.found.grantee == w.server);
  CHECK(w.found.address == 5);

  dvk_grant_id onward = DVK_NO_GRANT;
  REQUIRE(w.pass_on(w.server, w.bob, far, 12, onward, 30, 20) == DVK_E_ok);
  REQUIRE(w.check(w.server, w.bob, onward, 1, 19) == DVK_E_ok);
  CHECK(w.found.owner == far);
  CHECK(w.found.node == 6);
  CHECK(w.found.grant == 12);
  CHECK(w.found.grantee == w.server);
  CHECK(w.found.address == 31);
  CHECK(w.check(w.server, w.bob, onward, 1, 20) == DVK_E_range);
  CHECK(w.check(w.server, w.alice, onward) == DVK_E_not_granted);

  REQUIRE(w.check(w.alice, w.server, w.grant(w.server)) == DVK_E_ok);
  CHECK(w.found.node == DVK_HERE);
  REQUIRE(w.unbind(far) == 0);
  CHECK(w.check(w.server, w.bob, onward) == DVK_E_source_died);
}
