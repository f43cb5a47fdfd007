// SPDX-License-Identifier: MIT
/// @file
/// The laws of SYSTASK and CLOCK: descriptors, privileged copies, alarms, tables.
#include <algorithm>
#include <catch2/catch.hpp>
#include <muk/systask/server.hpp>
#include <numeric>

#include "muk_house.hpp"

namespace {

namespace systask = muk::systask;
using namespace std::chrono_literals;
using dvs::errc;

constexpr dvs::endpoint_id pm{0};
constexpr dvs::endpoint_id server_a{1};
constexpr dvs::endpoint_id server_b{2};

template <class House>
void start_systask(House& house) {
  house.start(systask::where, "systask", [&](auto& self) {
    systask::server<typename House::backend> server(self, house.dc, pm);
    static_cast<void>(server.run());
  });
}

template <class Self>
std::vector<systask::process_row> process_table(Self& self) {
  std::vector<systask::process_row> rows(100);
  auto grant = self.grant_write(systask::where, rows).value();
  const auto told = self.sendrec(
      systask::where, systask::getinfo{systask::info::proctab, dvs::none,
                                       static_cast<std::uint32_t>(rows.size() * sizeof rows[0]), grant.ref()});
  REQUIRE(told);
  REQUIRE(told->total % sizeof rows[0] == 0);
  rows.resize(told->length / sizeof rows[0]);
  return rows;
}
const systask::process_row* find(const std::vector<systask::process_row>& rows, dvs::endpoint_id who) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.endpoint == who; });
  return found == rows.end() ? nullptr : &*found;
}
std::uint64_t address(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

/// A process that waits in a receive until it is told to end, so that its memory may be copied.
auto waiting_process = [](auto& self) { static_cast<void>(self.receive()); };

}  // namespace

TEMPLATE_TEST_CASE("a descriptor is made for a process that is bound, and goes when it dies", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_server(server_a, [&](auto& self) {
    using systask::bindproc;
    CHECK(self.sendrec(systask::where, bindproc{server_b, muk::make_name("b")}).error() == errc::bad_process);
    house.start(server_b, "b", waiting_process);
    CHECK(self.sendrec(systask::where, bindproc{server_b, muk::make_name("b")}));
    REQUIRE(self.send(server_b, dvs::message{}));
    REQUIRE(self.wait_unbind(server_b));
    CHECK(self.sendrec(systask::where, systask::setpname{server_b, muk::make_name("x")}).error() == errc::bad_process);
  });
}

TEMPLATE_TEST_CASE("a server that was started again gets a new descriptor, without the alarm of the old one", "",
                   EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  const auto with_alarm = [](auto& self) {
    static_cast<void>(self.sendrec(systask::where, systask::bindproc{dvs::own, muk::make_name("old")}));
    static_cast<void>(
        self.sendrec(systask::where, systask::setalarm{3'600'000'000'000, systask::alarm_time::relative, 0}));
    static_cast<void>(self.receive());
  };
  house.as_server(server_a, [&](auto& self) {
    house.start(server_b, "b", with_alarm);
    REQUIRE(self.send(server_b, dvs::message{}));
    REQUIRE(self.wait_unbind(server_b));
    house.start(server_b, "b", waiting_process);
    CHECK(self.sendrec(systask::where, systask::bindproc{server_b, muk::make_name("new")}));
    const auto rows = process_table(self);
    CHECK(muk::text_of(find(rows, server_b)->name) == "new");
    CHECK(find(rows, server_b)->alarm_left_ns == 0);
    REQUIRE(self.send(server_b, dvs::message{}));
  });
}

TEMPLATE_TEST_CASE("a user process has one descriptor", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_user([&](auto& self) {
    CHECK(self.sendrec(systask::where, systask::bindproc{dvs::own, muk::make_name("me")}));
    CHECK(self.sendrec(systask::where, systask::bindproc{dvs::own, muk::make_name("me")}).error() == errc::slot_used);
  });
}

