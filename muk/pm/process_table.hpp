// SPDX-License-Identifier: MIT
/// @file
/// The processes that PM knows: pids, families, users, signals. It sends nothing; the server does.
#ifndef MUK_PM_PROCESS_TABLE_HPP
#define MUK_PM_PROCESS_TABLE_HPP

#include <algorithm>
#include <dvs/protocol.hpp>
#include <map>
#include <muk/pm/protocol.hpp>
#include <optional>
#include <unordered_map>
#include <vector>

namespace muk::pm {

/// One process.
struct process {
  pm::pid pid;
  pm::pid parent;
  dvs::endpoint_id endpoint;
  name16 name;
  pm::state state = state::alive;
  user_id user = 0, effective_user = 0;
  user_id group = 0, effective_group = 0;
  std::uint64_t pending = 0;           ///< signals
  bool kill_sent = false;              ///< it was told to leave because of `signal::kill`
  dvs::caller asked{};                 ///< whom to answer when waiting or suspended
  pm::pid waits_for = -1;              ///< when waiting
  std::uint64_t suspended_until = 0;   ///< when suspended: the signals it waits for
  pm::ending ending = ending::exited;  ///< when a zombie
  std::int32_t status = 0;             ///< when a zombie
  std::vector<pm::pid> children = {};  ///< living ones and zombies
};

/// All processes. References stay valid until the process is removed.
class process_table {
 public:
  /// How many processes there can be, and the largest pid.
  static constexpr pid pid_max = 30000;

  /// PM itself (pid 0) and init (pid 1) are there from the start.
  explicit process_table(dvs::endpoint_id pm) {
    insert(process{.pid = 0, .parent = 0, .endpoint = pm, .name = make_name("pm")});
    insert(process{.pid = init_pid, .parent = 0, .endpoint = init, .name = make_name("init")});
  }

  /// The process with `number`, zombies included; null when there is none.
  [[nodiscard]] process* find(pid number) {
    const auto found = by_pid_.find(number);
    return found == by_pid_.end() ? nullptr : &found->second;
  }
  /// The process that is not a zombie at `endpoint`; null when there is none.
  [[nodiscard]] process* find(dvs::endpoint_id endpoint) {
    const auto found = by_endpoint_.find(endpoint);
    return found == by_endpoint_.end() ? nullptr : find(found->second);
  }
  /// The first process that is not a zombie with this name; null when there is none.
  [[nodiscard]] process* find(const name16& name) {
    for (auto& [number, each] : by_pid_)
      if (each.state != state::zombie && text_of(each.name) == text_of(name)) return &each;
    return nullptr;
  }

  /// Adds a child of `parent`; `wanted` is its pid, 0 for any. Errors: `slot_used`, `table_full`.
  dvs::result<process*> add(process& parent, dvs::endpoint_id endpoint, const name16& name, pid wanted = 0) {
    if (find(endpoint) != nullptr) return dvs::errc::slot_used;
    if (wanted < 0 || wanted > pid_max || (wanted != 0 && find(wanted) != nullptr)) return dvs::errc::slot_used;
    if (wanted == 0 && by_pid_.size() > pid_max) return dvs::errc::table_full;
    process made{.pid = wanted != 0 ? wanted : free_pid(), .parent = parent.pid, .endpoint = endpoint, .name = name};
    made.user = parent.user;
    made.effective_user = parent.effective_user;
    made.group = parent.group;
    made.effective_group = parent.effective_group;
    parent.children.push_back(made.pid);
    return insert(std::move(made));
  }

  /// `who` has ended: it becomes a zombie, and its children become init's.
  void end(process& who, pm::ending how, std::int32_t status) {
    who.state = state::zombie;
    who.ending = how;
    who.status = status;
    by_endpoint_.erase(who.endpoint);
    if (who.pid == init_pid) return;
    process& heir = *find(init_pid);
    for (const pid number : who.children) {
      find(number)->parent = init_pid;
      heir.children.push_back(number);
    }
    who.children.clear();
  }

  /// Removes a zombie for good.
  void remove(process& zombie) {
    if (process* parent = find(zombie.parent)) std::erase(parent->children, zombie.pid);
    by_pid_.erase(zombie.pid);
  }

  /// A child of `parent` that has ended: `wanted`, or any when that is -1; null when there is none.
  [[nodiscard]] process* zombie_of(const process& parent, pid wanted) {
    for (const pid number : parent.children)
      if (wanted == -1 || wanted == number)
        if (process* child = find(number); child->state == state::zombie) return child;
    return nullptr;
  }
  /// Whether `parent` has the child `wanted`, or any when that is -1.
  [[nodiscard]] static bool has_child(const process& parent, pid wanted) {
    if (wanted == -1) return !parent.children.empty();
    return std::find(parent.children.begin(), parent.children.end(), wanted) != parent.children.end();
  }

  /// Calls `visit(process&)` for each, by pid. The visitor adds and removes none.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (auto& [number, each] : by_pid_) visit(each);
  }

 private:
  process* insert(process made) {
    by_endpoint_[made.endpoint] = made.pid;
    const pid number = made.pid;
    return &by_pid_.emplace(number, std::move(made)).first->second;
  }
  /// The next pid that nobody has, so that a pid is not used again soon.
  pid free_pid() {
    do last_pid_ = last_pid_ == pid_max ? init_pid + 1 : last_pid_ + 1;
    while (find(last_pid_) != nullptr);
    return last_pid_;
  }

  std::map<pid, process> by_pid_;
  std::unordered_map<dvs::endpoint_id, pid> by_endpoint_;
  pid last_pid_ = init_pid;
};

}  // namespace muk::pm

#endif
