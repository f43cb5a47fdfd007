// SPDX-License-Identifier: MIT
/// @file
/// A proxy over packets: links to any number of nodes through one endpoint of a transport that may lose, repeat and
/// reorder what it carries. `udp_proxy` and `ethernet_proxy` are made of it.
#ifndef DVS_PROXIES_DATAGRAM_PROXY_HPP
#define DVS_PROXIES_DATAGRAM_PROXY_HPP

#include <concepts>
#include <dvs/proxies/datagram_session.hpp>
#include <dvs/proxy.hpp>
#include <map>
#include <memory>
#include <utility>

namespace dvs::proxies {

/// What carries the packets. No operation waits.
template <class Transport>
concept packet_transport = requires(Transport& t, typename Transport::address where, std::size_t bytes) {
  typename Transport::place;  ///< where a node receives, as a user writes it
  requires std::totally_ordered<typename Transport::address>;
  { t.address_of(std::declval<const typename Transport::place&>()) } -> std::same_as<typename Transport::address>;
  /// What becomes readable when packets have come, and writable when there is room again.
  { t.descriptor() } -> std::convertible_to<int>;
  /// Calls `use(from, packet)` for packets that have come; whether there may be more.
  {
    t.receive([](const typename Transport::address&, byte_view) {})
    } -> std::same_as<bool>;
  /// Whether a packet can be taken now; `room` is where to write it, and `send` has it sent, by `flush` at the latest.
  { t.has_room() } -> std::same_as<bool>;
  { t.room() } -> std::same_as<std::span<std::uint8_t>>;
  t.send(where, bytes);
  t.flush();
};

/// Of two nodes the one with the lower number greets, and greets again when the link is lost. Make and destroy it in
/// the context of its gate, which outlives it; see `tcp_proxy` for an example.
template <packet_transport Transport>
class datagram_proxy final : public proxy {
 public:
  using place = typename Transport::place;

  /// `how`: its node and incarnation are taken from the gate; `packet_bytes` is what the network below carries in one
  /// piece. Throws `dvs::error` as the transport says.
  datagram_proxy(gate& node, const link_settings& how, const place& here)
      : gate_(node), settings_(how), transport_(here, how.packet_bytes) {
    settings_.node = gate_.self();
    settings_.incarnation = gate_.incarnation();
    settings_.peer.reset();
    gate_.wake(*this);
  }
  datagram_proxy(const datagram_proxy&) = delete;
  datagram_proxy& operator=(const datagram_proxy&) = delete;
  ~datagram_proxy() override {
    gate_.remove(*this);
    gate_.forget(transport_.descriptor());
  }

  [[nodiscard]] const Transport& transport() const { return transport_; }

  /// Keeps a link to `peer`, which receives at `where`. Of two nodes both may expect each other. Said again, it holds
  /// for the next link. Throws `dvs::error` `bad_argument`: that is no address.
  void expect(node_id peer, const place& where) { expect(peer, where, settings_); }
  /// The same with settings of its own, which count as far as the peer offers as much.
  void expect(node_id peer, const place& where, const link_settings& how) {
    if (number(peer) <= number(gate_.self())) return;
    greeting& known = greeted_[peer];
    known.where = transport_.address_of(where);
    known.how = how;
    known.how.node = settings_.node;
    known.how.incarnation = settings_.incarnation;
    known.how.packet_bytes = settings_.packet_bytes;
    known.how.peer = peer;
    known.next = gate_.now();
    gate_.wake(*this);
  }
  /// Gives the present link to `peer` up, as if the network had; it will be greeted again.
  void drop(node_id peer) {
    for (auto& [where, l] : links_)
      if (l.linked_to == peer) l.session.close();
    gate_.wake(*this);
  }

  [[nodiscard]] std::optional<duration> round_trip(node_id peer) const override {
    for (const auto& [where, l] : links_)
      if (l.linked_to == peer) return l.session.measured_round_trip();
    return {};
  }

  void run() override {
    if (!transport_.receive([this](const address& from, byte_view packet) { hear(from, packet); }))
      gate_.wake_when(*this, transport_.descriptor(), readiness::readable);
    else
      gate_.wake(*this);
    greet();
    for (auto at = links_.begin(); at != links_.end();) {
      const auto current = at++;
      if (!pump(current->first, current->second)) close(current);
    }
    transport_.flush();
    if (!transport_.has_room()) gate_.wake_when(*this, transport_.descriptor(), readiness::writable);
    set_alarm();
  }

 private:
  using address = typename Transport::address;
  struct link {
    datagram_session session;
    std::optional<node_id> greets = {};            ///< whom we greet
    std::optional<node_id> linked_to = {};         ///< the gate knows the link
    std::unique_ptr<datagram_session> newer = {};  ///< the peer began anew, and has not proved it yet
  };
  struct greeting {
    address where;
    link_settings how;
    duration next;         ///< when it is tried again
    bool is_busy = false;  ///< a session is there
  };
  using link_list = std::map<address, link>;

  static constexpr duration pause = std::chrono::milliseconds(200);
  static constexpr std::size_t strangers_max =
      64;                                     ///< who have greeted with the key, but have not proved they are there
  static constexpr int packets_in_turn = 64;  ///< before other links have their turn

  // ---- Packets that come ----

