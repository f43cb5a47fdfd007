// SPDX-License-Identifier: MIT
/// @file
/// The DVK rules against the simple model: the same arbitrary operation goes to both, then everything is compared.
/// Where the choices come from (a random number generator, the bytes of a fuzzer) is the caller's business.
#ifndef DVS_TESTS_UNIT_DVK_DUEL_HPP
#define DVS_TESTS_UNIT_DVK_DUEL_HPP

#include <dvs/dvk/dvk.h>

#include <array>
#include <map>
#include <memory>

#include "dvk_arena.hpp"

namespace dvk_model {

/// Choices is callable as choices(n) and gives a number in [0, n).
template <class Choices>
class duel : public arena {
 public:
  duel(Choices& choices, const profile& p) : arena(p), choices_(choices) {}

  /// One operation on both. False once they differ; trouble() then tells how.
  bool step() {
    ++steps_;
    operation();
    model_.settle();
    if (!profile_.lazy_driver || one_in(3)) fetch_completions();
    for (int slot : slots_) compare_wait(slot);
    if (steps_ % 32 == 0) compare_all();
    return trouble_.empty();
  }

 private:
  std::uint32_t below(std::uint32_t n) { return choices_(n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  template <class Container>
  const auto& any_of(const Container& from) {
    return from[below(static_cast<std::uint32_t>(from.size()))];
  }
  int some_slot() { return any_of(slots_); }

  dvk_endpoint some_endpoint() {
    const std::uint32_t luck = below(32);
    if (luck == 0) return any_of(strange_endpoints);
    const dvk_endpoint right = model_.endpoint(some_slot());
    if (luck == 1) return right + DVK_GENERATION_SIZE * (right < 2000 * DVK_GENERATION_SIZE ? 1 : -1);
    if (luck == 2 && right >= DVK_GENERATION_SIZE) return right - DVK_GENERATION_SIZE;
    return right;
  }
  dvk_endpoint some_caller() {
    if (one_in(16)) return some_endpoint();
    for (int tries = 0; tries < 6; ++tries) {
      const int slot = some_slot();
      if (model_.runs(slot)) return model_.endpoint(slot);
    }
    return some_endpoint();
  }
  /// Often somebody who waits for an answer of the caller.
  dvk_endpoint some_asker(dvk_endpoint caller) {
    const auto askers = model_.who({doing::await_answer}, caller);
    return askers.empty() || one_in(8) ? some_endpoint() : model_.endpoint(any_of(askers));
  }
  /// Mostly the number of the request that `asker` waits in; 0 if it waits in a receive.
  std::uint32_t some_exchange(dvk_endpoint asker) {
    const bool known = model_.find(asker) == DVK_E_ok && !one_in(8);
    if (!known) return below(4);
    const auto& p = model_.at(model_.slot(asker));
    return p.what == doing::receive ? 0 : p.exchange;
  }
  dvk_message some_message() {
    dvk_message message{};
    message.source = some_endpoint();  // a lie, to be overwritten
    message.type = one_in(64) ? DVK_NOTIFICATION : static_cast<int>(below(10)) - 5;
    message.payload[0] = static_cast<std::uint8_t>(below(256));
    message.payload[55] = static_cast<std::uint8_t>(steps_);
    return message;
  }
  std::uint64_t some_size() { return one_in(4) ? any_of(some_sizes) : below(128); }
  int some_grant(dvk_endpoint& owner) {
    if (model_.grants().empty() || one_in(8)) {
      owner = some_endpoint();
      return one_in(4) ? -static_cast<int>(below(3)) : static_cast<int>(below(8) + (below(2048) << 20));
    }
    auto place = model_.grants().begin();
    std::advance(place, below(static_cast<std::uint32_t>(model_.grants().size())));
    owner = one_in(16) ? some_endpoint() : place->second.owner;
    return place->first;
  }

  void operation() {
    const int total = profile_.churn + profile_.talk + profile_.copying + profile_.moves + 8;
    int choice = static_cast<int>(below(static_cast<std::uint32_t>(total)));
    if ((choice -= profile_.churn) < 0) return bind_or_unbind();
    if ((choice -= profile_.talk) < 0) return rendezvous();
    if ((choice -= profile_.copying) < 0) return copies();
    if ((choice -= profile_.moves) < 0) return move();
    if ((choice -= 3) < 0) return notify();
    if ((choice -= 2) < 0) return waits();
    if ((choice -= 2) < 0) return cancel();
    if (profile_.denied_peers || one_in(8)) privileges();
  }

  void bind_or_unbind() {
    if (one_in(2)) {
      const dvk_endpoint who = some_endpoint();
      return expect("unbind", dvk_unbind(table_, who), model_.unbind(who));
    }
    const int slot = one_in(3) ? static_cast<int>(DVK_ANY) : one_in(32) ? some_endpoint() : some_slot();
    const std::uint64_t owner = below(static_cast<std::uint32_t>(slots_.size()) * 2);
    dvk_endpoint got = DVK_NONE, wanted = DVK_NONE;
    const int result = dvk_bind(table_, slot, "somebody with a long name", owner, &got);
    expect("bind", result, model_.bind(slot, owner, wanted));
    expect("endpoint of bind", got, wanted);
    if (result == DVK_E_ok && profile_.users_talk && one_in(2)) set_privileges(got, ~UINT64_C(0), 0, DVK_NONE);
  }

  void rendezvous() {
    const dvk_endpoint caller = some_caller();
    const dvk_message message = some_message();
    const bool nowait = one_in(8);
    const unsigned flags = nowait ? DVK_NOWAIT : 0;
    switch (below(8)) {
      case 0: {
        const dvk_endpoint to = some_endpoint();
        return met(caller, dvk_send(table_, caller, to, &message, flags), model_.send(caller, to, message, nowait));
      }
      case 1:
      case 2: {
        const dvk_endpoint to = some_endpoint();
        const int result = dvk_sendrec(table_, caller, to, &message, flags);
        return met(caller, result, model_.sendrec(caller, to, message, nowait));
      }
      case 3: {
        const int result = dvk_receive(table_, caller, DVK_ANY, flags);
        return met(caller, result, model_.receive(caller, DVK_ANY, nowait));
      }
      case 4: {
        const dvk_endpoint from = some_endpoint();
        const int result = dvk_receive(table_, caller, from, flags);
        return met(caller, result, model_.receive(caller, from, nowait));
      }
      case 5: {
        const int result = dvk_receive_request(table_, caller, flags);
        return met(caller, result, model_.receive_request(caller, nowait));
      }
      case 6: {
        const dvk_endpoint to = some_asker(caller);
        const std::uint32_t exchange = some_exchange(to);
        return expect("reply", dvk_reply(table_, caller, to, exchange, &message),
                      model_.reply(caller, to, exchange, message));
      }
      default: {
        const dvk_endpoint from = some_asker(caller);
        const dvk_endpoint to = some_endpoint();
        const std::uint32_t exchange = some_exchange(from);
        const dvk_message* changed = one_in(2) ? &message : nullptr;
        return expect("relay", dvk_relay(table_, caller, from, exchange, to, changed),
                      model_.relay(caller, from, exchange, to, changed));
      }
    }
  }

  void notify() {
    const dvk_endpoint caller = some_caller();
    const dvk_endpoint source = some_endpoint();
    const dvk_endpoint to = one_in(4) ? some_endpoint() : static_cast<dvk_endpoint>(below(4));
    const std::uint64_t value = UINT64_C(1) << below(64);
    switch (below(4)) {
      case 0:
        return expect("inject", dvk_inject(table_, source, to, value, steps_),
                      model_.inject(source, to, value, steps_));
      case 1:
        return expect("notify_as", dvk_notify_as(table_, caller, source, to, value, steps_),
                      model_.notify_as(caller, source, to, value, steps_));
      default:
        return expect("notify", dvk_notify(table_, caller, to, value, steps_),
                      model_.notify(caller, to, value, steps_));
    }
  }

  void waits() {
    const dvk_endpoint caller = some_caller();
    dvk_endpoint awaited = some_endpoint();
    const bool nowait = one_in(8);
    const unsigned flags = nowait ? DVK_NOWAIT : 0;
    if (one_in(2)) {
      return expect("wait_unbind", dvk_wait_unbind(table_, caller, awaited, flags),
                    model_.wait_unbind(caller, awaited, nowait));
    }
    if (one_in(2) && awaited >= 0 && awaited < 2000 * DVK_GENERATION_SIZE) awaited += DVK_GENERATION_SIZE;
    expect("wait_bind", dvk_wait_bind(table_, caller, awaited, flags), model_.wait_bind(caller, awaited, nowait));
  }

  void move() {
    const dvk_endpoint who = some_endpoint();
    const auto known = estates_.find(model_.slot(who));
    const bool has_estate = known != estates_.end() && !one_in(16);
    switch (below(12)) {
      case 0:
        return expect("start", dvk_migrate_start(table_, who), model_.start(who));
      case 1:
      case 2: {
        auto& [taken, wanted] = estates_[model_.slot(who)];
        if (!taken) taken = std::make_unique<dvk_estate>();
        return expect("leave", dvk_migrate_leave(table_, who, taken.get()), model_.leave(who, wanted));
      }
      case 3:
        return expect("rollback", dvk_migrate_rollback(table_, who, has_estate ? known->second.first.get() : nullptr),
                      model_.rollback(who, has_estate ? &known->second.second : nullptr));
      case 4:
        return expect("commit", dvk_migrate_commit(table_, who, 5), model_.commit(who));
      case 5:
        return expect("stand_down", dvk_stand_down(table_, who), model_.stand_down(who));
      case 6:
      case 9:
        return expect("promote", dvk_promote(table_, who), model_.promote(who));
      case 7:
      case 10: {
        const std::uint64_t owner = below(static_cast<std::uint32_t>(slots_.size()) * 2);
        return expect("stand_by", dvk_stand_by(table_, who, owner), model_.stand_by(who, owner));
      }
      case 8: {
        const int node = one_in(8) ? -1 : 5 + static_cast<int>(below(2));
        const bool known_slot = model_.find(who) == DVK_E_ok;
        const unsigned term = (known_slot ? model_.at(model_.slot(who)).term : 0) + below(3);
        return expect("place", dvk_migrate_place(table_, who, node, term), model_.place(who, node, term));
      }
      default:
        return has_estate ? arrive(*known->second.first, known->second.second) : take_late(who);
    }
  }
  void arrive(const dvk_estate& from, const estate& wanted) {
    if (wanted.whose == DVK_NONE) return;
    const std::uint64_t owner = below(static_cast<std::uint32_t>(slots_.size()) * 2);
    const int result = model_.adopt(wanted, owner);
    expect("check of an estate", dvk_migrate_check(table_, &from, owner), result);
    expect("adopt", dvk_migrate_adopt(table_, &from, owner), result);
  }
  void take_late(dvk_endpoint who) {
    dvk_estate_note late{};
    const auto wanted = model_.take_late(who);
    expect("late", dvk_take_late(table_, who, &late), wanted.has_value());
    if (!wanted) return;
    expect("source of the late", late.source, wanted->first);
    expect("value of the late", late.notification.value, wanted->second.value);
  }

  void cancel() {
    static constexpr std::array reasons{static_cast<int>(DVK_E_timed_out), static_cast<int>(DVK_E_cancelled),
                                        static_cast<int>(DVK_E_shut_down), static_cast<int>(DVK_E_not_connected)};
    const dvk_endpoint who = some_endpoint();
    const int reason = one_in(16) ? static_cast<int>(below(400)) : any_of(reasons);
    expect("cancel", dvk_cancel(table_, who, reason), model_.cancel(who, reason));
  }

  void privileges() {
    const dvk_endpoint who = some_endpoint();
    if (one_in(3)) {
      const std::uint64_t calls = one_in(4) ? dvk_user_calls() : ~(UINT64_C(1) << below(40));
      return set_privileges(who, calls, static_cast<int>(below(8)) - 1, one_in(2) ? DVK_NONE : some_endpoint());
    }
    static constexpr std::array<dvk_endpoint, 2> classes{DVK_USERS, DVK_ANY};
    const dvk_endpoint peers = one_in(3) ? any_of(classes) : some_endpoint();
    const bool to = one_in(2);
    const bool allowed = !one_in(3);
    if (one_in(2)) {
      return expect("set_peers", dvk_set_peers(table_, who, to ? DVK_TO : DVK_FROM, peers, allowed),
                    model_.set_peers(who, to, peers, allowed));
    }
    int got = 0;
    bool wanted = false;
    expect("get_peers", dvk_get_peers(table_, who, to ? DVK_TO : DVK_FROM, peers, &got),
           model_.get_peers(who, to, peers, wanted));
    expect("peers", got, wanted);
  }
  void set_privileges(dvk_endpoint who, std::uint64_t calls, int level, dvk_endpoint warn) {
    const dvk_privileges wanted{calls, level, warn};
    expect("set_privileges", dvk_set_privileges(table_, who, &wanted), model_.set_privileges(who, calls, level, warn));
  }

  void copies() {
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        return make_grant();
      case 3: {
        dvk_endpoint owner;
        const int id = some_grant(owner);
        return expect("revoke", dvk_grant_revoke(table_, owner, id), model_.revoke(owner, id));
      }
      case 4: {
        const dvk_endpoint caller = some_caller();
        const dvk_endpoint from = one_in(4) ? static_cast<dvk_endpoint>(DVK_SELF) : some_endpoint();
        const dvk_endpoint to = one_in(4) ? static_cast<dvk_endpoint>(DVK_SELF) : some_endpoint();
        dvk_copy_parties parties{};
        return expect("vcopy", dvk_vcopy_check(table_, caller, from, to, &parties), model_.vcopy(caller, from, to));
      }
      case 5: {
        const dvk_endpoint caller = some_caller();
        const int wanted = model_.find_bound(caller, DVK_E_not_bound) ? DVK_E_not_bound : DVK_E_ok;
        expect("count_copy", dvk_count_copy(table_, caller, 7), wanted);
        if (wanted == DVK_E_ok) {
          ++model_.at(model_.slot(caller)).copies;
          model_.at(model_.slot(caller)).bytes += 7;
        }
        return;
      }
      default:
        return check_grant();
    }
  }
  void make_grant() {
    granted g{};
    g.kind = one_in(3) ? 2 : 1 + static_cast<int>(below(3));
    g.owner = some_caller();
    g.grantee = one_in(3) ? static_cast<dvk_endpoint>(DVK_ANY) : some_endpoint();
    g.other_id = some_grant(g.other);
    if (g.kind == 3) g.other = some_endpoint();
    if (g.kind == 2 && !one_in(4) && model_.grants().contains(g.other_id)) pass_on(g);
    g.address = some_size();
    g.length = some_size();
    g.access = one_in(16) ? below(8) : 1 + below(3);
    int id = -1, result = 0;
    if (g.kind == 1) {
      result = dvk_grant_direct(table_, g.owner, g.grantee, g.address, g.length, g.access, &id);
    } else if (g.kind == 2) {
      result = dvk_grant_indirect(table_, g.owner, g.grantee, g.other, g.other_id, g.address, g.length, g.access, &id);
    } else {
      result = dvk_grant_magic(table_, g.owner, g.other, g.grantee, g.address, g.length, g.access, &id);
    }
    expect("grant", result, model_.may_grant(g));
    if (result == DVK_E_ok) expect("id of the grant is new", model_.granted_as(id, g), true);
  }
  /// Makes the owner of an indirect grant somebody who may use what it passes on, so that chains grow.
  void pass_on(granted& g) {
    const granted& original = model_.grants().at(g.other_id);
    if (original.grantee != DVK_ANY) g.owner = original.grantee;
    g.address = 0;
    g.length = original.length;
    g.access = original.access;
  }
  void check_grant() {
    dvk_endpoint granter;
    const int id = some_grant(granter);
    const auto place = model_.grants().find(id);
    const bool right = place != model_.grants().end() && place->second.grantee != DVK_ANY && !one_in(4);
    const dvk_endpoint grantee = right ? place->second.grantee : some_endpoint();
    const std::uint64_t offset = one_in(2) ? 0 : some_size();
    const std::uint64_t length = one_in(2) ? 1 : some_size();
    const unsigned access = one_in(32) ? below(8) : 1 + below(3);
    dvk_memory got{};
    dvk_endpoint owner = DVK_NONE;
    std::uint64_t address = 0;
    const int result = dvk_grant_check(table_, granter, grantee, id, offset, length, access, 0, &got);
    expect("check", result, model_.check(granter, grantee, id, offset, length, access, owner, address));
    if (result != DVK_E_ok) return;
    expect("owner of the memory", got.owner, owner);
    expect("address", got.address, address);
  }

  void met(dvk_endpoint caller, int result, int wanted) {
    expect("rendezvous", result, wanted);
    if (result == DVK_E_ok) compare_message(caller);
  }
  Choices& choices_;
  std::map<int, std::pair<std::unique_ptr<dvk_estate>, estate>> estates_{};  // by slot
};

}  // namespace dvk_model

#endif
