// SPDX-License-Identifier: MIT
/// @file
/// What bells and promises of a link do.
#ifndef DVS_BACKENDS_USERSPACE_LINK_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_LINK_IMPL_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline link::link(std::shared_ptr<port> from, std::shared_ptr<port> to, bool same_carrier, std::uint32_t first_sequence)
    : asker(std::move(from)),
      server(std::move(to)),
      server_id(server->id()),
      asker_id(asker->id()),
      local(same_carrier),
      across(server->is_ghost()),
      taken(same_carrier ? taken_here : taken_elsewhere),
      asking(first_sequence) {
  post_bell_source.owner = this;
  answer_bell_source.owner = this;
}

inline bool link::server_left() const {
  return server_gone.load(std::memory_order_seq_cst) || (across && server->is_lost());
}

inline std::uint32_t link::look() {
  const std::uint32_t word = lines.post.state.load(std::memory_order_seq_cst);
  const slot_state post(word);
  const bool full = post.kind() == slot_kind::send || post.kind() == slot_kind::request;
  if (full && post.sequence() != taken.load(std::memory_order_relaxed) && !(pending && seen.same_content(post))) {
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
