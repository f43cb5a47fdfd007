// SPDX-License-Identifier: MIT
/// @file
/// The links of a port: how they are found and made, what waits on them, and how they end.
#ifndef DVS_BACKENDS_USERSPACE_PORT_LINKS_HPP
#define DVS_BACKENDS_USERSPACE_PORT_LINKS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline errc port::connect(endpoint_id to, bool with_reply, errc died, errc itself, link*& found) {
  link* known = last_asked_;
  if (known == nullptr || known->server->id_ != to) {
    const auto at = asked_.find(to);
    known = at == asked_.end() ? nullptr : at->second.get();
  }
  if (known != nullptr && !known->server_gone.load(std::memory_order_acquire) &&
      (with_reply ? known->allowed_ask_reply : known->allowed_ask) == broker_->epoch()) {
    found = last_asked_ = known;
    return errc::ok;
  }
  std::shared_ptr<link> made;
  const errc outcome = broker_->connect(*this, to, with_reply, died, itself, made);
  if (outcome != errc::ok) return outcome;
  if (known != nullptr && known != made.get()) {
    if (known == wait_.on) retired_ = asked_.find(to)->second;  // another fiber still waits on it
    drop_asked(*known);
  }
  asked_[to] = made;
  found = last_asked_ = made.get();
  return errc::ok;
}

inline errc port::listen_to(endpoint_id source, link*& found) {
  found = nullptr;
  const errc outcome = broker_->check_source(*this, source);
  if (outcome != errc::ok || source == clock_task || source == hardware || source == process_events) return outcome;
  const auto at = asked_.find(source);
  if (at != asked_.end() && !at->second->server_gone.load(std::memory_order_acquire)) {
    found = at->second.get();
    return errc::ok;
  }
  if (at != asked_.end()) drop_asked(*at->second);
  std::shared_ptr<link> made;
  const errc linked = broker_->link_to(*this, source, made);
  if (linked != errc::ok) return linked;
  asked_[source] = made;
  found = made.get();
  return errc::ok;
}

inline link* port::asked_by(endpoint_id who) {
  if (last_served_ != nullptr && last_served_->asker->id_ == who) return last_served_;
  if (has_new_links_.load(std::memory_order_acquire)) adopt_new();
  const auto at = served_.find(who);
  return at == served_.end() ? nullptr : at->second.get();
}

inline void port::adopt(const std::shared_ptr<link>& from) {
  if (from->adopted) return;
  const endpoint_id who = from->asker->id_;
  if (const auto old = served_.find(who); old != served_.end()) drop_served(*old->second);
  from->adopted = true;
  served_[who] = from;
}

inline void port::adopt_new() {
  std::vector<std::shared_ptr<link>> fresh;
  broker_->collect_new_links(*this, fresh);
  for (const auto& from : fresh) adopt(from);
}

inline void port::enlist(link& from) {
  from.pending = true;
  link* before = pending_last_;
  if (before != nullptr) {
    const std::uint32_t ticket = from.ticket.load(std::memory_order_acquire);
    const auto is_later = [&](const link& other) {
      return static_cast<std::int32_t>(other.ticket.load(std::memory_order_acquire) - ticket) > 0;
    };
    while (before != nullptr && is_later(*before)) before = before->previous;
  }
  from.previous = before;
  from.next = before == nullptr ? pending_first_ : before->next;
  (before == nullptr ? pending_first_ : before->next) = &from;
  (from.next == nullptr ? pending_last_ : from.next->previous) = &from;
  const bool is_request = (from.local ? from.local_kind : from.seen.kind()) == slot_kind::request;
  if (accepts(from.asker->id_, is_request)) alert();
}

inline void port::unlist(link& from) {
  if (!from.pending) return;
  from.pending = false;
  (from.previous == nullptr ? pending_first_ : from.previous->next) = from.next;
  (from.next == nullptr ? pending_last_ : from.next->previous) = from.previous;
  from.next = from.previous = nullptr;
}

/// The server of `on` is gone: forgets the link on the asker's side.
inline void port::drop_asked(link& on) {
  if (last_asked_ == &on) last_asked_ = nullptr;
  if (!on.local) carrier_->remove_bell(on.answer_bell, on.answer_bell_source);
  const auto at = asked_.find(on.server->id_);
  if (at == asked_.end() || at->second.get() != &on) return;
  const std::lock_guard guard(broker_->lock());  // the search for cycles looks at links under this lock
  asked_.erase(at);
}

/// The asker of `on` is gone: forgets the link on the server's side.
inline void port::drop_served(link& on) {
  unlist(on);
  if (last_served_ == &on) last_served_ = nullptr;
  carrier_->forget_promise(on);
  if (!on.local) carrier_->remove_bell(on.post_bell, on.post_bell_source);
  const auto at = served_.find(on.asker->id_);
  if (at == served_.end() || at->second.get() != &on) return;
  const std::lock_guard guard(broker_->lock());
  served_.erase(at);
}

/// The port is no longer in the table: who asks from now on finds it gone. The caller holds the broker's lock.
inline void port::mark_links_gone() {
  for (auto& [who, on] : served_) on->server_gone.store(true, std::memory_order_seq_cst);
  for (const auto& on : new_links_) on->server_gone.store(true, std::memory_order_seq_cst);
}

/// The port leaves: ends what partners wait for, and every link.
inline void port::drop_links() {
  adopt_new();
  std::vector<std::shared_ptr<link>> served, asked;
  for (auto& [who, on] : served_) served.push_back(on);
  for (auto& [who, on] : asked_) asked.push_back(on);
  for (const auto& on : served) {
    if (on->local) {
      port& asker = *on->asker;
      const bool untaken = on->pending;
      if (asker.wait_.on == on.get() && !asker.wait_.done)
        asker.complete(untaken ? errc::destination_died : errc::source_died);
      if (asker.blocked_on_.load(std::memory_order_relaxed) == on.get())
        asker.blocked_on_.store(nullptr, std::memory_order_release);
      on->server_gone.store(true, std::memory_order_release);
      drop_served(*on);
      asker.drop_asked(*on);
    } else {
      on->server_gone.store(true, std::memory_order_seq_cst);
      on->lines.die(on->taken.load(std::memory_order_relaxed));
      on->asker->carrier_->ring(on->answer_bell);
      drop_served(*on);
    }
  }
  for (const auto& on : asked) {
    on->asker_gone.store(true, std::memory_order_seq_cst);
    if (on->local)
      on->server->drop_served(*on);
    else
      on->server->carrier_->ring(on->post_bell);
    drop_asked(*on);
  }
  const std::lock_guard guard(broker_->lock());  // where links end, nobody looks at them
  served.clear();
  asked.clear();
}

}  // namespace dvs::userspace

#endif
