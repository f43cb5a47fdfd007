// SPDX-License-Identifier: MIT
/// @file
/// Scenarios of three parties: several askers of one doorbell, a server that asks in turn, a request that is relayed.
#ifndef TESTS_UNIT_INTERLEAVING_CROWDS_HPP
#define TESTS_UNIT_INTERLEAVING_CROWDS_HPP

#include "scenarios.hpp"

namespace interleaving {

/// Two ring one doorbell, each for news of its own; the owner sleeps until it has heard all of it.
template <class P>
struct ringing final : scenario {
  ringing(std::uint32_t one, std::uint32_t two) : bell{one, two} {}
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who < 2) {
      for (std::uint32_t i = 1; i <= rings[who]; ++i) {
        news[who].exchange(i);
        if (bells.ring(bell[who])) machine::here().futex_wake(bells.sleep_word()->word());
        machine::here().keep_only({}, i, {});
      }
      return;
    }
    std::uint32_t heard[2] = {};
    while (heard[0] < rings[0] || heard[1] < rings[1]) {
      machine::here().keep_only({}, heard[0], {heard[1]});
      if (!bells.rung()) {
        if (bells.prepare_sleep()) machine::here().futex_wait(bells.sleep_word()->word(), 1);
        bells.awake();
      }
      bells.collect([&](std::uint32_t rung) {
        for (std::uint32_t i = 0; i < 2; ++i)
          if (bell[i] == rung) heard[i] = news[i].load(std::memory_order_acquire);
      });
    }
  }
  void check() override {}

  const std::uint32_t bell[2];
  static constexpr std::uint32_t rings[2] = {2, 1};
  typename P::doorbell bells;
  checked_atomic<std::uint32_t> news[2];
};

/// Two send to one server.
template <class P>
struct two_senders final : scenario {
  explicit two_senders(std::uint32_t bell_of_second) : two_on{two, server, bell_of_second} {}
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who < 2) {
      const ending came = who == 0 ? one.send(one_on, 1, false) : two.send(two_on, 2, false);
      require(came == ending::ok, "a send to a partner that lives succeeds");
      return;
    }
    std::uint32_t received[2] = {};
    for (int i = 0; i < 2; ++i) {
      typename party<P>::received in;
      server.receive(in);
      const std::uint32_t number = in.from == &one_on ? 1 : 2;
      require(is_numbered(in.content, number), "a message comes in one piece, under its sender's name");
      require(++received[number - 1] == 1, "a message is received once");
      server.keep_only({}, 100, number);
    }
  }
  void check() override {}

  party<P> one, two, server;
  link_between<P> one_on{one, server}, two_on;
};

/// A server has promised its client to poll, and waits for news from somebody else before it serves again.
template <class P>
struct promise_while_waiting final : scenario {
  promise_while_waiting() {
    client.ask(on, 1, false);
    typename party<P>::received in;
    server.receive(in);
    server.answer(on, in.exchange, answer_to(1), true);
    client.poll_bells();
    client.waits_on = nullptr;
  }
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who == 0) {
      message answer{};
      require(client.sendrec(on, 2, answer, false) == ending::ok, "a request is answered");
      require(is_numbered(answer, answer_to(2)), "the answer is the one to this request, in one piece");
    } else if (who == 1) {
      server.wait_until(
          nullptr, nullptr, nullptr, [&] { return news.load() != 0; }, [] { return true; });
      server.keep_only({}, 100);
      typename party<P>::received in;
      server.receive(in);
      require(is_numbered(in.content, 2), "a request comes once, in one piece");
      require(server.answer(on, in.exchange, answer_to(2), false), "who waits can be answered");
    } else {
      news.exchange(1);
      server.ring(news_bell);
    }
  }
  void check() override {}

  static constexpr std::uint32_t news_bell = 1;
  party<P> client, server{news_bell};
  link_between<P> on{client, server};
  checked_atomic<std::uint32_t> news;
};

/// A request is relayed: its asker asks again elsewhere and tells the relayer, who waits for that. In the beginning the
/// relayer has taken the request by having looked, and the asker has yet to ring for it.
template <class P>
struct relaying final : scenario {
  relaying() {
    const message m = numbered(1);
    client.waits_on = &first;
    first.lines.put(slot_kind::request, ++first.sequence, &m, false);
    first.look();
    relayer.receive(in);
  }
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who == 0) {
      message answer{};
      relayer.ring(first.post_bell);
      require(client.await(first, answer, false) == ending::redirected, "the request is redirected");
      require(is_numbered(answer, 2), "the relayed request is in one piece");
      client.keep_only({}, 100);
      client.ask(second, 2, false, &first);
      require(client.await(second, answer, false) == ending::ok, "the relayed request is answered");
      require(is_numbered(answer, answer_to(2)), "the answer is the other server's");
    } else if (who == 1) {
      first.redirect_done.store(0, std::memory_order_relaxed);
      require(relayer.answer(first, in.exchange, 2, false, slot_kind::redirected), "who waits can be redirected");
      relayer.wait_until(
          nullptr, nullptr, nullptr, [&] { return first.redirect_done.load(std::memory_order_acquire) == in.exchange; },
          [] { return true; });
    } else {
      typename party<P>::received relayed;
      server.receive(relayed);
      require(is_numbered(relayed.content, 2), "the relayed request comes in one piece");
      require(server.answer(second, relayed.exchange, answer_to(2), false), "who waits can be answered");
    }
  }
  void check() override {}

  party<P> client, relayer, server;
  link_between<P> first{client, relayer}, second{client, server, 0, 1};
  typename party<P>::received in;
};

}  // namespace interleaving

#endif
