// SPDX-License-Identifier: MIT
/// @file
/// Laws of notifications: N1 and N2.
#ifndef DVS_CONFORMANCE_NOTIFY_HPP
#define DVS_CONFORMANCE_NOTIFY_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>

namespace dvs::conformance {

template <setup Setup>
void notify_laws() {
  law<Setup>("N1: a notification reaches a receiver that waits, at once", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      const received got = lab.take(self.receive());
      lab.expect(got.is_notification(), "it is a notification");
      lab.expect(!got.is_request(), "nobody waits for an answer to it");
      lab.equal(got.content.source, alice);
      lab.equal(got.as_notification().value, 0x8000'0000'0000'0001u);
    });
    lab.start(alice, [&](auto& self) {
      lab.until(self, bob, activity::receiving, any);
      lab.works(self.notify(bob, 0x8000'0000'0000'0001u));
    });
  });

  law<Setup>("N1: a notification without a receiver waits, and its sender does not", [] {
    std::atomic<bool> notified = false;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return notified.load(); }, "alice has notified");
      const received got = lab.take(self.receive(any, no_wait));
      lab.equal(got.content.source, alice);
      lab.equal(got.as_notification().value, 3u);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
    lab.start(alice, [&](auto& self) {
      lab.works(self.notify(bob, 3));
      notified = true;
      lab.until_gone(self, bob);
    });
    lab.finish();
  });

  law<Setup>("N1: pending notifications of one source arrive as one, with their values or-ed", [] {
    std::atomic<bool> notified = false;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return notified.load(); }, "alice has notified");
      lab.equal(lab.take(self.receive(any, no_wait)).as_notification().value, 0b1011u);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
    lab.start(alice, [&](auto& self) {
      lab.works(self.notify(bob, 0b0001));
      lab.works(self.notify(bob, 0b1000));
      lab.works(self.notify(bob, 0b0011));
      notified = true;
      lab.until_gone(self, bob);
    });
    lab.finish();
  });

  law<Setup>("N1: a value that was received does not come back with the next notification", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.equal(lab.take(self.receive(alice)).as_notification().value, 1u);
      lab.works(self.send(alice, number{0}));
      lab.equal(lab.take(self.receive(alice)).as_notification().value, 4u);
    });
    lab.start(alice, [&](auto& self) {
      lab.works(self.notify(bob, 1));
      lab.take(self.receive(bob));
      lab.works(self.notify(bob, 4));
      lab.until_gone(self, bob);
    });
  });

  law<Setup>("a notification that nobody took dies with its source", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.notify(bob, 3)); });
    lab.start(bob, [&](auto& self) {
      lab.until_gone(self, alice);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
  });

  law<Setup>("N2: notifications come before messages, the lowest slot first", [] {
    std::atomic<int> notified = 0;
    laboratory<Setup> lab;
    constexpr endpoint_id task{-20};
    for (const endpoint_id who : {erin, task, carol})
      lab.start(who, [&lab, &notified](auto& self) {
        lab.until(self, alice, activity::sending, bob);
        lab.works(self.notify(bob));
        ++notified;
        lab.until_gone(self, bob);
      });
    lab.start(alice, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return notified == 3; }, "three have notified");
      for (const endpoint_id who : {task, carol, erin}) {
        const received got = lab.take(self.receive());
        lab.expect(got.is_notification(), "notifications first");
        lab.equal(got.content.source, who);
      }
      lab.equal(lab.take(self.receive()).content.source, alice);
    });
    lab.finish();
  });

  law<Setup>("N2: a receive from one source takes no notification of another", [] {
    std::atomic<bool> notified = false;
    laboratory<Setup> lab;
    lab.start(carol, [&](auto& self) {
      lab.works(self.notify(bob, 1));
      notified = true;
      lab.until(self, bob, activity::receiving, alice);
      lab.works(self.notify(bob, 2));
      lab.expect(lab.is_doing(bob, activity::receiving, alice), "the notification of another did not end it");
      lab.works(self.send(alice, number{0}));
      lab.until_gone(self, bob);
    });
    lab.start(alice, [&](auto& self) {
      lab.take(self.receive(carol));
      lab.works(self.notify(bob, 8));
      lab.until_gone(self, bob);
    });
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return notified.load(); }, "carol has notified");
      lab.fails(errc::would_block, self.receive(alice, no_wait));
      const received first = lab.take(self.receive(alice));
      lab.equal(first.content.source, alice);
      lab.equal(first.as_notification().value, 8u);
      lab.equal(lab.take(self.receive(carol)).as_notification().value, 3u);
    });
    lab.finish();
  });

  law<Setup>("N1: a user process cannot be notified", [] {
    laboratory<Setup> lab;
    const endpoint_id user =
        lab.start(own, [&](auto& self) { lab.equal(lab.take(self.receive()).template as<number>().n, 1u); },
                  {.privileges = &every_right});
    lab.start(alice, [&lab, user](auto& self) {
      lab.fails(errc::trap_denied, self.notify(user, 1));
      lab.works(self.send(user, number{1}));
    });
  });

  law<Setup>("a system process notifies in the name of another, and of the pseudo sources", [] {
    laboratory<Setup> lab;
    lab.start(carol, [&](auto& self) { lab.take(self.receive(alice)); });
    lab.start(alice, [&](auto& self) {
      for (const endpoint_id source : {carol, hardware, clock_task}) {
        lab.works(self.notify_as(source, bob, 5));
        lab.take(self.receive(bob));
      }
      lab.works(self.send(carol, number{0}));
    });
    lab.start(bob, [&](auto& self) {
      for (const endpoint_id source : {carol, hardware, clock_task}) {
        const received got = lab.take(self.receive());
        lab.expect(got.is_notification(), "it is a notification");
        lab.equal(got.content.source, source);
        lab.equal(got.as_notification().value, 5u);
        lab.works(self.send(alice, number{0}));
      }
    });
  });

  law<Setup>("a user process cannot notify in the name of another", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { lab.equal(lab.take(self.receive()).template as<number>().n, 1u); });
    lab.start(own,
              [&](auto& self) {
                lab.fails(errc::no_privilege, self.notify_as(hardware, bob, 1));
                lab.works(self.send(bob, number{1}));
              },
              {.privileges = &every_right});
  });

  law<Setup>("a notification carries the time at which it was made", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      const duration before = self.now();
      lab.works(self.send(alice, number{0}));
      const received got = lab.take(self.receive());
      const duration made{got.as_notification().time_ns};
      lab.expect(before <= made && made <= self.now(), "made after it was asked for and before it was received");
    });
    lab.start(alice, [&](auto& self) {
      lab.take(self.receive(bob));
      lab.works(self.notify(bob));
      lab.until_gone(self, bob);
    });
  });
}

}  // namespace dvs::conformance

#endif
