// SPDX-License-Identifier: MIT
/// @file
/// The lines of a switchboard, and time.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_IMPL_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

inline line_id switchboard::open(line_owner who) {
  const line_id id{++last_line_};
  lines_[id].owner = std::move(who);
  return id;
}

inline void switchboard::receive(line_id from, std::span<const std::byte> bytes, descriptor_queue& with) {
  const auto at = lines_.find(from);
  if (at == lines_.end() || at->second.is_closing) return;
  if (bytes.empty() || bytes.size() > packet_bytes_max) return fail(from);
  const std::span body = bytes.subspan(1);
  try {
    switch (packet_kind{static_cast<char>(bytes[0])}) {
      case packet_kind::frame:
        return frame_in(from, at->second, body);
      case packet_kind::request:
        return request_in(from, at->second, parse_control(text_of(body)), with);
      case packet_kind::answer:
        return answer_in(at->second, parse_control(text_of(body)));
      case packet_kind::report:
        return report_in(from, at->second, body);
    }
    fail(from);
  } catch (const bad_control&) {
    fail(from);
  }
}

inline const packet* switchboard::next(line_id to) const {
  const auto at = lines_.find(to);
  return at == lines_.end() || at->second.queue.empty() ? nullptr : &at->second.queue.front().what;
}

inline void switchboard::sent(line_id to) {
  line& at = lines_.at(to);
  at.queue_bytes -= at.queue.front().what.size();
  at.queue_descriptors -= at.queue.front().with.size();
  at.queue.pop_front();
  if (at.queue.empty() && !at.traces.empty()) tell_lost(at);
}

inline void switchboard::send(line& to, packet what, std::vector<shared_descriptor> with) {
  if (to.is_closing || (to.peer && !to.is_up)) return;
  const auto which = [&] {
    return std::ranges::find_if(lines_, [&](const auto& each) { return &each.second == &to; })->first;
  };
  to.queue_bytes += what.size();
  to.queue_descriptors += with.size();
  to.queue.push_back({std::move(what), std::move(with)});
  if (to.queue_bytes > queue_bytes_max) return fail(which());
  if (to.queue.size() > 1) return;
  if (to.peer)
    world_.ready_for(*to.peer);
  else
    world_.ready(which());
}

/// Has a line closed, some time later.
inline void switchboard::fail(line_id which) {
  line& at = lines_.at(which);
  if (at.peer || std::exchange(at.is_closing, true)) return;  // a link is given up by its proxy
  world_.hang_up(which);
}

inline void switchboard::close(line_id which) {
  const auto at = lines_.find(which);
  if (at == lines_.end()) return;
  at->second.is_closing = true;
  for (auto& [number, in] : dcs_) {
    in.listeners.erase(which);
    std::vector<endpoint_id> gone;
    for (const auto& [who, process] : in.processes)
      if (process.at == which) gone.push_back(who);
    for (const endpoint_id who : gone) unbind(in, who);
  }
  end_commands_of(which);
  stop_watching(which, at->second);
  for (auto& [number, in] : dcs_) {
    if (in.creator != which) continue;
    if (!in.has_ended) end_dc(in);
    in.container.reset();
  }
  auto asked = std::move(at->second.asked);
  lines_.erase(at);
  for (auto& [number, each] : asked) each.then(errc::not_connected, {});
  for (auto in = dcs_.begin(); in != dcs_.end();) forget_if_left(in++->first);
}

inline void switchboard::run_timers() {
  const std::int64_t now = monotonic_ns();
  if (next_timer_ns_ < 0 || now < next_timer_ns_) return;
  next_timer_ns_ = -1;
  look_for_cycles(now);
  std::vector<question> late;
  for (auto& [id, at] : lines_)
    for (auto each = at.asked.begin(); each != at.asked.end();) {
      if (each->second.until_ns <= now) {
        late.push_back(std::move(each->second));
        each = at.asked.erase(each);
      } else {
        set_timer(each++->second.until_ns);
      }
    }
  for (auto& each : late) each.then(errc::timed_out, {});
}

}  // namespace dvs::userspace

#endif
