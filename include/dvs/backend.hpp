// SPDX-License-Identifier: MIT
/// @file
/// The contract between the API and a backend: a concept for the compiler, laws for the author of a backend.
///
/// A backend is a type with four nested types (`node`, `dc`, `port`, `condition`). The API classes of the same
/// names wrap them. The suite in `dvs/conformance/` checks every law below; instantiate it for a new backend.
///
/// ## Laws of a port (one bound endpoint)
///
/// Rendezvous
/// - R1. `send` completes exactly when the destination has taken the message, or with an error and the message was
///   taken by nobody. Each message is delivered once.
/// - R2. Waiting senders are served in the order in which they came; a receive from one source takes that source's
///   and leaves the others where they were.
/// - R3. `sendrec` completes with the answer of the process that took the request: by `reply`, or by a plain `send`
///   (MINIX). Nothing else ends its reply phase: no notification, no message of a third party.
/// - R4. `reply` never blocks, and succeeds only if the destination is in the reply phase of that exchange, or, with
///   exchange 0, waits in a receive for the caller alone; otherwise `errc::not_waiting` and nothing happens.
/// - R5. `relay` hands a taken request to another process, which sees the first caller as its source; the first
///   caller then waits for the new server only.
/// - R6. `receive_request` takes requests (sendrec) only; sends and notifications stay pending.
/// - R7. The backend writes the source; no sender can claim another one.
/// Notifications
/// - N1. `notify` never blocks. Before the receiver takes it, a second one from the same source adds only its value
///   bits. Only system processes can be notified (`errc::trap_denied`).
/// - N2. A receive takes notifications before messages, the lowest slot first, and only from the source asked for.
/// Waiting
/// - W1. With `no_wait` an operation that would wait fails with `errc::would_block` and changes nothing; a sendrec
///   with `no_wait` always does.
/// - W2. When the time has passed: `errc::timed_out`; when the wait is cancelled: `errc::cancelled`. A message that
///   was not taken is withdrawn; one that was taken stays taken, and its answer gets `errc::not_waiting`.
/// - W3. A cycle of processes that wait for each other to take a message does not wait for ever: the one whose call
///   would close it gets `errc::locked`.
/// Death
/// - D1. When a process is unbound, those sending to it get `errc::destination_died`, those waiting for a message or
///   an answer of it alone `errc::source_died`; receivers from any are not disturbed.
/// - D2. A stale endpoint gives `errc::bad_endpoint`, a free slot `errc::destination_died` (send, notify, reply),
///   `errc::source_died` (receive) or `errc::peer_died` (sendrec).
/// - D3. When a DC ends, every operation of its processes fails with `errc::shut_down`.
/// Memory
/// - M1. A copy moves all its bytes or none, only within the granted range and in the granted direction, only for
///   the endpoint the grant names; otherwise `errc::not_granted` or `errc::range`.
/// - M2. After `revoke` returns, the grant is refused, also when its entry is used again. Grants die with their owner.
/// Time and chance
/// - T1. `now` never goes back; an alarm arrives as a notification from `clock_task`, not before its time.
///
/// ## Thread safety of a port
/// A port belongs to one thread, and one operation that can block may be under way on it. `reply`, `notify`, grants
/// and copies may also be used from other fibers of that thread meanwhile. `dc::cancel` may come from any thread.
#ifndef DVS_BACKEND_HPP
#define DVS_BACKEND_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <dvs/ids.hpp>
#include <dvs/message.hpp>
#include <dvs/privileges.hpp>
#include <dvs/result.hpp>
#include <dvs/time.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dvs {

/// What a receive brings: the message, and how to answer it.
struct incoming {
  message content;         ///< the message; its `source` says who
  std::uint32_t exchange;  ///< which request of the source this is; 0 when no answer is expected
};

/// The directions in which a grant lets the grantee move bytes.
enum class access : std::uint8_t { read = 1, write = 2, read_write = 3 };

