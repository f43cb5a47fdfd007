// SPDX-License-Identifier: MIT
/// @file
/// Laws of names, process tables, DCs and nodes; and that DCs are worlds of their own.
#ifndef DVS_CONFORMANCE_TABLES_HPP
#define DVS_CONFORMANCE_TABLES_HPP

#include <dvs/conformance/memory.hpp>
#include <dvs/conformance/sendrec.hpp>

namespace dvs::conformance {

template <setup Setup>
void table_laws() {
  law<Setup>("a process is found by its name while it is bound", [] {
    laboratory<Setup> lab;
    lab.fails(errc::no_entry, lab.dc().find("printer"));
    lab.start(bob, [&](auto& self) { lab.take(self.receive()); }, {.name = "printer"});
    const endpoint_id user = lab.start(own, [&](auto& self) { lab.take(self.receive()); },
                                       {.name = "a name of more than fifteen bytes", .privileges = &every_right});
    lab.equal(lab.take(lab.dc().find("printer")), bob);
    lab.equal(lab.take(lab.dc().find("a name of more ")), user);
    lab.fails(errc::no_entry, lab.dc().find("print"));
    lab.observe([&](auto& self) {
      lab.equal(lab.row_of(bob)->name, std::string("printer"));
      lab.equal(lab.row_of(user)->name, std::string("a name of more "));
      lab.works(self.send(bob, number{1}));
      lab.works(self.send(user, number{1}));
      lab.until_gone(self, bob);
      lab.fails(errc::no_entry, lab.dc().find("printer"));
    });
  });

  law<Setup>("the process table counts messages and copies", [] {
    laboratory<Setup> lab;
    lab.start(alice, [&](auto& self) {
      const auto page = pattern<100>(1);
      auto window = lab.take(self.grant_read(bob, page));
      for (int i = 0; i < 3; ++i) lab.works(self.send(bob, number{1}));
      lab.works(self.notify(bob));
      lab.take(self.sendrec(bob, offer<readable>{window.ref(), 100}));
      const auto mine = lab.row_of(alice);
      lab.equal(mine->messages_sent, 5u);
      lab.equal(mine->messages_received, 1u);
      lab.equal(mine->copies, 0u);
      const auto his = lab.row_of(bob);
      lab.equal(his->messages_sent, 1u);
      lab.equal(his->messages_received, 5u);
      lab.equal(his->copies, 2u);
      lab.equal(his->bytes_copied, 60u);
      lab.works(self.send(bob, number{1}));
    });
    lab.start(bob, [&](auto& self) {
      for (int i = 0; i < 4; ++i) lab.take(self.receive());
      const auto asked = lab.take(self.receive());
      std::array<std::byte, 50> mine{};
      lab.works(self.copy_from(asked.template as<offer<readable>>().memory, mine));
      lab.works(self.copy_from(asked.template as<offer<readable>>().memory, std::span{mine}.first(10)));
      lab.fails(errc::range, self.copy_from(asked.template as<offer<readable>>().memory, mine, 99));
      lab.works(self.reply(asked.from(), offer<readable>::reply{}));
      lab.take(self.receive());
    });
  });

  law<Setup>("a DC tells its name, its sizes, and how many processes and grants it has", [] {
    laboratory<Setup> lab({.tasks = 40, .servers = 20, .users = 30, .grants = 50});
    const dc_info empty = lab.dc().info();
    lab.equal(empty.name, std::string("laboratory"));
    lab.expect(empty.running, "it runs");
    lab.equal(empty.processes, 0u);
    lab.equal(empty.grants, 0u);
    lab.equal(empty.sizes.tasks, 40u);
    lab.equal(empty.sizes.servers, 20u);
    lab.equal(empty.sizes.users, 30u);
    lab.equal(empty.sizes.grants, 50u);
    lab.start(bob, [&](auto& self) {
      std::array<std::byte, 8> page{};
      auto window = lab.take(self.grant_read(alice, page));
      lab.equal(lab.dc().info().grants, 1u);
      lab.works(window.revoke());
      lab.equal(lab.dc().info().grants, 0u);
    });
    lab.equal(lab.dc().info().processes, 1u);
  });

  law<Setup>("a node knows its DCs by name, one of each", [] {
    laboratory<Setup> lab;
    const auto names = [&] {
      std::vector<std::string> found;
      for (const dc_info& row : lab.node().dcs()) found.push_back(row.name);
      std::ranges::sort(found);
      return found;
    };
    lab.expect(names() == std::vector<std::string>{"laboratory"}, "one DC");
    {
      auto other = lab.node().create_dc("other");
      lab.expect(names() == std::vector<std::string>{"laboratory", "other"}, "two DCs");
      lab.expect(other.info().id != lab.dc().info().id, "with ids of their own");
      try {
        auto twin = lab.node().create_dc("other");
        lab.expect(false, "a name was given twice");
      } catch (const error& refused) {
        lab.expect(refused.code() == errc::exists, "the name is taken");
      }
    }
    lab.expect(names() == std::vector<std::string>{"laboratory"}, "one DC again");
    auto again = lab.node().create_dc("other");
    lab.expect(again.info().running, "the name is free again");
  });

  law<Setup>("a DC of impossible size is not made", [] {
    laboratory<Setup> lab;
    for (const dc_options& sizes : {dc_options{.tasks = 1025}, dc_options{.users = 1u << 21}}) {
      try {
        auto impossible = lab.node().create_dc("impossible", sizes);
        lab.expect(false, "it was made");
      } catch (const error& refused) {
        lab.expect(refused.code() == errc::range, "a size is out of its range");
      }
    }
  });

  law<Setup>("the same endpoints of two DCs do not meet", [] {
    laboratory<Setup> lab;
    auto other = lab.node().create_dc("other");
    lab.start(bob, [&](auto& self) {
      lab.equal(lab.take(self.receive()).template as<number>().n, 1u);
      lab.until_gone(self, alice);
      lab.fails(errc::would_block, self.receive(any, no_wait));
    });
    lab.start(alice, [&](auto& self) {
      lab.works(self.send(bob, number{1}));
      lab.fails(errc::destination_died, self.send(carol, number{1}));
      lab.expect(!self.is_bound(carol), "carol lives in the other DC only");
    });
    lab.start_in(other, bob, [&](auto& self) { lab.equal(lab.take(self.receive()).template as<number>().n, 2u); });
    lab.start_in(other, alice, [&](auto& self) { lab.works(self.send(bob, number{2})); });
    lab.start_in(other, carol, [&](auto& self) {
      std::array<std::byte, 8> mine{};
      lab.expect(!self.copy_from({bob, grant_id{0}}, mine), "nor do grants cross");
    });
    lab.finish();
  });

  law<Setup>("the end of one DC does not disturb another", [] {
    laboratory<Setup> lab;
    {
      auto other = lab.node().create_dc("other");
      lab.start_in(other, bob, [&](auto& self) { lab.fails(errc::shut_down, self.receive()); });
      lab.start(bob, [&](auto& self) { answer_one(lab, self); });
      lab.go();
    }
    lab.start(alice, [&](auto& self) { lab.equal(lab.take(self.sendrec(bob, increment{1})).n, 2u); });
  });
}

}  // namespace dvs::conformance

#endif
