// SPDX-License-Identifier: MIT
/// @file
/// The laws of byte streams on the userspace backend: how operations end other than well.
#include <fcntl.h>
#include <sys/resource.h>

#include <future>

#include "streams_world.hpp"

using namespace streams_test;

TEST_CASE("a wait for the outside world ends with timed_out when its time has passed, not before") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    CHECK(at.accept(dvs::no_wait).error() == errc::would_block);
    auto begin = self.now();
    CHECK(at.accept(3ms).error() == errc::timed_out);
    CHECK(self.now() - begin >= 3ms);

    auto [outside, inside] = connect(at);
    CHECK(read_text(inside, dvs::no_wait) == "<would_block>");
    begin = self.now();
    CHECK(read_text(inside, 3ms) == "<timed_out>");
    CHECK(self.now() - begin >= 3ms);

    const std::string much(64 << 20, 'x');
    begin = self.now();
    CHECK(inside.write_all(bytes_of(much), 3ms).error() == errc::timed_out);
    CHECK(self.now() - begin >= 3ms);
    CHECK(inside.write_all(bytes_of(much), dvs::no_wait).error() == errc::would_block);
  });
}

TEST_CASE("the limit of write_all is for all bytes, also when the peer takes some all the time") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    const std::string much(256 << 20, 'x');  // no host moves as much in this time
    std::thread peer([&receiver = outside] {
      while (!receiver.receive(100'000).empty()) {
      }
    });
    CHECK(inside.write_all(bytes_of(much), 10ms).error() == errc::timed_out);
    inside.close();
    peer.join();
  });
}

TEST_CASE("the end of a DC wakes whoever waits to accept, to read or to write") {
  world w;
  std::vector<errc> outcomes;
  std::optional<client> silent, deaf;
  w.dc.run([&](endpoint& self) {
    auto at = std::make_shared<listener>(self.listen(0).value());
    auto [first, reads] = connect(*at);
    auto [second, writes] = connect(*at);
    silent.emplace(std::move(first));
    deaf.emplace(std::move(second));
    const auto one = self.spawn([&, at](endpoint&) { outcomes.push_back(at->accept().error()); });
    const auto two = self.spawn([&, from = std::move(reads)](endpoint&) mutable {
      std::array<std::byte, 16> buffer;
      outcomes.push_back(from.read_some(buffer).error());
      outcomes.push_back(from.read_some(buffer).error());
    });
    const auto three = self.spawn([&, to = std::move(writes)](endpoint&) mutable {
      const std::string much(64 << 20, 'x');
      outcomes.push_back(to.write_all(bytes_of(much)).error());
    });
    w.until_outside(self, *one);
    w.until_outside(self, *two);
    w.until_outside(self, *three, dvs::activity::sending);
  });
  w.dc.end();
  CHECK(outcomes == std::vector(4, errc::shut_down));
}

TEST_CASE("the end of a DC wakes an accept on another thread") {
  world w;
  std::promise<dvs::endpoint_id> listening;
  errc outcome = errc::ok;
  REQUIRE(w.dc.spawn(dvs::on_thread{}, [&](endpoint& self) {
    auto at = self.listen(0).value();
    listening.set_value(self.id());
    outcome = at.accept().error();
  }));
  const auto who = listening.get_future().get();
  w.dc.run([&](endpoint& self) { w.until_outside(self, who); });
  w.dc.end();
  CHECK(outcome == errc::shut_down);
}

TEST_CASE("a process that waits for the outside world can be cancelled and unbound like any other") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    std::vector<std::string> heard;
    const auto reader = self.spawn([&, from = std::move(inside)](endpoint&) mutable {
      for (int i = 0; i < 3; ++i) heard.push_back(read_text(from));
    });
    w.until_outside(self, *reader);
    REQUIRE(w.dc.cancel(*reader));
    while (heard.empty()) self.yield();
    REQUIRE(outside.send("still there"));
    while (heard.size() < 2) REQUIRE(self.sleep_for(1us));
    w.until_outside(self, *reader);
    REQUIRE(w.dc.unbind(*reader, long_time));
    CHECK(heard == std::vector<std::string>{"<cancelled>", "still there", "<shut_down>"});
  });
}

