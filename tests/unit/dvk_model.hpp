// SPDX-License-Identifier: MIT
/// @file
/// A second, deliberately simple opinion on the DVK rules: everything is found by looking at every process. It shares
/// with the rules only the names of errors, calls and special endpoints, and the layout of a message.
#ifndef DVS_TESTS_UNIT_DVK_MODEL_HPP
#define DVS_TESTS_UNIT_DVK_MODEL_HPP

#include "dvk_model_state.hpp"

namespace dvk_model {

class model : public state {
 public:
  using state::state;

  // ---- rendezvous ----
  int send(dvk_endpoint caller, dvk_endpoint to, const dvk_message& message, bool nowait) {
    if (const int error = enter(caller, DVK_CALL_send)) return error;
    if (message.type == 0x1000) return DVK_E_bad_argument;
    const int self = slot(caller);
    if (const int error = peer(self, to, DVK_E_destination_died, DVK_E_bad_destination)) return error;
    if (accepts(slot(to), self, false)) {
      deliver(self, message, slot(to));
      complete(slot(to), 0);
      return DVK_E_ok;
    }
    if (nowait) return DVK_E_would_block;
    if (reaches(slot(to), self)) return DVK_E_locked;
    at(self).message = message;
    at(self).taken = 0;
    wait(self, doing::send, to);
    return DVK_BLOCKED;
  }
  int sendrec(dvk_endpoint caller, dvk_endpoint to, const dvk_message& message, bool nowait) {
    if (const int error = enter(caller, DVK_CALL_sendrec)) return error;
    if (message.type == 0x1000) return DVK_E_bad_argument;
    if (nowait) return DVK_E_would_block;
    const int self = slot(caller);
    if (const int error = peer(self, to, DVK_E_peer_died, DVK_E_bad_endpoint)) return error;
    if (!may_pass(slot(to), self)) return DVK_E_trap_denied;
    if (!accepts(slot(to), self, true) && reaches(slot(to), self)) return DVK_E_locked;
    at(self).message = message;
    at(self).taken = 0;
    if (++at(self).exchange == 0) ++at(self).exchange;
    ask(self, slot(to));
    return DVK_BLOCKED;
  }
  void ask(int self, int to) {
    const bool now = accepts(to, self, true);
    if (now) {
      deliver(self, at(self).message, to, at(self).exchange);
      complete(to, 0);
    }
    wait(self, now ? doing::await_answer : doing::ask, endpoint(to));
  }
  void take(int self, int from) {
    deliver(from, at(from).message, self, at(from).what == doing::ask ? at(from).exchange : 0);
    if (at(from).what == doing::ask) {
      wait(from, doing::await_answer, endpoint(self));
    } else {
      complete(from, 0);
    }
  }
  int receive(dvk_endpoint caller, dvk_endpoint source, bool nowait) {
    if (const int error = enter(caller, DVK_CALL_receive)) return error;
    const int self = slot(caller);
    if (source != DVK_ANY) {
      if (const int error = find(source)) return error;
      const int from = slot(source);
      if (from == self) return DVK_E_bad_endpoint;
      if (at(self).never_from.contains(bit(from))) return DVK_E_trap_denied;
      if (at(from).bound && !may_pass(from, self)) return DVK_E_trap_denied;
      const std::set<int> pseudo{DVK_HARDWARE, DVK_CLOCK, DVK_EVENTS};
      if (!at(from).bound && !pseudo.contains(from)) return DVK_E_source_died;
    }
    if (source == DVK_ANY && rests(self, doing::receive, nowait)) return DVK_BLOCKED;
    for (const auto& [key, note] : pending_) {
      if (key.first != self || (source != DVK_ANY && key.second != source)) continue;
      notified(self, key.second, note);
      pending_.erase(key);
      return DVK_E_ok;
    }
    for (int from : who({doing::send, doing::ask}, caller)) {
      if (source != DVK_ANY && endpoint(from) != source) continue;
      take(self, from);
      return DVK_E_ok;
    }
    if (nowait) return DVK_E_would_block;
    if (source != DVK_ANY && reaches(slot(source), self)) return DVK_E_locked;
    wait(self, doing::receive, source);
    return DVK_BLOCKED;
  }
  int receive_request(dvk_endpoint caller, bool nowait) {
    if (const int error = enter(caller, DVK_CALL_receive_request)) return error;
    if (rests(slot(caller), doing::receive_request, nowait)) return DVK_BLOCKED;
    const auto requests = who({doing::ask}, caller);
    if (!requests.empty()) {
      take(slot(caller), requests.front());
      return DVK_E_ok;
    }
    if (nowait) return DVK_E_would_block;
    wait(slot(caller), doing::receive_request, DVK_ANY);
    return DVK_BLOCKED;
  }
  int reply(dvk_endpoint caller, dvk_endpoint to, std::uint32_t exchange, const dvk_message& message) {
    if (const int error = enter_meanwhile(caller, DVK_CALL_reply)) return error;
    if (message.type == 0x1000) return DVK_E_bad_argument;
    if (const int error = peer(slot(caller), to, DVK_E_destination_died, DVK_E_bad_endpoint)) return error;
    const process& p = at(slot(to));
    if (p.peer != caller || (p.what != doing::await_answer && p.what != doing::receive)) return DVK_E_not_waiting;
    if (exchange != (p.what == doing::await_answer ? p.exchange : 0)) return DVK_E_not_waiting;
    deliver(slot(caller), message, slot(to));
    complete(slot(to), 0);
    return DVK_E_ok;
  }
  int relay(dvk_endpoint caller, dvk_endpoint requester, std::uint32_t exchange, dvk_endpoint to,
            const dvk_message* message) {
    if (const int error = enter_meanwhile(caller, DVK_CALL_relay)) return error;
    if (message && message->type == 0x1000) return DVK_E_bad_argument;
    if (const int error = find_bound(requester, DVK_E_source_died)) return error;
    const int from = slot(requester);
    if (at(from).what != doing::await_answer || at(from).peer != caller) return DVK_E_not_waiting;
    if (at(from).exchange != exchange) return DVK_E_not_waiting;
    if (const int error = peer(slot(caller), to, DVK_E_destination_died, DVK_E_bad_endpoint)) return error;
    if (to == requester) return DVK_E_bad_endpoint;
    if (!may_pass(from, slot(to)) || !may_pass(slot(to), from)) return DVK_E_trap_denied;
    if (!accepts(slot(to), from, true) && reaches(slot(to), from)) return DVK_E_locked;
    if (message) at(from).message = *message;
    ask(from, slot(to));
    return DVK_E_ok;
  }
  int cancel(dvk_endpoint e, int reason) {
    const std::set<int> reasons{DVK_E_timed_out, DVK_E_cancelled, DVK_E_shut_down, DVK_E_not_connected};
    if (!reasons.contains(reason)) return DVK_E_bad_argument;
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    if (!waits(slot(e))) return DVK_E_not_waiting;
    if (held(slot(e))) return DVK_E_busy;
    complete(slot(e), reason);
    return DVK_E_ok;
  }

