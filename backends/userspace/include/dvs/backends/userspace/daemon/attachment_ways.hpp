// SPDX-License-Identifier: MIT
/// @file
/// The direct ways of a process to others: how they are asked for and accepted.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_ATTACHMENT_WAYS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_ATTACHMENT_WAYS_HPP

#include <dvs/backends/userspace/daemon/attachment.hpp>

namespace dvs::userspace {

/// Takes the descriptors that came with a request or an answer.
inline void attachment::take_descriptors(const json& told) {
  arrived_.clear();
  if (!told.contains("descriptors")) return;
  for (auto more = field<std::uint8_t>(told, "descriptors"); more > 0; --more)
    arrived_.push_back(socket_.descriptors().take());
}

/// The way that the daemon has made for `from`, which runs here, and `to`, with the descriptors that came with it. Null
/// if there is no room to map it.
inline std::unique_ptr<direct_way> attachment::way_from(const json& told, dc_id dc, endpoint_id from, endpoint_id to) {
  if (arrived_.size() != 3) throw bad_control{};
  const auto place = field<std::uint32_t>(told, "place");
  if (place >= board_places) throw bad_control{};
  try {
    auto& known = boards_[field<std::uint64_t>(told, "process")];
    auto partner = known.lock();
    if (partner == nullptr) known = partner = std::make_shared<const board_view>(arrived_[1], arrived_[2]);
    json ring = {{"op", "ring"}, {"dc", number(dc)}, {"who", number(from)}, {"partner", number(to)}, {"id", 0}};
    return std::make_unique<direct_way>(
        field<std::uint32_t>(told, "number"), field<bool>(told, "notify"), field<std::int32_t>(told, "pid"),
        shared_memory(arrived_[0], direct_memory_bytes, sharing::write), std::move(partner), place,
        hint_between(number(from), number(to)), [this, ring = std::move(ring)] { tell(ring); });
  } catch (const std::system_error&) {
    return nullptr;
  }
}

inline std::unique_ptr<direct_way> attachment::introduce(broker& dc, endpoint_id who, endpoint_id partner,
                                                         std::uint32_t place) {
  std::unique_ptr<direct_way> made;
  const errc outcome = ask_and_wait({{"op", "introduce"},
                                     {"dc", number(dc.shared_id())},
                                     {"who", number(who)},
                                     {"partner", number(partner)},
                                     {"place", place}},
                                    [&](errc how, const json& told) {
                                      if (how == errc::ok) made = way_from(told, dc.shared_id(), who, partner);
                                    });
  return outcome == errc::ok ? std::move(made) : nullptr;
}

/// Another process has a way to one here.
inline errc attachment::accept_way(const json& request, broker& dc) {
  const endpoint_id who = endpoint_field(request, "who"), partner = endpoint_field(request, "partner");
  auto way = way_from(request, dc.shared_id(), partner, who);
  return way == nullptr ? errc::no_memory : dc.accept_direct_way(who, partner, std::move(way));
}

/// Says something that has no answer; any thread.
inline void attachment::tell(json what) {
  {
    const std::lock_guard guard(news_lock_);
    news_.push_back(std::move(what));
  }
  gate_->wake(*this);
}

inline void attachment::watch_waits() {
  waits_watched_.store(true, std::memory_order_seq_cst);
  gate_->wake(*this);
}

/// Looks after those who wait by direct ways.
inline void attachment::look_at_waits() {
  const std::int64_t time = monotonic_ns();
  const bool is_due = look_at_waits_at_ns_ >= 0 && time >= look_at_waits_at_ns_;
  if (!waits_watched_.exchange(false, std::memory_order_seq_cst) && !is_due) return;
  std::int64_t next = -1;
  for (const auto& dc : gate_->dcs())
    if (const std::int64_t wanted = dc->look_at_direct_waits(time); wanted >= 0 && (next < 0 || wanted < next))
      next = wanted;
  look_at_waits_at_ns_ = next;
  if (next >= 0) gate_->wake_at(*this, duration(next));
}

inline void attachment::suspect(broker& dc, endpoint_id who, endpoint_id partner, std::uint64_t wait) {
  tell({{"op", "suspect"},
        {"id", 0},
        {"dc", number(dc.shared_id())},
        {"who", number(who)},
        {"partner", number(partner)},
        {"wait", wait}});
}

}  // namespace dvs::userspace

#endif
