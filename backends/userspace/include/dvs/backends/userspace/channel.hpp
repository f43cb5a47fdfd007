// SPDX-License-Identifier: MIT
/// @file
/// The channel between two endpoints of different threads: one direction of asking, with its answers.
///
/// A channel is two cache lines that cross between cores, each written by one side: the *post* line, in which the
/// asker leaves a message, and the *answer* line, in which the server leaves its answer. A round trip moves each line
/// once. The state word of a line is the only thing that orders: its kind says what the line holds, its sequence which
/// exchange it belongs to, and its `attended` bit that the other side polls this line's counterpart and need not be
/// rung.
///
/// Rules of the state words
/// - Post line: the asker writes `send(n)`, `request(n)` or `listening(n)`. A send ends by one compare-and-swap:
///   the server's to `taken(n)`, the asker's to `withdrawn(n)`, or the broker's to `died(n)`. A request is never
///   written by the server: it reads the payload and then the state again; if that is unchanged it has taken the
///   request, at that second read.
/// - Answer line: an exchange ends by one compare-and-swap that puts its sequence here: the server's to `answered(n)`
///   or `redirected(n)`, the asker's to `cancelled(n)`, or the server's at its death to `source_died(n)` or
///   `destination_died(n)`. Whoever comes second fails and leaves everything as it is. The server swaps from what it
///   saw here before it saw exchange n open in the post line, so that an answer which comes late, after n was given up
///   and perhaps n + 1 too, finds something else.
///
/// Memory order: every access to a state word is sequentially consistent (on x86 that costs the loads nothing), so the
/// state words and the doorbells have one total order. A post is written by a plain store, which a fence follows, to
/// the same effect: a locked instruction would keep the line longer, and more often lose it to a partner that polls it.
/// Payloads are relaxed; a state word always lies between a write and a read of them.
///
/// `Atomic` is `std::atomic`; the model check replaces it by one that stops at every access.
#ifndef DVS_BACKENDS_USERSPACE_CHANNEL_HPP
#define DVS_BACKENDS_USERSPACE_CHANNEL_HPP

#include <atomic>
#include <dvs/message.hpp>

namespace dvs::userspace {

/// What a line holds.
enum class slot_kind : std::uint32_t {
  idle,
  send,              ///< post: a message whose sender waits until it is taken
  request,           ///< post: a message whose sender waits for the answer
  listening,         ///< post: no message; the asker waits for a message of this partner alone
  taken,             ///< post: the send was received
  withdrawn,         ///< post: the asker gave up
  died,              ///< post: the partner went before it took the send
  answered,          ///< answer: the message is the answer
  redirected,        ///< answer: the request was relayed; ask again there
  cancelled,         ///< answer: the asker gave up
  destination_died,  ///< answer: the partner went before it took the request
  source_died,       ///< answer: the partner went with the request
};

/// The state word of a line: kind, attended bit, sequence.
class slot_state {
 public:
  static constexpr std::uint32_t attended_bit = 16;

  constexpr slot_state() = default;
  constexpr explicit slot_state(std::uint32_t word) : word_(word) {}
  constexpr slot_state(slot_kind kind, std::uint32_t sequence, bool attended = false)
      : word_(static_cast<std::uint32_t>(kind) | (attended ? attended_bit : 0) | sequence << 5) {}

  [[nodiscard]] constexpr slot_kind kind() const { return static_cast<slot_kind>(word_ & 15); }
  [[nodiscard]] constexpr bool attended() const { return (word_ & attended_bit) != 0; }
  [[nodiscard]] constexpr std::uint32_t sequence() const { return word_ >> 5; }
  [[nodiscard]] constexpr std::uint32_t word() const { return word_; }
  /// Whether both hold the same thing, whoever attends.
  [[nodiscard]] constexpr bool same_content(slot_state other) const {
    return ((word_ ^ other.word_) & ~attended_bit) == 0;
  }

