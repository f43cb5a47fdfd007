// SPDX-License-Identifier: MIT
/// @file
/// How a process ends when a fiber misbehaves. Each ending happens in a process of its own, a hidden test case.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <dvs/fiber.hpp>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using dvs::context;
using dvs::fiber;

/// How a forked child ended, and what it wrote to standard error.
struct ending {
  int status = 0;
  std::string said;
};

/// Runs the hidden test case `name` in a process of its own, which leaves no core file.
ending in_child(const char* name) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    close(STDOUT_FILENO);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    setenv("TSAN_OPTIONS", "report_signal_unsafe=0", 1);  // Catch2 allocates when it reports an abort
    execl("/proc/self/exe", "unit.fiber_endings", name, static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[1]);
  ending result;
  std::array<char, 512> piece;
  for (ssize_t got; (got = read(ends[0], piece.data(), piece.size())) > 0;) {
    result.said.append(piece.data(), static_cast<std::size_t>(got));
  }
  close(ends[0]);
  REQUIRE(waitpid(child, &result.status, 0) == child);
  return result;
}

bool aborted(const ending& how) { return WIFSIGNALED(how.status) && WTERMSIG(how.status) == SIGABRT; }

/// Needs a stack frame per level that no optimiser can remove.
[[gnu::noinline]] int recurse(int levels, volatile char* above) {
  volatile char frame[2048];
  frame[0] = above != nullptr ? above[0] : char{1};
  frame[sizeof frame - 1] = static_cast<char>(levels);
  if (levels == 0) return frame[0];
  return recurse(levels - 1, frame) + frame[sizeof frame - 1];
}

void overflow_a_fiber() {
  context& root = context::current();
  int sum = 0;
  fiber deep(
      dvs::fiber_stack_bytes,
      [&](fiber&) -> context& {
        sum = recurse(1 << 20, nullptr);
        return root;
      },
      "deep");
  root.switch_to(deep);
}

void touch_forbidden_page() {
  void* const page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *static_cast<volatile char*>(page) = 1;
}

}  // namespace

TEST_CASE("child: an exception leaves an entry", "[.]") {
  context& root = context::current();
  fiber careless(
      dvs::fiber_stack_bytes, [](fiber&) -> context& { throw std::runtime_error("nobody wants me"); }, "careless");
  root.switch_to(careless);
}

TEST_CASE("an exception that leaves an entry ends the process and names the fiber") {
  const ending how = in_child("child: an exception leaves an entry");
  INFO(how.said);
  CHECK(aborted(how));
  CHECK(how.said.find("an exception left fiber 'careless'") != std::string::npos);
  CHECK(how.said.find("nobody wants me") != std::string::npos);
}

TEST_CASE("child: overflow on the first thread", "[.]") { overflow_a_fiber(); }
TEST_CASE("child: overflow on another thread", "[.]") { std::thread(overflow_a_fiber).join(); }

TEST_CASE("a stack overflow ends the process and names the fiber, its stack size and a remedy") {
  for (const char* where : {"child: overflow on the first thread", "child: overflow on another thread"}) {
    const ending how = in_child(where);
    INFO(how.said);
    CHECK(aborted(how));
    CHECK(how.said.find("stack overflow in fiber 'deep'") != std::string::npos);
    CHECK(how.said.find(std::to_string(dvs::fiber_stack_bytes) + " bytes") != std::string::npos);
    CHECK(how.said.find("larger stack") != std::string::npos);
  }
}

TEST_CASE("child: a fault outside every guard", "[.]") {
  struct sigaction earlier {};
  earlier.sa_flags = SA_SIGINFO;
  earlier.sa_sigaction = [](int, siginfo_t*, void*) {
    dvs::detail::overflow_handler::say("the earlier handler");
    _exit(42);
  };
  REQUIRE(sigaction(SIGSEGV, &earlier, nullptr) == 0);
  context& root = context::current();
  fiber wild(dvs::fiber_stack_bytes, [&](fiber&) -> context& {
    touch_forbidden_page();
    return root;
  });
  root.switch_to(wild);
}

TEST_CASE("a fault that is no overflow goes to the handler that was there before") {
  const ending how = in_child("child: a fault outside every guard");
  INFO(how.said);
  CHECK(WIFEXITED(how.status));
  CHECK(WEXITSTATUS(how.status) == 42);
  CHECK(how.said == "the earlier handler");
}

TEST_CASE("child: a fault with no earlier handler", "[.]") {
  signal(SIGSEGV, SIG_DFL);
  context::current();
  touch_forbidden_page();
}

TEST_CASE("a fault that is no overflow and that nobody handles ends the process as without fibers") {
  const ending how = in_child("child: a fault with no earlier handler");
  INFO(how.said);
  CHECK(WIFSIGNALED(how.status));
  CHECK(WTERMSIG(how.status) == SIGSEGV);
}

TEST_CASE("child: a fiber is destroyed too early", "[.]") {
  context& root = context::current();
  fiber stuck(
      dvs::fiber_stack_bytes,
      [&root](fiber& self) -> context& {
        self.switch_to(root);
        return root;
      },
      "stuck");
  root.switch_to(stuck);
}

TEST_CASE("a fiber that is destroyed before it ended ends the process and is named") {
  const ending how = in_child("child: a fiber is destroyed too early");
  INFO(how.said);
  CHECK(aborted(how));
  CHECK(how.said.find("fiber 'stuck' was destroyed before it ended") != std::string::npos);
}
