// SPDX-License-Identifier: MIT
/// @file
/// What comes in: commands of processes on other nodes, carried out here in their name.
///
/// Each of them has a *ghost*: a port on the gate's thread under its endpoint. Operations that can wait are carried out
/// by a fiber in the place of the ghost; the others at once.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_IN_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_IN_HPP

#include <dvs/backends/userspace/gateway.hpp>

namespace dvs::userspace {

inline errc gateway::deliver(node_id peer, std::span<const std::byte> bytes) {
  if (!peers_.contains(peer)) return errc::not_connected;
  dvk_frame frame;
  if (const errc wrong = decode_frame(bytes, frame); wrong != errc::ok) return wrong;
  if (frame.from_node != number(peer) || frame.to_node != number(self_)) return errc::bad_argument;
  hear(frame.clock);
  if (dvk_frame_completes(frame.kind))
    complete(peer, frame);
  else if (frame.kind != DVK_FRAME_heartbeat)
    carry_out(peer, frame);
  return errc::ok;
}

inline void gateway::carry_out(node_id from, const dvk_frame& frame) {
  const auto at = containers_.find(frame.dc);
  if (at == containers_.end()) {
    if (!dvk_frame_is_news(frame.kind)) answer(frame, errc::bad_dc);
    return;
  }
  container& in = at->second;
  if (passes_on(from, in, frame)) return;
  switch (frame.kind) {
    case DVK_FRAME_join:
      return list(from, in);
    case DVK_FRAME_listed:
      return end_listing(from, in);
    case DVK_FRAME_bound:
      return appear(from, in, endpoint_id{frame.from}, {frame.value, 0, frame.name});
    case DVK_FRAME_placed:
      return place(from, in, endpoint_id{frame.from}, {frame.value, frame.term, frame.name});
    case DVK_FRAME_adopt:
      return adopt(in, frame);
    case DVK_FRAME_settle:
      return settle(in, frame);
    case DVK_FRAME_gone:
      if (find_ghost(in, endpoint_id{frame.from}, from) != nullptr) vanish(in, endpoint_id{frame.from});
      return;
    case DVK_FRAME_copy_in:
      return copy_in(in, frame);
    case DVK_FRAME_copy_out:
      return copy_out(in, frame);
    case DVK_FRAME_copy_across:
      return copy_across(in, frame);
    case DVK_FRAME_control:
      return control(in, frame);
    case DVK_FRAME_migrate:
      return migrate(in, frame);
    case DVK_FRAME_cancel:
      return cancel_operation(in, frame);
    case DVK_FRAME_waits_for:
      return tell_edge(in, frame);
    case DVK_FRAME_lock:
      return answer(frame, lock_here(in, frame));
    case DVK_FRAME_inspect:
      return inspect(in, frame);
    default:
      break;
  }
  ghost* const who = find_ghost(in, endpoint_id{frame.from}, from);
  if (who == nullptr) return answer(frame, errc::bad_endpoint);
  port& as = *who->stands_for;
  const endpoint_id to{frame.to};
  switch (frame.kind) {
    case DVK_FRAME_notify:
      return answer(frame, frame.other == frame.from ? as.notify_from(as.id_, to, frame.value, call::notify)
                                                     : as.notify_as(endpoint_id{frame.other}, to, frame.value));
    case DVK_FRAME_reply:
      return answer(frame, as.reply(to, 0, std::bit_cast<message>(frame.message)));
    default:
      return start_operation(*who, frame);
  }
}

inline void gateway::answer(const dvk_frame& command, errc outcome) {
  outgoing done;
  done.frame = completion_of(command, outcome);
  answer(std::move(done));
}

inline void gateway::answer(outgoing&& completion) {
  if (peers_.contains(node_id{completion.frame.to_node})) queue(std::move(completion));
}

// ---- Operations that can wait ----

inline void gateway::start_operation(ghost& who, const dvk_frame& command) {
  if (who.command.exchange != 0) return answer(command, errc::process_running);
  who.command = command;
  who.forsaken = false;
  if (idle_workers_.empty()) {
    struct life final : runnable {
      explicit life(worker& w) : self(w) {}
      void run() override { self.owner.work(self); }
      worker& self;
    };
    workers_.push_back(std::make_unique<worker>(worker{*this, &who}));
    ++fibers_;
    carrier_->spawn(std::make_unique<life>(*workers_.back()), "ghost");
    return;
  }
  worker& idle = *idle_workers_.back();
  idle_workers_.pop_back();
  idle.busy_with = &who;
  carrier_->make_ready_first(*idle.runs_as);
}

/// The life of a worker.
inline void gateway::work(worker& self) {
  self.runs_as = &carrier_->running();
  while (!self.stopping) {
    if (self.busy_with != nullptr) {
      run_operation(*self.busy_with);
      self.busy_with = nullptr;
      idle_workers_.push_back(&self);
    }
    if (!self.stopping) carrier_->suspend(-1);
  }
  --fibers_;
}

inline void gateway::run_operation(ghost& who) {
  port& as = *who.stands_for;
  const endpoint_id to{who.command.to};
  auto content = std::bit_cast<message>(who.command.message);
  errc outcome;
  as.redirected_away_ = none;
  if (who.command.kind == DVK_FRAME_request)
    outcome = as.sendrec(to, content, forever);
  else
    outcome = as.send(to, content, who.command.kind == DVK_FRAME_send ? forever : no_wait);
  as.control_.fetch_and(~port::control_cancel, std::memory_order_relaxed);
  const dvk_frame command = std::exchange(who.command, dvk_frame{});
  if (who.forsaken) return;
  // The end of the DC here is the death of its processes to those of other nodes.
  if (outcome == errc::shut_down) outcome = errc::destination_died;
  if (outcome == errc::ok && as.redirected_away_ == to) {  // it was not carried out: the process is here no more
    const ghost* const moved = self_ == this_process ? nullptr : find_ghost(who.in, to);
    return moved == nullptr ? answer(command, errc::destination_died) : answer(elsewhere(command, *moved));
  }
  outgoing done;
  done.frame = completion_of(command, outcome);
  if (command.kind == DVK_FRAME_request && outcome == errc::ok) {
    done.frame.message = std::bit_cast<dvk_message>(content);
    if (as.redirected_away_ != none) {
      done.frame.kind = DVK_FRAME_redirect;
      done.frame.other = number(as.redirected_away_);
      const ghost* const server = find_ghost(who.in, as.redirected_away_);
      done.frame.other_node = number(server == nullptr ? self_ : server->at);
    }
  }
  answer(std::move(done));
}

inline void gateway::cancel_operation(container& in, const dvk_frame& command) {
  ghost* const who = find_ghost(in, endpoint_id{command.from}, node_id{command.from_node});
  if (who == nullptr || who->command.exchange != command.value) return answer(command, errc::no_entry);
  interrupt(*who);
  answer(command, errc::ok);
}

/// Ends the wait of a ghost.
inline void gateway::interrupt(ghost& who) {
  who.stands_for->control_.fetch_or(port::control_cancel, std::memory_order_relaxed);
  who.stands_for->alert();
}

inline void gateway::inspect(container& in, const dvk_frame& command) {
  const ghost* const who = find_ghost(in, endpoint_id{command.from}, node_id{command.from_node});
  if (who == nullptr || who->command.exchange != command.value) return answer(command, errc::no_entry);
  outgoing done;
  done.frame = completion_of(command, errc::ok);
  const published_state state = in.dc->look_at(*who->stands_for);
  done.frame.value = state.doing == activity::awaiting_reply;
  done.frame.other = number(state.peer);
  answer(std::move(done));
}

// ---- Copies ----

/// The memory here that a fragment is about, for who asks from another node.
inline errc gateway::side_of(container& in, const dvk_frame& command, access direction, copy_side& side,
                             dvk_memory& where) {
  const endpoint_id asker{command.from}, owner{command.to};
  const dvk_wire_part& part = command.part;
  where.node = DVK_HERE;
  if (part.grant == DVK_NO_GRANT) {
    side = copy_side::at_address(part.offset);
    return in.dc->may_copy_by_address(asker, owner, direction);
  }
  const granted_range range{owner, grant_id{part.grant}, part.offset};
  side = copy_side::granted(*in.dc, asker, range);
  return in.dc->with_granted(
      asker, range, part.whole, direction, where, [](std::byte*) {}, part.depth);
}

/// A fragment of memory that was granted here but lies on a third node: it is asked for there.
inline dvk_frame gateway::onward(const dvk_frame& command, const dvk_memory& where) {
  dvk_frame next = command;
  next.to_node = static_cast<std::uint16_t>(where.node);
  next.from = where.grantee;
  next.to = where.owner;
  next.part.grant = where.grant;
  next.part.offset = where.address;
  next.part.depth = where.depth;
  return next;
}

inline void gateway::copy_out(container& in, const dvk_frame& command) {
  outgoing done;
  dvk_memory where;
  const errc allowed = side_of(in, command, access::read, done.data, where);
  if (allowed != errc::ok) return answer(command, allowed);
  if (where.node != DVK_HERE) {
    outgoing further;
    further.frame = onward(command, where);
    return ask(std::move(further), [this, command](const dvk_frame& came) {
      outgoing passed_on;
      passed_on.frame = completion_of(command, errc{came.result});
      const auto* const data = reinterpret_cast<const std::byte*>(came.data);
      passed_on.kept.assign(data, data + came.data_bytes);
      passed_on.frame.data_bytes = came.data_bytes;
      answer(std::move(passed_on));
    });
  }
  done.frame = completion_of(command, errc::ok);
  done.frame.data_bytes = command.part.bytes;
  done.data_at = command.part.at;
  answer(std::move(done));
}

inline void gateway::copy_in(container& in, const dvk_frame& command) {
  copy_side side;
  dvk_memory where;
  errc outcome = side_of(in, command, access::write, side, where);
  const std::span data(reinterpret_cast<const std::byte*>(command.data), command.data_bytes);
  if (outcome == errc::ok && where.node != DVK_HERE) {
    outgoing further;
    further.frame = onward(command, where);
    further.kept.assign(data.begin(), data.end());
    return ask(std::move(further), [this, command](const dvk_frame& came) { answer(command, errc{came.result}); });
  }
  if (outcome == errc::ok) outcome = side.write(command.part.at, data);
  answer(command, outcome);
}

/// Copies between two processes of this node for a third.
inline errc gateway::copy_here(container& in, const dvk_frame& command, const copy_side& origin) {
  const granted_range range{endpoint_id{command.other}, grant_id{command.into.grant}, command.into.offset};
  const endpoint_id asker{command.from};
  dvk_memory where;
  errc outcome = in.dc->with_granted(asker, range, command.part.whole, access::write, where, [](std::byte*) {});
  if (outcome == errc::ok && where.node != DVK_HERE) outcome = errc::not_supported;
  const copy_side destination = copy_side::granted(*in.dc, asker, range);
  std::vector<std::byte> some;
  for (std::uint64_t at = 0; outcome == errc::ok && at < command.part.whole; at += some.size()) {
    const auto bytes = std::min<std::uint64_t>(command.part.whole - at, DVK_FRAGMENT_BYTES);
    outcome = origin.read(at, bytes, [&](std::span<const std::byte> data) { some.assign(data.begin(), data.end()); });
    if (outcome == errc::ok) outcome = destination.write(at, some);
  }
  return outcome;
}

/// Copies memory of this node to a third process, wherever that is.
inline void gateway::copy_across(container& in, const dvk_frame& command) {
  copy_side origin;
  dvk_memory where;
  const errc allowed = side_of(in, command, access::read, origin, where);
  if (allowed != errc::ok) return answer(command, allowed);
  struct carried final : bell_source {
    across_command copy;
    dvk_frame command;
    gateway* owner = nullptr;
    void rung() override {
      owner->answer(command, copy.outcome);
      owner->carrier_->remove_bell(copy.bell, *this);
      delete this;
    }
  };
  if (where.node != DVK_HERE) return answer(command, errc::not_supported);
  if (command.other_node == number(self_)) return answer(command, copy_here(in, command, origin));
  auto* const job = new carried;
  job->owner = this;
  job->command = command;
  job->copy.ask = command;
  job->copy.ask.kind = DVK_FRAME_copy_in;
  job->copy.ask.to = command.other;
  job->copy.ask.to_node = command.other_node;
  job->copy.ask.part = {command.into.grant, command.into.offset, command.part.whole, 0, 0, 0};
  job->copy.here = origin;
  job->copy.waiter = carrier_;
  job->copy.bell = carrier_->add_bell(*job);
  open(job->copy);
}

/// Carries out what a node wants of a process here.
inline void gateway::control(container& in, const dvk_frame& command) {
  const endpoint_id who{command.to};
  if (command.value == DVK_CONTROL_cancel) return answer(command, in.dc->cancel(who));
  const errc told = in.dc->ask_to_leave(who);
  if (told != errc::ok) return answer(command, told);
  in.leaving.emplace(who, command);
}

}  // namespace dvs::userspace

#endif
