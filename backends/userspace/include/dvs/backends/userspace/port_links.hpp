// SPDX-License-Identifier: MIT
/// @file
/// The links of a port: how they are found and made, what waits on them, and how they end.
#ifndef DVS_BACKENDS_USERSPACE_PORT_LINKS_HPP
#define DVS_BACKENDS_USERSPACE_PORT_LINKS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline errc port::connect(endpoint_id to, bool with_reply, errc died, errc itself, link*& found) {
  link* known = last_asked_;
  if (known == nullptr || known->server_id != to) known = find_asked(to);
  if (known != nullptr && known->direct && known->direct->is_severed()) {
    drop_asked(*known);
    known = find_asked(to);
  }
  if (known != nullptr && !known->server_gone.load(std::memory_order_acquire) &&
      (with_reply ? known->allowed_ask_reply : known->allowed_ask) == broker_->epoch()) {
    found = last_asked_ = known;
    return errc::ok;
  }
  std::shared_ptr<link> made;
  const errc outcome = broker_->connect(*this, to, with_reply, died, itself, made);
  if (outcome != errc::ok) return outcome;
  if (known != nullptr && known->direct && known->server == made->server) {
    known->allowed_ask = made->allowed_ask;
    known->allowed_ask_reply = made->allowed_ask_reply;
    asked_[to] = made;
    found = last_asked_ = known;
    return errc::ok;
  }
  if (known != nullptr && known != made.get()) {
    if (known == wait_.on) retired_ = asked_like(*known).find(to)->second;  // another fiber still waits on it
    drop_asked(*known);
  }
  asked_[to] = made;
  found = last_asked_ = made.get();
  return errc::ok;
}

/// The link by which `who` is asked, the direct one before the other. Those of a ghost belong to its own process.
inline link* port::find_asked(endpoint_id who) const {
  if (const auto at = directly_asked_.find(who); !is_ghost() && at != directly_asked_.end()) return at->second.get();
  const auto at = asked_.find(who);
  return at == asked_.end() ? nullptr : at->second.get();
}

/// The direct way to a process that is reached through the gateway, if there is one; may wait for the daemon.
inline link* port::shorten(link& on) {
  const std::uint32_t epoch = broker_->epoch();
  if (is_ghost() || on.no_direct_way == epoch) return &on;
  retired_ = asked_.find(on.server_id)->second;  // its server may go meanwhile, and the link with it
  waiting_task_ = &carrier_->running();
  const auto made = broker_->find_direct_way(*this, on);
  waiting_task_ = nullptr;
  if (made == nullptr) {
    on.no_direct_way = epoch;
    return &on;
  }
  made->allowed_ask = on.allowed_ask;
  made->allowed_ask_reply = on.allowed_ask_reply;
  directly_asked_[made->server_id] = made;
  show_grants_to(made->server_id);
  last_asked_ = made.get();
  return made.get();
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
  const auto direct = directly_served_.find(who);
  if (direct != directly_served_.end() && direct->second->is_open()) return direct->second.get();
  const auto at = served_.find(who);
  if (at != served_.end()) return at->second.get();
  return direct == directly_served_.end() ? nullptr : direct->second.get();
}

inline void port::adopt(const std::shared_ptr<link>& from) {
  if (from->adopted) return;
  const endpoint_id who = from->asker->id_;
  link_map& served = served_like(*from);
  if (const auto old = served.find(who); old != served.end()) drop_served(*old->second);
  from->adopted = true;
  served[who] = from;
  if (from->direct && !is_ghost()) show_grants_to(who);
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
    const std::uint64_t ticket = from.ticket_of_post();
    const auto is_later = [&](link& other) { return other.ticket_of_post() > ticket; };
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
  if (on.direct && !is_ghost()) carrier_->door().remove(on);
  link_map& asked = asked_like(on);
  const auto at = asked.find(on.server->id_);
  if (at == asked.end() || at->second.get() != &on) return;
  const std::lock_guard guard(broker_->lock());  // the search for cycles looks at links under this lock
  asked.erase(at);
}

/// The asker of `on` is gone: forgets the link on the server's side.
inline void port::drop_served(link& on) {
  unlist(on);
  if (last_served_ == &on) last_served_ = nullptr;
  carrier_->forget_promise(on);
  if (!on.local) carrier_->remove_bell(on.post_bell, on.post_bell_source);
  if (on.direct && !is_ghost()) carrier_->door().remove(on);
  link_map& served = served_like(on);
  const auto at = served.find(on.asker->id_);
  if (at == served.end() || at->second.get() != &on) return;
  const std::lock_guard guard(broker_->lock());
  served.erase(at);
}

/// The port is no longer in the table: who asks from now on finds it gone. The caller holds the broker's lock.
inline void port::mark_links_gone() {
  for (const link_map* const served : {&served_, &directly_served_})
    for (const auto& [who, on] : *served) on->server_gone.store(true, std::memory_order_seq_cst);
  for (const auto& on : new_links_) on->server_gone.store(true, std::memory_order_seq_cst);
}

/// Ends what a partner of this thread waits for, or lets it begin again where the process goes on.
inline void port::end_wait_of(port& asker, bool untaken) {
  const bool is_served = asker.wait_.kind == wait_kind::answer && !untaken;  // nobody knows how far it got
  if (!has_moved() || is_served) return asker.complete(untaken ? errc::destination_died : errc::source_died);
  if (asker.wait_.kind != wait_kind::answer) return asker.complete(moved_on);
  asker.wait_.redirect = id_;
  asker.complete(errc::ok);
  asker.wait_.on = nullptr;
}

/// The port leaves: ends what partners wait for, and every link.
inline void port::drop_links() {
  adopt_new();
  for (given_grant& each : given_) withdraw(each);
  given_.clear();
  std::vector<std::shared_ptr<link>> served, asked;
  for (const link_map* const each : {&served_, &directly_served_})
    for (const auto& [who, on] : *each) served.push_back(on);
  for (const link_map* const each : {&asked_, &directly_asked_})
    for (const auto& [who, on] : *each) asked.push_back(on);
  for (const auto& on : served) {
    if (on->local) {
      port& asker = *on->asker;
      const bool untaken = on->pending;
      if (asker.wait_.on == on.get() && !asker.wait_.done) end_wait_of(asker, untaken);
      if (asker.blocked_on_.load(std::memory_order_relaxed) == on.get())
        asker.blocked_on_.store(nullptr, std::memory_order_release);
      on->server_gone.store(true, std::memory_order_release);
      drop_served(*on);
      asker.drop_asked(*on);
    } else {
      on->server_gone.store(true, std::memory_order_seq_cst);
      // The process of a direct asker hears of the end of the DC from the daemon, and not first of its deaths.
      if (!on->asker->is_ghost() || !on->direct || !broker_->ended()) {
        on->lines.die(on->taken.load(std::memory_order_relaxed));
        on->ring_asker();
      }
      drop_served(*on);
    }
  }
  for (const auto& on : asked) {
    on->asker_gone.store(true, std::memory_order_seq_cst);
    if (on->local)
      on->server->drop_served(*on);
    else
      on->ring_server();
    drop_asked(*on);
  }
  const std::lock_guard guard(broker_->lock());  // where links end, nobody looks at them
  served.clear();
  asked.clear();
  retired_.reset();
}

}  // namespace dvs::userspace

#endif
