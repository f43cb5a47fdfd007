// SPDX-License-Identifier: MIT
/// @file
/// Processes that go on in another place: in another context of their node, or at another node.
#include <catch2/catch.hpp>
#include <chrono>
#include <dvs/migrate.hpp>
#include <random>
#include <tests/cluster/userspace_mesh.hpp>

namespace {

using namespace std::chrono_literals;
using namespace dvs;

constexpr endpoint_id server{1}, other{2}, manager{3};

struct told_number {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
};
struct increment {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};
/// Keeps the server busy until it is told to go on.
struct work {
  static constexpr std::uint32_t opcode = 3;
  struct reply {};
};

const privileges every_right;

/// What the server has in its memory, which is brought along by being in the same process of the host.
struct memory {
  std::vector<std::pair<endpoint_id, std::uint64_t>> taken;
  std::uint64_t notified = 0;
  std::atomic<int> places = 0;
  errc left = errc::ok;
  std::atomic<std::uint64_t> asked = 0;  ///< by clients
  std::atomic<int> wrong = 0;            ///< checks of threads that failed
};

template <class Self>
void serve(Self& self, memory& mine) {
  ++mine.places;
  for (;;) {
    const auto got = self.receive();
    if (!got) {
      mine.left = got.error();
      return;
    }
    if (got->is_notification()) {
      mine.notified |= got->as_notification().value;
      continue;
    }
    if (got->template is<work>()) {
      mine.wrong += !self.receive(other);  // the end of the work
      mine.wrong += !self.reply(got->from(), work::reply{});
      continue;
    }
    const std::uint64_t n = got->template as<told_number>().n;
    mine.taken.emplace_back(got->from().endpoint, n);
    if (got->is_request()) mine.wrong += !self.reply(got->from(), increment::reply{n + 1});
  }
}

/// Starts a process as a fiber, or as a thread.
template <bool OnThread, class Dc, class Body>
void start(Dc& dc, endpoint_id who, Body body, const bind_options& how = {}) {
  if constexpr (OnThread)
    REQUIRE(dc.spawn(who, on_thread{}, body, how));
  else
    REQUIRE(dc.spawn(who, body, how));
}
template <bool OnThread = false, class Dc>
void spawn_server(Dc& dc, memory& mine) {
  start<OnThread>(dc, server, [&mine](auto& self) { serve(self, mine); }, {.name = "server"});
}
/// Somebody who goes on as the server.
template <bool OnThread = false, class Dc>
void spawn_successor(Dc& dc, memory& mine) {
  start<OnThread>(dc, own, [&](auto&) {
    const auto self = take_over(dc, server);
    if (self) serve(**self, mine);
  });
}
template <class Self, class Condition>
void until(Self& self, Condition condition) {
  while (!condition()) REQUIRE(self.sleep_for(100us));
}
template <class Dc>
std::ptrdiff_t waiting_for_server(Dc& dc) {
  return std::ranges::count_if(
      dc.processes(), [](const process_info& row) { return row.peer == server && row.doing != activity::running; });
}

/// As many nodes as there are, seen from one of them.
struct cluster : userspace_mesh<3> {
  template <class Body>
  void observe(std::size_t i, Body body) {
    dc(i).run(body, {.privileges = &every_right});
  }
};

}  // namespace

/// How many messages a client has for the server at least, and how often that is moved meanwhile.
constexpr std::uint64_t messages = 300;
constexpr int moves = 4;

/// Asks the server again and again; each number has to come back.
template <class Self>
void be_client(Self& self, memory& seen) {
  for (std::uint64_t n = 0; n < messages || seen.places <= moves; ++n) {
    ++seen.asked;
    if (n % 5 == 0) self.yield();
    if (n % 3 == 0) {
      seen.wrong += !self.send(server, told_number{n});
    } else {
      const auto answer = self.sendrec(server, increment{n});
      seen.wrong += !answer || answer->n != n + 1;
    }
  }
}
/// Each client's messages came once, in its order.
void each_came_once(const memory& mine, std::size_t clients) {
  CHECK(mine.wrong == 0);
  CHECK(mine.taken.size() == mine.asked);
  std::map<endpoint_id, std::uint64_t> next;
  for (const auto& [client, n] : mine.taken) REQUIRE(n == next[client]++);
  CHECK(next.size() == clients);
}
/// Has the server go on at a node where somebody is about to wait for it.
template <class Self, class Dc>
void move_server(Self& self, Dc& dc, node_id to, duration rest) {
  errc outcome;
  do {
    auto moving = migrate(dc, server).value();
    REQUIRE(self.sleep_for(rest));
    outcome = moving.commit(to).error();
  } while (outcome == errc::not_waiting);
  REQUIRE(outcome == errc::ok);
}

