// SPDX-License-Identifier: MIT
/// @file
/// The laws of <dvs/fiber.hpp>, except those on how a process dies: see fiber_endings.cpp.
#include <array>
#include <catch2/catch.hpp>
#include <cfenv>
#include <dvs/fiber.hpp>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using dvs::context;
using dvs::fiber;

[[gnu::noinline]] std::uintptr_t address_of_a_local() {
  volatile char local = 0;
  return reinterpret_cast<std::uintptr_t>(&local) + static_cast<std::uintptr_t>(local);
}

}  // namespace

TEST_CASE("a fiber runs when it is switched to, and the one who left continues where it stopped") {
  std::vector<int> order;
  context& root = context::current();
  fiber other(dvs::fiber_stack_bytes, [&](fiber& self) -> context& {
    order.push_back(1);
    self.switch_to(root);
    order.push_back(3);
    return root;
  });
  CHECK(order.empty());
  root.switch_to(other);
  order.push_back(2);
  CHECK_FALSE(other.done());
  root.switch_to(other);
  order.push_back(4);
  CHECK(other.done());
  CHECK(order == std::vector{1, 2, 3, 4});
}

TEST_CASE("the current context is the one that runs, and it knows its name") {
  context& root = context::current();
  CHECK(root.name() == "root");
  context* inside = nullptr;
  fiber named(
      dvs::fiber_stack_bytes,
      [&](fiber&) -> context& {
        inside = &context::current();
        return root;
      },
      "a name that is longer than thirty-one characters");
  root.switch_to(named);
  CHECK(inside == &named);
  CHECK(&context::current() == &root);
  CHECK(named.name() == "a name that is longer than thir");
}

TEST_CASE("fibers hand over to each other without going through the root") {
  context& root = context::current();
  constexpr std::size_t fibers = 10, rounds = 100;
  std::vector<std::unique_ptr<fiber>> ring;
  std::vector<std::size_t> visits;
  for (std::size_t i = 0; i < fibers; ++i) {
    ring.push_back(std::make_unique<fiber>(dvs::fiber_stack_bytes, [&, i](fiber& self) -> context& {
      const bool last = i + 1 == fibers;
      for (std::size_t round = 1; round < rounds; ++round) {
        visits.push_back(i);
        self.switch_to(*ring[last ? 0 : i + 1]);
      }
      visits.push_back(i);
      if (last) return root;
      return *ring[i + 1];
    }));
  }
  root.switch_to(*ring[0]);
  REQUIRE(visits.size() == fibers * rounds);
  for (std::size_t at = 0; at < visits.size(); ++at) REQUIRE(visits[at] == at % fibers);
  for (const auto& each : ring) CHECK(each->done());
}

TEST_CASE("thousands of fibers live at once and keep their locals, in whatever order they run") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  constexpr std::size_t fibers = 4000, steps = 40000;
  context& root = context::current();
  std::vector<std::unique_ptr<fiber>> all;
  std::vector<std::size_t> counted(fibers), expected(fibers);
  bool stop = false;
  for (std::size_t i = 0; i < fibers; ++i) {
    all.push_back(std::make_unique<fiber>(dvs::fiber_stack_bytes, [&, i](fiber& self) -> context& {
      std::array<std::size_t, 64> locals{};
      locals.fill(i);
      std::size_t times = 0;
      while (!stop) {
        ++times;
        self.switch_to(root);
        for (const std::size_t each : locals) {
          if (each != i) std::abort();
        }
      }
      counted[i] = times;
      return root;
    }));
  }
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t chosen = random() % fibers;
    ++expected[chosen];
    root.switch_to(*all[chosen]);
  }
  stop = true;
  for (auto& each : all) root.switch_to(*each);
  for (std::size_t i = 0; i < fibers; ++i) REQUIRE(counted[i] == expected[i]);
}

