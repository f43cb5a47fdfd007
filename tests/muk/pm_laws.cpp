// SPDX-License-Identifier: MIT
/// @file
/// The laws of PM: families, endings, users, signals, alarms.
#include <algorithm>
#include <catch2/catch.hpp>
#include <muk/pm/server.hpp>
#include <muk/systask/server.hpp>

#include "muk_house.hpp"

namespace {

namespace pm = muk::pm;
using namespace std::chrono_literals;
using dvs::errc;

constexpr dvs::endpoint_id a_server{1};

/// A DC with SYSTASK and PM; `as_init` runs a body as init.
template <class Setup>
struct managed : house<Setup> {
  using backend = typename Setup::backend;
  managed() {
    this->start(muk::systask::where, "systask", [&](auto& self) {
      muk::systask::server<backend> server(self, this->dc);
      static_cast<void>(server.run());
    });
    this->start(pm::where, "pm", [](auto& self) {
      pm::server<backend> server(self);
      static_cast<void>(server.run());
    });
  }
  template <class Body>
  void as_init(Body body) {
    this->as_server(pm::init, body);
  }
  /// Starts a user process and makes it a child of the caller. The body runs once it has its pid.
  template <class Self, class Body>
  pm::pid fork(Self& parent, std::string_view name, Body body) {
    const auto child = this->start_user([body](auto& self) {
      if (self.sendrec(pm::where, pm::wait4fork{})) body(self);
    });
    return parent.sendrec(pm::where, pm::fork{child, muk::make_name(name)}).value().pid;
  }
};

template <class Self>
std::vector<pm::process_row> process_table(Self& self) {
  std::vector<pm::process_row> rows(100);
  auto grant = self.grant_write(pm::where, rows).value();
  const auto told =
      self.sendrec(pm::where, pm::getsysinfo{static_cast<std::uint32_t>(rows.size() * sizeof rows[0]), grant.ref()});
  REQUIRE(told);
  rows.resize(told->length / sizeof rows[0]);
  return rows;
}
template <class Self>
bool has_state(Self& self, pm::pid who, pm::state state) {
  const auto rows = process_table(self);
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.pid == who && row.state == state; });
}
template <class Self>
void until(Self& self, pm::pid who, pm::state state) {
  while (!has_state(self, who, state)) self.yield();
}

auto exits_with = [](std::int32_t status) {
  return [status](auto& self) { static_cast<void>(self.sendrec(pm::where, pm::exit{status})); };
};
auto sleeps = [](auto& self) { static_cast<void>(self.sendrec(pm::where, pm::sigsuspend{0})); };
auto leaves = [](auto&) {};

}  // namespace

TEMPLATE_TEST_CASE("PM has pid 0 and init pid 1 from the start", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([](auto& self) {
    const auto mine = self.sendrec(pm::where, pm::getpid{});
    REQUIRE(mine);
    CHECK(mine->pid == 1);
    CHECK(mine->parent == 0);
    const auto rows = process_table(self);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].pid == 0);
    CHECK(rows[0].endpoint == pm::where);
  });
}

TEMPLATE_TEST_CASE("whoever has no pid is told so, by every request that needs one", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_user([](auto& self) {
    const auto refused = [&](const auto& ask) { return self.sendrec(pm::where, ask).error() == errc::bad_process; };
    CHECK(refused(pm::getpid{}));
    CHECK(refused(pm::exit{0}));
    CHECK(refused(pm::fork{self.id(), {}}));
    CHECK(refused(pm::wait{}));
    CHECK(refused(pm::waitpid{-1, pm::wait_options::none}));
    CHECK(refused(pm::getuid{}));
    CHECK(refused(pm::getgid{}));
    CHECK(refused(pm::setuid{0}));
    CHECK(refused(pm::sigsuspend{2}));
    CHECK(refused(pm::sigpending{}));
    CHECK(refused(pm::alarm{1}));
    CHECK(refused(pm::setpname{}));
    CHECK(refused(pm::kill{77, 0}));
  });
}

