// SPDX-License-Identifier: MIT
/// @file
/// Frames from line to line: who may send them, where they go, and that each command has its completion.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_FRAMES_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_FRAMES_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

inline void switchboard::frame_in(line_id from, line& at, std::span<const std::byte> bytes) {
  dvk_frame frame;
  if (decode_frame(bytes, frame) != errc::ok || frame.from_node != number(this_process)) return fail(from);
  // All processes of a node read the same clock and hear of others through this one.
  clock_.hear(std::min(frame.clock, clock_.now()));
  if (dvk_frame_completes(frame.kind)) return completion_in(from, frame);
  if (dvk_frame_is_news(frame.kind)) return news_in(from, at, frame);
  command_in(from, at, frame);
}

// ---- Commands ----

inline void switchboard::command_in(line_id from, line& at, dvk_frame& frame) {
  if (at.commands.contains(frame.exchange)) return fail(from);  // its completions could not be told apart
  const auto in = dcs_.find(frame.dc);
  if (in == dcs_.end() || !(at.peer ? in->second.takes_part(*at.peer) : at.opened.contains(frame.dc)))
    return refuse(at, frame, errc::bad_dc);
  if (in->second.has_ended) return refuse(at, frame, errc::shut_down);
  if (at.commands.size() >= commands_max) return refuse(at, frame, errc::table_full);
  line_id to{};
  if (at.peer && frame.kind == DVK_FRAME_cancel && frame.value == ~std::uint64_t{0}) return fence_for_peer(from, frame);
  const errc refused = admit(from, at, in->second, frame, to);
  if (refused != errc::ok) return refuse(at, frame, refused);
  if (lines_.at(to).queue_bytes > asked_bytes_max) return refuse(at, frame, errc::table_full);
  pass_on(from, at, to, frame);
}

/// Whether a line may give this command, and whose it is to carry out.
inline errc switchboard::admit(line_id from, const line& at, dc_record& in, dvk_frame& frame, line_id& to) {
  const bool is_administrator = at.owner.user == 0 || at.owner.user == in.owner;
  switch (frame.kind) {
    case DVK_FRAME_cancel:
    case DVK_FRAME_inspect:
      return mean_own_command(at, frame, to);
    case DVK_FRAME_waits_for:
    case DVK_FRAME_lock:
      if (!at.peer) return errc::no_privilege;
      break;
    case DVK_FRAME_migrate:
    case DVK_FRAME_adopt:
    case DVK_FRAME_settle:
      return errc::not_supported;
    default:
      break;
  }
  if (at.peer) return admit_peer(in, frame, to);
  const auto* const asked = in.find(endpoint_id{frame.to});
  if (frame.kind == DVK_FRAME_control) {
    if (asked == nullptr) return errc::bad_endpoint;
    to = asked->at;
    return is_administrator || asked->at == from ? errc::ok : errc::no_privilege;
  }
  const auto* const asker = in.find(endpoint_id{frame.from});
  if (asker == nullptr || (asker->at != from && !is_told_to_copy(from, frame))) return errc::bad_endpoint;
  if (asked == nullptr) return frame.kind == DVK_FRAME_copy_out ? errc::source_died : errc::destination_died;
  to = asked->at;
  if (const line& there = lines_.at(to); there.peer && !there.is_up) return errc::not_connected;
  return may_talk(in, frame);
}

/// Whether a process was asked to copy its memory to a third, in the name of who asks it now.
inline bool switchboard::is_told_to_copy(line_id who, const dvk_frame& frame) {
  bool was_told = false;
  if (frame.kind != DVK_FRAME_copy_in) return false;
  exchanges_.for_each([&](std::uint64_t, const open_command& open) {
    was_told =
        was_told || (open.to == who && open.frame.kind == DVK_FRAME_copy_across && open.frame.from == frame.from &&
                     open.frame.other == frame.to && open.frame.into.grant == frame.part.grant);
  });
  return was_told;
}

/// Whether the privileges allow a command between two that are bound.
inline errc switchboard::may_talk(dc_record& in, const dvk_frame& frame) const {
  const endpoint_id from{frame.from}, to{frame.to};
  const auto may = [&](dvk_call call) { return errc{dvk_may_call_meanwhile(in.table(), frame.from, call)}; };
  const auto pass = [&](bool good) { return good ? errc::ok : errc::trap_denied; };
  const auto is_system = [&](endpoint_id who) {
    return dvk_is_system(in.table(), dvk_index_of_slot(in.table(), slot_of(who))) != 0;
  };
  errc refused = errc::ok;
  switch (frame.kind) {
    case DVK_FRAME_send:
    case DVK_FRAME_try_send:
      if (refused = may(DVK_CALL_send); refused != errc::ok) return refused;
      return pass(in.may_pass(from, to));
    case DVK_FRAME_request:
      if (refused = may(DVK_CALL_sendrec); refused != errc::ok) return refused;
      return pass(in.may_pass(from, to) && in.may_pass(to, from));
    case DVK_FRAME_notify:
      if (refused = may(DVK_CALL_notify); refused != errc::ok) return refused;
      if (frame.other != frame.from) {  // in the name of a system slot, whoever has it
        if (!is_system(from)) return errc::no_privilege;
        if (generation_of(endpoint_id{frame.other}) != 0 || !is_system(endpoint_id{frame.other}))
          return errc::bad_endpoint;
      }
      return pass(is_system(from) && is_system(to) && in.may_pass(from, to));
    case DVK_FRAME_reply:
      return pass(in.may_pass(from, to));
    case DVK_FRAME_copy_out:
    case DVK_FRAME_copy_in:
    case DVK_FRAME_copy_across:
      if (frame.part.grant != DVK_NO_GRANT) return errc::ok;  // whoever has a grant may use it
      if (refused = may(DVK_CALL_vcopy); refused != errc::ok) return refused;
      return is_system(from) ? errc::ok : errc::no_privilege;
    default:
      return errc::ok;
  }
}

