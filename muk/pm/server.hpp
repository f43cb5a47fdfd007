// SPDX-License-Identifier: MIT
/// @file
/// PM: who is whose child, who may do what, and which signals are pending.
#ifndef MUK_PM_SERVER_HPP
#define MUK_PM_SERVER_HPP

#include <dvs/ipc.hpp>
#include <muk/clock/timers.hpp>
#include <muk/give_table.hpp>
#include <muk/pm/process_table.hpp>
#include <muk/pm/protocol.hpp>
#include <muk/systask/protocol.hpp>
#include <vector>

namespace muk::pm {

/// The process manager of a DC. It answers only by `reply`, so no client, dead or hostile, can make it wait.
template <dvs::backend Backend>
class server {
 public:
  explicit server(dvs::endpoint<Backend>& self, dvs::endpoint_id systask = systask::where)
      : self_(self), systask_(systask), table_(self.id()) {}

  /// Serves until the DC ends.
  dvs::result<void> run() {
    if (const auto watching = self_.watch_deaths(); !watching) return watching;
    return dvs::serve<protocol>(self_, *this);
  }

  // ---- Families ----------------------------------------------------------------------------------------------

  dvs::answer<fork> on(const fork& ask, dvs::caller from) {
    process* const parent = table_.find(from.endpoint);
    if (parent == nullptr || !self_.is_bound(ask.child)) return dvs::errc::bad_process;
    const auto child = table_.add(*parent, ask.child, ask.name);
    if (!child) return child.error();
    // SYSTASK may know the child already, when it registered itself: that is as good.
    static_cast<void>(self_.sendrec(systask_, systask::fork{from.endpoint, ask.child, ask.name}));
    const auto waits = awaiting_fork_.find(ask.child);
    if (waits != awaiting_fork_.end()) {
      static_cast<void>(self_.reply(waits->second, getpid::reply{(*child)->pid, parent->pid}));
      awaiting_fork_.erase(waits);
    }
    return fork::reply{(*child)->pid};
  }
  dvs::answer<wait4fork> on(const wait4fork&, dvs::caller from) {
    if (const process* known = table_.find(from.endpoint)) return getpid::reply{known->pid, known->parent};
    if (awaiting_fork_.size() >= process_table::pid_max) return dvs::errc::table_full;
    awaiting_fork_.insert_or_assign(from.endpoint, from);
    return dvs::later;
  }
  dvs::answer<bindproc> on(const bindproc& ask, dvs::caller from) {
    const auto who = ask.who == dvs::own ? from.endpoint : ask.who;
    const bool trusted = is_system(from);
    if (!trusted && who != from.endpoint) return dvs::errc::no_privilege;
    if (!self_.is_bound(who)) return dvs::errc::bad_process;
    // A server keeps its endpoint when it is started again; the death of the former may not have been noticed yet.
    if (process* const former = table_.find(who); former != nullptr && is_system(who) && former->pid > init_pid)
      end(*former, ending::vanished, 0);
    const auto made = table_.add(*table_.find(init_pid), who, ask.name, ask.wanted);
    if (!made) return made.error();
    (*made)->user = (*made)->effective_user = trusted ? ask.user : nobody;
    (*made)->group = (*made)->effective_group = trusted ? ask.group : nobody;
    static_cast<void>(self_.sendrec(systask_, systask::bindproc{who, ask.name}));
    return bindproc::reply{(*made)->pid};
  }
  dvs::answer<exit> on(const exit& ask, dvs::caller from) {
    process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    static_cast<void>(self_.sendrec(systask_, systask::exit{from.endpoint}));
    end(*who, ending::exited, ask.status);
    return exit::reply{};
  }
  dvs::answer<waitpid> on(const waitpid& ask, dvs::caller from) {
    process* const parent = table_.find(from.endpoint);
    if (parent == nullptr) return dvs::errc::bad_process;
    if ((ask.child < 1 && ask.child != -1) || ask.options > wait_options::no_hang) return dvs::errc::bad_argument;
    if (!process_table::has_child(*parent, ask.child)) return dvs::errc::bad_process;
    if (process* child = table_.zombie_of(*parent, ask.child)) return collect(*child);
    if (ask.options == wait_options::no_hang) return waitpid::reply{0, 0, ending::exited};
    parent->state = state::waiting;
    parent->waits_for = ask.child;
    parent->asked = from;
    return dvs::later;
  }
  dvs::answer<wait> on(const wait&, dvs::caller from) {
    const auto given = on(waitpid{-1, wait_options::none}, from);
    if (given.is_later()) return dvs::later;
    if (given.outcome() != dvs::errc::ok) return given.outcome();
    return given.reply();
  }