TEMPLATE_TEST_CASE("a fork gives the child a pid, its parent's user, and wakes it", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    pm::getpid::reply seen{};
    pm::getuid::reply user{};
    const auto child = house.fork(self, "child", [&](auto& other) {
      seen = other.sendrec(pm::where, pm::getpid{}).value();
      user = other.sendrec(pm::where, pm::getuid{}).value();
    });
    const auto ended = self.sendrec(pm::where, pm::wait{});
    REQUIRE(ended);
    CHECK(ended->pid == child);
    CHECK(seen.pid == child);
    CHECK(seen.parent == 1);
    CHECK(user.real == 0);
    CHECK(self.sendrec(pm::where, pm::fork{dvs::endpoint_id{40}, {}}).error() == errc::bad_process);
  });
}

TEMPLATE_TEST_CASE("a process has one pid", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto pid = house.fork(self, "child", sleeps);
    const auto child = self.sendrec(pm::where, pm::getprocnr{pid, {}}).value().endpoint;
    CHECK(self.sendrec(pm::where, pm::fork{child, {}}).error() == errc::slot_used);
    CHECK(self.sendrec(pm::where, pm::bindproc{child, 0, 0, 0, {}}).error() == errc::slot_used);
    CHECK(self.sendrec(pm::where, pm::kill{pid, pm::signal::kill}));
  });
}

TEMPLATE_TEST_CASE("the parent gets the status of a child that exits, before or after it asks", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto first = house.fork(self, "first", exits_with(7));
    until(self, first, pm::state::zombie);
    auto ended = self.sendrec(pm::where, pm::waitpid{first, pm::wait_options::none});
    REQUIRE(ended);
    CHECK(ended->pid == first);
    CHECK(ended->status == 7);
    CHECK(ended->ending == pm::ending::exited);
    const auto second = house.fork(self, "second", exits_with(-8));
    ended = self.sendrec(pm::where, pm::wait{});
    REQUIRE(ended);
    CHECK(ended->pid == second);
    CHECK(ended->status == -8);
    CHECK(self.sendrec(pm::where, pm::wait{}).error() == errc::bad_process);
  });
}

TEMPLATE_TEST_CASE("waitpid waits for the child that it names only", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto lasting = house.fork(self, "lasting", sleeps);
    const auto brief = house.fork(self, "brief", exits_with(1));
    until(self, brief, pm::state::zombie);
    CHECK(self.sendrec(pm::where, pm::waitpid{lasting, pm::wait_options::no_hang}).value().pid == 0);
    CHECK(self.sendrec(pm::where, pm::waitpid{lasting, pm::wait_options::none}, 5ms).error() == errc::timed_out);
    CHECK(self.sendrec(pm::where, pm::waitpid{-1, pm::wait_options::no_hang}).value().pid == brief);
    CHECK(self.sendrec(pm::where, pm::waitpid{brief, pm::wait_options::no_hang}).error() == errc::bad_process);
    CHECK(self.sendrec(pm::where, pm::waitpid{0, pm::wait_options::none}).error() == errc::bad_argument);
    CHECK(self.sendrec(pm::where, pm::waitpid{-1, pm::wait_options{9}}).error() == errc::bad_argument);
    CHECK(self.sendrec(pm::where, pm::kill{lasting, pm::signal::kill}));
  });
}

TEMPLATE_TEST_CASE("a parent that gave up waiting collects the child later", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto child = house.fork(self, "child", sleeps);
    CHECK(self.sendrec(pm::where, pm::wait{}, 5ms).error() == errc::timed_out);
    REQUIRE(self.sendrec(pm::where, pm::kill{child, pm::signal::kill}));
    until(self, child, pm::state::zombie);
    const auto ended = self.sendrec(pm::where, pm::wait{});
    REQUIRE(ended);
    CHECK(ended->pid == child);
  });
}

TEMPLATE_TEST_CASE("a process that leaves without exit has vanished; one that signal 9 ends was killed", "",
                   EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto vanishing = house.fork(self, "vanishing", leaves);
    auto ended = self.sendrec(pm::where, pm::wait{});
    REQUIRE(ended);
    CHECK(ended->pid == vanishing);
    CHECK(ended->ending == pm::ending::vanished);
    const auto victim = house.fork(self, "victim", sleeps);
    REQUIRE(self.sendrec(pm::where, pm::kill{victim, pm::signal::kill}));
    ended = self.sendrec(pm::where, pm::wait{});
    REQUIRE(ended);
    CHECK(ended->pid == victim);
    CHECK(ended->ending == pm::ending::killed);
    CHECK(ended->status == 9);
  });
}