/// A range of granted memory, as one side of a copy names it.
struct granted_range {
  endpoint_id granter;  ///< whose grant it is
  grant_id grant;
  std::uint64_t offset;  ///< from the start of the granted memory, in bytes
};

/// How a process of a DC is to be bound.
struct bind_options {
  std::string_view name = {};                   ///< at most 15 bytes are kept
  const dvs::privileges* privileges = nullptr;  ///< null: the default of its class (system process or user process)
};

/// The part that a node has in a DC of several nodes. On each of them the DC is created with the same number and sizes.
struct dc_span {
  dc_id number{};              ///< under which all its nodes know the DC
  std::uint16_t position = 0;  ///< which of its nodes this is, from 0
  std::uint16_t nodes = 1;     ///< how many there are; each deals out a share of the user slots
  friend bool operator==(const dc_span&, const dc_span&) = default;
};

/// The sizes of a DC, fixed when it is created.
struct dc_options {
  std::uint32_t tasks = 64;          ///< slots below zero, 0 to 1,024
  std::uint32_t servers = 64;        ///< slots of servers, from 0; with the tasks they are the system processes
  std::uint32_t users = 4096;        ///< slots of user processes, after the servers
  std::uint32_t grants = 16384;      ///< entries of all grant tables together
  bool strict = false;               ///< processes share no memory: all between them goes through their node's daemon
  std::optional<dc_span> span = {};  ///< none: the DC is of this node alone
  friend bool operator==(const dc_options&, const dc_options&) = default;
};

/// What a process is doing, as others see it.
enum class activity : std::uint8_t { running, sending, receiving, awaiting_reply, sleeping };

/// One row of the process table.
struct process_info {
  endpoint_id endpoint;
  std::string name;
  activity doing;
  endpoint_id peer;             ///< whom it waits for; `any` or `none`
  std::uint64_t messages_sent;  ///< sends, requests, answers and notifications it made
  std::uint64_t messages_received;
  std::uint64_t copies;  ///< copies it asked for
  std::uint64_t bytes_copied;
  node_id node{};  ///< where it runs; of a process of another node only its endpoint and name are known
};

/// A DC as its administrator sees it.
struct dc_info {
  dc_id id;
  std::string name;
  bool running;
  dc_options sizes;
  std::uint32_t processes;  ///< bound now
  std::uint32_t grants;     ///< in use now
};

/// The abilities that a backend may lack. The conformance suite reports them by name.
struct abilities {
  bool threads = true;  ///< a DC's endpoints may be on several threads (`on_thread`)
  bool streams = true;  ///< `listen` gives byte streams to the outside world
};

/// What the API asks of one bound endpoint. See the laws above. A server that listens also needs `listen(port)`, which
/// gives a `result` of a `stream_listener`.
template <class Port>
concept backend_port = requires(Port& port, const Port& constant, endpoint_id peer, const message& out, message& inout,
                                incoming& in, timeout limit, std::uint32_t exchange, std::uint64_t value,
                                std::span<std::byte> bytes, std::span<const std::byte> data, granted_range range,
                                const bind_options& options, void (*body)(Port&)) {
  { constant.id() } -> std::same_as<endpoint_id>;
  { port.send(peer, out, limit) } -> std::same_as<errc>;
  { port.receive(peer, limit, in) } -> std::same_as<errc>;
  { port.receive_request(limit, in) } -> std::same_as<errc>;
  { port.sendrec(peer, inout, limit) } -> std::same_as<errc>;
  { port.reply(peer, exchange, out) } -> std::same_as<errc>;
  { port.relay(peer, exchange, peer, out) } -> std::same_as<errc>;
  { port.notify(peer, value) } -> std::same_as<errc>;
  { port.notify_as(peer, peer, value) } -> std::same_as<errc>;
  { port.grant(peer, bytes.data(), bytes.size(), access::read) } -> std::same_as<result<grant_id>>;
  { port.grant_indirect(peer, range, std::size_t{}, access::read) } -> std::same_as<result<grant_id>>;
  { port.revoke(grant_id{}) } -> std::same_as<errc>;
  { port.copy_from(range, bytes) } -> std::same_as<errc>;
  { port.copy_into(range, data) } -> std::same_as<errc>;
  { port.copy_between(range, range, std::size_t{}) } -> std::same_as<errc>;
  { port.vcopy(peer, value, peer, value, std::size_t{}) } -> std::same_as<errc>;
  { port.wait_bind(peer, limit) } -> std::same_as<errc>;
  { port.wait_unbind(peer, limit) } -> std::same_as<errc>;
  { port.watch_deaths() } -> std::same_as<errc>;
  { port.is_bound(peer) } -> std::same_as<bool>;
  { port.now() } -> std::same_as<duration>;
  { port.sleep_for(duration{}) } -> std::same_as<errc>;
  { port.set_alarm(limit) } -> std::same_as<errc>;
  { port.random() } -> std::same_as<std::uint64_t>;
  { port.yield() } -> std::same_as<void>;
  { port.spawn_fiber(peer, options, body) } -> std::same_as<result<endpoint_id>>;
};

