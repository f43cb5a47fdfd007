// SPDX-License-Identifier: MIT
/// @file
/// The endpoint: a process's place in its DC, and everything it can do there.
#ifndef DVS_ENDPOINT_HPP
#define DVS_ENDPOINT_HPP

#include <dvs/backend.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>
#include <ranges>

namespace dvs {

/// What a receive brought.
struct received : incoming {
  /// Who sent it, in the form that `reply` takes.
  [[nodiscard]] caller from() const { return {content.source, exchange}; }
  /// Whether the sender waits for an answer.
  [[nodiscard]] bool is_request() const { return exchange != 0; }
  /// Whether it is a notification; `as_notification` then reads it.
  [[nodiscard]] bool is_notification() const { return dvs::is_notification(content); }
  [[nodiscard]] notification as_notification() const { return get<notification>(content); }
  /// Whether it is a `Body`; `as<Body>()` then reads it.
  template <typed_message Body>
  [[nodiscard]] bool is() const {
    return content.type == static_cast<std::int32_t>(Body::opcode);
  }
  template <typed_message Body>
  [[nodiscard]] Body as() const {
    return get<Body>(content);
  }
};

/// A range whose bytes can be granted: contiguous, of trivially copyable elements.
template <class Range>
concept byte_range = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
    std::is_trivially_copyable_v<std::ranges::range_value_t<Range>>;

/// A bound process: it sends, receives, answers, grants and copies under its endpoint.
///
/// Every operation that can wait takes a timeout: `dvs::no_wait`, a duration, or `dvs::forever` (the default).
/// The laws that the operations keep are written beside `concept backend`.
///
/// Errors common to all: `errc::not_bound` (the endpoint was unbound), `errc::shut_down` (the DC ended),
/// `errc::bad_call` and `errc::trap_denied` (privileges), `errc::timed_out`, `errc::cancelled`.
///
/// Thread safety: an endpoint belongs to the thread that bound it, and one operation that can wait may be under way.
/// `reply`, `notify`, grants and copies may be used from other fibers of the same thread meanwhile.
template <backend Backend>
class endpoint {
 public:
  using backend_type = Backend;
  using port_type = typename Backend::port;

  /// Wraps a port; the API makes endpoints, programs are handed them.
  explicit endpoint(port_type& port) noexcept : port_(port) {}
  endpoint(const endpoint&) = delete;
  endpoint& operator=(const endpoint&) = delete;

  /// The name of this process in its DC.
  [[nodiscard]] endpoint_id id() const { return port_.id(); }

  // ---- Messages ----------------------------------------------------------------------------------------------

  /// Sends `body` and waits until `to` has taken it. Source: M3-IPC send; MINIX rendezvous.
  /// Errors: `bad_destination` (to itself), `destination_died`, `bad_endpoint`, `locked`, `would_block`.
  template <typed_message Body>
  result<void> send(endpoint_id to, const Body& body, timeout limit = forever) {
    message out = typed(body);
    return port_.send(to, out, limit);
  }
  /// Sends a message as it is; its `source` is ignored.
  result<void> send(endpoint_id to, const message& out, timeout limit = forever) { return port_.send(to, out, limit); }

  /// Waits for a message or a notification, from `source` or from anybody.
  /// Errors: `source_died`, `bad_endpoint`, `would_block`.
  [[gnu::always_inline]] result<received> receive(endpoint_id source = any, timeout limit = forever) {
    result<received> got{std::in_place};
    if (const errc outcome = port_.receive(source, limit, *got); outcome != errc::ok) got = outcome;
    return got;
  }

  /// Waits for a request (sendrec) of anybody; other messages and notifications stay pending. Source: rcvrqst.
  result<received> receive_request(timeout limit = forever) {
    result<received> got{std::in_place};
    if (const errc outcome = port_.receive_request(limit, *got); outcome != errc::ok) got = outcome;
    return got;
  }

  /// Asks `to` and waits for its answer; one timeout covers both. An error that the server answered is returned as
  /// if it were ours. Errors: `peer_died`, `destination_died`, `source_died` (it died with the request), `locked`,
  /// `would_block` (always with `no_wait`), and whatever the protocol of the server says.
  template <request Request>
  [[gnu::always_inline]] result<typename Request::reply> sendrec(endpoint_id to, const Request& ask,
                                                                 timeout limit = forever) {
    message inout = typed(ask);
    const errc outcome = port_.sendrec(to, inout, limit);
    if (outcome != errc::ok) return outcome;
    if (const errc refused = outcome_of(inout); refused != errc::ok) return refused;
    return get<typename Request::reply>(inout);
  }
  /// Sends `inout` and replaces it by the answer, whatever its type.
  result<void> sendrec(endpoint_id to, message& inout, timeout limit = forever) {
    return port_.sendrec(to, inout, limit);
  }

