// SPDX-License-Identifier: MIT
/// @file
/// Laws of grants: who may move which bytes, and until when (M1, M2).
#ifndef DVS_CONFORMANCE_GRANTS_HPP
#define DVS_CONFORMANCE_GRANTS_HPP

#include <array>
#include <dvs/conformance/memory.hpp>

namespace dvs::conformance {

template <setup Setup>
void grant_laws() {
  law<Setup>("M1: bytes are read out of a grant, all of them or a part", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<4096>(1);
      auto window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), page.size()}));
    });
    serve_one<readable>(lab, bob, [&](auto& self, const auto& given) {
      std::array<std::byte, 4096> whole{};
      lab.works(self.copy_from(given.memory, whole));
      lab.expect(whole == pattern<4096>(1), "every byte");
      std::array<std::byte, 100> part{};
      lab.works(self.copy_from(given.memory, part, 1000));
      lab.expect(std::ranges::equal(part, std::span{whole}.subspan(1000, 100)), "from the offset on");
    });
  });

  law<Setup>("M1: bytes are written into a grant, and no byte beside them", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      std::array<std::byte, 64> page{};
      auto window = lab.take(self.grant_write(bob, std::span{page}.subspan(8, 48)));
      lab.take(self.sendrec(bob, offer<writable>{window.ref(), 48}));
      std::array<std::byte, 64> expected{};
      std::ranges::copy(pattern<16>(3), expected.begin() + 8 + 4);
      lab.expect(page == expected, "exactly the bytes that were written");
    });
    serve_one<writable>(
        lab, bob, [&](auto& self, const auto& given) { lab.works(self.copy_into(given.memory, pattern<16>(3), 4)); });
  });

  law<Setup>("M1: a range that is not all inside the grant moves nothing", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      auto page = pattern<64>(1);
      auto readable_window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(bob, offer<readable>{readable_window.ref(), 64}));
      auto writable_window = lab.take(self.grant_write(bob, page));
      lab.take(self.sendrec(bob, offer<writable>{writable_window.ref(), 64}));
      lab.expect(page == pattern<64>(1), "nothing was written");
    });
    constexpr std::uint64_t offsets[] = {1,
                                         33,
                                         64,
                                         65,
                                         1u << 31,
                                         std::uint64_t{1} << 63,
                                         ~std::uint64_t{0},
                                         ~std::uint64_t{0} - 63,
                                         ~std::uint64_t{0} - 31};
    lab.start(bob, [&lab, offsets](auto& self) {
      const auto first = lab.take(self.receive());
      std::array<std::byte, 64> mine{};
      for (const std::uint64_t offset : offsets)
        lab.fails(errc::range, self.copy_from(first.template as<offer<readable>>().memory, mine, offset));
      lab.expect(mine == std::array<std::byte, 64>{}, "nothing was read");
      std::array<std::byte, 65> longer{};
      lab.fails(errc::range, self.copy_from(first.template as<offer<readable>>().memory, longer));
      lab.works(self.copy_from(first.template as<offer<readable>>().memory, std::span<std::byte>{}, 64));
      lab.works(self.reply(first.from(), offer<readable>::reply{}));
      const auto second = lab.take(self.receive());
      for (const std::uint64_t offset : offsets)
        lab.fails(errc::range, self.copy_into(second.template as<offer<writable>>().memory, pattern<64>(9), offset));
      lab.fails(errc::range, self.copy_into(second.template as<offer<writable>>().memory, pattern<65>(9)));
      lab.works(self.reply(second.from(), offer<writable>::reply{}));
    });
  });

  law<Setup>("M1: a grant works in its direction only", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      auto page = pattern<64>(1);
      auto in = lab.take(self.grant_read(bob, page));
      auto out = lab.take(self.grant_write(bob, page));
      // The tags only document the direction: the check is made where the memory is.
      lab.take(self.sendrec(bob, offer<writable>{{alice, in.ref().id}, 64}));
      lab.take(self.sendrec(bob, offer<readable>{{alice, out.ref().id}, 64}));
      lab.expect(page == pattern<64>(1), "nothing was written");
    });
    lab.start(bob, [&](auto& self) {
      const auto first = lab.take(self.receive());
      lab.fails(errc::not_granted, self.copy_into(first.template as<offer<writable>>().memory, pattern<8>(9)));
      lab.works(self.reply(first.from(), offer<writable>::reply{}));
      const auto second = lab.take(self.receive());
      std::array<std::byte, 8> mine{};
      lab.fails(errc::not_granted, self.copy_from(second.template as<offer<readable>>().memory, mine));
      lab.expect(mine == std::array<std::byte, 8>{}, "nothing was read");
      lab.works(self.reply(second.from(), offer<readable>::reply{}));
    });
  });

  law<Setup>("M1: a grant works for the endpoint that it names only", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<64>(1);
      auto window = lab.take(self.grant_read(bob, page));
      lab.take(self.sendrec(carol, offer<readable>{window.ref(), 64}));
    });
    lab.start(bob, [&](auto& self) { lab.until_gone(self, alice); });
    serve_one<readable>(lab, carol, [&](auto& self, const auto& given) {
      std::array<std::byte, 8> mine{};
      lab.fails(errc::not_granted, self.copy_from(given.memory, mine));
    });
  });

  law<Setup>("M1: what is no grant is refused", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) { lab.until_gone(self, bob); });
    lab.start(bob, [&](auto& self) {
      std::array<std::byte, 8> mine{};
      lab.fails(errc::not_granted, self.copy_from(no_grant<readable>, mine));
      lab.fails(errc::not_granted, self.copy_into(no_grant<writable>, mine));
      for (const std::int32_t id : {-1, 0, 1, 77, 1 << 20, 0x7FFF'FFFF, -0x7FFF'FFFF}) {
        lab.fails(errc::not_granted, self.copy_from({alice, grant_id{id}}, mine));
        lab.fails(errc::not_granted, self.copy_into({alice, grant_id{id}}, mine));
      }
      lab.fails(errc::source_died, self.copy_from({carol, grant_id{0}}, mine));
      lab.fails(errc::destination_died, self.copy_into({carol, grant_id{0}}, mine));
    });
  });

  law<Setup>("M2: a revoked grant is refused, also at the end of its scope", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<64>(1);
      grant_ref<readable> kept{};
      {
        auto window = lab.take(self.grant_read(bob, page));
        kept = window.ref();
        lab.works(window.revoke());
        lab.fails(errc::not_granted, window.revoke());
        lab.take(self.sendrec(bob, offer<readable>{kept, 64}));
        window = lab.take(self.grant_read(bob, page));
        kept = window.ref();
      }
      lab.take(self.sendrec(bob, offer<readable>{kept, 64}));
    });
    lab.start(bob, [&](auto& self) {
      for (int i = 0; i < 2; ++i) {
        const auto got = lab.take(self.receive());
        std::array<std::byte, 8> mine{};
        lab.fails(errc::not_granted, self.copy_from(got.template as<offer<readable>>().memory, mine));
        lab.works(self.reply(got.from(), offer<readable>::reply{}));
      }
    });
  });

  law<Setup>("M2: an old grant is refused when its entry is used again", [] {
    laboratory<Setup> lab({.grants = 1});
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<64>(1);
      std::vector<grant_ref<readable>> old;
      for (int i = 0; i < 10; ++i) old.push_back(lab.take(self.grant_read(bob, page)).ref());
      auto window = lab.take(self.grant_read(bob, page));
      for (const auto& ref : old) {
        lab.expect(ref.id != window.ref().id, "the same entry has another name");
        lab.take(self.sendrec(bob, offer<readable>{ref, 0}));
      }
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), 64}));
    });
    lab.start(bob, [&](auto& self) {
      for (;;) {
        const auto got = lab.take(self.receive());
        const auto given = got.template as<offer<readable>>();
        std::array<std::byte, 64> mine{};
        if (given.bytes == 0)
          lab.fails(errc::not_granted, self.copy_from(given.memory, mine));
        else
          lab.works(self.copy_from(given.memory, mine));
        lab.works(self.reply(got.from(), offer<readable>::reply{}));
        if (given.bytes != 0) return;
      }
    });
  });

  law<Setup>("a full grant table says so, and has room again after a revoke", [] {
    laboratory<Setup> lab({.grants = 2});
    lab.start(alice, [&](auto& self) {
      std::array<std::byte, 8> page{};
      auto first = lab.take(self.grant_read(bob, page));
      auto second = lab.take(self.grant_write(bob, page));
      lab.fails(errc::no_space, self.grant_read(bob, page));
      lab.works(first.revoke());
      lab.take(self.grant_read(bob, page));
    });
    lab.start(bob, [&](auto& self) { lab.until_gone(self, alice); });
  });

  law<Setup>("M2: grants die with their owner, and the next owner of its slot has not given them", [] {
    std::array<std::byte, 64> page = pattern<64>(1);
    std::atomic<bool> checked = false, reborn = false;
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      // Released by hand: the grant ends with its owner, not with a scope.
      const grant_id made = lab.take(self.port().grant(bob, page.data(), page.size(), access::read_write));
      lab.works(self.send(bob, offer<readable>{{alice, made}, 64}));
      lab.take(self.receive(bob));
    });
    lab.start(bob, [&](auto& self) {
      const auto given = lab.take(self.receive()).template as<offer<readable>>();
      std::array<std::byte, 64> mine{};
      lab.works(self.copy_from(given.memory, mine));
      lab.works(self.send(alice, number{0}));
      lab.until_gone(self, alice);
      lab.fails(errc::source_died, self.copy_from(given.memory, mine));
      lab.fails(errc::destination_died, self.copy_into({alice, given.memory.id}, mine));
      checked = true;
      lab.eventually(
          self, [&] { return reborn.load(); }, "the slot has another owner");
      lab.fails(errc::not_granted, self.copy_from(given.memory, mine));
      lab.fails(errc::not_granted, self.copy_into({alice, given.memory.id}, mine));
      lab.works(self.send(alice, number{0}));
    });
    lab.observe([&](auto& self) {
      lab.eventually(
          self, [&] { return checked.load(); }, "bob has tried");
    });
    lab.start(alice, [&](auto& self) {
      reborn = true;
      lab.take(self.receive(bob));
    });
    lab.finish();
  });

  law<Setup>("M2: after revoke has returned no byte is touched", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      std::vector<std::byte> page(64 * 1024);
      for (int round = 0; round < 20; ++round) {
        auto window = lab.take(self.grant_write(bob, page));
        lab.works(self.send(bob, offer<writable>{window.ref(), page.size()}));
        if (round % 2 == 0) self.yield();
        lab.works(window.revoke());
        std::ranges::fill(page, std::byte{0});
        lab.take(self.receive(bob));
        lab.expect(std::ranges::all_of(page, [](std::byte b) { return b == std::byte{0}; }), "written after revoke");
      }
    });
    lab.start(bob, [&](auto& self) {
      const std::vector<std::byte> ink(64 * 1024, std::byte{0xFF});
      for (int round = 0; round < 20; ++round) {
        const auto given = lab.take(self.receive()).template as<offer<writable>>();
        result<void> copied;
        while ((copied = self.copy_into(given.memory, ink))) self.yield();
        lab.fails(errc::not_granted, copied);
        lab.works(self.send(alice, number{0}));
      }
    });
  });
}

}  // namespace dvs::conformance

#endif
