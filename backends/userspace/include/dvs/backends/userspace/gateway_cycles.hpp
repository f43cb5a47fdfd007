// SPDX-License-Identifier: MIT
/// @file
/// Cycles of processes that wait for each other across nodes.
///
/// The gate follows, for each of its processes that has waited for another node for a while, who waits for whom, by
/// asking one node after the other. A cycle that is the same at two looks, with the same waits, is real: a wait that
/// was there at both was there in between. One of those in it is told `locked`.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_CYCLES_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_CYCLES_HPP

#include <dvs/backends/userspace/gateway.hpp>

namespace dvs::userspace {

inline void gateway::expect_cycle(across_command& command) {
  if (self_ == this_process) return;
  command.began_ns = monotonic_ns();
  command.search_at_ns = command.began_ns + cycle_search::first_after_ns;
  if (look_for_cycles_at_ns_ == 0) look_for_cycles_at_ns_ = command.search_at_ns;
}

inline void gateway::look_for_cycles() {
  if (look_for_cycles_at_ns_ == 0) return;
  const std::int64_t time = monotonic_ns();
  if (time < look_for_cycles_at_ns_) return;
  std::vector<std::uint64_t> due;
  std::int64_t next = 0;
  exchanges_.for_each([&](std::uint64_t exchange, const open_exchange& open) {
    across_command* const command = open.command;
    if (command == nullptr || !command->is_rendezvous || command->cancelling) return;
    if (command->search_at_ns <= time) {
      due.push_back(exchange);
      command->search_at_ns = time + std::min(time - command->began_ns, cycle_search::longest_pause_ns);
    }
    if (next == 0 || command->search_at_ns < next) next = command->search_at_ns;
  });
  look_for_cycles_at_ns_ = next;
  for (const std::uint64_t exchange : due) begin_search(exchange);
}

inline void gateway::begin_search(std::uint64_t exchange) {
  if (suspected_) return suspected_(exchange);
  const open_exchange* const open = exchanges_.find(exchange);
  if (open == nullptr || open->command == nullptr) return;
  const dvk_frame& wait = open->command->ask;
  search_on(std::make_shared<cycle_search>(wait.dc, exchange, endpoint_id{wait.from}, endpoint_id{wait.to}));
}

/// Looks at one process after the other, as far as they are here; the answer of another node takes it on from there.
inline void gateway::search_on(const std::shared_ptr<cycle_search>& search) {
  for (;;) {
    const auto in = containers_.find(search->dc());
    if (in == containers_.end()) return;
    if (const ghost* const elsewhere = find_ghost(in->second, search->at()); elsewhere != nullptr) {
      outgoing question;
      question.frame.kind = DVK_FRAME_waits_for;
      question.frame.dc = search->dc();
      question.frame.to_node = number(elsewhere->at);
      question.frame.from = number(search->origin());
      question.frame.to = number(search->at());
      question.frame.other = number(search->before());
      question.frame.other_node = search->before_receives();
      return ask(std::move(question), [this, search](const dvk_frame& told) {
        if (told.result != DVK_E_ok) return;
        if (search->step({true, endpoint_id{told.other}, told.other_node != 0, told.value, told.began}))
          search_on(search);
        else if (const auto locked = search->verdict())
          lock(search->dc(), *locked);
      });
    }
    if (!search->step(in->second.dc->edge_of(search->at(), search->before(), search->before_receives()))) break;
  }
  if (const auto locked = search->verdict()) lock(search->dc(), *locked);
}

/// Ends a wait that was found in a cycle.
inline void gateway::lock(std::uint16_t dc, const cycle_search::seen& wait) {
  const auto in = containers_.find(dc);
  if (in == containers_.end()) return;
  dvk_frame command{};
  command.kind = DVK_FRAME_lock;
  command.dc = dc;
  command.to = number(wait.who);
  command.value = wait.wait;
  const ghost* const elsewhere = find_ghost(in->second, wait.who);
  if (elsewhere == nullptr) {
    lock_here(in->second, command);
    return;
  }
  outgoing verdict;
  verdict.frame = command;
  verdict.frame.to_node = number(elsewhere->at);
  ask(std::move(verdict), [](const dvk_frame&) {});
}

inline errc gateway::lock_here(container& in, const dvk_frame& command) {
  const endpoint_id who{command.to};
  if (in.dc->waits_across(who) != command.value) return in.dc->lock_wait(who, command.value);
  const open_exchange* const open = exchanges_.find(command.value);
  if (open == nullptr || open->command == nullptr) return errc::no_entry;
  open->command->locked = true;
  send_cancel(*open->command);
  return errc::ok;
}

/// Tells another node for whom a process here waits.
inline void gateway::tell_edge(container& in, const dvk_frame& command) {
  const wait_edge edge = in.dc->edge_of(endpoint_id{command.to}, endpoint_id{command.other}, command.other_node != 0);
  outgoing done;
  done.frame = completion_of(command, edge.is_stuck ? errc::ok : errc::no_entry);
  done.frame.value = edge.wait;
  done.frame.other = number(edge.waits_for);
  done.frame.other_node = edge.receives;
  done.frame.began = edge.began;
  answer(std::move(done));
}

}  // namespace dvs::userspace

#endif
