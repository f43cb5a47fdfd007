// SPDX-License-Identifier: MIT
/// @file
/// What can be asked of PM, the process manager. The opcodes are MINIX's call numbers.
#ifndef MUK_PM_PROTOCOL_HPP
#define MUK_PM_PROTOCOL_HPP

#include <cstdint>
#include <dvs/describe.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>
#include <muk/name.hpp>
#include <string_view>

namespace muk::pm {

/// The well-known endpoint of PM.
inline constexpr dvs::endpoint_id where{0};
/// The endpoint of init, the parent of orphans.
inline constexpr dvs::endpoint_id init{15};

/// A process id: 0 is PM, 1 is init, others are 2 to 30,000.
using pid = std::int32_t;
inline constexpr pid init_pid = 1;

/// A user or group id; 0 is the superuser.
using user_id = std::uint32_t;
/// Who a user process is that nobody vouched for.
inline constexpr user_id nobody = 65534;

/// Signals are numbers from 1 to 63. A set of them has bit n for signal n: so they come in the value of a
/// notification from PM (system processes), or in the reply of `sigsuspend` and `sigpending` (user processes).
namespace signal {
inline constexpr std::uint32_t hangup = 1, interrupt = 2, kill = 9, user1 = 10, user2 = 12, alarm = 14, terminate = 15,
                               child = 17;
inline constexpr std::uint32_t number_max = 63;
/// The set with `number` in it.
[[nodiscard]] constexpr std::uint64_t bit(std::uint32_t number) { return std::uint64_t{1} << number; }
}  // namespace signal

/// The caller ends with `status`: its parent can collect it. It should leave its endpoint soon after.
/// Errors: `bad_process` (PM does not know the caller); so for all requests that do not say otherwise.
struct exit {
  static constexpr std::uint32_t opcode = 1;
  std::int32_t status;
  struct reply {};
};

/// The caller has started `child`, which is bound: makes it a process with the caller as parent and its user and group.
/// Errors: `bad_process` (also: `child` is not bound), `slot_used` (it has a pid), `table_full`.
struct fork {
  static constexpr std::uint32_t opcode = 2;
  dvs::endpoint_id child;
  name16 name;
  struct reply {
    pm::pid pid;
  };
};

/// How a child ended.
enum class ending : std::uint32_t {
  exited = 0,    ///< by `exit`; `status` is what it said
  killed = 1,    ///< by the signal in `status`
  vanished = 2,  ///< it left its endpoint without `exit`
};
/// The name of an ending; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(ending value) {
  switch (value) {
    case ending::exited:
      return "exited";
    case ending::killed:
      return "killed";
    case ending::vanished:
      return "vanished";
  }
  return {};
}

/// What `waitpid` may do.
enum class wait_options : std::uint32_t { none = 0, no_hang = 1 };
/// The name of an option; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(wait_options value) {
  switch (value) {
    case wait_options::none:
      return "none";
    case wait_options::no_hang:
      return "no_hang";
  }
  return {};
}

/// Waits until a child has ended, and collects it: `child` is its pid, or -1 for any.
/// With `no_hang` and no ended child the reply has pid 0.
/// Errors: `bad_process` (no such child), `bad_argument`.
struct waitpid {
  static constexpr std::uint32_t opcode = 11;
  pm::pid child;
  wait_options options;
  struct reply {
    pm::pid pid;
    std::int32_t status;
    pm::ending ending;
  };
};
/// `waitpid` for any child.
struct wait {
  static constexpr std::uint32_t opcode = 7;
  using reply = waitpid::reply;
};

/// The pids of the caller and of its parent.
struct getpid {
  static constexpr std::uint32_t opcode = 20;
  struct reply {
    pm::pid pid;
    pm::pid parent;
  };
};

/// Time of day. Errors: none.
struct time {
  static constexpr std::uint32_t opcode = 13;
  struct reply {
    std::int64_t seconds;  ///< since 1970; since the node started when nobody called `stime`
    std::int64_t nanoseconds;
  };
};
/// Sets the time of day. Errors: `no_privilege` (neither superuser nor system process).
struct stime {
  static constexpr std::uint32_t opcode = 25;
  std::int64_t seconds;
  std::int64_t nanoseconds;  ///< 0 to 999,999,999, else `bad_argument`
  struct reply {};
};

