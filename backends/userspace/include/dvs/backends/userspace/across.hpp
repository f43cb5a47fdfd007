// SPDX-License-Identifier: MIT
/// @file
/// What a process here asks of a process on another node, as ports and the gateway see it.
#ifndef DVS_BACKENDS_USERSPACE_ACROSS_HPP
#define DVS_BACKENDS_USERSPACE_ACROSS_HPP

#include <dvs/dvk/estate.h>

#include <atomic>
#include <dvs/backend.hpp>
#include <dvs/backends/userspace/carrier.hpp>
#include <dvs/backends/userspace/logical_clock.hpp>

namespace dvs::userspace {

class broker;

/// Memory of this node that takes part in a copy between nodes.
class copy_side {
 public:
  copy_side() = default;
  /// Memory of the process that asks, which waits meanwhile.
  [[nodiscard]] static copy_side of(std::byte* memory) { return {nullptr, none, memory, {}}; }
  /// An address that nobody vouched for.
  [[nodiscard]] static copy_side at_address(std::uint64_t address) {
    return {nullptr, none, nullptr, {none, grant_id{DVK_NO_GRANT}, address}};
  }
  /// Memory granted to `grantee`; tested at every access.
  [[nodiscard]] static copy_side granted(broker& table, endpoint_id grantee, granted_range range) {
    return {&table, grantee, nullptr, range};
  }

  /// Calls `use(bytes)` with `bytes` of the side that begin at `at`. Errors: those of the grant, `fault`.
  template <class Use>
  errc read(std::uint64_t at, std::size_t bytes, Use&& use) const;
  errc write(std::uint64_t at, std::span<const std::byte> data) const;

 private:
  copy_side(broker* table, endpoint_id grantee, std::byte* memory, granted_range range)
      : table_(table), grantee_(grantee), memory_(memory), range_(range) {}

  broker* table_ = nullptr;
  endpoint_id grantee_ = none;
  std::byte* memory_ = nullptr;
  granted_range range_{none, grant_id{DVK_NO_GRANT}, 0};
};

/// A command to another node, or all fragments of a copy. It lives where its caller waits; from `submit` until it is
/// done it belongs to the gateway.
struct across_command {
  dvk_frame ask{};            ///< `kind`, `from`, `to`, `to_node` and what the kind has; a copy: the whole
  message* answer = nullptr;  ///< request: where the answer goes
  copy_side here;             ///< copy: the memory of this node
  std::atomic<std::uint64_t>* number = nullptr;          ///< gets the exchange while it is open
  std::atomic<std::uint64_t>* request_number = nullptr;  ///< the same of a request
  bool is_rendezvous = false;                            ///< its caller waits for another process, perhaps in a cycle

  process_info* inspected = nullptr;  ///< inspect: the row that is to be completed

  // What comes of it; valid when `done`.
  errc outcome = errc::ok;
  endpoint_id redirect = none;  ///< request: it was relayed to this process
  bool is_here_now = false;     ///< nothing was done: the process goes on at this node
  std::atomic<bool> done{false};

  // Whom to tell.
  std::shared_ptr<carrier> waiter;
  std::uint32_t bell = 0;

  // The gateway's.
  std::uint64_t exchange = 0;
  std::uint64_t next_at = 0;    ///< copy: where the next fragment begins
  std::uint32_t in_flight = 0;  ///< copy: fragments that are not completed
  bool cancelling = false;
  std::uint32_t times_passed_on = 0;  ///< by nodes where the process was before
  bool locked = false;                ///< it was cancelled because it closes a cycle
  std::int64_t began_ns = 0;          ///< when it was opened
  std::int64_t search_at_ns = 0;      ///< when a cycle is looked for
};

/// What other nodes are told of a process here.
struct born {
  std::uint64_t birth;  ///< no two of a node have the same
  std::uint32_t term;   ///< how often it has moved
  std::string name;
};

/// The gateway, as ports and brokers see it. Any thread.
class across {
 public:
  [[nodiscard]] virtual node_id self() const = 0;
  /// The logical time of this node.
  [[nodiscard]] std::uint64_t clock() const { return clock_.now(); }
  /// Asks; `command` is done some time later.
  virtual void submit(across_command& command) = 0;
  /// Asks the other node to give `command` up. It is done when both agree how it ended.
  virtual void give_up(across_command& command) = 0;
  /// Gives `command` up at once, whatever becomes of it; it is done when nobody touches it any more.
  virtual void abandon(across_command& command) = 0;
  /// The wait of a process here, in the command with this number, may be part of a cycle now.
  virtual void suspect(std::uint64_t exchange) = 0;
  /// A process was bound here, or is gone, in the order in which it happens.
  virtual void tell_bound(dc_id dc, endpoint_id who, born what) = 0;
  virtual void tell_gone(dc_id dc, endpoint_id who, std::uint64_t birth) = 0;
  /// Lets a process of `dc` go on at the node `to`; returns when that is decided. `estate` is what it would leave, and
  /// is what it has left. Errors: those of adopt (docs/wire_format.md), `not_connected`.
  virtual errc hand_over(broker& dc, dvk_estate& estate, node_id to) = 0;
  /// Has a process of a node that is lost go on at this one. Errors: those of `broker::replace_lost`.
  virtual errc promote(broker& dc, endpoint_id who) = 0;
  /// The DC runs here from now on.
  virtual errc join(const std::shared_ptr<broker>& dc) = 0;
  /// The DC has ended here; returns when no process of another node is bound in it.
  virtual void leave(broker& dc) = 0;

 protected:
  ~across() = default;
  /// Something was heard that another node said at this time of its clock. In the context of the gateway.
  void hear(std::uint64_t clock_there) { clock_.hear(clock_there); }

 private:
  logical_clock clock_;
};

/// Waits for commands of a process that may be waiting in another call meanwhile.
class across_wait final : public bell_source {
 public:
  explicit across_wait(const std::shared_ptr<carrier>& here)
      : carrier_(here), waits_(here->running()), bell_(here->add_bell(*this)) {}
  across_wait(const across_wait&) = delete;
  across_wait& operator=(const across_wait&) = delete;
  ~across_wait() { carrier_->remove_bell(bell_, *this); }

  /// Has `command` carried out, some time before `finish` returns.
  void begin(across& gateway, across_command& command) {
    command.waiter = carrier_;
    command.bell = bell_;
    gateway.submit(command);
  }
  void finish(const across_command& command) {
    while (!command.done.load(std::memory_order_acquire)) carrier_->suspend(-1);
  }
  /// Has `command` carried out. `limit` is for commands without fragments.
  errc carry_out(across& gateway, across_command& command, timeout limit = forever) {
    begin(gateway, command);
    const std::int64_t deadline = limit.is_forever() ? -1 : monotonic_ns() + limit.length().count();
    bool is_late = false;
    while (!command.done.load(std::memory_order_acquire)) {
      if (!is_late && deadline >= 0 && monotonic_ns() >= deadline) {
        is_late = true;
        gateway.abandon(command);
      } else {
        carrier_->suspend(is_late ? -1 : deadline);
      }
    }
    if (!is_late || command.outcome != errc::cancelled) return command.outcome;
    return limit.is_zero() ? errc::would_block : errc::timed_out;
  }

 private:
  void rung() override { carrier_->make_ready(waits_); }

  const std::shared_ptr<carrier>& carrier_;
  task& waits_;
  const std::uint32_t bell_;
};

}  // namespace dvs::userspace

#endif
