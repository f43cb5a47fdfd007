// SPDX-License-Identifier: MIT
/// @file
/// How processes get their place in a DC and leave it: bind, unbind, fibers, threads, the end.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_BINDING_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_BINDING_HPP

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline broker::broker(dc_id id, std::string_view name, const dc_options& sizes, std::int64_t node_started_ns,
                      across* outside, registry* shared)
    : id_(id),
      name_(name),
      sizes_(sizes),
      outside_(outside),
      shared_(shared),
      started_ns_(node_started_ns),
      limits_(limits_of(sizes)) {
  const std::size_t bytes = dvk_table_bytes(&limits_);
  if (bytes == 0 || sizes.tasks > DVK_TASKS_MAX) throw error(errc::range);
  memory_.reset(::operator new (bytes, std::align_val_t{64}));
  if (const int made = dvk_table_init(memory_.get(), bytes, &limits_); made != DVK_E_ok) throw error(errc{made});
  ports_.resize(limits_.tasks + limits_.processes);
  if (sizes.span)
    if (const int dealt = dvk_share_users(table(), sizes.span->position, sizes.span->nodes); dealt != DVK_E_ok)
      throw error(errc{dealt});
}

inline result<std::shared_ptr<port>> broker::bind_on(const std::shared_ptr<carrier>& runs_on, endpoint_id who,
                                                     const bind_options& options) {
  if (who == any || who == hardware || who == clock_task || who == process_events) return errc::range;
  if (who != own && generation_of(who) != 0) return errc::bad_endpoint;
  if (shared_ != nullptr) return ended() ? errc::dc_not_running : shared_->bind(*this, runs_on, who, options);
  const std::lock_guard guard(lock_);
  if (ended()) return errc::dc_not_running;
  const std::string name(options.name);
  dvk_endpoint given;
  {
    const std::lock_guard grants_guard(grants_lock_);
    const int bound =
        dvk_bind(table(), who == own ? static_cast<std::int32_t>(DVK_ANY) : slot_of(who), name.c_str(), 0, &given);
    if (bound != DVK_E_ok) return errc{bound};
  }
  return enter(runs_on, endpoint_id{given}, options);
}

inline result<std::shared_ptr<port>> broker::settle(const std::shared_ptr<carrier>& runs_on, endpoint_id id,
                                                    const bind_options& options) {
  const std::lock_guard guard(lock_);
  if (ended()) return errc::dc_not_running;
  {
    const std::lock_guard grants_guard(grants_lock_);
    const int bound = dvk_bind_at(table(), number(id), std::string(options.name).c_str(), 0);
    if (bound != DVK_E_ok) return errc{bound};
  }
  return enter(runs_on, id, options);
}

inline std::shared_ptr<port> broker::make_port(const std::shared_ptr<carrier>& runs_on, endpoint_id id,
                                               std::int32_t node) {
  const std::int32_t index = index_of(id);
  const bool is_system = static_cast<std::uint32_t>(index) < limits_.system_processes;
  auto made = std::make_shared<port>(shared_from_this(), runs_on, id, index, is_system, limits_.system_processes, node);
  made->bell_ = runs_on->add_bell(*made);
  return made;
}

/// Makes the port of a process whose slot is occupied. The caller holds the lock.
inline std::shared_ptr<port> broker::enter(const std::shared_ptr<carrier>& runs_on, endpoint_id id,
                                           const bind_options& options) {
  auto made = make_port(runs_on, id, DVK_HERE);
  made->birth_ = ++births_;
  made->permit(default_calls(table(), id));
  set_calls(table(), id, default_calls(table(), id));
  ports_[static_cast<std::size_t>(made->index_)] = made;
  if (options.privileges != nullptr) apply(id, *made, *options.privileges);
  if (outside_ != nullptr) outside_->tell_bound(shared_id(), id, {made->birth_, 0, std::string(options.name)});
  tell_table_watches();
  return made;
}

inline result<port*> broker::bind(endpoint_id who, const bind_options& options) {
  auto made = bind_on(carrier::current_shared(), who, options);
  if (!made) return made.error();
  return made->get();
}

inline errc broker::may_bind_thread(int thread) {
  char path[48];
  std::snprintf(path, sizeof path, "/proc/self/task/%d", thread);
  if (thread <= 0 || ::access(path, F_OK) != 0) return errc::bad_process;
  const std::lock_guard guard(lock_);
  const auto before = bound_threads_[thread].lock();
  const bool is_bound = before != nullptr && (before->control_.load() & port::control_unbound) == 0;
  return is_bound ? errc::slot_used : errc::ok;
}

