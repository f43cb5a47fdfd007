// SPDX-License-Identifier: MIT
/// @file
/// Laws of grants that are passed on, copies between two others, copies in pieces, and copies by address.
#ifndef DVS_CONFORMANCE_COPIES_HPP
#define DVS_CONFORMANCE_COPIES_HPP

#include <dvs/conformance/memory.hpp>

namespace dvs::conformance {

template <setup Setup>
void copy_laws() {
  law<Setup>("a part of a grant can be passed on; it is no more than that part, and no other access", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      auto page = pattern<256>(1);
      auto window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), page.size()}));
      lab.expect(page == pattern<256>(1), "nothing was written");
    });
    serve_one<readable>(lab, bob, [&](auto& self, const auto& given) {
      auto part = lab.take(self.grant_onward(carol, given.memory, 100, 50));
      lab.take(self.sendrec(carol, offer<readable>{part.ref(), 50}));
    });
    serve_one<readable>(lab, carol, [&](auto& self, const auto& given) {
      lab.equal(given.memory.granter, bob);
      std::array<std::byte, 50> mine{};
      lab.works(self.copy_from(given.memory, mine));
      lab.expect(std::ranges::equal(mine, part_of(pattern<256>(1), 100, 50)), "the bytes of the part");
      std::array<std::byte, 51> more{};
      lab.fails(errc::range, self.copy_from(given.memory, more));
      lab.fails(errc::range, self.copy_from(given.memory, mine, 1));
      lab.fails(errc::not_granted, self.copy_into({bob, given.memory.id}, mine));
    });
  });

  law<Setup>("what the original does not allow, a grant that is passed on does not either", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      auto page = pattern<64>(1);
      auto window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), page.size()}));
      lab.expect(page == pattern<64>(1), "nothing was written");
    });
    serve_one<readable>(lab, bob, [&](auto& self, const auto& given) {
      auto longer = self.grant_onward(carol, given.memory, 0, 65);
      auto other = self.grant_onward(carol, grant_ref<writable>{alice, given.memory.id}, 0, 64);
      // It is refused when it is made or when it is used.
      if (longer) lab.take(self.sendrec(carol, offer<readable>{longer->ref(), 1}));
      if (other) lab.take(self.sendrec(carol, offer<readable>{{bob, other->ref().id}, 2}));
      lab.take(self.sendrec(carol, offer<readable>{no_grant<readable>, 3}));
    });
    lab.start(carol, [&](auto& self) {
      for (;;) {
        const auto got = lab.take(self.receive());
        const auto given = got.template as<offer<readable>>();
        std::array<std::byte, 65> mine{};
        if (given.bytes == 1) lab.fails(errc::range, self.copy_from(given.memory, mine));
        if (given.bytes == 2)
          lab.fails(errc::not_granted, self.copy_into({bob, given.memory.id}, std::span{mine}.first(1)));
        lab.works(self.reply(got.from(), offer<readable>::reply{}));
        if (given.bytes == 3) return;
      }
    });
  });

  law<Setup>("a grant that was passed on ends with each link of its chain", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<64>(1);
      auto window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), page.size()}));
      lab.works(window.revoke());
      lab.works(self.send(carol, number{0}));
      lab.take(self.receive(carol));
    });
    lab.start(bob, [&](auto& self) {
      const auto got = lab.take(self.receive());
      const auto given = got.template as<offer<readable>>();
      {
        auto part = lab.take(self.grant_onward(carol, given.memory, 0, 64));
        lab.works(self.send(carol, offer<readable>{part.ref(), 64}));
        lab.take(self.receive(carol));
      }
      lab.works(self.send(carol, number{0}));
      lab.take(self.receive(carol));
      auto again = lab.take(self.grant_onward(carol, given.memory, 0, 64));
      lab.works(self.send(carol, offer<readable>{again.ref(), 64}));
      lab.take(self.receive(carol));
      lab.works(self.reply(got.from(), offer<readable>::reply{}));
      lab.take(self.receive(carol));
    });
    lab.start(carol, [&](auto& self) {
      std::array<std::byte, 64> mine{};
      const auto first = lab.take(self.receive(bob)).template as<offer<readable>>();
      lab.works(self.copy_from(first.memory, mine));
      lab.works(self.send(bob, number{0}));
      lab.take(self.receive(bob));
      lab.fails(errc::not_granted, self.copy_from(first.memory, mine));  // the second link was revoked
      lab.works(self.send(bob, number{0}));
      const auto second = lab.take(self.receive(bob)).template as<offer<readable>>();
      lab.works(self.copy_from(second.memory, mine));
      lab.works(self.send(bob, number{0}));
      lab.take(self.receive(alice));
      lab.fails(errc::not_granted, self.copy_from(second.memory, mine));  // the first link was revoked
      lab.works(self.send(bob, number{0}));
      lab.until_gone(self, bob);
      lab.fails(errc::source_died, self.copy_from(second.memory, mine));  // the second link is gone
      lab.works(self.send(alice, number{0}));
    });
  });

  law<Setup>("a grant can be passed on five times, and no more", [] {
    const auto page = pattern<64>(1);
    laboratory<Setup> lab;
    constexpr std::int32_t last = 7;  // 1 grants; 2 to 6 pass it on: five times; 7 would have it the sixth time
    lab.start(endpoint_id{1}, [&](auto& self) {
      auto window = lab.take(self.grant_read(endpoint_id{2}, page));
      lab.take(self.sendrec(endpoint_id{2}, offer<readable>{window.ref(), 64}));
    });
    for (std::int32_t slot = 2; slot <= last; ++slot)
      serve_one<readable>(lab, endpoint_id{slot}, [&lab, slot](auto& self, const auto& given) {
        std::array<std::byte, 64> mine{};
        lab.works(self.copy_from(given.memory, mine));
        lab.expect(mine == pattern<64>(1), "every link can read");
        const endpoint_id next{slot + 1};
        if (slot < last) {
          auto onward = lab.take(self.grant_onward(next, given.memory, 0, 64));
          lab.take(self.sendrec(next, offer<readable>{onward.ref(), 64}));
          return;
        }
        auto onward = self.grant_onward(next, given.memory, 0, 64);
        if (!onward) return lab.fails(errc::loop, onward);  // refused when it is made, or when it is used
        lab.take(self.sendrec(next, offer<readable>{onward->ref(), 64}));
      });
    lab.start(endpoint_id{last + 1}, [&](auto& self) {
      lab.until_blocked(self, endpoint_id{1});
      while (self.is_bound(endpoint_id{1})) {
        const auto got = self.receive(any, a_moment);
        if (!got) continue;
        std::array<std::byte, 64> mine{};
        lab.fails(errc::loop, self.copy_from(got->template as<offer<readable>>().memory, mine));
        lab.works(self.reply(got->from(), offer<readable>::reply{}));
      }
    });
    lab.finish();
  });

  law<Setup>("a third party copies between two processes that both granted it their memory", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<256>(1);
      auto window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), page.size()}));
    });
    lab.start(carol, [&](auto& self) {
      std::array<std::byte, 256> page{}, expected{};
      auto window = lab.take(self.grant_write(bob, page));
      lab.take(self.sendrec(bob, offer<writable>{window.ref(), page.size()}));
      std::ranges::copy(part_of(pattern<256>(1), 16, 100), expected.begin() + 32);
      lab.expect(page == expected, "exactly the bytes that were asked for");
    });
    lab.start(bob, [&](auto& self) {
      const auto source = lab.take(self.receive(alice));
      const auto destination = lab.take(self.receive(carol));
      const auto from = source.template as<offer<readable>>().memory;
      const auto into = destination.template as<offer<writable>>().memory;
      lab.fails(errc::range, self.copy_between(from, 200, into, 0, 100));
      lab.fails(errc::range, self.copy_between(from, 0, into, 200, 100));
      lab.fails(errc::not_granted, self.copy_between({carol, into.id}, 0, {alice, from.id}, 0, 100));
      lab.fails(errc::not_granted, self.copy_between(no_grant<readable>, 0, into, 0, 100));
      lab.fails(errc::not_granted, self.copy_between(from, 0, no_grant<writable>, 0, 100));
      lab.works(self.copy_between(from, 16, into, 32, 100));
      lab.works(self.reply(source.from(), offer<readable>::reply{}));
      lab.works(self.reply(destination.from(), offer<writable>::reply{}));
    });
  });

  law<Setup>("a copy in pieces stops at the first error and keeps what it has done", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto source = pattern<64>(1);
      std::array<std::byte, 64> destination{};
      auto in = lab.take(self.grant_read(bob, source));
      lab.take(self.sendrec(bob, offer<readable>{in.ref(), 64}));
      auto out = lab.take(self.grant_write(bob, destination));
      lab.take(self.sendrec(bob, offer<writable>{out.ref(), 64}));
      std::array<std::byte, 64> expected{};
      std::ranges::copy(pattern<8>(5), expected.begin() + 16);
      lab.expect(destination == expected, "the first piece only");
    });
    lab.start(bob, [&](auto& self) {
      const auto in = lab.take(self.receive());
      std::array<std::byte, 8> a{}, b{};
      const copy_piece scattered[] = {{40, a}, {8, b}};
      lab.works(self.copy_from(in.template as<offer<readable>>().memory, scattered));
      lab.expect(std::ranges::equal(a, part_of(pattern<64>(1), 40, 8)), "the first piece");
      lab.expect(std::ranges::equal(b, part_of(pattern<64>(1), 8, 8)), "the second piece");
      lab.works(self.reply(in.from(), offer<readable>::reply{}));
      const auto out = lab.take(self.receive());
      const auto ink = pattern<8>(5);
      const const_copy_piece gathered[] = {{16, ink}, {60, ink}, {0, ink}};
      lab.fails(errc::range, self.copy_into(out.template as<offer<writable>>().memory, gathered));
      lab.works(self.reply(out.from(), offer<writable>::reply{}));
    });
  });

  law<Setup>("a system process copies by address when the other party waits in a receive, or for an answer", [] {
    std::array<std::byte, 64> hers = pattern<64>(1), his{};
    laboratory<Setup> lab;
    const auto address = [](auto& memory) { return reinterpret_cast<std::uintptr_t>(memory.data()); };
    lab.start(alice, [&](auto& self) {
      lab.take(self.receive());
      lab.take(self.sendrec(carol, increment{1}));
    });
    lab.start(bob, [&](auto& self) { lab.take(self.receive(carol)); });
    lab.start(carol, [&lab, &hers, &his, address](auto& self) {
      lab.until(self, alice, activity::receiving, any);
      lab.until(self, bob, activity::receiving, carol);
      std::array<std::byte, 64> mine{};
      lab.works(self.vcopy(alice, address(hers), own, address(mine), 64));
      lab.expect(mine == pattern<64>(1), "out of the memory of another");
      lab.works(self.vcopy(alice, address(hers), bob, address(his), 32));
      lab.expect(std::ranges::equal(std::span{his}.first(32), std::span{hers}.first(32)), "between two others");
      lab.works(self.vcopy(own, address(mine), bob, address(his), 64));
      lab.expect(his == hers, "into the memory of another");
      lab.fails(errc::bad_endpoint, self.vcopy(own, address(mine), own, address(mine), 64));
      lab.fails(errc::source_died, self.vcopy(dave, address(hers), own, address(mine), 64));
      lab.fails(errc::destination_died, self.vcopy(own, address(mine), dave, address(hers), 64));
      lab.works(self.send(alice, number{1}));
      const auto asked = lab.take(self.receive());
      lab.until(self, alice, activity::awaiting_reply, carol);
      lab.works(self.vcopy(own, address(his), alice, address(hers), 64));
      lab.works(self.reply(asked.from(), increment::reply{2}));
      lab.works(self.send(bob, number{1}));
    });
    lab.finish();
  });

  law<Setup>("nobody copies by address from a process that runs or sends, and user processes never", [] {
    std::byte here{1}, there{2};
    laboratory<Setup> lab;
    const auto at = [](std::byte& memory) { return reinterpret_cast<std::uintptr_t>(&memory); };
    lab.start(alice, [&](auto& self) { lab.works(self.send(carol, number{1})); });
    lab.start(bob, [&](auto& self) { lab.take(self.receive()); });
    lab.start(carol, [&lab, &here, &there, at](auto& self) {
      lab.until(self, alice, activity::sending, carol);
      lab.fails(errc::not_waiting, self.vcopy(alice, at(here), own, at(there), 1));
      lab.fails(errc::not_waiting, self.vcopy(own, at(here), alice, at(there), 1));
      lab.take(self.receive());
    });
    lab.start(own,
              [&lab, &here, &there, at](auto& self) {
                lab.until(self, bob, activity::receiving, any);
                lab.fails(errc::no_privilege, self.vcopy(bob, at(here), own, at(there), 1));
                lab.works(self.send(bob, number{1}));
              },
              {.privileges = &every_right});
    lab.finish();
    lab.expect(here == std::byte{1} && there == std::byte{2}, "nothing was moved");
  });
}

}  // namespace dvs::conformance

#endif
