// SPDX-License-Identifier: MIT
/// @file
/// Laws of send and receive: R1, R2, R7, and what cannot be a peer.
#ifndef DVS_CONFORMANCE_RENDEZVOUS_HPP
#define DVS_CONFORMANCE_RENDEZVOUS_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>

namespace dvs::conformance {

template <setup Setup>
void rendezvous_laws() {
  law<Setup>("a receiver that came first gets the message when it is sent", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      const received got = lab.take(self.receive());
      lab.equal(got.content.source, alice);
      lab.expect(got.template is<number>(), "the type is the sender's");
      lab.equal(got.template as<number>().n, 7u);
      lab.expect(!got.is_request() && !got.is_notification(), "a send is neither request nor notification");
    });
    lab.start(alice, [&](auto& self) {
      lab.until(self, bob, activity::receiving, any);
      lab.works(self.send(bob, number{7}, no_wait));
    });
  });

  law<Setup>("R1: a sender that came first waits until the message is taken", [] {
    std::atomic<bool> taken = false;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.works(self.send(bob, number{8}));
      lab.expect(taken, "send returned before the message was taken");
    });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.works(self.sleep_for(a_moment));
      lab.expect(lab.is_doing(alice, activity::sending, bob), "the sender still waits");
      taken = true;
      lab.equal(lab.take(self.receive(any, no_wait)).template as<number>().n, 8u);
    });
  });

  law<Setup>("R1: a sender and a receiver that come at the same time meet, many times over, each message once", [] {
    constexpr std::uint64_t rounds = 2000;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      for (std::uint64_t i = 0; i < rounds; ++i) lab.works(self.send(bob, number{i}));
    });
    lab.start(bob, [&](auto& self) {
      for (std::uint64_t i = 0; i < rounds; ++i) lab.equal(lab.take(self.receive()).template as<number>().n, i);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
  });

  law<Setup>("all 56 bytes of the payload arrive, and any type that is no notification", [] {
    laboratory<Setup> lab;
    message out{};
    for (std::size_t i = 0; i < payload_bytes; ++i) out.payload[i] = static_cast<std::byte>(i * 7 + 1);
    lab.start(alice, [&lab, out](auto& self) mutable {
      for (const std::int32_t type : {0, 1, -1, 0xFFF, -0x7FFFFFFF}) {
        out.type = type;
        lab.works(self.send(bob, out));
      }
    });
    lab.start(bob, [&lab, out](auto& self) {
      for (const std::int32_t type : {0, 1, -1, 0xFFF, -0x7FFFFFFF}) {
        const received got = lab.take(self.receive());
        lab.equal(got.content.type, type);
        lab.expect(got.content.payload == out.payload, "every byte is as it was sent");
      }
    });
  });

  law<Setup>("nobody can send what looks like a notification", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { lab.fails(errc::would_block, self.receive(any, no_wait)); });
    lab.start(alice, [&](auto& self) {
      message forged{};
      forged.type = notification_bit;
      lab.fails(errc::bad_argument, self.send(bob, forged, no_wait));
      lab.fails(errc::bad_argument, self.sendrec(bob, forged));
    });
  });

  law<Setup>("R2: waiting senders are served in the order in which they came", [] {
    laboratory<Setup> lab;
    const endpoint_id order[] = {dave, alice, erin, carol};
    for (const endpoint_id who : order)
      lab.start(who, [&lab, who, &order](auto& self) {
        for (const endpoint_id before : order) {
          if (before == who) break;
          lab.until(self, before, activity::sending, bob);
        }
        lab.works(self.send(bob, number{static_cast<std::uint64_t>(number_of(who))}));
      });
    lab.start(bob, [&](auto& self) {
      for (const endpoint_id who : order) lab.until(self, who, activity::sending, bob);
      for (const endpoint_id who : order) lab.equal(lab.take(self.receive()).content.source, who);
    });
    lab.finish();
  });

  law<Setup>("R2: a receive from one source takes that source's message and leaves the others in their order", [] {
    laboratory<Setup> lab;
    const endpoint_id order[] = {alice, carol, dave};
    for (const endpoint_id who : order)
      lab.start(who, [&lab, who, &order](auto& self) {
        for (const endpoint_id before : order) {
          if (before == who) break;
          lab.until(self, before, activity::sending, bob);
        }
        lab.works(self.send(bob, number{1}));
      });
    lab.start(bob, [&](auto& self) {
      for (const endpoint_id who : order) lab.until(self, who, activity::sending, bob);
      lab.equal(lab.take(self.receive(carol)).content.source, carol);
      lab.equal(lab.take(self.receive()).content.source, alice);
      lab.equal(lab.take(self.receive()).content.source, dave);
    });
    lab.finish();
  });

  law<Setup>("a receive from one source waits for that source while others queue up", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.equal(lab.take(self.receive(carol)).content.source, carol);
      lab.equal(lab.take(self.receive(any, no_wait)).content.source, alice);
    });
    lab.start(alice, [&](auto& self) {
      lab.until(self, bob, activity::receiving, carol);
      lab.works(self.send(bob, number{1}));
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.expect(lab.is_doing(bob, activity::receiving, carol), "the message of a third party ended nothing");
      lab.works(self.send(bob, number{2}));
    });
  });

  law<Setup>("R7: the source of a message is its sender, whatever the sender wrote there", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      message out{};
      out.type = 5;
      out.source = carol;
      lab.works(self.send(bob, out));
      out.source = carol;
      lab.works(self.sendrec(bob, out));
      lab.equal(out.source, bob);
    });
    lab.start(bob, [&](auto& self) {
      lab.equal(lab.take(self.receive()).content.source, alice);
      const received asked = lab.take(self.receive());
      lab.equal(asked.content.source, alice);
      message answer{};
      answer.source = dave;
      lab.works(self.reply(asked.from(), answer));
    });
  });

  law<Setup>("a process cannot send to itself, ask itself, receive from itself or notify itself", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::bad_destination, self.send(alice, number{1}));
      lab.fails(errc::bad_endpoint, self.sendrec(alice, increment{1}));
      lab.fails(errc::bad_endpoint, self.receive(alice));
      lab.fails(errc::bad_endpoint, self.notify(alice));
    });
  });

  law<Setup>("what is no slot of the DC, and the pseudo endpoints, are no destinations", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      for (const endpoint_id nobody : {any, none, own, endpoint_id{500'000}, endpoint_id{-1000}}) {
        lab.fails(errc::range, self.send(nobody, number{1}));
        lab.fails(errc::range, self.sendrec(nobody, increment{1}));
        lab.fails(errc::range, self.notify(nobody));
      }
      lab.fails(errc::range, self.receive(none));
      lab.fails(errc::bad_destination, self.send(hardware, number{1}));
      lab.fails(errc::bad_destination, self.sendrec(hardware, increment{1}));
      lab.fails(errc::bad_destination, self.notify(hardware));
    });
  });

  law<Setup>("D2: a free slot is a dead peer", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::destination_died, self.send(bob, number{1}));
      lab.fails(errc::peer_died, self.sendrec(bob, increment{1}));
      lab.fails(errc::source_died, self.receive(bob));
      lab.fails(errc::destination_died, self.notify(bob));
      lab.fails(errc::destination_died, self.reply(caller{bob, 1}, errc::ok));
    });
  });
}

}  // namespace dvs::conformance

#endif
