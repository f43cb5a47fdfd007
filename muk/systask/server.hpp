// SPDX-License-Identifier: MIT
/// @file
/// SYSTASK: process descriptors, privileged copies, and the alarms of CLOCK.
#ifndef MUK_SYSTASK_SERVER_HPP
#define MUK_SYSTASK_SERVER_HPP

#include <algorithm>
#include <array>
#include <cstring>
#include <dvs/ipc.hpp>
#include <muk/clock/timers.hpp>
#include <muk/give_table.hpp>
#include <muk/systask/protocol.hpp>
#include <unordered_map>
#include <vector>

namespace muk::systask {

/// The system task of a DC. It is the only server that holds the DC itself.
template <dvs::backend Backend>
class server {
 public:
  /// `pm` is the process manager: forks, exits and kills are taken from it alone.
  server(dvs::endpoint<Backend>& self, dvs::dc<Backend>& dc, dvs::endpoint_id pm = dvs::endpoint_id{0})
      : self_(self), dc_(dc), pm_(pm) {}

  /// Serves until the DC ends.
  dvs::result<void> run() {
    if (const auto watching = self_.watch_deaths(); !watching) return watching;
    return dvs::serve<protocol>(self_, *this);
  }

  dvs::answer<fork> on(const fork& ask, dvs::caller from) {
    if (from.endpoint != pm_) return dvs::errc::no_privilege;
    if (const auto added = add(ask.child, ask.name); !added) return added.error();
    return fork::reply{};
  }
  dvs::answer<exit> on(const exit& ask, dvs::caller from) {
    if (from.endpoint != pm_) return dvs::errc::no_privilege;
    forget(ask.who);
    return exit::reply{};
  }
  dvs::answer<killed> on(const killed& ask, dvs::caller from) {
    if (from.endpoint != pm_) return dvs::errc::no_privilege;
    if (const auto told = tell_to_leave(ask.who); !told) return told.error();
    return killed::reply{};
  }
  dvs::answer<unbind> on(const unbind& ask, dvs::caller from) {
    if (!is_system(from)) return dvs::errc::no_privilege;
    if (const auto told = tell_to_leave(ask.who); !told) return told.error();
    return unbind::reply{};
  }

  dvs::answer<memset> on(const memset& ask, dvs::caller from) {
    if (!is_system(from)) return dvs::errc::no_privilege;
    if (ask.bytes > bytes_max) return dvs::errc::too_big;
    const auto who = party(ask.who, from);
    if (!who) return who.error();
    std::array<std::byte, 4096> fill;
    fill.fill(static_cast<std::byte>(ask.byte));
    for (std::uint64_t done = 0; done < ask.bytes;) {
      const std::size_t piece = std::min<std::uint64_t>(fill.size(), ask.bytes - done);
      const auto filled =
          self_.vcopy(dvs::own, reinterpret_cast<std::uintptr_t>(fill.data()), *who, ask.address + done, piece);
      if (!filled) return filled.error();
      done += piece;
    }
    return memset::reply{};
  }
  dvs::answer<vircopy> on(const vircopy& ask, dvs::caller from) {
    if (!is_system(from)) return dvs::errc::no_privilege;
    if (const auto copied = copy(ask, from); !copied) return copied.error();
    return vircopy::reply{};
  }
  dvs::answer<virvcopy> on(const virvcopy& ask, dvs::caller from) {
    if (!is_system(from)) return dvs::errc::no_privilege;
    if (ask.copies == 0 || ask.copies > copies_max) return dvs::errc::bad_argument;
    if (ask.vector.granter != from.endpoint) return dvs::errc::not_granted;
    std::array<vircopy, copies_max> copies;
    const auto wanted = std::span{copies}.first(ask.copies);
    if (const auto got = self_.copy_from(ask.vector, std::as_writable_bytes(wanted)); !got) return got.error();
    for (const vircopy& each : wanted)
      if (const auto copied = copy(each, from); !copied) return copied.error();
    return virvcopy::reply{};
  }

