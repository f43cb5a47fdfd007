// SPDX-License-Identifier: MIT
/// @file
/// Laws of bind: slots, generations, who can be bound how.
#ifndef DVS_CONFORMANCE_BIND_HPP
#define DVS_CONFORMANCE_BIND_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>
#include <thread>

namespace dvs::conformance {

template <setup Setup>
void bind_laws() {
  law<Setup>("a process gets the slot that it asks for, and is bound when spawn returns", [] {
    laboratory<Setup> lab;
    const endpoint_id got = lab.start(bob, [&](auto& self) {
      lab.equal(self.id(), bob);
      lab.expect(self.is_bound(bob), "it is bound while it runs");
      lab.take(self.receive());
    });
    lab.equal(got, bob);
    lab.observe([&](auto& self) {
      lab.expect(self.is_bound(bob), "it is bound when spawn has returned");
      lab.works(self.send(bob, number{1}));
      lab.until_gone(self, bob);
    });
  });

  law<Setup>("who asks for any slot gets a free slot of the user processes", [] {
    laboratory<Setup> lab;
    const auto servers = static_cast<std::int32_t>(dc_options{}.servers);
    const auto body = [&](auto& self) {
      lab.expect(slot_of(self.id()) >= servers, "user slots come after the servers");
      lab.expect(generation_of(self.id()) > 0, "user endpoints have a generation");
      lab.works(self.sleep_for(a_moment));
    };
    const endpoint_id first = lab.start(own, body);
    const endpoint_id second = lab.start(own, body);
    lab.expect(slot_of(first) != slot_of(second), "two processes have two slots");
    lab.finish();
  });

  law<Setup>("a slot has one owner", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { lab.take(self.receive()); });
    lab.fails(errc::slot_used, lab.dc().spawn(bob, [](auto&) {}));
    lab.fails(errc::slot_used, lab.dc().bind(bob));
    lab.observe([&](auto& self) {
      lab.works(self.send(bob, number{1}));
      lab.until_gone(self, bob);
    });
    lab.start(bob, [&](auto& self) { lab.equal(self.id(), bob); });
  });

  law<Setup>("what is no slot of the DC cannot be bound", [] {
    laboratory<Setup> lab({.tasks = 40, .servers = 10, .users = 50});
    for (const endpoint_id nowhere : {endpoint_id{-41}, endpoint_id{60}, endpoint_id{500'000}, any, none, hardware}) {
      lab.fails(errc::range, lab.dc().bind(nowhere));
      lab.fails(errc::range, lab.dc().spawn(nowhere, [](auto&) {}));
    }
    for (const endpoint_id border : {endpoint_id{-40}, endpoint_id{0}, endpoint_id{59}})
      lab.start(border, [&lab, border](auto& self) { lab.equal(slot_of(self.id()), number_of(border)); });
    lab.finish();
  });

  law<Setup>("a full table says so", [] {
    laboratory<Setup> lab;
    auto small = lab.node().create_dc("small", {.users = 2});
    const auto sleep = [&](auto& self) { lab.fails(errc::shut_down, self.sleep_for(1h)); };
    lab.take(small.spawn(own, sleep));
    lab.take(small.spawn(own, sleep));
    lab.fails(errc::table_full, small.spawn(own, sleep));
    small.end();
  });

  law<Setup>("a user slot gives every owner a new generation, a system slot never", [] {
    laboratory<Setup> lab;
    std::vector<endpoint_id> owners;
    for (int i = 0; i < 5; ++i) {
      const endpoint_id user = lab.start(make_endpoint(0, 1000), [](auto&) {});
      lab.equal(slot_of(user), 1000);
      for (const endpoint_id earlier : owners) lab.expect(earlier != user, "another generation");
      owners.push_back(user);
      lab.observe([&](auto& self) { lab.until_gone(self, user); });
      lab.equal(lab.start(bob, [](auto&) {}), bob);
      lab.observe([&](auto& self) { lab.until_gone(self, bob); });
    }
    lab.finish();
  });

  law<Setup>("D2: the endpoint of a dead user process is a dead peer until its slot has a new owner", [] {
    laboratory<Setup> lab;
    const endpoint_id dead = lab.start(own, [](auto&) {});
    lab.start(alice, [&lab, dead](auto& self) {
      lab.until_gone(self, dead);
      lab.fails(errc::destination_died, self.send(dead, number{1}));
      lab.fails(errc::peer_died, self.sendrec(dead, increment{1}));
      lab.fails(errc::source_died, self.receive(dead));
      lab.fails(errc::destination_died, self.reply(caller{dead, 1}, errc::ok));
      lab.works(self.wait_unbind(dead));
    });
  });

  law<Setup>("D2: a stale endpoint fails everywhere and never reaches the new owner of its slot", [] {
    laboratory<Setup> lab;
    const endpoint_id stale = lab.start(make_endpoint(0, 1000), [](auto&) {});
    lab.observe([&](auto& self) { lab.until_gone(self, stale); });
    const endpoint_id fresh = lab.start(make_endpoint(0, 1000),
                                        [&](auto& self) {
                                          lab.equal(lab.take(self.receive()).template as<number>().n, 1u);
                                          lab.fails(errc::would_block, self.receive(any, no_wait));
                                        },
                                        {.privileges = &every_right});
    lab.start(alice, [&lab, stale, fresh](auto& self) {
      lab.until(self, fresh, activity::receiving, any);
      lab.fails(errc::bad_endpoint, self.send(stale, number{9}));
      lab.fails(errc::bad_endpoint, self.sendrec(stale, increment{9}));
      lab.fails(errc::bad_endpoint, self.receive(stale));
      lab.fails(errc::bad_endpoint, self.notify(stale));
      lab.fails(errc::bad_endpoint, self.reply(caller{stale, 1}, errc::ok));
      lab.fails(errc::bad_endpoint, self.wait_bind(stale));
      lab.works(self.wait_unbind(stale));
      lab.expect(!self.is_bound(stale), "a stale endpoint is not bound");
      lab.expect(self.is_bound(fresh), "the new owner is");
      lab.fails(errc::bad_endpoint, lab.dc().cancel(stale));
      lab.fails(errc::bad_endpoint, lab.dc().unbind(stale));
      lab.fails(errc::bad_endpoint, lab.dc().set_privileges(stale, {}));
      lab.fails(errc::bad_endpoint, lab.dc().privileges_of(stale));
      lab.works(self.send(fresh, number{1}));
    });
    lab.finish();
  });

  law<Setup>("the calling context binds itself, and is unbound when its endpoint leaves scope", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.equal(lab.take(self.receive()).content.source, alice);
      lab.works(self.wait_unbind(alice));
    });
    lab.go();
    {
      auto self = lab.dc().bind(alice).value();
      lab.equal(self->id(), alice);
      lab.works(self->send(bob, number{1}));
    }
    lab.observe([&](auto& self) {
      lab.expect(!self.is_bound(alice), "unbound at the end of the scope");
      lab.until_gone(self, bob);
    });
  });

  law<Setup>("run gives back what its body returns", [] {
    laboratory<Setup> lab;
    lab.equal(lab.dc().run([](auto& self) { return slot_of(self.id()) >= 0 ? 42 : 0; }), 42);
  });

  law<Setup>("a process can start another, which is bound when spawn returns, and talk to it", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const endpoint_id child =
          lab.take(self.spawn([&](auto& worker) { lab.equal(lab.take(worker.sendrec(alice, increment{1})).n, 2u); }));
      lab.expect(self.is_bound(child), "bound when spawn has returned");
      const received asked = lab.take(self.receive());
      lab.equal(asked.content.source, child);
      lab.works(self.reply(asked.from(), increment::reply{2}));
      lab.works(self.wait_unbind(child));
    });
  });

  law<Setup>("unbind asks a process to leave, and returns when it has left", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.fails(errc::shut_down, self.receive());
      lab.fails(errc::shut_down, self.receive(any, a_moment));
      lab.fails(errc::shut_down, self.sleep_for(1h));
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, bob, activity::receiving, any);
      lab.works(lab.dc().unbind(bob));
      lab.nodes().settle();
      lab.expect(!self.is_bound(bob), "it has left");
      lab.fails(errc::bad_endpoint, lab.dc().unbind(bob));
    });
  });

  law<Setup>("unbind gives up when the process does not leave in time", [] {
    std::atomic<bool> tried = false;
    laboratory<Setup> lab;
    auto stubborn = lab.dc().bind(bob).value();  // its context does not look
    lab.start(carol, [&](auto& self) {
      lab.fails(errc::timed_out, lab.dc().unbind(bob, a_moment));
      lab.expect(self.is_bound(bob), "it is still bound");
      tried = true;
    });
    lab.go();
    lab.dc().join();
    while (!tried) std::this_thread::yield();
    lab.fails(errc::shut_down, stubborn->receive());
    stubborn.reset();
    lab.finish();
  });
}

}  // namespace dvs::conformance

#endif
