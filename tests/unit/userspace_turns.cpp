// SPDX-License-Identifier: MIT
/// @file
/// Fibers of one thread share it: nobody who asks all the time keeps the others, or time, from going on.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct increment {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};

constexpr dvs::endpoint_id server{1};

/// Answers until the DC ends, and remembers who asked.
auto counting_server(std::vector<dvs::endpoint_id>& askers) {
  return [&askers](auto& self) {
    dvs::serve<dvs::protocol<increment>>(self, [&](const increment& ask, dvs::caller by) {
      askers.push_back(by.endpoint);
      return increment::reply{ask.n + 1};
    }).value();
  };
}

}  // namespace

TEST_CASE("clients that ask one server all the time take turns of at most sixteen requests") {
  constexpr std::size_t clients = 5, requests_each = 400;
  std::vector<dvs::endpoint_id> askers;
  {
    dvs::userspace::node node;
    auto dc = node.create_dc("turns");
    dc.spawn(server, counting_server(askers)).value();
    for (std::size_t i = 0; i < clients; ++i)
      dc.spawn([](auto& self) {
          for (std::uint64_t n = 0; n < requests_each; ++n) self.sendrec(server, increment{n}).value();
        }).value();
    dc.run([&](auto& self) {
      while (askers.size() < clients * requests_each) self.yield();
    });
  }
  // While all have something to ask.
  std::map<dvs::endpoint_id, std::size_t> asked;
  std::size_t in_a_row = 0, longest = 0;
  for (std::size_t i = 0; i < askers.size(); ++i) {
    in_a_row = i > 0 && askers[i] == askers[i - 1] ? in_a_row + 1 : 1;
    longest = std::max(longest, in_a_row);
    if (++asked[askers[i]] == requests_each) break;
  }
  CHECK(longest <= 16);
  REQUIRE(asked.size() == clients);
  for (const auto& [who, requests] : asked) CHECK(2 * requests >= requests_each);  // nobody is left behind
}

TEST_CASE("a sleep ends although the other fibers never stop asking each other") {
  std::vector<dvs::endpoint_id> askers;
  bool slept = false;
  dvs::userspace::node node;
  auto dc = node.create_dc("busy");
  dc.spawn(server, counting_server(askers)).value();
  dc.spawn([&](auto& self) {
      if (self.sleep_for(1ms)) slept = true;
    }).value();
  constexpr std::uint64_t far_more_than_it_takes = 50'000'000;
  std::uint64_t asked = 0;
  dc.run([&](auto& self) {
    for (; !slept && asked < far_more_than_it_takes; ++asked) self.sendrec(server, increment{asked}).value();
  });
  CHECK(asked < far_more_than_it_takes);
}

TEST_CASE("who yields is in its turn once, also when something wakes it meanwhile") {
  struct fiber_body final : dvs::userspace::runnable {
    explicit fiber_body(std::function<void()> what) : body(std::move(what)) {}
    void run() override { body(); }
    std::function<void()> body;
  };
  auto& here = dvs::userspace::carrier::current();
  dvs::userspace::task* yielding = nullptr;
  int ended = 0;
  const auto spawn = [&](std::function<void()> body) {
    here.spawn(std::make_unique<fiber_body>([&ended, body = std::move(body)] {
                 body();
                 ++ended;
               }),
               "turns");
  };
  spawn([&] {
    yielding = &here.running();
    for (int i = 0; i < 100; ++i) here.yield();
  });
  for (int others = 0; others < 3; ++others)
    spawn([&] {
      for (int i = 0; i < 100; ++i) here.yield();
    });
  spawn([&] {
    for (int i = 0; i < 50; ++i) {
      here.make_ready(*yielding);
      here.yield();
    }
  });
  while (ended < 5) here.yield();
}
