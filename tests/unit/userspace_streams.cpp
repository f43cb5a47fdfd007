// SPDX-License-Identifier: MIT
/// @file
/// The laws of byte streams on the userspace backend: how they serve, wait and share a thread. How they end: see
/// userspace_stream_ends.cpp.
#include <future>
#include <random>

#include "streams_world.hpp"

using namespace streams_test;

static_assert(dvs::byte_stream<stream>);
static_assert(dvs::stream_listener<listener>);
static_assert(!std::copyable<stream> && !std::copyable<listener>);

namespace {

void echo(stream& with) {
  std::array<std::byte, 1024> buffer;
  for (;;) {
    const auto got = with.read_some(buffer);
    if (!got || *got == 0) return;
    if (!with.write_all(std::span(buffer).first(*got))) return;
  }
}

/// Accepts and echoes, a fiber for each, until `connections` came.
void echo_server(endpoint& self, listener& at, int connections) {
  for (int i = 0; i < connections; ++i) {
    auto accepted = at.accept();
    if (!accepted) return;
    const auto started = self.spawn([with = std::move(*accepted)](endpoint&) mutable { echo(with); });
    if (!started) return;
  }
}

void exchange_with_echo(std::uint16_t port, int connections) {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<client> clients;
  for (int i = 0; i < connections; ++i) REQUIRE(clients.emplace_back(port).connected());
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> sent;
    for (const auto& one : clients) {
      std::string text(1 + random() % 5000, ' ');
      for (char& c : text) c = static_cast<char>('a' + random() % 26);
      REQUIRE(one.send(text));
      sent.push_back(std::move(text));
    }
    for (std::size_t i = clients.size(); i-- > 0;) REQUIRE(clients[i].receive(sent[i].size()) == sent[i]);
  }
}

}  // namespace

TEST_CASE("a thread serves 300 connections, each with a fiber of its own") {
  world w;
  constexpr int connections = 300;
  std::promise<std::uint16_t> port;
  REQUIRE(w.dc.spawn(dvs::on_thread{}, [&](endpoint& self) {
    auto at = self.listen(0).value();
    port.set_value(at.port());
    echo_server(self, at, connections);
  }));
  exchange_with_echo(port.get_future().get(), connections);
  w.dc.join();
  CHECK(w.dc.info().processes == 0);
}

TEST_CASE("a fiber listens and serves while the thread's own stack waits for it") {
  world w;
  std::optional<listener> at;
  int answers = 0;
  REQUIRE(w.dc.spawn([&](endpoint& self) {
    at = self.listen(0).value();
    echo_server(self, *at, 3);
  }));
  std::thread outside;
  w.dc.run([&](endpoint& self) {
    while (!at) self.yield();
    outside = std::thread([&answers, port = at->port()] {
      client one(port), two(port), three(port);
      for (const client* each : {&three, &one, &two}) {
        each->send("hello");
        if (each->receive(5) == "hello") ++answers;
      }
    });
  });
  w.dc.join();
  outside.join();
  CHECK(answers == 3);
  CHECK(w.dc.info().processes == 0);
}

TEST_CASE("who waits for a connection or for bytes does not stop the other fibers of the thread") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    std::string heard;
    const auto reader = self.spawn([&](endpoint&) {
      stream from = at.accept().value();
      heard = read_text(from);
    });
    // All of this runs on one thread: were it blocked, nobody would ever connect or send.
    w.until_outside(self, *reader);
    client outside(at.port());
    REQUIRE(outside.connected());
    self.yield();
    w.until_outside(self, *reader);
    REQUIRE(outside.send("over here"));
    REQUIRE(self.wait_unbind(*reader, long_time));
    CHECK(heard == "over here");
  });
}

