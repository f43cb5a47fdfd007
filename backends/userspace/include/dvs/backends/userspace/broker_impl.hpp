// SPDX-License-Identifier: MIT
/// @file
/// What the broker does.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_IMPL_HPP

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline broker::broker(dc_id id, std::string_view name, const dc_options& sizes, std::int64_t node_started_ns)
    : id_(id), name_(name), sizes_(sizes), started_ns_(node_started_ns), limits_{} {
  limits_.tasks = std::max<std::uint32_t>(sizes.tasks, -number(process_events));
  limits_.processes = sizes.servers + sizes.users;
  limits_.system_processes = limits_.tasks + sizes.servers;
  limits_.grants = sizes.grants;
  const std::size_t bytes = dvk_table_bytes(&limits_);
  if (bytes == 0 || sizes.tasks > DVK_TASKS_MAX) throw error(errc::range);
  memory_.reset(::operator new (bytes, std::align_val_t{64}));
  if (const int made = dvk_table_init(memory_.get(), bytes, &limits_); made != DVK_E_ok) throw error(errc{made});
  ports_.resize(limits_.tasks + limits_.processes);
}

// ---- Binding ----

inline result<std::shared_ptr<port>> broker::bind_on(const std::shared_ptr<carrier>& runs_on, endpoint_id who,
                                                     const bind_options& options) {
  if (who == any || who == hardware || who == clock_task || who == process_events) return errc::range;
  if (who != own && generation_of(who) != 0) return errc::bad_endpoint;
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
  const endpoint_id id{given};
  const std::int32_t index = index_of(id);
  const bool is_system = static_cast<std::uint32_t>(index) < limits_.system_processes;
  auto made = std::make_shared<port>(shared_from_this(), runs_on, id, index, is_system, limits_.system_processes);
  made->bell_ = runs_on->add_bell(*made);
  made->calls_ = (is_system ? call_set::all() : call_set::of_users()).bits();
  ports_[static_cast<std::size_t>(index)] = made;
  if (options.privileges != nullptr) apply(id, *made, *options.privileges);
  tell_table_watchers();
  return made;
}

inline result<port*> broker::bind(endpoint_id who, const bind_options& options) {
  auto made = bind_on(carrier::current_shared(), who, options);
  if (!made) return made.error();
  return made->get();
}

inline result<endpoint_id> broker::bind_thread(int thread, endpoint_id who, const bind_options& options) {
  char path[48];
  std::snprintf(path, sizeof path, "/proc/self/task/%d", thread);
  if (thread <= 0 || ::access(path, F_OK) != 0) return errc::bad_process;
  {
    const std::lock_guard guard(lock_);
    const auto before = bound_threads_[thread].lock();
    if (before != nullptr && before->bound_.load()) return errc::slot_used;
  }
  auto made = bind_on(carrier::of_thread(thread), who, options);
  if (!made) return made.error();
  const endpoint_id id = (*made)->id();
  const std::lock_guard guard(lock_);
  bound_threads_[thread] = *made;
  waiting_for_thread_[thread] = std::move(*made);
  waiting_for_thread_changed_.notify_all();
  return id;
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
    const std::lock_guard guard(lock_);
    auto& entry = ports_[static_cast<std::size_t>(leaving.index_)];
    if (entry.get() != &leaving) return;
    held = std::move(entry);
    entry = nullptr;
    leaving.bound_.store(false, std::memory_order_release);
    std::erase(table_watchers_, &leaving);
    std::erase(death_watchers_, &leaving);
    const std::lock_guard grants_guard(grants_lock_);
    dvk_unbind(table(), number(leaving.id_));
  }
  leaving.carrier_->clear_timer(leaving.alarm_);
  leaving.drop_links();
  leaving.carrier_->remove_bell(leaving.bell_, leaving);
  const std::lock_guard guard(lock_);
  if (leaving.is_system_)
    for (std::uint32_t i = 0; i < limits_.system_processes; ++i)
      if (ports_[i] != nullptr) ports_[i]->forget_notification(leaving.index_);
  tell_table_watchers();
  for (port* watcher : death_watchers_)
    watcher->post_notification(index_of(process_events), 0, carrier::current_shared().get());
}

