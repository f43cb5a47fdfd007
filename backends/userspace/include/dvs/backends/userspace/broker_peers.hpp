// SPDX-License-Identifier: MIT
/// @file
/// Who may talk to whom, the links between them, and the search for cycles of waiting processes.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_PEERS_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_PEERS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline errc broker::find_peer(const port& self, endpoint_id who, errc died, errc itself, dvk_slot*& slot) const {
  if (who == hardware) return errc::bad_destination;
  const int found = dvk_resolve(table(), number(who), &slot);
  if (found != DVK_E_ok) return errc{found};
  if (who == self.id_) return itself;
  return dvk_is_bound(slot) ? errc::ok : gone(died);
}

inline errc broker::connect(port& asker, endpoint_id to, bool with_reply, errc died, errc itself,
                            std::shared_ptr<link>& found) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (const errc outcome = find_peer(asker, to, died, itself, slot); outcome != errc::ok) return outcome;
  const dvk_slot& mine = slot_at(asker);
  const bool there = dvk_may_pass(table(), &mine, slot) != 0;
  const bool back = dvk_may_pass(table(), slot, &mine) != 0;
  if (!there || (with_reply && !back)) return errc::trap_denied;
  const auto& server = ports_[static_cast<std::size_t>(index_of(to))];
  const auto at = asker.asked_.find(to);
  if (at != asker.asked_.end() && at->second->server == server) {
    found = at->second;
  } else {
    found = make_link(asker, server);
  }
  found->allowed_ask = epoch();
  if (back) found->allowed_ask_reply = epoch();
  return errc::ok;
}

inline errc broker::link_to(port& asker, endpoint_id to, std::shared_ptr<link>& found) {
  const std::lock_guard guard(lock_);
  const auto& server = ports_[static_cast<std::size_t>(index_of(to))];
  if (server == nullptr || server->id_ != to) return gone(errc::source_died);
  found = make_link(asker, server);
  return errc::ok;
}

/// The caller holds the lock.
inline std::shared_ptr<link> broker::make_link(port& asker, const std::shared_ptr<port>& server) {
  const bool local = asker.carrier_ == server->carrier_;
  auto made = std::make_shared<link>(ports_[static_cast<std::size_t>(asker.index_)], server, local,
                                     first_sequence(links_made_++));
  if (!local) {
    made->post_bell = server->carrier_->add_bell(made->post_bell_source);
    made->answer_bell = asker.carrier_->add_bell(made->answer_bell_source);
    server->has_remote_askers_.store(true, std::memory_order_relaxed);
  }
  server->new_links_.push_back(made);
  server->has_new_links_.store(true, std::memory_order_release);
  return made;
}

inline void broker::collect_new_links(port& of, std::vector<std::shared_ptr<link>>& into) {
  const std::lock_guard guard(lock_);
  into.swap(of.new_links_);
  of.has_new_links_.store(false, std::memory_order_relaxed);
}

inline errc broker::may_address(const port& from, endpoint_id to, errc died) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (const errc outcome = find_peer(from, to, died, errc::bad_endpoint, slot); outcome != errc::ok) return outcome;
  return dvk_may_pass(table(), &slot_at(from), slot) ? errc::ok : errc::trap_denied;
}

inline errc broker::may_converse(const port& one, endpoint_id other) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (const errc outcome = find_peer(one, other, errc::destination_died, errc::bad_endpoint, slot); outcome != errc::ok)
    return outcome;
  const dvk_slot& mine = slot_at(one);
  return dvk_may_pass(table(), &mine, slot) && dvk_may_pass(table(), slot, &mine) ? errc::ok : errc::trap_denied;
}

inline errc broker::check_source(const port& self, endpoint_id source) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  const int found = dvk_resolve(table(), number(source), &slot);
  if (found != DVK_E_ok) return errc{found};
  if (source == self.id_) return errc::bad_endpoint;
  if (!dvk_permits(table(), self.index_, DVK_FROM, index_of(source))) return errc::trap_denied;
  if (source == hardware || source == clock_task || source == process_events) return errc::ok;
  if (!dvk_is_bound(slot)) return gone(errc::source_died);
  if (!dvk_may_pass(table(), slot, &slot_at(self))) return errc::trap_denied;
  return ports_[static_cast<std::size_t>(index_of(source))]->is_lost() ? errc::not_connected : errc::ok;
}

/// Follows who waits for whom. A cycle is real if it is the same at two looks: an exchange that was open at both was
/// open in between, and so were all the others.
inline bool broker::would_lock(const port& waiter, link& on) {
  struct step {
    const port* who;
    const link* on;
    std::uint32_t asking;
    bool operator==(const step&) const = default;
  };
  const std::lock_guard guard(lock_);
  const auto walk = [&](std::vector<step>& steps) {
    const port* before = &waiter;
    bool before_sends = waiter.wait_.kind == port::wait_kind::taken || waiter.wait_.kind == port::wait_kind::answer;
    for (const port* at = on.server.get(); at != &waiter;) {
      const published_state doing = state_of(*at);
      const link* const next = at->blocked_on_.load(std::memory_order_acquire);
      if (const std::uint64_t exchange = at->waiting_across_.load(std::memory_order_acquire); exchange != 0) {
        outside_->suspect(exchange);  // the gateway sees the rest of the way
        return false;
      }
      // Who is about to wait has yet to search for itself.
      if (doing.doing == activity::running || next == nullptr || steps.size() > ports_.size()) return false;
      const std::uint32_t asking = next->asking.load(std::memory_order_acquire);
      if (!next->is_open()) return false;
      const bool receives = doing.doing == activity::receiving;
      const bool untaken = next->taken.load(std::memory_order_acquire) != asking;
      if (waiter.wait_.kind == port::wait_kind::receive && !receives && untaken && at == on.server.get() &&
          next->server.get() == &waiter)
        return false;  // its message is on its way to us
      // It takes what waits for it already: MINIX's exemption of two of which one sends and the other receives.
      if (receives && ((before_sends && next->server.get() == before) || at->has_notification_from(doing.peer)))
        return false;
      steps.push_back({at, next, asking});
      before = at;
      before_sends = !receives && untaken;
      at = next->server.get();
    }
    return true;
  };
  std::vector<step> first, second;
  if (!walk(first) || !walk(second) || first != second) return false;
  // Who began to wait last has closed the cycle; it finds out by itself, unless it looked too early.
  const std::uint64_t began = waiter.began_.load(std::memory_order_relaxed);
  for (const step& other : first)
    if (other.who->began_.load(std::memory_order_relaxed) > began &&
        !other.who->searched_.load(std::memory_order_acquire))
      return false;
  const_cast<port&>(waiter).blocked_on_.store(nullptr, std::memory_order_release);  // the others may wait on
  return true;
}

}  // namespace dvs::userspace

#endif
