// SPDX-License-Identifier: MIT
/// @file
/// Processes of other nodes in the table of a DC.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_ACROSS_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_ACROSS_HPP

#include <cstring>
#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline result<std::shared_ptr<port>> broker::bind_ghost(const std::shared_ptr<carrier>& gate, endpoint_id who,
                                                        std::string_view name, node_id at) {
  if (who == clock_task || who == process_events) return errc::range;
  const std::lock_guard guard(lock_);
  {
    const std::lock_guard grants_guard(grants_lock_);
    const int bound = dvk_bind_remote(table(), number(who), std::string(name).c_str(), number(at));
    if (bound != DVK_E_ok) return errc{bound};
  }
  auto made = make_port(gate, who, number(at));
  made->permit(call_set::all());
  ports_[static_cast<std::size_t>(made->index_)] = made;
  tell_table_watches();
  return made;
}

inline wait_edge broker::edge_of(endpoint_id who, endpoint_id waiter, bool waiter_receives) {
  const std::lock_guard guard(lock_);
  dvk_slot *slot = nullptr, *waiting = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return {};
  if (dvk_find_bound(table(), number(waiter), &waiting) != DVK_E_ok) return {};
  // What the waiter gives shows here when it has come, and until it has been told how that ended.
  published_state given = state_of(*ports_[static_cast<std::size_t>(index_of(waiter))]);
  if (waiting->node != DVK_HERE)
    if (const published_state direct = direct_state_of(waiter, who); direct.doing != activity::running) given = direct;
  const bool is_taken = given.doing == activity::awaiting_reply;
  if (!waiter_receives && (given.peer != who || (given.doing != activity::sending && !is_taken))) return {};

  const port& p = *ports_[static_cast<std::size_t>(index_of(who))];
  const published_state state = state_of(p);
  if (state.doing == activity::running || state.doing == activity::sleeping) return {};
  const bool receives = state.doing == activity::receiving;
  if (receives) {
    if (state.peer == any || state.requests_only || p.has_notification_from(state.peer)) return {};
    // It takes what the waiter has for it: MINIX's exemption of two of which one sends and the other receives.
    if (state.peer == waiter && !waiter_receives && !is_taken) return {};
  }
  const std::uint64_t exchange = p.waiting_across_.load(std::memory_order_acquire);
  const std::uint64_t began = p.began_.load(std::memory_order_acquire);
  return {true, state.peer, receives, exchange != 0 ? exchange : p.state_.load(std::memory_order_acquire), began};
}

inline errc broker::lock_wait(endpoint_id who, std::uint64_t wait) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(who), &slot) != DVK_E_ok) return errc::no_entry;
  port& p = *ports_[static_cast<std::size_t>(index_of(who))];
  if (p.state_.load(std::memory_order_acquire) != wait) return errc::no_entry;
  p.locked_wait_.store(wait, std::memory_order_seq_cst);
  p.carrier_->ring(p.bell_);
  return errc::ok;
}

/// The exchange in which `who` waits for another node, or 0.
inline std::uint64_t broker::waits_across(endpoint_id who) {
  const auto p = port_of(who);
  return p == nullptr ? 0 : p->waiting_across_.load(std::memory_order_acquire);
}

inline published_state broker::look_at(const port& p) {
  const std::lock_guard guard(lock_);
  return state_of(p);
}

inline errc broker::may_copy_by_address(endpoint_id asker, endpoint_id owner, access direction) {
  const std::lock_guard guard(lock_);
  dvk_slot* slot = nullptr;
  if (dvk_find_bound(table(), number(asker), &slot) != DVK_E_ok) return errc::bad_endpoint;
  if (!dvk_is_system(table(), index_of(asker))) return errc::no_privilege;
  const int found = dvk_resolve(table(), number(owner), &slot);
  if (found != DVK_E_ok) return errc{found};
  if (!dvk_is_bound(slot)) return gone(direction == access::read ? errc::source_died : errc::destination_died);
  if (slot->node != DVK_HERE) return errc::not_supported;
  return holds_still(*ports_[static_cast<std::size_t>(index_of(owner))]) ? errc::ok : errc::not_waiting;
}

/// Whether `p` waits in a receive or for an answer, so that its memory may be copied by address. The caller holds the
/// lock.
inline bool broker::holds_still(const port& p) const {
  // Who has asked another node counts as heard: it may ask for the memory as soon as it has.
  if (p.asking_across_.load(std::memory_order_acquire) != 0) return true;
  const activity doing = state_of(p).doing;
  return doing == activity::receiving || doing == activity::awaiting_reply;
}

inline errc broker::cancel(endpoint_id who) {
  if (const auto other = port_of(who); other != nullptr && other->is_ghost())
    return ask_across(who, DVK_CONTROL_cancel, forever);
  return control(who, port::control_cancel);
}

/// What to ask another node about the request of `p` to `server`; none if that is gone. The caller holds the lock.
inline std::optional<dvk_frame> broker::about_request(port& p, endpoint_id server, std::uint64_t exchange) {
  const std::int32_t index = index_of(server);
  const auto& there = ports_[static_cast<std::size_t>(index)];
  if (there == nullptr || !there->is_ghost()) return {};
  across_command asked;
  p.address(asked, DVK_FRAME_inspect, server, there->node_);
  asked.ask.value = exchange;
  return asked.ask;
}

/// Has another node do something to a process of it.
inline errc broker::ask_across(endpoint_id who, dvk_control what, timeout limit) {
  const auto other = port_of(who);
  if (other == nullptr) return errc::bad_endpoint;
  across_command told;
  other->address(told, DVK_FRAME_control, who, other->node_);
  told.ask.value = what;
  const auto& here = carrier::current_shared();
  const errc outcome = across_wait(here).carry_out(*outside_, told, limit);
  if (!told.is_here_now) return outcome;
  return what == DVK_CONTROL_cancel ? cancel(who) : unbind(who, limit);
}

// ---- Memory of this node that takes part in a copy between nodes ----

template <class Use>
errc copy_side::read(std::uint64_t at, std::size_t bytes, Use&& use) const {
  if (memory_ != nullptr) {
    use(std::span<const std::byte>(memory_ + at, bytes));
    return errc::ok;
  }
  granted_range part = range_;
  part.offset += at;
  if (table_ == nullptr) {
    std::vector<std::byte> copied(bytes);
    if (!copy_by_address(part.offset, reinterpret_cast<std::uintptr_t>(copied.data()), bytes)) return errc::fault;
    use(std::span<const std::byte>(copied));
    return errc::ok;
  }
  return table_->with_granted_here(grantee_, part, bytes, access::read,
                                   [&](std::byte* memory) { use(std::span<const std::byte>(memory, bytes)); });
}

inline errc copy_side::write(std::uint64_t at, std::span<const std::byte> data) const {
  if (memory_ != nullptr) {
    std::memcpy(memory_ + at, data.data(), data.size());
    return errc::ok;
  }
  granted_range part = range_;
  part.offset += at;
  if (table_ == nullptr) {
    const bool moved = copy_by_address(reinterpret_cast<std::uintptr_t>(data.data()), part.offset, data.size());
    return moved ? errc::ok : errc::fault;
  }
  return table_->with_granted_here(grantee_, part, data.size(), access::write,
                                   [&](std::byte* memory) { std::memcpy(memory, data.data(), data.size()); });
}

}  // namespace dvs::userspace

#endif
