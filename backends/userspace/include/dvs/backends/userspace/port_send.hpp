// SPDX-License-Identifier: MIT
/// @file
/// Sending and asking.
///
/// Each operation has a local form, for partners of the same thread, which meet in plain memory, and a remote form, for
/// partners of other threads, which meet in the lines of their link.
#ifndef DVS_BACKENDS_USERSPACE_PORT_SEND_HPP
#define DVS_BACKENDS_USERSPACE_PORT_SEND_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// What a wait that ended returns: partners that die because the DC ends are the end of the DC.
inline errc port::final_outcome(errc outcome) const {
  if (outcome == errc::ok) outcome = wait_.outcome;
  const bool partner_died = outcome == errc::source_died || outcome == errc::destination_died;
  return partner_died && !is_ghost() && (broker_->ended() || enter_unchecked() == errc::shut_down) ? errc::shut_down
                                                                                                   : outcome;
}

/// The error of an operation whose partner is not there any more, and has not taken it.
inline errc port::why_gone(const port& partner, errc died) const {
  if (partner.has_moved()) return moved_on;
  return partner.is_lost() ? errc::not_connected : died;
}

template <class Operation>
errc port::until_settled(timeout limit, Operation&& operation) {
  const bool is_limited = !limit.is_forever() && !limit.is_zero();
  const std::int64_t deadline = is_limited ? monotonic_ns() + limit.length().count() : 0;
  for (;;) {
    const errc outcome = operation(limit);
    if (outcome != moved_on) return outcome;
    if (is_limited) limit = timeout(duration{std::max<std::int64_t>(deadline - monotonic_ns(), 1)});
  }
}

inline errc port::send(endpoint_id to, const message& m, timeout limit) {
  return until_settled(limit, [&](timeout rest) { return send_once(to, m, rest); });
}

inline errc port::send_once(endpoint_id to, const message& m, timeout limit) {
  if (const errc refused = enter_waiting(call::send); refused != errc::ok) return refused;
  if (is_notification(m)) return errc::bad_argument;
  link* on = nullptr;
  const errc outcome = connect(to, false, errc::destination_died, errc::bad_destination, on);
  if (outcome != errc::ok) return outcome;
  if (send_as_answer(to, m)) return errc::ok;
  if (limit.is_zero() && on->direct) on = through_gateway(*on);  // what the receiver does is known there
  if (on->across && !limit.is_zero()) on = shorten(*on);
  if (on->across) return send_across(*on, m, limit);
  return on->local ? send_local(*on, m, limit) : send_remote(*on, m, limit);
}

/// MINIX rule: a send to a process that waits for this one's answer is the answer.
inline bool port::send_as_answer(endpoint_id to, const message& m) {
  link* const back = asked_by(to);
  if (back == nullptr || back->asker_gone.load(std::memory_order_acquire)) return false;
  if (back->local) {
    const wait_record& theirs = back->asker->wait_;
    if (theirs.kind != wait_kind::answer || theirs.on != back || theirs.done || back->pending) return false;
    return answer_local(*back, 0, slot_kind::answered, m) == errc::ok;
  }
  const slot_state post(back->lines.post.state.load(std::memory_order_acquire));
  if (post.kind() != slot_kind::request || post.sequence() != back->taken.load(std::memory_order_relaxed)) return false;
  return answer_remote(*back, post.sequence(), slot_kind::answered, m) == errc::ok;
}

inline void port::hand_over(endpoint_id from, std::uint32_t exchange, const message& m, bool first) {
  wait_.into->content = m;
  wait_.into->content.source = from;
  wait_.into->exchange = exchange;
  count(received_);
  complete(errc::ok, first);
}

inline errc port::send_local(link& on, const message& m, timeout limit) {
  port& to = *on.server;
  carrier_->keep_promise();
  carrier_->poll_bells();  // what came from other threads before is served before
  if (on.server_gone.load(std::memory_order_relaxed)) return broker_->gone(why_gone(to, errc::destination_died));
  if (to.accepts(id_, false)) {
    count(sent_);
    to.hand_over(id_, 0, m, true);
    return errc::ok;
  }
  if (limit.is_zero()) return errc::would_block;
  on.ticket.store(to.next_ticket(false), std::memory_order_relaxed);  // before: who sees this wait comes after it
  open(on);
  publish({activity::sending, false, 0, to.id_});
  wait_.kind = wait_kind::taken;
  wait_.on = &on;
  if (would_lock(on)) {
    close();
    published_running();
    return errc::locked;
  }
  on.local_message = &m;
  on.local_kind = slot_kind::send;
  to.enlist(on);
  errc outcome = wait_until(
      {activity::sending, false, 0, to.id_}, limit, nullptr, false, [&] { return wait_.done; },
      [&] {
        if (wait_.done) return false;
        to.unlist(on);
        return true;
      });
  outcome = final_outcome(outcome);
  close();
  return outcome;
}

