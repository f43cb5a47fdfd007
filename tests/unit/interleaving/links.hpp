// SPDX-License-Identifier: MIT
/// @file
/// The protocol that is checked, its messages, and the two ends' view of a link (`link_impl.hpp`).
#ifndef TESTS_UNIT_INTERLEAVING_LINKS_HPP
#define TESTS_UNIT_INTERLEAVING_LINKS_HPP

#include <dvs/backends/userspace/channel.hpp>
#include <dvs/backends/userspace/doorbell.hpp>

#include "checked_atomic.hpp"

namespace interleaving {

using dvs::message;
using dvs::userspace::answer_outcome;
using dvs::userspace::slot_kind;
using dvs::userspace::slot_state;
using state_word = checked_atomic<std::uint32_t>;
using deadline_word = checked_atomic<bool>;

/// The protocol as it is. Mutants derive from it and change one thing.
struct protocol {
  using channel = dvs::userspace::channel_lines<checked_atomic>;
  using doorbell = dvs::userspace::doorbell_bits<checked_atomic>;
  static constexpr bool looks_after_retracting = true;
  static constexpr bool looks_after_stopping_to_attend = true;
  static constexpr bool walks_again_when_too_late = true;
  static constexpr bool asks_whether_server_is_gone = true;
  static constexpr std::memory_order redirect_done_order = std::memory_order_seq_cst;
};

/// A message whose every word tells its number, so that a mixture of two shows.
inline message numbered(std::uint32_t number) {
  message m{};
  m.type = static_cast<std::int32_t>(number);
  for (std::size_t i = 0; i < dvs::payload_bytes; ++i) m.payload[i] = static_cast<std::byte>(number + (i << 4 & 0xF0));
  return m;
}
inline bool is_numbered(const message& m, std::uint32_t number) {
  const message whole = numbered(number);
  return m.type == whole.type && m.payload == whole.payload;
}

/// How an operation came out.
enum class ending { ok, gave_up, source_died, destination_died, redirected };

/// A fingerprint of a message.
inline std::uint64_t content_of(const message& m) {
  machine::hash all;
  all.mix(static_cast<std::uint64_t>(m.type));
  for (const std::byte b : m.payload) all.mix(static_cast<std::uint64_t>(b));
  return all.one;
}

template <class P>
struct party;

/// Stands for `link`.
template <class P>
struct link_between {
  link_between(party<P>& from, party<P>& to, std::uint32_t bell_at_server = 0, std::uint32_t bell_at_asker = 0)
      : asker(from), server(to), post_bell(bell_at_server), answer_bell(bell_at_asker) {
    server.sources[server.source_count++] = {this, post_bell, true};
    asker.sources[asker.source_count++] = {this, answer_bell, false};
  }

  struct begin_names {
    begin_names() { machine::here().name_words("link"); }
  } names;
  typename P::channel lines;
  checked_atomic<bool> server_gone{false};
  checked_atomic<std::uint32_t> redirect_done{0};
  checked_atomic<std::uint32_t> taken{0};
  party<P>& asker;
  party<P>& server;
  const std::uint32_t post_bell, answer_bell;
  std::uint32_t sequence = 0;    // the asker's
  std::uint32_t taken_last = 0;  // the server's: what it wrote to `taken`
  bool pending = false;
  slot_state seen;

  /// link::look
  std::uint32_t look() {
    const std::uint32_t word = lines.post.state.load(std::memory_order_acquire);
    const slot_state post(word);
    const bool full = post.kind() == slot_kind::send || post.kind() == slot_kind::request;
    if (full && post.sequence() != taken_last && !(pending && seen.same_content(post))) {
      seen = post;
      pending = true;  // port::enlist
      if (server.accepting) server.alert();
    }
    return word;
  }
  /// link::retract
  void retract() {
    lines.stop_attending_answer();
    if (P::looks_after_retracting) look();
  }
};

}  // namespace interleaving

#endif
