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

/// When a wait is looked at first; then after twice the time, again and again, up to the longest.
inline constexpr std::int64_t first_search_ns = 2'000'000, longest_search_ns = 640'000'000;

inline void gateway::expect_cycle(across_command& command) {
  command.began_ns = monotonic_ns();
  command.search_at_ns = command.began_ns + first_search_ns;
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
      command->search_at_ns = time + std::min(time - command->began_ns, longest_search_ns);
    }
    if (next == 0 || command->search_at_ns < next) next = command->search_at_ns;
  });
  look_for_cycles_at_ns_ = next;
  for (const std::uint64_t exchange : due) begin_search(exchange);
}

inline void gateway::begin_search(std::uint64_t exchange) {
  const open_exchange* const open = exchanges_.find(exchange);
  if (open == nullptr || open->command == nullptr) return;
  const dvk_frame& wait = open->command->ask;
  auto search = std::make_shared<cycle_search>();
  search->exchange = exchange;
  search->dc = wait.dc;
  search->origin = search->before = endpoint_id{wait.from};
  search->at = search->first_asked = endpoint_id{wait.to};
  search_on(search);
}

/// Looks at one process after the other, as far as they are here; the answer of another node takes it on from there.
inline void gateway::search_on(const std::shared_ptr<cycle_search>& search) {
  for (;;) {
    const auto in = containers_.find(search->dc);
    if (in == containers_.end()) return;
    if (const ghost* const elsewhere = find_ghost(in->second, search->at); elsewhere != nullptr) {
      outgoing question;
      question.frame.kind = DVK_FRAME_waits_for;
      question.frame.dc = search->dc;
      question.frame.to_node = number(elsewhere->at);
      question.frame.from = number(search->origin);
      question.frame.to = number(search->at);
      question.frame.other = number(search->before);
      question.frame.other_node = search->before_receives;
      return ask(std::move(question), [this, search](const dvk_frame& told) {
        if (told.result != DVK_E_ok) return;
        const wait_edge edge{true, endpoint_id{told.other}, told.other_node != 0, told.value, told.began};
        if (step(*search, edge)) search_on(search);
      });
    }
    const wait_edge edge = in->second.dc->edge_of(search->at, search->before, search->before_receives);
    if (!step(*search, edge)) return;
  }
}

/// For whom the process that was looked at waits. Whether to look on.
inline bool gateway::step(cycle_search& search, const wait_edge& edge) {
  if (!edge.is_stuck) return false;
  // A cycle that the origin only leads to is found by those who are in it.
  if (std::ranges::find(search.steps, search.at, &cycle_search::seen::who) != search.steps.end()) return false;
  search.steps.push_back({search.at, edge.wait, edge.began});
  if (search.at == search.origin) return end_round(search);
  search.before = search.at;
  search.before_receives = edge.receives;
  search.at = edge.waits_for;
  return true;
}

/// The search has come back to where it began. Whether to look once more.
inline bool gateway::end_round(cycle_search& search) {
  if (std::exchange(search.is_second_look, true)) {
    judge(search);
    return false;
  }
  search.first.swap(search.steps);
  search.before = search.origin;
  search.before_receives = false;
  search.at = search.first_asked;
  return true;
}

/// Ends the youngest wait of a cycle that was seen twice: it has closed it. All who see the cycle agree which that is.
inline void gateway::judge(const cycle_search& search) {
  if (search.first != search.steps || search.steps.back().wait != search.exchange) return;
  const auto age = [](const cycle_search::seen& each) { return std::pair(each.began, each.who); };
  lock(search.dc, *std::ranges::max_element(search.steps, {}, age));
}

/// Ends a wait that was found in a cycle.
template <class Wait>
void gateway::lock(std::uint16_t dc, const Wait& wait) {
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
