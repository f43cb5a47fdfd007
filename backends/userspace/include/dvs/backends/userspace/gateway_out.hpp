// SPDX-License-Identifier: MIT
/// @file
/// What goes out: commands of processes here, and how they are completed.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_OUT_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_OUT_HPP

#include <dvs/backends/userspace/gateway.hpp>

namespace dvs::userspace {

/// Fragments of one copy that are under way at a time.
inline constexpr std::uint32_t fragments_in_flight = 16;

/// Puts a frame into the queue of its link; `what.frame.to_node` has one.
inline void gateway::queue(outgoing&& what) {
  peer_link& to = peers_.at(node_id{what.frame.to_node});
  what.frame.from_node = number(self_);
  if (to.queue.empty()) wake(*to.by);
  to.queue.push_back(std::move(what));
}

inline void gateway::queue_news(node_id to, dvk_frame_kind kind, dc_id dc) {
  queue_news(to, kind, dc, endpoint_id{0}, {});
}

inline void gateway::queue_news(node_id to, dvk_frame_kind kind, dc_id dc, endpoint_id about, const born& what) {
  outgoing news;
  news.frame.kind = static_cast<std::uint8_t>(kind);
  news.frame.dc = number(dc);
  news.frame.to_node = number(to);
  news.frame.from = number(about);
  news.frame.value = what.birth;
  news.frame.term = what.term;
  what.name.copy(news.frame.name, sizeof news.frame.name - 1);
  queue(std::move(news));
}

inline std::size_t gateway::next_outgoing(node_id peer, std::span<std::byte> room) {
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return 0;
  for (auto& waiting = at->second.queue; !waiting.empty();) {
    if (dvk_frame_bytes(&waiting.front().frame) > room.size()) return 0;
    outgoing next = std::move(waiting.front());
    waiting.pop_front();
    if (const std::size_t used = encode(next, room); used != 0) return used;
  }
  return 0;
}

/// Writes a frame and its data to `room`, which is large enough; 0 if it is not to be sent after all.
inline std::size_t gateway::encode(outgoing& what, std::span<std::byte> room) {
  what.frame.clock = clock();
  std::size_t used = 0;
  const auto with_data = [&](std::span<const std::byte> data) {
    what.frame.data = reinterpret_cast<const std::uint8_t*>(data.data());
    what.frame.data_bytes = static_cast<std::uint32_t>(data.size());
    dvk_frame_encode(&what.frame, reinterpret_cast<std::uint8_t*>(room.data()), room.size(), &used);
  };
  errc outcome = errc::ok;
  if (!what.kept.empty() || !dvk_frame_has_data(what.frame.kind, what.frame.result))
    with_data(what.kept);
  else
    outcome = what.data.read(what.data_at, what.frame.data_bytes, with_data);
  if (outcome == errc::ok) return used;
  // The memory that it was to carry is not granted any more.
  if (!dvk_frame_completes(what.frame.kind)) {
    complete(node_id{what.frame.to_node}, completion_of(what.frame, outcome));
    return 0;
  }
  what.frame.result = static_cast<int>(outcome);
  with_data({});
  return used;
}

// ---- Commands ----

/// Begins a command of a process here.
inline void gateway::open(across_command& command) {
  const node_id at{command.ask.to_node};
  if (!peers_.contains(at)) return finish(command, errc::not_connected);
  if (command.ask.kind == DVK_FRAME_copy_in || command.ask.kind == DVK_FRAME_copy_out) return open_fragments(command);
  outgoing asked;
  asked.frame = command.ask;
  asked.data = command.here;
  command.exchange = asked.frame.exchange = exchanges_.add({.at = at, .command = &command});
  if (command.number != nullptr) command.number->store(command.exchange, std::memory_order_release);
  if (command.request_number != nullptr) command.request_number->store(command.exchange, std::memory_order_release);
  if (command.is_rendezvous) expect_cycle(command);
  queue(std::move(asked));
}

/// Has as many fragments of a copy under way as may be.
inline void gateway::open_fragments(across_command& command) {
  const node_id at{command.ask.to_node};
  const std::uint64_t whole = command.ask.part.whole;
  while (command.outcome == errc::ok && command.next_at < whole && command.in_flight < fragments_in_flight) {
    outgoing asked;
    asked.frame = command.ask;
    dvk_wire_part& part = asked.frame.part;
    part.at = command.next_at;
    part.bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(whole - part.at, DVK_FRAGMENT_BYTES));
    if (command.ask.kind == DVK_FRAME_copy_in) {
      asked.frame.data_bytes = part.bytes;
      asked.data = command.here;
      asked.data_at = part.at;
    }
    command.next_at += part.bytes;
    ++command.in_flight;
    asked.frame.exchange =
        exchanges_.add({.at = at, .command = &command, .fragment_at = part.at, .fragment_bytes = part.bytes});
    queue(std::move(asked));
  }
  if (command.in_flight == 0) finish(command, command.outcome);
}

