// SPDX-License-Identifier: MIT
/// @file
/// The laws of byte streams on the userspace backend. The other side is a plain socket of this process.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <future>
#include <optional>
#include <random>
#include <thread>

namespace {

using namespace std::chrono_literals;
using dvs::errc;
using endpoint = dvs::endpoint<dvs::userspace::backend>;
using dvs::userspace::listener;
using dvs::userspace::stream;

static_assert(dvs::byte_stream<stream>);
static_assert(dvs::stream_listener<listener>);
static_assert(!std::copyable<stream> && !std::copyable<listener>);

/// Takes so long that only a hang gets there.
constexpr auto long_time = 60s;

/// The outside world: a blocking TCP client.
class client {
 public:
  explicit client(std::uint16_t port, const char* address = "127.0.0.1")
      : where_(dvs::userspace::socket_address::from_text(address, port).value()),
        fd_(::socket(where_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    connected_ = ::connect(fd_, where_.raw(), where_.size()) == 0;
  }
  client(client&& other) noexcept
      : where_(other.where_), fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  ~client() { close(); }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string address() const { return dvs::userspace::socket_address::of_socket(fd_).text(); }
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  [[nodiscard]] std::string receive(std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got = ::recv(fd_, text.data() + have, bytes - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
  }
  void no_more_bytes() const { ::shutdown(fd_, SHUT_WR); }
  /// Closes so that the other side is told of a reset.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  dvs::userspace::socket_address where_;
  int fd_;
  bool connected_ = false;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Reads once; the text, or the error in angle brackets.
std::string read_text(stream& from, dvs::timeout limit = long_time) {
  std::array<std::byte, 4096> buffer;
  const auto got = from.read_some(buffer, limit);
  if (!got) return '<' + std::string(name_of(got.error())) + '>';
  return {reinterpret_cast<const char*>(buffer.data()), *got};
}

/// A DC in which the test itself is a process.
struct world {
  dvs::userspace::node node;
  dvs::dc<dvs::userspace::backend> dc = node.create_dc("streams");

  /// Lets fibers run until `who` waits for the outside world.
  void until_outside(endpoint& self, dvs::endpoint_id who, dvs::activity doing = dvs::activity::receiving) {
    for (;;) {
      for (const auto& row : dc.processes())
        if (row.endpoint == who && row.doing == doing && row.peer == dvs::hardware) return;
      self.yield();
    }
  }
};

struct pair_of_ends {
  client outside;
  stream inside;
};

pair_of_ends connect(listener& at) {
  client outside(at.port());
  return {std::move(outside), at.accept(long_time).value()};
}

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

TEST_CASE("a socket that always has bytes does not keep other fibers from running") {
  world w;
  w.dc.run([&](endpoint& self) {
    auto at = self.listen(0).value();
    auto [outside, inside] = connect(at);
    std::atomic<bool> enough{false};
    std::thread flood([&sender = outside, &enough] {
      const std::string much(100'000, 'x');
      while (!enough && sender.send(much)) {
      }
      sender.no_more_bytes();
    });
    const auto reader = self.spawn([from = std::move(inside)](endpoint&) mutable {
      std::array<std::byte, 64> buffer;  // small, so that there is always more
      for (;;) {
        const auto got = from.read_some(buffer);
        if (!got || *got == 0) return;
      }
    });
    for (int i = 0; i < 1000; ++i) self.yield();
    enough = true;
    CHECK(self.wait_unbind(*reader, long_time));
    flood.join();
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