TEMPLATE_TEST_CASE("orphans become children of init, and init collects them", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    pm::pid grandchild = 0;
    const auto child = house.fork(self, "child", [&](auto& parent) {
      grandchild = house.fork(parent, "grandchild", sleeps);
      static_cast<void>(parent.sendrec(pm::where, pm::exit{0}));
    });
    CHECK(self.sendrec(pm::where, pm::wait{}).value().pid == child);
    const auto rows = process_table(self);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.pid == grandchild; });
    REQUIRE(row != rows.end());
    CHECK(row->parent == 1);
    REQUIRE(self.sendrec(pm::where, pm::kill{grandchild, pm::signal::kill}));
    CHECK(self.sendrec(pm::where, pm::wait{}).value().pid == grandchild);
  });
}

TEMPLATE_TEST_CASE("without an init nobody collects orphans, so they leave no trace", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_server(a_server, [&](auto& self) {
    const auto child = house.start_user([](auto& other) { static_cast<void>(other.sleep_for(1000h)); });
    const auto pid = self.sendrec(pm::where, pm::bindproc{child, 0, 5, 5, muk::make_name("orphan")}).value().pid;
    REQUIRE(self.sendrec(pm::where, pm::kill{pid, pm::signal::kill}));
    REQUIRE(self.wait_unbind(child));
    while (self.sendrec(pm::where, pm::kill{pid, 0}).error() != errc::bad_process) self.yield();
    CHECK(process_table(self).size() == 2);
  });
}

TEMPLATE_TEST_CASE("a server registers others with a user; a user process only itself, as nobody", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_server(a_server, [&](auto& self) {
    const auto mine = self.sendrec(pm::where, pm::bindproc{dvs::own, 42, 0, 0, muk::make_name("server")});
    REQUIRE(mine);
    CHECK(mine->pid == 42);
    CHECK(self.sendrec(pm::where, pm::getprocnr{-1, muk::make_name("server")}).value().pid == 42);
    CHECK(self.sendrec(pm::where, pm::getprocnr{42, {}}).value().endpoint == a_server);
    CHECK(self.sendrec(pm::where, pm::getprocnr{43, {}}).error() == errc::bad_process);
  });
  house.as_user([&](auto& self) {
    CHECK(self.sendrec(pm::where, pm::bindproc{pm::where, 0, 0, 0, {}}).error() == errc::no_privilege);
    CHECK(self.sendrec(pm::where, pm::bindproc{dvs::own, 42, 0, 0, {}}).error() == errc::ok);
    CHECK(self.sendrec(pm::where, pm::getuid{}).value().real == pm::nobody);
    CHECK(self.sendrec(pm::where, pm::setuid{0}).error() == errc::no_privilege);
    CHECK(self.sendrec(pm::where, pm::setuid{pm::nobody}));
    CHECK(self.sendrec(pm::where, pm::setpname{muk::make_name("me")}));
    CHECK(self.sendrec(pm::where, pm::getprocnr{-1, muk::make_name("me")}).value().endpoint == self.id());
  });
}

