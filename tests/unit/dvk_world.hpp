// SPDX-License-Identifier: MIT
/// @file
/// A table with a few processes, for tests that state one rule each.
#ifndef DVS_TESTS_UNIT_DVK_WORLD_HPP
#define DVS_TESTS_UNIT_DVK_WORLD_HPP

#include <dvs/dvk/dvk.h>

#include <cstdint>
#include <utility>
#include <vector>

/// 40 tasks, servers at slots 0..7, users from slot 8 on. Calls never wait and take the error as an int.
class world {
 public:
  using ended = std::vector<std::pair<dvk_endpoint, int>>;

  explicit world(dvk_limits limits = {40, 24, 48, 16}) : memory_(dvk_table_bytes(&limits) / 8 + 1) {
    dvk_table_init(memory_.data(), memory_.size() * 8, &limits);
  }

  dvk_table* table() { return reinterpret_cast<dvk_table*>(memory_.data()); }

  /// Binds a process; DVK_NONE if that fails.
  dvk_endpoint bind(int slot, std::uint64_t owner = 0) {
    dvk_endpoint endpoint = DVK_NONE;
    return dvk_bind(table(), slot, "process", owner, &endpoint) == DVK_E_ok ? endpoint : dvk_endpoint{DVK_NONE};
  }
  /// Binds a user process that may make every call.
  dvk_endpoint bind_user() {
    const dvk_endpoint user = bind(DVK_ANY);
    allow(user, dvk_all_calls());
    return user;
  }
  int allow(dvk_endpoint who, std::uint64_t calls, int level = 0, dvk_endpoint warn = DVK_NONE) {
    const dvk_privileges wanted{calls, level, warn};
    return dvk_set_privileges(table(), who, &wanted);
  }
  int unbind(dvk_endpoint who) { return dvk_unbind(table(), who); }

  static dvk_message message(int type) {
    dvk_message made{};
    made.type = type;
    return made;
  }
  int send(dvk_endpoint from, dvk_endpoint to, int type = 1, unsigned flags = 0) {
    const dvk_message sent = message(type);
    return dvk_send(table(), from, to, &sent, flags);
  }
  int sendrec(dvk_endpoint from, dvk_endpoint to, int type = 1, unsigned flags = 0) {
    const dvk_message sent = message(type);
    return dvk_sendrec(table(), from, to, &sent, flags);
  }
  int receive(dvk_endpoint who, dvk_endpoint source = DVK_ANY, unsigned flags = 0) {
    return dvk_receive(table(), who, source, flags);
  }
  int receive_request(dvk_endpoint who, unsigned flags = 0) { return dvk_receive_request(table(), who, flags); }
  /// Answers the present request of `to`.
  int reply(dvk_endpoint from, dvk_endpoint to, int type = 0) {
    const dvk_message sent = message(type);
    return dvk_reply(table(), from, to, exchange(to), &sent);
  }
  int relay(dvk_endpoint from, dvk_endpoint requester, dvk_endpoint to) {
    return dvk_relay(table(), from, requester, exchange(requester), to, nullptr);
  }
  int notify(dvk_endpoint from, dvk_endpoint to, std::uint64_t value = 0, std::uint64_t time = 0) {
    return dvk_notify(table(), from, to, value, time);
  }
  int inject(dvk_endpoint source, dvk_endpoint to, std::uint64_t value = 0, std::uint64_t time = 0) {
    return dvk_inject(table(), source, to, value, time);
  }

  /// Who has been completed since the last call, in order, with which result.
  ended completions() {
    ended all;
    dvk_completion one{};
    while (dvk_next_completion(table(), &one)) all.emplace_back(one.endpoint, one.result);
    return all;
  }
  /// What a process received.
  dvk_message received(dvk_endpoint who) {
    const dvk_message* got = dvk_message_of(table(), who);
    return got ? *got : message(-1);
  }
  dvk_process_info info(dvk_endpoint who) {
    dvk_process_info now{};
    dvk_describe(table(), dvk_slot_of(who), &now);
    return now;
  }
  bool runs(dvk_endpoint who) { return info(who).endpoint == who && info(who).state == 0; }
  /// The number of the request that a process makes, or made last.
  std::uint32_t exchange(dvk_endpoint who) {
    dvk_slot* slot = nullptr;
    return dvk_resolve(table(), who, &slot) == DVK_E_range ? 0 : slot->exchange;
  }

 private:
  std::vector<std::uint64_t> memory_;
};

#endif
