// SPDX-License-Identifier: MIT
/// @file
/// Estates: their bytes are those of docs/wire_format.md, every estate has one encoding, and no bytes do any harm.
#include <dvs/dvk/estate.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dvk_migrate_world.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

std::string in_hex(const bytes& b) {
  std::string text;
  for (const std::uint8_t byte : b) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

int encode(const dvk_estate& estate, bytes& out) {
  std::size_t used = 0;
  out.assign(DVK_ESTATE_BYTES_MAX, 0);
  const int result = dvk_estate_encode(&estate, out.data(), out.size(), &used);
  out.resize(used);
  return result;
}

bytes encoded(const dvk_estate& estate) {
  bytes out;
  REQUIRE(encode(estate, out) == DVK_E_ok);
  REQUIRE(out.size() == dvk_estate_bytes(&estate));
  return out;
}

/// What the bytes decode to is encoded as the same bytes, if they decode at all. Returns the outcome.
int law_of_one_encoding(const bytes& b) {
  const auto estate = std::make_unique<dvk_estate>();
  const bytes exact(b);  // so that a sanitizer sees a read behind the end
  const int outcome = dvk_estate_decode(exact.data(), exact.size(), estate.get());
  if (outcome == DVK_E_ok) REQUIRE(encoded(*estate) == b);
  return outcome;
}

/// Slot 1 of a table with 35 tasks and 5 servers, with two notifications.
std::unique_ptr<dvk_estate> an_estate() {
  auto e = std::make_unique<dvk_estate>();
  e->endpoint = 1;
  e->term = 3;
  e->exchange = 0x11223344;
  e->tasks = 35;
  e->system_processes = 40;
  e->privileges = {0x8000000000000001, DVK_LEVEL_server, -2};
  e->counters = {1, 2, 3, 4, 0x0102030405060708};
  e->peers[DVK_TO][0] = ~0ULL;
  e->peers[DVK_FROM][0] = 0x10000000001;
  std::memcpy(e->name, "rdisk", 5);
  e->notes = 2;
  e->pending[0] = {DVK_CLOCK, {0x1000, 0x80}};
  e->pending[1] = {4, {0x2000, 1}};
  return e;
}

}  // namespace

TEST_CASE("an estate has the bytes that the wire format says") {
  const std::string head =
      "8c000000010102000100000003000000443322"
      "11feffffff0100000000000080"
      "01000000000000000200000000000000030000000000000004000000000000000807060504030201"
      "726469736b000000000000000000000023002800";
  CHECK(in_hex(encoded(*an_estate())) == head + "ffffffffff01" + "010000000001" +
                                             "000000100000000000008000000000000000"
                                             "270000200000000000000100000000000000");
}

TEST_CASE("an estate that is cut, or has anything behind it, is none") {
  const bytes whole = encoded(*an_estate());
  REQUIRE(law_of_one_encoding(whole) == DVK_E_ok);
  for (std::size_t count = 0; count < whole.size(); ++count) {
    const bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count));
    REQUIRE(law_of_one_encoding(part) == DVK_E_range);
  }
  bytes more = whole;
  more.push_back(0);
  CHECK(law_of_one_encoding(more) == DVK_E_range);
  more[0] = static_cast<std::uint8_t>(more.size());
  CHECK(law_of_one_encoding(more) == DVK_E_range);
}

TEST_CASE("an estate with one bit changed is another estate, or none") {
  const bytes whole = encoded(*an_estate());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    bytes changed = whole;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    law_of_one_encoding(changed);
  }
}

TEST_CASE("an estate of another version is refused by name") {
  bytes b = encoded(*an_estate());
  b[4] = DVK_ESTATE_VERSION + 1;
  CHECK(law_of_one_encoding(b) == DVK_E_not_supported);
}

TEST_CASE("values that no estate has are refused, at both ends") {
  const auto e = an_estate();
  bytes changed = encoded(*e);
  int expected = DVK_E_bad_argument;
  SECTION("a term of 0") { e->term = 0, changed[12] = 0; }
  SECTION("the endpoint of hardware") { e->endpoint = -1, std::memset(&changed[8], 0xFF, 4); }
  SECTION("a system process with a generation") { e->endpoint = 0x100001, changed[10] = 0x10; }
  SECTION("a user process without one") { e->endpoint = 5, changed[8] = 5; }
  SECTION("a level that is none") { e->privileges.level = 6, changed[5] = 6; }
  SECTION("a process to be warned that is no system process") { e->privileges.warn = 5, changed[20] = 5; }
  SECTION("a name without end") { std::memset(e->name, 'x', 16), std::memset(&changed[72], 'x', 16); }
  SECTION("something behind the name") { e->name[9] = 'x', changed[81] = 'x'; }
  SECTION("fewer tasks than any table has") { e->tasks = 34, changed[88] = 34, expected = DVK_E_range; }
  SECTION("a notification of itself") { e->pending[1].source = 1, changed[122] = 36; }
  SECTION("notifications out of order") { e->pending[0].source = 4, changed[104] = 39; }
  bytes out;
  CHECK(encode(*e, out) == expected);
  if (changed != encoded(*an_estate())) CHECK(law_of_one_encoding(changed) == expected);
}