inline errc broker::control(endpoint_id who, std::uint32_t bit) {
  dvk_slot* slot = nullptr;
  const std::lock_guard guard(lock_);
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  port& p = *ports_[static_cast<std::size_t>(index_of(who))];
  p.control_.fetch_or(bit, std::memory_order_seq_cst);
  p.carrier_->ring(p.bell_);
  return errc::ok;
}

inline errc broker::unbind(endpoint_id who, timeout limit) {
  if (const errc told = control(who, port::control_shut_down); told != errc::ok) return told;
  // Wait like a process without an endpoint: by looking at the table whenever this thread has nothing else to run.
  const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
  carrier& here = carrier::current();
  for (std::int64_t pause_ns = 1'000;; pause_ns = std::min<std::int64_t>(pause_ns * 2, 1'000'000)) {
    {
      dvk_slot* slot = nullptr;
      const std::lock_guard guard(lock_);
      if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::ok;
    }
    const std::int64_t now = monotonic_ns();
    if (deadline >= 0 && now >= deadline) return limit.is_zero() ? errc::would_block : errc::timed_out;
    here.suspend(now + pause_ns);
  }
}

// ---- Who may talk ----

inline errc broker::find_peer(const port& self, endpoint_id who, errc died, errc itself, dvk_slot*& slot) const {
  if (who == hardware) return errc::bad_destination;
  const int found = dvk_resolve(table(), number(who), &slot);
  if (found != DVK_E_ok) return errc{found};
  if (who == self.id_) return itself;
  return dvk_is_bound(slot) ? errc::ok : died;
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
  if (server == nullptr || server->id_ != to) return errc::source_died;
  found = make_link(asker, server);
  return errc::ok;
}

/// The caller holds the lock.
inline std::shared_ptr<link> broker::make_link(port& asker, const std::shared_ptr<port>& server) {
  const bool local = asker.carrier_ == server->carrier_;
  // Links of successive owners of a slot start far apart, so that an answer to one is not taken for one to the other.
  const std::uint32_t first_sequence = next_sequence(links_made_++ * 0x9E37'79B1U);
  auto made = std::make_shared<link>(ports_[static_cast<std::size_t>(asker.index_)], server, local, first_sequence);
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
  if (!dvk_is_bound(slot)) return errc::source_died;
  return dvk_may_pass(table(), slot, &slot_at(self)) ? errc::ok : errc::trap_denied;
}

/// Follows who waits for whom. A cycle is real if it is the same at two looks: an exchange that was open at both was
/// open in between, and so were all the others.
inline bool broker::would_lock(const port& waiter, link& on) {
  struct step {
    const link* on;
    std::uint32_t asking;
    bool operator==(const step&) const = default;
  };
  const std::lock_guard guard(lock_);
  const auto walk = [&](std::vector<step>& steps) {
    const port* before = &waiter;
    bool before_sends = waiter.wait_.kind == port::wait_kind::taken || waiter.wait_.kind == port::wait_kind::answer;
    for (const port* at = on.server.get(); at != &waiter;) {
      const auto doing = published_state::from(at->state_.load(std::memory_order_acquire));
      const link* const next = at->blocked_on_.load(std::memory_order_acquire);
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
      steps.push_back({next, asking});
      before = at;
      before_sends = !receives && untaken;
      at = next->server.get();
    }
    return true;
  };
  std::vector<step> first, second;
  if (!walk(first) || !walk(second) || first != second) return false;
  const_cast<port&>(waiter).blocked_on_.store(nullptr, std::memory_order_release);  // the others may wait on
  return true;
}

// ---- Administration ----

inline void broker::apply(endpoint_id who, port& p, const privileges& rights) {
  p.calls_.store(rights.calls.bits(), std::memory_order_relaxed);
  dvk_privileges core{};
  dvk_get_privileges(table(), number(who), &core);
  core.calls = rights.calls.bits();
  dvk_set_privileges(table(), number(who), &core);
  const auto set = [&](dvk_direction direction, const peer_set& peers) {
    for (std::uint32_t i = 0; i < limits_.system_processes; ++i) {
      const endpoint_id peer{static_cast<std::int32_t>(i) - static_cast<std::int32_t>(limits_.tasks)};
      dvk_set_peers(table(), number(who), direction, number(peer), peers.has(peer));
    }
    dvk_set_peers(table(), number(who), direction, DVK_USERS, peers.has_users());
  };
  set(DVK_TO, rights.to);
  set(DVK_FROM, rights.from);
  epoch_.fetch_add(1, std::memory_order_acq_rel);
}

inline errc broker::set_privileges(endpoint_id who, const privileges& rights) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  apply(who, *ports_[static_cast<std::size_t>(index_of(who))], rights);
  return errc::ok;
}