TEST_CASE("every thread has contexts of its own, and a fiber can be made for another thread to run") {
  context& here = context::current();
  context* there = nullptr;
  context* back_to = nullptr;
  std::thread::id ran_on;
  fiber made_here(dvs::fiber_stack_bytes, [&](fiber&) -> context& {
    ran_on = std::this_thread::get_id();
    return *back_to;
  });
  std::thread::id other;
  std::thread([&] {
    other = std::this_thread::get_id();
    there = back_to = &context::current();
    there->switch_to(made_here);
  }).join();
  CHECK(there != &here);
  CHECK(ran_on == other);
  CHECK(made_here.done());
}

TEST_CASE("the entry is destroyed once: when it has returned, or unused with its fiber") {
  const auto shared = std::make_shared<int>(1);
  context& root = context::current();
  {
    fiber used(dvs::fiber_stack_bytes, [&root, shared](fiber&) -> context& { return root; });
    CHECK(shared.use_count() == 2);
    root.switch_to(used);
    CHECK(shared.use_count() == 1);
  }
  CHECK(shared.use_count() == 1);
  {
    fiber unused(dvs::fiber_stack_bytes, [&root, shared](fiber&) -> context& { return root; });
  }
  CHECK(shared.use_count() == 1);
}

TEST_CASE("an entry may demand a large alignment and finds its stack aligned") {
  struct alignas(32) aligned_entry {
    context& back;
    std::uintptr_t& where;
    std::uintptr_t& frame;
    context& operator()(fiber&) {
      where = reinterpret_cast<std::uintptr_t>(this);
      alignas(16) volatile char local[16] = {};
      frame = reinterpret_cast<std::uintptr_t>(&local);
      return back;
    }
  };
  std::uintptr_t where = 1, frame = 1;
  context& root = context::current();
  fiber picky(dvs::fiber_stack_bytes, aligned_entry{root, where, frame});
  root.switch_to(picky);
  CHECK(where % 32 == 0);
  CHECK(frame % 16 == 0);
}

TEST_CASE("a fiber that switches inside a catch block rethrows its own exception") {
  context& root = context::current();
  std::vector<std::string> rethrown;
  const auto thrower = [&](std::string what) {
    return [&root, &rethrown, what](fiber& self) -> context& {
      try {
        try {
          throw std::runtime_error(what);
        } catch (...) {
          self.switch_to(root);
          throw;
        }
      } catch (const std::runtime_error& caught) {
        rethrown.emplace_back(caught.what());
      }
      return root;
    };
  };
  fiber a(dvs::fiber_stack_bytes, thrower("a"));
  fiber b(dvs::fiber_stack_bytes, thrower("b"));
  root.switch_to(a);
  CHECK(std::current_exception() == nullptr);  // the root is in no catch block
  root.switch_to(b);
  root.switch_to(a);  // first in, first out: the reverse of what one shared stack of exceptions would give
  root.switch_to(b);
  CHECK(rethrown == std::vector<std::string>{"a", "b"});
}

TEST_CASE("every context has a rounding mode of its own") {
  context& root = context::current();
  std::vector<int> seen;
  fiber upward(dvs::fiber_stack_bytes, [&](fiber& self) -> context& {
    std::fesetround(FE_UPWARD);
    volatile double third = 3;
    third = 1 / third;  // sets the flag for an inexact result, which must not carry the mode along
    self.switch_to(root);
    seen.push_back(std::fegetround());
    return root;
  });
  root.switch_to(upward);
  seen.push_back(std::fegetround());
  root.switch_to(upward);
  seen.push_back(std::fegetround());
  CHECK(seen == std::vector<int>{FE_TONEAREST, FE_UPWARD, FE_TONEAREST});
}

