// SPDX-License-Identifier: MIT
/// @file
/// How a process goes on in another place: its estate, its successor, and what is left behind
/// (`docs/adr/0020-migration-of-endpoints.md`).
#ifndef DVS_BACKENDS_USERSPACE_BROKER_MOVES_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_MOVES_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

// ---- For programs ----

inline errc broker::migrate_start(endpoint_id who, timeout limit) {
  if (shared_ != nullptr) return errc::not_supported;
  if (const auto other = port_of(who); other != nullptr && other->is_ghost()) {
    const errc outcome = migrate_across(who, DVK_MIGRATION_start, {}, limit);
    if (outcome == errc::timed_out) static_cast<void>(migrate_rollback(who));
    return outcome;
  }
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  carrier& here = carrier::current();
  table_watch rest(here, who, awaited::rest);
  {
    const std::lock_guard guard(lock_);
    dvk_slot* slot = nullptr;
    if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
    port& p = *port_at(who);
    const std::uint32_t before = p.control_.fetch_or(port::control_leaving, std::memory_order_seq_cst);
    if ((before & port::control_leaving) != 0) return errc::busy;
    p.carrier_->ring(p.bell_);
    table_watches_.push_back(&rest);
    tell_table_watches();  // it may not have gone on since another migration was called off
  }
  errc outcome;
  while ((outcome = rest.outcome()) == errc::would_block) {
    if (deadline >= 0 && monotonic_ns() >= deadline) {
      outcome = limit.is_zero() ? errc::would_block : errc::timed_out;
      break;
    }
    here.suspend(deadline);
  }
  unwatch_table(rest);
  if (outcome == errc::timed_out || outcome == errc::would_block) static_cast<void>(migrate_rollback(who));
  return outcome;
}

inline errc broker::migrate_rollback(endpoint_id who) {
  if (shared_ != nullptr) return errc::not_supported;
  if (const auto other = port_of(who); other != nullptr && other->is_ghost())
    return migrate_across(who, DVK_MIGRATION_rollback, {}, forever);
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  port& p = *port_at(who);
  const std::uint32_t before = p.control_.fetch_and(~port::control_leaving, std::memory_order_seq_cst);
  if ((before & port::control_leaving) == 0) return errc::not_waiting;
  p.carrier_->ring(p.bell_);
  tell_table_watches();
  return errc::ok;
}

inline errc broker::migrate_commit(endpoint_id who, node_id to) {
  if (shared_ != nullptr) return errc::not_supported;
  if (const auto other = port_of(who); other != nullptr && other->is_ghost())
    return migrate_across(who, DVK_MIGRATION_commit, to, forever);
  const node_id here = outside_ == nullptr ? node_id{} : outside_->self();
  const errc outcome = to == here ? move_here(who) : outside_ == nullptr ? errc::not_connected : move_there(who, to);
  if (outcome != errc::ok) static_cast<void>(migrate_rollback(who));
  return outcome;
}

inline result<port*> broker::take_over(endpoint_id who, timeout limit) {
  if (shared_ != nullptr) return errc::not_supported;
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  const auto& here = carrier::current_shared();
  successor next(here, who);
  {
    const std::lock_guard guard(lock_);
    if (ended()) return errc::dc_not_running;
    dvk_slot* slot = nullptr;
    if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
    if (successor_of(who) != nullptr) return errc::busy;
    successors_.push_back(&next);
  }
  while (next.outcome() == errc::would_block) {
    here->suspend(deadline);
    const std::lock_guard guard(lock_);
    // Once another node may have decided that it goes on here, nobody else can.
    const bool is_late = deadline >= 0 && monotonic_ns() >= deadline && !next.is_chosen;
    if (is_late) next.decide(errc::timed_out);
  }
  const std::lock_guard guard(lock_);
  std::erase(successors_, &next);
  if (next.outcome() == errc::timed_out && limit.is_zero()) return errc::would_block;
  if (next.outcome() != errc::ok) return next.outcome();
  return next.goes_on;
}

