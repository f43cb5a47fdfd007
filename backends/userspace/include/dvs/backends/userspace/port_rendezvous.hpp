// SPDX-License-Identifier: MIT
/// @file
/// Rendezvous of the userspace backend: send, receive, sendrec, reply, relay.
///
/// Each has a local form, for partners of the same thread, which meet in plain memory, and a remote form, for partners
/// of other threads, which meet in the lines of their link.
#ifndef DVS_BACKENDS_USERSPACE_PORT_RENDEZVOUS_HPP
#define DVS_BACKENDS_USERSPACE_PORT_RENDEZVOUS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// What a wait that ended returns: partners that die because the DC ends are the end of the DC.
inline errc port::final_outcome(errc outcome) const {
  if (outcome == errc::ok) outcome = wait_.outcome;
  const bool partner_died = outcome == errc::source_died || outcome == errc::destination_died;
  return partner_died && (broker_->ended() || enter_unchecked() == errc::shut_down) ? errc::shut_down : outcome;
}

// ---- send ----

inline errc port::send(endpoint_id to, const message& m, timeout limit) {
  if (const errc refused = enter_waiting(call::send); refused != errc::ok) return refused;
  if (is_notification(m)) return errc::bad_argument;
  link* on = nullptr;
  const errc outcome = connect(to, false, errc::destination_died, errc::bad_destination, on);
  if (outcome != errc::ok) return outcome;
  if (send_as_answer(to, m)) return errc::ok;
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
  if (on.server_gone.load(std::memory_order_relaxed)) return errc::destination_died;
  if (to.accepts(id_, false)) {
    count(sent_);
    to.hand_over(id_, 0, m, true);
    return errc::ok;
  }
  if (limit.is_zero()) return errc::would_block;
  publish({activity::sending, false, 0, to.id_});
  open(on);
  wait_.kind = wait_kind::taken;
  wait_.on = &on;
  if (would_lock(on)) {
    close();
    published_running();
    return errc::locked;
  }
  on.local_message = &m;
  on.local_kind = slot_kind::send;
  on.ticket.store(to.next_ticket(false), std::memory_order_relaxed);
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
  on.ticket.store(to.next_ticket(true), std::memory_order_relaxed);
  const bool attended = !limit.is_zero() && !carrier_->has_ready();
  wait_.kind = wait_kind::taken;
  wait_.on = &on;
  if (on.lines.put(slot_kind::send, on.sequence, &m, attended)) to.carrier_->ring(on.post_bell);
  const auto poll = [&] {
    if (on.lines.send_outcome() != slot_kind::send) return true;
    return on.server_gone.load(std::memory_order_seq_cst) && on.lines.withdraw_send(on.sequence);
  };
  const auto withdraw = [&] { return on.lines.withdraw_send(on.sequence); };
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
      outcome = final_outcome(errc::destination_died);
  }
  close();
  return outcome;
}

// ---- sendrec ----

[[gnu::noinline]] inline errc port::sendrec_long(endpoint_id to, message& m, timeout limit) {
  if (const errc refused = enter_waiting(call::sendrec); refused != errc::ok) return refused;
  if (is_notification(m)) return errc::bad_argument;
  if (limit.is_zero()) return errc::would_block;
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  return follow_redirects(ask(to, m, limit, nullptr), m, deadline);
}

/// Asks `to` and waits for what comes of it. `relayer`: the server that sent us there.
inline errc port::ask(endpoint_id to, message& m, timeout limit, const std::shared_ptr<link>& relayer) {
  link* on = nullptr;
  errc outcome = connect(to, true, errc::peer_died, errc::bad_endpoint, on);
  if (outcome == errc::ok)
    outcome = on->local ? sendrec_local(*on, m, limit, relayer) : sendrec_remote(*on, m, limit, relayer);
  if (relayer != nullptr) tell_relayer(*relayer);
  return outcome;
}