inline result<privileges> broker::privileges_of(endpoint_id who) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  privileges rights;
  rights.calls = call_set(ports_[static_cast<std::size_t>(index_of(who))]->calls_.load(std::memory_order_relaxed));
  const auto read = [&](dvk_direction direction) {
    const auto has = [&](dvk_endpoint peer) {
      int allowed = 0;
      dvk_get_peers(table(), number(who), direction, peer, &allowed);
      return allowed != 0;
    };
    peer_set peers = peer_set::all().users(has(DVK_USERS));
    for (std::uint32_t i = 0; i < limits_.system_processes; ++i) {
      const endpoint_id peer{static_cast<std::int32_t>(i) - static_cast<std::int32_t>(limits_.tasks)};
      if (!has(number(peer))) peers = std::move(peers).without(peer);
    }
    return peers;
  };
  rights.to = read(DVK_TO);
  rights.from = read(DVK_FROM);
  return rights;
}

inline result<endpoint_id> broker::find(std::string_view name) {
  const std::lock_guard guard(lock_);
  for (const auto& p : ports_)
    if (p != nullptr && name == slot_at(*p).name) return p->id_;
  return errc::no_entry;
}

inline std::vector<process_info> broker::processes() {
  std::vector<process_info> rows;
  const std::lock_guard guard(lock_);
  for (const auto& p : ports_) {
    if (p == nullptr) continue;
    auto state = published_state::from(p->state_.load(std::memory_order_acquire));
    const link* const on = p->blocked_on_.load(std::memory_order_acquire);
    if (state.doing == activity::awaiting_reply && on != nullptr && !on->local &&
        on->taken.load(std::memory_order_acquire) != on->asking.load(std::memory_order_acquire))
      state.doing = activity::sending;  // only the server knows when it takes a request of another thread
    rows.push_back({p->id_, slot_at(*p).name, state.doing, state.peer, p->sent_.load(std::memory_order_relaxed),
                    p->received_.load(std::memory_order_relaxed), p->copies_.load(std::memory_order_relaxed),
                    p->bytes_copied_.load(std::memory_order_relaxed)});
  }
  return rows;
}

inline dc_info broker::info() {
  const std::lock_guard guard(lock_);
  const std::shared_lock grants_guard(grants_lock_);
  dvk_table_info totals;
  dvk_describe_table(table(), &totals);
  return {id_, name_, !ended(), sizes_, totals.bound, totals.grants};
}

inline std::shared_ptr<port> broker::port_of(endpoint_id who) {
  const std::lock_guard guard(lock_);
  const std::int32_t index = index_of(who);
  if (index < 0 || static_cast<std::size_t>(index) >= ports_.size()) return nullptr;
  const auto& p = ports_[static_cast<std::size_t>(index)];
  return p != nullptr && p->id_ == who ? p : nullptr;
}

// ---- Waiting for the table ----

inline errc broker::table_state(const port& self, endpoint_id who, bool want_bound) {
  if (who == hardware) return errc::bad_destination;
  if (who == self.id_) return errc::bad_endpoint;
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  const int found = dvk_resolve(table(), number(who), &slot);
  if (found == DVK_E_range) return errc::range;
  const bool is_bound = found == DVK_E_ok && dvk_is_bound(slot);
  if (!want_bound) return is_bound ? errc::would_block : errc::ok;
  if (is_bound) return errc::ok;
  const bool may_come = !dvk_is_bound(slot) && generation_of(who) == dvk_next_generation(table(), slot);
  return may_come ? errc::would_block : errc::bad_endpoint;
}

inline void broker::add_table_watcher(port& watcher) {
  const std::lock_guard guard(lock_);
  table_watchers_.push_back(&watcher);
}

inline void broker::remove_table_watcher(port& watcher) {
  const std::lock_guard guard(lock_);
  std::erase(table_watchers_, &watcher);
}

/// The caller holds the lock.
inline void broker::tell_table_watchers() {
  for (port* watcher : table_watchers_) watcher->carrier_->ring(watcher->bell_);
}

inline void broker::add_death_watcher(port& watcher) {
  const std::lock_guard guard(lock_);
  std::erase(death_watchers_, &watcher);
  death_watchers_.push_back(&watcher);
}

