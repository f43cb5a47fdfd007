// SPDX-License-Identifier: MIT
/// @file
/// One life of a party of the torture: it does random things to the others until it is killed, or all is over.
#ifndef DVS_TESTS_TORTURE_PARTY_HPP
#define DVS_TESTS_TORTURE_PARTY_HPP

#include <algorithm>
#include <array>
#include <cstdio>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <random>
#include <vector>

#include "ledger.hpp"

namespace torture {

using self_type = dvs::endpoint<dvs::userspace::backend>;
using namespace std::chrono_literals;

/// A message of its own. Its number is its place in the ledger.
struct told {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t number;
};
/// The same, which wants it back.
struct asked {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t number;
  struct reply {
    std::uint64_t number;
  };
};
/// The same, with memory full of the number.
struct shown {
  static constexpr std::uint32_t opcode = 3;
  std::uint64_t number;
  dvs::grant_ref<dvs::readable> memory;
  std::uint32_t words;
  std::uint32_t unused;
  struct reply {
    std::uint64_t number;
  };
};

class party {
 public:
  party(self_type& self, ledger& book, std::uint64_t me, std::uint64_t seed)
      : self_(self), book_(book), me_(me), chance_(seed) {}

  void live() {
    while (!book_.is_over) {
      do_something();
      if (below(3) != 0) answer_somebody();
      ++book_.progress[me_];
    }
    while (!pending_.empty()) answer_somebody();
    for (int quiet = 0; quiet < 20; ++quiet)  // what was sent to it has its end, too
      while (hear(self_.receive(dvs::any, 10ms))) answer_all();
  }

 private:
  static dvs::endpoint_id name_of(std::uint64_t party) {
    return dvs::endpoint_id{static_cast<std::int32_t>(party) + 1};
  }
  std::uint64_t below(std::uint64_t n) { return chance_() % n; }
  dvs::timeout some_limit() {
    return below(4) == 0 ? dvs::no_wait : dvs::timeout(std::chrono::microseconds(below(3000)));
  }
  std::uint64_t somebody() {
    const std::uint64_t other = below(ledger::parties - 1);
    return other < me_ ? other : other + 1;
  }
  bool owes(dvs::endpoint_id who) const {
    return std::ranges::any_of(pending_, [&](const auto& each) { return each.content.source == who; });
  }

  void do_something() {
    const std::uint64_t other = somebody();
    switch (below(8)) {
      case 0:
      case 1:
        if (owes(name_of(other))) return;  // a send would be the answer
        return send(other, 0, [&](std::uint64_t number) {
          return self_.send(name_of(other), told{number}, below(2) == 0 ? dvs::forever : some_limit()).error();
        });
      case 2:
        return send(other, ledger::is_request, [&](std::uint64_t number) {
          const auto back = self_.sendrec(name_of(other), asked{number}, below(2) == 0 ? dvs::forever : some_limit());
          if (back && back->number != number) broken("an answer belongs to another request");
          return back.error();
        });
      case 3:
        return send(other, ledger::is_request, [&](std::uint64_t number) { return show(other, number); });
      case 4:
        return expect(self_.notify(name_of(other), 1).error());
      case 5:
        hear(self_.receive_request(some_limit()));
        return;
      case 6:
        hear(self_.receive(name_of(other), some_limit()));
        return;
      default:
        hear(self_.receive(dvs::any, some_limit()));
    }
  }

  template <class Operation>
  void send(std::uint64_t other, std::uint32_t kind, Operation operation) {
    const std::uint64_t number = book_.next[me_]++;
    if (number >= ledger::messages_each) return;
    book_.receivers[me_][number] = static_cast<std::uint8_t>(other);
    auto& entry = book_.messages[me_][number];
    entry |= ledger::sent | kind;
    const dvs::errc outcome = operation(me_ * ledger::messages_each + number);
    entry |= outcome == dvs::errc::ok ? ledger::worked : ledger::failed;
    expect(outcome);
  }
  dvs::errc show(std::uint64_t other, std::uint64_t number) {
    std::vector<std::uint64_t> words(1 + below(20'000), number);
    auto window = self_.grant_read(name_of(other), std::as_bytes(std::span(words)));
    if (!window) return window.error();
    const auto back = self_.sendrec(
        name_of(other), shown{number, window->ref(), static_cast<std::uint32_t>(words.size()), 0}, some_limit());
    if (const auto revoked = window->revoke(); !revoked) broken("a grant could not be revoked");
    std::ranges::fill(words, ~number);  // whoever still reads now finds this
    return back.error();
  }

  bool hear(const dvs::result<dvs::received>& got) {
    if (!got) {
      expect(got.error());
      return false;
    }
    if (got->is_notification()) return true;
    const std::uint64_t number = dvs::get<told>(got->content).number;
    const std::uint64_t sender = number / ledger::messages_each;
    if (sender >= ledger::parties || name_of(sender) != got->content.source)
      broken("a message names another sender");
    else
      book_.messages[sender][number % ledger::messages_each] += ledger::once_taken;
    if (got->is_request()) pending_.push_back(*got);
    return true;
  }
  void answer_somebody() {
    if (pending_.empty()) return;
    std::swap(pending_[below(pending_.size())], pending_.back());
    const dvs::received request = pending_.back();
    pending_.pop_back();
    const std::uint64_t number = dvs::get<told>(request.content).number;
    if (request.is<shown>()) look_at(request.as<shown>());
    expect(self_.reply(request.from(), asked::reply{number}).error());
  }
  void answer_all() {
    while (!pending_.empty()) answer_somebody();
  }
  void look_at(const shown& offer) {
    std::vector<std::uint64_t> words(offer.words);
    const dvs::errc outcome = self_.copy_from(offer.memory, std::as_writable_bytes(std::span(words))).error();
    expect(outcome);
    if (outcome != dvs::errc::ok) return;
    if (std::ranges::any_of(words, [&](std::uint64_t word) { return word != offer.number; }))
      broken("a copy has other bytes than were granted");
    ++book_.copies;
  }

  void expect(dvs::errc outcome) {
    using enum dvs::errc;
    constexpr dvs::errc fair[] = {ok,          would_block, timed_out,   locked,      destination_died,
                                  source_died, peer_died,   not_waiting, not_granted, bad_endpoint};
    if (std::ranges::find(fair, outcome) == std::end(fair)) broken(dvs::name_of(outcome));
  }
  void broken(const char* what) {
    ++book_.broken;
    std::fprintf(stderr, "party %d: %s\n", static_cast<int>(me_), what);
  }

  self_type& self_;
  ledger& book_;
  const std::uint64_t me_;
  std::mt19937_64 chance_;
  std::vector<dvs::received> pending_;
};

}  // namespace torture

#endif