TEMPLATE_TEST_CASE("a pid that is taken is refused", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_server(a_server, [&](auto& self) {
    CHECK(self.sendrec(pm::where, pm::bindproc{dvs::own, 1, 0, 0, {}}).error() == errc::slot_used);
    CHECK(self.sendrec(pm::where, pm::bindproc{dvs::own, -5, 0, 0, {}}).error() == errc::slot_used);
    CHECK(self.sendrec(pm::where, pm::bindproc{dvs::own, 30'001, 0, 0, {}}).error() == errc::slot_used);
    CHECK(self.sendrec(pm::where, pm::bindproc{dvs::own, 30'000, 0, 0, {}}));
  });
}

TEMPLATE_TEST_CASE("the superuser may change user and group, and then no more", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    CHECK(self.sendrec(pm::where, pm::seteuid{5}));
    CHECK(self.sendrec(pm::where, pm::getuid{}).value().real == 0);
    CHECK(self.sendrec(pm::where, pm::getuid{}).value().effective == 5);
    CHECK(self.sendrec(pm::where, pm::seteuid{6}).error() == errc::no_privilege);
    CHECK(self.sendrec(pm::where, pm::seteuid{0}));
    CHECK(self.sendrec(pm::where, pm::setgid{8}));
    CHECK(self.sendrec(pm::where, pm::setegid{9}));
    CHECK(self.sendrec(pm::where, pm::getgid{}).value().effective == 9);
    CHECK(self.sendrec(pm::where, pm::setuid{7}));
    CHECK(self.sendrec(pm::where, pm::getuid{}).value().real == 7);
    CHECK(self.sendrec(pm::where, pm::setuid{0}).error() == errc::no_privilege);
    CHECK(self.sendrec(pm::where, pm::setgid{1}).error() == errc::no_privilege);
  });
}

TEMPLATE_TEST_CASE("a server gets signals as a notification whose value has their bits", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_server(a_server, [&](auto& self) {
    const auto mine = self.sendrec(pm::where, pm::bindproc{dvs::own, 0, 0, 0, {}}).value().pid;
    REQUIRE(self.sendrec(pm::where, pm::kill{mine, pm::signal::user1}));
    REQUIRE(self.sendrec(pm::where, pm::kill{mine, pm::signal::terminate}));
    const auto heard = self.receive(pm::where);
    REQUIRE(heard);
    REQUIRE(heard->is_notification());
    CHECK(heard->as_notification().value ==
          (pm::signal::bit(pm::signal::user1) | pm::signal::bit(pm::signal::terminate)));
    CHECK(self.sendrec(pm::where, pm::kill{mine, pm::signal::kill}).error() == errc::no_privilege);
    CHECK(self.sendrec(pm::where, pm::kill{mine, 64}).error() == errc::bad_argument);
    CHECK(self.sendrec(pm::where, pm::kill{-1, 1}).error() == errc::bad_argument);
  });
}

TEMPLATE_TEST_CASE("a user process finds its signals, pending or when they come", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto usr1 = pm::signal::bit(pm::signal::user1), usr2 = pm::signal::bit(pm::signal::user2);
    std::uint64_t pending = 0, first = 0, second = 0, left = 1;
    const auto child = house.fork(self, "child", [&](auto& other) {
      first = other.sendrec(pm::where, pm::sigsuspend{usr2}).value().signals;
      pending = other.sendrec(pm::where, pm::sigpending{}).value().signals;
      second = other.sendrec(pm::where, pm::sigsuspend{usr1 | usr2}).value().signals;
      left = other.sendrec(pm::where, pm::sigpending{}).value().signals;
      static_cast<void>(other.sendrec(pm::where, pm::exit{0}));
    });
    until(self, child, pm::state::suspended);
    REQUIRE(self.sendrec(pm::where, pm::kill{child, pm::signal::user1}));
    CHECK(has_state(self, child, pm::state::suspended));
    REQUIRE(self.sendrec(pm::where, pm::kill{child, pm::signal::user2}));
    REQUIRE(self.sendrec(pm::where, pm::wait{}));
    CHECK(first == usr2);
    CHECK(pending == usr1);
    CHECK(second == usr1);
    CHECK(left == 0);
  });
}

TEMPLATE_TEST_CASE("a process may signal its own user's processes only, unless it is the superuser", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto other = house.fork(self, "root's", sleeps);
    errc refused = errc::ok, allowed = errc::fault;
    const auto child = house.fork(self, "child", [&](auto& weak) {
      static_cast<void>(weak.sendrec(pm::where, pm::setuid{100}));
      refused = weak.sendrec(pm::where, pm::kill{other, 0}).error();
      const auto me = weak.sendrec(pm::where, pm::getpid{}).value().pid;
      allowed = weak.sendrec(pm::where, pm::kill{me, 0}).error();
    });
    REQUIRE(self.sendrec(pm::where, pm::waitpid{child, pm::wait_options::none}));
    CHECK(refused == errc::no_privilege);
    CHECK(allowed == errc::ok);
    CHECK(self.sendrec(pm::where, pm::kill{other, pm::signal::kill}));
  });
}

