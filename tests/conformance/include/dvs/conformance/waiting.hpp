// SPDX-License-Identifier: MIT
/// @file
/// Laws of waiting: no wait, a limited wait, a cancelled wait (W1, W2), and cycles of senders (W3).
#ifndef DVS_CONFORMANCE_WAITING_HPP
#define DVS_CONFORMANCE_WAITING_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>

namespace dvs::conformance {

template <setup Setup>
void waiting_laws() {
  law<Setup>("W1: an operation that would wait and must not fails and changes nothing", [] {
    std::atomic<bool> tried = false;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return tried.load(); }, "alice has tried");
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::would_block, self.send(bob, number{1}, no_wait));
      lab.fails(errc::would_block, self.sendrec(bob, increment{1}, no_wait));
      lab.fails(errc::would_block, self.receive(any, no_wait));
      lab.fails(errc::would_block, self.receive(bob, no_wait));
      lab.fails(errc::would_block, self.receive_request(no_wait));
      lab.fails(errc::would_block, self.wait_bind(erin, no_wait));
      lab.fails(errc::would_block, self.wait_unbind(bob, no_wait));
      tried = true;
    });
    lab.finish();
  });

  law<Setup>("W1: a sendrec that must not wait fails even if its server waits, and the server goes on waiting", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { lab.equal(lab.take(self.receive()).template as<number>().n, 2u); });
    lab.start(alice, [&](auto& self) {
      lab.until(self, bob, activity::receiving, any);
      lab.fails(errc::would_block, self.sendrec(bob, increment{1}, no_wait));
      lab.expect(lab.is_doing(bob, activity::receiving, any), "the server got nothing");
      lab.works(self.send(bob, number{2}));
    });
  });

  law<Setup>("W1: operations that need not wait succeed when they must not", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.works(self.send(bob, number{1}));
      lab.until(self, bob, activity::receiving, alice);
      lab.works(self.send(bob, number{2}, no_wait));
      lab.works(self.wait_bind(bob, no_wait));
      lab.works(self.wait_unbind(erin, no_wait));
    });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.equal(lab.take(self.receive(any, no_wait)).template as<number>().n, 1u);
      lab.equal(lab.take(self.receive(alice)).template as<number>().n, 2u);
      lab.until_gone(self, alice);
    });
  });

  law<Setup>("W2: every operation that waits gives up when its time has passed, and not before", [] {
    std::atomic<bool> tried = false;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return tried.load(); }, "alice has tried");
      lab.fails(errc::would_block, self.receive(any, no_wait));  // what was not taken was withdrawn
    });
    lab.start(alice, [&](auto& self) {
      const auto times_out = [&](auto operation) {
        const duration begin = self.now();
        lab.fails(errc::timed_out, operation());
        lab.expect(self.now() - begin >= a_moment, "it gave up too early");
      };
      times_out([&] { return self.send(bob, number{1}, a_moment); });
      times_out([&] { return self.sendrec(bob, increment{1}, a_moment); });
      times_out([&] { return self.receive(any, a_moment); });
      times_out([&] { return self.receive(bob, a_moment); });
      times_out([&] { return self.receive_request(a_moment); });
      times_out([&] { return self.wait_bind(erin, a_moment); });
      times_out([&] { return self.wait_unbind(bob, a_moment); });
      tried = true;
    });
    lab.finish();
  });

  law<Setup>("W2: one time limit covers both phases of a sendrec", [] {
    std::atomic<bool> taken = false;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      // The limit grows until the server was quick enough to take the request in time.
      for (duration limit = a_moment; !taken; limit *= 2) {
        const duration begin = self.now();
        lab.fails(errc::timed_out, self.sendrec(bob, increment{1}, limit));
        lab.expect(self.now() - begin >= limit, "it gave up too early");
      }
      lab.works(self.send(bob, number{1}));
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      taken = true;
      lab.expect(asked.is_request(), "the request was taken");
      lab.until(self, alice, activity::sending, bob);  // it gave up, and goes on
      lab.fails(errc::not_waiting, self.reply(asked.from(), increment::reply{2}));
      while (lab.take(self.receive()).is_request()) continue;
    });
    lab.finish();
  });

  law<Setup>("W2: a late answer does not reach the next request of the same caller to the same server", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::cancelled, self.sendrec(bob, increment{100}));
      lab.equal(lab.take(self.sendrec(bob, increment{200})).n, 201u);
    });
    lab.start(bob, [&](auto& self) {
      const received first = lab.take(self.receive());
      lab.works(lab.dc().cancel(alice));
      const received second = lab.take(self.receive());
      lab.equal(second.template as<increment>().n, 200u);
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.fails(errc::not_waiting, self.reply(first.from(), increment::reply{101}));
      lab.expect(lab.is_doing(alice, activity::awaiting_reply, bob), "the late answer ended nothing");
      lab.works(self.reply(second.from(), increment::reply{201}));
    });
  });

  law<Setup>("W2: a message withdrawn from the middle of a queue leaves the others in their order", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.fails(errc::cancelled, self.send(bob, number{2}));
    });
    lab.start(dave, [&](auto& self) {
      lab.until(self, carol, activity::sending, bob);
      lab.works(self.send(bob, number{3}));
    });
    lab.start(bob, [&](auto& self) {
      lab.until(self, dave, activity::sending, bob);
      lab.works(lab.dc().cancel(carol));
      lab.until_gone(self, carol);
      lab.equal(lab.take(self.receive()).content.source, alice);
      lab.equal(lab.take(self.receive()).content.source, dave);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
  });

  law<Setup>("W2: every wait can be cancelled", [] {
    std::atomic<int> stage = 0;
    std::atomic<bool> over = false;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.eventually(
          self, [&] { return over.load(); }, "everything was cancelled");
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
    lab.start(alice, [&](auto& self) {
      const auto is_cancelled = [&](auto operation) {
        ++stage;
        lab.fails(errc::cancelled, operation());
      };
      is_cancelled([&] { return self.send(bob, number{1}); });
      is_cancelled([&] { return self.sendrec(bob, increment{1}); });
      is_cancelled([&] { return self.receive(); });
      is_cancelled([&] { return self.receive(bob); });
      is_cancelled([&] { return self.receive_request(); });
      is_cancelled([&] { return self.wait_bind(erin); });
      is_cancelled([&] { return self.wait_unbind(bob); });
      is_cancelled([&] { return self.sleep_for(1h); });
      over = true;
    });
    lab.start(carol, [&](auto& self) {
      for (int i = 1; i <= 8; ++i) {
        lab.eventually(
            self, [&] { return stage == i; }, "alice begins the next wait");
        lab.until_blocked(self, alice);
        lab.works(lab.dc().cancel(alice));
        lab.eventually(
            self, [&] { return stage > i || over; }, "the wait ends");
      }
    });
    lab.finish();
  });

  law<Setup>("W2: a sendrec can be cancelled in its reply phase; the answer finds nobody", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::cancelled, self.sendrec(bob, increment{1}));
      lab.works(self.send(bob, number{1}));
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.works(lab.dc().cancel(alice));
      lab.until(self, alice, activity::sending, bob);
      lab.fails(errc::not_waiting, self.reply(asked.from(), increment::reply{2}));
      lab.take(self.receive());
    });
  });

  law<Setup>("a process that is in no wait when it is cancelled has its next wait cancelled, and only that", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.works(lab.dc().cancel(alice));
      lab.fails(errc::cancelled, self.receive());
      lab.fails(errc::timed_out, self.receive(any, a_moment));
    });
  });

  law<Setup>("only who is bound can be cancelled", [] {
    laboratory<Setup> lab;
    lab.fails(errc::bad_endpoint, lab.dc().cancel(alice));
    lab.fails(errc::bad_endpoint, lab.dc().cancel(make_endpoint(3, 200)));
  });

  law<Setup>("W3: the second of two processes that send to each other gets an error instead of waiting for ever", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.fails(errc::locked, self.send(alice, number{2}));
      lab.equal(lab.take(self.receive()).template as<number>().n, 1u);
    });
  });

  law<Setup>("W3: two processes that send to each other at the same time, many times over, both get through", [] {
    const std::uint64_t rounds = laboratory<Setup>::is_of_one_node() ? 1000 : 100;  // nodes take their time
    std::atomic<std::uint64_t> refused = 0;
    laboratory<Setup> lab;
    for (const auto& [me, other] : {std::pair{alice, bob}, std::pair{bob, alice}})
      lab.start(me, [&, other = other](auto& self) {
        for (std::uint64_t i = 0; i < rounds; ++i) {
          const result<void> sent = self.send(other, number{i});
          lab.expect(sent || sent.error() == errc::locked, std::string("sent, or locked: ") + name_of(sent.error()));
          lab.equal(lab.take(self.receive(other)).template as<number>().n, i);
          if (sent) continue;
          ++refused;  // one of the two in each round, at most
          lab.works(self.send(other, number{i}));
        }
      });
    lab.finish();
    CHECK(refused <= rounds);
  });

  law<Setup>("W3: who sends to a process that receives from it is in no cycle", [] {
    constexpr std::uint64_t rounds = 2000;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        lab.works(self.send(bob, number{i}));
        lab.equal(lab.take(self.receive(bob)).template as<number>().n, i + 1);
      }
    });
    lab.start(bob, [&](auto& self) {
      for (std::uint64_t i = 0; i < rounds; ++i)
        lab.works(self.send(alice, number{lab.take(self.receive(alice)).template as<number>().n + 1}));
    });
  });

  law<Setup>("W3: a longer cycle of senders is not closed either", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.works(self.send(carol, number{2}));
      lab.take(self.receive());
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.until(self, bob, activity::sending, carol);
      lab.fails(errc::locked, self.send(alice, number{3}));
      lab.fails(errc::locked, self.sendrec(alice, increment{3}));
      lab.equal(lab.take(self.receive()).content.source, bob);
    });
  });

  law<Setup>("W3: requests count as senders until they are taken", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.fails(errc::locked, self.send(alice, number{2}));
      lab.fails(errc::locked, self.sendrec(alice, increment{2}));
      const received asked = lab.take(self.receive());
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("W3: a chain of senders that is no cycle is none of its business", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.works(self.send(carol, number{2}));
      lab.take(self.receive());
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, bob, activity::sending, carol);
      lab.works(self.send(dave, number{3}));
      lab.take(self.receive());
    });
    lab.start(dave, [&](auto& self) {
      lab.until(self, carol, activity::sending, dave);
      lab.equal(lab.take(self.receive()).content.source, carol);
    });
  });
}

}  // namespace dvs::conformance

#endif
