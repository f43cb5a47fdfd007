// SPDX-License-Identifier: MIT
/// @file
/// Asking processes of other nodes. A command goes through the gateway; its completion is the end of the wait.
#ifndef DVS_BACKENDS_USERSPACE_PORT_ACROSS_HPP
#define DVS_BACKENDS_USERSPACE_PORT_ACROSS_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

inline void port::address(across_command& command, dvk_frame_kind kind, endpoint_id to, std::int32_t node) {
  command.ask.kind = static_cast<std::uint8_t>(kind);
  command.ask.dc = number(broker_->shared_id());
  command.ask.from = number(id_);
  command.ask.to = number(to);
  command.ask.to_node = static_cast<std::uint16_t>(node);
}

/// Has a command carried out that may take long.
inline errc port::wait_across(across_command& command, published_state doing, timeout limit) {
  across& gateway = *broker_->outside();
  command.waiter = carrier_;
  command.bell = bell_;
  command.number = &waiting_across_;
  command.is_rendezvous = true;
  began_.store(gateway.clock(), std::memory_order_relaxed);
  publish(doing);  // before others can look for cycles
  gateway.submit(command);
  const auto is_done = [&] { return command.done.load(std::memory_order_acquire); };
  // What was not given up there may still be taken: the wait goes on until both nodes agree how it ended.
  const auto give_up = [&] {
    if (enter_unchecked() == errc::shut_down)
      gateway.abandon(command);
    else
      gateway.give_up(command);
    while (!is_done()) carrier_->suspend(-1);
    return command.outcome == errc::cancelled;
  };
  const errc outcome = wait_until(doing, limit, nullptr, false, is_done, give_up);
  return outcome == errc::ok ? final_outcome(command.outcome) : outcome;
}

inline errc port::send_across(link& on, const message& m, timeout limit) {
  if (is_ghost()) {  // its own node sends there
    redirected_away_ = on.server_id;
    return errc::ok;
  }
  across_command sent;
  address(sent, limit.is_zero() ? DVK_FRAME_try_send : DVK_FRAME_send, on.server_id, on.server->node_);
  sent.ask.message = std::bit_cast<dvk_message>(m);
  const errc outcome =
      wait_across(sent, {activity::sending, false, 0, on.server_id}, limit.is_zero() ? forever : limit);
  if (outcome == errc::ok && sent.is_here_now) return moved_on;
  if (outcome == errc::ok) count(sent_);
  return outcome;
}

inline errc port::sendrec_across(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer) {
  if (is_ghost()) {  // its own node asks there
    redirected_away_ = on.server_id;
    return errc::ok;
  }
  const endpoint_id server = on.server_id;  // the link may go with its ghost
  across_command asked;
  address(asked, DVK_FRAME_request, server, on.server->node_);
  asked.ask.message = std::bit_cast<dvk_message>(m);
  asked.answer = &m;
  asked.request_number = &asking_across_;
  const published_state doing{activity::sending, false, 0, server};
  if (relayer != nullptr) {
    publish(doing);
    tell_relayer(*relayer);
  }
  const errc outcome = wait_across(asked, doing, limit);
  if (outcome != errc::ok) return outcome;
  wait_.redirect = asked.is_here_now ? server : asked.redirect;
  wait_.on = nullptr;
  if (asked.is_here_now) return errc::ok;
  count(sent_);
  if (asked.redirect == none) count(received_);
  return errc::ok;
}

/// The link to this process's node is lost: who listens to it, or waits for it on a direct way, is told.
inline void port::lose() {
  lost_.store(true, std::memory_order_seq_cst);
  adopt_new();
  for (const auto& [who, on] : directly_asked_) on->direct->sever();
  for (const auto& [who, on] : directly_served_) {
    on->direct->sever();
    on->lines.die(on->taken.load(std::memory_order_relaxed));
    on->ring_asker();
  }
  for (const auto& [who, on] : served_) {
    port& listener = *on->asker;
    if (!on->local) {
      on->lines.die(on->taken.load(std::memory_order_relaxed));
      on->ring_asker();
    } else if (listener.wait_.on == on.get() && !listener.wait_.done) {
      listener.complete(errc::not_connected);
    }
  }
}

/// Copies between this node and the memory `where` of another one. `here` is the side of this node.
inline errc port::copy_far(const dvk_memory& where, dvk_frame_kind kind, copy_side here, std::uint64_t bytes) {
  if (bytes == 0) return errc::ok;
  across_command copy;
  address(copy, kind, endpoint_id{where.owner}, where.node);
  copy.ask.from = where.grantee;
  copy.ask.part = {where.grant, where.address, bytes, 0, 0, where.depth};
  copy.here = here;
  return across_wait(carrier_).carry_out(*broker_->outside(), copy);
}

/// Copies between two other nodes, or two processes of another node.
inline errc port::copy_between_far(const dvk_memory& origin, const dvk_memory& destination, std::uint64_t bytes) {
  if (bytes == 0) return errc::ok;
  // A chain of grants may lead there in the name of two: then the bytes have to come here.
  if (origin.grantee != destination.grantee || destination.depth != 0)
    return copy_through_here(origin, destination, bytes);
  across_command copy;
  address(copy, DVK_FRAME_copy_across, endpoint_id{origin.owner}, origin.node);
  copy.ask.from = origin.grantee;
  copy.ask.part = {origin.grant, origin.address, bytes, 0, 0, origin.depth};
  copy.ask.into.grant = destination.grant;
  copy.ask.into.offset = destination.address;
  copy.ask.other = destination.owner;
  copy.ask.other_node = static_cast<std::uint16_t>(destination.node);
  const errc outcome = across_wait(carrier_).carry_out(*broker_->outside(), copy);
  return outcome == errc::not_supported ? copy_through_here(origin, destination, bytes) : outcome;
}

inline errc port::copy_through_here(dvk_memory origin, dvk_memory destination, std::uint64_t bytes) {
  std::vector<std::byte> some(std::min<std::uint64_t>(bytes, 1 << 20));
  errc outcome = errc::ok;
  while (bytes > 0 && outcome == errc::ok) {
    const std::uint64_t next = std::min<std::uint64_t>(bytes, some.size());
    outcome = copy_far(origin, DVK_FRAME_copy_out, copy_side::of(some.data()), next);
    if (outcome == errc::ok) outcome = copy_far(destination, DVK_FRAME_copy_in, copy_side::of(some.data()), next);
    origin.address += next;
    destination.address += next;
    bytes -= next;
  }
  return outcome;
}

}  // namespace dvs::userspace

#endif
