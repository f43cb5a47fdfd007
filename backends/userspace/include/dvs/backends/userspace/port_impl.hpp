// SPDX-License-Identifier: MIT
/// @file
/// How a port waits and takes notifications; time and chance.
#ifndef DVS_BACKENDS_USERSPACE_PORT_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_PORT_IMPL_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline port::port(std::shared_ptr<broker> owner, std::shared_ptr<carrier> runs_on, endpoint_id id, std::int32_t index,
                  bool is_system, std::uint32_t system_processes, std::int32_t node)
    : broker_(std::move(owner)),
      carrier_(std::move(runs_on)),
      id_(id),
      index_(index),
      is_system_(is_system),
      is_ghost_(node != DVK_HERE),
      node_(node),
      random_state_(static_cast<std::uint64_t>(monotonic_ns()) ^ static_cast<std::uint64_t>(index) << 48),
      note_words_(is_system ? (system_processes + 63) / 64 : 0) {
  if (is_system) {
    note_bits_ = std::make_unique<std::atomic<std::uint64_t>[]>(note_words_);
    notes_ = std::make_unique<pending_note[]>(system_processes);
  }
}

inline port::~port() = default;

// ---- Tests before an operation ----

/// Sets the calls that the port may make.
inline void port::permit(call_set calls) {
  const std::uint32_t denied = ~calls.bits() * control_denied;
  std::uint32_t now = control_.load(std::memory_order_relaxed);
  while (!control_.compare_exchange_weak(now, (now & (control_denied - 1)) | denied, std::memory_order_relaxed)) {
  }
}

inline errc port::enter_unchecked() const {
  const std::uint32_t now = control_.load(std::memory_order_relaxed);
  if ((now & control_unbound) != 0) return errc::not_bound;
  return (now & control_shut_down) != 0 ? errc::shut_down : errc::ok;
}

inline errc port::enter(call c) const {
  if (const errc refused = enter_unchecked(); refused != errc::ok) return refused;
  return (control_.load(std::memory_order_relaxed) & denial_of(c)) == 0 ? errc::ok : errc::bad_call;
}

inline errc port::enter_waiting(call c) const {
  if (waiting_task_ != nullptr) return errc::process_running;
  return enter(c);
}

inline errc port::interrupted() {
  const std::uint32_t now = control_.load(std::memory_order_acquire);
  if ((now & (control_cancel | control_shut_down)) == 0) [[likely]]
    return errc::ok;
  if ((now & control_cancel) == 0) return errc::shut_down;
  control_.fetch_and(~control_cancel, std::memory_order_acq_rel);
  return errc::cancelled;
}

// ---- Waiting ----

template <class Poll, class GiveUp>
errc port::wait_until(published_state doing, timeout limit, link* on, bool attended, Poll&& poll, GiveUp&& give_up) {
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  waiting_task_ = &carrier_->running();
  publish_once(doing);
  polling how;
  if (on != nullptr) {
    how.partner_cpu = &on->server_cpu;
    if (attended) {
      how.word = wait_.kind == wait_kind::taken ? &on->lines.post.state : &on->lines.answer.state;
      how.seen = how.word->load(std::memory_order_acquire);
    }
  }
  bool checked_for_cycle = on == nullptr;
  const bool leads_out = on != nullptr && on->direct != nullptr;
  errc outcome = errc::ok;
  for (;;) {
    accept_nothing();
    // The end of the DC comes before what it brings about.
    const std::uint32_t control = control_.load(std::memory_order_acquire) & (control_cancel | control_shut_down);
    if ((control == control_shut_down || (control != 0 && control != control_cancel && is_held())) && give_up()) {
      outcome = errc::shut_down;
      break;
    }
    if (poll()) break;
    const bool held = is_held();
    errc why = held ? errc::ok : interrupted();
    const std::uint64_t locked = locked_wait_.load(std::memory_order_relaxed);
    if (why == errc::ok && locked != 0 && locked == state_.load(std::memory_order_relaxed)) why = errc::locked;
    if (why == errc::ok && !held && deadline >= 0 && monotonic_ns() >= deadline) why = errc::timed_out;
    // A partner that answers soon is not worth the search; one that does not may be waiting for us.
    if (why == errc::ok && how.word == nullptr && !std::exchange(checked_for_cycle, true) && would_lock(*on))
      why = errc::locked;
    if (why != errc::ok) {
      if (give_up()) {
        outcome = why;
        break;
      }
      if (why == errc::cancelled) control_.fetch_or(control_cancel, std::memory_order_relaxed);
      continue;
    }
    accepting_ = wait_.kind == wait_kind::receive && !held ? wait_.source : none;
    accepting_requests_ = wait_.kind == wait_kind::receive_request && !held;
    if (leads_out && how.word == nullptr) broker_->watch_direct_waits();
    carrier_->suspend(held ? -1 : deadline, how);
    if (on == nullptr || how.word == nullptr) continue;
    if (const std::uint32_t now = how.word->load(std::memory_order_acquire); now != how.seen) {
      how.seen = now;  // most likely the end of the wait: the line is better left where it is
    } else {
      on->lines.stop_attending_post();
      how.word = nullptr;
      how.allowed = carrier_->has_ready();
    }
  }
  accept_nothing();
  waiting_task_ = nullptr;
  published_running();
  return outcome;
}

