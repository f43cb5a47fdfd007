// SPDX-License-Identifier: MIT
/// @file
/// What the host tells about processes, also of other namespaces.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <dvs/backends/userspace/daemon/host_process.hpp>
#include <dvs/backends/userspace/owned_descriptor.hpp>

using dvs::userspace::owned_descriptor;
using dvs::userspace::process_number_for;

namespace {

/// Two processes that wait in a namespace of process numbers of their own, as numbers 1 and 2.
class two_apart {
 public:
  two_apart() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const owned_descriptor reading(ends[0]);
    owned_descriptor writing(ends[1]);
    parent_ = ::fork();
    if (parent_ == 0) {
      if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
      for (int at = 0; at < 2; ++at) {
        const pid_t made = ::fork();
        while (made == 0) ::pause();
        static_cast<void>(!::write(ends[1], &made, sizeof made));
      }
      while (true) ::pause();
    }
    writing = {};
    for (pid_t& each : here_)
      if (::read(reading.get(), &each, sizeof each) != sizeof each) each = 0;
  }
  two_apart(const two_apart&) = delete;
  two_apart& operator=(const two_apart&) = delete;
  ~two_apart() {
    if (are_there()) ::kill(here_[0], SIGKILL);  // with it goes the other
    ::kill(parent_, SIGKILL);
    ::waitpid(parent_, nullptr, 0);
  }
  [[nodiscard]] bool are_there() const { return here_[1] > 0; }
  [[nodiscard]] pid_t one() const { return here_[0]; }
  [[nodiscard]] pid_t other() const { return here_[1]; }

 private:
  pid_t parent_ = 0;
  std::array<pid_t, 2> here_{};
};

}  // namespace

TEST_CASE("processes of one namespace have each other's number, which is that of the namespace, and no others") {
  CHECK(process_number_for(::getpid(), ::getpid()) == ::getpid());
  const two_apart apart;
  if (!apart.are_there()) {
    WARN("this host permits no namespaces");
    return;
  }
  CHECK(process_number_for(apart.one(), apart.other()) == 1);
  CHECK(process_number_for(apart.other(), apart.one()) == 2);
  CHECK(process_number_for(apart.one(), ::getpid()) == 0);
  CHECK(process_number_for(::getpid(), apart.one()) == 0);
}
