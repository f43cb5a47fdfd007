// SPDX-License-Identifier: MIT
/// @file
/// What can be asked of SYSTASK, the system task: process descriptors, privileged copies, alarms.
#ifndef MUK_SYSTASK_PROTOCOL_HPP
#define MUK_SYSTASK_PROTOCOL_HPP

#include <cstdint>
#include <dvs/describe.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>
#include <muk/name.hpp>
#include <string_view>

namespace muk::systask {

/// The well-known endpoint of SYSTASK on node 0.
inline constexpr dvs::endpoint_id where = dvs::system_task;

/// How many bytes one privileged copy may move.
inline constexpr std::uint64_t bytes_max = 1 << 20;
/// How many copies one `virvcopy` may have.
inline constexpr std::uint32_t copies_max = 16;

/// Makes a descriptor for `child`, a process that is bound already. PM only.
/// Errors: `no_privilege`, `bad_process` (nobody is bound there), `slot_used` (it has a descriptor).
struct fork {
  static constexpr std::uint32_t opcode = 0x600;
  dvs::endpoint_id parent;
  dvs::endpoint_id child;
  name16 name;
  struct reply {};
};

/// Forgets the descriptor and the alarm of `who`, which leaves by itself. PM only. Errors: `no_privilege`.
struct exit {
  static constexpr std::uint32_t opcode = 0x602;
  dvs::endpoint_id who;
  struct reply {};
};

/// As `exit`, and tells the process to leave: its operation fails with `shut_down`. Does not wait until it is gone.
/// PM only. Errors: `no_privilege`, `bad_process`.
struct killed {
  static constexpr std::uint32_t opcode = 0x61F;
  dvs::endpoint_id who;
  struct reply {};
};

/// Fills memory of `who` (`dvs::own`: of the caller), which must be blocked in a receive, with one byte.
/// System processes only. Errors: `no_privilege`, `too_big`, `not_waiting`, `bad_endpoint`.
struct memset {
  static constexpr std::uint32_t opcode = 0x60D;
  dvs::endpoint_id who;
  std::uint32_t byte;
  std::uint64_t address;
  std::uint64_t bytes;
  struct reply {};
};

/// Copies between two processes by address. Each side is the caller (`dvs::own`) or blocked in a receive.
/// System processes only. Errors: `no_privilege`, `too_big`, `not_waiting`, `bad_endpoint`, `source_died`,
/// `destination_died`.
struct vircopy {
  static constexpr std::uint32_t opcode = 0x60F;
  dvs::endpoint_id from;
  dvs::endpoint_id into;
  std::uint64_t from_address;
  std::uint64_t into_address;
  std::uint64_t bytes;
  struct reply {};
};

/// Up to `copies_max` copies, an array of `vircopy` in the caller's memory. Stops at the first error.
/// Errors as for `vircopy`, `bad_argument` (no copy, or too many), `not_granted`.
struct virvcopy {
  static constexpr std::uint32_t opcode = 0x611;
  std::uint32_t copies;
  dvs::grant_ref<dvs::readable> vector;
  struct reply {};
};

/// Whether an alarm's time counts from now or from the start of the node.
enum class alarm_time : std::uint32_t { relative = 0, absolute = 1 };
/// The name of a kind of time; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(alarm_time value) {
  switch (value) {
    case alarm_time::relative:
      return "relative";
    case alarm_time::absolute:
      return "absolute";
  }
  return {};
}

/// Asks for one notification from `dvs::clock_task`; replaces the alarm that the caller had. System processes only.
/// Errors: `no_privilege`, `bad_argument`.
struct setalarm {
  static constexpr std::uint32_t opcode = 0x618;
  std::uint64_t time_ns;  ///< 0 with `relative`: no alarm
  alarm_time kind;
  std::uint32_t zero;
  struct reply {
    std::uint64_t left_ns;  ///< what was left of the replaced alarm; 0 when there was none
  };
};

/// How long `who` (`dvs::own`: the caller) has lived, and what it did. Errors: `bad_process`.
struct times {
  static constexpr std::uint32_t opcode = 0x619;
  dvs::endpoint_id who;
  struct reply {
    std::uint64_t uptime_ns;  ///< of the node
    std::uint64_t age_ns;     ///< since the process got its descriptor; 0 when it has none
    std::uint64_t messages_sent;
    std::uint64_t messages_received;
    std::uint64_t copies;
    std::uint64_t bytes_copied;
  };
};

/// What `getinfo` can tell.
enum class info : std::uint32_t {
  kinfo = 0,     ///< one `dc_row`
  proctab = 2,   ///< a `process_row` for each process
  privtab = 8,   ///< a `privileges_row` for each process
  process = 11,  ///< the `process_row` of `who`
};
/// The name of a table; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(info value) {
  switch (value) {
    case info::kinfo:
      return "kinfo";
    case info::proctab:
      return "proctab";
    case info::privtab:
      return "privtab";
    case info::process:
      return "process";
  }
  return {};
}

/// Copies a table into the caller's memory, as many whole or partial rows as `length` bytes hold.
/// Errors: `bad_argument`, `bad_process`, `not_granted`.
struct getinfo {
  static constexpr std::uint32_t opcode = 0x61A;
  info what;
  dvs::endpoint_id who;  ///< for `info::process`
  std::uint32_t length;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes copied
    std::uint32_t total;   ///< bytes of the whole table
  };
};