  dvs::answer<getpid> on(const getpid&, dvs::caller from) {
    const process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    return getpid::reply{who->pid, who->parent};
  }
  dvs::answer<getprocnr> on(const getprocnr& ask, dvs::caller) {
    const process* const who = ask.target == -1 ? table_.find(ask.name) : table_.find(ask.target);
    if (who == nullptr || who->state == state::zombie) return dvs::errc::bad_process;
    return getprocnr::reply{who->pid, who->endpoint};
  }
  dvs::answer<setpname> on(const setpname& ask, dvs::caller from) {
    process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    who->name = ask.name;
    static_cast<void>(self_.sendrec(systask_, systask::setpname{from.endpoint, ask.name}));
    return setpname::reply{};
  }

  // ---- Users and groups --------------------------------------------------------------------------------------

  dvs::answer<getuid> on(const getuid&, dvs::caller from) {
    const process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    return getuid::reply{who->user, who->effective_user};
  }
  dvs::answer<getgid> on(const getgid&, dvs::caller from) {
    const process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    return getgid::reply{who->group, who->effective_group};
  }
  dvs::answer<setuid> on(const setuid& ask, dvs::caller from) {
    return change<setuid>(from, ask.user, {&process::user, &process::effective_user}, &process::user);
  }
  dvs::answer<seteuid> on(const seteuid& ask, dvs::caller from) {
    return change<seteuid>(from, ask.user, {nullptr, &process::effective_user}, &process::user);
  }
  dvs::answer<setgid> on(const setgid& ask, dvs::caller from) {
    return change<setgid>(from, ask.group, {&process::group, &process::effective_group}, &process::group);
  }
  dvs::answer<setegid> on(const setegid& ask, dvs::caller from) {
    return change<setegid>(from, ask.group, {nullptr, &process::effective_group}, &process::group);
  }

  // ---- Signals and time --------------------------------------------------------------------------------------

  dvs::answer<kill> on(const kill& ask, dvs::caller from) {
    if (ask.target < 0 || ask.signal > signal::number_max) return dvs::errc::bad_argument;
    process* const target = table_.find(ask.target);
    if (target == nullptr || target->state == state::zombie) return dvs::errc::bad_process;
    if (!may_signal(from, *target)) return dvs::errc::no_privilege;
    if (ask.signal == signal::kill && is_system(target->endpoint)) return dvs::errc::no_privilege;
    if (ask.signal != 0) deliver(*target, ask.signal);
    return kill::reply{};
  }
  dvs::answer<sigsuspend> on(const sigsuspend& ask, dvs::caller from) {
    process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    if (const std::uint64_t here = who->pending & ask.signals) {
      who->pending &= ~here;
      return sigsuspend::reply{here};
    }
    who->state = state::suspended;
    who->suspended_until = ask.signals;
    who->asked = from;
    return dvs::later;
  }
  dvs::answer<sigpending> on(const sigpending&, dvs::caller from) {
    const process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    return sigpending::reply{who->pending};
  }
  dvs::answer<alarm> on(const alarm& ask, dvs::caller from) {
    process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    if (ask.delay_ns > std::uint64_t{1} << 62) return dvs::errc::bad_argument;
    const auto now = self_.now();
    const auto left = alarms_.left(who->pid, now);
    if (ask.delay_ns == 0)
      alarms_.cancel(who->pid);
    else
      alarms_.set(who->pid, now + dvs::duration{static_cast<std::int64_t>(ask.delay_ns)});
    ring();
    return alarm::reply{left ? static_cast<std::uint64_t>(left->count()) : 0};
  }
  dvs::answer<times> on(const times&, dvs::caller from) {
    const auto told = self_.sendrec(systask_, systask::times{from.endpoint});
    if (!told) return told.error();
    return times::reply{told->uptime_ns,         told->age_ns, told->messages_sent,
                        told->messages_received, told->copies, told->bytes_copied};
  }
  dvs::answer<time> on(const time&, dvs::caller) {
    const auto now = (self_.now() + epoch_).count();
    return time::reply{now / second, now % second};
  }
  dvs::answer<stime> on(const stime& ask, dvs::caller from) {
    const process* const who = table_.find(from.endpoint);
    if (!is_system(from) && (who == nullptr || who->effective_user != 0)) return dvs::errc::no_privilege;
    constexpr std::int64_t seconds_max = 9'000'000'000;  // the year 2255; in nanoseconds still a 64-bit number
    if (ask.seconds < 0 || ask.seconds >= seconds_max || ask.nanoseconds < 0 || ask.nanoseconds >= second)
      return dvs::errc::bad_argument;
    epoch_ = dvs::duration{ask.seconds * second + ask.nanoseconds} - self_.now();
    return stime::reply{};
  }

  dvs::answer<getsysinfo> on(const getsysinfo& ask, dvs::caller from) {
    std::vector<process_row> rows;
    table_.for_each([&](const process& each) {
      const auto left = alarms_.left(each.pid, self_.now());
      rows.push_back({each.pid, each.parent, each.endpoint, each.state, each.user, each.effective_user, each.group,
                      each.effective_group, each.pending, left ? static_cast<std::uint64_t>(left->count()) : 0,
                      each.name});
    });
    return give_table<getsysinfo>(self_, from, ask.into, ask.length, std::span<const process_row>{rows});
  }

