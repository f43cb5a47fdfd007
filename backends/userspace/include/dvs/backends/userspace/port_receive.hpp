// SPDX-License-Identifier: MIT
/// @file
/// Receiving: notifications first, then messages in the order in which they came.
#ifndef DVS_BACKENDS_USERSPACE_PORT_RECEIVE_HPP
#define DVS_BACKENDS_USERSPACE_PORT_RECEIVE_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

[[gnu::noinline]] inline errc port::receive_long(endpoint_id source, timeout limit, incoming& in) {
  const errc outcome = until_settled(limit, [&](timeout rest) {
    if (const errc refused = enter_waiting(call::receive); refused != errc::ok) return refused;
    return receive_any(wait_kind::receive, source, rest, in);
  });
  if (outcome == errc::ok) note_came(in);
  return outcome;
}

inline errc port::receive_request(timeout limit, incoming& in) {
  if (const errc refused = enter_waiting(call::receive_request); refused != errc::ok) return refused;
  const errc outcome = receive_any(wait_kind::receive_request, any, limit, in);
  if (outcome == errc::ok) note_came(in);
  return outcome;
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
  const bool rests = !limit.is_zero() && comes_to_rest(source);  // who only polls does not rest
  if (!rests && attempt()) return errc::ok;
  if (limit.is_zero()) return errc::would_block;
  return wait_for_message(kind, source, limit, in, on);
}

/// Waits for a message; `on` leads to the one process it must come from, if it is one.
inline errc port::wait_for_message(wait_kind kind, endpoint_id source, timeout limit, incoming& in, link* on) {
  const bool requests_only = kind == wait_kind::receive_request;
  const auto attempt = [&] {
    if (comes_to_rest(source)) return false;
    return (!requests_only && take_notification(source, in)) || take_pending(source, requests_only, in);
  };
  wait_.kind = kind;
  wait_.source = source;
  wait_.into = &in;
  const bool remote = on != nullptr && !on->local;
  bool listening = false;
  const auto listen = [&] {
    open(*on);
    if (remote) on->lines.put(slot_kind::listening, on->sequence(), nullptr, false);
    listening = remote;
  };
  if (on != nullptr) {
    wait_.on = on;
    listen();  // before it is published: who sees this port wait for its answer may give it at once
    publish({activity::receiving, requests_only, 0, source});
    if (would_lock(*on) && (!listening || on->lines.cancel_exchange(on->sequence()))) {
      close();
      published_running();
      return errc::locked;
    }
  }
  const auto poll = [&] {
    if (wait_.done) return true;
    while (listening) {
      if (finish_listening(in)) return true;
      if (!has_message_from(source) && !on->server_left()) return false;
      if (!on->lines.cancel_exchange(on->sequence())) return finish_listening(in);
      if (attempt()) return true;
      if (on->server_left()) {
        wait_.outcome = why_gone(*on->server, errc::source_died);
        return true;
      }
      listen();  // what was there was withdrawn
    }
    return attempt();
  };
  const auto give_up = [&] {
    if (wait_.done) return false;
    return !listening || on->lines.cancel_exchange(on->sequence());
  };
  errc outcome = wait_until({activity::receiving, requests_only, 0, source}, limit, nullptr, false, poll, give_up);
  outcome = final_outcome(outcome);
  close();
  if (is_held()) static_cast<void>(broker_->still_rests(*this));
  if (has_moved()) broker_->leave_behind(*this);
  return outcome;
}

/// Whether a receive from `source` alone has something to take.
inline bool port::has_message_from(endpoint_id source) const {
  if (notes_pending_.load(std::memory_order_acquire) != 0 && has_notification_from(source)) return true;
  for (const link* from = pending_first_; from != nullptr; from = from->next)
    if (from->asker_id == source) return true;
  return false;
}

/// Looks whether the partner that this port listens to answered, or died.
inline bool port::finish_listening(incoming& in) {
  link& on = *wait_.on;
  switch (on.lines.exchange_outcome(on.sequence())) {
    case slot_kind::idle:
      return false;
    case slot_kind::answered:
      on.lines.answer.read(in.content);
      in.content.source = on.server->id_;
      in.exchange = 0;
      count(received_);
      return true;
    default:
      wait_.outcome = why_gone(*on.server, errc::source_died);
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
    sequence = from.sequence();
    in.content = *from.local_message;
    asker.count(asker.sent_);
    if (is_request) {
      asker.publish({activity::awaiting_reply, false, 0, id_});
    } else {
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
    if (from.direct && is_notification(in.content)) {  // no library of ours has written it
      from.direct->sever();
      return false;
    }
    if (ring) from.ring_asker();
    served_in_a_row_ = last_served_ == &from ? served_in_a_row_ + 1 : 0;
  }
  from.note_taken(sequence);
  last_served_ = &from;
  in.content.source = asker.id_;
  in.exchange = is_request ? sequence : 0;
  count(received_);
  return true;
}

}  // namespace dvs::userspace

#endif