/// What the API asks of a DC. One whose `abilities` include threads also has `spawn_thread`, like `spawn_fiber`.
template <class Dc, class Port>
concept backend_dc = requires(Dc& dc, endpoint_id who, const bind_options& options, const privileges& rights,
                              timeout limit, std::string_view name, void (*body)(Port&), int thread) {
  { dc.bind(who, options) } -> std::same_as<result<Port*>>;
  { dc.bind_thread(thread, who, options) } -> std::same_as<result<endpoint_id>>;
  { dc.wait_for_own_bind(limit) } -> std::same_as<result<Port*>>;
  { dc.unbind(std::declval<Port&>()) } -> std::same_as<void>;
  { dc.spawn_fiber(who, options, body) } -> std::same_as<result<endpoint_id>>;
  { dc.unbind(who, limit) } -> std::same_as<errc>;
  { dc.cancel(who) } -> std::same_as<errc>;
  { dc.set_privileges(who, rights) } -> std::same_as<errc>;
  { dc.privileges_of(who) } -> std::same_as<result<privileges>>;
  { dc.find(name) } -> std::same_as<result<endpoint_id>>;
  { dc.processes() } -> std::same_as<std::vector<process_info>>;
  { dc.info() } -> std::same_as<dc_info>;
  { dc.join() } -> std::same_as<void>;
  { dc.end() } -> std::same_as<void>;
};

/// What the API asks of a node: it makes DCs, which it outlives.
template <class Node, class Dc>
concept backend_node = requires(Node& node, const Node& constant, std::string_view name, const dc_options& sizes) {
  { node.create_dc(name, sizes).value() } -> std::convertible_to<std::shared_ptr<Dc>>;
  { node.open_dc(name).value() } -> std::convertible_to<std::shared_ptr<Dc>>;
  { node.dcs() } -> std::same_as<std::vector<dc_info>>;
  { constant.id() } -> std::same_as<node_id>;
};

/// What the API asks of a condition, on which fibers of one thread wait for something that is not a message.
template <class Condition, class Port>
concept backend_condition = std::default_initializable<Condition> &&
    requires(Condition& condition, Port& port, timeout limit) {
  { condition.wait(port, limit) } -> std::same_as<errc>;
  { condition.wake_one() } -> std::same_as<void>;
  { condition.wake_all() } -> std::same_as<void>;
};

/// A backend: the types that carry out the API.
template <class Backend>
concept backend = requires {
  typename Backend::node;
  typename Backend::dc;
  typename Backend::port;
  typename Backend::condition;
  { Backend::name } -> std::convertible_to<std::string_view>;
  { Backend::abilities } -> std::convertible_to<abilities>;
}
&&backend_port<typename Backend::port>&& backend_dc<typename Backend::dc, typename Backend::port>&&
    backend_node<typename Backend::node, typename Backend::dc>&&
        backend_condition<typename Backend::condition, typename Backend::port>;

}  // namespace dvs

#endif