TEMPLATE_TEST_CASE("the death of a child is a signal to a parent that does not wait", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    house.fork(self, "child", exits_with(0));
    const auto heard = self.receive(pm::where);
    REQUIRE(heard);
    CHECK(heard->as_notification().value == pm::signal::bit(pm::signal::child));
    CHECK(self.sendrec(pm::where, pm::waitpid{-1, pm::wait_options::no_hang}).value().pid > 1);
  });
}

TEMPLATE_TEST_CASE("an alarm is a signal after its time, and can be replaced", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    std::uint64_t left = 0, heard = 0;
    dvs::duration took{0};
    house.fork(self, "child", [&](auto& other) {
      static_cast<void>(other.sendrec(pm::where, pm::alarm{3'600'000'000'000}));
      const auto begin = other.now();
      left = other.sendrec(pm::where, pm::alarm{5'000'000}).value().left_ns;
      heard = other.sendrec(pm::where, pm::sigsuspend{~std::uint64_t{0}}).value().signals;
      took = other.now() - begin;
      static_cast<void>(other.sendrec(pm::where, pm::exit{0}));
    });
    REQUIRE(self.sendrec(pm::where, pm::wait{}));
    CHECK(left > 0);
    CHECK(heard == pm::signal::bit(pm::signal::alarm));
    CHECK(took >= 5ms);
    CHECK(self.sendrec(pm::where, pm::alarm{~std::uint64_t{0}}).error() == errc::bad_argument);
  });
}

TEMPLATE_TEST_CASE("a client that dies while it waits costs PM nothing", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([&](auto& self) {
    const auto parent = house.fork(self, "parent", [&](auto& other) {
      house.fork(other, "child", sleeps);
      static_cast<void>(other.sendrec(pm::where, pm::wait{}));
    });
    until(self, parent, pm::state::waiting);
    const auto never_forked =
        house.start_user([](auto& other) { static_cast<void>(other.sendrec(pm::where, pm::wait4fork{})); });
    REQUIRE(house.dc.unbind(never_forked));
    REQUIRE(self.sendrec(pm::where, pm::kill{parent, pm::signal::kill}));
    CHECK(self.sendrec(pm::where, pm::waitpid{parent, pm::wait_options::none}).value().ending == pm::ending::killed);
    CHECK(self.sendrec(pm::where, pm::getpid{}).value().pid == 1);
  });
}

TEMPLATE_TEST_CASE("the time of day begins where a privileged process sets it", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_user([](auto& self) { CHECK(self.sendrec(pm::where, pm::stime{1, 0}).error() == errc::no_privilege); });
  house.as_init([](auto& self) {
    CHECK(self.sendrec(pm::where, pm::stime{-1, 0}).error() == errc::bad_argument);
    CHECK(self.sendrec(pm::where, pm::stime{1, 1'000'000'000}).error() == errc::bad_argument);
    CHECK(self.sendrec(pm::where, pm::stime{9'000'000'000, 0}).error() == errc::bad_argument);
    REQUIRE(self.sendrec(pm::where, pm::stime{1'700'000'000, 999'999'999}));
    const auto first = self.sendrec(pm::where, pm::time{}).value();
    CHECK(first.seconds >= 1'700'000'000);
    CHECK(first.nanoseconds < 1'000'000'000);
    const auto second = self.sendrec(pm::where, pm::time{}).value();
    CHECK(std::pair(second.seconds, second.nanoseconds) >= std::pair(first.seconds, first.nanoseconds));
  });
}

TEMPLATE_TEST_CASE("TIMES passes on what SYSTASK knows of the caller", "", EVERYWHERE) {
  managed<TestType> house;
  house.as_init([](auto& self) {
    REQUIRE(self.sendrec(pm::where, pm::getpid{}));
    const auto told = self.sendrec(pm::where, pm::times{});
    REQUIRE(told);
    CHECK(told->messages_sent > 0);
  });
}