TEMPLATE_TEST_CASE("a user process registers itself and nobody else", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.start(server_a, "a", waiting_process);
  house.as_user([&](auto& self) {
    using systask::bindproc;
    CHECK(self.sendrec(systask::where, bindproc{server_a, muk::make_name("a")}).error() == errc::no_privilege);
    CHECK(self.sendrec(systask::where, bindproc{dvs::own, muk::make_name("me")}));
    CHECK(self.sendrec(systask::where, systask::setpname{server_a, muk::make_name("x")}).error() == errc::no_privilege);
    CHECK(self.sendrec(systask::where, systask::setpname{dvs::own, muk::make_name("renamed")}));
    CHECK(muk::text_of(find(process_table(self), self.id())->name) == "renamed");
  });
}

TEMPLATE_TEST_CASE("forks, exits and kills are taken from PM alone", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  const auto child = house.start_user([](auto& self) { static_cast<void>(self.sleep_for(1000h)); });
  house.as_server(server_a, [&](auto& self) {
    CHECK(self.sendrec(systask::where, systask::fork{server_a, child, {}}).error() == errc::no_privilege);
    CHECK(self.sendrec(systask::where, systask::exit{child}).error() == errc::no_privilege);
    CHECK(self.sendrec(systask::where, systask::killed{child}).error() == errc::no_privilege);
  });
  house.as_server(pm, [&](auto& self) {
    CHECK(self.sendrec(systask::where, systask::fork{pm, child, muk::make_name("child")}));
    CHECK(self.sendrec(systask::where, systask::fork{pm, child, {}}).error() == errc::slot_used);
    CHECK(muk::text_of(find(process_table(self), child)->name) == "child");
    CHECK(self.sendrec(systask::where, systask::killed{child}));
    CHECK(self.wait_unbind(child));
    CHECK(self.sendrec(systask::where, systask::killed{child}).error() == errc::bad_process);
    CHECK(self.sendrec(systask::where, systask::killed{systask::where}).error() == errc::bad_process);
  });
}

TEMPLATE_TEST_CASE("a system process may end others, a user process may not", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  const auto victim = house.start_user([](auto& self) { static_cast<void>(self.sleep_for(1000h)); });
  house.as_user(
      [&](auto& self) { CHECK(self.sendrec(systask::where, systask::unbind{victim}).error() == errc::no_privilege); });
  house.as_server(server_a, [&](auto& self) {
    CHECK(self.sendrec(systask::where, systask::unbind{victim}));
    CHECK(self.wait_unbind(victim));
  });
}

TEMPLATE_TEST_CASE("SYSTASK copies between the caller and a process that is blocked in a receive", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  std::array<char, 64> theirs{};
  house.start(server_b, "b", waiting_process);
  house.as_server(server_a, [&](auto& self) {
    std::array<char, 64> mine;
    std::iota(mine.begin(), mine.end(), 'A');
    // It may not have come to its receive yet: then it is not waiting.
    const auto until_it_waits = [&](const auto& ask) {
      for (;;) {
        const auto done = self.sendrec(systask::where, ask);
        if (done || done.error() != errc::not_waiting) return done;
        self.yield();
      }
    };
    REQUIRE(until_it_waits(systask::vircopy{dvs::own, server_b, address(mine.data()), address(theirs.data()), 64}));
    CHECK(theirs == mine);
    REQUIRE(self.sendrec(systask::where, systask::memset{server_b, 'z', address(theirs.data()) + 1, 62}));
    CHECK(theirs[0] == 'A');
    CHECK(std::count(theirs.begin(), theirs.end(), 'z') == 62);
    CHECK(theirs[63] == mine[63]);
    const std::vector<systask::vircopy> copies = {
        {server_b, dvs::own, address(theirs.data()), address(mine.data()) + 10, 2},
        {server_b, dvs::own, address(theirs.data()), address(mine.data()) + 20, 2}};
    auto grant = self.grant_read(systask::where, copies).value();
    REQUIRE(self.sendrec(systask::where, systask::virvcopy{2, grant.ref()}));
    CHECK(mine[10] == 'A');
    CHECK(mine[21] == 'z');
    CHECK(self.sendrec(systask::where, systask::virvcopy{0, grant.ref()}).error() == errc::bad_argument);
    CHECK(self.sendrec(systask::where, systask::virvcopy{17, grant.ref()}).error() == errc::bad_argument);
    REQUIRE(self.send(server_b, dvs::message{}));
  });
}

