// SPDX-License-Identifier: MIT
/// @file
/// Administration of a DC: privileges, the process table, and waiting for its changes.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_IMPL_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// Sets the calls that a process may make, in the table and where it looks itself.
inline void broker::apply(endpoint_id who, port& p, const privileges& rights) {
  p.permit(rights.calls);
  apply_privileges(table(), who, rights);
  epoch_.fetch_add(1, std::memory_order_acq_rel);
}

inline errc broker::set_privileges(endpoint_id who, const privileges& rights) {
  return shared_ != nullptr ? shared_->set_privileges(*this, who, rights) : enforce(who, rights);
}

inline errc broker::enforce(endpoint_id who, const privileges& rights) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  if (slot->node != DVK_HERE) return errc::not_supported;
  apply(who, *ports_[static_cast<std::size_t>(index_of(who))], rights);
  return errc::ok;
}

inline result<privileges> broker::privileges_of(endpoint_id who) {
  if (shared_ != nullptr) return shared_->privileges_of(*this, who);
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::bad_endpoint;
  if (slot->node != DVK_HERE) return errc::not_supported;
  return read_privileges(table(), who);
}

inline result<endpoint_id> broker::find(std::string_view name) {
  const std::lock_guard guard(lock_);
  for (const auto& p : ports_)
    if (p != nullptr && name == slot_at(*p).name) return p->id_;
  return errc::no_entry;
}

/// What a process does. Between threads the line of its link is what counts: a process waits as soon as it has posted,
/// and only the server knows when it takes a request. The caller holds the lock.
inline published_state broker::state_of(const port& p) const {
  auto state = published_state::from(p.state_.load(std::memory_order_acquire));
  const link* const on = p.blocked_on_.load(std::memory_order_acquire);
  // What goes to another node is under way when the gateway has taken it.
  const bool goes_outside = outside_ != nullptr && on == nullptr && state.peer != hardware;
  if (goes_outside && state.doing == activity::sending && p.waiting_across_.load(std::memory_order_acquire) == 0)
    return {};
  if (on == nullptr || on->local) return state;
  if (!on->is_open()) return {};  // it has ended, or has not begun
  const slot_kind posted = slot_state(on->lines.post.state.load(std::memory_order_acquire)).kind();
  if (state.doing == activity::running && posted != slot_kind::listening)
    state = {posted == slot_kind::send ? activity::sending : activity::awaiting_reply, false, 0, on->server_id};
  if (state.doing == activity::awaiting_reply &&
      on->taken.load(std::memory_order_acquire) != on->asking.load(std::memory_order_acquire))
    state.doing = activity::sending;
  return state;
}

inline std::vector<process_info> broker::processes() {
  if (shared_ != nullptr)
    if (auto all = shared_->take_census(*this)) return std::move(all->processes);
  return list(true);
}

inline std::vector<process_info> broker::processes_here() { return list(false); }

inline std::vector<process_info> broker::list(bool with_idle_ghosts) {
  std::vector<process_info> rows;
  std::vector<std::pair<std::size_t, dvk_frame>> asking;  // by row; whether they were heard is known elsewhere
  {
    const std::lock_guard guard(lock_);
    const auto self = outside_ == nullptr ? node_id{} : outside_->self();
    for (const auto& p : ports_) {
      if (p == nullptr) continue;
      const published_state state = state_of(*p);
      if (p->is_ghost() && !with_idle_ghosts && state.doing == activity::running) continue;
      rows.push_back({p->id_, slot_at(*p).name, state.doing, state.peer, p->sent_.load(std::memory_order_relaxed),
                      p->received_.load(std::memory_order_relaxed), p->copies_.load(std::memory_order_relaxed),
                      p->bytes_copied_.load(std::memory_order_relaxed),
                      p->is_ghost() ? node_id{static_cast<std::uint16_t>(p->node_)} : self});
      const std::uint64_t exchange = p->asking_across_.load(std::memory_order_acquire);
      if (exchange != 0 && state.doing == activity::sending)
        if (const auto question = about_request(*p, state.peer, exchange))
          asking.emplace_back(rows.size() - 1, *question);
    }
  }
  if (asking.empty()) return rows;
  across_wait answers(carrier::current_shared());
  std::deque<across_command> asked;
  for (const auto& [row, question] : asking) {
    across_command& next = asked.emplace_back();
    next.ask = question;
    next.inspected = &rows[row];
    answers.begin(*outside_, next);
  }
  for (const across_command& each : asked) answers.finish(each);
  return rows;
}

inline dc_info broker::info() {
  dc_info row = info_here();
  if (shared_ == nullptr || !row.running) return row;
  if (const auto all = shared_->take_census(*this)) {
    row.processes = static_cast<std::uint32_t>(all->processes.size());
    row.grants = all->grants;
  }
  return row;
}

inline dc_info broker::info_here() {
  const std::lock_guard guard(lock_);
  const std::shared_lock grants_guard(grants_lock_);
  dvk_table_info totals;
  dvk_describe_table(table(), &totals);
  const auto ghosts = std::ranges::count_if(ports_, [](const auto& p) { return p != nullptr && p->is_ghost(); });
  return {id_, name_, !ended(), sizes_, totals.bound - static_cast<std::uint32_t>(ghosts), totals.grants};
}

inline std::shared_ptr<port> broker::port_of(endpoint_id who) {
  const std::lock_guard guard(lock_);
  const std::int32_t index = index_of(who);
  if (index < 0 || static_cast<std::size_t>(index) >= ports_.size()) return nullptr;
  const auto& p = ports_[static_cast<std::size_t>(index)];
  return p != nullptr && p->id_ == who ? p : nullptr;
}

/// What a wait for the table sees: ok, would_block (not yet), or an error. The caller holds the lock.
inline errc broker::table_state(endpoint_id who, awaited wanted) const {
  dvk_slot* slot = nullptr;
  const int found = dvk_resolve(table(), number(who), &slot);
  if (found == DVK_E_range) return errc::range;
  const bool is_bound = found == DVK_E_ok && dvk_is_bound(slot);
  if (wanted == awaited::unbound) return is_bound ? errc::would_block : errc::ok;
  if (wanted == awaited::rest) return is_bound ? rest_of(*port_at(who)) : errc::bad_endpoint;
  if (is_bound) return errc::ok;
  const bool may_come = !dvk_is_bound(slot) && generation_of(who) == dvk_next_generation(table(), slot);
  return may_come ? errc::would_block : errc::bad_endpoint;
}

inline void broker::watch_table(table_watch& watch) {
  const std::lock_guard guard(lock_);
  table_watches_.push_back(&watch);
  tell_table_watches();
}

inline void broker::unwatch_table(table_watch& watch) {
  const std::lock_guard guard(lock_);
  std::erase(table_watches_, &watch);
}

/// Ends the waits that the table decides now. The caller holds the lock.
inline void broker::tell_table_watches() {
  std::erase_if(table_watches_, [&](table_watch* watch) {
    const errc seen = table_state(watch->who, watch->wanted);
    if (seen != errc::would_block) watch->decide(seen);
    return seen != errc::would_block;
  });
}

inline void broker::add_death_watcher(port& watcher) {
  const std::lock_guard guard(lock_);
  std::erase(death_watchers_, &watcher);
  death_watchers_.push_back(&watcher);
}

}  // namespace dvs::userspace

#endif