  /// Answers a caller; never waits. `errc::not_waiting` when the caller gave up or died meanwhile.
  template <message_body Reply>
  requires(!std::same_as<Reply, message>) result<void> reply(caller to, const Reply& body) {
    message out;
    out.source = id();
    out.type = answer_type(errc::ok);
    put(out, body);
    return port_.reply(to.endpoint, to.exchange, out);
  }
  /// Answers a caller with an error.
  result<void> reply(caller to, errc refused) {
    message out{};
    out.type = answer_type(refused);
    return port_.reply(to.endpoint, to.exchange, out);
  }
  /// Answers with a message as it is, for MINIX-style code: its `type` is the result code.
  result<void> reply(caller to, const message& out) { return port_.reply(to.endpoint, to.exchange, out); }

  /// Hands a request on: `to` sees the first caller as its source and answers it directly. Waits until `to` has the
  /// request queued, not until it takes it. Source: M3-IPC relay.
  /// Errors: `not_waiting` (the caller gave up), `destination_died`, `trap_denied`.
  result<void> relay(const received& request, endpoint_id to) {
    return port_.relay(request.content.source, request.exchange, to, request.content);
  }

  /// Tells a system process that something happened; never waits. `value` bits of pending notifications are or-ed.
  result<void> notify(endpoint_id to, std::uint64_t value = 0) { return port_.notify(to, value); }
  /// Notifies in the name of another system process or pseudo source; system processes only (`errc::no_privilege`).
  result<void> notify_as(endpoint_id source, endpoint_id to, std::uint64_t value = 0) {
    return port_.notify_as(source, to, value);
  }

  // ---- Memory ------------------------------------------------------------------------------------------------

  /// Lets `to` read `memory` while the grant lives. Errors: `no_space` (the DC's grant table is full).
  template <byte_range Range>
  result<grant<Backend, readable>> grant_read(endpoint_id to, const Range& memory) {
    const auto bytes = std::as_bytes(std::span{memory});
    return granted<readable>(port_.grant(to, const_cast<std::byte*>(bytes.data()), bytes.size(), access::read));
  }
  /// Lets `to` write `memory` while the grant lives.
  template <byte_range Range>
  result<grant<Backend, writable>> grant_write(endpoint_id to, Range&& memory) {
    const auto bytes = std::as_writable_bytes(std::span{memory});
    return granted<writable>(port_.grant(to, bytes.data(), bytes.size(), access::write));
  }
  /// Passes a part of a grant that this process received on to `to`. Errors: `loop` (more than five in a chain).
  template <class Access>
  result<grant<Backend, Access>> grant_onward(endpoint_id to, grant_ref<Access> ref, std::uint64_t offset,
                                              std::size_t bytes) {
    constexpr auto direction = std::same_as<Access, readable> ? access::read : access::write;
    return granted<Access>(port_.grant_indirect(to, {ref.granter, ref.id, offset}, bytes, direction));
  }

  /// Copies `into.size()` bytes out of granted memory, from `offset` on.
  /// Errors: `not_granted`, `range`, `source_died`, `loop`.
  result<void> copy_from(grant_ref<readable> from, std::span<std::byte> into, std::uint64_t offset = 0) {
    return port_.copy_from({from.granter, from.id, offset}, into);
  }
  /// Copies `bytes` into granted memory, from `offset` on.
  /// Errors: `not_granted`, `range`, `destination_died`, `loop`.
  result<void> copy_into(grant_ref<writable> into, std::span<const std::byte> bytes, std::uint64_t offset = 0) {
    return port_.copy_into({into.granter, into.id, offset}, bytes);
  }
  /// Copies several pieces; stops at the first error, earlier pieces stay copied.
  result<void> copy_from(grant_ref<readable> from, std::span<const copy_piece> pieces) {
    for (const auto& piece : pieces)
      if (auto copied = copy_from(from, piece.memory, piece.offset); !copied) return copied;
    return {};
  }
  /// Copies several pieces; stops at the first error, earlier pieces stay copied.
  result<void> copy_into(grant_ref<writable> into, std::span<const const_copy_piece> pieces) {
    for (const auto& piece : pieces)
      if (auto copied = copy_into(into, piece.memory, piece.offset); !copied) return copied;
    return {};
  }
  /// Copies between two other processes, both of which granted the memory to this one.
  result<void> copy_between(grant_ref<readable> from, std::uint64_t from_offset, grant_ref<writable> into,
                            std::uint64_t into_offset, std::size_t bytes) {
    return port_.copy_between({from.granter, from.id, from_offset}, {into.granter, into.id, into_offset}, bytes);
  }
  /// Copies by address, without grants, for SYSTASK and ported servers. Each side is this process (`dvs::own`) or
  /// one that is blocked in a receive. Errors: `no_privilege` (caller is no system process), `not_waiting`.
  result<void> vcopy(endpoint_id from, std::uint64_t from_address, endpoint_id into, std::uint64_t into_address,
                     std::size_t bytes) {
    return port_.vcopy(from, from_address, into, into_address, bytes);
  }