TEST_CASE("a port that is taken is busy, and free again when its listener is closed") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    CHECK(at.port() != 0);
    CHECK(self.listen(at.port()).error() == errc::busy);
    at.close();
    auto again = self.listen(at.port());
    CHECK(again.error() == errc::ok);
  });
}

TEST_CASE("who writes to a peer that closes meanwhile is told not_connected, and no signal is raised") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    const std::string much(64 << 20, 'x');
    errc outcome = errc::ok;
    const auto writer = self.spawn([&, to = std::move(inside)](endpoint&) mutable {
      outcome = to.write_all(bytes_of(much)).error();
      CHECK(to.write_all(bytes_of("more")).error() == errc::not_connected);
    });
    w.until_outside(self, *writer, dvs::activity::sending);
    outside.close();
    REQUIRE(self.wait_unbind(*writer, long_time));
    CHECK(outcome == errc::not_connected);
  });
}

TEST_CASE("who reads from a peer that resets the connection is told not_connected") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    outside.reset();
    CHECK(read_text(inside) == "<not_connected>");
  });
}

TEST_CASE("a closed stream or listener is not_connected, also for those who wait, and may be closed again") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    std::string heard;
    errc accepted = errc::ok;
    const auto reader = self.spawn([&, &from = inside](endpoint&) { heard = read_text(from); });
    const auto accepter = self.spawn([&](endpoint&) { accepted = at.accept().error(); });
    w.until_outside(self, *reader);
    w.until_outside(self, *accepter);
    inside.close();
    inside.close();
    at.close();
    at.close();
    REQUIRE(self.wait_unbind(*reader, long_time));
    REQUIRE(self.wait_unbind(*accepter, long_time));
    CHECK(heard == "<not_connected>");
    CHECK(accepted == errc::not_connected);
    CHECK(inside.write_all(bytes_of("late")).error() == errc::not_connected);
    CHECK(outside.receive(1).empty());
    const stream moved = std::move(inside);
    CHECK(read_text(inside) == "<not_connected>");
    inside.close();
  });
}

TEST_CASE("two fibers may not wait for the same bytes, but one may read while the other writes") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    std::string heard;
    const auto reader = self.spawn([&, &from = inside](endpoint&) { heard = read_text(from); });
    w.until_outside(self, *reader);
    CHECK(read_text(inside) == "<busy>");
    REQUIRE(inside.write_all(bytes_of("ping"), long_time));
    CHECK(outside.receive(4) == "ping");
    REQUIRE(outside.send("pong"));
    REQUIRE(self.wait_unbind(*reader, long_time));
    CHECK(heard == "pong");
  });
}

TEST_CASE("a stream cannot be used from another thread") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    errc reads = errc::ok, accepts = errc::ok, listens = errc::ok;
    std::thread other([&, &from = inside] {
      std::array<std::byte, 16> buffer;
      reads = from.read_some(buffer).error();
      accepts = at.accept().error();
      listens = self.listen(0).error();
    });
    other.join();
    CHECK(reads == errc::not_supported);
    CHECK(accepts == errc::not_supported);
    CHECK(listens == errc::not_supported);
  });
}

TEST_CASE("a process that is unbound can use no stream") {
  world w;
  std::optional<stream> left;
  std::optional<client> outside;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto ends = connect(at);
    outside.emplace(std::move(ends.outside));
    left.emplace(std::move(ends.inside));
  });
  CHECK(read_text(*left) == "<not_bound>");
}

TEST_CASE("accept says table_full when no descriptor is left, and takes the connection when there is one again") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    client outside(at.port());
    REQUIRE(outside.connected());
    rlimit before;
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    REQUIRE(next > 0);
    ::close(next);
    const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none_left) == 0);
    const errc refused = at.accept(long_time).error();
    const errc no_listener = self.listen(0).error();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(refused == errc::table_full);
    CHECK(no_listener == errc::table_full);
    CHECK(at.accept(long_time).error() == errc::ok);
  });
}