TEST_CASE("a thread that waits for the outside world is woken by messages of other threads") {
  world w;
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  constexpr int messages = 1000;
  constexpr dvs::endpoint_id where{1};
  {
    auto self = w.dc.bind(where).value();
    auto at = std::make_shared<listener>(self->listen(0).value());
    REQUIRE(self->spawn([at](endpoint&) { CHECK(at->accept().error() == errc::shut_down); }));
    REQUIRE(w.dc.spawn(dvs::on_thread{}, [seed](endpoint& other) {
      std::mt19937 random(seed);
      for (int i = 0; i < messages; ++i) {
        // Sometimes long enough for the receiver to stop polling and to sleep in the event loop.
        if (random() % 4 == 0 && !other.sleep_for(std::chrono::microseconds(random() % 300))) return;
        dvs::message m{};
        m.type = 7;
        if (!other.sendrec(where, m)) return;
      }
    }));
    for (int i = 0; i < messages; ++i) {
      const auto got = self->receive_request(long_time);
      REQUIRE(got.error() == errc::ok);
      REQUIRE(self->reply(got->from(), dvs::message{}));
    }
  }
  w.dc.end();
}

TEST_CASE("after a wait timed out the next one gets what came meanwhile, and what comes later") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    CHECK(at.accept(1ms).error() == errc::timed_out);
    auto [outside, inside] = connect(at);
    CHECK(read_text(inside, 1ms) == "<timed_out>");
    REQUIRE(outside.send("one"));
    CHECK(read_text(inside) == "one");
    CHECK(read_text(inside, 1ms) == "<timed_out>");
    std::thread later([&sender = outside] { sender.send("two"); });
    CHECK(read_text(inside) == "two");
    later.join();
  });
}

TEST_CASE("a listener can be bound to one address of the host") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.port().listen("127.0.0.1", 0).value();
    CHECK(client(at.port()).connected());
    CHECK_FALSE(client(at.port(), "127.0.0.2").connected());
    CHECK(self.port().listen("nowhere", 0).error() == errc::bad_argument);
    CHECK(self.port().listen("192.0.2.1", 0).error() == errc::bad_argument);
  });
}

TEST_CASE("a listener on all addresses takes IPv4 and IPv6, and a stream names its peer") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    const auto [outside, inside] = connect(at);
    CHECK(inside.peer() == outside.address());
    CHECK(inside.peer().starts_with("127.0.0.1:"));
    const client six(at.port(), "::1");
    if (!six.connected()) return;  // this host has no IPv6
    const stream other = at.accept(long_time).value();
    CHECK(other.peer() == six.address());
    CHECK(other.peer().starts_with("[::1]:"));
  });
}

TEST_CASE("the end of the peer's bytes is read as 0, again and again, and does not stop ours") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    REQUIRE(outside.send("last words"));
    outside.no_more_bytes();
    CHECK(read_text(inside) == "last words");
    CHECK(read_text(inside) == "");
    CHECK(read_text(inside) == "");
    REQUIRE(inside.write_all(bytes_of("farewell"), long_time));
    CHECK(outside.receive(8) == "farewell");
  });
}

TEST_CASE("write_all writes all bytes, however slowly the peer takes them") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    std::string much(20'000'000, ' ');
    for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>('a' + i % 23);
    std::string heard;
    std::thread peer([&receiver = outside, &heard, size = much.size()] { heard = receiver.receive(size); });
    CHECK(inside.write_all(bytes_of(much), long_time));
    peer.join();
    CHECK(heard == much);
    CHECK(inside.write_all({}, long_time));
  });
}

TEST_CASE("a socket that always has bytes does not keep other fibers from running") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    constexpr int bytes = 4096;
    REQUIRE(outside.send(std::string(bytes, 'x')));  // all there before the first is read: no read has to wait
    int reads = 0;
    const auto reader = self.spawn([&, from = std::move(inside)](endpoint&) mutable {
      std::array<std::byte, 1> one;
      while (reads < bytes && from.read_some(one, long_time)) ++reads;
    });
    int turns_of_others = 0;
    while (self.is_bound(*reader)) {
      self.yield();
      ++turns_of_others;
    }
    CHECK(reads == bytes);
    CHECK(turns_of_others > bytes / 100);
  });
}

TEST_CASE("fibers that always have something to do do not keep a socket waiting") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    bool done = false;
    const auto busy = self.spawn([&](endpoint& own) {
      while (!done) own.yield();
    });
    auto [outside, inside] = connect(at);
    std::thread later([&sender = outside] { sender.send("at last"); });
    CHECK(read_text(inside) == "at last");
    later.join();
    done = true;
    CHECK(self.wait_unbind(*busy, long_time));
  });
}
