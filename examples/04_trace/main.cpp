// SPDX-License-Identifier: MIT
/// @file
/// A tap between a client and a server shows every request and answer.
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <dvs/trace.hpp>
#include <iostream>

namespace bank {
enum class account : std::uint32_t {};

struct deposit {
  static constexpr std::uint32_t opcode = 1;
  account into;
  std::uint32_t cents;
  std::array<char, 16> note;
  struct reply {
    std::uint64_t balance;
  };
};
struct withdraw {
  static constexpr std::uint32_t opcode = 2;
  account from;
  std::uint32_t cents;
  struct reply {
    std::uint64_t balance;
  };
};
using protocol = dvs::protocol<deposit, withdraw>;

inline constexpr dvs::endpoint_id where{1};
inline constexpr dvs::endpoint_id tap{2};
}  // namespace bank

// One line for each struct; text, JSON and the table below are derived from it.
BOOST_HANA_ADAPT_STRUCT(bank::deposit, into, cents, note);
BOOST_HANA_ADAPT_STRUCT(bank::deposit::reply, balance);
BOOST_HANA_ADAPT_STRUCT(bank::withdraw, from, cents);
BOOST_HANA_ADAPT_STRUCT(bank::withdraw::reply, balance);
static_assert(dvs::is_described<bank::protocol>());

struct teller {
  std::uint64_t balance = 0;

  auto on(const bank::deposit& ask, dvs::caller) -> dvs::answer<bank::deposit> {
    balance += ask.cents;
    return bank::deposit::reply{balance};
  }
  auto on(const bank::withdraw& ask, dvs::caller) -> dvs::answer<bank::withdraw> {
    if (ask.cents > balance) return dvs::errc::no_space;
    balance -= ask.cents;
    return bank::withdraw::reply{balance};
  }
};

/// Passes requests on to the bank and answers back; untyped, as it knows the protocol only for showing it.
void listen_in(auto& self) {
  dvs::tracer<bank::protocol> trace;
  while (const auto asked = self.receive_request()) {
    std::cout << trace.line({self.now(), asked->content.source, bank::where, asked->content}) << '\n';
    dvs::message inout = asked->content;
    if (const auto sent = self.sendrec(bank::where, inout); !sent) inout.type = dvs::answer_type(sent.error());
    const dvs::trace_event answered{self.now(), bank::where, asked->content.source, inout};
    std::cout << trace.line(answered) << '\n' << trace.json(answered) << '\n';
    static_cast<void>(self.reply(asked->from(), inout));
  }
}

int main() {
  dvs::userspace::node node;
  auto dc = node.create_dc("bank");
  dc.spawn(bank::where, [](auto& self) { dvs::serve<bank::protocol>(self, teller{}).value(); }).value();
  dc.spawn(bank::tap, [](auto& self) { listen_in(self); }).value();

  std::cout << dvs::protocol_table<bank::protocol>() << '\n';
  return dc.run([](auto& self) {
    const auto in = self.sendrec(bank::tap, bank::deposit{bank::account{7}, 500, {'s', 'a', 'l', 'a', 'r', 'y'}});
    const auto out = self.sendrec(bank::tap, bank::withdraw{bank::account{7}, 900});
    return in && in->balance == 500 && out.error() == dvs::errc::no_space ? 0 : 1;
  });
}