  void hear(const address& from, byte_view packet) {
    const auto at = links_.find(from);
    const bool greets = datagram_session::is_greeting(packet);
    if (at == links_.end()) {
      if (greets) meet(from, packet);
      return;
    }
    link& known = at->second;
    if (greets && !known.greets && known.session.is_established())
      meet_again(known, packet);
    else
      known.session.receive(packet, gate_.now());
    if (known.newer != nullptr && !greets) {
      known.newer->receive(packet, gate_.now());
      if (known.newer->is_established()) replace(known);
    }
  }

  /// A listener for who greets with the key; nothing is kept of others.
  [[nodiscard]] std::optional<datagram_session> listen_to(byte_view packet) const {
    datagram_session made(settings_, link_role::listener, fresh_seed(), gate_.now());
    made.receive(packet, gate_.now());
    if (made.refusal() != errc::ok && !made.peer()) return {};
    return made;
  }

  void meet(const address& from, byte_view packet) {
    const auto strangers = std::ranges::count_if(links_, [](const auto& l) { return !l.second.linked_to; });
    if (static_cast<std::size_t>(strangers) >= strangers_max) return;
    if (auto made = listen_to(packet)) links_.emplace(from, link{std::move(*made)});
  }

  void meet_again(link& known, byte_view packet) {
    if (known.newer != nullptr && known.newer->error() == errc::ok) {
      known.newer->receive(packet, gate_.now());
    } else if (auto made = listen_to(packet)) {
      known.newer = std::make_unique<datagram_session>(std::move(*made));
    }
  }

  /// The peer has begun anew, and proved it.
  void replace(link& known) {
    if (known.linked_to) gate_.link_down(*std::exchange(known.linked_to, std::nullopt));
    known.session = std::move(*known.newer);
    known.newer.reset();
  }

  // ---- Links ----

  void greet() {
    for (auto& [peer, how] : greeted_) {
      if (how.is_busy || gate_.now() < how.next || links_.contains(how.where)) continue;
      how.is_busy = true;
      links_.emplace(how.where, link{datagram_session(how.how, link_role::dialler, fresh_seed(), gate_.now()), peer});
    }
  }

  void close(typename link_list::iterator at) {
    if (at->second.linked_to) gate_.link_down(*at->second.linked_to);
    if (at->second.greets) {
      greeting& how = greeted_[*at->second.greets];
      how.is_busy = false;
      how.next = gate_.now() + pause;
    }
    links_.erase(at);
  }

  /// Does what can be done without waiting; false: the link has ended.
  bool pump(const address& peer, link& l) {
    l.session.tick(gate_.now());
    if (l.session.is_established() && !l.linked_to && !join(l)) return false;
    if (l.linked_to && !deliver(l)) return false;
    int sent = send(peer, l.session);
    if (l.newer != nullptr) {
      l.newer->tick(gate_.now());
      sent += send(peer, *l.newer);
      if (l.newer->error() != errc::ok) l.newer.reset();
    }
    if (sent >= packets_in_turn) gate_.wake(*this);
    return l.session.error() == errc::ok;
  }

  /// Tells the gate who is there. A node that greets from another address has lost its old link.
  bool join(link& l) {
    const link_peer who = *l.session.peer();
    for (auto& [where, other] : links_) {
      if (other.linked_to != who.node) continue;
      other.session.close();
      other.linked_to.reset();
      gate_.link_down(who.node);
      gate_.wake(*this);  // to close it
    }
    if (gate_.link_up(who.node, who.incarnation, *this) != errc::ok) return false;
    l.linked_to = who.node;
    return true;
  }

  bool deliver(link& l) {
    for (byte_view frame = l.session.next_frame(); !frame.empty(); frame = l.session.next_frame())
      if (gate_.deliver(*l.linked_to, std::as_bytes(frame)) != errc::ok) return false;
    collect(l);
    return l.session.error() == errc::ok;
  }

  /// Takes frames from the gate.
  void collect(link& l) {
    for (;;) {
      const auto room = l.session.prepare(frame_bytes_max);
      if (!room) return;
      const std::size_t count = gate_.next_outgoing(*l.linked_to, std::as_writable_bytes(*room));
      if (count == 0) return;
      l.session.commit(count);
    }
  }

  /// Sends what the session has for its peer; how many packets.
  int send(const address& peer, datagram_session& from) {
    int sent = 0;
    for (; sent < packets_in_turn && transport_.has_room(); ++sent) {
      const std::size_t bytes = from.outgoing(transport_.room(), gate_.now());
      if (bytes == 0) break;
      transport_.send(peer, bytes);
    }
    return sent;
  }

  /// When to run again if nothing else happens.
  void set_alarm() {
    if (!transport_.has_room()) return;  // it runs when there is room again
    duration next = duration::max();
    for (const auto& [where, l] : links_) {
      next = std::min(next, l.session.next_deadline());
      if (l.newer != nullptr) next = std::min(next, l.newer->next_deadline());
    }
    for (const auto& [peer, how] : greeted_)
      if (!how.is_busy) next = std::min(next, how.next);
    if (next != duration::max()) gate_.wake_at(*this, next);
  }

  gate& gate_;
  link_settings settings_;
  Transport transport_;
  link_list links_;
  std::map<node_id, greeting> greeted_;
};

}  // namespace dvs::proxies

#endif