// ---- Rest ----

inline errc broker::rest_of(const port& p) {
  if (p.is_ghost()) return errc::bad_endpoint;
  if ((p.control_.load(std::memory_order_acquire) & port::control_shut_down) != 0) return errc::cancelled;
  if ((p.control_.load(std::memory_order_acquire) & port::control_leaving) == 0) return errc::cancelled;
  return p.held_.load(std::memory_order_acquire) ? errc::ok : errc::would_block;
}

inline void broker::note_rest(port& p) {
  const std::lock_guard guard(lock_);
  if ((p.control_.load(std::memory_order_relaxed) & port::control_leaving) == 0) return;  // it was rolled back
  p.held_.store(true, std::memory_order_release);
  tell_table_watches();
}

inline bool broker::still_rests(port& p) {
  const std::lock_guard guard(lock_);
  const std::uint32_t control = p.control_.load(std::memory_order_relaxed);
  const bool rests = (control & (port::control_leaving | port::control_shut_down)) == port::control_leaving;
  if (!rests) p.held_.store(false, std::memory_order_release);
  return rests;
}

/// The process `who`, which is at rest. The caller holds the lock.
inline result<port*> broker::find_resting(endpoint_id who) {
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  port& p = *port_at(who);
  if (p.is_ghost()) return errc::bad_node;
  const std::uint32_t control = p.control_.load(std::memory_order_acquire);
  if ((control & port::control_shut_down) != 0) return errc::shut_down;
  if ((control & port::control_leaving) == 0) return errc::not_waiting;
  return p.is_held() ? result<port*>(&p) : result<port*>(errc::would_block);
}

/// What the process would leave, but for its notifications. The caller holds the lock.
inline errc broker::take_estate(port& from, dvk_estate& estate) {
  slot_at(from).moving = DVK_MOVING_held;
  if (const int taken = dvk_migrate_leave(table(), number(from.id_), &estate); taken != DVK_E_ok) return errc{taken};
  estate.counters.sent = from.sent_;
  estate.counters.received = from.received_;
  estate.counters.copies = from.copies_;
  estate.counters.bytes = from.bytes_copied_;
  // However many notifications come until it is decided, it has to travel.
  const std::size_t notes = from.is_system_ ? limits_.system_processes : 0;
  if (dvk_estate_bytes(&estate) + notes * DVK_ESTATE_NOTE_BYTES <= DVK_ESTATE_BYTES_MAX) return errc::ok;
  slot_at(from).moving = DVK_MOVING_settled;
  return errc::too_big;
}

// ---- Places ----

/// Puts `by` in the place of `old`: who waits for that begins again. The caller holds the lock.
inline void broker::replace(port& old, const std::shared_ptr<port>& by) {
  old.moved_.store(true, std::memory_order_seq_cst);
  ports_[static_cast<std::size_t>(old.index_)] = by;
  std::erase(death_watchers_, &old);
  old.control_.fetch_or(port::control_shut_down | port::control_unbound, std::memory_order_seq_cst);
  epoch_.fetch_add(1, std::memory_order_seq_cst);  // links to the old one are found no more, and its thread ends them
  tell_table_watches();
}

inline result<std::shared_ptr<port>> broker::let_go(endpoint_id who, const std::shared_ptr<carrier>& gate, node_id at,
                                                    dvk_estate& estate) {
  const std::lock_guard guard(lock_);
  const auto resting = find_resting(who);
  if (!resting) return resting.error();
  return put_ghost_for(**resting, gate, at, estate);
}

inline result<std::shared_ptr<port>> broker::step_down(endpoint_id who, const std::shared_ptr<carrier>& gate,
                                                       node_id at) {
  const auto estate = std::make_unique<dvk_estate>();
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok || slot->node != DVK_HERE) return errc::bad_endpoint;
  return put_ghost_for(*port_at(who), gate, at, *estate);
}

