// SPDX-License-Identifier: MIT
/// @file
/// Other nodes: lines that are trusted, as their links are authenticated, and that may be down for a while.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_PEERS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_PEERS_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

// ---- Links ----

inline errc switchboard::link_up(node_id peer, std::uint64_t incarnation) {
  if (peer == self_ || peer == this_process) return errc::bad_argument;
  const auto [known, is_new] = peers_.try_emplace(peer, line_id{last_line_ + 1});
  if (is_new) ++last_line_;
  const line_id id = known->second;
  line& at = lines_[id];
  if (at.is_up) return errc::busy;
  at.peer = peer;
  const bool is_same_run = std::exchange(at.incarnation, incarnation) == incarnation;
  at.is_up = true;
  at.unlisted.clear();
  for (auto& [number, in] : dcs_)
    if (!is_same_run) forget_processes_of(id, in, false);
  tell_of_link(peer, incarnation, true);
  for (auto& [number, in] : dcs_) {
    for (auto& [who, process] : in.processes)
      if (process.at == id) process.is_listed = false;
    if (in.takes_part(peer) && !in.has_ended) greet(at, in, false);
  }
  return errc::ok;
}

/// Tells a node who is bound here in a DC; each side does so when a link comes up. Who makes a DC later asks for it.
inline void switchboard::greet(line& peer, dc_record& in, bool wants_answer) {
  peer.unlisted.insert(number(in.id));
  if (wants_answer) deliver(peer, news_of(in, DVK_FRAME_join, endpoint_id{0}, 0, {}), self_);
  for (const auto& [who, process] : in.processes)
    if (node_of(process.at) == self_)
      deliver(peer, news_of(in, DVK_FRAME_bound, who, process.birth, process.name), self_);
  if (!wants_answer) deliver(peer, news_of(in, DVK_FRAME_listed, endpoint_id{0}, 0, {}), self_);
}

inline void switchboard::link_down(node_id peer) {
  const auto known = peers_.find(peer);
  if (known == peers_.end()) return;
  line& at = lines_.at(known->second);
  if (!std::exchange(at.is_up, false)) return;
  at.queue.clear();
  at.queue_bytes = 0;
  at.commands.clear();
  tell_of_link(peer, at.incarnation, false);
  end_commands_of(known->second);
}

inline void switchboard::tell_of_link(node_id peer, std::uint64_t incarnation, bool is_up) {
  for (auto& [id, each] : lines_)
    if (!each.peer && each.is_up && !each.is_closing)
      ask(id, {{"op", "link"}, {"node", number(peer)}, {"incarnation", incarnation}, {"up", is_up}},
          [](errc, const json&) {});
}

inline std::span<const std::byte> switchboard::next_for(node_id peer) const {
  const auto known = peers_.find(peer);
  const packet* const next = known == peers_.end() ? nullptr : this->next(known->second);
  return next == nullptr ? std::span<const std::byte>() : std::span(*next).subspan(1);
}

inline bool switchboard::knows(node_id peer) const {
  const auto known = peers_.find(peer);
  if (known == peers_.end()) return false;
  const line& at = lines_.at(known->second);
  return at.is_up && at.unlisted.empty();
}

inline std::size_t switchboard::open_commands(node_id peer) {
  const auto known = peers_.find(peer);
  if (known == peers_.end()) return 0;
  std::size_t open = 0;
  exchanges_.for_each([&](std::uint64_t, const open_command& each) {
    if (each.from == known->second || each.to == known->second) ++open;
  });
  return open;
}

// ---- Frames ----

inline errc switchboard::deliver_from(node_id peer, std::span<const std::byte> bytes) {
  const auto known = peers_.find(peer);
  if (known == peers_.end() || !lines_.at(known->second).is_up) return errc::not_connected;
  dvk_frame frame;
  if (const errc wrong = decode_frame(bytes, frame); wrong != errc::ok) return wrong;
  if (frame.from_node != number(peer) || frame.to_node != number(self_)) return errc::bad_argument;
  clock_.hear(frame.clock);
  line& at = lines_.at(known->second);
  if (dvk_frame_completes(frame.kind))
    completion_in(known->second, frame);
  else if (dvk_frame_is_news(frame.kind))
    news_from_peer(known->second, at, frame);
  else
    command_in(known->second, at, frame);
  return errc::ok;
}

