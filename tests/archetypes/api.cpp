// SPDX-License-Identifier: MIT
/// @file
/// The API asks no more of a backend than its concept says: all of it compiles with the archetype.
#include <array>
#include <catch2/catch.hpp>
#include <dvs/ipc.hpp>

#include "backend.hpp"

// Every member that is no template.
template class dvs::endpoint<archetype::backend>;
template class dvs::bound_endpoint<archetype::backend>;
template class dvs::dc<archetype::backend>;
template class dvs::node<archetype::backend>;
template class dvs::condition<archetype::backend>;
template class dvs::grant<archetype::backend, dvs::readable>;
template class dvs::grant<archetype::backend, dvs::writable>;

namespace {

struct tell {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
};
struct ask {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};
using protocol = dvs::protocol<tell, ask>;

struct server {
  void on(const tell&, dvs::caller) {}
  dvs::answer<ask> on(const ask&, dvs::caller) { return dvs::later; }
  void on_notification(dvs::endpoint_id, dvs::notification) {}
  void on_death(dvs::endpoint_id) {}
  void on_unknown(const dvs::received&) {}
};
struct plain_server {
  void operator()(const tell&, dvs::caller) {}
  ask::reply operator()(const ask&, dvs::caller) { return {}; }
};

constexpr dvs::endpoint_id other{1};

}  // namespace

TEST_CASE("every template of an endpoint compiles with the smallest backend, and passes its errors on") {
  dvs::node<archetype::backend> node;
  auto dc = node.create_dc("archetype");
  dc.run([](auto& self) {
    using dvs::errc;
    std::array<std::byte, 8> memory{};
    CHECK(self.send(other, tell{1}).error() == errc::not_supported);
    CHECK(self.sendrec(other, ask{1}).error() == errc::not_supported);
    CHECK(self.receive().error() == errc::not_supported);
    CHECK(self.receive_request().error() == errc::not_supported);
    CHECK(self.reply(dvs::caller{other, 1}, ask::reply{1}).error() == errc::not_supported);
    CHECK(self.grant_read(other, memory).error() == errc::not_supported);
    CHECK(self.grant_write(other, memory).error() == errc::not_supported);
    CHECK(self.grant_onward(other, dvs::no_grant<dvs::readable>, 0, 1).error() == errc::not_supported);
    CHECK(self.grant_onward(other, dvs::no_grant<dvs::writable>, 0, 1).error() == errc::not_supported);
    CHECK(self.spawn([](auto&) {}).error() == errc::not_supported);
    CHECK(self.listen(0).error() == errc::not_supported);
  });
}

TEST_CASE("a server of every form compiles with the smallest backend, and says why it does not serve") {
  dvs::node<archetype::backend> node;
  auto dc = node.create_dc("archetype");
  dc.run([](auto& self) {
    CHECK(dvs::serve<protocol>(self, server{}).error() == dvs::errc::not_supported);
    CHECK(dvs::serve<protocol>(self, plain_server{}).error() == dvs::errc::not_supported);
  });
}

TEST_CASE("every template of a DC compiles with the smallest backend") {
  dvs::node<archetype::backend> node;
  auto dc = node.create_dc("archetype");
  CHECK(dc.spawn([](auto&) {}).error() == dvs::errc::not_supported);
  CHECK(dc.spawn(other, [](auto&) {}).error() == dvs::errc::not_supported);
  CHECK(dc.run([](auto& self) { return self.id(); }) == dvs::none);
}