  // ---- notifications ----
  void notified(int to, int source, const dvk_notification& note) {
    at(to).message = {};
    at(to).message.source = source;
    at(to).message.type = 0x1000;
    at(to).taken = 0;
    std::memcpy(at(to).message.payload, &note, sizeof note);
    ++at(to).notifications;
  }
  int inject(dvk_endpoint source, dvk_endpoint to, std::uint64_t value, std::uint64_t time) {
    if (const int error = find(source)) return error;
    if (!is_system(slot(source))) return DVK_E_bad_endpoint;
    return notify_from(slot(source), to, value, time, false);
  }
  int notify_from(int from, dvk_endpoint to, std::uint64_t value, std::uint64_t time, bool may_be_denied) {
    if (to == DVK_HARDWARE) return DVK_E_bad_destination;
    if (const int error = find(to)) return error;
    const int self = slot(to);
    if (self == from) return DVK_E_bad_endpoint;
    if (!at(self).bound) return DVK_E_destination_died;
    if (!is_system(self) || !is_system(from) || at(self).never_from.contains(from)) return DVK_E_trap_denied;
    if (may_be_denied && at(from).never_to.contains(self)) return DVK_E_trap_denied;
    if (!held(self) && at(self).what == doing::receive && (at(self).peer == DVK_ANY || at(self).peer == from)) {
      notified(self, from, {time, value});
      complete(self, 0);
      return DVK_E_ok;
    }
    const auto [place, fresh] = pending_.insert({{self, from}, {time, value}});
    place->second.value |= value;
    return fresh ? DVK_E_ok : DVK_E_overrun;
  }
  int notify(dvk_endpoint caller, dvk_endpoint to, std::uint64_t value, std::uint64_t time) {
    if (const int error = enter_meanwhile(caller, DVK_CALL_notify)) return error;
    return notify_from(slot(caller), to, value, time, true);
  }
  int notify_as(dvk_endpoint caller, dvk_endpoint source, dvk_endpoint to, std::uint64_t value, std::uint64_t time) {
    if (const int error = enter_meanwhile(caller, DVK_CALL_notify_as)) return error;
    return is_system(slot(caller)) ? inject(source, to, value, time) : static_cast<int>(DVK_E_trap_denied);
  }
  int pending(int slot) const {
    return static_cast<int>(
        std::count_if(pending_.begin(), pending_.end(), [&](const auto& p) { return p.first.first == slot; }));
  }