/// Whom a command of another node is for. That node has tested who asks.
inline errc switchboard::admit_peer(dc_record& in, dvk_frame& frame, line_id& to) {
  const auto* const asked = in.find(endpoint_id{frame.to});
  if (asked == nullptr || lines_.at(asked->at).peer) {
    if (frame.kind == DVK_FRAME_waits_for || frame.kind == DVK_FRAME_lock) return errc::no_entry;
    if (frame.kind == DVK_FRAME_control) return errc::bad_endpoint;
    return frame.kind == DVK_FRAME_copy_out ? errc::source_died : errc::destination_died;
  }
  to = asked->at;
  switch (frame.kind) {
    case DVK_FRAME_send:
    case DVK_FRAME_try_send:
    case DVK_FRAME_request:
    case DVK_FRAME_notify:
    case DVK_FRAME_reply:
      return in.find(endpoint_id{frame.from}) == nullptr ? errc::bad_endpoint : may_talk(in, frame);
    default:
      return errc::ok;
  }
}

/// A cancel of nothing ends when all has been carried out that came before it.
inline void switchboard::fence_for_peer(line_id from, const dvk_frame& frame) {
  const auto awaited = std::make_shared<std::size_t>(1);
  const auto count = [this, from, frame, awaited] {
    if (--*awaited == 0) refuse(lines_.at(from), frame, errc::no_entry);
  };
  for (auto& [id, each] : lines_) {
    if (each.peer) continue;
    ++*awaited;
    ask(id, {{"op", "fence"}}, [count](errc, const json&) { count(); });
  }
  count();
}

// ---- Who is bound there ----

inline void switchboard::news_from_peer(line_id from, line& at, const dvk_frame& frame) {
  const auto found = dcs_.find(frame.dc);
  if (found == dcs_.end() || !found->second.takes_part(*at.peer) || found->second.has_ended) return;
  dc_record& in = found->second;
  const auto* const known = in.find(endpoint_id{frame.from});
  switch (frame.kind) {
    case DVK_FRAME_join:
      return greet(at, in, false);
    case DVK_FRAME_placed:
      return place(from, in, frame);
    case DVK_FRAME_bound:
      return appear(from, in, frame);
    case DVK_FRAME_gone:
      if (known != nullptr && known->at == from) unbind(in, endpoint_id{frame.from});
      return;
    case DVK_FRAME_listed:
      forget_processes_of(from, in, true);
      at.unlisted.erase(frame.dc);
      for (const line_id listener : in.listeners) deliver(lines_.at(listener), frame, *at.peer);
      return;
    default:
      return;
  }
}

/// A process is bound at a node. One whose slot is taken here cannot be reached from here.
inline void switchboard::appear(line_id from, dc_record& in, const dvk_frame& frame) {
  const endpoint_id who{frame.from};
  if (const auto known = in.processes.find(who); known != in.processes.end() && known->second.at == from) {
    if (known->second.birth == frame.value) {
      known->second.is_listed = true;
      return tell(in, from, DVK_FRAME_bound, who, frame.value, frame.name);  // it can be reached again
    }
    unbind(in, who);
  }
  if (dvk_bind_remote(in.table(), frame.from, frame.name, number(node_of(from))) != DVK_E_ok) return;
  in.processes.emplace(who, dc_record::process{from, frame.value, frame.name, frame.term});
  if (frame.kind == DVK_FRAME_placed) dvk_migrate_place(in.table(), frame.from, number(node_of(from)), frame.term);
  tell(in, from, DVK_FRAME_bound, who, frame.value, frame.name);
}

/// A process that has moved is at a node. Processes here are told, and find it there.
inline void switchboard::place(line_id from, dc_record& in, const dvk_frame& frame) {
  const endpoint_id who{frame.from};
  relocate(in, who, frame);
  const auto known = in.processes.find(who);
  if (known == in.processes.end()) return appear(from, in, frame);
  dc_record::process& there = known->second;
  if (there.at != from || there.term != frame.term) return;  // it has moved on since
  if (there.birth == 0) there.birth = frame.value;
  if (there.birth != frame.value) return appear(from, in, frame);
  there.is_listed = true;
  for (const line_id listener : in.listeners) deliver(lines_.at(listener), frame, node_of(from));
}

inline void switchboard::forget_processes_of(line_id which, dc_record& in, bool unlisted_only) {
  std::vector<endpoint_id> going;
  for (const auto& [who, process] : in.processes)
    if (process.at == which && !(unlisted_only && process.is_listed)) going.push_back(who);
  for (const endpoint_id who : going) unbind(in, who);
}

}  // namespace dvs::userspace

#endif
