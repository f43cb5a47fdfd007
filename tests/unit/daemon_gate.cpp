// SPDX-License-Identifier: MIT
/// @file
/// The gate of a daemon with real proxies: whom it lets in, and what it tells of its links.
#include <catch2/catch.hpp>
#include <tests/cluster/daemon_thread.hpp>
#include <tests/cluster/tcp_wire.hpp>

using namespace dvs;
using userspace::json;

namespace {

struct silent_proxy final : proxy {
  void run() override {}
};

json links_of(daemon_thread& of) {
  json rows;
  of.run([&] { rows = of.daemon().gate().links(); });
  return rows;
}

}  // namespace

TEST_CASE("a gate that expects nodes lets no others in; one that expects nobody lets in all") {
  daemon_thread here(node_id{1});
  here.run([&] {
    gate& in = here.daemon().gate();
    silent_proxy by;
    CHECK(in.link_up(node_id{5}, 1, by) == errc::ok);
    CHECK(in.link_up(node_id{5}, 1, by) == errc::busy);
    here.daemon().gate().expect(node_id{2}, "two", "tcp");
    CHECK(in.link_up(node_id{3}, 1, by) == errc::bad_argument);
    CHECK(in.link_up(node_id{1}, 1, by) == errc::bad_argument);
    CHECK(in.link_up(node_id{2}, 1, by) == errc::ok);
    in.remove(by);
    CHECK(in.link_up(node_id{2}, 2, by) == errc::ok);
    in.remove(by);
  });
  const json rows = links_of(here);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("name") == "two");
  CHECK(rows[0].at("proxy") == "tcp");
  CHECK(rows[0].at("up") == false);
  CHECK(rows[0].at("reconnects") == 1);
  CHECK(rows[1].at("name") == "");
}

TEST_CASE("what one gate has sent the other has received, and a link that was given up comes up again") {
  daemon_thread left(node_id{1}), right(node_id{2});
  for (daemon_thread* const each : {&left, &right})
    each->run([&] {
      const auto made = each->daemon().board().create_dc(
          "lab", {.span = dc_span{dc_id{7}, static_cast<std::uint16_t>(each == &left ? 0 : 1), 2}}, {});
      CHECK(made);
    });
  for (int times = 0; times < 3; ++times) {
    const tcp_wire<daemon_thread> wire(left, right);  // up when it is made
    const json one = links_of(left)[0], other = links_of(right)[0];
    CHECK(one.at("up") == true);
    CHECK(one.at("reconnects") == times);
    CHECK(one.at("frames_received") == 1 + times);
    CHECK(other.at("frames_sent") == 1 + times);
    CHECK(one.at("bytes_received") == other.at("bytes_sent"));
  }
  CHECK(links_of(left)[0].at("up") == false);
}
