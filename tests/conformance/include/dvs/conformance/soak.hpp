// SPDX-License-Identifier: MIT
/// @file
/// The law of laws: parties do random things to each other, and every message is accounted for.
#ifndef DVS_CONFORMANCE_SOAK_HPP
#define DVS_CONFORMANCE_SOAK_HPP

#include <array>
#include <cstdlib>
#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>
#include <random>
#include <vector>

namespace dvs::conformance {

/// What became of each message of a soak. Written by its sender and by its receivers, read when all have returned.
struct soak_ledger {
  static constexpr std::size_t parties = 6;
  static constexpr std::size_t operations = 1500;

  struct entry {
    std::atomic<bool> sent{false}, asked{false}, succeeded{false};
    std::atomic<int> taken{0}, answered{0};
  };
  std::array<entry, parties * operations> entries{};
  std::atomic<std::uint64_t> notified[parties][parties]{}, heard[parties][parties]{};
  std::atomic<std::size_t> finished{0}, drained{0};

  static std::uint64_t ticket(std::size_t party, std::size_t operation) { return party * operations + operation; }
};

template <class Laboratory, class Self>
class soak_party {
 public:
  soak_party(Laboratory& lab, Self& self, soak_ledger& ledger, std::size_t me, std::uint64_t seed)
      : lab_(lab), self_(self), ledger_(ledger), me_(me), chance_(seed * 1000 + me) {}

  void run() {
    for (std::size_t i = 0; i < soak_ledger::operations; ++i) {
      do_something(soak_ledger::ticket(me_, i));
      if (below(3) != 0) answer_somebody();
    }
    while (!pending_.empty()) answer_somebody();
    ++ledger_.finished;
    while (ledger_.finished < soak_ledger::parties) hear(self_.receive(any, 100us)), answer_all();
    while (hear(self_.receive(any, no_wait))) answer_all();
  }

 private:
  std::size_t below(std::size_t n) { return chance_() % n; }
  static endpoint_id name_of_party(std::size_t party) { return endpoint_id{static_cast<std::int32_t>(party) + 1}; }
  static std::size_t party_of(endpoint_id who) { return static_cast<std::size_t>(number_of(who)) - 1; }
  timeout some_limit() { return below(3) == 0 ? no_wait : timeout(std::chrono::microseconds(below(200))); }
  /// Another party; not one that waits for our answer, which a send would be taken for.
  endpoint_id somebody() {
    for (;;) {
      const endpoint_id who = name_of_party(below(soak_ledger::parties));
      if (who != self_.id() && !owes(who)) return who;
      if (pending_.size() >= soak_ledger::parties - 1) answer_somebody();
    }
  }
  bool owes(endpoint_id who) const {
    return std::ranges::any_of(pending_, [&](const received& asked) { return asked.content.source == who; });
  }

  void do_something(std::uint64_t ticket) {
    soak_ledger::entry& mine = ledger_.entries[ticket];
    switch (below(10)) {
      case 0:
      case 1: {
        mine.sent = true;
        const errc outcome = self_.send(somebody(), number{ticket}, some_limit()).error();
        mine.succeeded = outcome == errc::ok;
        return expect_one_of(outcome, {errc::would_block, errc::timed_out, errc::cancelled, errc::locked});
      }
      case 2:
      case 3: {
        mine.sent = mine.asked = true;
        const auto answer = self_.sendrec(somebody(), increment{ticket}, some_limit());
        mine.succeeded = answer.has_value();
        if (answer) return lab_.equal(answer->n, ticket + 1);
        return expect_one_of(answer.error(), {errc::would_block, errc::timed_out, errc::cancelled, errc::locked});
      }
      case 4:
        hear(self_.receive(somebody(), some_limit()));
        return;
      case 5:
        hear(self_.receive_request(some_limit()));
        return;
      case 6: {
        const endpoint_id who = somebody();
        const std::uint64_t value = std::uint64_t{1} << below(64);
        ledger_.notified[party_of(who)][me_] |= value;
        return lab_.works(self_.notify(who, value));
      }
      case 7:
        if (below(4) == 0) lab_.works(lab_.dc().cancel(somebody()));
        return self_.yield();
      default:
        hear(self_.receive(any, some_limit()));
    }
  }

