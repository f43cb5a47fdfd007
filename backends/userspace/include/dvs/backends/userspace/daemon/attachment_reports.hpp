// SPDX-License-Identifier: MIT
/// @file
/// What a process tells of itself: its endpoints, and while somebody watches the messages that they get.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_ATTACHMENT_REPORTS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_ATTACHMENT_REPORTS_HPP

#include <dvs/backends/userspace/daemon/attachment.hpp>

namespace dvs::userspace {

/// Lists the processes here on a fiber: what they do may have to be asked of others.
inline void attachment::list_processes(const json& request, const std::shared_ptr<broker>& dc) {
  struct life final : runnable {
    life(attachment& a, json r, std::shared_ptr<broker> d) : owner(a), request(std::move(r)), dc(std::move(d)) {}
    void run() override {
      json rows = json::array();
      for (const process_info& row : dc->processes_here()) rows.push_back(to_json(row));
      owner.answer(request, errc::ok, {{"processes", std::move(rows)}, {"grants", dc->info_here().grants}});
    }
    attachment& owner;
    const json request;
    const std::shared_ptr<broker> dc;
  };
  carrier::current().spawn(std::make_unique<life>(*this, request, dc), "lister");
}

/// Begins or ends to report the messages of a DC.
inline errc attachment::trace(const json& request, const std::shared_ptr<broker>& dc) {
  const auto number = field<std::uint16_t>(request, "dc");
  const bool on = field<bool>(request, "on");
  try {
    dc->trace(on);
  } catch (const std::bad_alloc&) {
    return errc::no_memory;
  }
  if (on) {
    traced_[number] = dc;
    return errc::ok;
  }
  traced_.erase(number);
  wake_for_reports();
  return errc::ok;
}

/// Has the taps looked at soon: who puts messages there rings nobody. The alarm serves those who wait as well.
inline void attachment::wake_for_reports() {
  constexpr std::int64_t soon_ns = 10'000'000;
  std::erase_if(traced_, [](const auto& each) { return each.second.expired(); });  // who has left is not told the end
  std::int64_t at_ns = look_at_waits_at_ns_;
  if (const std::int64_t soon = monotonic_ns() + soon_ns; !traced_.empty() && (at_ns < 0 || soon < at_ns)) at_ns = soon;
  if (at_ns >= 0) gate_->wake_at(*this, duration(at_ns));
}

/// Queues what is in the taps, as long as the daemon keeps up. What stays there for too long is lost there.
inline void attachment::queue_reports() {
  for (const auto& [number, watched] : traced_) {
    const auto dc = watched.lock();
    trace_tap* const tap = dc == nullptr ? nullptr : dc->tap();
    while (tap != nullptr && socket_.has_room()) {
      trace_report report{.dc = number, .lost = tap->take_lost()};
      while (report.messages.size() < trace_report::messages_max) {
        const auto next = tap->take();
        if (!next) break;
        report.messages.push_back(*next);
      }
      if (report.is_empty()) break;
      socket_.queue(make_packet(packet_kind::report, report.bytes()));
    }
  }
}

}  // namespace dvs::userspace

#endif