TEST_CASE("an exception in flight in one fiber is not in flight in another") {
  struct switches_when_destroyed {
    context& self;
    context& other;
    int& in_flight;
    ~switches_when_destroyed() {
      self.switch_to(other);
      in_flight = std::uncaught_exceptions();
    }
  };
  context& root = context::current();
  int in_flight = -1;
  fiber unwinding(dvs::fiber_stack_bytes, [&](fiber& self) -> context& {
    try {
      const switches_when_destroyed guard{self, root, in_flight};
      throw 1;
    } catch (int) {
    }
    return root;
  });
  root.switch_to(unwinding);
  CHECK(std::uncaught_exceptions() == 0);
  root.switch_to(unwinding);
  CHECK(in_flight == 1);
}

TEST_CASE("exceptions are thrown and caught deep inside many interleaved fibers") {
  context& root = context::current();
  constexpr int fibers = 50, rounds = 50;
  int caught = 0;
  std::vector<std::unique_ptr<fiber>> all;
  for (int i = 0; i < fibers; ++i) {
    all.push_back(std::make_unique<fiber>(dvs::fiber_stack_bytes, [&, i](fiber& self) -> context& {
      for (int round = 0; round < rounds; ++round) {
        try {
          try {
            throw i;
          } catch (int) {
            self.switch_to(root);
            std::throw_with_nested(std::runtime_error("outer"));
          }
        } catch (const std::runtime_error& outer) {
          self.switch_to(root);
          try {
            std::rethrow_if_nested(outer);
          } catch (int mine) {
            caught += mine == i ? 1 : 0;
          }
        }
      }
      return root;
    }));
  }
  for (bool busy = true; busy;) {
    busy = false;
    for (auto& each : all) {
      if (each->done()) continue;
      root.switch_to(*each);
      busy = true;
    }
  }
  CHECK(caught == fibers * rounds);
}

TEST_CASE("the stack of a destroyed fiber is used again") {
  context& root = context::current();
  std::set<std::uintptr_t> pages;
  for (int i = 0; i < 100; ++i) {
    fiber brief(dvs::fiber_stack_bytes, [&](fiber&) -> context& {
      pages.insert(address_of_a_local() / dvs::fiber_stack_bytes);
      return root;
    });
    root.switch_to(brief);
  }
  CHECK(pages.size() == 1);
}

TEST_CASE("stacks of fibers that live together start on different cache lines of their pages") {
  context& root = context::current();
  constexpr std::size_t fibers = 64;
  std::vector<std::unique_ptr<fiber>> all;
  std::set<std::uintptr_t> lines;
  for (std::size_t i = 0; i < fibers; ++i) {
    all.push_back(std::make_unique<fiber>(3 * dvs::fiber_stack_bytes, [&](fiber&) -> context& {
      lines.insert(address_of_a_local() % 4096 / 64);
      return root;
    }));
    root.switch_to(*all.back());
  }
  CHECK(lines.size() == fibers);
}

TEST_CASE("the whole of the stack that was asked for can be used") {
  context& root = context::current();
  constexpr std::size_t bytes = 128 * 1024;
  bool survived = false;
  fiber thorough(bytes + 16 * 1024, [&](fiber&) -> context& {
    volatile char most[bytes];
    for (std::size_t at = 0; at < bytes; at += 512) most[at] = 1;
    survived = most[0] == 1;
    return root;
  });
  CHECK(thorough.stack_bytes() >= bytes + 16 * 1024);
  root.switch_to(thorough);
  CHECK(survived);
}

TEST_CASE("a request to cancel is a flag that the fiber itself obeys") {
  context& root = context::current();
  bool cleaned_up = false;
  fiber patient(dvs::fiber_stack_bytes, [&](fiber& self) -> context& {
    while (!self.cancel_requested()) self.switch_to(root);
    cleaned_up = true;
    return root;
  });
  root.switch_to(patient);
  std::thread([&] { patient.request_cancel(); }).join();
  CHECK_FALSE(cleaned_up);
  root.switch_to(patient);
  CHECK(cleaned_up);
  CHECK(patient.done());
}