TEMPLATE_TEST_CASE("privileged copies are for system processes, bounded, and never reach SYSTASK itself", "",
                   EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  std::array<char, 64> memory{};
  const systask::vircopy ask{dvs::own, dvs::own, address(memory.data()), address(memory.data()), 64};
  house.as_user([&](auto& self) {
    CHECK(self.sendrec(systask::where, ask).error() == errc::no_privilege);
    CHECK(self.sendrec(systask::where, systask::memset{dvs::own, 0, address(memory.data()), 1}).error() ==
          errc::no_privilege);
    CHECK(self.sendrec(systask::where, systask::virvcopy{1, dvs::no_grant<dvs::readable>}).error() ==
          errc::no_privilege);
  });
  house.as_server(server_a, [&](auto& self) {
    auto wrong = ask;
    wrong.bytes = systask::bytes_max + 1;
    CHECK(self.sendrec(systask::where, wrong).error() == errc::too_big);
    wrong = ask;
    wrong.from = systask::where;
    CHECK(self.sendrec(systask::where, wrong).error() == errc::bad_endpoint);
    CHECK(self.sendrec(systask::where, systask::memset{systask::where, 0, address(memory.data()), 1}).error() ==
          errc::bad_endpoint);
    CHECK(self.sendrec(systask::where, systask::virvcopy{1, dvs::no_grant<dvs::readable>}).error() ==
          errc::not_granted);
  });
}

TEMPLATE_TEST_CASE("an alarm comes once, from the clock, and not before its time", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_server(server_a, [&](auto& self) {
    const auto begin = self.now();
    REQUIRE(self.sendrec(systask::where, systask::setalarm{5'000'000, systask::alarm_time::relative, 0}));
    const auto heard = self.receive();
    REQUIRE(heard);
    CHECK(heard->is_notification());
    CHECK(heard->content.source == dvs::clock_task);
    CHECK(self.now() - begin >= 5ms);
    CHECK(self.receive(dvs::any, dvs::no_wait).error() == errc::would_block);
    const auto when = static_cast<std::uint64_t>((self.now() + 3ms).count());
    REQUIRE(self.sendrec(systask::where, systask::setalarm{when, systask::alarm_time::absolute, 0}));
    REQUIRE(self.receive(dvs::clock_task));
    CHECK(static_cast<std::uint64_t>(self.now().count()) >= when);
  });
}

TEMPLATE_TEST_CASE("a new alarm replaces the old one, and zero takes it back", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_server(server_a, [&](auto& self) {
    const auto set = [&](std::uint64_t ns) {
      return self.sendrec(systask::where, systask::setalarm{ns, systask::alarm_time::relative, 0}).value().left_ns;
    };
    CHECK(set(3'600'000'000'000) == 0);
    const auto left = set(0);
    CHECK(left > 0);
    CHECK(left <= 3'600'000'000'000);
    CHECK(set(3'600'000'000'000) == 0);
    CHECK(set(1'000'000) > 0);
    REQUIRE(self.receive(dvs::clock_task));
    CHECK(set(0) == 0);
    CHECK(self.sendrec(systask::where, systask::setalarm{~0ull, systask::alarm_time::relative, 0}).error() ==
          errc::bad_argument);
    CHECK(self.sendrec(systask::where, systask::setalarm{1, systask::alarm_time{2}, 0}).error() == errc::bad_argument);
  });
  house.as_user([&](auto& self) {
    CHECK(self.sendrec(systask::where, systask::setalarm{1, systask::alarm_time::relative, 0}).error() ==
          errc::no_privilege);
  });
}

