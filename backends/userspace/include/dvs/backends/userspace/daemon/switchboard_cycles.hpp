// SPDX-License-Identifier: MIT
/// @file
/// Cycles of waiting processes that go through several lines.
///
/// The switchboard asks each process about its own endpoints only, so that one that lies can make up no cycle but one
/// that goes through itself.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_CYCLES_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_CYCLES_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

inline void switchboard::look_for_cycles(std::int64_t now_ns) {
  std::vector<std::uint64_t> due, late;
  exchanges_.for_each([&](std::uint64_t number, open_command& open) {
    if (open.done) {
      const std::int64_t until_ns = open.began_ns + answer_within_ns;
      return until_ns <= now_ns ? late.push_back(number) : set_timer(until_ns);
    }
    if (open.search_at_ns == 0) return;
    if (open.search_at_ns <= now_ns) {
      due.push_back(number);
      open.search_at_ns = now_ns + std::min(now_ns - open.began_ns, cycle_search::longest_pause_ns);
    }
    set_timer(open.search_at_ns);
  });
  for (const std::uint64_t number : late)
    finish(number, completion_of(exchanges_.find(number)->frame, errc::timed_out));
  for (const std::uint64_t number : due) begin_search(number);
}

inline void switchboard::suspect(line_id, line& at, const json& request) {
  const auto command = at.commands.find(field<std::uint64_t>(request, "exchange"));
  if (command == at.commands.end()) return;
  open_command& open = *exchanges_.find(command->second);
  if (open.search_at_ns == 0 || open.search.expired()) return begin_search(command->second);
  open.search_at_ns = monotonic_ns() + cycle_search::first_after_ns;  // what goes on now may have come too early
  set_timer(open.search_at_ns);
}

/// Searches on behalf of a wait, once at a time: who does not answer is asked no more than that.
inline void switchboard::begin_search(std::uint64_t number) {
  open_command* const open = exchanges_.find(number);
  if (open == nullptr || open->search_at_ns == 0 || !open->search.expired()) return;
  const auto search = std::make_shared<cycle_search>(open->frame.dc, open->number, endpoint_id{open->frame.from},
                                                     endpoint_id{open->frame.to});
  open->search = search;
  search_on(search);
}

inline void switchboard::search_on(const std::shared_ptr<cycle_search>& search) {
  const auto in = dcs_.find(search->dc());
  if (in == dcs_.end()) return;
  const auto line_of = [&](endpoint_id who) {
    const auto* const process = in->second.find(who);
    return process == nullptr ? line_id{} : process->at;
  };
  const line_id asked = line_of(search->at());
  if (asked == line_id{}) return;
  dvk_frame edge_wanted{};
  edge_wanted.kind = DVK_FRAME_waits_for;
  edge_wanted.dc = search->dc();
  edge_wanted.from = number(search->origin());
  edge_wanted.to = number(search->at());
  edge_wanted.other = number(search->before());
  edge_wanted.other_node = search->before_receives();
  ask(asked, edge_wanted, [this, search](const dvk_frame& told) {
    if (told.result != DVK_E_ok) return;
    if (search->step({true, endpoint_id{told.other}, told.other_node != 0, told.value, told.began}))
      return search_on(search);
    const auto locked = search->verdict();
    const auto still = dcs_.find(search->dc());
    if (!locked || still == dcs_.end()) return;
    const auto* const loser = still->second.find(locked->who);
    if (loser == nullptr) return;
    dvk_frame verdict{};
    verdict.kind = DVK_FRAME_lock;
    verdict.dc = search->dc();
    verdict.to = number(locked->who);
    verdict.value = locked->wait;
    ask(loser->at, verdict, [](const dvk_frame&) {});
  });
}

}  // namespace dvs::userspace

#endif
