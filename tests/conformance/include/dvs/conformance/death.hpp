// SPDX-License-Identifier: MIT
/// @file
/// Laws of death: what becomes of the partners of a process that goes, at each stage (D1), and of a DC's end (D3).
#ifndef DVS_CONFORMANCE_DEATH_HPP
#define DVS_CONFORMANCE_DEATH_HPP

#include <dvs/conformance/sendrec.hpp>

namespace dvs::conformance {

template <setup Setup>
void death_laws() {
  law<Setup>("D1: who sends to a process that goes is told, and who asked without having been heard", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::destination_died, self.send(bob, number{1})); });
    lab.start(carol, [&](auto& self) { lab.fails(errc::destination_died, self.sendrec(bob, increment{1})); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.until(self, carol, activity::sending, bob);
    });
  });

  law<Setup>("D1: who waits for the answer of a process that goes is told", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::source_died, self.sendrec(bob, increment{1})); });
    lab.start(bob, [&](auto& self) {
      lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, bob);
    });
  });

  law<Setup>("D1: who waits for a message of a process that goes is told; who waits for anybody is not disturbed", [] {
    std::atomic<bool> ready = false;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::source_died, self.receive(bob)); });
    lab.start(carol, [&](auto& self) { lab.equal(lab.take(self.receive()).content.source, dave); });
    lab.start(erin, [&](auto& self) { lab.equal(lab.take(self.receive_request()).content.source, dave); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::receiving, bob);
      lab.until(self, carol, activity::receiving, any);
      lab.until(self, erin, activity::receiving, any);
      ready = true;
    });
    lab.start(dave, [&](auto& self) {
      lab.eventually(
          self, [&] { return ready.load(); }, "everybody waits");
      lab.until_gone(self, bob);
      lab.until_gone(self, alice);
      lab.expect(lab.is_doing(carol, activity::receiving, any), "a receiver from anybody goes on waiting");
      lab.expect(lab.is_doing(erin, activity::receiving, any), "a receiver of requests goes on waiting");
      lab.works(self.send(carol, number{1}));
      lab.fails(errc::source_died, self.sendrec(erin, increment{1}));
    });
    lab.finish();
  });

  law<Setup>("D1: who waits for the unbind of a process that goes is content", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.wait_unbind(bob)); });
    lab.start(bob, [&](auto& self) { lab.until_blocked(self, alice); });
  });

  law<Setup>("D1: the answer to a caller that died meanwhile finds nobody", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::cancelled, self.sendrec(bob, increment{1})); });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.works(lab.dc().cancel(alice));
      lab.until_gone(self, alice);
      lab.fails(errc::destination_died, self.reply(asked.from(), increment::reply{2}));
      lab.expect(!self.relay(asked, carol), "nor can its request be relayed");
    });
  });

  law<Setup>("D1: the answer to a caller that died does not reach the next owner of its slot", [] {
    std::atomic<int> stage = 0;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      const received first = lab.take(self.receive());
      lab.works(lab.dc().cancel(alice));
      lab.until_gone(self, alice);
      stage = 1;
      const received second = lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.fails(errc::not_waiting, self.reply(first.from(), increment::reply{100}));
      lab.works(self.reply(second.from(), increment::reply{2}));
    });
    lab.start(alice, [&](auto& self) { lab.fails(errc::cancelled, self.sendrec(bob, increment{99})); });
    lab.observe([&](auto& self) {
      lab.eventually(
          self, [&] { return stage == 1; }, "the first caller is gone");
    });
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.finish();
  });

  law<Setup>("D1: a message of a process that gave up and died is not delivered", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::cancelled, self.send(bob, number{1})); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.works(lab.dc().cancel(alice));
      lab.until_gone(self, alice);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
  });

  law<Setup>("D3: the end of a DC ends every wait with the same error, and every later operation", [] {
    laboratory<Setup> lab;
    const auto told = [&](endpoint_id who, auto operation) {
      lab.start(who, [&lab, operation](auto& self) {
        lab.fails(errc::shut_down, operation(self));
        lab.fails(errc::shut_down, operation(self));
        lab.fails(errc::shut_down, self.send(bob, number{1}));
        lab.fails(errc::shut_down, self.sendrec(bob, increment{1}));
        lab.fails(errc::shut_down, self.receive(any, no_wait));
        lab.fails(errc::shut_down, self.notify(bob));
        lab.fails(errc::shut_down, self.reply(caller{bob, 1}, errc::ok));
        lab.fails(errc::shut_down, self.wait_bind(bob));
        lab.fails(errc::shut_down, self.sleep_for(1h));
        lab.fails(errc::shut_down, self.set_alarm(1h));
      });
    };
    lab.start(bob, [&](auto& self) {
      lab.take(self.receive(alice));
      lab.fails(errc::shut_down, self.sleep_for(1h));
    });
    told(alice, [](auto& self) -> result<void> { return self.sendrec(bob, increment{1}).error(); });
    told(carol, [](auto& self) -> result<void> { return self.send(bob, number{1}); });
    told(dave, [](auto& self) -> result<void> { return self.receive().error(); });
    told(erin, [](auto& self) -> result<void> { return self.receive(bob).error(); });
    told(endpoint_id{6}, [](auto& self) -> result<void> { return self.receive_request().error(); });
    told(endpoint_id{7}, [](auto& self) -> result<void> { return self.sleep_for(1h); });
    told(endpoint_id{8}, [](auto& self) -> result<void> { return self.wait_bind(endpoint_id{20}); });
    told(endpoint_id{9}, [](auto& self) -> result<void> { return self.wait_unbind(bob); });
    told(endpoint_id{10}, [](auto& self) -> result<void> { return self.sendrec(bob, increment{1}).error(); });
    lab.observe([&](auto& self) {
      lab.until(self, alice, activity::awaiting_reply, bob);
      for (int slot = 2; slot <= 10; ++slot) lab.until_blocked(self, endpoint_id{slot});
    });
    lab.end_dc();
    lab.finish();
  });

  law<Setup>("D3: in a DC that ended nobody can be bound", [] {
    laboratory<Setup> lab;
    lab.dc().end();
    lab.fails(errc::dc_not_running, lab.dc().bind(alice));
    lab.fails(errc::dc_not_running, lab.dc().spawn(alice, [](auto&) {}));
    lab.expect(!lab.dc().info().running, "the DC says so");
    lab.dc().end();  // a second end changes nothing
  });

  law<Setup>("D3: a DC that leaves scope ends: its processes are told, and have returned when it is gone", [] {
    std::atomic<int> returned = 0;
    laboratory<Setup> lab;
    {
      auto other = lab.node().create_dc("short-lived");
      for (const endpoint_id who : {alice, bob, carol})
        lab.start_in(other, who, [&](auto& self) {
          lab.fails(errc::shut_down, self.receive());
          ++returned;
        });
      lab.go();
    }
    lab.equal(returned.load(), 3);
  });
}

}  // namespace dvs::conformance

#endif
