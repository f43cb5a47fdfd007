// SPDX-License-Identifier: MIT
/// @file
/// The code around channels and doorbells, reduced to what touches shared memory, step for step in the same order:
/// `carrier_impl.hpp` (suspend, idle, spin, sleep, promises), `link_impl.hpp` (rung), `port_impl.hpp` (wait_until,
/// drop_links), and the remote forms of `port_send.hpp`, `port_receive.hpp` and `port_answer.hpp`. Each function names
/// the one it stands for. Left out: other tasks of the same thread, tickets, privileges, the search for cycles.
/// `keep_only` marks where values that were read are forgotten.
#ifndef TESTS_UNIT_INTERLEAVING_PARTIES_HPP
#define TESTS_UNIT_INTERLEAVING_PARTIES_HPP

#include <array>
#include <utility>

#include "links.hpp"

namespace interleaving {

/// Stands for a thread with one task and its port: `carrier` and `port`.
template <class P>
struct party {
  using link = link_between<P>;
  enum class end { done, gave_up };

  static constexpr std::uint32_t no_bell = ~std::uint32_t{0};
  /// `bell_of_port`: rings for what concerns the port itself (port::rung).
  explicit party(std::uint32_t bell_of_port = no_bell) : own_bell(bell_of_port) {}

  struct begin_names {
    begin_names() { machine::here().name_words("bells"); }
  } names;
  typename P::doorbell bells;
  struct source {
    link* on;
    std::uint32_t bell;
    bool post_side;
  };
  const std::uint32_t own_bell;
  std::array<source, 4> sources{};
  std::size_t source_count = 0;
  link* keeper = nullptr;  // whom a promise was given
  std::uint32_t promised_seen = 0;
  link* waits_on = nullptr;
  bool suspended = false, ready = false, accepting = false, receives = false, is_listening = false;

  /// Everything that this party remembers apart from the arguments and results of its calls.
  [[nodiscard]] std::uint64_t remembers() const {
    machine::hash all;
    all.mix((suspended ? 1U : 0U) | (ready ? 2U : 0U) | (accepting ? 4U : 0U) | (receives ? 8U : 0U) |
            (is_listening ? 16U : 0U));
    for (std::size_t i = 0; i < source_count; ++i) {
      const link& on = *sources[i].on;
      if (sources[i].post_side) {
        all.mix(on.taken_last);
        all.mix(on.pending ? on.seen.word() : 0);
        all.mix(keeper == &on ? promised_seen : 0);
      } else {
        all.mix(on.sequence << 1 | (waits_on == &on ? 1U : 0U));
      }
    }
    return all.one;
  }
  /// See `machine::keep_only`; what the party remembers is kept.
  void keep_only(const machine::hash& before, std::uint64_t place, std::uint64_t what = 0) const {
    machine::here().keep_only(before, place, {what, remembers()});
  }
  static machine::hash learnt() { return machine::here().learnt(); }

  // ---- carrier ----

  /// Called by others.
  void ring(std::uint32_t bell) {
    const machine::hash before = learnt();
    if (bells.ring(bell)) machine::here().futex_wake(bells.sleep_word()->word());
    machine::here().keep_only(before, 1, {});
  }
  /// port::alert and carrier::make_ready
  void alert() {
    accepting = false;
    if (suspended) ready = true;
  }
  /// carrier::collect_bells, link::post_side::rung, link::answer_side::rung
  void collect_bells() {
    const machine::hash before = learnt();
    bells.collect([this](std::uint32_t bell) {
      if (bell == own_bell) alert();
      for (std::size_t i = 0; i < source_count; ++i) {
        if (sources[i].bell != bell) continue;
        link& on = *sources[i].on;
        if (sources[i].post_side) {
          on.look();
          if (on.redirect_done.load(std::memory_order_acquire) != 0) alert();
        } else if (waits_on == &on) {
          alert();
        }
      }
    });
    keep_only(before, 2);
  }
  void poll_bells() {
    if (bells.rung()) collect_bells();
  }
  void promise(link& on, std::uint32_t seen) {
    if (keeper != nullptr && keeper != &on) retract_promise();
    keeper = &on;
    promised_seen = seen;
  }
  [[nodiscard]] bool promise_due() const {
    return keeper != nullptr && keeper->lines.post.state.load(std::memory_order_acquire) != promised_seen;
  }
  void keep_promise() {
    if (promise_due()) promised_seen = keeper->look();
  }
  void retract_promise() {
    if (keeper != nullptr) std::exchange(keeper, nullptr)->retract();
  }
  void forget_promise(link& on) {
    if (keeper == &on) keeper = nullptr;
  }
  /// carrier::spin. One round stands for any number: that it comes at any time is the machine's choice.
  bool spin(const state_word* word, std::uint32_t seen) {
    const bool word_changed = word != nullptr && word->load(std::memory_order_acquire) != seen;
    if (word_changed || promise_due() || bells.rung()) {
      keep_promise();
      poll_bells();
      return true;
    }
    return false;
  }
  void sleep(const deadline_word* deadline) {
    if (bells.prepare_sleep())
      machine::here().futex_wait(bells.sleep_word()->word(), 1,
                                 deadline == nullptr ? machine::no_word : deadline->word());
    bells.awake();
    if (deadline != nullptr && deadline->load()) ready = true;  // carrier::run_timers
  }
  void idle(const state_word* word, std::uint32_t seen, bool allowed, const deadline_word* deadline) {
    if (allowed && spin(word, seen)) return;
    if (word != nullptr) return;
    retract_promise();
    if (!ready) sleep(deadline);
    poll_bells();
  }
  void suspend(const state_word* word, std::uint32_t seen, bool allowed, const deadline_word* deadline) {
    suspended = true;
    poll_bells();
    const machine::hash before = learnt();
    while (!ready) {
      keep_only(before, 4);
      idle(word, seen, allowed, deadline);
      if (word != nullptr) break;
    }
    suspended = ready = false;
    keep_only(before, 5);
  }

