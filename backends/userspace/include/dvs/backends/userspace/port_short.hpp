// SPDX-License-Identifier: MIT
/// @file
/// The short way: a request, its receive and its answer between fibers of one thread, when nothing is in their way.
///
/// It does what `port_send.hpp` does, without the parts that are not needed then: no queue, no time, no other
/// thread. Whatever is unusual, now or when the fiber runs again, is left to the general form.
#ifndef DVS_BACKENDS_USERSPACE_PORT_SHORT_HPP
#define DVS_BACKENDS_USERSPACE_PORT_SHORT_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

[[gnu::always_inline]] inline errc port::sendrec(endpoint_id to, message& m, timeout limit) {
  carrier& here = *carrier_;
  link* const on = last_asked_;
  if (is_notification(m) || !limit.is_forever() || !may_go_short(here, call::sendrec) || !leads_short(on, to))
    return sendrec_long(to, m, limit);
  ask_short(here, *on, m);
  if (wait_.progress() != wait_progress{wait_kind::answer, true, true}) [[unlikely]]
    return sendrec_resumed(to, m);
  wait_.on = nullptr;
  end_short();
  note_answer(m);
  return errc::ok;
}

/// The short way was disturbed while the answer was waited for.
[[gnu::noinline]] inline errc port::sendrec_resumed(endpoint_id to, message& m) {
  const errc outcome = follow_redirects(wait_for_answer({activity::awaiting_reply, false, 0, to}, forever), m, -1);
  if (outcome == errc::ok) note_answer(m);
  return outcome;
}

[[gnu::always_inline]] inline errc port::receive(endpoint_id source, timeout limit, incoming& in) {
  carrier& here = *carrier_;
  if (source != any || !limit.is_forever() || pending_first_ != nullptr ||
      notes_pending_.load(std::memory_order_acquire) != 0 || !may_go_short(here, call::receive))
    return receive_long(source, limit, in);
  receive_short(here, in);
  if (wait_.progress() != wait_progress{wait_kind::receive, true, true}) [[unlikely]]
    return receive_resumed(in);
  end_short();
  note_came(in);
  return errc::ok;
}

/// The same for a receive.
[[gnu::noinline]] inline errc port::receive_resumed(incoming& in) {
  const errc outcome = wait_for_message(wait_kind::receive, any, forever, in, nullptr);
  if (outcome == errc::ok) note_came(in);
  return outcome;
}

/// Answers the process of this thread whose request was taken last.
[[gnu::always_inline]] inline errc port::reply(endpoint_id to, std::uint32_t exchange, const message& m) {
  link* const on = last_served_;
  if (is_notification(m) || on == nullptr || on->asker_id != to || !on->local ||
      on->allowed_reply != broker_->epoch() || is_hindered(call::reply))
    return reply_long(to, exchange, m);
  port& asker = *on->asker;
  wait_record& theirs = asker.wait_;
  if (theirs.progress() != wait_progress{wait_kind::answer} || theirs.on != on || exchange != on->sequence() ||
      exchange != on->taken_here.load(std::memory_order_relaxed))
    return reply_long(to, exchange, m);
  copy_message(*theirs.answer, id_, m);
  count(sent_);
  asker.count(asker.received_);
  asker.blocked_on_.store(nullptr, std::memory_order_release);
  theirs.progress() = wait_progress{wait_kind::answer, true, true};
  carrier_->make_ready_in_turn(*asker.waiting_task_);
  return errc::ok;
}

/// Whether this port may begin call `c` now and other threads have nothing for the carrier.
[[gnu::always_inline]] inline bool port::may_go_short(const carrier& here, call c) const {
  return waiting_task_ == nullptr && !is_hindered(c) && here.is_undisturbed();
}

/// Whether `on` leads to `to`, a process of this thread that waits for anything; who is gone waits for nothing.
[[gnu::always_inline]] inline bool port::leads_short(const link* on, endpoint_id to) const {
  return on != nullptr && on->server_id == to && on->local && on->allowed_ask_reply == broker_->epoch() &&
         on->server->accepting_ == any;
}

[[gnu::always_inline]] inline void port::ask_short(carrier& here, link& on, message& m) {
  port& to = *on.server;
  const std::uint32_t exchange = on.begin_exchange();
  blocked_on_.store(&on, std::memory_order_release);
  wait_.progress() = wait_progress{wait_kind::answer};
  wait_.answer = &m;
  wait_.on = &on;
  count(sent_);
  on.taken_here.store(exchange, std::memory_order_relaxed);
  to.last_served_ = &on;
  task& self = here.running();
  waiting_task_ = &self;
  state_.store(published_state{activity::awaiting_reply, false, 0, on.server_id}.word(), std::memory_order_release);
  to.accepting_ = none;
  incoming& in = *to.wait_.into;
  copy_message(in.content, id_, m);
  in.exchange = exchange;
  to.wait_.progress() = wait_progress{wait_kind::receive, true, true};
  to.count(to.received_);
  here.run_now(self, *to.waiting_task_);
}

[[gnu::always_inline]] inline void port::receive_short(carrier& here, incoming& in) {
  wait_.progress() = wait_progress{wait_kind::receive};
  wait_.source = any;
  wait_.into = &in;
  task& self = here.running();
  waiting_task_ = &self;
  publish({activity::receiving, false, 0, any});
  accepting_ = any;
  here.rest(self);
}

[[gnu::always_inline]] inline void port::end_short() {
  waiting_task_ = nullptr;
  published_running();
  wait_.progress() = wait_progress{};
}

}  // namespace dvs::userspace

#endif