// ---- Fibers and threads ----

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

inline void broker::end() {
  ended_.store(true, std::memory_order_seq_cst);
  {
    const std::lock_guard guard(lock_);
    for (const auto& p : ports_) {
      if (p == nullptr) continue;
      p->control_.fetch_or(port::control_shut_down, std::memory_order_seq_cst);
      p->carrier_->ring(p->bell_);
    }
    waiting_for_thread_changed_.notify_all();
  }
  join();
}

// ---- Grants ----

inline result<grant_id> broker::grant(const port& owner, endpoint_id to, std::uint64_t address, std::uint64_t bytes,
                                      access direction) {
  const std::lock_guard guard(grants_lock_);
  dvk_grant_id id;
  const int made =
      dvk_grant_direct(table(), number(owner.id_), to == any ? static_cast<dvk_endpoint>(DVK_ANY) : number(to), address,
                       bytes, static_cast<unsigned>(direction), &id);
  if (made != DVK_E_ok) return errc{made};
  return grant_id{id};
}

inline result<grant_id> broker::grant_indirect(const port& owner, endpoint_id to, granted_range part,
                                               std::uint64_t bytes, access direction) {
  const std::lock_guard guard(grants_lock_);
  dvk_grant_id id;
  const int made = dvk_grant_indirect(table(), number(owner.id_), number(to), number(part.granter), number(part.grant),
                                      part.offset, bytes, static_cast<unsigned>(direction), &id);
  if (made != DVK_E_ok) return errc{made};
  return grant_id{id};
}

inline errc broker::revoke(const port& owner, grant_id id) {
  const std::lock_guard guard(grants_lock_);  // waits for the copies under way
  return errc{dvk_grant_revoke(table(), number(owner.id_), number(id))};
}

template <class Copy>
errc broker::with_granted(const port& grantee, granted_range range, std::size_t bytes, access direction, Copy&& copy) {
  const std::shared_lock guard(grants_lock_);
  if (!names_slot(range.granter)) return errc::not_granted;
  dvk_memory memory;
  const int allowed = dvk_grant_check(table(), number(range.granter), number(grantee.id_), number(range.grant),
                                      range.offset, bytes, static_cast<unsigned>(direction), &memory);
  if (allowed != DVK_E_ok) return errc{allowed};
  copy(reinterpret_cast<std::byte*>(memory.address));
  return errc::ok;
}

template <class Copy>
errc broker::with_granted_pair(const port& grantee, granted_range from, granted_range into, std::size_t bytes,
                               Copy&& copy) {
  const std::shared_lock guard(grants_lock_);
  if (!names_slot(from.granter) || !names_slot(into.granter)) return errc::not_granted;
  dvk_memory source, destination;
  int allowed = dvk_grant_check(table(), number(from.granter), number(grantee.id_), number(from.grant), from.offset,
                                bytes, DVK_READ, &source);
  if (allowed == DVK_E_ok)
    allowed = dvk_grant_check(table(), number(into.granter), number(grantee.id_), number(into.grant), into.offset,
                              bytes, DVK_WRITE, &destination);
  if (allowed != DVK_E_ok) return errc{allowed};
  copy(reinterpret_cast<const std::byte*>(source.address), reinterpret_cast<std::byte*>(destination.address));
  return errc::ok;
}

inline errc broker::vcopy_check(const port& self, endpoint_id from, endpoint_id into) {
  if (from == into) return errc::bad_endpoint;
  const std::lock_guard guard(lock_);
  const auto check = [&](endpoint_id party, errc died) {
    if (party == any || party == none) return errc::bad_endpoint;
    if (party == self.id_) return errc::ok;
    dvk_slot* slot = nullptr;
    if (const errc found = find_peer(self, party, died, errc::ok, slot); found != errc::ok) return found;
    if (!dvk_permits(table(), self.index_, DVK_TO, index_of(party))) return errc::trap_denied;
    const auto state = published_state::from(
        ports_[static_cast<std::size_t>(index_of(party))]->state_.load(std::memory_order_acquire));
    const bool blocked = state.doing == activity::receiving || state.doing == activity::awaiting_reply;
    return blocked ? errc::ok : errc::not_waiting;
  };
  const errc source = check(from, errc::source_died);
  return source == errc::ok ? check(into, errc::destination_died) : source;
}

}  // namespace dvs::userspace

#endif
