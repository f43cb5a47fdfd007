// SPDX-License-Identifier: MIT
/// @file
/// Laws of privileges: which calls, and with whom, in both directions.
#ifndef DVS_CONFORMANCE_PRIVILEGE_HPP
#define DVS_CONFORMANCE_PRIVILEGE_HPP

#include <dvs/conformance/sendrec.hpp>

namespace dvs::conformance {

template <setup Setup>
void privilege_laws() {
  law<Setup>("a user process may ask servers, and nothing else, unless it is told otherwise", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { answer_one(lab, self); });
    lab.start(own, [&](auto& self) {
      lab.fails(errc::bad_call, self.send(bob, number{1}));
      lab.fails(errc::bad_call, self.receive());
      lab.fails(errc::bad_call, self.receive_request());
      lab.fails(errc::bad_call, self.notify(bob));
      lab.fails(errc::bad_call, self.reply(caller{bob, 1}, errc::ok));
      lab.fails(errc::bad_call, self.relay(received{}, bob));
      lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
    });
  });

  law<Setup>("each call can be forbidden by itself", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { lab.until_gone(self, alice); });
    lab.start(alice, [&](auto& self) {
      const auto forbidden = [&](call which, auto operation) {
        privileges rights;
        rights.calls = call_set::all().without(which);
        lab.works(lab.dc_of(alice).set_privileges(alice, rights));
        lab.fails(errc::bad_call, operation());
        lab.works(lab.dc_of(alice).set_privileges(alice, {}));
        lab.expect(operation().error() != errc::bad_call, "allowed again, it is not refused for that");
      };
      forbidden(call::send, [&] { return self.send(bob, number{1}, no_wait); });
      forbidden(call::receive, [&] { return self.receive(any, no_wait); });
      forbidden(call::notify, [&] { return self.notify(bob); });
      forbidden(call::sendrec, [&] { return self.sendrec(bob, increment{1}, no_wait); });
      forbidden(call::receive_request, [&] { return self.receive_request(no_wait); });
      forbidden(call::reply, [&] { return self.reply(caller{bob, 1}, errc::ok); });
      forbidden(call::relay, [&] {
        received asked{};
        asked.content.source = bob;
        asked.exchange = 1;
        return self.relay(asked, carol);
      });
      std::byte here{}, there{};
      forbidden(call::vcopy, [&] {
        return self.vcopy(own, reinterpret_cast<std::uintptr_t>(&here), bob, reinterpret_cast<std::uintptr_t>(&there),
                          1);
      });
    });
  });

  law<Setup>("a process cannot address whom its privileges do not name", [] {
    const privileges rights{.to = peer_set::all().without(bob)};
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.until_gone(self, alice);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
    lab.start(carol, [&](auto& self) { lab.equal(lab.take(self.receive()).content.source, alice); });
    lab.start(alice,
              [&](auto& self) {
                lab.fails(errc::trap_denied, self.send(bob, number{1}));
                lab.fails(errc::trap_denied, self.sendrec(bob, increment{1}));
                lab.fails(errc::trap_denied, self.notify(bob));
                lab.works(self.send(carol, number{1}));
              },
              {.privileges = &rights});
    lab.finish();
  });

  law<Setup>("a process cannot be addressed by whom its privileges do not name", [] {
    const privileges rights{.from = peer_set::nobody().with(carol)};
    laboratory<Setup> lab;
    lab.start(bob,
              [&](auto& self) {
                lab.equal(lab.take(self.receive()).content.source, carol);
                lab.until_gone(self, alice);
                lab.fails(errc::would_block, self.receive(any, no_wait));
              },
              {.privileges = &rights});
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::trap_denied, self.send(bob, number{1}));
      lab.fails(errc::trap_denied, self.sendrec(bob, increment{1}));
      lab.fails(errc::trap_denied, self.notify(bob));
    });
    lab.start(carol, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.finish();
  });

  law<Setup>("user processes are one class of peers, in both directions", [] {
    const privileges closed{.from = peer_set::all().users(false)};
    const privileges mute{.to = peer_set::all().users(false)};
    laboratory<Setup> lab;
    const endpoint_id user = lab.start(own,
                                       [&](auto& self) {
                                         lab.fails(errc::trap_denied, self.sendrec(bob, increment{1}));
                                         lab.equal(lab.take(self.receive()).content.source, carol);
                                       },
                                       {.privileges = &every_right});
    lab.start(bob, [&](auto& self) { lab.equal(lab.take(self.receive()).content.source, carol); },
              {.privileges = &closed});
    lab.start(alice, [&lab, user](auto& self) { lab.fails(errc::trap_denied, self.send(user, number{1})); },
              {.privileges = &mute});
    lab.start(carol, [&lab, user](auto& self) {
      lab.until_gone(self, alice);
      lab.until(self, user, activity::receiving, any);
      lab.works(self.send(user, number{1}));
      lab.works(self.send(bob, number{1}));
    });
    lab.finish();
  });

  law<Setup>("privileges can be changed while the process runs, and are read back as they were set", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      privileges rights;
      rights.calls = call_set::all().without(call::notify);
      rights.to = peer_set::nobody().with(bob).users(true);
      lab.works(lab.dc_of(alice).set_privileges(alice, rights));
      const privileges read = lab.take(lab.dc_of(alice).privileges_of(alice));
      lab.expect(read.calls.has(call::send) && !read.calls.has(call::notify), "the calls");
      lab.expect(read.to.has(bob) && !read.to.has(carol) && read.to.has_users(), "whom it may address");
      lab.expect(read.from.has(carol) && read.from.has_users(), "who may address it");
      lab.fails(errc::bad_call, self.notify(bob));
      lab.fails(errc::trap_denied, self.send(carol, number{1}));
      lab.works(self.send(bob, number{1}));
      lab.works(lab.dc_of(alice).set_privileges(alice, {}));
      lab.works(self.send(carol, number{1}));
    });
    for (const endpoint_id who : {bob, carol}) lab.start(who, [&](auto& self) { lab.take(self.receive()); });
  });

  law<Setup>("the privileges of a slot do not outlive their owner", [] {
    laboratory<Setup> lab;
    const privileges nothing{.calls = call_set{}};
    lab.start(alice, [&](auto& self) { lab.fails(errc::bad_call, self.receive(any, no_wait)); },
              {.privileges = &nothing});
    lab.observe([&](auto& self) { lab.until_gone(self, alice); });
    lab.start(alice, [&](auto& self) { lab.fails(errc::would_block, self.receive(any, no_wait)); });
    lab.finish();
  });

  law<Setup>("only who is bound has privileges", [] {
    laboratory<Setup> lab;
    lab.fails(errc::bad_endpoint, lab.dc_of(alice).set_privileges(alice, {}));
    lab.fails(errc::bad_endpoint, lab.dc_of(alice).privileges_of(alice));
  });
}

}  // namespace dvs::conformance

#endif
