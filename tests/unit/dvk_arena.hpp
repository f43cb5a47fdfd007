// SPDX-License-Identifier: MIT
/// @file
/// The two sides of a duel (dvk_duel.hpp), the DVK rules and the simple model, and their comparison.
#ifndef DVS_TESTS_UNIT_DVK_ARENA_HPP
#define DVS_TESTS_UNIT_DVK_ARENA_HPP

#include <dvs/dvk/dvk.h>

#include <array>

#include "dvk_model_moves.hpp"
#include "dvk_profile.hpp"
#include "dvk_referee.hpp"

namespace dvk_model {

class arena : public referee {
 protected:
  explicit arena(const profile& p)
      : profile_(p),
        limits_{36, static_cast<std::uint32_t>(p.servers + p.users), static_cast<std::uint32_t>(36 + p.servers),
                static_cast<std::uint32_t>(p.grants)},
        memory_(dvk_table_bytes(&limits_) / 8 + 1),
        table_(reinterpret_cast<dvk_table*>(memory_.data())),
        model_(36, p.servers + p.users, 36 + p.servers, p.grants) {
    expect("init", dvk_table_init(memory_.data(), memory_.size() * 8, &limits_), 0);
    slots_ = {DVK_EVENTS, DVK_CLOCK, DVK_SYSTEM, DVK_HARDWARE};
    for (int s = 0; s < p.servers + p.users; ++s) slots_.push_back(s);
  }

  void fetch_completions() {
    dvk_completion done{};
    while (dvk_next_completion(table_, &done)) {
      const auto wanted = model_.next_completion();
      if (!wanted) return expect("completions", 1, 0);
      expect("who is completed", done.endpoint, wanted->who);
      expect("result of the completion", done.result, wanted->result);
      expect("owner of the completed", done.owner, wanted->owner);
      if (done.result == DVK_E_ok) compare_message(done.endpoint);
    }
    expect("one more completion", model_.next_completion().has_value(), false);
  }
  void compare_message(dvk_endpoint who) {
    const dvk_message* got = dvk_message_of(table_, who);
    expect("has a message", got != nullptr, model_.find_bound(who, DVK_E_not_bound) == DVK_E_ok);
    if (got == nullptr || !trouble_.empty()) return;
    expect("message", std::memcmp(got, &model_.at(model_.slot(who)).message, sizeof *got), 0);
    expect("exchange", dvk_exchange_of(table_, who), model_.at(model_.slot(who)).taken);
  }
  void compare_wait(int slot) {
    dvk_process_info info{};
    expect("describe", dvk_describe(table_, slot, &info), 0);
    const process& p = model_.at(slot);
    const auto what = static_cast<std::size_t>(p.what);
    expect("endpoint", info.endpoint, model_.endpoint(slot));
    expect("state", info.state, state_of[what] | !p.bound * DVK_STATE_free | !p.told * DVK_STATE_completed);
    expect("operation", info.operation, call_of[what]);
    if (p.what == doing::nothing) return;
    expect("peer", info.peer, p.peer);
  }
  void compare_all() {
    std::uint32_t waiting = 0, bound = 0;
    for (int slot = model_.lowest(); slot < model_.end(); ++slot) {
      const process& p = model_.at(slot);
      compare_wait(slot);
      bound += p.bound;
      waiting += p.bound && model_.waits(slot);
      if (!p.bound) continue;
      dvk_process_info info{};
      dvk_describe(table_, slot, &info);
      expect("sent", info.counters.sent, p.sent);
      expect("received", info.counters.received, p.received);
      expect("notifications", info.counters.notifications, p.notifications);
      expect("copies", info.counters.copies, p.copies);
      expect("bytes", info.counters.bytes, p.bytes);
      expect("senders", info.senders, model_.who({doing::send, doing::ask}, info.endpoint).size());
      expect("pending", info.notifications_pending, model_.pending(slot));
      expect("calls", info.privileges.calls, p.calls);
      expect("level", info.privileges.level, p.level);
      expect("warn", info.privileges.warn, p.warn);
      expect("moving", info.moving, p.moving);
      expect("term", info.term, p.term);
      expect("backup", info.backup, p.backup);
      expect("node", info.node, p.elsewhere ? p.node : static_cast<int>(DVK_HERE));
      expect("owner", dvk_endpoint_of_owner(table_, p.owner), p.owner ? info.endpoint : dvk_endpoint{DVK_NONE});
      expect("grants", info.grants, std::count_if(model_.grants().begin(), model_.grants().end(), [&](const auto& g) {
               return g.second.owner == info.endpoint;
             }));
    }
    dvk_table_info all{};
    dvk_describe_table(table_, &all);
    expect("all bound", all.bound, bound);
    expect("all waiting", all.waiting, waiting);
    expect("all grants", all.grants, model_.grants().size());
  }

  profile profile_;
  dvk_limits limits_;
  std::vector<std::uint64_t> memory_;
  dvk_table* table_;
  moving_model model_;
  std::vector<int> slots_;
};

}  // namespace dvk_model

#endif