/// Has a process of this node be one of another. The caller holds the lock.
inline result<std::shared_ptr<port>> broker::put_ghost_for(port& old, const std::shared_ptr<carrier>& gate, node_id at,
                                                           dvk_estate& estate) {
  const std::shared_ptr<port> held = port_at(old.id_);
  {
    const std::lock_guard grants_guard(grants_lock_);
    if (const errc refused = take_estate(old, estate); refused != errc::ok) return refused;
    dvk_migrate_commit(table(), number(old.id_), number(at));
    dvk_completion left;
    while (dvk_next_completion(table(), &left) != 0) continue;
  }
  auto ghost = make_port(gate, old.id_, number(at));
  ghost->permit(call_set::all());
  replace(old, ghost);
  old.give_notes_to(estate);
  moved_.push_back(held);
  old.carrier_->ring(old.bell_);
  return ghost;
}

/// Has a process go on at another node.
inline errc broker::move_there(endpoint_id who, node_id to) {
  const auto estate = std::make_unique<dvk_estate>();
  {
    const std::lock_guard guard(lock_);
    const auto resting = find_resting(who);
    if (!resting) return resting.error();
    if (const errc refused = take_estate(**resting, *estate); refused != errc::ok) return refused;
    slot_at(**resting).moving = DVK_MOVING_settled;  // it is not decided yet
  }
  return outside_->hand_over(*this, *estate, to);
}

/// Has a process go on in another context of this node.
inline errc broker::move_here(endpoint_id who) {
  const auto estate = std::make_unique<dvk_estate>();
  const std::lock_guard guard(lock_);
  const auto resting = find_resting(who);
  if (!resting) return resting.error();
  port& old = **resting;
  successor* const next = successor_of(who);
  if (next == nullptr) return errc::not_waiting;
  const std::shared_ptr<port> held = port_at(who);
  {
    const std::lock_guard grants_guard(grants_lock_);
    if (const errc refused = take_estate(old, *estate); refused != errc::ok) return refused;
    dvk_migrate_commit(table(), number(who), outside_ == nullptr ? 0 : number(outside_->self()));
    dvk_completion left;
    while (dvk_next_completion(table(), &left) != 0) continue;
    dvk_migrate_adopt(table(), estate.get(), 0);
  }
  old.moved_.store(true, std::memory_order_seq_cst);
  old.give_notes_to(*estate);
  succeed_with(*next, *estate);
  moved_.push_back(held);
  old.carrier_->ring(old.bell_);
  return errc::ok;
}

inline errc broker::expect(const dvk_estate& estate) {
  const std::lock_guard guard(lock_);
  const std::shared_lock grants_guard(grants_lock_);
  successor* const next = successor_of(endpoint_id{estate.endpoint});
  if (next == nullptr) return errc::not_waiting;
  if (next->is_chosen) return errc::busy;
  const int refused = dvk_migrate_check(table(), &estate, 0);
  next->is_chosen = refused == DVK_E_ok;
  return errc{refused};
}

inline void broker::forsake(endpoint_id who) {
  const std::lock_guard guard(lock_);
  if (successor* const next = successor_of(who); next != nullptr) {
    next->is_chosen = false;
    next->ring();
  }
}

inline result<std::shared_ptr<port>> broker::succeed(dvk_estate& estate) {
  const std::lock_guard guard(lock_);
  const endpoint_id who{estate.endpoint};
  successor* const next = successor_of(who);
  if (next == nullptr || ended()) return errc::not_waiting;
  const std::uint32_t notes = std::exchange(estate.notes, 0);  // they belong to the port, not to the table
  {
    const std::lock_guard grants_guard(grants_lock_);
    if (const int taken = dvk_migrate_adopt(table(), &estate, 0); taken != DVK_E_ok) return errc{taken};
  }
  estate.notes = notes;
  std::shared_ptr<port> ghost = port_at(who);
  succeed_with(*next, estate);
  return ghost;
}

