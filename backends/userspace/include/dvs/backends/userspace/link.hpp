// SPDX-License-Identifier: MIT
/// @file
/// A link: everything two ports share when one of them asks the other.
#ifndef DVS_BACKENDS_USERSPACE_LINK_HPP
#define DVS_BACKENDS_USERSPACE_LINK_HPP

#include <dvs/backends/userspace/carrier.hpp>
#include <dvs/backends/userspace/channel.hpp>
#include <dvs/backends/userspace/direct_way.hpp>
#include <memory>

namespace dvs::userspace {

class port;

/// From one asker to one server. Between ports of one carrier a link is *local*: messages are handed over in plain
/// memory and the channel lines stay unused. Otherwise they go through the lines, and each side has a bell at the
/// other's carrier.
///
/// A link is shared by both ports and dies with the last of them. Fields belong to the side named; what both touch is
/// atomic.
///
/// A *direct* link leads to another process of the host, or comes from there: both processes have one, whose lines and
/// a few more things they share. In each of them one of the ports is a ghost.
struct link final : promise_keeper, door_source {
  link(std::shared_ptr<port> from, std::shared_ptr<port> to, bool same_carrier, std::uint32_t first_sequence,
       std::unique_ptr<direct_way> by = nullptr);

  /// Whether nothing comes from the server any more: it is gone, or the link to its node is.
  [[nodiscard]] bool server_left() const;

  channel_lines<std::atomic> own_lines;

  // What both read and nobody writes in the course of an exchange.
  const std::unique_ptr<direct_way> direct;  ///< null: not a direct link
  channel_lines<std::atomic>& lines;
  const std::shared_ptr<port> asker;
  const std::shared_ptr<port> server;
  const endpoint_id server_id;
  const endpoint_id asker_id;
  const bool local;
  const bool across;  ///< the server is a process of another node: what it is asked goes through the gateway
  const std::atomic<std::uint32_t>& server_cpu;
  const std::atomic<std::uint32_t>& asker_cpu;
  std::atomic<bool> asker_gone{false};
  std::atomic<bool> server_gone{false};
  std::uint32_t allowed_reply = 0;  ///< like `allowed_ask` below, for the server
  /// Sequence of the last message that the server took; others only look.
  std::atomic<std::uint32_t>& taken;
  std::uint32_t answer_bell = 0;  ///< the asker's
  std::uint32_t post_bell = 0;    ///< the server's

  // The asker's. Another thread's server looks at none of it while messages come one at a time.
  /// The sequence of the asker's last exchange.
  alignas(64) std::atomic<std::uint32_t> asking;
  std::atomic<std::uint32_t> taken_here{0};  ///< `taken` of a local link: one line is enough for one thread
  /// When the post came, in the order of the server's tickets; that of a direct link is the server's.
  std::atomic<std::uint64_t> ticket{0};
  slot_kind local_kind = slot_kind::idle;
  const message* local_message = nullptr;
  std::uint32_t no_direct_way = 0;      ///< epoch of the privileges under which none was found
  std::uint32_t allowed_ask = 0;        ///< epoch of the privileges under which asking was found allowed
  std::uint32_t allowed_ask_reply = 0;  ///< the same, with the way back

  // The server's.
  alignas(64) std::atomic<std::uint32_t> taken_elsewhere{0};  ///< `taken` of the other links
  std::atomic<std::int32_t> own_redirect_to{0};
  std::atomic<std::uint32_t> own_redirect_done{0};
  /// With a redirected answer: where the request was relayed to, and the exchange whose asker has asked there.
  std::atomic<std::int32_t>& redirect_to;
  std::atomic<std::uint32_t>& redirect_done;
  std::uint64_t not_before = 0;   ///< a direct link: no ticket can be older
  bool has_fresh_ticket = false;  ///< a direct link: the asker's was not read yet, as nobody else waited
  bool adopted = false;           ///< known to the server's port
  bool pending = false;           ///< in the list of those that wait to be taken
  slot_state seen;                ///< the post that is pending
  link* next = nullptr;
  link* previous = nullptr;

  /// What the bells of a link mean.
  struct post_side final : bell_source {
    link* owner = nullptr;
    void rung() override;
  } post_bell_source;
  struct answer_side final : bell_source {
    link* owner = nullptr;
    void rung() override;
  } answer_bell_source;

  std::uint32_t look() override;
  void retract() override;

  // A direct link, on the thread of the side that is in this process.
  [[nodiscard]] bool has_news() const override;
  void rung() override;

  // From the other side; each rings where that is.
  void ring_server();
  void ring_asker();
  /// Takes the notification that the asker has left.
  void take_note();
  /// When its post came, as far as its asker is believed.
  [[nodiscard]] std::uint64_t ticket_of_post();
  /// Says which message was taken last.
  void note_taken(std::uint32_t sequence);

  /// Whether the asker has a request open that the server took; on the server's thread.
  [[nodiscard]] bool awaits_answer() const;

  /// The same, on the asker's thread.
  [[nodiscard]] std::uint32_t sequence() const { return asking.load(std::memory_order_relaxed); }
  [[gnu::always_inline]] std::uint32_t begin_exchange() {
    const std::uint32_t begun = next_sequence(sequence());
    asking.store(begun, std::memory_order_relaxed);
    return begun;
  }

  /// Whether the asker, which is blocked on this link, still waits there.
  [[nodiscard]] bool is_open() const {
    if (local) return true;  // the server unblocks it when it ends the wait
    const slot_state post(lines.post.state.load(std::memory_order_acquire));
    if (post.kind() == slot_kind::send) return true;
    if (post.kind() != slot_kind::request && post.kind() != slot_kind::listening) return false;
    return slot_state(lines.answer.state.load(std::memory_order_acquire)).sequence() != post.sequence();
  }
};

}  // namespace dvs::userspace

#endif
