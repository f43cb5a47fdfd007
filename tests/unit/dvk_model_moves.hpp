// SPDX-License-Identifier: MIT
/// @file
/// The simple model of the DVK rules: processes that move.
#ifndef DVS_TESTS_UNIT_DVK_MODEL_MOVES_HPP
#define DVS_TESTS_UNIT_DVK_MODEL_MOVES_HPP

#include "dvk_model.hpp"

namespace dvk_model {

/// The model of an estate.
struct estate {
  dvk_endpoint whose = DVK_NONE;
  unsigned term = 0;
  process left{};
  std::map<int, dvk_notification> notes{};
};

class moving_model : public model {
 public:
  using model::model;

  int start(dvk_endpoint e) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (p.elsewhere) return DVK_E_bad_node;
    if (p.moving != 0) return DVK_E_busy;
    p.moving = 1;  // settle() does the rest
    return DVK_E_ok;
  }
  int leave(dvk_endpoint e, estate& taken) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (p.moving != 2) return p.moving == 0 ? DVK_E_not_waiting : p.moving == 1 ? DVK_E_would_block : DVK_E_busy;
    p.moving = 3;
    taken = {e, p.term + 1, p, {}};
    while (const auto late = take_late(e)) taken.notes.insert(*late);
    return DVK_E_ok;
  }
  std::optional<std::pair<int, dvk_notification>> take_late(dvk_endpoint e) {
    if (find_bound(e, DVK_E_bad_process)) return std::nullopt;
    if (!at(slot(e)).elsewhere && at(slot(e)).moving != 3) return std::nullopt;
    const auto first = pending_.lower_bound({slot(e), lowest()});
    if (first == pending_.end() || first->first.first != slot(e)) return std::nullopt;
    const std::pair<int, dvk_notification> late{first->first.second, first->second};
    pending_.erase(first);
    return late;
  }
  void merge(int self, const estate& from) {
    for (const auto& [source, note] : from.notes) {
      const auto [place, fresh] = pending_.insert({{self, source}, note});
      place->second = {note.timestamp_ns, place->second.value | note.value};
    }
  }
  int rollback(dvk_endpoint e, const estate* from) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    const int self = slot(e), before = at(self).moving;
    if (before == 0) return DVK_E_not_waiting;
    if ((before == 3) != (from != nullptr) || (from && from->whose != e)) return DVK_E_bad_argument;
    if (from) merge(self, *from);
    at(self).moving = 0;
    if (before == 1) return DVK_E_ok;
    const bool anything = at(self).what == doing::receive;
    const auto note = pending_.lower_bound({self, lowest()});
    const auto senders = anything ? who({doing::send, doing::ask}, e) : who({doing::ask}, e);
    if (anything && note != pending_.end() && note->first.first == self) {
      notified(self, note->first.second, note->second);
      pending_.erase(note);
    } else if (!senders.empty()) {
      take(self, senders.front());
    } else {
      return DVK_E_ok;
    }
    complete(self, 0);
    return DVK_E_ok;
  }
  int commit(dvk_endpoint e) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (p.moving != 3) return DVK_E_not_waiting;
    complete(slot(e), DVK_E_shut_down);
    end_memory(e);
    start_privileges(e);
    p.moving = 0;
    ++p.term;
    p.elsewhere = true;
    p.node = 5;
    p.left = p.owner != 0;
    p.owner = 0;
    p.calls = ~std::uint64_t{0};
    return DVK_E_ok;
  }
  void end_memory(dvk_endpoint e) {
    std::erase_if(grants_, [&](const auto& grant) {
      if (grant.second.owner != e && (grant.second.kind != 3 || grant.second.other != e)) return false;
      retire(grant.first);
      return true;
    });
  }
  void start_privileges(dvk_endpoint e) {
    process& p = at(slot(e));
    const bool system = is_system(slot(e));
    p.calls = system ? ~std::uint64_t{0} : std::uint64_t{1} << DVK_CALL_sendrec | 1u << DVK_CALL_wait_bind;
    p.level = slot(e) < 0 ? DVK_LEVEL_task : system ? DVK_LEVEL_server : DVK_LEVEL_user;
    p.warn = DVK_NONE;
    p.never_to = p.never_from = {};
  }
  bool is_owner(std::uint64_t owner, const process* but) const {
    return owner != 0 && std::any_of(processes_.begin(), processes_.end(),
                                     [&](const process& p) { return &p != but && p.bound && p.owner == owner; });
  }
  int place(dvk_endpoint e, int node, unsigned term) {
    if (node < 0) return DVK_E_range;
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (!p.elsewhere) return DVK_E_process_running;
    if (term < p.term || (term == p.term && node != p.node)) return DVK_E_bad_argument;
    if (node != p.node) end_memory(e);
    p.node = node;
    p.term = term;
    return DVK_E_ok;
  }
  int stand_by(dvk_endpoint e, std::uint64_t owner) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (owner == 0) return DVK_E_bad_argument;
    if (!p.elsewhere || p.left) return DVK_E_process_running;
    if (p.backup || is_owner(owner, nullptr)) return DVK_E_busy;
    p.backup = true;
    p.owner = owner;
    return DVK_E_ok;
  }
  int stand_down(dvk_endpoint e) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (!p.backup) return DVK_E_bad_process;
    p.backup = false;
    p.owner = 0;
    return DVK_E_ok;
  }
  int promote(dvk_endpoint e) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    process& p = at(slot(e));
    if (!p.backup) return DVK_E_bad_process;
    if (!runs(slot(e))) return DVK_E_process_running;
    p.backup = p.elsewhere = false;
    ++p.term;
    p.sent = p.received = p.notifications = p.copies = p.bytes = 0;
    end_memory(e);
    start_privileges(e);
    for (int waiter : who({doing::await_answer}, e)) complete(waiter, DVK_E_source_died);
    return DVK_E_ok;
  }
  int adopt(const estate& from, std::uint64_t owner) {
    if (const int error = find_bound(from.whose, DVK_E_bad_process)) return error;
    process& p = at(slot(from.whose));
    if (from.term < p.term) return DVK_E_bad_argument;
    if (!p.elsewhere || !runs(slot(from.whose))) return DVK_E_process_running;
    if ((p.backup && p.owner != owner) || is_owner(owner, &p)) return DVK_E_busy;
    const process& left = from.left;
    p.elsewhere = p.backup = false;
    p.owner = owner;
    p.term = from.term;
    p.exchange = std::max(p.exchange, left.exchange);
    p.calls = left.calls, p.level = left.level, p.warn = left.warn;
    p.never_to = left.never_to, p.never_from = left.never_from;
    p.sent = left.sent, p.received = left.received, p.notifications = left.notifications;
    p.copies = left.copies, p.bytes = left.bytes;
    merge(slot(from.whose), from);
    return DVK_E_ok;
  }
};

}  // namespace dvk_model

#endif