/// What the caller's user is.
struct getuid {
  static constexpr std::uint32_t opcode = 24;
  struct reply {
    user_id real;
    user_id effective;
  };
};
/// What the caller's group is.
struct getgid {
  static constexpr std::uint32_t opcode = 47;
  struct reply {
    user_id real;
    user_id effective;
  };
};
/// Changes real and effective user. Errors: `no_privilege` (not superuser, and not one of the caller's own).
struct setuid {
  static constexpr std::uint32_t opcode = 23;
  user_id user;
  struct reply {};
};
/// Changes real and effective group; errors as for `setuid`.
struct setgid {
  static constexpr std::uint32_t opcode = 46;
  user_id group;
  struct reply {};
};
/// Changes the effective user only; errors as for `setuid`.
struct seteuid {
  static constexpr std::uint32_t opcode = 91;
  user_id user;
  struct reply {};
};
/// Changes the effective group only; errors as for `setuid`.
struct setegid {
  static constexpr std::uint32_t opcode = 92;
  user_id group;
  struct reply {};
};

/// Sends `signal` to `target`; 0 only asks whether that would be allowed. A system process gets it as a notification;
/// a user process finds it with `sigsuspend`, except 9, which ends it.
/// Errors: `bad_process`, `bad_argument`, `no_privilege` (of another user; or 9 to a system process).
struct kill {
  static constexpr std::uint32_t opcode = 37;
  pid target;
  std::uint32_t signal;
  struct reply {};
};
/// Waits until one of `signals` is pending and takes all those of them that are.
struct sigsuspend {
  static constexpr std::uint32_t opcode = 72;
  std::uint64_t signals;
  struct reply {
    std::uint64_t signals;
  };
};
/// The pending signals; takes none.
struct sigpending {
  static constexpr std::uint32_t opcode = 73;
  struct reply {
    std::uint64_t signals;
  };
};
/// Sends the caller `signal::alarm` after a time; replaces its alarm. Errors: `bad_argument`.
struct alarm {
  static constexpr std::uint32_t opcode = 27;
  std::uint64_t delay_ns;  ///< 0: no alarm
  struct reply {
    std::uint64_t left_ns;  ///< of the replaced alarm; 0 when there was none
  };
};

/// How long the node and the caller have lived, and what the caller did. Errors: those of SYSTASK.
struct times {
  static constexpr std::uint32_t opcode = 43;
  struct reply {
    std::uint64_t uptime_ns;
    std::uint64_t age_ns;
    std::uint64_t messages_sent;
    std::uint64_t messages_received;
    std::uint64_t copies;
    std::uint64_t bytes_copied;
  };
};

/// Finds a process: by `target`, or by `name` when `target` is -1. Errors: `bad_process` (there is none).
struct getprocnr {
  static constexpr std::uint32_t opcode = 80;
  pid target;
  name16 name;
  struct reply {
    pm::pid pid;
    dvs::endpoint_id endpoint;
  };
};

/// Makes `who` (`dvs::own`: the caller), which is bound, a process: a child of init. A system process may do it for
/// anybody; a user process only for itself, and becomes `nobody`.
/// Errors: `no_privilege`, `bad_process` (not bound), `slot_used` (it has a pid, or the pid is taken), `table_full`.
struct bindproc {
  static constexpr std::uint32_t opcode = 96;
  dvs::endpoint_id who;
  pm::pid wanted;  ///< 0: any
  user_id user;
  user_id group;
  name16 name;
  struct reply {
    pm::pid pid;
  };
};

/// Renames the caller.
struct setpname {
  static constexpr std::uint32_t opcode = 99;
  name16 name;
  struct reply {};
};

/// A new process waits until its parent has called `fork` for it, and learns its pids. PM does not know who the parent
/// will be: when that may die first, use a timeout. Errors: `table_full` (too many wait).
struct wait4fork {
  static constexpr std::uint32_t opcode = 100;
  using reply = getpid::reply;
};