/// Finds the command of the line that a cancel or an inspect means.
inline errc switchboard::mean_own_command(const line& at, dvk_frame& frame, line_id& to) {
  const auto meant = at.commands.find(frame.value);
  if (meant == at.commands.end()) return errc::no_entry;
  const open_command& open = *exchanges_.find(meant->second);
  if (open.frame.dc != frame.dc) return errc::no_entry;
  frame.from = open.frame.from;
  frame.to = open.frame.to;
  frame.value = meant->second;
  to = open.to;
  return errc::ok;
}

inline void switchboard::pass_on(line_id from, line& at, line_id to, dvk_frame& frame) {
  open_command open{.from = from, .to = to, .number = frame.exchange, .frame = frame};
  open.frame.data = nullptr;
  open.frame.data_bytes = 0;
  // Nodes look for the cycles of their own processes.
  if (!at.peer && (frame.kind == DVK_FRAME_send || frame.kind == DVK_FRAME_request)) {
    open.began_ns = monotonic_ns();
    open.search_at_ns = open.began_ns + cycle_search::first_after_ns;
    set_timer(open.search_at_ns);
  }
  const std::uint64_t number = exchanges_.add(std::move(open));
  at.commands.emplace(frame.exchange, number);
  frame.exchange = number;
  if (frame.kind == DVK_FRAME_copy_across)
    frame.other_node = dvs::number(as_seen_by(to, dcs_.at(frame.dc), endpoint_id{frame.other}));
  deliver(lines_.at(to), frame, node_of(from));
}

/// Asks a process for something on behalf of the switchboard.
inline void switchboard::ask(line_id to, dvk_frame frame, std::function<void(const dvk_frame&)> done) {
  frame.exchange = 0;
  open_command open{.from = line_id{}, .to = to, .frame = frame, .began_ns = monotonic_ns(), .done = std::move(done)};
  set_timer(open.began_ns + answer_within_ns);
  frame.exchange = exchanges_.add(std::move(open));
  deliver(lines_.at(to), frame, self_);
}

/// Sends a frame of somebody on node `from`.
inline void switchboard::deliver(line& to, dvk_frame frame, node_id from) {
  frame.from_node = number(to.peer ? self_ : from);
  frame.to_node = number(to.peer.value_or(this_process));
  frame.clock = clock_.now();
  send(to, make_packet(frame));
}

inline node_id switchboard::node_of(line_id which) const {
  const auto at = lines_.find(which);
  return at == lines_.end() ? self_ : at->second.peer.value_or(self_);
}

/// The node of a process, from the point of view of another.
inline node_id switchboard::as_seen_by(line_id who, const dc_record& in, endpoint_id other) const {
  const auto* const process = in.find(other);
  if (process == nullptr) return self_;
  return process->at == who && !lines_.at(who).peer ? this_process : node_of(process->at);
}

// ---- Completions ----

inline void switchboard::completion_in(line_id from, dvk_frame& frame) {
  const open_command* const open = exchanges_.find(frame.exchange);
  if (open == nullptr || open->to != from) return;  // nobody wants to know any more
  const std::uint8_t command = open->frame.kind;
  const bool is_redirect = command == DVK_FRAME_request && frame.kind == DVK_FRAME_redirect;
  const bool is_elsewhere = frame.kind == DVK_FRAME_elsewhere && lines_.at(from).peer && open->from != line_id{};
  if (!is_redirect && !is_elsewhere && frame.kind != completion_of(open->frame, errc::ok).kind) return fail(from);
  if (is_elsewhere) relocate(dcs_.at(open->frame.dc), endpoint_id{open->frame.to}, frame);
  if (frame.kind == DVK_FRAME_copy_out_done && frame.result == DVK_E_ok && frame.data_bytes != open->frame.part.bytes)
    return fail(from);
  finish(frame.exchange, frame);
}

