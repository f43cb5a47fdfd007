// SPDX-License-Identifier: MIT
/// @file
/// The state of the simple model of the DVK rules, and the questions that its operations ask. See dvk_model.hpp.
#ifndef DVS_TESTS_UNIT_DVK_MODEL_STATE_HPP
#define DVS_TESTS_UNIT_DVK_MODEL_STATE_HPP

#include <dvs/dvk/types.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace dvk_model {

enum class doing { nothing, send, ask, await_answer, receive, receive_request, await_bind, await_unbind };

struct process {
  bool bound = false;
  bool told = true;  // of the end of its last wait
  int generation = 0;
  doing what = doing::nothing;
  dvk_endpoint peer = DVK_NONE;
  std::uint64_t since = 0;  // orders those who wait
  dvk_message message{};
  std::uint32_t exchange = 0;  // number of its present or last request
  std::uint32_t taken = 0;     // number of the request in message, if it is one
  std::uint64_t owner = 0;
  std::uint64_t calls = 0;
  int level = 0;
  dvk_endpoint warn = DVK_NONE;
  std::set<int> never_to;  // forbidden peers: system slots, or all_users
  std::set<int> never_from;
  int moving = 0;          // 1 leaving, 2 held, 3 departed
  unsigned term = 0;       // how often it has moved
  bool elsewhere = false;  // on another node
  int node = 0;            // that node
  bool backup = false;     // owner is that of its backup here
  bool left = false;       // the owner that it had here has not been told of its move
  std::uint64_t sent = 0, received = 0, notifications = 0, copies = 0, bytes = 0;
};

struct completion {
  dvk_endpoint who;
  int result;
  std::uint64_t owner;
};

struct granted {
  int kind;  // 1 direct, 2 indirect, 3 magic
  dvk_endpoint owner, grantee, other;
  int other_id;
  std::uint64_t address, length;
  unsigned access;
};

class state {
 public:
  static constexpr int all_users = 1 << 30;
  static constexpr int index_size = 1 << 20;

  state(int tasks, int processes, int system, int grants)
      : tasks_(tasks), slots_(tasks + processes), system_(system), sequences_(grants, 0), processes_(slots_) {
    for (int slot = system - tasks; slot < processes; ++slot) free_users_.push_back(slot);
  }

  // ---- names ----
  static int generation(dvk_endpoint e) {
    const long long above = static_cast<long long>(e) + 1024;
    return above < 0 ? -1 : static_cast<int>(above >> 20);
  }
  static int slot(dvk_endpoint e) { return static_cast<int>(e - static_cast<long long>(generation(e)) * (1 << 20)); }
  dvk_endpoint endpoint(int slot) const { return at(slot).generation * (1 << 20) + slot; }
  bool in_table(int slot) const { return slot >= -tasks_ && slot < slots_ - tasks_; }
  bool is_system(int slot) const { return slot + tasks_ < system_; }
  process& at(int slot) { return processes_[static_cast<std::size_t>(slot + tasks_)]; }
  const process& at(int slot) const { return processes_[static_cast<std::size_t>(slot + tasks_)]; }
  int lowest() const { return -tasks_; }
  int end() const { return slots_ - tasks_; }
  int find(dvk_endpoint e) const {
    if (e < -1024 || !in_table(slot(e))) return DVK_E_range;
    return endpoint(slot(e)) == e ? DVK_E_ok : DVK_E_bad_endpoint;
  }
  int find_bound(dvk_endpoint e, int died) const {
    if (const int error = find(e)) return error;
    return at(slot(e)).bound ? DVK_E_ok : died;
  }
  bool waits(int slot) const { return at(slot).what != doing::nothing; }
  bool held(int slot) const { return at(slot).moving >= 2; }
  bool runs(int slot) const { return at(slot).bound && !waits(slot) && at(slot).told; }

  // ---- privileges ----
  int bit(int slot) const { return is_system(slot) ? slot : all_users; }
  bool may_pass(int from, int to) const {
    return !at(from).never_to.contains(bit(to)) && !at(to).never_from.contains(bit(from));
  }
  int enter(dvk_endpoint caller, int call) const {
    if (find_bound(caller, DVK_E_bad_process)) return DVK_E_not_bound;
    return runs(slot(caller)) ? enter_meanwhile(caller, call) : static_cast<int>(DVK_E_process_running);
  }
  int enter_meanwhile(dvk_endpoint caller, int call) const {
    if (find_bound(caller, DVK_E_bad_process)) return DVK_E_not_bound;
    return at(slot(caller)).calls >> call & 1 ? DVK_E_ok : DVK_E_bad_call;
  }
  int set_privileges(dvk_endpoint e, std::uint64_t calls, int level, dvk_endpoint warn) {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    if (at(slot(e)).moving == 3) return DVK_E_busy;
    if (level < 0 || level > 5) return DVK_E_bad_value;
    if (warn != DVK_NONE) {
      if (const int error = find(warn)) return error;
      if (!is_system(slot(warn))) return DVK_E_bad_process;
    }
    at(slot(e)).calls = calls;
    at(slot(e)).level = level;
    at(slot(e)).warn = warn;
    return DVK_E_ok;
  }
  int peers(dvk_endpoint e, dvk_endpoint whom, std::set<int>& bits) const {
    if (const int error = find_bound(e, DVK_E_bad_process)) return error;
    if (whom == DVK_ANY || whom == DVK_USERS) bits.insert(all_users);
    if (whom == DVK_ANY) {
      for (int s = lowest(); is_system(s); ++s) bits.insert(s);
    }
    if (!bits.empty()) return DVK_E_ok;
    if (const int error = find(whom)) return error;
    if (!is_system(slot(whom))) return DVK_E_bad_endpoint;
    bits.insert(slot(whom));
    return DVK_E_ok;
  }
  int set_peers(dvk_endpoint e, bool to, dvk_endpoint whom, bool allowed) {
    std::set<int> bits;
    if (find_bound(e, DVK_E_bad_process) == DVK_E_ok && at(slot(e)).moving == 3) return DVK_E_busy;
    if (const int error = peers(e, whom, bits)) return error;
    auto& never = to ? at(slot(e)).never_to : at(slot(e)).never_from;
    for (int b : bits) {
      if (allowed) {
        never.erase(b);
      } else {
        never.insert(b);
      }
    }
    return DVK_E_ok;
  }
  int get_peers(dvk_endpoint e, bool to, dvk_endpoint whom, bool& allowed) const {
    std::set<int> bits;
    if (const int error = peers(e, whom, bits)) return error;
    const auto& never = to ? at(slot(e)).never_to : at(slot(e)).never_from;
    allowed = std::none_of(bits.begin(), bits.end(), [&](int b) { return never.contains(b); });
    return DVK_E_ok;
  }

