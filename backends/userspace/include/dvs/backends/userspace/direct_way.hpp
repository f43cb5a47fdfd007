// SPDX-License-Identifier: MIT
/// @file
/// The direct way between two processes of the host: the memory of one link, and how its ends ring each other.
///
/// The daemon makes the memory for two endpoints that may talk, and gives it to their processes alone. What is in it
/// may be anything at any time: each side believes it only as far as it concerns the conversation of the two.
#ifndef DVS_BACKENDS_USERSPACE_DIRECT_WAY_HPP
#define DVS_BACKENDS_USERSPACE_DIRECT_WAY_HPP

#include <dvs/backends/userspace/board.hpp>
#include <dvs/backends/userspace/channel.hpp>
#include <dvs/backends/userspace/shared_grants.hpp>
#include <functional>

namespace dvs::userspace {

/// What two processes share of a link; see `link` for what the parts mean.
struct direct_memory {
  channel_lines<std::atomic> lines;
  // The asker's: with every message,
  alignas(64) std::atomic<std::uint64_t> ticket{0};
  // and now and then.
  alignas(64) std::atomic<std::uint32_t> redirect_done{0};
  std::atomic<std::uint32_t> has_note{0};  ///< a notification waits; the server takes it
  std::atomic<std::uint64_t> note{0};      ///< its value
  // The server's.
  alignas(64) std::atomic<std::uint32_t> taken{0};
  std::atomic<std::int32_t> redirect_to{0};
  // What each has granted to the other.
  shared_grants grants_of_asker, grants_of_server;
};
inline constexpr std::size_t direct_memory_bytes = 4096;
static_assert(sizeof(direct_memory) <= direct_memory_bytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

/// See the file comment.
class direct_way {
 public:
  /// `number`: no other way of the daemon has it. `hint`: what the partner is rung by. `ring_otherwise`: has it rung by
  /// the daemon.
  direct_way(std::uint32_t number, bool may_notify, pid_t partner_process, shared_memory memory,
             std::shared_ptr<const board_view> partner, std::uint32_t place, std::uint32_t hint,
             std::function<void()> ring_otherwise)
      : number_(number),
        may_notify_(may_notify),
        partner_process_(partner_process),
        memory_(std::move(memory)),
        partner_(std::move(partner)),
        place_(place),
        hint_(hint),
        ring_otherwise_(std::move(ring_otherwise)) {}

  [[nodiscard]] std::uint32_t number() const { return number_; }
  /// Whether the asker may notify the server.
  [[nodiscard]] bool may_notify() const { return may_notify_; }
  /// The partner's process, as this one sees it, or 0.
  [[nodiscard]] pid_t partner_process() const { return partner_process_; }
  [[nodiscard]] direct_memory& shared() const { return memory_.as<direct_memory>(); }
  [[nodiscard]] const std::atomic<std::uint32_t>& partner_cpu() const { return partner_->cpu(place_); }
  /// Leaves a notification of the asker.
  void notify(std::uint64_t value) const {
    shared().note.fetch_or(value, std::memory_order_relaxed);
    shared().has_note.store(1, std::memory_order_seq_cst);
    ring();
  }
  void ring() const {
    if (!partner_->ring(place_, hint_)) ring_otherwise_();
  }

  /// Nothing new may come this way: the two may not talk any more, or by another one.
  void sever() { is_severed_.store(true, std::memory_order_seq_cst); }
  [[nodiscard]] bool is_severed() const { return is_severed_.load(std::memory_order_acquire); }

 private:
  const std::uint32_t number_;
  const bool may_notify_;
  const pid_t partner_process_;
  const shared_memory memory_;
  const std::shared_ptr<const board_view> partner_;
  const std::uint32_t place_, hint_;
  const std::function<void()> ring_otherwise_;
  std::atomic<bool> is_severed_{false};
};

}  // namespace dvs::userspace

#endif