TEST_CASE("bits of a bitmap that stand for nobody are not written, and refused when they are read") {
  const auto e = an_estate();
  bytes b = encoded(*e);
  CHECK(b[97] == 0x01);
  b[97] = 0x03;
  CHECK(law_of_one_encoding(b) == DVK_E_bad_argument);
}

TEST_CASE("an estate that does not fit is not written") {
  const auto e = an_estate();
  bytes out(dvk_estate_bytes(e.get()), 0xEE);
  std::size_t used = 0;
  CHECK(dvk_estate_encode(e.get(), out.data(), out.size() - 1, &used) == DVK_E_too_big);
  CHECK(out == bytes(out.size(), 0xEE));
}

TEST_CASE("an estate longer than a fragment does not travel") {
  const auto e = an_estate();
  e->tasks = 1024, e->system_processes = 4096, e->endpoint = 0, e->notes = 0;
  for (int source = -1024; dvk_estate_bytes(e.get()) + DVK_ESTATE_NOTE_BYTES <= DVK_ESTATE_BYTES_MAX; ++source) {
    if (source != 0) e->pending[e->notes++] = {source, {1, 1}};
  }
  CHECK(e->notes > 3500);
  CHECK(law_of_one_encoding(encoded(*e)) == DVK_E_ok);
  e->pending[e->notes] = {e->pending[e->notes - 1].source + 1, {1, 1}};
  ++e->notes;
  bytes out;
  CHECK(encode(*e, out) == DVK_E_too_big);
}

TEST_CASE("random estates come back as they went") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  const auto e = std::make_unique<dvk_estate>();
  for (int i = 0; i < 2'000; ++i) {
    std::memset(e.get(), 0, sizeof *e);
    e->tasks = 35 + static_cast<std::uint32_t>(chance() % 200);
    e->system_processes = e->tasks + 1 + static_cast<std::uint32_t>(chance() % 200);
    const bool is_user = chance() % 4 == 0;
    const int servers = static_cast<int>(e->system_processes - e->tasks);
    e->endpoint = is_user ? dvk_endpoint_make(1 + static_cast<int>(chance() % 2047), servers) : servers - 1;
    e->term = 1 + static_cast<std::uint32_t>(chance() % 1000);
    e->exchange = static_cast<std::uint32_t>(chance());
    e->privileges = {chance(), static_cast<std::int32_t>(chance() % 6), chance() % 2 ? dvk_endpoint{DVK_NONE} : -35};
    e->counters = {chance(), chance(), chance(), chance(), chance()};
    for (auto& direction : e->peers) {
      for (auto& word : direction) word = chance();
    }
    for (int source = -static_cast<int>(e->tasks); !is_user && source < servers - 1; ++source) {
      if (chance() % 3 == 0) e->pending[e->notes++] = {source, {chance(), chance()}};
    }
    const bytes b = encoded(*e);
    REQUIRE(law_of_one_encoding(b) == DVK_E_ok);
    const auto back = std::make_unique<dvk_estate>();
    REQUIRE(dvk_estate_decode(b.data(), b.size(), back.get()) == DVK_E_ok);
    REQUIRE(back->endpoint == e->endpoint);
    REQUIRE(back->notes == e->notes);
    for (std::uint32_t note = 0; note < e->notes; ++note) {
      REQUIRE(back->pending[note].source == e->pending[note].source);
      REQUIRE(back->pending[note].notification.timestamp_ns == e->pending[note].notification.timestamp_ns);
      REQUIRE(back->pending[note].notification.value == e->pending[note].notification.value);
    }
    REQUIRE(std::memcmp(&back->counters, &e->counters, sizeof e->counters) == 0);
  }
}

TEST_CASE("a process arrives from bytes as it left") {
  dvk_migrate::origin from;
  dvk_migrate::destination to;
  REQUIRE(dvk_set_peers(from.table(), from.server, DVK_FROM, -3, 0) == 0);
  REQUIRE(from.notify(from.other, from.server, 3) == 0);
  REQUIRE(from.start() == 0);
  REQUIRE(from.receive(from.server) == DVK_BLOCKED);
  REQUIRE(from.leave() == 0);
  const bytes b = encoded(*from.estate);
  REQUIRE(dvk_estate_decode(b.data(), b.size(), to.estate.get()) == DVK_E_ok);
  REQUIRE(to.adopt(*to.estate) == 0);
  int allowed = 1;
  CHECK(dvk_get_peers(to.table(), to.server, DVK_FROM, -3, &allowed) == 0);
  CHECK(allowed == 0);
  CHECK(dvk_get_peers(to.table(), to.server, DVK_FROM, DVK_USERS, &allowed) == 0);
  CHECK(allowed == 1);
  CHECK(to.receive(to.server) == 0);
  CHECK(to.notified_by(to.server) == to.other);
}
