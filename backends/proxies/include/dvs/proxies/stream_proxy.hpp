// SPDX-License-Identifier: MIT
/// @file
/// A proxy over streams of bytes: links to any number of nodes, over one connection each. `tcp_proxy`, `tipc_proxy` and
/// `udt_proxy` are made of it.
#ifndef DVS_PROXIES_STREAM_PROXY_HPP
#define DVS_PROXIES_STREAM_PROXY_HPP

#include <concepts>
#include <dvs/proxies/stream_session.hpp>
#include <dvs/proxy.hpp>
#include <list>
#include <map>

namespace dvs::proxies {

/// A listening socket or a connection; closed when it goes. No operation waits.
template <class Socket>
concept stream_transport = std::movable<Socket> && std::default_initializable<Socket> &&
    requires(const Socket& s, const typename Socket::place& where, std::span<std::uint8_t> into, byte_view from) {
  { Socket::listen(where) } -> std::same_as<Socket>;   ///< throws `dvs::error`
  { Socket::connect(where) } -> std::same_as<Socket>;  ///< not valid: it cannot begin
  { s.is_valid() } -> std::same_as<bool>;
  { s.descriptor() } -> std::same_as<int>;                   ///< what poll(2) tells about it is so
  { s.connected() } -> std::same_as<errc>;                   ///< `ok`, `would_block`, `not_connected`
  { s.accept() } -> std::same_as<Socket>;                    ///< not valid: nobody calls
  { s.receive(into) } -> std::same_as<result<std::size_t>>;  ///< 0: the end
  { s.send(from) } -> std::same_as<result<std::size_t>>;
};

/// Of two nodes the one with the lower number dials, and dials again when the link is lost; the other one listens. Make
/// and destroy it in the context of its gate, which outlives it.
///
///     gate.run([&] {
///       proxy.emplace(gate, settings, ip_place{"10.0.0.1", 7300});
///       proxy->expect(node_id{2}, {"10.0.0.2", 7300});
///     });
template <stream_transport Socket>
class stream_proxy final : public proxy {
 public:
  using place = typename Socket::place;

  /// `how`: its node and incarnation are taken from the gate. Throws `dvs::error` if it cannot listen at `here`:
  /// `bad_argument` (no address), `busy` (it is taken), `access_denied`, `no_device` (not an address of this host),
  /// `not_supported` (this host has no such transport).
  stream_proxy(gate& node, const link_settings& how, const place& here) : gate_(node), settings_(how) {
    settings_.node = gate_.self();
    settings_.incarnation = gate_.incarnation();
    settings_.peer.reset();
    listening_ = Socket::listen(here);
    gate_.wake(door_);
  }
  stream_proxy(const stream_proxy&) = delete;
  stream_proxy& operator=(const stream_proxy&) = delete;
  ~stream_proxy() override {
    gate_.remove(*this);
    gate_.remove(door_);
    for (connection& each : connections_) forget(each);
    gate_.forget(listening_.descriptor());
  }

  [[nodiscard]] const Socket& listening() const { return listening_; }

  /// Keeps a link to `peer`, which listens at `where`. Of two nodes both may expect each other. Said again, it holds
  /// for the next link.
  void expect(node_id peer, place where) { expect(peer, std::move(where), settings_); }
  /// The same with settings of its own, which count as far as the peer offers as much.
  void expect(node_id peer, place where, const link_settings& how) {
    if (number(peer) <= number(gate_.self())) return;
    dialling& known = dialled_[peer];
    known.where = std::move(where);
    known.how = how;
    known.how.node = settings_.node;
    known.how.incarnation = settings_.incarnation;
    known.how.peer = peer;
    known.next = gate_.now();
    known.pause = first_pause;
    gate_.wake(*this);
  }
  /// Gives the present connection to `peer` up, as if the network had; it will be dialled again.
  void drop(node_id peer) {
    for (connection& each : connections_)
      if (each.linked_to == peer) each.session.close();
    gate_.wake(*this);
  }

  [[nodiscard]] std::optional<duration> round_trip(node_id peer) const override {
    if constexpr (requires(const Socket& socket) { socket.round_trip(); })
      for (const connection& each : connections_)
        if (each.linked_to == peer) return each.socket.round_trip();
    return {};
  }

  void run() override {
    dial();
    for (auto at = connections_.begin(); at != connections_.end();) {
      const auto current = at++;
      if (!pump(*current)) close(current);
    }
    set_alarm();
  }

 private:
  /// Runs when somebody calls.
  struct door final : proxy {
    explicit door(stream_proxy& of) : owner(of) {}
    void run() override { owner.take_callers(); }
    stream_proxy& owner;
  };
  /// Runs when the system has something for it: it is not asked otherwise, as that costs much.
  struct connection final : proxy {
    connection(stream_proxy& of, Socket&& made, stream_session&& begun)
        : owner(of), socket(std::move(made)), session(std::move(begun)) {}
    void run() override {
      is_ready = true;
      owner.gate_.wake(owner);
    }

    stream_proxy& owner;
    Socket socket;
    stream_session session;
    std::optional<node_id> dials;      ///< whom we called
    bool is_open = true;               ///< false while it is being dialled
    bool is_ready = true;              ///< there may be something to receive
    std::optional<node_id> linked_to;  ///< the gate knows the link
  };
  struct dialling {
    place where;
    link_settings how;
    duration next;         ///< when it is tried again
    duration pause;        ///< how long to wait after the next failure
    bool is_busy = false;  ///< a connection is there, or under way
  };

