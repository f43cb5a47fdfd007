// SPDX-License-Identifier: MIT
/// @file
/// What bells and promises of a link do.
#ifndef DVS_BACKENDS_USERSPACE_LINK_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_LINK_IMPL_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline link::link(std::shared_ptr<port> from, std::shared_ptr<port> to, bool same_carrier, std::uint32_t first_sequence,
                  std::unique_ptr<direct_way> by)
    : direct(std::move(by)),
      lines(direct ? direct->shared().lines : own_lines),
      asker(std::move(from)),
      server(std::move(to)),
      server_id(server->id()),
      asker_id(asker->id()),
      local(same_carrier),
      across(server->is_ghost() && !direct),
      server_cpu(direct && server->is_ghost() ? direct->partner_cpu() : server->runs_on().cpu()),
      asker_cpu(direct && asker->is_ghost() ? direct->partner_cpu() : asker->runs_on().cpu()),
      // What the server knows of it is its own; the asker can only believe what it is told.
      taken(same_carrier                   ? taken_here
            : direct && server->is_ghost() ? direct->shared().taken
                                           : taken_elsewhere),
      asking(first_sequence),
      redirect_to(direct ? direct->shared().redirect_to : own_redirect_to),
      redirect_done(direct ? direct->shared().redirect_done : own_redirect_done) {
  post_bell_source.owner = this;
  answer_bell_source.owner = this;
}

inline void link::ring_server() {
  if (direct && server->is_ghost())
    direct->ring();
  else
    server->runs_on().ring(post_bell);
}

inline void link::ring_asker() {
  if (direct && asker->is_ghost())
    direct->ring();
  else
    asker->runs_on().ring(answer_bell);
}

inline void link::note_taken(std::uint32_t sequence) {
  taken.store(sequence, std::memory_order_release);
  if (!direct) return;
  direct->shared().taken.store(sequence, std::memory_order_release);
  if (server->pending_first_ != nullptr) not_before = ticks();  // what it has next comes after those who wait now
}

inline std::uint64_t link::ticket_of_post() {
  if (std::exchange(has_fresh_ticket, false))
    ticket.store(std::max(direct->shared().ticket.load(std::memory_order_relaxed), not_before),
                 std::memory_order_relaxed);
  return ticket.load(std::memory_order_acquire);
}

inline void link::take_note() {
  direct_memory& shared = direct->shared();
  if (shared.has_note.load(std::memory_order_acquire) == 0 || shared.has_note.exchange(0) == 0) return;
  const std::uint64_t value = shared.note.exchange(0, std::memory_order_acquire);
  if (direct->may_notify() && !direct->is_severed())
    server->post_notification(asker->index_, value, &server->runs_on());
}

inline bool link::has_news() const {
  if (asker->is_ghost()) {
    const slot_state post(lines.post.state.load(std::memory_order_seq_cst));
    const bool full = post.kind() == slot_kind::send || post.kind() == slot_kind::request;
    const bool is_new =
        full && post.sequence() != taken.load(std::memory_order_relaxed) && !(pending && seen.same_content(post));
    return !direct->is_severed() && (is_new || direct->shared().has_note.load(std::memory_order_seq_cst) != 0);
  }
  if (asker->wait_.on != this) return false;
  return asker->wait_.kind == port::wait_kind::taken ? lines.send_outcome() != slot_kind::send
                                                     : lines.exchange_outcome(sequence()) != slot_kind::idle;
}

inline void link::rung() {
  if (asker->is_ghost())
    post_bell_source.rung();
  else
    answer_bell_source.rung();
}

inline bool link::server_left() const {
  return server_gone.load(std::memory_order_seq_cst) || (across && server->is_lost());
}

inline bool link::awaits_answer() const {
  if (local) {
    const port::wait_record& wait = asker->wait_;
    return wait.kind == port::wait_kind::answer && wait.on == this && !wait.done && !pending;
  }
  const slot_state post(lines.post.state.load(std::memory_order_acquire));
  return post.kind() == slot_kind::request && post.sequence() == taken.load(std::memory_order_relaxed) && is_open();
}

inline std::uint32_t link::look() {
  if (direct) take_note();
  const std::uint32_t word = lines.post.state.load(std::memory_order_seq_cst);
  const slot_state post(word);
  const bool full = post.kind() == slot_kind::send || post.kind() == slot_kind::request;
  if (full && post.sequence() != taken.load(std::memory_order_relaxed) && !(pending && seen.same_content(post))) {
    if (direct) {
      if (direct->is_severed()) return word;
      has_fresh_ticket = true;
    }
    if (!adopted) server->adopt_new();
    if (pending) server->unlist(*this);
    seen = post;
    server->enlist(*this);
  }
  return word;
}

inline void link::retract() {
  lines.stop_attending_answer();
  look();
}

inline void link::post_side::rung() {
  port& served_by = *owner->server;
  if (owner->redirect_done.load(std::memory_order_acquire) != 0) served_by.alert();
  if (owner->asker_gone.load(std::memory_order_acquire)) {
    // Who waited for its notification has as good as got it.
    if (owner->direct && served_by.accepts(owner->asker_id, false)) owner->take_note();
    served_by.alert();              // it may be waiting for the asker to ask elsewhere
    served_by.drop_served(*owner);  // may be the end of the link
  } else {
    owner->look();
  }
}

inline void link::answer_side::rung() {
  port& waiter = *owner->asker;
  if (waiter.wait_.on == owner)
    waiter.alert();
  else if (owner->server_gone.load(std::memory_order_acquire))
    waiter.drop_asked(*owner);
}

}  // namespace dvs::userspace

#endif