  // ---- bind ----
  int next_generation(int slot) const {
    if (is_system(slot)) return 0;
    return at(slot).generation == 2047 ? 1 : at(slot).generation + 1;
  }
  int bind(int slot, std::uint64_t owner, dvk_endpoint& out) {
    if (slot == DVK_ANY) {
      if (free_users_.empty()) return DVK_E_table_full;
      slot = free_users_.front();
    }
    if (!in_table(slot)) return DVK_E_range;
    if (slot == DVK_HARDWARE) return DVK_E_bad_argument;
    if (at(slot).bound || !at(slot).told) return DVK_E_slot_used;
    for (const process& p : processes_) {
      if (p.bound && owner != 0 && p.owner == owner) return DVK_E_busy;
    }
    std::erase(free_users_, slot);
    process fresh;
    fresh.bound = true;
    fresh.generation = next_generation(slot);
    fresh.exchange = at(slot).exchange;
    fresh.owner = owner;
    fresh.calls = is_system(slot) ? ~std::uint64_t{0} : std::uint64_t{1} << DVK_CALL_sendrec | 1u << DVK_CALL_wait_bind;
    fresh.level = slot < 0 ? DVK_LEVEL_task : is_system(slot) ? DVK_LEVEL_server : DVK_LEVEL_user;
    at(slot) = fresh;
    out = endpoint(slot);
    for (int waiter : who({doing::await_bind}, out)) complete(waiter, 0);
    return DVK_E_ok;
  }
  int unbind(dvk_endpoint e) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    const int self = slot(e);
    if (waits(self)) complete(self, DVK_E_shut_down);
    at(self).bound = false;
    at(self).moving = 0;
    for (int other : who({doing::send, doing::ask}, e)) complete(other, DVK_E_destination_died);
    for (int other : who({doing::await_answer, doing::receive, doing::await_unbind}, e)) {
      complete(other, at(other).what == doing::await_unbind ? DVK_E_ok : DVK_E_source_died);
    }
    std::erase_if(pending_, [&](const auto& p) { return p.first.first == self || p.first.second == self; });
    std::erase_if(grants_, [&](const auto& grant) {
      if (grant.second.owner != e) return false;
      retire(grant.first);
      return true;
    });
    if (at(self).told && !is_system(self)) free_users_.push_back(self);
    return DVK_E_ok;
  }
  int enter_wait(dvk_endpoint caller, dvk_endpoint e) const {
    if (const int error = enter(caller, DVK_CALL_wait_bind)) return error;
    if (e == DVK_HARDWARE) return DVK_E_bad_destination;
    if (find(e) == DVK_E_range) return DVK_E_range;
    return slot(e) == slot(caller) ? DVK_E_bad_endpoint : DVK_E_ok;
  }
  int wait_bind(dvk_endpoint caller, dvk_endpoint e, bool nowait) {
    if (const int error = enter_wait(caller, e)) return error;
    if (at(slot(e)).bound) return endpoint(slot(e)) == e ? DVK_E_ok : DVK_E_bad_endpoint;
    if (generation(e) != next_generation(slot(e))) return DVK_E_bad_endpoint;
    if (nowait) return DVK_E_would_block;
    wait(slot(caller), doing::await_bind, e);
    return DVK_BLOCKED;
  }
  int wait_unbind(dvk_endpoint caller, dvk_endpoint e, bool nowait) {
    if (const int error = enter_wait(caller, e)) return error;
    if (find_bound(e, DVK_E_bad_process) != DVK_E_ok) return DVK_E_ok;
    if (nowait) return DVK_E_would_block;
    wait(slot(caller), doing::await_unbind, e);
    return DVK_BLOCKED;
  }

