// SPDX-License-Identifier: MIT
/// @file
/// Processes that go on at another node (`docs/adr/0020-migration-of-endpoints.md`).
///
/// The old node asks the new one to adopt the process, decides, and tells it to settle; both know from then on where it
/// is. Others learn it by news, or when they ask at the old place.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_MOVES_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_MOVES_HPP

#include <dvs/backends/userspace/gateway.hpp>

namespace dvs::userspace {

/// How often a command may be passed on by nodes of which each thinks that another one has the process.
inline constexpr std::uint32_t times_passed_on_max = 64;

// ---- The old node ----

/// Carries out what another node wants of the move of a process here.
inline void gateway::migrate(container& in, const dvk_frame& command) {
  const endpoint_id who{command.to};
  if (command.value == DVK_MIGRATION_rollback) return answer(command, in.dc->migrate_rollback(who));
  struct life final : runnable {
    life(gateway& g, std::shared_ptr<broker> d, const dvk_frame& c) : owner(g), dc(std::move(d)), command(c) {}
    void run() override {
      const endpoint_id who{command.to};
      const bool starts = command.value == DVK_MIGRATION_start;
      owner.answer(command,
                   starts ? dc->migrate_start(who, forever) : dc->migrate_commit(who, node_id{command.other_node}));
      --owner.fibers_;
    }
    gateway& owner;
    const std::shared_ptr<broker> dc;
    const dvk_frame command;
  };
  ++fibers_;
  carrier_->spawn(std::make_unique<life>(*this, in.dc, command), "migration");
}

inline errc gateway::hand_over(broker& dc, dvk_estate& estate, node_id to) {
  std::vector<std::byte> bytes(dvk_estate_bytes(&estate));
  std::size_t used = 0;
  const int wrong = dvk_estate_encode(&estate, reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(), &used);
  if (wrong != DVK_E_ok) return errc{wrong};
  across_command asked;
  asked.ask.kind = DVK_FRAME_adopt;
  asked.ask.dc = number(dc.shared_id());
  asked.ask.from = asked.ask.to = estate.endpoint;
  asked.ask.to_node = number(to);
  asked.ask.data_bytes = static_cast<std::uint32_t>(used);
  asked.here = copy_side::of(bytes.data());
  errc outcome = across_wait(carrier::current_shared()).carry_out(*this, asked);
  if (outcome == errc::ok) run([&] { outcome = let_go(dc, estate, to); });
  return outcome;
}

/// Decides that a process goes on at `to`, which has adopted it.
inline errc gateway::let_go(broker& dc, dvk_estate& estate, node_id to) {
  const auto at = containers_.find(number(dc.shared_id()));
  if (at == containers_.end()) return errc::dc_not_running;
  if (!peers_.contains(to)) return errc::not_connected;  // it forgets what it has adopted when it is told who is here
  container& in = at->second;
  const endpoint_id who{estate.endpoint};
  const auto stands_for = dc.let_go(who, carrier_, to, estate);
  std::vector<std::byte> bytes(dvk_estate_bytes(&estate));
  std::size_t used = 0;
  dvk_estate_encode(&estate, reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(), &used);
  if (!stands_for) {
    send_settle(in, who, to, DVK_MIGRATION_forget, std::move(bytes));
    return stands_for.error();
  }
  in.settling[who] = {to, bytes};
  const auto known = in.bound.extract(who);
  in.ghosts[who] = std::make_unique<ghost>(ghost{*stands_for, in, to, 0, estate.term});
  if (!known.empty()) {
    in.ghosts[who]->last_at = self_;
    in.ghosts[who]->last_birth = known.mapped().birth;
  }
  send_settle(in, who, to, DVK_MIGRATION_commit, std::move(bytes));
  const auto leaving = in.leaving.equal_range(who);
  for (auto asked = leaving.first; asked != leaving.second; ++asked) answer(elsewhere(asked->second, *in.ghosts[who]));
  in.leaving.erase(leaving.first, leaving.second);
  return errc::ok;
}

inline void gateway::send_settle(container& in, endpoint_id who, node_id to, std::uint64_t what,
                                 std::vector<std::byte> estate) {
  outgoing told;
  told.frame.kind = DVK_FRAME_settle;
  told.frame.dc = number(in.dc->shared_id());
  told.frame.to_node = number(to);
  told.frame.from = told.frame.to = number(who);
  told.frame.value = what;
  told.frame.data_bytes = static_cast<std::uint32_t>(estate.size());
  told.kept = std::move(estate);
  if (what == DVK_MIGRATION_forget) return ask(std::move(told), [](const dvk_frame&) {});
  ask(std::move(told),
      [this, dc = told.frame.dc, who, to](const dvk_frame& came) { end_settle(dc, who, to, errc{came.result}); });
}

/// The new node knows that it has the process, or cannot have it. If the link is lost it is told again.
inline void gateway::end_settle(std::uint16_t dc, endpoint_id who, node_id at, errc outcome) {
  const auto in = containers_.find(dc);
  if (in == containers_.end() || outcome == errc::not_connected) return;
  const auto known = in->second.settling.find(who);
  if (known == in->second.settling.end() || known->second.at != at) return;
  in->second.settling.erase(known);
  if (outcome != errc::ok && find_ghost(in->second, who, at) != nullptr) vanish(in->second, who);
}

/// A link is up again: the node there may not have heard which processes are its own.
inline void gateway::settle_again(container& in, node_id at) {
  for (const auto& [who, open] : in.settling)
    if (open.at == at) send_settle(in, who, at, DVK_MIGRATION_commit, open.estate);
}

// ---- The new node ----

inline void gateway::adopt(container& in, const dvk_frame& command) {
  const endpoint_id who{command.to};
  const node_id from{command.from_node};
  if (find_ghost(in, who, from) == nullptr) return answer(command, errc::bad_endpoint);
  const auto estate = std::make_unique<dvk_estate>();
  const int wrong = dvk_estate_decode(command.data, command.data_bytes, estate.get());
  if (wrong != DVK_E_ok) return answer(command, errc{wrong});
  if (estate->endpoint != command.to) return answer(command, errc::bad_argument);
  const errc outcome = in.dc->expect(*estate);
  if (outcome == errc::ok) in.coming[who] = {from};
  answer(command, outcome);
}

inline void gateway::settle(container& in, const dvk_frame& command) {
  const endpoint_id who{command.to};
  const auto coming = in.coming.find(who);
  if (coming == in.coming.end() || coming->second.from != node_id{command.from_node})
    return answer(command, in.bound.contains(who) ? errc::ok : errc::no_entry);  // told again, or not known
  if (command.value == DVK_MIGRATION_forget) {
    forget_coming(in, who);
    return answer(command, errc::ok);
  }
  const auto estate = std::make_unique<dvk_estate>();
  errc outcome{dvk_estate_decode(command.data, command.data_bytes, estate.get())};
  if (outcome == errc::ok && estate->endpoint != command.to) outcome = errc::bad_argument;
  if (outcome == errc::ok) {
    end_operation(*in.ghosts.at(who));
    const auto ghost_port = in.dc->succeed(*estate);
    if (ghost_port) {
      in.dc->leave_behind(**ghost_port);
      in.ghosts.erase(who);
    } else {
      outcome = ghost_port.error();
    }
  }
  answer(command, outcome);
  forget_coming(in, who);
}

/// Ends the wait for a process to go on here; what came for it is carried out where it is now.
inline void gateway::forget_coming(container& in, endpoint_id who) {
  auto known = in.coming.extract(who);
  if (known.empty()) return;
  in.dc->forsake(who);
  for (const auto& [from, frame] : known.mapped().waiting) carry_out(from, frame);
}

// ---- Promotion ----

inline errc gateway::promote(broker& dc, endpoint_id who) {
  errc outcome = errc::bad_endpoint;
  run([&] {
    const auto in = containers_.find(number(dc.shared_id()));
    if (in == containers_.end() || find_ghost(in->second, who) == nullptr) return;
    end_operation(*find_ghost(in->second, who));
    const auto ghost_port = dc.replace_lost(who);
    outcome = ghost_port.error();
    if (!ghost_port) return;
    dc.leave_behind(**ghost_port);
    in->second.ghosts.erase(who);
    in->second.settling.erase(who);
    in->second.coming.erase(who);
  });
  return outcome;
}

/// Another node has promoted a backup of a process here: that is the process now.
inline void gateway::step_down(node_id at, container& in, endpoint_id who, const born& what) {
  const auto stands_for = in.dc->step_down(who, carrier_, at);
  if (!stands_for) return;
  in.dc->relocate(**stands_for, at, what.term);
  in.bound.erase(who);
  in.ghosts[who] = std::make_unique<ghost>(ghost{*stands_for, in, at, what.birth, what.term});
}

// ---- All nodes ----

/// Ends what a ghost carries out.
inline void gateway::end_operation(ghost& who) {
  while (who.command.exchange != 0) {
    interrupt(who);
    carrier_->yield();
  }
}

/// The completion of a command to a process that is at another node.
inline gateway::outgoing gateway::elsewhere(const dvk_frame& command, const ghost& moved) {
  outgoing done;
  done.frame = completion_of(command, errc::ok);
  done.frame.kind = DVK_FRAME_elsewhere;
  done.frame.other_node = number(moved.at);
  done.frame.term = moved.term;
  return done;
}

/// Whether a command is not carried out here now, because its process is at another node, or may be on its way here.
inline bool gateway::passes_on(node_id from, container& in, const dvk_frame& command) {
  switch (command.kind) {
    case DVK_FRAME_send:
    case DVK_FRAME_try_send:
    case DVK_FRAME_request:
    case DVK_FRAME_notify:
    case DVK_FRAME_reply:
    case DVK_FRAME_control:
    case DVK_FRAME_migrate:
      break;
    default:
      return false;
  }
  if (self_ == this_process) return false;  // a part of a node has only what is its own
  const endpoint_id who{command.to};
  if (const auto coming = in.coming.find(who); coming != in.coming.end()) {
    coming->second.waiting.emplace_back(from, command);
    return true;
  }
  const ghost* const moved = find_ghost(in, who);
  if (moved == nullptr) return false;
  answer(elsewhere(command, *moved));
  return true;
}

/// A process that a command is for is at another node than was thought.
inline void gateway::pass_on(across_command& command, const dvk_frame& completion) {
  const node_id next{completion.other_node};
  const auto in = containers_.find(command.ask.dc);
  if (in != containers_.end())
    if (ghost* const known = find_ghost(in->second, endpoint_id{command.ask.to}); known != nullptr)
      relocate(*known, next, completion.term);
  if (command.cancelling) return finish(command, errc::cancelled);
  if (next == self_) command.is_here_now = true;
  if (next == self_) return finish(command, errc::ok);
  if (++command.times_passed_on > times_passed_on_max) return finish(command, errc::not_connected);
  command.ask.to_node = number(next);
  open(command);
}

/// A process is at a node, to which it has moved.
inline void gateway::place(node_id at, container& in, endpoint_id who, const born& what) {
  ghost* const known = find_ghost(in, who);
  if (const auto own = in.bound.find(who); own != in.bound.end() && own->second.term < what.term)
    return step_down(at, in, who, what);
  if (known == nullptr) return appear(at, in, who, what);
  if (what.term < known->term || (what.term == known->term && known->at != at)) return;  // it has moved on since
  if (what.term > known->term) relocate(*known, at, what.term);
  if (known->birth == 0) known->birth = what.birth;
  if (known->birth != what.birth) return appear(at, in, who, what);
  known->listed = true;
  known->stands_for->find_again();
}

inline void gateway::relocate(ghost& who, node_id at, std::uint32_t term) {
  if (term <= who.term) return;
  who.last_at = std::exchange(who.at, at);
  who.last_birth = std::exchange(who.birth, 0);
  who.term = term;
  who.listed = true;
  who.in.dc->relocate(*who.stands_for, at, term);
  if (peers_.contains(at))
    who.stands_for->find_again();
  else
    who.stands_for->lose();
}

}  // namespace dvs::userspace

#endif