inline result<std::shared_ptr<port>> broker::replace_lost(endpoint_id who) {
  const auto estate = std::make_unique<dvk_estate>();
  const std::lock_guard guard(lock_);
  successor* const next = successor_of(who);
  if (next == nullptr || ended()) return errc::not_waiting;
  std::shared_ptr<port> ghost = port_at(who);
  if (!ghost->is_ghost() || !ghost->is_lost()) return errc::process_running;
  const dvk_slot& slot = slot_at(*ghost);
  estate->endpoint = number(who);
  estate->term = slot.term + 1;
  estate->tasks = limits_.tasks;
  estate->system_processes = limits_.system_processes;
  dvk_get_privileges(table(), number(who), &estate->privileges);
  estate->privileges.calls = default_calls(table(), who).bits();
  std::memset(estate->peers, 0xFF, sizeof estate->peers);
  std::memcpy(estate->name, slot.name, sizeof estate->name);
  {
    const std::lock_guard grants_guard(grants_lock_);
    if (const int taken = dvk_migrate_adopt(table(), estate.get(), 0); taken != DVK_E_ok) return errc{taken};
  }
  succeed_with(*next, *estate);
  return ghost;
}

inline errc broker::promote(endpoint_id who) {
  if (shared_ != nullptr) return errc::not_supported;
  const auto other = port_of(who);
  if (other == nullptr) return errc::bad_endpoint;
  return other->is_ghost() ? outside_->promote(*this, who) : errc::process_running;
}

/// The caller holds the lock.
inline void broker::succeed_with(successor& next, const dvk_estate& estate) {
  const auto made = make_port(next.runs_on, next.who, DVK_HERE);
  made->birth_ = ++births_;
  made->take_over(estate);
  replace(*port_at(next.who), made);
  if (outside_ != nullptr) outside_->tell_bound(shared_id(), next.who, {made->birth_, estate.term, estate.name});
  next.goes_on = made.get();
  next.decide(errc::ok);
}

inline void broker::relocate(port& ghost, node_id at, std::uint32_t term) {
  const std::lock_guard guard(lock_);
  const std::lock_guard grants_guard(grants_lock_);
  dvk_migrate_place(table(), number(ghost.id_), number(at), term);
  ghost.node_.store(number(at), std::memory_order_relaxed);
}

/// The caller holds the lock.
inline successor* broker::successor_of(endpoint_id who) {
  const auto found = std::ranges::find_if(
      successors_, [&](const successor* each) { return each->who == who && each->outcome() == errc::would_block; });
  return found == successors_.end() ? nullptr : *found;
}

/// The caller holds the lock.
inline void broker::tell_successor(endpoint_id who, errc outcome) {
  if (successor* const next = successor_of(who); next != nullptr) next->decide(outcome);
}

/// A process that has moved away leaves its old place. The caller holds the lock.
inline void broker::forget_moved(port& leaving, std::shared_ptr<port>& held) {
  const auto at = std::ranges::find_if(moved_, [&](const auto& each) { return each.get() == &leaving; });
  if (at == moved_.end()) return;
  held = std::move(*at);
  moved_.erase(at);
}

/// Has the node of a process do something about its move.
inline errc broker::migrate_across(endpoint_id who, dvk_migration what, node_id to, timeout limit) {
  const auto other = port_of(who);
  if (other == nullptr) return errc::bad_endpoint;
  across_command told;
  other->address(told, DVK_FRAME_migrate, who, other->node_);
  told.ask.value = what;
  told.ask.other_node = number(to);
  const auto& here = carrier::current_shared();
  const errc outcome = across_wait(here).carry_out(*outside_, told, limit);
  if (!told.is_here_now) return outcome;
  if (what == DVK_MIGRATION_start) return migrate_start(who, limit);
  return what == DVK_MIGRATION_commit ? migrate_commit(who, to) : migrate_rollback(who);
}

}  // namespace dvs::userspace

#endif
