// SPDX-License-Identifier: MIT
/// @file
/// Laws of watching others come and go, and of time: T1.
#ifndef DVS_CONFORMANCE_WATCH_HPP
#define DVS_CONFORMANCE_WATCH_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>

namespace dvs::conformance {

template <setup Setup>
void watch_laws() {
  law<Setup>("a process can wait until another is bound", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.works(self.wait_bind(bob));
      lab.expect(self.is_bound(bob), "it is bound now");
      lab.works(self.send(bob, number{1}));
      lab.works(self.wait_unbind(bob));
      lab.expect(!self.is_bound(bob), "it is gone now");
    });
    lab.observe([&](auto& self) { lab.until_blocked(self, alice); });
    lab.start(bob, [&](auto& self) { lab.equal(lab.take(self.receive()).content.source, alice); });
  });

  law<Setup>("several processes can wait for the same bind, and for the same unbind", [] {
    laboratory<Setup> lab;
    for (const endpoint_id who : {alice, carol, dave})
      lab.start(who, [&](auto& self) {
        lab.works(self.wait_bind(bob));
        lab.works(self.wait_unbind(bob));
      });
    lab.observe([&](auto& self) {
      for (const endpoint_id who : {alice, carol, dave}) lab.until_blocked(self, who);
    });
    lab.start(bob, [&](auto& self) { lab.works(self.sleep_for(a_moment)); });
  });

  law<Setup>("a process cannot wait for itself, nor for what is no slot", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::bad_endpoint, self.wait_bind(alice));
      lab.fails(errc::bad_endpoint, self.wait_unbind(alice));
      lab.fails(errc::range, self.wait_bind(endpoint_id{500'000}));
      lab.expect(!self.is_bound(endpoint_id{500'000}), "it is not bound");
      lab.expect(!self.is_bound(any) && !self.is_bound(none) && !self.is_bound(hardware), "pseudo endpoints neither");
    });
  });

  law<Setup>("who watches deaths is notified after any process was unbound", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.works(self.watch_deaths());
      lab.works(self.send(bob, number{1}));
      const received news = lab.take(self.receive());
      lab.expect(news.is_notification(), "it is a notification");
      lab.equal(news.content.source, process_events);
      lab.until_gone(self, bob);
      while (self.is_bound(carol)) lab.equal(lab.take(self.receive(process_events)).content.source, process_events);
    });
    lab.start(bob, [&](auto& self) { lab.take(self.receive()); });
    lab.start(carol, [&](auto& self) { lab.until_gone(self, bob); });
  });

  law<Setup>("only system processes watch deaths and set alarms", [] {
    laboratory<Setup> lab;
    lab.start(own,
              [&](auto& self) {
                lab.fails(errc::no_privilege, self.watch_deaths());
                lab.fails(errc::trap_denied, self.set_alarm(a_moment));
                lab.works(self.sleep_for(a_moment));
              },
              {.privileges = &every_right});
  });

  law<Setup>("T1: time never goes back, and a sleep lasts at least as long as it was asked for", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      duration last = self.now();
      lab.expect(last >= duration::zero(), "time begins with the node");
      for (int i = 0; i < 1000; ++i) {
        const duration next = self.now();
        lab.expect(next >= last, "time went back");
        last = next;
      }
      lab.works(self.sleep_for(a_moment));
      lab.expect(self.now() >= last + a_moment, "the sleep was too short");
      lab.works(self.sleep_for(duration::zero()));
    });
  });

  law<Setup>("T1: an alarm arrives once, as a notification of the clock, not before its time", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const duration begin = self.now();
      lab.works(self.set_alarm(a_moment));
      const received rang = lab.take(self.receive(clock_task));
      lab.expect(rang.is_notification(), "it is a notification");
      lab.equal(rang.content.source, clock_task);
      lab.expect(self.now() >= begin + a_moment, "it rang too early");
      lab.fails(errc::timed_out, self.receive(any, a_moment));
    });
  });

  law<Setup>("T1: a new alarm replaces the old one, and an alarm can be taken back", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const duration begin = self.now();
      lab.works(self.set_alarm(1h));
      lab.works(self.set_alarm(a_moment));
      lab.take(self.receive(clock_task));
      lab.expect(self.now() < begin + 1h, "the second alarm rang");
      lab.works(self.set_alarm(a_moment));
      lab.works(self.set_alarm(forever));
      lab.fails(errc::timed_out, self.receive(any, 3 * a_moment));
    });
  });

  law<Setup>("T1: an alarm finds its process in any wait, or waits for it", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.works(self.set_alarm(a_moment));
      lab.works(self.sleep_for(2 * a_moment));
      lab.equal(lab.take(self.receive(any, a_moment * 1000)).content.source, clock_task);
      lab.works(self.set_alarm(a_moment));
      lab.equal(lab.take(self.receive()).content.source, clock_task);
    });
  });

  law<Setup>("chance gives different numbers", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      std::uint64_t ones = 0, zeros = 0;
      for (int i = 0; i < 100; ++i) {
        const std::uint64_t bits = self.random();
        ones |= bits;
        zeros |= ~bits;
      }
      lab.equal(ones, ~std::uint64_t{0});
      lab.equal(zeros, ~std::uint64_t{0});
    });
  });
}

}  // namespace dvs::conformance

#endif