TEMPLATE_TEST_CASE("the alarms of several processes come in their order in time", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  std::vector<int> order;
  house.as_server(server_b, [&](auto& collector) {
    const auto sleeper = [](std::uint64_t ns) {
      return [ns](auto& self) {
        static_cast<void>(self.sendrec(systask::where, systask::setalarm{ns, systask::alarm_time::absolute, 0}));
        static_cast<void>(self.receive(dvs::clock_task));
        static_cast<void>(self.send(server_b, dvs::message{}));
      };
    };
    const auto soon = static_cast<std::uint64_t>(collector.now().count());
    house.start(dvs::endpoint_id{4}, "late", sleeper(soon + 60'000'000));
    house.start(dvs::endpoint_id{5}, "early", sleeper(soon + 20'000'000));
    house.start(dvs::endpoint_id{6}, "middle", sleeper(soon + 40'000'000));
    for (int i = 0; i < 3; ++i) order.push_back(dvs::number(collector.receive().value().content.source));
  });
  CHECK(order == std::vector{5, 6, 4});
}

TEMPLATE_TEST_CASE("the process table shows who waits for whom and how much everybody did", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_server(server_a, [&](auto& self) {
    house.start(server_b, "waiter", [](auto& other) { static_cast<void>(other.receive(server_a)); });
    auto rows = process_table(self);
    while (find(rows, server_b)->doing != systask::doing::receiving) {
      self.yield();
      rows = process_table(self);
    }
    CHECK(muk::text_of(find(rows, server_b)->name) == "waiter");
    CHECK(find(rows, server_b)->peer == server_a);
    CHECK(find(rows, server_b)->is_system == 1);
    const auto before = find(rows, systask::where)->messages_sent;
    rows = process_table(self);
    CHECK(find(rows, systask::where)->messages_sent > before);
    CHECK(find(rows, systask::where)->copies > 0);
    CHECK(find(rows, systask::where)->doing == systask::doing::running);
    REQUIRE(self.send(server_b, dvs::message{}));
  });
}

TEMPLATE_TEST_CASE("GETINFO tells of the DC, of one process and of privileges, and refuses the rest", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_user([&](auto& self) {
    systask::dc_row dc{};
    auto dc_grant = self.grant_write(systask::where, std::span{&dc, 1}).value();
    REQUIRE(self.sendrec(systask::where, systask::getinfo{systask::info::kinfo, dvs::none, sizeof dc, dc_grant.ref()}));
    CHECK(muk::text_of(dc.name) == "house");
    CHECK(dc.running == 1);
    CHECK(dc.processes == 2);
    systask::process_row row{};
    auto row_grant = self.grant_write(systask::where, std::span{&row, 1}).value();
    const auto ask = [&](systask::info what, dvs::endpoint_id who) {
      return self.sendrec(systask::where, systask::getinfo{what, who, sizeof row, row_grant.ref()});
    };
    REQUIRE(ask(systask::info::process, dvs::own));
    CHECK(row.endpoint == self.id());
    CHECK(row.is_system == 0);
    CHECK(ask(systask::info::process, dvs::endpoint_id{60}).error() == errc::bad_process);
    CHECK(ask(systask::info{99}, dvs::own).error() == errc::bad_argument);
    std::array<systask::privileges_row, 8> rights{};
    auto rights_grant = self.grant_write(systask::where, rights).value();
    const auto told = self.sendrec(
        systask::where, systask::getinfo{systask::info::privtab, dvs::none, sizeof rights, rights_grant.ref()});
    REQUIRE(told);
    REQUIRE(told->total == 2 * sizeof rights[0]);
    const auto& mine = rights[0].endpoint == self.id() ? rights[0] : rights[1];
    CHECK(mine.calls == dvs::call_set::of_users().bits());
  });
}

TEMPLATE_TEST_CASE("TIMES grows with what a process does", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  house.as_user([&](auto& self) {
    const auto before = self.sendrec(systask::where, systask::times{dvs::own});
    REQUIRE(before);
    const auto after = self.sendrec(systask::where, systask::times{self.id()});
    REQUIRE(after);
    CHECK(after->messages_sent > before->messages_sent);
    CHECK(after->uptime_ns >= before->uptime_ns);
    CHECK(self.sendrec(systask::where, systask::times{dvs::endpoint_id{60}}).error() == errc::bad_process);
  });
}