  static constexpr duration first_pause = std::chrono::milliseconds(50), longest_pause = std::chrono::seconds(2);
  static constexpr std::size_t strangers_max = 64;             ///< callers that have not proved who they are
  static constexpr std::size_t queued_bytes_enough = 1 << 18;  ///< frames beyond wait in the gate
  static constexpr int turns = 16;                             ///< reads before others have their turn

  // ---- Connections ----

  void take_callers() {
    for (;;) {
      Socket caller = listening_.accept();
      if (!caller.is_valid()) break;
      const auto strangers = std::ranges::count_if(connections_, [](const connection& c) { return !c.linked_to; });
      if (static_cast<std::size_t>(strangers) >= strangers_max) continue;
      connections_.emplace_back(*this, std::move(caller),
                                stream_session(settings_, link_role::listener, fresh_seed(), gate_.now()));
      gate_.wake(*this);
    }
    gate_.wake_when(door_, listening_.descriptor(), readiness::readable);
  }

  void dial() {
    for (auto& [peer, how] : dialled_) {
      if (how.is_busy || gate_.now() < how.next) continue;
      how.is_busy = true;
      connection& made = connections_.emplace_back(
          *this, Socket::connect(how.where), stream_session(how.how, link_role::dialler, fresh_seed(), gate_.now()));
      made.dials = peer;
      made.is_open = false;
    }
  }

  void close(typename std::list<connection>::iterator at) {
    if (at->linked_to) gate_.link_down(*at->linked_to);
    if (at->dials) {
      dialling& how = dialled_[*at->dials];
      if (at->linked_to) how.pause = first_pause;
      how.is_busy = false;
      how.next = gate_.now() + how.pause;
      how.pause = std::min(how.pause * 2, longest_pause);
    }
    forget(*at);
    connections_.erase(at);
  }
  void forget(connection& c) {
    gate_.remove(c);
    if (c.socket.is_valid()) gate_.forget(c.socket.descriptor());
  }

  /// When to run again if nothing else happens.
  void set_alarm() {
    duration next = duration::max();
    for (const connection& each : connections_) next = std::min(next, each.session.next_deadline());
    for (const auto& [peer, how] : dialled_)
      if (!how.is_busy) next = std::min(next, how.next);
    if (next != duration::max()) gate_.wake_at(*this, next);
  }

  // ---- One connection ----

  /// Does what can be done without waiting; false: it has ended.
  bool pump(connection& c) {
    if (!c.socket.is_valid()) return false;
    c.session.tick(gate_.now());
    if (!c.is_open && !finish_dialling(c)) return c.session.error() == errc::ok;
    return receive(c) && send(c) && c.session.error() == errc::ok;
  }

  /// Whether the connection is there now.
  bool finish_dialling(connection& c) {
    switch (c.socket.connected()) {
      case errc::ok:
        return c.is_open = true;
      case errc::would_block:
        gate_.wake_when(c, c.socket.descriptor(), readiness::writable);
        return false;
      default:
        c.session.close();
        return false;
    }
  }

  bool receive(connection& c) {
    for (int turn = 0; c.is_ready; ++turn) {
      if (turn == turns) {
        gate_.wake(*this);  // there is more
        return true;
      }
      const std::span<std::uint8_t> space = c.session.receive_space();
      if (space.empty()) return c.session.error() == errc::ok;
      const auto got = c.socket.receive(space);
      if (!got && got.error() != errc::would_block) return false;
      c.is_ready = got && *got == space.size();
      if (!got) break;
      if (*got == 0 || c.session.received(*got, gate_.now()) != errc::ok) return false;
      if (c.session.is_established() && !c.linked_to && !link(c)) return false;
      if (!deliver(c)) return false;
    }
    gate_.wake_when(c, c.socket.descriptor(), readiness::readable);
    return true;
  }

  /// Tells the gate who is there. A node that calls again has lost its old connection.
  bool link(connection& c) {
    const link_peer who = *c.session.peer();
    for (auto at = connections_.begin(); at != connections_.end(); ++at) {
      if (at->linked_to != who.node) continue;
      at->session.close();
      at->linked_to.reset();
      gate_.link_down(who.node);
      gate_.wake(*this);  // to close it
    }
    if (gate_.link_up(who.node, who.incarnation, *this) != errc::ok) return false;
    c.linked_to = who.node;
    return true;
  }

  bool deliver(connection& c) {
    for (byte_view frame = c.session.next_frame(); !frame.empty(); frame = c.session.next_frame())
      if (gate_.deliver(*c.linked_to, std::as_bytes(frame)) != errc::ok) return false;
    return c.session.error() == errc::ok;
  }

  bool send(connection& c) {
    for (;;) {
      if (c.linked_to) collect(c);
      const byte_view bytes = c.session.outgoing();
      if (bytes.empty()) return true;
      const auto sent = c.socket.send(bytes);
      if (!sent) {
        if (sent.error() != errc::would_block) return false;
        gate_.wake_when(c, c.socket.descriptor(), readiness::writable);
        return true;
      }
      c.session.consumed(*sent, gate_.now());
    }
  }

  /// Takes frames from the gate.
  void collect(connection& c) {
    while (c.session.queued_bytes() < queued_bytes_enough) {
      const auto room = c.session.prepare(frame_bytes_max);
      if (!room) return;
      const std::size_t count = gate_.next_outgoing(*c.linked_to, std::as_writable_bytes(*room));
      if (count == 0) return;
      c.session.commit(count);
    }
  }

  gate& gate_;
  link_settings settings_;
  Socket listening_;
  door door_{*this};
  std::list<connection> connections_;
  std::map<node_id, dialling> dialled_;
};

}  // namespace dvs::proxies

#endif
