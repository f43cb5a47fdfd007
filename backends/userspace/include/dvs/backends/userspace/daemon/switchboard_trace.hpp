// SPDX-License-Identifier: MIT
/// @file
/// Traces: processes report the messages they get, and the switchboard passes them on to who watches.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_TRACE_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_TRACE_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

/// Begins a trace, which ends with the line. It is answered when the processes that are there report.
inline void switchboard::trace(line_id from, line& at, std::uint64_t number, const json& request) {
  dc_record* const in = find_dc(field<std::string>(request, "name"));
  if (in == nullptr) return answer(from, number, errc::no_entry);
  const std::uint32_t user = at.owner.user;
  if (user != 0 && user != world_.user && user != in->owner) return answer(from, number, errc::no_privilege);
  const std::uint16_t which = dvs::number(in->id);
  if (at.traces.contains(which)) return answer(from, number, errc::exists);
  watching what;
  if (const auto only = request.find("endpoints"); only != request.end()) {
    constexpr std::size_t most = 256;
    if (!only->is_array() || only->size() > most) throw bad_control{};
    for (const json& each : *only) what.only.insert(endpoint_id{value_of<std::int32_t>(each)});
  }
  at.traces.emplace(which, std::move(what));
  in->tracers.insert(from);
  const auto awaited = std::make_shared<std::size_t>(in->listeners.size() + 1);
  const auto count = [this, awaited, from, number, which] {
    if (--*awaited == 0) begin_trace(from, number, which);
  };
  for (const line_id each : in->listeners) want_reports(*in, each, count);
  count();
}

/// From here on a line is told what it watches: who is bound, with the names, as listeners are, and messages.
inline void switchboard::begin_trace(line_id from, std::uint64_t number, std::uint16_t which) {
  const auto at = lines_.find(from);
  if (at == lines_.end()) return;
  const auto what = at->second.traces.find(which);
  if (what == at->second.traces.end() || dcs_.at(which).has_ended) return answer(from, number, errc::shut_down);
  what->second.begins_ns = monotonic_ns();
  what->second.lost = 0;
  answer(from, number, errc::ok, {{"dc", which}});
  const dc_record& in = dcs_.at(which);
  for (const auto& [who, process] : in.processes) {
    const node_id of = node_of(process.at);
    deliver(at->second, news_of(in, DVK_FRAME_bound, who, process.birth, process.name), of);
  }
}

/// Says to a process whether somebody watches a DC; `done` is called when it knows.
inline void switchboard::want_reports(const dc_record& in, line_id of, std::function<void()> done) {
  ask(of, {{"op", "trace"}, {"dc", dvs::number(in.id)}, {"on", !in.tracers.empty()}},
      [done = std::move(done)](errc, const json&) { done(); });
}

/// Ends the traces of a line.
inline void switchboard::stop_watching(line_id who, line& at) {
  for (const auto& [which, what] : std::exchange(at.traces, {})) {
    dc_record& in = dcs_.at(which);
    in.tracers.erase(who);
    if (!in.tracers.empty()) continue;
    for (const line_id each : in.listeners) want_reports(in, each, [] {});
  }
}

/// Passes on what a process reports: messages that its own endpoints got, and none of the time to come.
inline void switchboard::report_in(line_id from, const line& at, std::span<const std::byte> bytes) {
  auto report = trace_report::from(bytes);
  if (!report) return fail(from);
  const auto found = dcs_.find(report->dc);
  if (found == dcs_.end() || !at.opened.contains(report->dc)) return;
  const dc_record& in = found->second;
  const std::int64_t now = monotonic_ns();
  std::erase_if(report->messages, [&](traced_message& each) {
    each.when_ns = std::min(each.when_ns, now);
    const auto* const owner = in.find(each.to);
    const bool has_slot = dvk_index_of_slot(in.table(), slot_of(each.from())) >= 0;
    return owner == nullptr || owner->at != from || !has_slot;
  });
  for (const line_id each : in.tracers) {
    line& watcher = lines_.at(each);
    report_to(watcher, watcher.traces.at(report->dc), *report);
  }
}

/// Tells a line what it watches; what would have to wait for long is lost, and counted.
inline void switchboard::report_to(line& watcher, watching& what, const trace_report& all) {
  trace_report its{.dc = all.dc};
  std::ranges::copy_if(all.messages, std::back_inserter(its.messages), [&](const traced_message& each) {
    const bool is_wanted = what.only.empty() || what.only.contains(each.from()) || what.only.contains(each.to);
    return is_wanted && each.when_ns >= what.begins_ns;
  });
  what.lost += all.lost;
  if (watcher.queue_bytes + its.messages.size() * sizeof(traced_message) > reported_bytes_max) {
    what.lost += its.messages.size();
    return;
  }
  its.lost = static_cast<std::uint32_t>(std::min<std::uint64_t>(what.lost, ~std::uint32_t{0}));
  what.lost -= its.lost;
  if (!its.is_empty()) send(watcher, make_packet(packet_kind::report, its.bytes()));
}

/// Queues what is to be said of losses, once a line that was too slow has heard all else.
inline void switchboard::tell_lost(line& watcher) {
  for (auto& [which, what] : watcher.traces) {
    if (what.lost == 0) continue;
    trace_report told{.dc = which};
    told.lost = static_cast<std::uint32_t>(std::min<std::uint64_t>(what.lost, ~std::uint32_t{0}));
    what.lost -= told.lost;
    packet made = make_packet(packet_kind::report, told.bytes());
    watcher.queue_bytes += made.size();
    watcher.queue.push_back({std::move(made), {}});
  }
}

}  // namespace dvs::userspace

#endif