TEMPLATE_TEST_CASE_SIG("a process goes on in another context of its node, and who talks to it notices nothing", "",
                       ((bool OnThreads), OnThreads), false, true) {
  memory mine;
  constexpr std::size_t clients = 4;
  {
    userspace::node node;
    auto dc = node.create_dc("lab");
    std::atomic<std::size_t> done = 0;
    spawn_server<OnThreads>(dc, mine);
    for (std::size_t i = 0; i < clients; ++i)
      start<OnThreads>(dc, own,
                       [&](auto& self) {
                         be_client(self, mine);
                         ++done;
                       },
                       {.privileges = &every_right});
    dc.run([&](auto& self) {
      for (int places = 1; done < clients; ++places) {
        spawn_successor<OnThreads>(dc, mine);
        move_server(self, dc, node_id{}, 50us);
        until(self, [&] { return mine.places == places + 1; });
      }
    });
  }
  each_came_once(mine, clients);
}

TEST_CASE("a process goes on at another node, with those who wait for it and what it was notified of") {
  memory mine;
  std::vector<errc> told;
  cluster w;
  spawn_server(w.dc(0), mine);
  w.settle();
  for (std::size_t i : {0, 1, 2}) spawn_successor(w.dc(i), mine);  // at the first node for the way back
  w.observe(0, [&](auto& self) {
    auto moving = migrate(w.dc(0), server).value();
    for (std::size_t i : {0, 1, 2}) {
      REQUIRE(w.dc(i).spawn(own, [&](auto& client) { told.push_back(client.send(server, told_number{1}).error()); },
                            {.privileges = &every_right}));
      REQUIRE(w.dc(i).spawn([&](auto& client) { told.push_back(client.sendrec(server, increment{1}).error()); }));
      REQUIRE(w.dc(i).spawn(endpoint_id{static_cast<std::int32_t>(10 + i)}, [i](auto& client) {
        REQUIRE(client.notify(server, 1U << i));
        static_cast<void>(client.sleep_for(1h));
      }));
    }
    until(self, [&] { return waiting_for_server(w.dc(0)) == 6; });  // also those of the other nodes
    w.settle();
    CHECK(mine.taken.empty());
    CHECK(mine.notified == 0);
    moving.commit(w.id(1)).value();
    until(self, [&] { return told.size() == 6; });
    CHECK(told == std::vector<errc>(6, errc::ok));
    CHECK(mine.taken.size() == 6);
    CHECK(mine.notified == 7);
    CHECK(mine.left == errc::shut_down);
    w.settle();
    for (std::size_t i : {0, 1, 2}) {
      const auto rows = w.dc(i).processes();
      const auto row = std::ranges::find(rows, server, &process_info::endpoint);
      if (row != rows.end()) CHECK(row->node == w.id(1));
      CHECK(w.dc(i).find("server").value() == server);
    }
    // And on to the third node, asked for by the first, and back to where it came from.
    migrate(w.dc(0), server).value().commit(w.id(2)).value();
    CHECK(self.sendrec(server, increment{5})->n == 6);
    migrate(w.dc(1), server).value().commit(w.id(0)).value();
    CHECK(self.sendrec(server, increment{6})->n == 7);
    CHECK(mine.places == 4);
  });
}