inline void port::complete(errc outcome, bool first) {
  accept_nothing();
  wait_.done = true;
  wait_.outcome = outcome;
  if (wait_.on != nullptr && wait_.on->local) blocked_on_.store(nullptr, std::memory_order_release);
  if (waiting_task_ == nullptr) return;
  if (first)
    carrier_->make_ready_first(*waiting_task_);
  else
    carrier_->make_ready(*waiting_task_);
}

inline void port::open(link& on) {
  on.begin_exchange();
  searched_.store(false, std::memory_order_relaxed);
  // Only compared with each other, on all nodes of the DC.
  began_.store(broker_->outside() == nullptr ? ticks() : broker_->outside()->clock(), std::memory_order_relaxed);
  blocked_on_.store(&on, std::memory_order_release);
}

inline void port::close() {
  blocked_on_.store(nullptr, std::memory_order_release);
  wait_ = {};
  retired_.reset();
}

inline bool port::would_lock(link& on) {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // what we wait for is visible before we look at others
  const port& partner = *on.server;
  const bool partner_waits =
      partner.blocked_on_.load(std::memory_order_acquire) != nullptr ||
      (broker_->outside() != nullptr && partner.waiting_across_.load(std::memory_order_acquire) != 0);
  const bool cycle = partner_waits && broker_->would_lock(*this, on);
  searched_.store(true, std::memory_order_release);
  return cycle;
}

inline std::uint64_t port::next_ticket(bool shared) {
  // Other processes tell the time instead; it is later than any number that was drawn.
  if (has_direct_askers_.load(std::memory_order_relaxed)) return ticks();
  if (shared || has_remote_askers_.load(std::memory_order_relaxed))
    return tickets_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t ticket = tickets_.load(std::memory_order_relaxed);
  tickets_.store(ticket + 1, std::memory_order_relaxed);
  return ticket;
}

// ---- Notifications ----

inline errc port::notify_from(endpoint_id source, endpoint_id to, std::uint64_t value, call c) {
  if (const errc refused = enter(c); refused != errc::ok) return refused;
  link* on = nullptr;
  const errc outcome = connect(to, false, errc::destination_died, errc::bad_endpoint, on);
  if (outcome != errc::ok) return outcome;
  if (!is_system_ || !on->server->is_system_) return errc::trap_denied;
  if (on->across && waiting_task_ == nullptr) on = shorten(*on);
  if (on->direct && source == id_ && on->direct->may_notify()) {
    on->direct->notify(value);
    count(sent_);
    return errc::ok;
  }
  if (on->server->is_ghost()) {
    across_command told;
    address(told, DVK_FRAME_notify, to, on->server->node_);
    told.ask.other = number(source);
    told.ask.value = value;
    const errc outcome_there = across_wait(carrier_).carry_out(*broker_->outside(), told);
    if (told.is_here_now) return notify_from(source, to, value, c);
    if (outcome_there == errc::ok) count(sent_);
    return outcome_there;
  }
  port& there = *on->server;
  there.post_notification(broker_->index_of(source), value, carrier_.get());
  if (there.has_moved() && there.take_back(broker_->index_of(source))) {
    broker_->lock().lock();  // under which it has moved when we get it
    broker_->lock().unlock();
    return notify_from(source, to, value, c);
  }
  count(sent_);
  return errc::ok;
}

inline errc port::notify_as(endpoint_id source, endpoint_id to, std::uint64_t value) {
  if (!is_system_) return errc::no_privilege;
  const std::int32_t index = broker_->index_of(source);
  if (generation_of(source) != 0 || index < 0 || static_cast<std::uint32_t>(index) >= note_words_ * 64)
    return errc::bad_endpoint;
  return notify_from(source, to, value, call::notify);
}

inline void port::post_notification(std::int32_t source_index, std::uint64_t value, const carrier* from) {
  pending_note& note = notes_[static_cast<std::size_t>(source_index)];
  const std::uint64_t bit = std::uint64_t{1} << source_index % 64;
  note.value.fetch_or(value, std::memory_order_relaxed);
  note.time_ns.store(static_cast<std::uint64_t>(now().count()), std::memory_order_relaxed);
  note_bits_[static_cast<std::size_t>(source_index) / 64].fetch_or(bit, std::memory_order_seq_cst);
  notes_pending_.store(1, std::memory_order_seq_cst);
  if (from != carrier_.get()) {
    carrier_->ring(bell_);
  } else if (wait_.kind == wait_kind::receive &&
             accepts(endpoint_id{source_index - static_cast<std::int32_t>(broker_->tasks())}, false) &&
             take_notification(wait_.source, *wait_.into)) {
    complete(errc::ok);
  }
}

inline bool port::has_notification_from(endpoint_id source) const {
  const std::int32_t index = broker_->index_of(source);
  if (generation_of(source) != 0 || index < 0 || static_cast<std::uint32_t>(index) >= note_words_ * 64) return false;
  return (note_bits_[static_cast<std::size_t>(index) / 64].load(std::memory_order_seq_cst) >> index % 64 & 1) != 0;
}

