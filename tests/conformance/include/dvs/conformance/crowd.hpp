// SPDX-License-Identifier: MIT
/// @file
/// Laws of many: many clients of one server, and a crowd of endpoints.
#ifndef DVS_CONFORMANCE_CROWD_HPP
#define DVS_CONFORMANCE_CROWD_HPP

#include <dvs/conformance/sendrec.hpp>
#include <map>

namespace dvs::conformance {

template <setup Setup>
void crowd_laws() {
  law<Setup>("many clients of one server: each gets its own answers, and none is starved", [] {
    constexpr std::uint64_t clients = 32, rounds = 50;
    std::atomic<std::uint64_t> done = 0;
    laboratory<Setup> lab;
    for (std::uint64_t i = 0; i < clients; ++i)
      lab.start(own, [&lab, &done, i](auto& self) {
        for (std::uint64_t round = 0; round < rounds; ++round) {
          const std::uint64_t n = i * rounds + round;
          lab.equal(lab.take(self.sendrec(bob, increment{n})).n, n + 1);
        }
        ++done;
      });
    lab.start(bob, [&](auto& self) {
      for (std::uint64_t i = 0; i < clients * rounds; ++i) answer_one(lab, self);
    });
    lab.finish();
    CHECK(done == clients);
  });

  law<Setup>("R2: with many clients at once, who waits longest is served next", [] {
    const bool is_slow = laboratory<Setup>::has_gathered_tables();
    const std::size_t clients = is_slow ? 10 : 20, rounds = is_slow ? 5 : 10;
    laboratory<Setup> lab;
    for (std::size_t i = 0; i < clients; ++i)
      lab.start(own, [&](auto& self) {
        for (std::size_t round = 0; round < rounds; ++round) lab.take(self.sendrec(bob, increment{1}));
      });
    lab.start(bob, [&](auto& self) {
      // All wait before each answer: so nobody comes again before the others have had their turn.
      std::map<endpoint_id, std::size_t> served;
      for (std::size_t i = 0; i < clients * rounds; ++i) {
        std::size_t finished = 0;
        for (const auto& [who, times] : served) finished += times == rounds;
        lab.eventually(
            self,
            [&] {
              std::size_t waiting = 0;
              for (const auto& row : lab.dc_of(bob).processes())
                waiting += row.doing == activity::sending && row.peer == bob;
              return waiting == clients - finished;
            },
            "everybody asks");
        const std::size_t times = ++served[answer_one(lab, self).endpoint];
        lab.equal(times, i / clients + 1);
      }
    });
    lab.finish();
  });

  law<Setup>("a crowd of endpoints asks one server at the same time, and each is answered", [] {
    const std::uint64_t crowd = laboratory<Setup>::has_gathered_tables() ? 100 : 1000;
    std::atomic<std::uint64_t> sum = 0;
    laboratory<Setup> lab;
    for (std::uint64_t i = 0; i < crowd; ++i)
      lab.start(own, [&lab, &sum, i](auto& self) { sum += lab.take(self.sendrec(bob, increment{i})).n; });
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self,
          [&] {
            std::size_t waiting = 0;
            for (const auto& row : lab.dc_of(bob).processes())
              waiting += row.doing == activity::sending && row.peer == bob;
            return waiting == crowd;
          },
          "all wait at once");
      lab.expect(lab.dc().processes().size() >= crowd, "all are bound");
      for (std::uint64_t i = 0; i < crowd; ++i) answer_one(lab, self);
    });
    lab.finish();
    CHECK(sum == crowd * (crowd + 1) / 2);
  });

  law<Setup>("a message goes round a ring of endpoints, many times", [] {
    constexpr std::int32_t ring = 50, rounds = 20;
    laboratory<Setup> lab;
    const auto next = [](std::int32_t slot) { return endpoint_id{slot % ring + 1}; };
    for (std::int32_t slot = 2; slot <= ring; ++slot)
      lab.start(endpoint_id{slot}, [&lab, slot, next](auto& self) {
        for (std::int32_t round = 0; round < rounds; ++round)
          lab.works(self.send(next(slot), number{lab.take(self.receive()).template as<number>().n + 1}));
      });
    lab.start(endpoint_id{1}, [&lab, next](auto& self) {
      for (std::uint64_t round = 0; round < rounds; ++round) {
        lab.works(self.send(next(1), number{round * ring}));
        lab.equal(lab.take(self.receive()).template as<number>().n, round * ring + ring - 1);
      }
    });
    lab.finish();
  });
}

}  // namespace dvs::conformance

#endif