TEST_CASE("a process that owes an answer gives it before it comes to rest") {
  memory mine;
  bool answered = false, rests = false, is_to_end = false;
  cluster w;
  spawn_server(w.dc(0), mine);
  spawn_successor(w.dc(1), mine);
  w.settle();
  REQUIRE(w.dc(2).spawn(other, [&](auto& self) {
    until(self, [&] { return is_to_end; });
    REQUIRE(self.send(server, told_number{0}));
  }));
  w.settle();
  REQUIRE(w.dc(2).spawn([&](auto& client) { answered = client.sendrec(server, work{}).has_value(); }));
  w.observe(1, [&](auto& self) {
    until(self, [&] { return waiting_for_server(w.dc(0)) == 1; });
    CHECK(migrate(w.dc(1), server, 1ms).error() == errc::timed_out);
    REQUIRE(w.dc(1).spawn(manager, [&](auto&) {
      auto moving = migrate(w.dc(1), server).value();
      rests = true;
      CHECK(answered);
      moving.commit(w.id(1)).value();
    }));
    w.settle();
    CHECK(!rests);
    is_to_end = true;
    until(self, [&] { return mine.places == 2; });
    CHECK(self.sendrec(server, increment{1})->n == 2);
  });
}

TEST_CASE("a migration that is called off leaves everything as it was") {
  memory mine;
  bool served = false;
  cluster w;
  spawn_server(w.dc(0), mine);
  w.settle();
  w.observe(1, [&](auto& self) {
    {
      const auto moving = migrate(w.dc(1), server).value();
      CHECK(migrate(w.dc(2), server).error() == errc::busy);
      REQUIRE(w.dc(2).spawn([&](auto& client) { served = client.sendrec(server, increment{1}).has_value(); }));
      until(self, [&] { return waiting_for_server(w.dc(0)) == 1; });
      REQUIRE(w.dc(2).spawn(other, [](auto& client) {
        REQUIRE(client.notify(server, 4));
        static_cast<void>(client.sleep_for(1h));
      }));
      w.settle();
      CHECK(!served);
    }
    until(self, [&] { return served; });
    CHECK(mine.notified == 4);
    // Nobody at the other node wants to take it over; or that node does not exist.
    CHECK(migrate(w.dc(1), server).value().commit(w.id(2)).error() == errc::not_waiting);
    CHECK(self.sendrec(server, increment{1})->n == 2);
    CHECK(migrate(w.dc(1), server).value().commit(node_id{9}).error() == errc::not_connected);
    CHECK(self.sendrec(server, increment{1})->n == 2);
    migrate(w.dc(0), server).value().rollback().value();
    CHECK(self.sendrec(server, increment{1})->n == 2);
    CHECK(mine.places == 1);
    CHECK(migrate(w.dc(1), endpoint_id{9}).error() == errc::bad_endpoint);
    CHECK(take_over(w.dc(1), endpoint_id{9}).error() == errc::bad_endpoint);
    CHECK(take_over(w.dc(1), server, 1ms).error() == errc::timed_out);
    CHECK(take_over(w.dc(1), server, no_wait).error() == errc::would_block);
  });
}

TEST_CASE("who waits for the messages or the end of a process waits on when it moves") {
  memory mine;
  int heard = 0, ended = 0;
  cluster w;
  REQUIRE(w.dc(0).spawn(server, [&](auto& self) { serve(self, mine); }));
  w.settle();
  for (std::size_t i : {0, 1, 2}) {
    REQUIRE(w.dc(i).spawn(endpoint_id{static_cast<std::int32_t>(10 + i)}, [&](auto& self) {
      const auto got = self.receive(server);
      heard += got.has_value();
    }));
    REQUIRE(w.dc(i).spawn([&](auto& self) { ended += self.wait_unbind(server).has_value(); }));
  }
  REQUIRE(w.dc(1).spawn(own, [&](auto&) {
    const auto self = take_over(w.dc(1), server);
    REQUIRE(self);
    for (std::int32_t each : {10, 11, 12}) REQUIRE((*self)->send(endpoint_id{each}, told_number{1}));
    serve(**self, mine);
  }));
  w.observe(2, [&](auto& self) {
    auto moving = migrate(w.dc(2), server).value();
    moving.commit(w.id(1)).value();
    until(self, [&] { return heard == 3; });
    CHECK(ended == 0);
    w.settle();
    CHECK(w.dc(1).privileges_of(server));
    CHECK(w.dc(0).unbind(server));
    until(self, [&] { return ended == 3; });
    CHECK(self.sendrec(server, increment{1}).error() == errc::peer_died);
  });
}

