// SPDX-License-Identifier: MIT
/// @file
/// Laws of sendrec, reply, relay and request-only receive: R3 to R6.
#ifndef DVS_CONFORMANCE_SENDREC_HPP
#define DVS_CONFORMANCE_SENDREC_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>
#include <utility>

namespace dvs::conformance {

/// Answers one increment; gives who asked.
template <class Laboratory, class Self>
caller answer_one(Laboratory& lab, Self& self, place_in_source at = place_in_source::here()) {
  const received asked = lab.take(self.receive(), at);
  lab.expect(asked.is_request(), "a sendrec arrives as a request", at);
  lab.works(self.reply(asked.from(), increment::reply{asked.template as<increment>().n + 1}), at);
  return asked.from();
}

/// Calls `visit` with sizes of bodies on both sides of every boundary of words, pairs of words, and the payload.
template <class Visitor>
void for_each_size(Visitor visit) {
  [&]<std::size_t... Sizes>(std::index_sequence<Sizes...>) { (visit.template operator()<Sizes>(), ...); }
  (std::index_sequence<1, 7, 8, 9, 15, 16, 17, 31, 32, 40, 47, 48, 55, 56>{});
}

template <setup Setup>
void sendrec_laws() {
  law<Setup>("a request of any size and its answer arrive as they were sent", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      for_each_size([&]<std::size_t Bytes> {
        inverted<Bytes> ask;
        for (std::size_t i = 0; i < Bytes; ++i) ask.bytes[i] = static_cast<std::uint8_t>(i * 5 + Bytes);
        const auto back = lab.take(self.sendrec(bob, ask));
        for (std::size_t i = 0; i < Bytes; ++i) lab.equal(back.bytes[i] ^ ask.bytes[i], 0xFF);
      });
    });
    lab.start(bob, [&](auto& self) {
      for_each_size([&]<std::size_t Bytes> {
        const received asked = lab.take(self.receive());
        typename inverted<Bytes>::reply back;
        const auto ask = asked.template as<inverted<Bytes>>();
        for (std::size_t i = 0; i < Bytes; ++i) back.bytes[i] = static_cast<std::uint8_t>(~ask.bytes[i]);
        lab.works(self.reply(asked.from(), back));
      });
    });
  });

  law<Setup>("a request finds its server waiting and brings back the answer", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) { lab.equal(answer_one(lab, self).endpoint, alice); });
    lab.start(alice, [&](auto& self) {
      lab.until(self, bob, activity::receiving, any);
      lab.equal(lab.take(self.sendrec(bob, increment{41})).n, 42u);
    });
  });

  law<Setup>("a request that came first waits for its server", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{41})).n, 42u); });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      answer_one(lab, self);
    });
  });

  law<Setup>("the answer may come long after the request was taken, and meanwhile the caller is seen waiting for it",
             [] {
               laboratory<Setup> lab;
               lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
               lab.start(bob, [&](auto& self) {
                 const received asked = lab.take(self.receive());
                 lab.until(self, alice, activity::awaiting_reply, bob);
                 lab.works(self.sleep_for(a_moment));
                 lab.expect(lab.is_doing(alice, activity::awaiting_reply, bob), "nothing else ended the wait");
                 lab.works(self.reply(asked.from(), increment::reply{2}));
               });
             });

  law<Setup>("an error that the server answers is the outcome of the request", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::bad_argument, self.sendrec(bob, increment{1}));
      lab.fails(errc::no_entry, self.sendrec(bob, increment{1}));
    });
    lab.start(bob, [&](auto& self) {
      lab.works(self.reply(lab.take(self.receive()).from(), errc::bad_argument));
      lab.works(self.reply(lab.take(self.receive()).from(), errc::no_entry));
    });
  });

  law<Setup>("R3: a plain send of the server answers a request too", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      message inout{};
      inout.type = 9;
      lab.works(self.sendrec(bob, inout));
      lab.equal(inout.type, static_cast<std::int32_t>(number::opcode));
      lab.equal(get<number>(inout).n, 5u);
      lab.equal(inout.source, bob);
    });
    lab.start(bob, [&](auto& self) {
      lab.expect(lab.take(self.receive()).is_request(), "it is a request");
      lab.works(self.send(alice, number{5}, no_wait));
    });
  });

  law<Setup>("R3: the message of a third party does not end the reply phase", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
      lab.equal(lab.take(self.receive(any, no_wait)).content.source, carol);
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.until(self, carol, activity::sending, alice);
      lab.expect(lab.is_doing(alice, activity::awaiting_reply, bob), "the caller still waits for its server");
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.fails(errc::would_block, self.send(alice, number{9}, no_wait));
      lab.fails(errc::not_waiting, self.reply(caller{alice, 1}, errc::ok));
      lab.works(self.send(alice, number{9}));
    });
  });

  law<Setup>("R3: a notification does not end the reply phase, and is still there afterwards", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
      const received note = lab.take(self.receive(any, no_wait));
      lab.expect(note.is_notification(), "it is the notification");
      lab.equal(note.content.source, bob);
      lab.equal(note.as_notification().value, 6u);
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.works(self.notify(alice, 6));
      lab.expect(lab.is_doing(alice, activity::awaiting_reply, bob), "the caller still waits");
      lab.works(self.reply(asked.from(), increment::reply{2}));
      lab.until_gone(self, alice);
    });
  });

  law<Setup>("R4: a reply to somebody who does not wait for it fails and does nothing", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {  // waits for anybody
      const received got = lab.take(self.receive());
      lab.equal(got.template as<number>().n, 3u);
    });
    lab.start(carol, [&](auto& self) { lab.equal(lab.take(self.receive(dave)).content.source, dave); });
    lab.start(dave, [&](auto& self) {
      lab.until_gone(self, alice);
      lab.works(self.send(carol, number{1}));
    });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::receiving, any);
      lab.until(self, carol, activity::receiving, dave);
      for (const std::uint32_t exchange : {0u, 1u, 7u}) {
        lab.fails(errc::not_waiting, self.reply(caller{alice, exchange}, increment::reply{1}));
        lab.fails(errc::not_waiting, self.reply(caller{carol, exchange}, increment::reply{1}));
      }
      lab.works(self.send(alice, number{3}));
      lab.until_gone(self, alice);
    });
    lab.finish();
  });

  law<Setup>("R4: a reply reaches a process that waits in a receive for the caller alone", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const received got = lab.take(self.receive(bob));
      lab.equal(get<increment::reply>(got.content).n, 12u);
      lab.equal(got.content.source, bob);
    });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::receiving, bob);
      lab.works(self.reply(caller{alice, 0}, increment::reply{12}));
    });
  });

  law<Setup>("R4: a late answer does not reach a receive of its caller", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::cancelled, self.sendrec(bob, increment{1}));
      lab.equal(lab.take(self.receive(bob)).template as<number>().n, 7u);
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive());
      lab.works(lab.dc().cancel(alice));
      lab.until(self, alice, activity::receiving, bob);
      lab.fails(errc::not_waiting, self.reply(asked.from(), increment::reply{2}));
      lab.works(self.send(alice, number{7}));
    });
  });

  law<Setup>("R4: a second reply to the same request fails", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
      lab.equal(lab.take(self.sendrec(bob, increment{5})).n, 6u);
    });
    lab.start(bob, [&](auto& self) {
      const caller first = answer_one(lab, self);
      lab.fails(errc::not_waiting, self.reply(first, increment::reply{99}));
      const received second = lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.fails(errc::not_waiting, self.reply(first, increment::reply{99}));
      lab.works(self.reply(second.from(), increment::reply{6}));
    });
  });

  law<Setup>("R4: only the process that took the request can answer it", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
    lab.start(carol, [&](auto& self) {
      const received hint = lab.take(self.receive(bob));
      const auto exchange = static_cast<std::uint32_t>(hint.template as<number>().n);
      lab.fails(errc::not_waiting, self.reply(caller{alice, exchange}, increment::reply{99}));
      lab.works(self.send(bob, number{0}));
    });
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive(alice));
      lab.until(self, alice, activity::awaiting_reply, bob);
      lab.works(self.send(carol, number{asked.exchange}));
      lab.take(self.receive(carol));
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("requests that were taken can be answered in any order", [] {
    laboratory<Setup> lab;
    for (const endpoint_id who : {alice, carol, dave})
      lab.start(who, [&lab, who](auto& self) {
        const auto n = static_cast<std::uint64_t>(number_of(who));
        lab.equal(lab.take(self.sendrec(bob, increment{n})).n, n + 1);
      });
    lab.start(bob, [&](auto& self) {
      std::vector<received> asked;
      for (int i = 0; i < 3; ++i) asked.push_back(lab.take(self.receive()));
      for (const std::size_t i : {std::size_t{2}, std::size_t{0}, std::size_t{1}})
        lab.works(self.reply(asked[i].from(), increment::reply{asked[i].template as<increment>().n + 1}));
    });
  });

  law<Setup>("R6: a receive of requests takes requests only; sends and notifications stay pending", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.works(self.send(bob, number{1})); });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.works(self.notify(bob, 4));
      lab.until(self, bob, activity::receiving);
      lab.works(self.notify(bob, 2));
      lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
    });
    lab.start(bob, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.fails(errc::would_block, self.receive_request(no_wait));
      const received asked = lab.take(self.receive_request());
      lab.equal(asked.content.source, carol);
      lab.expect(asked.is_request(), "it is the request");
      const received note = lab.take(self.receive());
      lab.expect(note.is_notification(), "the notification waited");
      lab.equal(note.as_notification().value, 6u);
      lab.equal(lab.take(self.receive()).content.source, alice);
      lab.works(self.reply(asked.from(), increment::reply{2}));
    });
  });

  law<Setup>("R6: a process that receives requests is not disturbed by a send", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      const received asked = lab.take(self.receive_request());
      lab.equal(asked.content.source, carol);
      lab.works(self.reply(asked.from(), increment::reply{2}));
      lab.equal(lab.take(self.receive()).content.source, alice);
    });
    lab.start(alice, [&](auto& self) {
      lab.until(self, bob, activity::receiving, any);
      lab.fails(errc::would_block, self.send(bob, number{1}, no_wait));
      lab.works(self.send(bob, number{1}));
    });
    lab.start(carol, [&](auto& self) {
      lab.until(self, alice, activity::sending, bob);
      lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u);
    });
  });
}

}  // namespace dvs::conformance

#endif