  dvs::answer<setalarm> on(const setalarm& ask, dvs::caller from) {
    if (!is_system(from)) return dvs::errc::no_privilege;
    constexpr std::uint64_t time_max = std::numeric_limits<std::int64_t>::max() / 2;
    if (ask.time_ns > time_max || ask.kind > alarm_time::absolute) return dvs::errc::bad_argument;
    const auto now = self_.now();
    const auto left = alarms_.left(from, now);
    const dvs::duration time{static_cast<std::int64_t>(ask.time_ns)};
    if (ask.kind == alarm_time::absolute)
      alarms_.set(from, time);
    else if (ask.time_ns != 0)
      alarms_.set(from, now + time);
    else
      alarms_.cancel(from);
    ring();
    return setalarm::reply{left ? static_cast<std::uint64_t>(left->count()) : 0};
  }

  dvs::answer<times> on(const times& ask, dvs::caller from) {
    const auto row = row_of(ask.who == dvs::own ? from.endpoint : ask.who);
    if (!row) return row.error();
    return times::reply{static_cast<std::uint64_t>(self_.now().count()),
                        row->age_ns,
                        row->messages_sent,
                        row->messages_received,
                        row->copies,
                        row->bytes_copied};
  }

  dvs::answer<getinfo> on(const getinfo& ask, dvs::caller from) {
    switch (ask.what) {
      case info::kinfo:
        return give(ask, from, std::vector{the_dc()});
      case info::proctab: {
        std::vector<process_row> rows;
        for (const auto& process : dc_.processes()) rows.push_back(row(process));
        return give(ask, from, rows);
      }
      case info::privtab: {
        std::vector<privileges_row> rows;
        for (const auto& process : dc_.processes())
          if (const auto rights = dc_.privileges_of(process.endpoint))
            rows.push_back({process.endpoint, rights->calls.bits()});
        return give(ask, from, rows);
      }
      case info::process: {
        const auto found = row_of(ask.who == dvs::own ? from.endpoint : ask.who);
        if (!found) return found.error();
        return give(ask, from, std::vector{*found});
      }
    }
    return dvs::errc::bad_argument;
  }

  dvs::answer<bindproc> on(const bindproc& ask, dvs::caller from) {
    const auto who = ask.who == dvs::own ? from.endpoint : ask.who;
    if (!is_system(from) && who != from.endpoint) return dvs::errc::no_privilege;
    if (const auto added = add(who, ask.name); !added) return added.error();
    return bindproc::reply{};
  }
  dvs::answer<setpname> on(const setpname& ask, dvs::caller from) {
    const auto who = ask.who == dvs::own ? from.endpoint : ask.who;
    if (!is_system(from) && who != from.endpoint) return dvs::errc::no_privilege;
    const auto found = descriptors_.find(who);
    if (found == descriptors_.end()) return dvs::errc::bad_process;
    found->second.name = ask.name;
    return setpname::reply{};
  }

  void on_notification(dvs::endpoint_id source, dvs::notification) {
    if (source == dvs::clock_task) {
      const auto now = self_.now();
      // An alarm whose owner died meanwhile wakes nobody; its descriptor goes with the death event.
      while (const auto owner = alarms_.take_expired(now)) static_cast<void>(self_.notify_as(dvs::clock_task, *owner));
      ring();
    } else if (source == dvs::process_events) {
      std::vector<dvs::endpoint_id> gone;
      for (const auto& [who, unused] : descriptors_)
        if (!self_.is_bound(who)) gone.push_back(who);
      for (const auto who : gone) forget(who);
    }
  }

 private:
  struct descriptor {
    name16 name;
    dvs::duration since;
  };

