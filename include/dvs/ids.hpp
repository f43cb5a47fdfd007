// SPDX-License-Identifier: MIT
/// @file
/// Strong identifiers: endpoints, nodes, DCs and grants, and the endpoints that are never bound.
#ifndef DVS_IDS_HPP
#define DVS_IDS_HPP

#include <compare>
#include <cstdint>

namespace dvs {

/// The name of a process in IPC: a slot of its DC's table plus the generation of that slot.
///
/// The value is `generation * 2^20 + slot`. Slots below zero are tasks, small slots are servers: both are *system
/// processes* and keep generation 0, so their endpoint equals their slot and may be a constant of a protocol. The
/// slots above belong to user processes; every bind gives them a new generation, so that an old endpoint never
/// reaches the new owner of its slot. Source: MINIX 3 endpoints; DVK semantics 1.3.
enum class endpoint_id : std::int32_t {};

/// A node of the cluster, 0 to 65,535.
enum class node_id : std::uint16_t {};

/// A distributed container of a node, 0 to 65,535.
enum class dc_id : std::uint16_t {};

/// The number of a grant in its owner's table: an index plus a sequence number, so that a recycled entry is noticed.
enum class grant_id : std::int32_t {};

/// How many slots a DC can have at most.
inline constexpr std::int32_t slots_max = 1 << 20;

/// The lowest slot that a task can have.
inline constexpr std::int32_t slot_min = -1024;

/// The endpoint of `slot` in `generation` (0 to 2,047).
[[nodiscard]] constexpr endpoint_id make_endpoint(std::int32_t generation, std::int32_t slot) {
  return endpoint_id{generation * slots_max + slot};
}

/// The slot that `endpoint` names.
[[nodiscard]] constexpr std::int32_t slot_of(endpoint_id endpoint) {
  const auto shifted = static_cast<std::uint32_t>(endpoint) - static_cast<std::uint32_t>(slot_min);
  return static_cast<std::int32_t>(shifted & (slots_max - 1)) + slot_min;
}

/// The generation that `endpoint` carries.
[[nodiscard]] constexpr std::int32_t generation_of(endpoint_id endpoint) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(endpoint) - static_cast<std::uint32_t>(slot_min)) >> 20);
}

/// Any process: only legal as the source of a receive.
inline constexpr endpoint_id any{slots_max + slot_min - 1};
/// Nobody.
inline constexpr endpoint_id none{slots_max + slot_min - 2};
/// The caller itself; also "a free user slot" where an endpoint to bind is asked for.
inline constexpr endpoint_id own{slots_max + slot_min - 3};

/// The pseudo source of notifications that the outside world causes; never a destination.
inline constexpr endpoint_id hardware{-1};
/// The system task of node 0.
inline constexpr endpoint_id system_task{-2};
/// The pseudo source of alarms.
inline constexpr endpoint_id clock_task{-35};
/// The pseudo source of the notification that some process was unbound (see `endpoint::watch_deaths`).
inline constexpr endpoint_id process_events{-36};

/// The system task of `node`: -2 - n for the first 32 nodes, as in MoL, and below the pseudo sources for the others.
[[nodiscard]] constexpr endpoint_id system_task_of(node_id node) {
  const auto n = static_cast<std::int32_t>(node);
  return endpoint_id{n < 32 ? -2 - n : -5 - n};
}

/// Endpoints compare by value.
[[nodiscard]] constexpr auto operator<=>(endpoint_id a, endpoint_id b) {
  return static_cast<std::int32_t>(a) <=> static_cast<std::int32_t>(b);
}

/// The number behind an identifier, for printing and for indexing.
template <class Id>
requires __is_enum(Id) [[nodiscard]] constexpr auto number(Id id) { return static_cast<__underlying_type(Id)>(id); }

}  // namespace dvs

#endif