  // ---- Other processes ---------------------------------------------------------------------------------------

  /// Waits until `who` is bound. Errors: `bad_endpoint` (stale).
  result<void> wait_bind(endpoint_id who, timeout limit = forever) { return port_.wait_bind(who, limit); }
  /// Waits until `who` is not bound any more.
  result<void> wait_unbind(endpoint_id who, timeout limit = forever) { return port_.wait_unbind(who, limit); }
  /// From now on a notification from `process_events` arrives after any process was unbound; system processes only.
  result<void> watch_deaths() { return port_.watch_deaths(); }
  /// Whether `who` is bound now.
  [[nodiscard]] bool is_bound(endpoint_id who) { return port_.is_bound(who); }

  // ---- Time and chance ---------------------------------------------------------------------------------------

  /// Time since the node started.
  [[nodiscard]] duration now() { return port_.now(); }
  /// Waits; other fibers of the thread run meanwhile. Errors: `cancelled`, `shut_down`.
  result<void> sleep_for(duration length) { return port_.sleep_for(length); }
  /// Asks for one notification from `clock_task` after `delay`; `forever` takes the alarm back, a new one replaces it.
  result<void> set_alarm(timeout delay) { return port_.set_alarm(delay); }
  /// Evenly distributed bits; a function of the seed in the simulator.
  [[nodiscard]] std::uint64_t random() { return port_.random(); }
  /// Lets other fibers of the thread run.
  void yield() { port_.yield(); }

  // ---- Context -----------------------------------------------------------------------------------------------

  /// Starts `body(endpoint&)` as a fiber of this thread, with an endpoint of its own (a free user slot unless `who`
  /// is given). A server uses this for work that waits while it goes on receiving.
  template <class Body>
  result<endpoint_id> spawn(Body body, endpoint_id who = own, const bind_options& options = {}) {
    return port_.spawn_fiber(who, options, [body = std::move(body)](port_type& port) mutable {
      endpoint self(port);
      body(self);
    });
  }

  /// Listens on TCP `port` of the host (0: any free one), for servers that face the outside world.
  /// Errors: `busy` (the port is taken), `access_denied`, `not_supported` (see `abilities::streams`).
  [[nodiscard]] auto listen(std::uint16_t port) { return port_.listen(port); }

  /// The port under this endpoint, for code that extends the API.
  [[nodiscard]] port_type& port() { return port_; }

 private:
  template <class Body>
  static message typed(const Body& body) {
    message out;
    out.source = none;
    out.type = static_cast<std::int32_t>(Body::opcode);
    put(out, body);
    return out;
  }
  template <class Access>
  result<grant<Backend, Access>> granted(result<grant_id> made) {
    if (!made) return made.error();
    return grant<Backend, Access>(port_, *made);
  }

  port_type& port_;
};

/// What fibers of one thread wait on for something that is not a message. No thread safety: one thread only.
template <backend Backend>
class condition {
 public:
  /// Waits until another fiber wakes it. Errors: `timed_out`, `cancelled`, `shut_down`.
  result<void> wait(endpoint<Backend>& self, timeout limit = forever) { return condition_.wait(self.port(), limit); }
  /// Wakes the one that waits longest.
  void wake_one() { condition_.wake_one(); }
  /// Wakes all.
  void wake_all() { condition_.wake_all(); }

 private:
  typename Backend::condition condition_;
};

}  // namespace dvs

#endif