inline void port::forget_notification(std::int32_t source_index) {
  // A receiver that waits has as good as got it.
  const auto state = published_state::from(state_.load(std::memory_order_seq_cst));
  const endpoint_id source{source_index - static_cast<std::int32_t>(broker_->tasks())};
  if (state.doing == activity::receiving && !state.requests_only && (state.peer == any || state.peer == source)) return;
  note_bits_[static_cast<std::size_t>(source_index) / 64].fetch_and(~(std::uint64_t{1} << source_index % 64),
                                                                    std::memory_order_seq_cst);
  notes_[static_cast<std::size_t>(source_index)].value.store(0, std::memory_order_relaxed);
}

inline bool port::take_notification(endpoint_id source, incoming& in) {
  if (notes_pending_.load(std::memory_order_acquire) == 0) return false;
  std::int32_t index = -1;
  if (source == any) {
    notes_pending_.store(0, std::memory_order_seq_cst);
    for (std::uint32_t word = 0; word < note_words_ && index < 0; ++word)
      if (const std::uint64_t bits = note_bits_[word].load(std::memory_order_seq_cst); bits != 0)
        index = static_cast<std::int32_t>(word * 64) + std::countr_zero(bits);
    if (index < 0) return false;
    notes_pending_.store(1, std::memory_order_seq_cst);  // there may be more; found out at the next look
  } else {
    index = broker_->index_of(source);
    if (generation_of(source) != 0 || index < 0 || static_cast<std::uint32_t>(index) >= note_words_ * 64) return false;
  }
  const std::uint64_t bit = std::uint64_t{1} << index % 64;
  if ((note_bits_[static_cast<std::size_t>(index) / 64].fetch_and(~bit, std::memory_order_seq_cst) & bit) == 0)
    return false;
  pending_note& note = notes_[static_cast<std::size_t>(index)];
  const notification what{note.time_ns.load(std::memory_order_relaxed),
                          note.value.exchange(0, std::memory_order_relaxed)};
  in.content.source = endpoint_id{index - static_cast<std::int32_t>(broker_->tasks())};
  in.content.type = notification_bit;
  put(in.content, what);
  in.exchange = 0;
  count(received_);
  return true;
}

// ---- The table, time and chance ----

inline errc port::watch_deaths() {
  if (const errc refused = enter_unchecked(); refused != errc::ok) return refused;
  if (!is_system_) return errc::no_privilege;
  broker_->add_death_watcher(*this);
  return errc::ok;
}

inline bool port::is_bound(endpoint_id who) { return broker_->port_of(who) != nullptr; }

inline errc port::wait_for_table(endpoint_id who, bool bound, timeout limit) {
  if (waiting_task_ != nullptr) return errc::process_running;
  if (const errc refused = enter_unchecked(); refused != errc::ok) return refused;
  if (who == hardware) return errc::bad_destination;
  if (who == id_) return errc::bad_endpoint;
  table_watch watch(*carrier_, who, bound ? awaited::bound : awaited::unbound);
  broker_->watch_table(watch);
  errc outcome = watch.outcome();
  if (outcome == errc::would_block && !limit.is_zero()) {
    outcome = wait_until(
        {activity::receiving, false, 0, who}, limit, nullptr, false,
        [&] { return watch.outcome() != errc::would_block; }, [] { return true; });
    if (outcome == errc::ok) outcome = watch.outcome();
    if (broker_->ended()) outcome = errc::shut_down;
  }
  broker_->unwatch_table(watch);
  return outcome;
}

inline duration port::now() const { return duration{monotonic_ns() - broker_->started_ns()}; }

inline errc port::sleep_for(duration length) {
  if (waiting_task_ != nullptr) return errc::process_running;
  if ((control_.load(std::memory_order_relaxed) & control_unbound) != 0) return errc::not_bound;
  const errc outcome = wait_until(
      {activity::sleeping}, timeout(length), nullptr, false, [] { return false; }, [] { return true; });
  return outcome == errc::timed_out ? errc::ok : outcome;
}

inline errc port::set_alarm(timeout delay) {
  if (const errc refused = enter_unchecked(); refused != errc::ok) return refused;
  if (!is_system_) return errc::trap_denied;
  carrier_->clear_timer(alarm_);
  if (!delay.is_forever()) carrier_->set_timer(alarm_, monotonic_ns() + delay.length().count());
  return errc::ok;
}

inline void port::alarm_timer::expire(timer& t) {
  port& owner = static_cast<alarm_timer&>(t).owner;
  owner.post_notification(owner.broker_->index_of(clock_task), 0, owner.carrier_.get());
}

/// SplitMix64.
inline std::uint64_t port::random() {
  std::uint64_t z = (random_state_ += 0x9E37'79B9'7F4A'7C15U);
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBU;
  return z ^ (z >> 31);
}

template <class Body>
result<endpoint_id> port::spawn_fiber(endpoint_id who, const bind_options& options, Body body) {
  return broker_->spawn_fiber(who, options, std::move(body));
}

}  // namespace dvs::userspace

#endif