inline void broker::hand_to_thread(int thread, std::shared_ptr<port> bound) {
  const std::lock_guard guard(lock_);
  bound_threads_[thread] = bound;
  waiting_for_thread_[thread] = std::move(bound);
  waiting_for_thread_changed_.notify_all();
}

inline result<endpoint_id> broker::bind_thread(int thread, endpoint_id who, const bind_options& options) {
  if (const errc refused = may_bind_thread(thread); refused != errc::ok)
    return refused == errc::bad_process && shared_ != nullptr ? shared_->bind_thread(*this, thread, who, options)
                                                              : refused;
  auto made = bind_on(carrier::of_thread(thread), who, options);
  if (!made) return made.error();
  const endpoint_id id = (*made)->id();
  hand_to_thread(thread, std::move(*made));
  return id;
}

inline errc broker::settle_thread(int thread, endpoint_id id, const bind_options& options) {
  if (const errc refused = may_bind_thread(thread); refused != errc::ok) return refused;
  auto made = settle(carrier::of_thread(thread), id, options);
  if (!made) return made.error();
  hand_to_thread(thread, std::move(*made));
  return errc::ok;
}

inline result<port*> broker::wait_for_own_bind(timeout limit) {
  const int thread = static_cast<int>(syscall(SYS_gettid));
  static_cast<void>(carrier::current());  // makes the carrier that binders look for
  const auto bound_or_over = [&] { return waiting_for_thread_.contains(thread) || ended(); };
  std::unique_lock guard(lock_);
  if (limit.is_forever())
    waiting_for_thread_changed_.wait(guard, bound_or_over);
  else
    waiting_for_thread_changed_.wait_for(guard, limit.length(), bound_or_over);
  const auto at = waiting_for_thread_.find(thread);
  if (at == waiting_for_thread_.end())
    return ended() ? errc::shut_down : limit.is_zero() ? errc::would_block : errc::timed_out;
  port* const mine = at->second.get();
  waiting_for_thread_.erase(at);
  return mine;
}

inline void broker::unbind(port& leaving) {
  std::shared_ptr<port> held;
  {
    std::unique_lock guard(lock_);
    auto& entry = ports_[static_cast<std::size_t>(leaving.index_)];
    if (entry.get() != &leaving) {
      forget_moved(leaving, held);
      guard.unlock();
      return leave_behind(leaving);
    }
    held = std::move(entry);
    entry = nullptr;
    leaving.control_.fetch_or(port::control_unbound, std::memory_order_release);
    std::erase(death_watchers_, &leaving);
    if (leaving.is_system_)
      for (std::uint32_t i = 0; i < limits_.system_processes; ++i)
        if (ports_[i] != nullptr) ports_[i]->forget_notification(leaving.index_);
    const std::lock_guard grants_guard(grants_lock_);
    dvk_unbind(table(), number(leaving.id_));
    leaving.mark_links_gone();
    if (outside_ != nullptr && !leaving.is_ghost()) outside_->tell_gone(shared_id(), leaving.id_, leaving.birth_);
    tell_table_watches();
    tell_successor(leaving.id_, errc::bad_endpoint);
    for (port* watcher : death_watchers_)
      watcher->post_notification(index_of(process_events), 0, carrier::current_shared().get());
  }
  leave_behind(leaving);
}

/// Ends what a port that is not in the table any more has on its thread.
inline void broker::leave_behind(port& left) {
  if (std::exchange(left.left_behind_, true)) return;
  left.carrier_->clear_timer(left.alarm_);
  left.drop_links();
  left.carrier_->remove_bell(left.bell_, left);
}

/// `watch`: begins with it, so that the process seen by the one is the process seen by the other.
inline errc broker::control(endpoint_id who, std::uint32_t bit, table_watch* watch) {
  dvk_slot* slot = nullptr;
  const std::lock_guard guard(lock_);
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  port& p = *ports_[static_cast<std::size_t>(index_of(who))];
  p.control_.fetch_or(bit, std::memory_order_seq_cst);
  p.carrier_->ring(p.bell_);
  if (watch != nullptr) table_watches_.push_back(watch);
  return errc::ok;
}

