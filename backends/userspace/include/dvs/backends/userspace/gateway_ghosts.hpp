// SPDX-License-Identifier: MIT
/// @file
/// Who is where: links, and the processes of other nodes that are known here.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_GHOSTS_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_GHOSTS_HPP

#include <dvs/backends/userspace/gateway.hpp>

namespace dvs::userspace {

inline gateway::ghost* gateway::find_ghost(container& in, endpoint_id who) {
  const auto at = in.ghosts.find(who);
  return at == in.ghosts.end() ? nullptr : at->second.get();
}

inline gateway::ghost* gateway::find_ghost(container& in, endpoint_id who, node_id at) {
  ghost* const found = find_ghost(in, who);
  return found == nullptr || found->at != at ? nullptr : found;
}

// ---- Links ----

inline errc gateway::link_up(node_id peer, std::uint64_t incarnation, proxy& by) {
  if (peer == self_) return errc::bad_argument;
  const auto [at, is_new] = peers_.try_emplace(peer, peer_link{&by, {}, {}});
  if (!is_new) return errc::busy;
  const bool is_same_run = std::exchange(known_incarnations_[peer], incarnation) == incarnation;
  for (auto& [dc, in] : containers_) {
    if (!is_same_run) vanish_all(peer, in, false);
    for (auto& [who, known] : in.ghosts)
      if (known->at == peer) known->listed = false;
    peers_.at(peer).unlisted.insert(dc);
    settle_again(in, peer);
    list(peer, in);  // before any of them asks for anything there
  }
  return errc::ok;
}

inline void gateway::link_down(node_id peer) {
  if (peers_.erase(peer) == 0) return;
  fail_exchanges(peer);
  for (auto& [dc, in] : containers_)
    for (auto& [who, known] : in.ghosts)
      if (known->at == peer) disconnect(*known);
}

/// What waits for a process of a node that was lost ends.
inline void gateway::disconnect(ghost& who) {
  who.stands_for->lose();
  if (who.command.exchange == 0) return;
  who.forsaken = true;
  interrupt(who);
}

inline std::shared_ptr<broker> gateway::dc(dc_id number) const {
  const auto at = containers_.find(dvs::number(number));
  return at == containers_.end() ? nullptr : at->second.dc;
}

inline bool gateway::knows(node_id peer) const {
  const auto at = peers_.find(peer);
  return at != peers_.end() && at->second.unlisted.empty();
}

/// Tells a node that a DC runs here from now on, and wants to know who is bound in it there.
inline void gateway::greet(node_id peer, container& in) {
  peers_.at(peer).unlisted.insert(number(in.dc->shared_id()));
  queue_news(peer, DVK_FRAME_join, in.dc->shared_id());
}

// ---- Processes here ----

inline void gateway::note_bound(dc_id dc, endpoint_id who, const born& what) {
  const auto at = containers_.find(number(dc));
  if (at == containers_.end()) return;
  at->second.bound[who] = what;
  for (auto& [peer, to] : peers_) queue_news(peer, news_of(what), dc, who, what);
}

inline void gateway::note_gone(dc_id dc, endpoint_id who, std::uint64_t birth) {
  const auto at = containers_.find(number(dc));
  if (at == containers_.end()) return;
  const auto known = at->second.bound.find(who);
  if (known == at->second.bound.end() || known->second.birth != birth) return;
  at->second.bound.erase(known);
  for (auto& [peer, to] : peers_) queue_news(peer, DVK_FRAME_gone, dc, who, {});
  for (auto asked = at->second.leaving.find(who); asked != at->second.leaving.end();
       asked = at->second.leaving.find(who)) {
    answer(asked->second, errc::ok);
    at->second.leaving.erase(asked);
  }
}

inline void gateway::list(node_id peer, container& in) {
  const dc_id dc = in.dc->shared_id();
  for (const auto& [who, what] : in.bound) queue_news(peer, news_of(what), dc, who, what);
  queue_news(peer, DVK_FRAME_listed, dc);
}

// ---- Processes of other nodes ----

inline void gateway::end_listing(node_id peer, container& in) {
  vanish_all(peer, in, true);
  peers_.at(peer).unlisted.erase(number(in.dc->shared_id()));
}

/// A process is bound at a node. One whose slot is taken here cannot be reached from here.
inline void gateway::appear(node_id at, container& in, endpoint_id who, const born& what) {
  if (const auto coming = in.coming.find(who); coming != in.coming.end() && coming->second.from == at)
    forget_coming(in, who);  // it goes on there after all
  if (ghost* const known = find_ghost(in, who); known != nullptr) {
    if (known->last_at == at && known->last_birth == what.birth && what.birth != 0) return;  // told before it moved
    if (known->at == at && known->birth == what.birth) {
      known->listed = true;
      known->stands_for->find_again();
      return;
    }
    vanish(in, who);
  }
  auto bound = in.dc->bind_ghost(carrier_, who, what.name, at);
  if (!bound) return;
  if (what.term != 0) in.dc->relocate(**bound, at, what.term);
  in.ghosts[who] = std::make_unique<ghost>(ghost{*bound, in, at, what.birth, what.term});
}

/// A process of another node is gone. What it still asks for here ends first.
inline void gateway::vanish(container& in, endpoint_id who) {
  ghost& known = *in.ghosts.at(who);
  end_operation(known);
  in.dc->unbind(*known.stands_for);
  in.ghosts.erase(who);
  in.settling.erase(who);
  forget_coming(in, who);
}

inline void gateway::vanish_all(node_id at, container& in, bool unlisted_only) {
  std::vector<endpoint_id> going;
  for (const auto& [who, known] : in.ghosts)
    if (known->at == at && !(unlisted_only && (known->listed || in.settling.contains(who)))) going.push_back(who);
  for (const endpoint_id who : going) vanish(in, who);
}

}  // namespace dvs::userspace

#endif
