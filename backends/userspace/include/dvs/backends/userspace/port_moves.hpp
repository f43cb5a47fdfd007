// SPDX-License-Identifier: MIT
/// @file
/// How a process comes to rest before it moves, and what it takes along
/// (`docs/adr/0020-migration-of-endpoints.md`).
#ifndef DVS_BACKENDS_USERSPACE_PORT_MOVES_HPP
#define DVS_BACKENDS_USERSPACE_PORT_MOVES_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// Whether this receive takes nothing, because the process is to move and nobody waits for an answer from it.
inline bool port::comes_to_rest(endpoint_id source) {
  const bool is_leaving = (control_.load(std::memory_order_acquire) & control_leaving) != 0;
  if (is_held()) return is_leaving || broker_->still_rests(*this);
  if (!is_leaving || source != any || owes_answer()) return false;
  broker_->note_rest(*this);
  return is_held();
}

/// Whether a request that it has taken is open.
inline bool port::owes_answer() {
  if (has_new_links_.load(std::memory_order_acquire)) adopt_new();
  for (const link_map* const served : {&served_, &directly_served_})
    for (const auto& [who, on] : *served)
      if (!on->asker_gone.load(std::memory_order_acquire) && on->awaits_answer()) return true;
  return false;
}

/// Takes a notification back that was left at a port whose process has moved meanwhile; false: it went along.
inline bool port::take_back(std::int32_t source_index) {
  const std::uint64_t bit = std::uint64_t{1} << source_index % 64;
  return (note_bits_[static_cast<std::size_t>(source_index) / 64].fetch_and(~bit, std::memory_order_seq_cst) & bit) !=
         0;
}

/// The notifications that are pending go along.
inline void port::give_notes_to(dvk_estate& estate) {
  for (std::uint32_t index = 0; index < note_words_ * 64; ++index) {
    if (!take_back(static_cast<std::int32_t>(index))) continue;
    pending_note& note = notes_[index];
    estate.pending[estate.notes++] = {static_cast<std::int32_t>(index) - static_cast<std::int32_t>(broker_->tasks()),
                                      {note.time_ns.load(), note.value.exchange(0)}};
  }
}

/// Begins with what another has left. Its notifications are those of the estate, and those that came here meanwhile.
inline void port::take_over(const dvk_estate& estate) {
  permit(call_set(static_cast<std::uint32_t>(estate.privileges.calls)));
  sent_ = estate.counters.sent;
  received_ = estate.counters.received;
  copies_ = estate.counters.copies;
  bytes_copied_ = estate.counters.bytes;
  for (std::uint32_t i = 0; i < estate.notes; ++i) {
    const auto index = static_cast<std::size_t>(broker_->index_of(endpoint_id{estate.pending[i].source}));
    notes_[index].value = estate.pending[i].notification.value;
    notes_[index].time_ns = estate.pending[i].notification.timestamp_ns;
    note_bits_[index / 64].fetch_or(std::uint64_t{1} << index % 64, std::memory_order_seq_cst);
    notes_pending_.store(1, std::memory_order_seq_cst);
  }
}

}  // namespace dvs::userspace

#endif
