// SPDX-License-Identifier: MIT
/// @file
/// Direct links to other processes of the host.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_DIRECT_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_DIRECT_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// Makes the link from `asker`, which runs here, to the process that `across` leads to; null: there is no direct way.
inline std::shared_ptr<link> broker::find_direct_way(port& asker, const link& across) {
  const node_id at{static_cast<std::uint16_t>(across.server->node_)};
  if (!may_have_neighbours() || at != outside_->self() || !asker.carrier_->place()) return nullptr;
  auto way = shared_->introduce(*this, asker.id_, across.server_id, *asker.carrier_->place());
  if (way == nullptr) return nullptr;
  const std::lock_guard guard(lock_);
  const auto& server = ports_[static_cast<std::size_t>(index_of(across.server_id))];
  if (server != across.server) return nullptr;  // it has gone meanwhile
  auto made = make_direct_link(ports_[static_cast<std::size_t>(asker.index_)], server, std::move(way));
  asker.carrier_->door().add(*made, hint_between(number(across.server_id), number(asker.id_)));
  return made;
}

/// Another process has a direct way to one here; in the context of the gateway.
inline errc broker::accept_direct_way(endpoint_id asker, endpoint_id server, std::unique_ptr<direct_way> way) {
  std::shared_ptr<link> made;
  if (const auto from = port_of(asker); from != nullptr && from->is_ghost())
    if (const auto old = from->directly_asked_.find(server); old != from->directly_asked_.end())
      from->drop_asked(*old->second);  // a severed one
  {
    const std::lock_guard guard(lock_);
    dvk_slot* slot = nullptr;
    if (dvk_find_bound(table(), number(asker), &slot) != DVK_E_ok) return errc::bad_endpoint;
    if (dvk_find_bound(table(), number(server), &slot) != DVK_E_ok) return errc::bad_endpoint;
    const auto& from = ports_[static_cast<std::size_t>(index_of(asker))];
    const auto& to = ports_[static_cast<std::size_t>(index_of(server))];
    if (!from->is_ghost() || to->is_ghost() || !to->carrier_->place()) return errc::bad_endpoint;
    made = make_direct_link(from, to, std::move(way));
    from->directly_asked_[server] = made;
    to->has_direct_askers_.store(true, std::memory_order_relaxed);
    to->carrier_->door().add(*made, hint_between(number(asker), number(server)));
  }
  made->ring_server();  // there may be a message already
  return errc::ok;
}

/// Nothing new goes the direct way between two, one of which is here.
inline void broker::sever(endpoint_id asker, endpoint_id server) {
  const std::lock_guard guard(lock_);
  std::erase_if(direct_links_, [](const auto& each) { return each.expired(); });
  for (const auto& each : direct_links_)
    if (const auto on = each.lock(); on->asker_id == asker && on->server_id == server) on->direct->sever();
}

inline errc broker::ring(endpoint_id who) {
  const auto rung = port_of(who);
  if (rung == nullptr || rung->is_ghost()) return errc::bad_endpoint;
  if (rung->carrier_->place()) rung->carrier_->door().hint_all();
  rung->carrier_->ring(rung->bell_);
  return errc::ok;
}

/// The caller holds the lock.
inline std::shared_ptr<link> broker::make_direct_link(const std::shared_ptr<port>& asker,
                                                      const std::shared_ptr<port>& server,
                                                      std::unique_ptr<direct_way> way) {
  const std::uint32_t first = first_sequence(way->number());
  auto made = std::make_shared<link>(asker, server, false, first, std::move(way));
  made->post_bell = server->carrier_->add_bell(made->post_bell_source);
  made->answer_bell = asker->carrier_->add_bell(made->answer_bell_source);
  server->new_links_.push_back(made);
  server->has_new_links_.store(true, std::memory_order_release);
  std::erase_if(direct_links_, [](const auto& each) { return each.expired(); });
  direct_links_.push_back(made);
  return made;
}

/// What the ghost `asker` does to the process `server` here by the direct way. The caller holds the lock.
inline published_state broker::direct_state_of(endpoint_id asker, endpoint_id server) const {
  for (const auto& each : direct_links_) {
    const auto on = each.lock();
    if (on == nullptr || on->asker_id != asker || on->server_id != server || !on->is_open()) continue;
    const slot_state post(on->lines.post.state.load(std::memory_order_acquire));
    const bool is_taken = on->taken.load(std::memory_order_acquire) == post.sequence();
    return {is_taken ? activity::awaiting_reply : activity::sending, false, 0, server};
  }
  return {};
}

inline std::int64_t broker::look_at_direct_waits(std::int64_t time) {
  struct lasting {
    endpoint_id who, partner;
    std::uint64_t wait;
  };
  std::vector<lasting> suspects;
  bool has_new = false;
  std::int64_t next = -1;
  direct_waits_watched_.store(false, std::memory_order_seq_cst);  // who begins to wait from now on says so
  {
    const std::lock_guard guard(lock_);
    for (const auto& each : direct_links_) {
      const auto on = each.lock();
      if (on == nullptr || on->asker->is_ghost()) continue;
      port& waiter = *on->asker;
      if (waiter.blocked_on_.load(std::memory_order_acquire) != on.get()) continue;
      const std::uint64_t wait = waiter.state_.load(std::memory_order_acquire);
      if (std::exchange(waiter.watched_wait_, wait) != wait) {
        waiter.watched_since_ns_ = time;
        waiter.suspect_at_ns_ = time + direct_wait_is_long_ns;
        has_new = true;
      } else if (time >= waiter.suspect_at_ns_) {
        waiter.suspect_at_ns_ = time + std::min(time - waiter.watched_since_ns_, cycle_search::longest_pause_ns);
        // What one of the two was rung for may have been lost, if a third has scribbled on its hints just then.
        if (!on->is_open())
          waiter.carrier_->ring(on->answer_bell);
        else if (on->taken.load(std::memory_order_acquire) != on->sequence())
          on->ring_server();
        const auto state = published_state::from(wait);
        if (state.doing != activity::running) suspects.push_back({waiter.id_, state.peer, wait});
      }
      if (next < 0 || waiter.suspect_at_ns_ < next) next = waiter.suspect_at_ns_;
    }
  }
  if (has_new) direct_waits_watched_.store(true, std::memory_order_relaxed);
  // A cycle through other processes shows to the daemon only.
  for (const lasting& each : suspects) shared_->suspect(*this, each.who, each.partner, each.wait);
  return next;
}

}  // namespace dvs::userspace

#endif