/// Says when a message for another thread or process came.
inline void port::draw_ticket(link& on) {
  if (on.direct)
    on.direct->shared().ticket.store(ticks(), std::memory_order_relaxed);
  else
    on.ticket.store(on.server->next_ticket(true), std::memory_order_relaxed);
}

inline errc port::send_remote(link& on, const message& m, timeout limit) {
  port& to = *on.server;
  const std::uint64_t their_state = to.state_.load(std::memory_order_acquire);
  if (limit.is_zero()) {
    const auto theirs = published_state::from(their_state);
    if (theirs.doing != activity::receiving || theirs.requests_only || (theirs.peer != any && theirs.peer != id_))
      return errc::would_block;
  }
  carrier_->note_cpu();
  open(on);
  draw_ticket(on);
  const bool attended = !limit.is_zero() && carrier_->may_poll_for(on.server_cpu);
  wait_.kind = wait_kind::taken;
  wait_.on = &on;
  if (on.lines.put(slot_kind::send, on.sequence(), &m, attended)) on.ring_server();
  const auto poll = [&] {
    if (on.lines.send_outcome() != slot_kind::send) return true;
    return on.server_gone.load(std::memory_order_seq_cst) && on.lines.withdraw_send(on.sequence());
  };
  const auto withdraw = [&] { return on.lines.withdraw_send(on.sequence()); };
  errc outcome;
  if (limit.is_zero()) {
    // The destination was waiting: it takes this message, or another one, as soon as it runs.
    do {
      outcome = wait_until({activity::sending, false, 0, to.id_}, std::chrono::microseconds(50), nullptr, false, poll,
                           [] { return true; });
      if (outcome == errc::cancelled) control_.fetch_or(control_cancel, std::memory_order_relaxed);
    } while (outcome == errc::timed_out && to.state_.load(std::memory_order_acquire) == their_state);
    if (outcome != errc::ok) outcome = withdraw() ? errc::would_block : errc::ok;
  } else {
    outcome = wait_until({activity::sending, false, 0, to.id_}, limit, &on, attended, poll, withdraw);
  }
  if (outcome == errc::ok) {
    if (on.lines.send_outcome() == slot_kind::taken)
      count(sent_);
    else
      outcome = final_outcome(why_gone(to, errc::destination_died));
  }
  close();
  return outcome;
}

[[gnu::noinline]] inline errc port::sendrec_long(endpoint_id to, message& m, timeout limit) {
  if (const errc refused = enter_waiting(call::sendrec); refused != errc::ok) return refused;
  if (is_notification(m)) return errc::bad_argument;
  if (limit.is_zero()) return errc::would_block;
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  const errc outcome = follow_redirects(ask(to, m, limit, nullptr), m, deadline);
  if (outcome == errc::ok) note_answer(m);
  return outcome;
}

/// Asks `to` and waits for what comes of it. `relayer`: the server that sent us there.
inline errc port::ask(endpoint_id to, message& m, timeout limit, const std::shared_ptr<link>& relayer) {
  link* on = nullptr;
  errc outcome = connect(to, true, errc::peer_died, errc::bad_endpoint, on);
  if (outcome == errc::ok && on->across) on = shorten(*on);
  if (outcome == errc::ok && on->across)
    outcome = sendrec_across(*on, m, limit, relayer);
  else if (outcome == errc::ok)
    outcome = on->local ? sendrec_local(*on, m, limit, relayer) : sendrec_remote(*on, m, limit, relayer);
  if (relayer != nullptr) tell_relayer(*relayer);
  return outcome;
}

