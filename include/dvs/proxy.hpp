// SPDX-License-Identifier: MIT
/// @file
/// Proxies: what carries frames between nodes, and the gate of a node, through which they go.
///
/// A *gate* belongs to a node. It turns what processes ask of other nodes into frames (docs/wire_format.md), and frames
/// of other nodes into operations here. A *proxy* moves frames between gates by a transport of its own and says when a
/// link comes up and goes down; it understands nothing of what it moves. Whoever derives from `proxy` connects nodes by
/// whatever moves bytes: see `examples/07_own_proxy`.
///
///     gate.link_up(peer, incarnation, *this);                      // the other gate can be reached
///     while (const auto n = gate.next_outgoing(peer, room)) ...    // frames for it, one by one
///     gate.deliver(peer, frame);                                   // a frame of it
///     gate.link_down(peer);                                        // whoever waits for it is told `not_connected`
///
/// What the transport owes the gates: frames between `link_up` and `link_down` arrive whole, once and in order, or the
/// link goes down. After `link_down` no frame of before is delivered, at either end. Source: DVK get2rmt and put2lcl.
///
/// Thread safety: a gate runs its proxies, by `proxy::run`, one at a time in a context of its own. All members of
/// `gate` belong there, but for `wake`, `self`, `incarnation` and `now`, which may be called from any thread.
#ifndef DVS_PROXY_HPP
#define DVS_PROXY_HPP

#include <dvs/dvk/frame.h>

#include <cstddef>
#include <cstdint>
#include <dvs/ids.hpp>
#include <dvs/result.hpp>
#include <dvs/time.hpp>
#include <optional>
#include <span>

namespace dvs {

/// The room that any frame fits, in bytes.
inline constexpr std::size_t frame_bytes_max = DVK_FRAME_BYTES_MAX;

/// Moves frames by some transport; runs when its gate lets it.
class proxy {
 public:
  virtual ~proxy() = default;
  /// Does what there is to do, without waiting: sends what goes out, delivers what came in. Called after `gate::wake`,
  /// when frames for a peer of this proxy begin to wait, and at the time given to `gate::wake_at`.
  virtual void run() = 0;
  /// How long something takes to a peer and back, if the transport measures that and there is a link.
  [[nodiscard]] virtual std::optional<duration> round_trip(node_id) const { return {}; }
};

/// What a proxy can wait for of a file descriptor.
enum class readiness : std::uint8_t { readable, writable };

/// The way in and out of a node.
class gate {
 public:
  /// The node.
  [[nodiscard]] virtual node_id self() const = 0;
  /// Tells this run of the node from earlier ones; a random number.
  [[nodiscard]] virtual std::uint64_t incarnation() const = 0;
  /// Time since some moment in the past, in nanoseconds; never goes back.
  [[nodiscard]] virtual duration now() const = 0;

  /// Has `which` run soon. May be called from any thread.
  virtual void wake(proxy& which) = 0;
  /// Has `which` run at `when` (on the clock of `now`), instead of an earlier time given to this.
  virtual void wake_at(proxy& which, duration when) = 0;
  /// Has `which` run once, when `descriptor` (a socket, a pipe: what poll(2) takes) is readable or writable. Until then
  /// asking again changes nothing. Errors: `bad_descriptor`, `not_supported` (the gate is not of this world).
  virtual errc wake_when(proxy& which, int descriptor, readiness what) = 0;
  /// Waits for `descriptor` no more; to be called before it is closed.
  virtual void forget(int descriptor) = 0;
  /// Forgets `which`: its links are down, and it does not run again. Nobody may wake it any more.
  virtual void remove(proxy& which) = 0;

  /// Frames from and to `peer` go through `by` from now on. Errors: `bad_argument` (`peer` is this node, or
  /// none of its cluster), `busy` (a link to this peer is up: two nodes have one at a time).
  virtual errc link_up(node_id peer, std::uint64_t incarnation, proxy& by) = 0;
  /// The link is lost. Every process that waits for one of the peer's gets `not_connected`. No link: nothing happens.
  virtual void link_down(node_id peer) = 0;

  /// Writes the next frame for `peer` to `room` and returns its length; 0 if none waits, or `room` is too small for the
  /// next one (`frame_bytes_max` never is).
  [[nodiscard]] virtual std::size_t next_outgoing(node_id peer, std::span<std::byte> room) = 0;
  /// Carries out a frame that came from `peer`; its bytes are not needed any more then. Errors: `not_connected` (there
  /// is no link), and those of dvk_frame_decode(), after which the link should be given up: the peer speaks something
  /// else.
  virtual errc deliver(node_id peer, std::span<const std::byte> frame) = 0;

 protected:
  ~gate() = default;
};

}  // namespace dvs

#endif
