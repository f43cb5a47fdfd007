// SPDX-License-Identifier: MIT
/// @file
/// Laws of fibers and threads: exceptions, conditions, one endpoint used by several fibers, threads that are bound.
#ifndef DVS_CONFORMANCE_CONTEXTS_HPP
#define DVS_CONFORMANCE_CONTEXTS_HPP

#include <unistd.h>

#include <dvs/conformance/sendrec.hpp>
#include <stdexcept>
#include <thread>

namespace dvs::conformance {

template <setup Setup>
void context_laws() {
  law<Setup>("exceptions of processes are kept apart, also when one waits inside a handler", [] {
    laboratory<Setup> lab;
    for (const endpoint_id who : {alice, bob, carol, dave})
      lab.start(who, [&lab, who](auto& self) {
        const std::string mine = "exception of " + std::to_string(number_of(who));
        for (int round = 0; round < 20; ++round) {
          try {
            try {
              throw std::runtime_error(mine);
            } catch (const std::exception&) {
              lab.works(self.sleep_for(10us));  // others throw and catch meanwhile
              self.yield();
              throw;
            }
          } catch (const std::exception& back) {
            lab.expect(mine == back.what(), "it is still the exception of this process");
          }
          lab.equal(std::uncaught_exceptions(), 0);
        }
      });
  });

  law<Setup>("a fiber answers for its server while the server waits for the next request", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(carol, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{5})).n, 6u); });
    lab.start(dave, [&](auto& self) { lab.expect(lab.take(self.receive()).is_notification(), "a notification"); });
    lab.start(bob, [&](auto& self) {
      int answered = 0;
      for (int i = 0; i < 2; ++i) {
        const received asked = lab.take(self.receive());
        const caller from = asked.from();
        const std::uint64_t n = asked.template as<increment>().n;
        lab.take(self.spawn([&lab, &self, &answered, from, n](auto& worker) {
          lab.until(worker, bob, activity::receiving, any);
          std::array<std::byte, 8> page{};
          auto window = lab.take(self.grant_read(alice, page));  // grants may be made meanwhile too
          lab.works(self.reply(from, increment::reply{n + 1}));
          if (answered == 1) {
            lab.until(worker, dave, activity::receiving);  // a notification dies with its source
            lab.works(self.notify(dave));
          }
          ++answered;
        }));
      }
      while (answered < 2) lab.fails(errc::timed_out, self.receive(any, a_moment));
    });
  });

  law<Setup>("a condition wakes its fibers in the order in which they wait", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      condition<typename Setup::backend> bell;
      std::vector<int> order;
      for (int i = 0; i < 4; ++i) {
        const endpoint_id child = lab.take(self.spawn([&lab, &bell, &order, i](auto& worker) {
          lab.works(bell.wait(worker));
          order.push_back(i);
        }));
        lab.until_blocked(self, child);  // it waits before the next one exists
      }
      bell.wake_one();
      lab.eventually(
          self, [&] { return order.size() == 1; }, "one is woken");
      bell.wake_all();
      lab.eventually(
          self, [&] { return order.size() == 4; }, "all are woken");
      lab.expect(order == std::vector<int>{0, 1, 2, 3}, "in their order");
      bell.wake_one();  // nobody waits: nothing is remembered
      lab.fails(errc::timed_out, bell.wait(self, a_moment));
    });
  });

  law<Setup>("the wait on a condition ends with its time, by cancel, and with the DC", [] {
    std::atomic<int> stage = 0;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      condition<typename Setup::backend> bell;
      const duration begin = self.now();
      lab.fails(errc::timed_out, bell.wait(self, a_moment));
      lab.expect(self.now() >= begin + a_moment, "it gave up too early");
      stage = 1;
      lab.fails(errc::cancelled, bell.wait(self));
      stage = 2;
      lab.fails(errc::shut_down, bell.wait(self));
    });
    lab.observe([&](auto& self) {
      lab.eventually(
          self, [&] { return stage == 1; }, "its time has passed");
      lab.until_blocked(self, alice);
      lab.works(lab.dc().cancel(alice));
      lab.eventually(
          self, [&] { return stage == 2; }, "it was cancelled");
      lab.until_blocked(self, alice);
    });
    lab.dc().end();
    lab.finish();
  });

  law<Setup>("a fiber that computes lets others run when it yields", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      int steps = 0;
      lab.take(self.spawn([&](auto& worker) {
        for (; steps < 100; ++steps) worker.yield();
      }));
      int mine = 0;
      for (; steps < 100 && mine < 1'000'000; ++mine) self.yield();
      lab.equal(steps, 100);
    });
  });

  if constexpr (Setup::backend::abilities.threads) {
    law<Setup>("a thread is bound by another one and waits for that", [] {
      std::atomic<int> kernel_id = 0;
      laboratory<Setup> lab;
      std::thread thread([&] {
        kernel_id = ::gettid();
        auto self = lab.dc().wait_for_own_bind();
        lab.expect(self.has_value(), "it was bound");
        if (!self) return;
        lab.equal((*self)->id(), bob);
        lab.equal(answer_one(lab, **self).endpoint, alice);
      });
      lab.start(alice, [&](auto& self) {
        lab.eventually(
            self, [&] { return kernel_id != 0; }, "the thread runs");
        lab.equal(lab.take(lab.dc().bind_thread(kernel_id, bob)), bob);
        lab.fails(errc::slot_used, lab.dc().bind_thread(kernel_id, carol));
        lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
      });
      lab.observe([&](auto& self) {
        lab.eventually(
            self, [&] { return !self.is_bound(alice); }, "the client is done");
      });
      thread.join();
      lab.finish();
    });

    law<Setup>("a thread that nobody binds gives up waiting for it, and what is no thread cannot be bound", [] {
      laboratory<Setup> lab;
      std::thread([&] { lab.fails(errc::timed_out, lab.dc().wait_for_own_bind(a_moment)); }).join();
      lab.fails(errc::bad_process, lab.dc().bind_thread(-1, bob));
    });

    law<Setup>("threads come and go while others talk", [] {
      laboratory<Setup> lab;
      lab.start(bob, [&](auto& self) {
        for (int i = 0; i < 50; ++i) answer_one(lab, self);
      });
      lab.start(alice, [&](auto& self) {
        for (int i = 0; i < 50; ++i) {
          const endpoint_id child = lab.take(lab.dc().spawn(
              own, on_thread{}, [&](auto& worker) { lab.equal(lab.take(worker.sendrec(bob, increment{1})).n, 2u); }));
          lab.works(self.wait_unbind(child));
        }
      });
      lab.finish();
    });
  }
}

/// Says by name what the backend lacks.
template <setup Setup>
void ability_laws() {
  law<Setup>("what the backend lacks, it lacks by name", [] {
    constexpr abilities can = Setup::backend::abilities;
    std::string missing;
    if (!can.threads) missing += ", threads";
    if (!can.streams) missing += ", streams";
    if (!missing.empty()) WARN(std::string(Setup::name) + " lacks: " + missing.substr(2));
    laboratory<Setup> lab;
    if constexpr (!can.threads) {
      lab.fails(errc::not_supported, lab.dc().bind_thread(1, bob));
      lab.fails(errc::not_supported, lab.dc().wait_for_own_bind(no_wait));
    }
    if constexpr (!can.streams) lab.start(alice, [&](auto& self) { lab.fails(errc::not_supported, self.listen(0)); });
    lab.expect(!std::string_view(Setup::name).empty(), "the setup has a name");
  });
}

}  // namespace dvs::conformance

#endif
