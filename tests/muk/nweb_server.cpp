// SPDX-License-Identifier: MIT
/// @file
/// Many connections at once, over streams in memory.
#include <catch2/catch.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <memory>
#include <muk/nweb/server.hpp>

#include "nweb_fake.hpp"

using namespace muk;
using backend = dvs::userspace::node::backend_type;
using endpoint = dvs::endpoint<backend>;

namespace {

/// The endpoint of the fiber that runs; streams wait in its name.
endpoint* running = nullptr;

/// One wire: what one side wrote, for the other to read.
struct wire {
  std::string bytes;
  bool closed = false;
  dvs::condition<backend> changed;
};
struct wires {
  wire to_server, to_client;
};

/// One end of a connection.
class memory_stream {
 public:
  memory_stream(std::shared_ptr<wires> shared, bool is_server) : shared_(std::move(shared)), is_server_(is_server) {}
  memory_stream(memory_stream&&) = default;
  memory_stream& operator=(memory_stream&&) = default;
  ~memory_stream() {
    if (shared_) close();
  }

  /// Waits in the name of `self`; the fiber is back in its own name afterwards.
  dvs::result<std::size_t> read_some(std::span<std::byte> into, dvs::timeout limit) {
    wire& in = is_server_ ? shared_->to_server : shared_->to_client;
    while (in.bytes.empty() && !in.closed) {
      endpoint* const self = running;
      const auto waited = in.changed.wait(*self, limit);
      running = self;
      if (!waited) return waited.error();
    }
    const std::size_t n = std::min(into.size(), in.bytes.size());
    std::memcpy(into.data(), in.bytes.data(), n);
    in.bytes.erase(0, n);
    return n;
  }
  dvs::result<void> write_all(std::span<const std::byte> from, dvs::timeout) {
    wire& out = is_server_ ? shared_->to_client : shared_->to_server;
    if (out.closed) return dvs::errc::not_connected;
    out.bytes.append(reinterpret_cast<const char*>(from.data()), from.size());
    out.changed.wake_all();
    return {};
  }
  void close() {
    for (wire* each : {&shared_->to_client, &shared_->to_server}) {
      each->closed = true;
      each->changed.wake_all();
    }
  }
  std::string peer() { return "memory"; }

 private:
  std::shared_ptr<wires> shared_;
  bool is_server_;
};

/// Where clients of the test connect.
struct harbour {
  std::deque<memory_stream> arrived;
  dvs::condition<backend> changed;

  memory_stream connect() {
    auto shared = std::make_shared<wires>();
    arrived.emplace_back(shared, true);
    changed.wake_all();
    return {shared, false};
  }
};

class memory_listener {
 public:
  explicit memory_listener(harbour& from) : from_(&from) {}
  dvs::result<memory_stream> accept(dvs::timeout limit) {
    while (from_->arrived.empty()) {
      endpoint* const self = running;
      const auto waited = from_->changed.wait(*self, limit);
      running = self;
      if (!waited) return waited.error();
    }
    memory_stream first = std::move(from_->arrived.front());
    from_->arrived.pop_front();
    return first;
  }
  std::uint16_t port() { return 80; }
  void close() {}