/// What a process is to PM.
enum class state : std::uint32_t {
  alive = 0,
  waiting = 1,    ///< in `waitpid`
  suspended = 2,  ///< in `sigsuspend`
  zombie = 3,     ///< ended, not collected
};
/// The name of a state; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(state value) {
  switch (value) {
    case state::alive:
      return "alive";
    case state::waiting:
      return "waiting";
    case state::suspended:
      return "suspended";
    case state::zombie:
      return "zombie";
  }
  return {};
}

/// One process, as `getsysinfo` describes it.
struct process_row {
  pm::pid pid;
  pm::pid parent;
  dvs::endpoint_id endpoint;
  pm::state state;
  user_id user;
  user_id effective_user;
  user_id group;
  user_id effective_group;
  std::uint64_t pending;        ///< signals
  std::uint64_t alarm_left_ns;  ///< 0: no alarm
  name16 name;
};

/// Copies a `process_row` for each process, as many as `length` bytes hold. Errors: `not_granted`.
struct getsysinfo {
  static constexpr std::uint32_t opcode = 79;
  std::uint32_t length;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes copied
    std::uint32_t total;   ///< bytes of all rows
  };
};

/// The service.
using protocol =
    dvs::protocol<exit, fork, wait, waitpid, time, getpid, setuid, getuid, stime, alarm, kill, times, setgid, getgid,
                  sigsuspend, sigpending, getsysinfo, getprocnr, seteuid, setegid, bindproc, setpname, wait4fork>;

static_assert(std::has_unique_object_representations_v<process_row>);

}  // namespace muk::pm

BOOST_HANA_ADAPT_STRUCT(muk::pm::exit, status);
BOOST_HANA_ADAPT_STRUCT(muk::pm::fork, child, name);
BOOST_HANA_ADAPT_STRUCT(muk::pm::fork::reply, pid);
BOOST_HANA_ADAPT_STRUCT(muk::pm::waitpid, child, options);
BOOST_HANA_ADAPT_STRUCT(muk::pm::waitpid::reply, pid, status, ending);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getpid::reply, pid, parent);
BOOST_HANA_ADAPT_STRUCT(muk::pm::time::reply, seconds, nanoseconds);
BOOST_HANA_ADAPT_STRUCT(muk::pm::stime, seconds, nanoseconds);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getuid::reply, real, effective);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getgid::reply, real, effective);
BOOST_HANA_ADAPT_STRUCT(muk::pm::setuid, user);
BOOST_HANA_ADAPT_STRUCT(muk::pm::setgid, group);
BOOST_HANA_ADAPT_STRUCT(muk::pm::seteuid, user);
BOOST_HANA_ADAPT_STRUCT(muk::pm::setegid, group);
BOOST_HANA_ADAPT_STRUCT(muk::pm::kill, target, signal);
BOOST_HANA_ADAPT_STRUCT(muk::pm::sigsuspend, signals);
BOOST_HANA_ADAPT_STRUCT(muk::pm::sigsuspend::reply, signals);
BOOST_HANA_ADAPT_STRUCT(muk::pm::sigpending::reply, signals);
BOOST_HANA_ADAPT_STRUCT(muk::pm::alarm, delay_ns);
BOOST_HANA_ADAPT_STRUCT(muk::pm::alarm::reply, left_ns);
BOOST_HANA_ADAPT_STRUCT(muk::pm::times::reply, uptime_ns, age_ns, messages_sent, messages_received, copies,
                        bytes_copied);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getprocnr, target, name);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getprocnr::reply, pid, endpoint);
BOOST_HANA_ADAPT_STRUCT(muk::pm::bindproc, who, wanted, user, group, name);
BOOST_HANA_ADAPT_STRUCT(muk::pm::bindproc::reply, pid);
BOOST_HANA_ADAPT_STRUCT(muk::pm::setpname, name);
BOOST_HANA_ADAPT_STRUCT(muk::pm::process_row, pid, parent, endpoint, state, user, effective_user, group,
                        effective_group, pending, alarm_left_ns, name);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getsysinfo, length, into);
BOOST_HANA_ADAPT_STRUCT(muk::pm::getsysinfo::reply, length, total);
static_assert(dvs::is_described<muk::pm::protocol>());

#endif