/// Sends a command of the gate itself.
inline void gateway::ask(outgoing&& command, std::function<void(const dvk_frame&)> done) {
  const node_id at{command.frame.to_node};
  if (!peers_.contains(at)) return done(completion_of(command.frame, errc::not_connected));
  command.frame.exchange = exchanges_.add({.at = at, .done = std::move(done)});
  queue(std::move(command));
}

/// Asks the other node to end a command that has no fragments.
inline void gateway::send_cancel(across_command& command) {
  open_exchange* const open = command.exchange == 0 ? nullptr : exchanges_.find(command.exchange);
  if (open == nullptr || std::exchange(command.cancelling, true)) return;
  outgoing cancel;
  cancel.frame.kind = DVK_FRAME_cancel;
  cancel.frame.dc = command.ask.dc;
  cancel.frame.to_node = command.ask.to_node;
  cancel.frame.from = command.ask.from;
  cancel.frame.to = command.ask.to;
  cancel.frame.value = command.exchange;
  ask(std::move(cancel), [](const dvk_frame&) {});
}

/// Whether a command is still open; one that is not may be gone, and only its address is looked at.
inline bool gateway::is_open(const across_command* command) {
  bool found = false;
  exchanges_.for_each([&](std::uint64_t, const open_exchange& open) { found = found || open.command == command; });
  return found;
}

/// Lets go of a command; its completion will find nobody.
inline void gateway::drop(across_command& command) {
  send_cancel(command);
  if (open_exchange* const open = exchanges_.find(command.exchange); open != nullptr) open->command = nullptr;
  finish(command, errc::cancelled);
}

/// Hands a command back to who waits for it. It may be gone when this returns.
inline void gateway::finish(across_command& command, errc outcome) {
  const std::shared_ptr<carrier> waiter = command.waiter;
  const std::uint32_t bell = command.bell;
  if (command.number != nullptr) command.number->store(0, std::memory_order_release);
  if (command.request_number != nullptr) command.request_number->store(0, std::memory_order_release);
  if (command.locked && outcome == errc::cancelled) outcome = errc::locked;
  command.outcome = outcome;
  command.done.store(true, std::memory_order_seq_cst);
  waiter->ring(bell);
}

/// A completion came. One that nobody waits for any more is dropped.
inline void gateway::complete(node_id from, const dvk_frame& completion) {
  open_exchange* const found = exchanges_.find(completion.exchange);
  if (found == nullptr || found->at != from) return;
  const open_exchange exchange = std::move(*found);
  exchanges_.remove(completion.exchange);
  if (completion.kind == DVK_FRAME_elsewhere && exchange.command != nullptr && exchange.fragment_bytes == 0)
    return pass_on(*exchange.command, completion);
  if (exchange.done) return exchange.done(completion);
  if (exchange.command == nullptr) return;
  across_command& command = *exchange.command;
  if (exchange.fragment_bytes != 0) return complete_fragment(command, exchange, completion);
  if (completion.kind == DVK_FRAME_redirect) {
    if (command.answer != nullptr) *command.answer = std::bit_cast<message>(completion.message);
    command.redirect = endpoint_id{completion.other};
    return finish(command, errc::ok);
  }
  if (completion.kind == DVK_FRAME_inspect_done && completion.result == DVK_E_ok && command.inspected != nullptr) {
    command.inspected->peer = endpoint_id{completion.other};
    if (completion.value != 0) command.inspected->doing = activity::awaiting_reply;
  }
  const bool answered = completion.kind == DVK_FRAME_answer && completion.result == DVK_E_ok;
  if (answered && command.answer != nullptr) *command.answer = std::bit_cast<message>(completion.message);
  finish(command, errc{completion.result});
}

inline void gateway::complete_fragment(across_command& command, const open_exchange& exchange,
                                       const dvk_frame& completion) {
  --command.in_flight;
  errc outcome{completion.result};
  if (outcome == errc::ok && command.ask.kind == DVK_FRAME_copy_out) {
    const auto* const data = reinterpret_cast<const std::byte*>(completion.data);
    outcome = completion.data_bytes != exchange.fragment_bytes
                  ? errc::io_error
                  : command.here.write(exchange.fragment_at, {data, completion.data_bytes});
  }
  if (command.outcome == errc::ok) command.outcome = outcome;
  open_fragments(command);
}

// ---- The end of a link ----

/// Ends what is open at a node.
inline void gateway::fail_exchanges(node_id at) {
  std::vector<std::uint64_t> lost;
  exchanges_.for_each([&](std::uint64_t exchange, const open_exchange& open) {
    if (open.at == at) lost.push_back(exchange);
  });
  for (const std::uint64_t exchange : lost) {
    dvk_frame refused{};
    refused.kind = DVK_FRAME_send_done;
    refused.result = DVK_E_not_connected;
    refused.exchange = exchange;
    complete(at, refused);
  }
}

}  // namespace dvs::userspace

#endif