 private:
  harbour* from_;
};

/// The small site of these tests; notes in whose name its connection runs.
template <class>
class small_site : public nweb_test::map_site {
 public:
  small_site(endpoint& self, const nweb::settings&)
      : map_site({{"/index.html", "home"}, {"/big", std::string(20'000, 'b')}}), self_(self) {
    running = &self;
  }
  dvs::duration now() { return self_.now(); }

 private:
  endpoint& self_;
};

/// Runs NWEB on fibers of this thread; `body(self, harbour)` is the client.
template <class Body>
void with_server(const nweb::settings& limits, Body body) {
  harbour port;
  dvs::userspace::node node;
  auto dc = node.create_dc("nweb");
  bool ended = false;
  const auto started = dc.spawn(dvs::endpoint_id{9}, [&](endpoint& self) {
    running = &self;
    memory_listener listener(port);
    CHECK(nweb::serve<small_site>(self, listener, limits));
    ended = true;
  });
  REQUIRE(started);
  dc.run([&](endpoint& self) {
    self.yield();
    running = &self;
    body(self, port);
  });
  dc.end();
  CHECK(ended);
}

void say(memory_stream& client, std::string_view text) {
  REQUIRE(client.write_all(std::as_bytes(std::span(text)), dvs::forever));
}
/// Reads until `bytes` have come or the server closed.
std::string hear(memory_stream& client, std::size_t bytes = ~std::size_t{0}) {
  std::string got;
  std::array<std::byte, 4096> part;
  while (got.size() < bytes) {
    const auto n = client.read_some(part, std::chrono::seconds(30));
    REQUIRE(n);
    if (*n == 0) break;
    got.append(reinterpret_cast<const char*>(part.data()), *n);
  }
  return got;
}
constexpr std::string_view last_request = "GET / HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n";

}  // namespace

TEST_CASE("200 idle connections do not stop the 201st") {
  with_server({}, [](endpoint&, harbour& port) {
    std::deque<memory_stream> idle;
    for (int i = 0; i < 200; ++i) idle.push_back(port.connect());
    for (int i = 0; i < 200; i += 2) say(idle[static_cast<std::size_t>(i)], "GET / HT");
    auto client = port.connect();
    say(client, last_request);
    const std::string got = hear(client);
    CHECK(got.starts_with("HTTP/1.1 200 "));
    CHECK(got.ends_with("home"));
    // The idle ones are still served.
    say(idle[1], last_request);
    CHECK(hear(idle[1]).ends_with("home"));
    say(idle[0], "TP/1.0\r\n\r\n");
    CHECK(hear(idle[0]).ends_with("home"));
  });
}

TEST_CASE("above the limit a client gets 503, and has room again when another has left") {
  nweb::settings limits;
  limits.connections = 2;
  with_server(limits, [](endpoint& self, harbour& port) {
    auto first = port.connect();
    auto second = port.connect();
    auto third = port.connect();
    CHECK(hear(third).starts_with("HTTP/1.1 503 "));
    say(first, last_request);
    CHECK(hear(first).ends_with("home"));
    self.yield();
    running = &self;
    auto fourth = port.connect();
    say(fourth, last_request);
    CHECK(hear(fourth).ends_with("home"));
    second.close();
  });
}

TEST_CASE("an idle connection is closed, and one that stops in a request gets 408") {
  nweb::settings limits;
  limits.idle = std::chrono::milliseconds(2);
  limits.header = std::chrono::milliseconds(2);
  with_server(limits, [](endpoint&, harbour& port) {
    auto idle = port.connect();
    CHECK(hear(idle).empty());
    auto slow = port.connect();
    say(slow, "GET / HTTP/1.1\r\nHos");
    CHECK(hear(slow).starts_with("HTTP/1.1 408 "));
  });
}

TEST_CASE("clients that are served together each get their own answers") {
  with_server({}, [](endpoint&, harbour& port) {
    std::deque<memory_stream> clients;
    for (int i = 0; i < 32; ++i) clients.push_back(port.connect());
    for (int round = 0; round < 10; ++round) {
      for (auto& client : clients) say(client, "GET /big HTTP/1.1\r\nHost: m\r\n\r\n");
      for (auto& client : clients) {
        const std::string got = hear(client, 20'000);
        REQUIRE(got.starts_with("HTTP/1.1 200 "));
        REQUIRE(got.substr(got.find("\r\n\r\n") + 4) == std::string(20'000, 'b'));
      }
    }
  });
}

TEST_CASE("when the DC ends the server and its connections end") {
  std::deque<memory_stream> idle;
  with_server({}, [&](endpoint&, harbour& port) {
    for (int i = 0; i < 5; ++i) idle.push_back(port.connect());
    auto client = port.connect();
    say(client, last_request);
    CHECK(hear(client).ends_with("home"));
  });
  for (auto& client : idle)
    CHECK(client.write_all(std::as_bytes(std::span(last_request)), dvs::no_wait).error() == dvs::errc::not_connected);
}