  // ---- port ----

  /// port::wait_until
  template <class Poll, class GiveUp>
  end wait_until(link* on, const state_word* word, const deadline_word* deadline, Poll&& poll, GiveUp&& give_up) {
    const std::uint32_t seen = word == nullptr ? 0 : word->load(std::memory_order_acquire);
    bool allowed = true;
    const machine::hash before = learnt();
    for (;;) {
      accepting = false;
      keep_only(before, 3, word == nullptr ? 0 : 1);
      if (poll()) return end::done;
      if (deadline != nullptr && deadline->load()) {
        if (give_up()) return end::gave_up;
        continue;
      }
      accepting = receives;
      keep_only(before, 10, word == nullptr ? 0 : 1);
      suspend(word, seen, allowed, deadline);
      if (word != nullptr) {
        on->lines.stop_attending_post();
        word = nullptr;
        allowed = false;
        if (!P::looks_after_stopping_to_attend) suspend(nullptr, 0, false, deadline);
      }
    }
  }

  /// port::send_remote
  ending send(link& on, std::uint32_t number, bool attended, const deadline_word* deadline = nullptr) {
    ++on.sequence;
    waits_on = &on;
    const message m = numbered(number);
    const machine::hash before = learnt();
    if (on.lines.put(slot_kind::send, on.sequence, &m, attended)) on.server.ring(on.post_bell);
    keep_only(before, 6);
    const end how = wait_until(
        &on, attended ? &on.lines.post.state : nullptr, deadline,
        [&] {
          if (on.lines.send_outcome() != slot_kind::send) return true;
          return P::asks_whether_server_is_gone && on.server_gone.load() && on.lines.withdraw_send(on.sequence);
        },
        [&] { return on.lines.withdraw_send(on.sequence); });
    waits_on = nullptr;
    if (how == end::gave_up) return ending::gave_up;
    return on.lines.send_outcome() == slot_kind::taken ? ending::ok : ending::destination_died;
  }

  /// port::sendrec_remote
  ending sendrec(link& on, std::uint32_t number, message& answer, bool attended,
                 const deadline_word* deadline = nullptr) {
    ask(on, number, attended);
    return await(on, answer, attended, deadline);
  }
  /// Its first half.
  void ask(link& on, std::uint32_t number, bool attended, link* relayer = nullptr) {
    ++on.sequence;
    waits_on = &on;
    const message m = numbered(number);
    const machine::hash before = learnt();
    if (on.lines.put(slot_kind::request, on.sequence, &m, attended)) on.server.ring(on.post_bell);
    keep_only(before, 6);
    if (relayer != nullptr) {  // port::tell_relayer
      relayer->redirect_done.store(relayer->sequence, P::redirect_done_order);
      relayer->server.ring(relayer->post_bell);
    }
  }
  /// Its second half.
  ending await(link& on, message& answer, bool attended, const deadline_word* deadline = nullptr) {
    const end how = wait_until(
        &on, attended ? &on.lines.answer.state : nullptr, deadline,
        [&] {
          if (on.lines.exchange_outcome(on.sequence) != slot_kind::idle) return true;
          return P::asks_whether_server_is_gone && on.server_gone.load() && on.lines.cancel_exchange(on.sequence);
        },
        [&] { return on.lines.cancel_exchange(on.sequence); });
    waits_on = nullptr;
    if (how == end::gave_up) return ending::gave_up;
    switch (on.lines.exchange_outcome(on.sequence)) {
      case slot_kind::answered:
        on.lines.answer.read(answer);
        return ending::ok;
      case slot_kind::redirected:
        on.lines.answer.read(answer);
        return ending::redirected;
      case slot_kind::source_died:
        return ending::source_died;
      default:
        return on.taken.load() == on.sequence ? ending::source_died : ending::destination_died;
    }
  }