  // ---- grants ----
  /// What making this grant should give; after success the caller adds it with `granted_as`.
  int may_grant(const granted& g) const {
    if (find_bound(g.owner, DVK_E_not_bound) != DVK_E_ok) return DVK_E_not_bound;
    if (g.grantee != DVK_ANY && find(g.grantee)) return find(g.grantee);
    if (g.kind == 2 && find(g.other)) return find(g.other);
    if (g.kind == 3) {
      const bool trusted = is_system(slot(g.owner)) && at(slot(g.owner)).calls >> DVK_CALL_magic_grant & 1;
      if (!trusted) return DVK_E_no_privilege;
      if (const int error = find_bound(g.other, DVK_E_bad_process)) return error;
    }
    if (g.access == 0 || g.access > 3) return DVK_E_bad_argument;
    if (g.address + g.length < g.address) return DVK_E_range;
    const int entries = static_cast<int>(sequences_.size());
    if (g.kind == 2 && (g.other_id < 0 || g.other_id % index_size >= entries)) return DVK_E_not_granted;
    return grants_.size() == sequences_.size() ? DVK_E_no_space : DVK_E_ok;
  }
  /// False if this id cannot be the one of a new grant.
  bool granted_as(int id, const granted& g) {
    const auto index = static_cast<std::size_t>(id % index_size);
    const bool in_use = std::any_of(grants_.begin(), grants_.end(),
                                    [&](const auto& other) { return other.first % index_size == id % index_size; });
    if (id < 0 || index >= sequences_.size() || in_use || sequences_[index] != id / index_size) return false;
    grants_[id] = g;
    return true;
  }
  void retire(int id) {
    int& sequence = sequences_[static_cast<std::size_t>(id % index_size)];
    sequence = (sequence + 1) % 2048;
  }
  int revoke(dvk_endpoint owner, int id) {
    if (find_bound(owner, DVK_E_not_bound) != DVK_E_ok) return DVK_E_not_bound;
    if (!grants_.contains(id) || grants_[id].owner != owner) return DVK_E_not_granted;
    grants_.erase(id);
    retire(id);
    return DVK_E_ok;
  }
  int check(dvk_endpoint granter, dvk_endpoint grantee, int id, std::uint64_t offset, std::uint64_t length,
            unsigned access, dvk_endpoint& owner, std::uint64_t& address, int passed_on = 0) const {
    const int died = access & 2 ? DVK_E_destination_died : DVK_E_source_died;
    if (passed_on == 0) {
      if (find_bound(grantee, DVK_E_not_bound) != DVK_E_ok) return DVK_E_not_bound;
      if (access == 0 || access > 3) return DVK_E_bad_argument;
    }
    if (const int error = find_bound(granter, died)) return error;
    if (at(slot(granter)).elsewhere) {
      owner = granter;
      address = offset;
      return id < 0 ? DVK_E_not_granted : passed_on > 5 ? DVK_E_loop : DVK_E_ok;
    }
    const auto place = grants_.find(id);
    if (place == grants_.end() || place->second.owner != granter) return DVK_E_not_granted;
    const granted& g = place->second;
    if (g.grantee != grantee && g.grantee != DVK_ANY) return DVK_E_not_granted;
    if (access & ~g.access) return DVK_E_not_granted;
    if (length > g.length || offset > g.length - length) return DVK_E_range;
    if (g.kind == 2) {
      if (passed_on == 5) return DVK_E_loop;
      return check(g.other, granter, g.other_id, g.address + offset, length, access, owner, address, passed_on + 1);
    }
    owner = g.kind == 3 ? g.other : granter;
    address = g.address + offset;
    if (find_bound(owner, died)) return died;
    return held(slot(owner)) ? static_cast<int>(DVK_BLOCKED) : DVK_E_ok;
  }
  int vcopy(dvk_endpoint caller, dvk_endpoint source, dvk_endpoint destination) const {
    if (const int error = enter_meanwhile(caller, DVK_CALL_vcopy)) return error;
    if (!is_system(slot(caller))) return DVK_E_trap_denied;
    if (source == DVK_SELF) source = caller;
    if (destination == DVK_SELF) destination = caller;
    if (source == destination) return DVK_E_bad_endpoint;
    for (const auto& [party, died] : {std::pair{source, DVK_E_source_died}, {destination, DVK_E_destination_died}}) {
      if (party == DVK_HARDWARE) return DVK_E_bad_destination;
      if (party == DVK_ANY || party == DVK_NONE) return DVK_E_bad_endpoint;
      if (const int error = find_bound(party, died)) return error;
      if (party == caller) continue;
      if (at(slot(caller)).never_to.contains(bit(slot(party)))) return DVK_E_trap_denied;
      if (held(slot(party))) return DVK_BLOCKED;
      const doing what = at(slot(party)).what;
      if (what != doing::receive && what != doing::receive_request && what != doing::await_answer) {
        return DVK_E_not_waiting;
      }
    }
    return DVK_E_ok;
  }

  const std::map<int, granted>& grants() const { return grants_; }
  const std::deque<int>& free_users() const { return free_users_; }
};

}  // namespace dvk_model

#endif