/// Makes a descriptor for a process that is bound. A system process may do it for anybody, a user process for itself.
/// A server that was started again gets a new one. Errors: `no_privilege`, `bad_process`, `slot_used` (a user process
/// that has one).
struct bindproc {
  static constexpr std::uint32_t opcode = 0x620;
  dvs::endpoint_id who;
  name16 name;
  struct reply {};
};

/// Renames the descriptor of `who` (`dvs::own`: the caller's); others may be renamed by system processes only.
/// Errors: `no_privilege`, `bad_process` (it has no descriptor).
struct setpname {
  static constexpr std::uint32_t opcode = 0x623;
  dvs::endpoint_id who;
  name16 name;
  struct reply {};
};

/// Tells a process to leave, as `killed` does, for system processes that are not PM.
/// Errors: `no_privilege`, `bad_process`.
struct unbind {
  static constexpr std::uint32_t opcode = 0x624;
  dvs::endpoint_id who;
  struct reply {};
};

/// The DC, as `getinfo` describes it.
struct dc_row {
  std::uint64_t uptime_ns;
  name16 name;
  std::uint32_t id;
  std::uint32_t tasks;
  std::uint32_t servers;
  std::uint32_t users;
  std::uint32_t processes;
  std::uint32_t grants;
  std::uint32_t grants_max;
  std::uint32_t running;
};

/// What a process is doing: `dvs::activity` in the width of a row.
enum class doing : std::uint32_t { running = 0, sending = 1, receiving = 2, awaiting_reply = 3, sleeping = 4 };
/// The name of what a process is doing; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(doing value) {
  switch (value) {
    case doing::running:
      return "running";
    case doing::sending:
      return "sending";
    case doing::receiving:
      return "receiving";
    case doing::awaiting_reply:
      return "awaiting_reply";
    case doing::sleeping:
      return "sleeping";
  }
  return {};
}

/// One process, as `getinfo` describes it.
struct process_row {
  dvs::endpoint_id endpoint;
  dvs::endpoint_id peer;  ///< whom it waits for; `dvs::any` or `dvs::none`
  name16 name;
  std::uint64_t messages_sent;
  std::uint64_t messages_received;
  std::uint64_t copies;
  std::uint64_t bytes_copied;
  std::uint64_t age_ns;         ///< 0: it has no descriptor
  std::uint64_t alarm_left_ns;  ///< 0: no alarm
  systask::doing doing;
  std::uint32_t is_system;
};

/// What one process may do, as `getinfo` describes it.
struct privileges_row {
  dvs::endpoint_id endpoint;
  std::uint32_t calls;  ///< bits of `dvs::call_set`
};

/// The service.
using protocol =
    dvs::protocol<fork, exit, memset, vircopy, virvcopy, setalarm, times, getinfo, killed, bindproc, setpname, unbind>;

static_assert(std::has_unique_object_representations_v<dc_row>);
static_assert(std::has_unique_object_representations_v<process_row>);
static_assert(std::has_unique_object_representations_v<privileges_row>);

}  // namespace muk::systask

BOOST_HANA_ADAPT_STRUCT(muk::systask::fork, parent, child, name);
BOOST_HANA_ADAPT_STRUCT(muk::systask::exit, who);
BOOST_HANA_ADAPT_STRUCT(muk::systask::killed, who);
BOOST_HANA_ADAPT_STRUCT(muk::systask::memset, who, byte, address, bytes);
BOOST_HANA_ADAPT_STRUCT(muk::systask::vircopy, from, into, from_address, into_address, bytes);
BOOST_HANA_ADAPT_STRUCT(muk::systask::virvcopy, copies, vector);
BOOST_HANA_ADAPT_STRUCT(muk::systask::setalarm, time_ns, kind, zero);
BOOST_HANA_ADAPT_STRUCT(muk::systask::setalarm::reply, left_ns);
BOOST_HANA_ADAPT_STRUCT(muk::systask::times, who);
BOOST_HANA_ADAPT_STRUCT(muk::systask::times::reply, uptime_ns, age_ns, messages_sent, messages_received, copies,
                        bytes_copied);
BOOST_HANA_ADAPT_STRUCT(muk::systask::getinfo, what, who, length, into);
BOOST_HANA_ADAPT_STRUCT(muk::systask::getinfo::reply, length, total);
BOOST_HANA_ADAPT_STRUCT(muk::systask::bindproc, who, name);
BOOST_HANA_ADAPT_STRUCT(muk::systask::setpname, who, name);
BOOST_HANA_ADAPT_STRUCT(muk::systask::unbind, who);
BOOST_HANA_ADAPT_STRUCT(muk::systask::dc_row, uptime_ns, name, id, tasks, servers, users, processes, grants, grants_max,
                        running);
BOOST_HANA_ADAPT_STRUCT(muk::systask::process_row, endpoint, peer, name, messages_sent, messages_received, copies,
                        bytes_copied, age_ns, alarm_left_ns, doing, is_system);
BOOST_HANA_ADAPT_STRUCT(muk::systask::privileges_row, endpoint, calls);
static_assert(dvs::is_described<muk::systask::protocol>());

#endif