  struct received {
    link* from = nullptr;
    message content{};
    std::uint32_t exchange = 0;
  };

  /// port::receive_any from anybody. False: the deadline passed.
  bool receive(received& in, const deadline_word* deadline = nullptr) {
    const machine::hash before = learnt();
    keep_promise();
    poll_bells();
    if (take_pending(in)) return true;
    receives = true;
    keep_only(before, 11);
    const end how = wait_until(
        nullptr, nullptr, deadline, [&] { return take_pending(in); }, [] { return true; });
    receives = false;
    return how == end::done;
  }

  /// port::take_pending
  bool take_pending(received& in) {
    for (std::size_t i = 0; i < source_count;) {
      const bool wanted = sources[i].post_side && std::exchange(sources[i].on->pending, false);
      if (wanted && take(*sources[i].on, in)) return true;
      i = wanted && P::walks_again_when_too_late ? 0 : i + 1;
    }
    return false;
  }

  /// port::take
  bool take(link& from, received& in) {
    bool must_ring = false;
    const machine::hash before = learnt();
    if (!from.lines.take(from.seen, in.content, must_ring)) {
      keep_only(before, 8);
      from.look();
      return false;
    }
    if (must_ring) from.asker.ring(from.answer_bell);
    keep_only(before, 7, content_of(in.content));
    from.taken.store(from.taken_last = from.seen.sequence(), std::memory_order_release);
    in.from = &from;
    in.exchange = from.seen.kind() == slot_kind::request ? from.taken_last : 0;
    return true;
  }

  /// port::answer_remote. False: nobody waits for it.
  bool answer(link& on, std::uint32_t exchange, std::uint32_t number, bool attend,
              slot_kind kind = slot_kind::answered) {
    const machine::hash before = learnt();
    const slot_state post(on.lines.post.state.load(std::memory_order_acquire));
    const bool asks = post.kind() == slot_kind::request && post.sequence() == on.taken_last;
    const bool listens = post.kind() == slot_kind::listening && exchange == 0;
    if (!asks && !listens) return false;
    if (exchange != 0 && exchange != on.taken_last) return false;
    const answer_outcome outcome = on.lines.put_answer(post.sequence(), kind, numbered(number), attend);
    if (outcome == answer_outcome::refused) return false;
    if (attend)
      promise(on, post.word());
    else
      forget_promise(on);
    if (outcome == answer_outcome::delivered_ring) on.asker.ring(on.answer_bell);
    keep_only(before, 9);
    return true;
  }

  /// port::receive_any from one partner that may answer without having been asked (port::finish_listening).
  ending listen(link& on, message& answer, const deadline_word* deadline) {
    waits_on = &on;
    ending result = ending::ok;
    const auto finish_listening = [&] {
      switch (on.lines.exchange_outcome(on.sequence)) {
        case slot_kind::idle:
          return false;
        case slot_kind::answered:
          on.lines.answer.read(answer);
          return true;
        default:
          result = ending::source_died;
          return true;
      }
    };
    const auto poll = [&] {
      if (is_listening) {
        if (finish_listening()) return true;
        if (!on.server_gone.load(std::memory_order_acquire)) return false;
        if (!on.lines.cancel_exchange(on.sequence)) return finish_listening();
        is_listening = false;
      }
      if (on.server_gone.load()) {
        result = ending::source_died;
        return true;
      }
      ++on.sequence;
      on.lines.put(slot_kind::listening, on.sequence, nullptr, false);
      is_listening = true;
      if (!P::asks_whether_server_is_gone || !on.server_gone.load()) return false;
      on.lines.cancel_exchange(on.sequence);
      result = ending::source_died;
      return true;
    };
    const end how = wait_until(nullptr, nullptr, deadline, poll,
                               [&] { return !is_listening || on.lines.cancel_exchange(on.sequence); });
    waits_on = nullptr;
    is_listening = false;
    return how == end::gave_up ? ending::gave_up : result;
  }

  /// port::drop_links, for one link on the server's side
  void die(link& on) {
    on.server_gone.store(true);
    on.lines.die(on.taken_last);
    on.asker.ring(on.answer_bell);
    forget_promise(on);
  }
};

}  // namespace interleaving

#endif