inline errc broker::unbind(endpoint_id who, timeout limit) {
  if (const auto other = port_of(who); other != nullptr && other->is_ghost())
    return ask_across(who, DVK_CONTROL_leave, limit);
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  carrier& here = carrier::current();
  table_watch leaving(here, who, awaited::unbound);
  if (const errc told = control(who, port::control_shut_down, &leaving); told != errc::ok) return told;
  errc outcome;
  while ((outcome = leaving.outcome()) == errc::would_block) {
    if (deadline >= 0 && monotonic_ns() >= deadline) {
      outcome = limit.is_zero() ? errc::would_block : errc::timed_out;
      break;
    }
    here.suspend(deadline);
  }
  unwatch_table(leaving);
  return outcome;
}

/// What a spawned process runs: its body, then its end.
template <class Body>
struct process_body final : runnable {
  process_body(std::shared_ptr<port> p, Body runs) : mine(std::move(p)), body(std::move(runs)) {}
  void run() override { body(*mine); }
  std::shared_ptr<port> mine;
  Body body;
};

template <class Body>
result<endpoint_id> broker::spawn_fiber(endpoint_id who, const bind_options& options, Body body) {
  auto bound = bind_on(carrier::current_shared(), who, options);
  if (!bound) return bound.error();
  const std::shared_ptr<port> mine = *bound;
  carrier& here = mine->runs_on();
  {
    const std::lock_guard guard(lock_);
    ++fibers_[&here].running;
  }
  auto life = [self = shared_from_this(), mine, body = std::move(body)](port&) mutable {
    mine->runs_on().running().process = mine.get();
    body(*mine);
    self->unbind(*mine);
    self->fiber_ended(mine->runs_on());
  };
  const std::string name =
      options.name.empty() ? "endpoint " + std::to_string(number(mine->id())) : std::string(options.name);
  here.spawn(std::make_unique<process_body<decltype(life)>>(mine, std::move(life)), name);
  return mine->id();
}

inline void broker::fiber_ended(carrier& on) {
  const std::lock_guard guard(lock_);
  fiber_group& group = fibers_[&on];
  if (--group.running == 0 && group.joiner != nullptr) on.make_ready(*group.joiner);
}

template <class Body>
result<endpoint_id> broker::spawn_thread(endpoint_id who, const bind_options& options, Body body) {
  std::atomic<bool> started{false};
  result<endpoint_id> outcome = errc::no_memory;
  std::thread thread([&started, &outcome, who, &options, self = shared_from_this(), runs = std::move(body)]() mutable {
    auto bound = self->bind_on(carrier::current_shared(), who, options);
    outcome = bound ? result<endpoint_id>((*bound)->id()) : result<endpoint_id>(bound.error());
    started.store(true, std::memory_order_release);
    started.notify_one();
    if (!bound) return;
    runs(**bound);
    self->unbind(**bound);
    self->run_fibers(carrier::current());
  });
  started.wait(false, std::memory_order_acquire);
  if (!outcome) {
    thread.join();
    return outcome;
  }
  const std::lock_guard guard(lock_);
  threads_.push_back(std::move(thread));
  return outcome;
}

/// Runs the fibers that this DC has on the calling thread until all have ended.
inline void broker::run_fibers(carrier& here) {
  for (;;) {
    {
      const std::lock_guard guard(lock_);
      fiber_group& group = fibers_[&here];
      group.joiner = &here.running();
      if (group.running == 0) {
        fibers_.erase(&here);
        return;
      }
    }
    here.suspend(-1);
  }
}

inline void broker::join() {
  run_fibers(carrier::current());
  std::vector<std::thread> threads;
  {
    const std::lock_guard guard(lock_);
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
}

inline trace_tap& broker::trace(bool on) {
  if (trace_ == nullptr) trace_ = std::make_unique<trace_tap>();
  if (on && tap() == nullptr) trace_->clear();
  tap_.store(on ? trace_.get() : nullptr, std::memory_order_release);
  return *trace_;
}

inline void broker::announce_end() {
  ended_.store(true, std::memory_order_seq_cst);
  const std::lock_guard guard(lock_);
  for (const auto& p : ports_) {
    if (p == nullptr || p->is_ghost()) continue;
    p->control_.fetch_or(port::control_shut_down, std::memory_order_seq_cst);
    p->carrier_->ring(p->bell_);
  }
  for (successor* const each : successors_) each->decide(errc::shut_down);
  tell_table_watches();
  waiting_for_thread_changed_.notify_all();
}

inline void broker::end() {
  announce_end();
  join();
  if (outside_ != nullptr) outside_->leave(*this);
  if (shared_ != nullptr) shared_->leave(*this);
}

}  // namespace dvs::userspace

#endif
