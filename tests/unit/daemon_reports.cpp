// SPDX-License-Identifier: MIT
/// @file
/// Traces of processes that talk: each message is told once, as what it was, wherever its two ends run.
#include <poll.h>

#include <catch2/catch.hpp>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <tests/cluster/daemon_thread.hpp>

using namespace dvs;
using namespace dvs::userspace;

namespace {

constexpr endpoint_id server{1}, client{2}, relay_server{3};
constexpr std::int32_t last_type = 99;

/// Watches a DC over a line of its own.
class watcher {
 public:
  watcher(const std::string& path, const char* dc) : socket_(connect(path)) {
    say({{"id", 1}, {"op", "trace"}, {"name", dc}});
    while (hear().front() != std::byte{'A'}) continue;
  }
  /// At least `count` messages, as they come from all processes, in the order of their times.
  std::vector<traced_message> messages(std::size_t count) {
    std::vector<traced_message> all;
    while (all.size() < count) {
      const packet came = hear();
      if (came.front() != std::byte{'T'}) continue;
      const auto report = trace_report::from(std::span(came).subspan(1));
      REQUIRE(report.has_value());
      CHECK(report->lost == 0);
      all.insert(all.end(), report->messages.begin(), report->messages.end());
    }
    std::ranges::stable_sort(all, {}, &traced_message::when_ns);
    return all;
  }

 private:
  static owned_descriptor connect(const std::string& path) {
    const sockaddr_un address = unix_address(path);
    owned_descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
  }
  void say(const json& what) { socket_.queue(make_packet(packet_kind::request, what.dump())); }
  packet hear() {
    for (;;) {
      if (const auto came = socket_.next()) return {came->begin(), came->end()};
      REQUIRE(socket_.flush());
      pollfd readable{socket_.descriptor(), POLLIN, 0};
      REQUIRE(::poll(&readable, 1, 10'000) == 1);
      REQUIRE(socket_.fill());
    }
  }

  packet_socket socket_;
};

message typed(std::int32_t type) {
  message m{};
  m.type = type;
  return m;
}

/// Answers requests until a message of the type `last_type` has come.
template <class Self>
void serve(Self& self) {
  for (;;) {
    const auto came = self.receive();
    if (!came || came->content.type == last_type) return;
    if (came->exchange == 0) continue;
    const caller who{came->content.source, came->exchange};
    if (came->content.type == 8)
      static_cast<void>(self.relay(*came, relay_server));
    else
      static_cast<void>(self.reply(who, typed(0)));
  }
}

/// Takes part in every kind of message, and ends with one of the type `last_type`. On any thread: it throws.
template <class Self>
void talk(Self& self) {
  for (int i = 0; i < 3; ++i) {
    message m = typed(7);
    self.sendrec(server, m).value();
  }
  self.notify(server, 5).value();
  message m = typed(7);
  self.sendrec(server, m).value();
  self.send(server, typed(6)).value();
  self.send(server, typed(last_type)).value();
}

using told = std::tuple<trace_kind, endpoint_id, endpoint_id, std::int32_t>;
void check_told(watcher& watch) {
  std::vector<told> is, should;
  const auto exchange = [&] {
    should.emplace_back(trace_kind::request, client, server, 7);
    should.emplace_back(trace_kind::answer, server, client, 0);
  };
  for (int i = 0; i < 3; ++i) exchange();
  should.emplace_back(trace_kind::notification, client, server, notification_bit);
  exchange();
  should.emplace_back(trace_kind::message, client, server, 6);
  should.emplace_back(trace_kind::message, client, server, last_type);
  for (const auto& each : watch.messages(should.size()))
    is.emplace_back(each.kind, each.from(), each.to, each.content().type);
  for (const auto& [kind, from, to, type] : is)
    UNSCOPED_INFO(static_cast<int>(kind) << ": " << number(from) << " to " << number(to) << ", type " << type);
  CHECK((is == should));
}

}  // namespace

TEST_CASE("messages between fibers of one thread are told once, as what they were") {
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto dc = node.create_dc("lab");
  watcher watch(daemon.path(), "lab");
  REQUIRE(dc.spawn(server, [](auto& self) { serve(self); }));
  REQUIRE(dc.spawn(client, [](auto& self) { talk(self); }));
  dc.join();
  check_told(watch);
}

TEST_CASE("messages between threads of a process are told once, as what they were") {
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto dc = node.create_dc("lab");
  watcher watch(daemon.path(), "lab");
  REQUIRE(dc.spawn(server, on_thread{}, [](auto& self) { serve(self); }));
  REQUIRE(dc.spawn(client, on_thread{}, [](auto& self) { talk(self); }));
  dc.join();
  check_told(watch);
}

TEST_CASE("messages between processes are told once, by a direct way and through the daemon") {
  const bool strict = GENERATE(false, true);
  CAPTURE(strict);
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto dc = node.create_dc("lab", {.strict = strict});
  std::thread there([&] {
    userspace::node other(daemon.path());
    auto same = other.open_dc("lab");
    auto self = same.bind(server);
    serve(**self);
  });
  auto self = dc.bind(client);
  REQUIRE((*self)->wait_bind(server));
  watcher watch(daemon.path(), "lab");
  talk(**self);
  there.join();
  check_told(watch);
}

TEST_CASE("a request that is relayed is told where it went, and its answer where it came from") {
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto dc = node.create_dc("lab");
  watcher watch(daemon.path(), "lab");
  REQUIRE(dc.spawn(relay_server, [](auto& self) {
    const auto came = self.receive();
    static_cast<void>(self.reply(caller{came->content.source, came->exchange}, typed(0)));
  }));
  REQUIRE(dc.spawn(server, [](auto& self) { serve(self); }));
  REQUIRE(dc.spawn(client, [](auto& self) {
    message m = typed(8);
    CHECK(self.sendrec(server, m));
    CHECK(self.send(server, typed(last_type)));
  }));
  dc.join();
  const auto all = watch.messages(4);
  REQUIRE(all.size() == 4);
  CHECK(all[0].to == server);
  CHECK(all[1].to == relay_server);
  CHECK(all[1].from() == client);
  CHECK(all[2].from() == relay_server);
  CHECK(all[2].to == client);
}

TEST_CASE("who waits when a trace begins tells the message that ends the wait, and nothing after the trace has ended") {
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto dc = node.create_dc("lab");
  std::thread there([&] {
    userspace::node other(daemon.path());
    auto same = other.open_dc("lab");
    auto self = same.bind(server);
    serve(**self);
    serve(**self);
    serve(**self);
  });
  auto self = dc.bind(client);
  REQUIRE((*self)->wait_bind(server));
  message m = typed(7);
  REQUIRE((*self)->sendrec(server, m));
  {
    watcher watch(daemon.path(), "lab");
    REQUIRE((*self)->send(server, typed(last_type)));
    const auto all = watch.messages(1);
    REQUIRE(all.size() == 1);
    CHECK(all[0].content().type == last_type);
  }
  REQUIRE((*self)->send(server, typed(last_type)));
  watcher again(daemon.path(), "lab");
  REQUIRE((*self)->send(server, typed(last_type)));
  CHECK(again.messages(1).size() == 1);
  there.join();
}