/// Ends a sendrec, unless its request was relayed to another thread's server: then it is asked again there.
inline errc port::follow_redirects(errc outcome, message& m, std::int64_t deadline) {
  for (;;) {
    const endpoint_id redirect = wait_.redirect;
    std::shared_ptr<link> relayer;
    if (redirect != none && wait_.on != nullptr) relayer = asked_.find(wait_.on->server_id)->second;
    close();
    if (redirect == none) return outcome;
    const timeout rest = deadline < 0 ? forever : timeout(duration{std::max<std::int64_t>(deadline - monotonic_ns(), 1)});
    outcome = ask(redirect, m, rest, relayer);
  }
}

/// Lets the server go on that relayed the request, now that it was asked again.
inline void port::tell_relayer(link& relayer) {
  relayer.redirect_done.store(relayer.sequence, std::memory_order_release);
  relayer.server->carrier_->ring(relayer.post_bell);
}

inline errc port::sendrec_local(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer) {
  port& to = *on.server;
  carrier_->keep_promise();
  carrier_->poll_bells();
  if (on.server_gone.load(std::memory_order_relaxed)) return errc::peer_died;
  open(on);
  wait_.kind = wait_kind::answer;
  wait_.answer = &m;
  wait_.on = &on;
  wait_.sequence = on.sequence;
  published_state doing{activity::sending, false, 0, to.id_};
  if (to.accepts(id_, true)) {
    count(sent_);
    on.taken.store(on.sequence, std::memory_order_release);
    to.last_served_ = &on;
    doing.doing = activity::awaiting_reply;
    to.hand_over(id_, on.sequence, m, true);
  } else {
    publish(doing);
    if (would_lock(on)) {
      published_running();
      return errc::locked;
    }
    on.local_message = &m;
    on.local_kind = slot_kind::request;
    on.ticket.store(to.next_ticket(false), std::memory_order_relaxed);
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
  on.ticket.store(to.next_ticket(true), std::memory_order_relaxed);
  wait_.kind = wait_kind::answer;
  wait_.on = &on;
  const bool attended = !carrier_->has_ready();
  if (on.lines.put(slot_kind::request, on.sequence, &m, attended)) to.carrier_->ring(on.post_bell);
  if (relayer != nullptr) {
    publish({activity::awaiting_reply, false, 0, to.id_});
    tell_relayer(*relayer);
  }
  const auto poll = [&] {
    if (on.lines.exchange_outcome(on.sequence) != slot_kind::idle) return true;
    return on.server_gone.load(std::memory_order_seq_cst) && on.lines.cancel_exchange(on.sequence);
  };
  const errc outcome = wait_until({activity::awaiting_reply, false, 0, to.id_}, limit, &on, attended, poll,
                                  [&] { return on.lines.cancel_exchange(on.sequence); });
  if (outcome != errc::ok) return outcome;
  count(sent_);
  switch (on.lines.exchange_outcome(on.sequence)) {
    case slot_kind::answered:
      on.lines.answer.read(m);
      m.source = to.id_;
      count(received_);
      return errc::ok;
    case slot_kind::redirected:
      on.lines.answer.read(m);
      wait_.redirect = endpoint_id{on.redirect_to.load(std::memory_order_relaxed)};
      return errc::ok;
    case slot_kind::source_died:
      return final_outcome(errc::source_died);
    default:
      return final_outcome(errc::destination_died);
  }
}

// ---- receive ----

[[gnu::noinline]] inline errc port::receive_long(endpoint_id source, timeout limit, incoming& in) {
  if (const errc refused = enter_waiting(call::receive); refused != errc::ok) return refused;
  return receive_any(wait_kind::receive, source, limit, in);
}

inline errc port::receive_request(timeout limit, incoming& in) {
  if (const errc refused = enter_waiting(call::receive_request); refused != errc::ok) return refused;
  return receive_any(wait_kind::receive_request, any, limit, in);
}

inline errc port::receive_any(wait_kind kind, endpoint_id source, timeout limit, incoming& in) {
  link* on = nullptr;
  if (source != any)
    if (const errc refused = listen_to(source, on); refused != errc::ok) return refused;
  const bool requests_only = kind == wait_kind::receive_request;
  const auto attempt = [&] {
    return (!requests_only && take_notification(source, in)) || take_pending(source, requests_only, in);
  };
  carrier_->keep_promise();
  carrier_->poll_bells();
  if (attempt()) return errc::ok;
  if (limit.is_zero()) return errc::would_block;
  return wait_for_message(kind, source, limit, in, on);
}

/// Waits for a message; `on` leads to the one process it must come from, if it is one.
inline errc port::wait_for_message(wait_kind kind, endpoint_id source, timeout limit, incoming& in, link* on) {
  const bool requests_only = kind == wait_kind::receive_request;
  const auto attempt = [&] {
    return (!requests_only && take_notification(source, in)) || take_pending(source, requests_only, in);
  };
  wait_.kind = kind;
  wait_.source = source;
  wait_.into = &in;
  if (on != nullptr) {
    publish({activity::receiving, requests_only, 0, source});
    open(*on);
    wait_.on = on;
    if (would_lock(*on)) {
      close();
      published_running();
      return errc::locked;
    }
  }
  const bool remote = on != nullptr && !on->local;
  bool listening = false;
  const auto poll = [&] {
    if (wait_.done) return true;
    if (listening) {
      if (finish_listening(in)) return true;
      const bool something = notes_pending_.load(std::memory_order_acquire) != 0 || pending_first_ != nullptr ||
                             on->server_gone.load(std::memory_order_acquire);
      if (!something) return false;
      if (!on->lines.cancel_exchange(on->sequence)) return finish_listening(in);
      listening = false;
    }
    if (attempt()) return true;
    if (!remote) return false;
    if (on->server_gone.load(std::memory_order_seq_cst)) {
      wait_.outcome = errc::source_died;
      return true;
    }
    open(*on);
    wait_.sequence = on->sequence;
    on->lines.put(slot_kind::listening, on->sequence, nullptr, false);
    listening = true;
    if (!on->server_gone.load(std::memory_order_seq_cst)) return false;
    on->lines.cancel_exchange(on->sequence);
    wait_.outcome = errc::source_died;
    return true;
  };
  const auto give_up = [&] {
    if (wait_.done) return false;
    return !listening || on->lines.cancel_exchange(on->sequence);
  };
  errc outcome = wait_until({activity::receiving, requests_only, 0, source}, limit, nullptr, false, poll, give_up);
  outcome = final_outcome(outcome);
  close();
  return outcome;
}

/// Looks whether the partner that this port listens to answered, or died.
inline bool port::finish_listening(incoming& in) {
  link& on = *wait_.on;
  switch (on.lines.exchange_outcome(on.sequence)) {
    case slot_kind::idle:
      return false;
    case slot_kind::answered:
      on.lines.answer.read(in.content);
      in.content.source = on.server->id_;
      in.exchange = 0;
      count(received_);
      return true;
    default:
      wait_.outcome = errc::source_died;
      return true;
  }
}

inline bool port::take_pending(endpoint_id source, bool requests_only, incoming& in) {
  for (link* from = pending_first_; from != nullptr;) {
    link* const next = from->next;
    const slot_kind kind = from->local ? from->local_kind : from->seen.kind();
    const bool wanted = (source == any || from->asker->id_ == source) && (!requests_only || kind == slot_kind::request);
    if (wanted) {
      unlist(*from);
      if (take(*from, in)) return true;
    }
    from = next;
  }
  return false;
}

/// Takes the pending message of `from`; false when its sender gave up.
inline bool port::take(link& from, incoming& in) {
  port& asker = *from.asker;
  bool is_request;
  std::uint32_t sequence;
  if (from.local) {
    is_request = from.local_kind == slot_kind::request;
    sequence = from.sequence;
    in.content = *from.local_message;
    asker.count(asker.sent_);
    if (is_request) {
      asker.publish({activity::awaiting_reply, false, 0, id_});
    } else {
      from.local_open.store(false, std::memory_order_release);
      asker.complete(errc::ok);
    }
  } else {
    bool ring = false;
    if (!from.lines.take(from.seen, in.content, ring)) {
      from.look();  // it may have posted again meanwhile
      return false;
    }
    is_request = from.seen.kind() == slot_kind::request;
    sequence = from.seen.sequence();
    if (ring) asker.carrier_->ring(from.answer_bell);
    served_in_a_row_ = last_served_ == &from ? served_in_a_row_ + 1 : 0;
  }
  from.taken.store(sequence, std::memory_order_release);
  last_served_ = &from;
  in.content.source = asker.id_;
  in.exchange = is_request ? sequence : 0;
  count(received_);
  return true;
}

// ---- reply and relay ----

[[gnu::noinline]] inline errc port::reply_long(endpoint_id to, std::uint32_t exchange, const message& m) {
  if (const errc refused = enter(call::reply); refused != errc::ok) return refused;
  if (is_notification(m)) return errc::bad_argument;
  link* const on = asked_by(to);
  if (on == nullptr || on->asker_gone.load(std::memory_order_acquire)) return why_not_answerable(to);
  if (on->allowed_reply != broker_->epoch()) {
    const errc refused = broker_->may_address(*this, to, errc::destination_died);
    if (refused != errc::ok) return refused;
    on->allowed_reply = broker_->epoch();
  }
  return answer_link(*on, exchange, slot_kind::answered, m);
}

/// The error of an answer to somebody who has nothing open here.
inline errc port::why_not_answerable(endpoint_id to) {
  if (to == id_) return errc::bad_endpoint;
  const errc refused = broker_->may_address(*this, to, errc::destination_died);
  return refused == errc::ok ? errc::not_waiting : refused;
}

inline errc port::answer_link(link& on, std::uint32_t exchange, slot_kind kind, const message& m) {
  return on.local ? answer_local(on, exchange, kind, m) : answer_remote(on, exchange, kind, m);
}

inline errc port::answer_local(link& on, std::uint32_t exchange, slot_kind kind, const message& m) {
  port& asker = *on.asker;
  wait_record& theirs = asker.wait_;
  if (theirs.done || theirs.on != &on || on.pending) return errc::not_waiting;
  if (theirs.kind == wait_kind::receive && exchange == 0 && kind == slot_kind::answered) {
    if (asker.accepting_ == none) return errc::not_waiting;
    count(sent_);
    asker.hand_over(id_, 0, m, false);
    return errc::ok;
  }
  if (theirs.kind != wait_kind::answer || theirs.sequence != on.taken.load(std::memory_order_relaxed))
    return errc::not_waiting;
  if (exchange != 0 && exchange != on.taken.load(std::memory_order_relaxed)) return errc::not_waiting;
  *theirs.answer = m;
  if (kind == slot_kind::redirected) {
    theirs.redirect = endpoint_id{on.redirect_to.load(std::memory_order_relaxed)};
  } else {
    theirs.answer->source = id_;
    count(sent_);
    asker.count(asker.received_);
  }
  asker.complete(errc::ok);
  if (kind == slot_kind::redirected) theirs.on = nullptr;  // the relayer may be gone before the asker runs
  return errc::ok;
}

inline errc port::answer_remote(link& on, std::uint32_t exchange, slot_kind kind, const message& m) {
  const slot_state post(on.lines.post.state.load(std::memory_order_acquire));
  const bool asks = post.kind() == slot_kind::request && post.sequence() == on.taken.load(std::memory_order_relaxed);
  const bool listens = post.kind() == slot_kind::listening && exchange == 0;
  if (!asks && !listens) return errc::not_waiting;
  if (exchange != 0 && exchange != on.taken.load(std::memory_order_relaxed)) return errc::not_waiting;
  carrier_->note_cpu();
  // Who asks again and again is polled for its next request, and told so: it need not ring.
  const bool attend = last_served_ == &on && served_in_a_row_ > 0 && !carrier_->has_ready();
  if (kind == slot_kind::answered) count(sent_);  // before: the asker may look as soon as it has the answer
  const answer_outcome outcome = on.lines.put_answer(post.sequence(), kind, m, attend);
  if (outcome == answer_outcome::refused) {
    if (kind == slot_kind::answered) count(sent_, -1);
    return errc::not_waiting;
  }
  if (attend)
    carrier_->promise(on, on.lines.post.state, post.word(), *on.asker->carrier_);
  else
    carrier_->forget_promise(on);
  if (outcome == answer_outcome::delivered_ring) on.asker->carrier_->ring(on.answer_bell);
  return errc::ok;
}

inline errc port::relay(endpoint_id requester, std::uint32_t exchange, endpoint_id to, const message& m) {
  if (const errc refused = enter(call::relay); refused != errc::ok) return refused;
  link* const on = asked_by(requester);
  if (on == nullptr || on->asker_gone.load(std::memory_order_acquire)) {
    const errc gone = why_not_answerable(requester);
    return gone == errc::destination_died ? errc::source_died : gone;
  }
  if (to == id_ || to == requester) return errc::bad_endpoint;
  errc refused = broker_->may_address(*this, to, errc::destination_died);
  if (refused == errc::ok) refused = broker_->may_converse(*on->asker, to);
  if (refused != errc::ok) return refused;
  if (exchange == 0) exchange = on->taken.load(std::memory_order_relaxed);
  if (on->local) return relay_local(*on, exchange, to, m);
  if (waiting_) return errc::process_running;
  const auto held = served_.find(requester)->second;  // outlives a requester that dies meanwhile
  on->redirect_done.store(0, std::memory_order_relaxed);
  on->redirect_to.store(number(to), std::memory_order_relaxed);
  refused = answer_remote(*on, exchange, slot_kind::redirected, m);
  if (refused != errc::ok) return refused;
  // The requester asks again by itself, from its own thread.
  return wait_until(
      {activity::awaiting_reply, false, 0, requester}, forever, nullptr, false,
      [&] { return on->redirect_done.load(std::memory_order_acquire) == exchange || on->asker_gone.load(); },
      [] { return true; });
}

/// Relays a request of the same thread: its caller waits for somebody else from here on.
inline errc port::relay_local(link& on, std::uint32_t exchange, endpoint_id to, const message& m) {
  port& asker = *on.asker;
  wait_record& theirs = asker.wait_;
  if (theirs.kind != wait_kind::answer || theirs.on != &on || theirs.done || on.pending ||
      theirs.sequence != on.taken.load(std::memory_order_relaxed) ||
      exchange != on.taken.load(std::memory_order_relaxed))
    return errc::not_waiting;
  link* onward = nullptr;
  const errc refused = asker.connect(to, true, errc::destination_died, errc::bad_endpoint, onward);
  if (refused != errc::ok) return refused;
  if (!onward->local) {
    on.redirect_to.store(number(to), std::memory_order_relaxed);
    return answer_local(on, exchange, slot_kind::redirected, m);
  }
  port& server = *onward->server;
  on.local_open.store(false, std::memory_order_release);
  asker.open(*onward);
  theirs.on = onward;
  theirs.sequence = onward->sequence;
  if (server.accepts(asker.id_, true)) {
    onward->taken.store(onward->sequence, std::memory_order_release);
    server.last_served_ = onward;
    asker.publish({activity::awaiting_reply, false, 0, to});
    server.hand_over(asker.id_, onward->sequence, m, false);
    return errc::ok;
  }
  *theirs.answer = m;
  onward->local_message = theirs.answer;
  onward->local_kind = slot_kind::request;
  onward->ticket.store(server.next_ticket(false), std::memory_order_relaxed);
  asker.publish({activity::sending, false, 0, to});
  server.enlist(*onward);
  return errc::ok;
}

}  // namespace dvs::userspace

#endif