TEST_CASE("a process that ends while it is to move ends the migration, and the wait to take it over") {
  memory mine;
  errc told = errc::ok;
  cluster w;
  spawn_server(w.dc(0), mine);
  w.settle();
  REQUIRE(w.dc(1).spawn([&](auto&) { told = take_over(w.dc(1), server).error(); }));
  w.observe(2, [&](auto& self) {
    auto moving = migrate(w.dc(2), server).value();
    CHECK(w.dc(2).unbind(server));
    CHECK(moving.commit(w.id(1)).error() == errc::bad_endpoint);
    until(self, [&] { return told != errc::ok; });
    CHECK(told == errc::bad_endpoint);
  });
}

TEST_CASE("a process that the other node has been given is there when the link is back") {
  memory mine;
  bool served = false;
  cluster w;
  spawn_server(w.dc(0), mine);
  spawn_successor(w.dc(1), mine);
  w.settle();
  w.observe(0, [&](auto& self) {
    auto moving = migrate(w.dc(0), server).value();
    moving.commit(w.id(1)).value();
    w.wire(0, 1).cut();  // what was decided may not have been told
    REQUIRE(w.dc(2).spawn([&](auto& client) { served = client.sendrec(server, increment{1}).has_value(); }));
    REQUIRE(self.sleep_for(1ms));
    w.wire(0, 1).mend();
    until(self, [&] { return mine.places == 2; });
    w.settle();
    CHECK(self.sendrec(server, increment{1})->n == 2);
    until(self, [&] { return served; });
  });
}

TEST_CASE("a backup is promoted when the node of its primary is lost, and the primary steps down when it is back") {
  memory first, second;
  errc told = errc::ok;
  cluster w;
  spawn_server(w.dc(0), first);
  spawn_successor(w.dc(1), second);
  w.settle();
  REQUIRE(w.dc(0).spawn([&](auto& client) { told = client.sendrec(server, work{}).error(); }));
  REQUIRE(w.dc(0).spawn(other, [](auto& self) { static_cast<void>(self.sleep_for(1h)); }));
  w.observe(2, [&](auto& self) {
    CHECK(promote(w.dc(1), server).error() == errc::process_running);
    until(self, [&] { return waiting_for_server(w.dc(0)) == 1; });
    w.wire(0, 1).cut();
    w.wire(0, 2).cut();
    until(self, [&] { return self.sendrec(server, increment{1}).error() == errc::not_connected; });
    CHECK(promote(w.dc(2), server).error() == errc::not_waiting);
    CHECK(promote(w.dc(2), endpoint_id{9}).error() == errc::bad_endpoint);
    REQUIRE(promote(w.dc(1), server));
    until(self, [&] { return self.sendrec(server, increment{1}).has_value(); });
    CHECK(second.taken.size() == 1);
    REQUIRE(w.dc(0).spawn([&](auto& client) { static_cast<void>(client.sendrec(server, increment{2})); }));
    w.wire(0, 1).mend();
    w.wire(0, 2).mend();
    until(self, [&] { return first.left != errc::ok && second.taken.size() == 2; });
    CHECK(first.taken.empty());
    until(self, [&] { return told != errc::ok; });
    CHECK(told == errc::source_died);
    CHECK(self.sendrec(server, increment{3})->n == 4);
    CHECK(second.taken.size() == 3);
  });
}

TEMPLATE_TEST_CASE_SIG("clients of all nodes are served once and in order while their server wanders", "",
                       ((bool OnThreads), OnThreads), false, true) {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 chance(seed);
  memory mine;
  constexpr std::size_t clients = 6;
  {
    userspace_mesh<3, OnThreads> w;
    std::atomic<std::size_t> done = 0;
    spawn_server<OnThreads>(w.dc(0), mine);
    w.settle();
    for (std::size_t i = 0; i < clients; ++i)
      start<OnThreads>(w.dc(i % 3), own,
                       [&](auto& self) {
                         be_client(self, mine);
                         ++done;
                       },
                       {.privileges = &every_right});
    w.dc(0).run([&](auto& self) {
      for (int places = 1; done < clients; ++places) {
        const std::size_t next = chance() % 3, asked_at = chance() % 3;
        spawn_successor<OnThreads>(w.dc(next), mine);
        if (chance() % 4 == 0) migrate(w.dc(asked_at), server).value().rollback().value();
        move_server(self, w.dc(asked_at), w.id(next), std::chrono::microseconds(chance() % 200));
        until(self, [&] { return mine.places == places + 1; });
      }
    });
  }
  each_came_once(mine, clients);
}
