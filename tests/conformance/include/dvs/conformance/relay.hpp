// SPDX-License-Identifier: MIT
/// @file
/// Laws of relay: R5.
#ifndef DVS_CONFORMANCE_RELAY_HPP
#define DVS_CONFORMANCE_RELAY_HPP

#include <dvs/conformance/sendrec.hpp>

namespace dvs::conformance {

template <setup Setup>
void relay_laws() {
  law<Setup>("R5: the server that gets a relayed request sees the first caller and answers it directly", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      message inout{};
      inout.type = 77;
      put(inout, number{1});
      lab.works(self.sendrec(bob, inout));
      lab.equal(inout.source, carol);
      lab.equal(get<number>(inout).n, 2u);
    });
    lab.start(bob, [&](auto& self) { lab.works(self.relay(lab.take(self.receive()), carol)); });
    lab.start(carol, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.equal(asked.content.source, alice);
      lab.equal(asked.content.type, 77);
      lab.expect(asked.is_request(), "it is still a request");
      message answer{};
      put(answer, number{asked.template as<number>().n + 1});
      lab.works(self.reply(asked.from(), answer));
    });
  });

  law<Setup>("R5: a server that waits gets a relayed request at once, also in a receive of requests", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, carol, activity::receiving, any);
      lab.works(self.relay(lab.take(self.receive()), carol));
    });
    lab.start(carol, [&](auto& self) {
      const received asked = lab.take(self.receive_request());
      lab.equal(asked.content.source, alice);
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("R5: the first server may change the request before it relays it", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 101u); });
    lab.start(bob, [&](auto& self) {
      received asked = lab.take(self.receive());
      put(asked.content, increment{asked.template as<increment>().n + 99});
      lab.works(self.relay(asked, carol));
    });
    lab.start(carol, [&](auto& self) { lab.equal(answer_one(lab, self).endpoint, alice); });
  });

  law<Setup>("R5: a relayed request queues behind the senders that came before it", [] {
    laboratory<Setup> lab;
    lab.start(dave, [&](auto& self) { lab.works(self.send(carol, number{1})); });
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.until(self, dave, activity::sending, carol);
      lab.works(self.relay(asked, carol));
      // A caller on another node asks again from there, which takes a while.
      if (laboratory<Setup>::is_of_one_node())
        lab.expect(lab.is_doing(alice, activity::sending, carol), "the caller now sends to the new server");
      else
        lab.until(self, alice, activity::sending, carol);
      lab.works(self.send(carol, number{2}));
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, carol);
      lab.until(self, bob, activity::sending, carol);
      lab.equal(lab.take(self.receive()).content.source, dave);
      const received asked = lab.take(self.receive());
      lab.equal(asked.content.source, alice);
      lab.equal(lab.take(self.receive()).content.source, bob);
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("R5: after relay the first server can neither answer nor relay any more", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.works(self.relay(asked, carol));
      lab.until(self, alice, activity::awaiting_reply, carol);
      lab.fails(errc::not_waiting, self.reply(asked.from(), increment::reply{99}));
      lab.fails(errc::not_waiting, self.relay(asked, dave));
      lab.works(self.send(carol, number{0}));
    });
    lab.start(dave, [&](auto& self) { lab.until_gone(self, alice); });
    lab.start(carol, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.take(self.receive(bob));
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("R5: the death of the first server does not disturb a relayed request; that of the new one ends it", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::source_died, self.sendrec(bob, increment{1})); });
    lab.start(bob, [&](auto& self) { lab.works(self.relay(lab.take(self.receive()), carol)); });
    lab.start(carol, [&](auto& self) {
      lab.take(self.receive());
      lab.until_gone(self, bob);
      lab.expect(lab.is_doing(alice, activity::awaiting_reply, carol), "the caller waits for the new server only");
    });
  });

  law<Setup>("R5: a new server that dies before it takes a relayed request ends it too", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::destination_died, self.sendrec(bob, increment{1})); });
    lab.start(bob, [&](auto& self) {
      lab.works(self.relay(lab.take(self.receive()), carol));
      lab.until_gone(self, alice);
    });
    lab.start(carol, [&](auto& self) { lab.until(self, alice, activity::sending, carol); });
  });

  law<Setup>("R5: what cannot be relayed stays with the server, which can still answer it", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.fails(errc::destination_died, self.relay(asked, erin));
      lab.fails(errc::bad_endpoint, self.relay(asked, alice));
      lab.fails(errc::bad_destination, self.relay(asked, hardware));
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("R5: a request whose caller gave up cannot be relayed", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::cancelled, self.sendrec(bob, increment{1}));
      lab.works(self.send(bob, number{1}));
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.works(lab.dc().cancel(alice));
      lab.until(self, alice, activity::sending, bob);
      lab.fails(errc::not_waiting, self.relay(asked, carol));
      lab.take(self.receive());
      lab.works(self.send(carol, number{2}));
    });
    lab.start(carol, [&](auto& self) {
      const received got = lab.take(self.receive());
      lab.equal(got.content.source, bob);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
  });

  law<Setup>("R5: a caller can give up while its relayed request waits; the request is withdrawn", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.fails(errc::cancelled, self.sendrec(bob, increment{1})); });
    lab.start(bob, [&](auto& self) { lab.works(self.relay(lab.take(self.receive()), carol)); });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, carol);
      lab.works(lab.dc().cancel(alice));
      lab.until_gone(self, alice);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
  });
}

}  // namespace dvs::conformance

#endif