  dvs::result<void> add(dvs::endpoint_id who, const name16& name) {
    if (!self_.is_bound(who)) return dvs::errc::bad_process;
    // A server keeps its endpoint when it is started again; the death of the former may not have been noticed yet.
    if (is_system(who)) forget(who);
    if (!descriptors_.emplace(who, descriptor{name, self_.now()}).second) return dvs::errc::slot_used;
    return {};
  }
  void forget(dvs::endpoint_id who) {
    descriptors_.erase(who);
    alarms_.cancel(who);
    ring();
  }
  dvs::result<void> tell_to_leave(dvs::endpoint_id who) {
    if (who == self_.id() || !self_.is_bound(who)) return dvs::errc::bad_process;
    const auto left = dc_.unbind(who, dvs::no_wait);
    if (!left && left.error() == dvs::errc::bad_endpoint) return dvs::errc::bad_process;
    forget(who);
    return {};  // it leaves in its own time
  }

  /// One side of a copy: never SYSTASK's own memory.
  [[nodiscard]] dvs::result<dvs::endpoint_id> party(dvs::endpoint_id named, dvs::caller from) const {
    if (named == dvs::own) return from.endpoint;
    if (named == self_.id()) return dvs::errc::bad_endpoint;
    return named;
  }
  dvs::result<void> copy(const vircopy& ask, dvs::caller from) {
    if (ask.bytes > bytes_max) return dvs::errc::too_big;
    const auto source = party(ask.from, from);
    if (!source) return source.error();
    const auto target = party(ask.into, from);
    if (!target) return target.error();
    return self_.vcopy(*source, ask.from_address, *target, ask.into_address, ask.bytes);
  }

  /// Sets the backend's one alarm to the first of ours.
  void ring() {
    const auto first = alarms_.earliest();
    if (first == rung_for_) return;
    rung_for_ = first;
    if (first)
      static_cast<void>(self_.set_alarm(std::max(*first - self_.now(), dvs::duration{1})));
    else
      static_cast<void>(self_.set_alarm(dvs::forever));
  }

  template <class Row>
  dvs::answer<getinfo> give(const getinfo& ask, dvs::caller from, const std::vector<Row>& rows) {
    return give_table<getinfo>(self_, from, ask.into, ask.length, std::span{rows});
  }
  [[nodiscard]] dc_row the_dc() {
    const auto dc = dc_.info();
    return {static_cast<std::uint64_t>(self_.now().count()),
            make_name(dc.name),
            static_cast<std::uint32_t>(dvs::number(dc.id)),
            dc.sizes.tasks,
            dc.sizes.servers,
            dc.sizes.users,
            dc.processes,
            dc.grants,
            dc.sizes.grants,
            dc.running ? 1u : 0u};
  }
  [[nodiscard]] process_row row(const dvs::process_info& process) {
    process_row made{};
    made.endpoint = process.endpoint;
    made.peer = process.peer;
    made.name = make_name(process.name);
    made.messages_sent = process.messages_sent;
    made.messages_received = process.messages_received;
    made.copies = process.copies;
    made.bytes_copied = process.bytes_copied;
    made.doing = static_cast<systask::doing>(process.doing);
    made.is_system = is_system(process.endpoint) ? 1 : 0;
    const auto now = self_.now();
    if (const auto found = descriptors_.find(process.endpoint); found != descriptors_.end()) {
      made.name = found->second.name;
      made.age_ns = static_cast<std::uint64_t>((now - found->second.since).count());
    }
    if (const auto left = alarms_.left(process.endpoint, now))
      made.alarm_left_ns = static_cast<std::uint64_t>(left->count());
    return made;
  }
  [[nodiscard]] dvs::result<process_row> row_of(dvs::endpoint_id who) {
    for (const auto& process : dc_.processes())
      if (process.endpoint == who) return row(process);
    return dvs::errc::bad_process;
  }

  dvs::endpoint<Backend>& self_;
  dvs::dc<Backend>& dc_;
  dvs::endpoint_id pm_;
  std::unordered_map<dvs::endpoint_id, descriptor> descriptors_;
  clock::timers<dvs::endpoint_id> alarms_;
  std::optional<dvs::duration> rung_for_;
};

}  // namespace muk::systask

#endif
