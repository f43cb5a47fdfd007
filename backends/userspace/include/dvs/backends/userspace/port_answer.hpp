// SPDX-License-Identifier: MIT
/// @file
/// Answering a request, and relaying it to another server.
#ifndef DVS_BACKENDS_USERSPACE_PORT_ANSWER_HPP
#define DVS_BACKENDS_USERSPACE_PORT_ANSWER_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

[[gnu::noinline]] inline errc port::reply_long(endpoint_id to, std::uint32_t exchange, const message& m) {
  if (const errc refused = enter(call::reply); refused != errc::ok) return refused;
  if (is_notification(m)) return errc::bad_argument;
  link* const on = asked_by(to);
  if (on == nullptr || on->asker_gone.load(std::memory_order_acquire)) return reply_unasked(to, exchange, m);
  if (on->allowed_reply != broker_->epoch()) {
    const errc refused = broker_->may_address(*this, to, errc::destination_died);
    if (refused != errc::ok) return refused;
    on->allowed_reply = broker_->epoch();
  }
  const errc outcome = answer_link(*on, exchange, slot_kind::answered, m);
  return outcome == errc::not_waiting ? reply_unasked(to, exchange, m) : outcome;
}

/// Answers a process that has asked nothing: it may wait in a receive, on another node.
inline errc port::reply_unasked(endpoint_id to, std::uint32_t exchange, const message& m) {
  const errc refused = why_not_answerable(to);
  const auto other = refused == errc::not_waiting && exchange == 0 ? broker_->port_of(to) : nullptr;
  if (other == nullptr || !other->is_ghost()) return refused;
  across_command answer;
  address(answer, DVK_FRAME_reply, to, other->node_);
  answer.ask.message = std::bit_cast<dvk_message>(m);
  const errc outcome = across_wait(carrier_).carry_out(*broker_->outside(), answer);
  if (answer.is_here_now) return reply_long(to, exchange, m);
  if (outcome == errc::ok) count(sent_);
  return outcome;
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
  if (theirs.kind != wait_kind::answer || on.sequence() != on.taken.load(std::memory_order_relaxed))
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
  const bool attend = last_served_ == &on && served_in_a_row_ > 0 && carrier_->may_poll_for(on.asker_cpu);
  if (kind == slot_kind::answered) count(sent_);  // before: the asker may look as soon as it has the answer
  const answer_outcome outcome = on.lines.put_answer(post.sequence(), kind, m, attend);
  if (outcome == answer_outcome::refused) {
    if (kind == slot_kind::answered) count(sent_, -1);
    return errc::not_waiting;
  }
  if (attend)
    carrier_->promise(on, on.lines.post.state, post.word(), on.asker_cpu);
  else
    carrier_->forget_promise(on);
  if (outcome == answer_outcome::delivered_ring) on.ring_asker();
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
  if (waiting_task_ != nullptr) return errc::process_running;
  const auto held = served_like(*on).find(requester)->second;  // outlives a requester that dies meanwhile
  on->redirect_done.store(0, std::memory_order_relaxed);
  on->redirect_to.store(number(to), std::memory_order_relaxed);
  refused = answer_remote(*on, exchange, slot_kind::redirected, m);
  if (refused != errc::ok) return refused;
  // The requester asks again by itself, from its own thread. One of another process may be stopped, or not want to.
  const timeout patience = on->direct ? timeout(std::chrono::milliseconds(100)) : forever;
  const errc outcome = wait_until(
      {activity::awaiting_reply, false, 0, requester}, patience, nullptr, false,
      [&] { return on->redirect_done.load(std::memory_order_acquire) == exchange || on->asker_gone.load(); },
      [] { return true; });
  return outcome == errc::timed_out ? errc::ok : outcome;
}

/// Relays a request of the same thread: its caller waits for somebody else from here on.
inline errc port::relay_local(link& on, std::uint32_t exchange, endpoint_id to, const message& m) {
  port& asker = *on.asker;
  wait_record& theirs = asker.wait_;
  if (theirs.kind != wait_kind::answer || theirs.on != &on || theirs.done || on.pending ||
      on.sequence() != on.taken.load(std::memory_order_relaxed) || exchange != on.taken.load(std::memory_order_relaxed))
    return errc::not_waiting;
  link* onward = nullptr;
  const errc refused = asker.connect(to, true, errc::destination_died, errc::bad_endpoint, onward);
  if (refused != errc::ok) return refused;
  if (!onward->local || onward->across) {
    on.redirect_to.store(number(to), std::memory_order_relaxed);
    return answer_local(on, exchange, slot_kind::redirected, m);
  }
  port& server = *onward->server;
  asker.open(*onward);
  theirs.on = onward;
  if (server.accepts(asker.id_, true)) {
    onward->taken.store(onward->sequence(), std::memory_order_release);
    server.last_served_ = onward;
    asker.publish({activity::awaiting_reply, false, 0, to});
    server.hand_over(asker.id_, onward->sequence(), m, false);
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