  bool hear(const result<received>& got) {
    if (!got) {
      expect_one_of(got.error(), {errc::would_block, errc::timed_out, errc::cancelled, errc::locked});
      return false;
    }
    if (got->is_notification()) {
      ledger_.heard[me_][party_of(got->content.source)] |= got->as_notification().value;
      return true;
    }
    const std::uint64_t ticket = get<number>(got->content).n;
    lab_.expect(ticket / soak_ledger::operations == party_of(got->content.source), "the source is the sender");
    lab_.equal(got->is_request(), got->template is<increment>());
    ++ledger_.entries[ticket].taken;
    if (got->is_request()) pending_.push_back(*got);
    return true;
  }
  void answer_somebody() {
    if (pending_.empty()) return;
    std::swap(pending_[below(pending_.size())], pending_.back());
    const received asked = pending_.back();
    pending_.pop_back();
    const std::uint64_t ticket = get<number>(asked.content).n;
    const errc outcome = self_.reply(asked.from(), increment::reply{ticket + 1}).error();
    if (outcome == errc::ok) ++ledger_.entries[ticket].answered;
    expect_one_of(outcome, {errc::not_waiting});
  }
  void answer_all() {
    while (!pending_.empty()) answer_somebody();
  }
  void expect_one_of(errc outcome, std::initializer_list<errc> allowed) {
    const bool good = outcome == errc::ok || std::ranges::find(allowed, outcome) != allowed.end();
    lab_.expect(good, std::string("unexpected: ") + name_of(outcome));
  }

  Laboratory& lab_;
  Self& self_;
  soak_ledger& ledger_;
  std::size_t me_;
  std::mt19937_64 chance_;
  std::vector<received> pending_;
};

template <setup Setup>
void soak_laws() {
  law<Setup>("whatever parties do to each other, every message is accounted for", [] {
    const char* wanted = std::getenv("DVS_SEED");
    const std::uint64_t seed = wanted ? std::strtoull(wanted, nullptr, 0) : std::random_device{}();
    WARN("DVS_SEED=" << seed << " repeats this run as far as the backend is deterministic");
    soak_ledger ledger;
    laboratory<Setup> lab;
    for (std::size_t party = 0; party < soak_ledger::parties; ++party)
      lab.start(endpoint_id{static_cast<std::int32_t>(party) + 1}, [&lab, &ledger, party, seed](auto& self) {
        soak_party(lab, self, ledger, party, seed).run();
        ++ledger.drained;  // a notification dies with its source: nobody leaves before all have heard theirs
        lab.eventually(
            self, [&] { return ledger.drained == soak_ledger::parties; }, "all have heard everything");
      });
    lab.finish();

    std::size_t sends = 0, requests = 0, bad = 0;
    for (std::size_t i = 0; i < soak_ledger::parties * soak_ledger::operations; ++i) {
      const auto& e = ledger.entries[i];
      sends += e.sent && !e.asked && e.succeeded;
      requests += e.asked && e.succeeded;
      const bool once = !e.sent   ? e.taken == 0
                        : e.asked ? e.taken <= 1 && e.answered == static_cast<int>(e.succeeded) && e.answered <= e.taken
                                  : e.taken == static_cast<int>(e.succeeded);
      bad += !once;
    }
    CHECK(bad == 0);
    CHECK(sends > 0);
    CHECK(requests > 0);
    for (std::size_t to = 0; to < soak_ledger::parties; ++to)
      for (std::size_t from = 0; from < soak_ledger::parties; ++from)
        CHECK(ledger.heard[to][from] == ledger.notified[to][from]);
  });
}

}  // namespace dvs::conformance

#endif
