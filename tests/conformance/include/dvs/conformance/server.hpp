// SPDX-License-Identifier: MIT
/// @file
/// Laws of serve(): handlers, delayed replies, unknown types, notifications and deaths, over any backend.
#ifndef DVS_CONFORMANCE_SERVER_HPP
#define DVS_CONFORMANCE_SERVER_HPP

#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>
#include <vector>

namespace dvs::conformance {

/// Keeps its callers until it is told to let them go, the last first.
struct gather {
  static constexpr std::uint32_t opcode = 10;
  std::uint64_t n;
  struct reply {
    std::uint64_t position;
  };
};
struct release {
  static constexpr std::uint32_t opcode = 11;
  struct reply {
    std::uint64_t released;
  };
};

/// What a server of the laws has seen.
struct server_diary {
  notes<endpoint_id> deaths;
  notes<std::uint64_t> notifications;
  notes<std::uint64_t> numbers;
};

template <class Self>
class gathering_server {
 public:
  gathering_server(Self& self, server_diary& diary) : self_(self), diary_(diary) {}

  answer<gather> on(const gather& ask, caller from) {
    if (ask.n == 0) return errc::bad_argument;
    waiting_.push_back(from);
    return later;
  }
  answer<release> on(const release&, caller) {
    const auto count = static_cast<std::uint64_t>(waiting_.size());
    for (std::uint64_t position = 0; !waiting_.empty(); ++position) {
      static_cast<void>(self_.reply(waiting_.back(), gather::reply{position}));
      waiting_.pop_back();
    }
    return release::reply{count};
  }
  void on(const number& told, caller) { diary_.numbers.push_back(told.n); }
  void on_notification(endpoint_id source, notification what) {
    if (source != process_events) diary_.notifications.push_back(what.value);
  }
  void on_death(endpoint_id who) { diary_.deaths.push_back(who); }

 private:
  Self& self_;
  server_diary& diary_;
  std::vector<caller> waiting_;
};

template <setup Setup>
void server_laws() {
  law<Setup>("a server keeps its callers and answers them later, in any order, while others come", [] {
    server_diary diary;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      gathering_server server(self, diary);
      lab.works(serve<protocol<gather, release, number>>(self, server));
    });
    const endpoint_id callers[] = {alice, carol, dave};
    for (std::size_t i = 0; i < 3; ++i)
      lab.start(callers[i], [&lab, &callers, i](auto& self) {
        for (std::size_t before = 0; before < i; ++before) lab.until(self, callers[before], activity::awaiting_reply);
        lab.equal(lab.take(self.sendrec(bob, gather{1})).position, 2 - i);
      });
    lab.start(erin, [&lab, &callers](auto& self) {
      for (const endpoint_id who : callers) lab.until(self, who, activity::awaiting_reply, bob);
      lab.fails(errc::bad_argument, self.sendrec(bob, gather{0}));
      lab.equal(lab.take(self.sendrec(bob, release{})).released, 3u);
      lab.works(lab.dc().cancel(bob));
    });
    lab.finish();
  });

  law<Setup>("a server answers a type that it does not know, and drops what nobody waits for", [] {
    server_diary diary;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      gathering_server server(self, diary);
      lab.works(serve<protocol<gather, release, number>>(self, server));
    });
    lab.start(alice, [&](auto& self) {
      lab.fails(errc::bad_call, self.sendrec(bob, unheard_of{1}));
      lab.works(self.send(bob, unheard_of{1}));
      lab.works(self.send(bob, gather{1}));  // one way: nobody waits for the answer
      lab.works(self.send(bob, number{5}));
      lab.works(self.send(bob, number{6}));
      lab.equal(lab.take(self.sendrec(bob, release{})).released, 0u);
      lab.works(lab.dc().unbind(bob));
    });
    lab.finish();
    CHECK(diary.numbers.are({5, 6}));
  });

  law<Setup>("a server is told of notifications, and of the deaths of its callers", [] {
    server_diary diary;
    endpoint_id mortal = none;
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      gathering_server server(self, diary);
      lab.works(serve<protocol<gather, release, number>>(self, server));
    });
    mortal = lab.start(own, [&](auto& self) { lab.fails(errc::cancelled, self.sendrec(bob, gather{1})); });
    lab.start(carol, [&](auto& self) {
      lab.until(self, mortal, activity::awaiting_reply, bob);
      lab.works(self.notify(bob, 12));
      lab.works(lab.dc().cancel(mortal));
      lab.until_gone(self, mortal);
      lab.equal(lab.take(self.sendrec(bob, release{})).released, 1u);
      lab.works(lab.dc().unbind(bob));
    });
    lab.finish();
    CHECK(diary.notifications.are({12}));
    CHECK(diary.deaths.are({mortal}));
  });

  law<Setup>("a server that is a function object serves until its DC ends", [] {
    laboratory<Setup> lab;
    lab.start(bob, [&](auto& self) {
      lab.works(
          serve<protocol<increment>>(self, [](const increment& ask, caller) { return increment::reply{ask.n + 1}; }));
    });
    lab.start(own, [&](auto& self) {
      for (std::uint64_t n = 0; n < 100; ++n) lab.equal(lab.take(self.sendrec(bob, increment{n})).n, n + 1);
    });
    lab.observe([&](auto& self) {
      lab.eventually(
          self, [&] { return lab.dc().processes().size() == 2; }, "the client is done");
    });
    lab.dc().end();
    lab.finish();
  });

  law<Setup>("a server without the right to receive says why it does not serve", [] {
    const privileges mute{.calls = call_set::all().without(call::receive)};
    laboratory<Setup> lab;
    lab.start(bob,
              [&](auto& self) {
                lab.fails(errc::bad_call, serve<protocol<increment>>(self, [](const increment& ask, caller) {
                            return increment::reply{ask.n};
                          }));
              },
              {.privileges = &mute});
  });
}

}  // namespace dvs::conformance

#endif