  void on_notification(dvs::endpoint_id source, dvs::notification) {
    if (source == dvs::clock_task) {
      const auto now = self_.now();
      while (const auto owner = alarms_.take_expired(now)) deliver(*table_.find(*owner), signal::alarm);
      rung_for_.reset();
      ring();
    } else if (source == dvs::process_events) {
      find_the_dead();
    }
  }

 private:
  static constexpr std::int64_t second = 1'000'000'000;

  /// Those who left their endpoint without `exit`.
  void find_the_dead() {
    std::erase_if(awaiting_fork_, [&](const auto& each) { return !self_.is_bound(each.first); });
    std::vector<pid> gone;
    table_.for_each([&](const process& each) {
      if (each.pid > init_pid && each.state != state::zombie && !self_.is_bound(each.endpoint))
        gone.push_back(each.pid);
    });
    for (const pid number : gone) {
      process* const who = table_.find(number);
      if (who == nullptr) continue;
      if (who->kill_sent)
        end(*who, ending::killed, signal::kill);
      else
        end(*who, ending::vanished, 0);
    }
  }

  /// `who` ends; its zombies, and then it, go to whoever is responsible.
  void end(process& who, ending how, std::int32_t status) {
    alarms_.cancel(who.pid);
    ring();
    const std::vector<pid> orphans = who.children;
    table_.end(who, how, status);
    for (const pid number : orphans)
      if (process* orphan = table_.find(number); orphan->state == state::zombie) report(*orphan);
    report(who);
  }
  /// Tells the parent of `zombie`: it is in `waitpid`, or gets a signal. Without a parent nobody will ask.
  void report(process& zombie) {
    process* const parent = table_.find(zombie.parent);
    if (parent == nullptr || !self_.is_bound(parent->endpoint)) return table_.remove(zombie);
    if (parent->state == state::waiting && (parent->waits_for == -1 || parent->waits_for == zombie.pid)) {
      parent->state = state::alive;
      const waitpid::reply told{zombie.pid, zombie.status, zombie.ending};
      if (self_.reply(parent->asked, told)) return table_.remove(zombie);
    }  // a parent that gave up waiting can still collect the zombie later
    deliver(*parent, signal::child);
  }
  waitpid::reply collect(process& zombie) {
    const waitpid::reply told{zombie.pid, zombie.status, zombie.ending};
    table_.remove(zombie);
    return told;
  }

  void deliver(process& target, std::uint32_t number) {
    if (is_system(target.endpoint)) {
      static_cast<void>(self_.notify(target.endpoint, signal::bit(number)));
      return;
    }
    if (number == signal::kill) {
      target.kill_sent = true;
      static_cast<void>(self_.sendrec(systask_, systask::killed{target.endpoint}));
      return;  // its death is noticed like any other
    }
    target.pending |= signal::bit(number);
    if (target.state == state::suspended && (target.pending & target.suspended_until) != 0) {
      const std::uint64_t here = target.pending & target.suspended_until;
      target.state = state::alive;
      if (self_.reply(target.asked, sigsuspend::reply{here})) target.pending &= ~here;
    }
  }
  [[nodiscard]] bool may_signal(dvs::caller from, const process& target) {
    const process* const who = table_.find(from.endpoint);
    if (who == nullptr) return is_system(from);
    return who->effective_user == 0 || who->user == target.user || who->effective_user == target.user;
  }

  struct changed {
    user_id process::*real;
    user_id process::*effective;
  };
  template <class Request>
  dvs::answer<Request> change(dvs::caller from, user_id to, changed fields, user_id process::*real) {
    process* const who = table_.find(from.endpoint);
    if (who == nullptr) return dvs::errc::bad_process;
    if (who->effective_user != 0 && who->*real != to) return dvs::errc::no_privilege;
    if (fields.real != nullptr) who->*fields.real = to;
    who->*fields.effective = to;
    return typename Request::reply{};
  }

  /// Asks CLOCK for the first of our alarms.
  void ring() {
    const auto first = alarms_.earliest();
    if (first == rung_for_) return;
    rung_for_ = first;
    systask::setalarm ask{0, systask::alarm_time::relative, 0};
    if (first) ask = {static_cast<std::uint64_t>(first->count()), systask::alarm_time::absolute, 0};
    static_cast<void>(self_.sendrec(systask_, ask));
  }

  dvs::endpoint<Backend>& self_;
  dvs::endpoint_id systask_;
  process_table table_;
  clock::timers<pid> alarms_;
  std::optional<dvs::duration> rung_for_;
  std::unordered_map<dvs::endpoint_id, dvs::caller> awaiting_fork_;
  dvs::duration epoch_{0};
};

}  // namespace muk::pm

#endif