  // ---- moving ----
  bool owes(int slot) const { return !who({doing::await_answer}, endpoint(slot)).empty(); }
  /// Holds who has come to rest.
  void settle() {
    for (int s = lowest(); s < end(); ++s) {
      const process& p = at(s);
      const bool waits_for_anybody =
          p.what == doing::receive_request || (p.what == doing::receive && p.peer == DVK_ANY);
      if (p.moving == 1 && waits_for_anybody && !owes(s)) at(s).moving = 2;
    }
  }
  bool rests(int slot, doing what, bool nowait) {
    if (at(slot).moving != 1 || nowait || owes(slot)) return false;
    wait(slot, what, DVK_ANY);
    return true;
  }

  // ---- waiting ----
  void wait(int slot, doing what, dvk_endpoint peer) {
    at(slot).what = what;
    at(slot).peer = peer;
    at(slot).since = ++clock_;
  }
  void complete(int slot, int result) {
    at(slot).what = doing::nothing;
    at(slot).peer = DVK_NONE;
    at(slot).told = false;
    completions_.push_back({endpoint(slot), result, at(slot).backup ? 0 : at(slot).owner});
  }
  std::optional<completion> next_completion() {
    if (completions_.empty()) return std::nullopt;
    const completion first = completions_.front();
    completions_.pop_front();
    at(slot(first.who)).told = true;
    at(slot(first.who)).left = false;
    if (!at(slot(first.who)).bound && !is_system(slot(first.who))) free_users_.push_back(slot(first.who));
    return first;
  }
  /// Those who do one of `what` with this very peer, longest waiting first.
  std::vector<int> who(std::initializer_list<doing> what, dvk_endpoint peer) const {
    std::vector<int> found;
    for (int s = lowest(); s < end(); ++s) {
      if (at(s).peer == peer && std::find(what.begin(), what.end(), at(s).what) != what.end()) found.push_back(s);
    }
    std::sort(found.begin(), found.end(), [&](int a, int b) { return at(a).since < at(b).since; });
    return found;
  }
  /// True if `from` waits, perhaps through others, for `to`.
  bool reaches(int from, int to) const {
    std::set<int> seen;
    while (from != to) {
      const process& p = at(from);
      const bool for_one = p.what == doing::send || p.what == doing::ask || p.what == doing::await_answer ||
                           (p.what == doing::receive && p.peer != DVK_ANY);
      if (!for_one || !seen.insert(from).second) return false;
      from = slot(p.peer);
    }
    return true;
  }
  bool accepts(int to, int from, bool request) const {
    const process& p = at(to);
    if (held(to)) return false;
    if (p.what == doing::receive_request) return request;
    if (p.what == doing::receive) return p.peer == DVK_ANY || p.peer == endpoint(from);
    return p.what == doing::await_answer && p.peer == endpoint(from);
  }
  void deliver(int from, const dvk_message& message, int to, std::uint32_t exchange = 0) {
    at(to).message = message;
    at(to).taken = exchange;
    at(to).message.source = endpoint(from);
    ++at(from).sent;
    ++at(to).received;
  }
  int peer(int self, dvk_endpoint e, int died, int itself) const {
    if (e == DVK_HARDWARE) return DVK_E_bad_destination;
    if (const int error = find(e)) return error;
    if (slot(e) == self) return itself;
    if (!at(slot(e)).bound) return died;
    return may_pass(self, slot(e)) ? DVK_E_ok : DVK_E_trap_denied;
  }

 protected:
  int tasks_, slots_, system_;
  std::vector<int> sequences_;
  std::vector<process> processes_;
  std::deque<int> free_users_;
  std::deque<completion> completions_;
  std::map<std::pair<int, int>, dvk_notification> pending_;  // (destination, source): lowest source first
  std::map<int, granted> grants_;
  std::uint64_t clock_ = 0;
};

}  // namespace dvk_model

#endif