 private:
  std::uint32_t word_ = 0;
};

/// The sequence after `sequence`; never 0, which means "no exchange".
[[nodiscard]] constexpr std::uint32_t next_sequence(std::uint32_t sequence) {
  const std::uint32_t next = (sequence + 1) & 0x07FF'FFFF;
  return next == 0 ? 1 : next;
}

/// Stores a state word, before anything that comes after it; see "memory order" above.
inline void store_and_fence(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  word.store(value, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

/// One cache line of a channel: the state word takes the place of the source, which the channel implies.
template <template <class> class Atomic>
struct alignas(64) slot_line {
  Atomic<std::uint32_t> state{0};
  Atomic<std::int32_t> type{0};
  Atomic<std::uint64_t> payload[payload_bytes / 8]{};

  /// Puts a message under a state that nobody reads as full yet.
  void write(const message& m) {
    std::uint64_t words[payload_bytes / 8];
    std::memcpy(words, m.payload.data(), payload_bytes);
    type.store(m.type, std::memory_order_relaxed);
    for (std::size_t i = 0; i < payload_bytes / 8; ++i) payload[i].store(words[i], std::memory_order_relaxed);
  }
  /// Reads the message; the caller checks the state afterwards.
  void read(message& m) const {
    std::uint64_t words[payload_bytes / 8];
    m.type = type.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < payload_bytes / 8; ++i) words[i] = payload[i].load(std::memory_order_relaxed);
    std::memcpy(m.payload.data(), words, payload_bytes);
  }
};

/// What became of an attempt to answer.
enum class answer_outcome : std::uint8_t { refused, delivered, delivered_ring };

/// The two lines and the protocol on them. No operation waits.
template <template <class> class Atomic>
struct channel_lines {
  slot_line<Atomic> post;
  slot_line<Atomic> answer;

  // ---- The asker's side ----

  /// Leaves a message. Returns whether the partner must be rung. `attended`: the asker will poll for the outcome.
  bool put(slot_kind kind, std::uint32_t sequence, const message* m, bool attended) {
    // Who reads a word of this message under an older state must see at its second look that the state has changed.
    std::atomic_thread_fence(std::memory_order_release);
    if (m != nullptr) post.write(*m);
    store_and_fence(post.state, slot_state(kind, sequence, attended).word());
    return !slot_state(answer.state.load(std::memory_order_seq_cst)).attended();
  }
  /// The asker stops polling: from now on it must be rung. It then looks once more.
  void stop_attending_post() { post.state.fetch_and(~slot_state::attended_bit, std::memory_order_seq_cst); }

  /// What became of send `sequence`: `send` while nothing did.
  [[nodiscard]] slot_kind send_outcome() const { return slot_state(post.state.load(std::memory_order_seq_cst)).kind(); }
  /// Takes back a send. False: too late, see `send_outcome`.
  bool withdraw_send(std::uint32_t sequence) {
    std::uint32_t now = post.state.load(std::memory_order_seq_cst);
    while (slot_state(now).kind() == slot_kind::send)
      if (post.state.compare_exchange_weak(now, slot_state(slot_kind::withdrawn, sequence).word(),
                                           std::memory_order_seq_cst))
        return true;
    return false;
  }

  /// What became of exchange `sequence`: `idle` while it is open.
  [[nodiscard]] slot_kind exchange_outcome(std::uint32_t sequence) const {
    const slot_state state(answer.state.load(std::memory_order_seq_cst));
    if (state.sequence() != sequence) return slot_kind::idle;
    // Only a partner in another process can have written something else: it has as good as gone.
    return state.kind() < slot_kind::answered ? slot_kind::source_died : state.kind();
  }
  /// Ends exchange `sequence` without an answer. False: too late, see `exchange_outcome`.
  bool cancel_exchange(std::uint32_t sequence) {
    std::uint32_t now = answer.state.load(std::memory_order_seq_cst);
    do {
      if (slot_state(now).sequence() == sequence) return false;
    } while (!answer.state.compare_exchange_weak(
        now, slot_state(slot_kind::cancelled, sequence, slot_state(now).attended()).word(), std::memory_order_seq_cst));
    post.state.exchange(slot_state(slot_kind::withdrawn, sequence).word(), std::memory_order_seq_cst);
    return true;
  }

  // ---- The server's side ----

  /// What the asker left; `taken_last` is the last sequence that the server took from this channel.
  [[nodiscard]] slot_state waiting(std::uint32_t taken_last) const {
    const slot_state state(post.state.load(std::memory_order_seq_cst));
    return state.sequence() == taken_last ? slot_state{} : state;
  }
  /// Takes the send or request that `seen` describes. False: it was withdrawn, or it died.
  /// `ring`: the sender must be rung.
  bool take(slot_state seen, message& into, bool& ring) {
    post.read(into);
    ring = false;
    if (seen.kind() == slot_kind::request) {
      std::atomic_thread_fence(std::memory_order_acquire);
      return slot_state(post.state.load(std::memory_order_seq_cst)).same_content(seen);
    }
    std::uint32_t now = seen.word();
    while (slot_state(now).same_content(seen))
      if (post.state.compare_exchange_weak(now, slot_state(slot_kind::taken, seen.sequence()).word(),
                                           std::memory_order_seq_cst)) {
        ring = !slot_state(now).attended();
        return true;
      }
    return false;
  }
  /// Ends exchange `sequence` with a message. `attend`: the server will poll the post line next.
  answer_outcome put_answer(std::uint32_t sequence, slot_kind kind, const message& m, bool attend) {
    if (!finish(sequence, kind, &m, attend)) return answer_outcome::refused;
    return asker_attends() ? answer_outcome::delivered : answer_outcome::delivered_ring;
  }
  /// Ends whatever the asker has open, because the server goes. Returns whether the asker must be rung.
  bool die(std::uint32_t taken_last) {
    std::uint32_t now = post.state.load(std::memory_order_seq_cst);
    const slot_state seen(now);
    switch (seen.kind()) {
      case slot_kind::send:
        while (slot_state(now).same_content(seen))
          if (post.state.compare_exchange_weak(now, slot_state(slot_kind::died, seen.sequence()).word(),
                                               std::memory_order_seq_cst))
            break;
        break;
      case slot_kind::request:
        finish(seen.sequence(), seen.sequence() == taken_last ? slot_kind::source_died : slot_kind::destination_died,
               nullptr, false);
        break;
      case slot_kind::listening:
        finish(seen.sequence(), slot_kind::source_died, nullptr, false);
        break;
      default:
        return false;
    }
    return true;
  }
  /// The server stops polling: from now on it must be rung. It then looks once more.
  void stop_attending_answer() { answer.state.fetch_and(~slot_state::attended_bit, std::memory_order_seq_cst); }

 private:
  [[nodiscard]] bool asker_attends() const { return slot_state(post.state.load(std::memory_order_seq_cst)).attended(); }
  /// The server ends exchange `sequence`, if it is open. The order of the two looks matters: see the rules.
  bool finish(std::uint32_t sequence, slot_kind kind, const message* m, bool attend) {
    std::uint32_t now = answer.state.load(std::memory_order_seq_cst);
    const slot_state before(now);
    const slot_state asked(post.state.load(std::memory_order_seq_cst));
    const bool open = asked.kind() == slot_kind::request || asked.kind() == slot_kind::listening;
    if (before.sequence() == sequence || !open || asked.sequence() != sequence) return false;
    if (m != nullptr) answer.write(*m);
    while (slot_state(now).same_content(before))
      if (answer.state.compare_exchange_weak(now, slot_state(kind, sequence, attend).word(), std::memory_order_seq_cst))
        return true;
    return false;
  }
};

}  // namespace dvs::userspace

#endif