/// Hands the completion of a command to who gave it.
inline void switchboard::finish(std::uint64_t number, dvk_frame completion) {
  const open_command open = std::move(*exchanges_.find(number));
  exchanges_.remove(number);
  if (open.done) return open.done(completion);
  line& to = lines_.at(open.from);
  to.commands.erase(open.number);
  completion.dc = open.frame.dc;
  completion.from = open.frame.to;
  completion.to = open.frame.from;
  completion.message.source = completion.from;
  completion.exchange = open.number;
  if (completion.kind == DVK_FRAME_redirect)
    completion.other_node = dvs::number(as_seen_by(open.from, dcs_.at(completion.dc), endpoint_id{completion.other}));
  deliver(to, completion, node_id{open.frame.to_node});  // from where it was asked for, though the process has moved
}

/// Ends what a line that closes was asked, and forgets what it has asked.
inline void switchboard::end_commands_of(line_id which) {
  std::vector<std::uint64_t> asked;
  exchanges_.for_each([&](std::uint64_t number, const open_command& open) {
    if (open.from == which)
      exchanges_.remove(number);  // its ghosts are gone, and their operations with them
    else if (open.to == which)
      asked.push_back(number);
  });
  const bool is_node = lines_.at(which).peer.has_value();
  for (const std::uint64_t number : asked) {
    const dvk_frame& command = exchanges_.find(number)->frame;
    if (is_node) {
      finish(number, completion_of(command, errc::not_connected));
      continue;
    }
    const bool is_source = command.kind == DVK_FRAME_request || command.kind == DVK_FRAME_copy_out;
    finish(number, completion_of(command, is_source ? errc::source_died : errc::destination_died));
  }
}

// ---- Who is bound ----

inline void switchboard::news_in(line_id from, line& at, const dvk_frame& frame) {
  const auto in = dcs_.find(frame.dc);
  if (in == dcs_.end()) return;
  if (frame.kind == DVK_FRAME_join && at.opened.contains(frame.dc)) {
    if (!in->second.tracers.empty()) want_reports(in->second, from, [] {});
    return list(at, from, in->second, node_id{frame.to_node});
  }
  const auto* const known = in->second.find(endpoint_id{frame.from});
  if (frame.kind != DVK_FRAME_gone || known == nullptr || known->at != from) return;
  unbind(in->second, endpoint_id{frame.from});
  forget_if_left(frame.dc);
}

inline dvk_frame switchboard::news_of(const dc_record& in, dvk_frame_kind kind, endpoint_id who, std::uint64_t birth,
                                      std::string_view name) {
  dvk_frame news{};
  news.kind = static_cast<std::uint8_t>(kind);
  news.dc = number(in.id);
  news.from = number(who);
  news.value = birth;
  name.copy(news.name, sizeof news.name - 1);
  return news;
}

/// Tells a line who is bound on a node, and from now on who will be.
inline void switchboard::list(line& to, line_id which, dc_record& in, node_id of) {
  in.listeners.insert(which);
  for (const auto& [who, process] : in.processes)
    if (process.at != which && node_of(process.at) == of)
      deliver(to, news_of(in, DVK_FRAME_bound, who, process.birth, process.name), of);
  deliver(to, news_of(in, DVK_FRAME_listed, endpoint_id{0}, 0, {}), of);
}

/// Tells everybody but the line from which it comes.
inline void switchboard::tell(dc_record& in, line_id except, dvk_frame_kind kind, endpoint_id who, std::uint64_t birth,
                              std::string_view name) {
  const dvk_frame news = news_of(in, kind, who, birth, name);
  const node_id from = node_of(except);
  for (const line_id listener : in.listeners)
    if (listener != except) deliver(lines_.at(listener), news, from);
  for (const line_id tracer : in.tracers)
    if (!in.listeners.contains(tracer)) deliver(lines_.at(tracer), news, from);
  if (!in.spans_nodes() || from != self_) return;
  for (const auto& [peer, id] : peers_)
    if (line& there = lines_.at(id); there.is_up && in.takes_part(peer)) deliver(there, news, self_);
}

/// A process of another node is at a third one now, as far as `said`, its last node or its new one, knows.
inline void switchboard::relocate(dc_record& in, endpoint_id who, const dvk_frame& said) {
  const auto known = in.processes.find(who);
  const node_id to{said.kind == DVK_FRAME_placed ? said.from_node : said.other_node};
  const auto there = peers_.find(to);
  if (known == in.processes.end() || there == peers_.end()) return;
  dc_record::process& moved = known->second;
  if (!lines_.at(moved.at).peer || said.term <= moved.term) return;
  moved.at = there->second;
  moved.term = said.term;
  moved.birth = said.kind == DVK_FRAME_placed ? said.value : 0;
  moved.is_listed = true;
  dvk_migrate_place(in.table(), number(who), number(to), said.term);
}

inline void switchboard::unbind(dc_record& in, endpoint_id who) {
  const line_id at = in.processes.at(who).at;
  in.processes.erase(who);
  std::erase_if(in.ways, [&](const auto& way) { return way.first.first == who || way.first.second == who; });
  dvk_unbind(in.table(), number(who));
  tell(in, at, DVK_FRAME_gone, who, 0, {});
}

}  // namespace dvs::userspace

#endif