/// Ends a sendrec, unless its request was relayed to another thread's server: then it is asked again there.
inline errc port::follow_redirects(errc outcome, message& m, std::int64_t deadline) {
  for (;;) {
    const endpoint_id redirect = wait_.redirect;
    std::shared_ptr<link> relayer;
    if (redirect != none && wait_.on != nullptr) relayer = asked_like(*wait_.on).find(wait_.on->server_id)->second;
    close();
    if (redirect == none) return outcome;
    const timeout rest =
        deadline < 0 ? forever : timeout(duration{std::max<std::int64_t>(deadline - monotonic_ns(), 1)});
    outcome = ask(redirect, m, rest, relayer);
  }
}

/// Lets the server go on that relayed the request, now that it was asked again.
inline void port::tell_relayer(link& relayer) {
  relayer.redirect_done.store(relayer.sequence(), std::memory_order_release);
  relayer.ring_server();
}

inline errc port::sendrec_local(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer) {
  port& to = *on.server;
  carrier_->keep_promise();
  carrier_->poll_bells();
  if (on.server_gone.load(std::memory_order_relaxed)) {
    if (!to.has_moved()) return broker_->gone(errc::peer_died);
    wait_.redirect = to.id_;
    return errc::ok;
  }
  open(on);
  wait_.kind = wait_kind::answer;
  wait_.answer = &m;
  wait_.on = &on;
  published_state doing{activity::sending, false, 0, to.id_};
  if (to.accepts(id_, true)) {
    count(sent_);
    on.taken.store(on.sequence(), std::memory_order_release);
    to.last_served_ = &on;
    doing.doing = activity::awaiting_reply;
    to.hand_over(id_, on.sequence(), m, true);
  } else {
    on.ticket.store(to.next_ticket(false), std::memory_order_relaxed);
    publish(doing);
    if (would_lock(on)) {
      published_running();
      return errc::locked;
    }
    on.local_message = &m;
    on.local_kind = slot_kind::request;
    to.enlist(on);
  }
  if (relayer != nullptr) {
    publish(doing);
    tell_relayer(*relayer);
  }
  return wait_for_answer(doing, limit);
}

/// Waits for the answer of a server of the same thread.
inline errc port::wait_for_answer(published_state doing, timeout limit) {
  const errc outcome = wait_until(
      doing, limit, nullptr, false, [&] { return wait_.done; },
      [&] {
        if (wait_.done) return false;
        wait_.on->server->unlist(*wait_.on);  // not necessarily the link that was asked on: it may have been relayed
        return true;
      });
  return final_outcome(outcome);
}

inline errc port::sendrec_remote(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer) {
  port& to = *on.server;
  carrier_->note_cpu();
  open(on);
  draw_ticket(on);
  wait_.kind = wait_kind::answer;
  wait_.on = &on;
  const bool attended = carrier_->may_poll_for(on.server_cpu);
  if (on.lines.put(slot_kind::request, on.sequence(), &m, attended)) on.ring_server();
  if (relayer != nullptr) {
    publish({activity::awaiting_reply, false, 0, to.id_});
    tell_relayer(*relayer);
  }
  const auto poll = [&] {
    if (on.lines.exchange_outcome(on.sequence()) != slot_kind::idle) return true;
    return on.server_gone.load(std::memory_order_seq_cst) && on.lines.cancel_exchange(on.sequence());
  };
  const errc outcome = wait_until({activity::awaiting_reply, false, 0, to.id_}, limit, &on, attended, poll,
                                  [&] { return on.lines.cancel_exchange(on.sequence()); });
  if (outcome != errc::ok) return outcome;
  const slot_kind ended = on.lines.exchange_outcome(on.sequence());
  const bool taken = on.taken.load(std::memory_order_acquire) == on.sequence();
  if (ended != slot_kind::answered && ended != slot_kind::redirected && to.has_moved() && !taken) {
    wait_.redirect = to.id_;
    wait_.on = nullptr;
    return errc::ok;
  }
  count(sent_);
  switch (ended) {
    case slot_kind::answered:
      on.lines.answer.read(m);
      m.source = to.id_;
      count(received_);
      return errc::ok;
    case slot_kind::redirected:
      on.lines.answer.read(m);
      wait_.redirect = endpoint_id{on.redirect_to.load(std::memory_order_relaxed)};
      return errc::ok;
    default:
      return final_outcome(to.is_lost() ? errc::not_connected : taken ? errc::source_died : errc::destination_died);
  }
}

}  // namespace dvs::userspace

#endif
