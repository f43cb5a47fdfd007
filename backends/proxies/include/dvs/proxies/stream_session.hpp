// SPDX-License-Identifier: MIT
/// @file
/// One side of a link over a transport that keeps bytes in order: TCP, UDT, TIPC streams, a pipe.
#ifndef DVS_PROXIES_STREAM_SESSION_HPP
#define DVS_PROXIES_STREAM_SESSION_HPP

#include <dvs/proxies/link_session.hpp>

namespace dvs::proxies {

/// A link over a stream. How its owner drives it:
///
///     stream_session link(settings, link_role::dialler, fresh_seed(), now);
///     while (link.error() == errc::ok) {
///       if (readable)  link.received(read(socket, link.receive_space()), now)   // or receive(bytes, now)
///       while (auto frame = link.next_frame(); !frame.empty())  deliver(frame)
///       while there is a frame to send and link.send_frame(frame) takes it {}
///       if (writable)  link.consumed(write(socket, link.outgoing()), now)
///       link.tick(now), then wait for the socket until link.next_deadline()
///     }
///
/// After the end the owner closes the transport once `outgoing()` is empty or cannot be written. Memory: at most twice
/// `queue_bytes` and ten batches.
class stream_session : public link_session {
 public:
  stream_session(const link_settings& settings, link_role role, const session_seed& seed, duration now)
      : link_session(settings, role, link_transport::stream, seed, now,
                     2 * record_head::bytes_max(batch_bytes_of(settings))) {}

  /// Where to put the next bytes of the stream, which saves a copy. Empty: take frames out first, and do not read from
  /// the transport before. Valid until anything else is called.
  [[nodiscard]] std::span<std::uint8_t> receive_space() {
    return error_ == errc::ok ? reader_.space() : std::span<std::uint8_t>();
  }

  /// The transport put `count` bytes into the space. Returns `error()`.
  errc received(std::size_t count, duration now) {
    pass_time(now);
    if (error_ != errc::ok) return error_;
    reader_.grow(count);
    if (state_ == state::greeting) hear_greeting();
    find_frames();
    return error_;
  }

  /// Takes bytes of the stream and returns how many: fewer than there are if frames have to be taken out first. Fails
  /// with `error()`.
  [[nodiscard]] result<std::size_t> receive(byte_view bytes, duration now) {
    std::size_t taken = 0;
    do {
      const std::span<std::uint8_t> space = receive_space();
      const std::size_t count = std::min(space.size(), bytes.size() - taken);
      if (count > 0) std::memcpy(space.data(), bytes.data() + taken, count);
      if (const errc wrong = received(count, now); wrong != errc::ok) return wrong;
      taken += count;
      if (count == 0) break;
    } while (taken < bytes.size());
    return taken;
  }

  /// What the transport should send now: the frames queued so far, batched. Empty if there is nothing. Valid until
  /// anything but `send_frame` is called.
  [[nodiscard]] byte_view outgoing() {
    if (greeted_bytes_ < greeting().size()) return greeting().subspan(greeted_bytes_);
    if (error_ != errc::ok || state_ != state::established) return {};
    if (writer_.stream().size() == 0) writer_.finish();
    return writer_.stream().front();
  }

  /// The transport took the first `count` bytes of `outgoing()`.
  void consumed(std::size_t count, duration now) {
    pass_time(now);
    if (count == 0) return;
    pulse_.sent(now_);
    if (greeted_bytes_ < greeting().size())
      greeted_bytes_ += count;
    else
      writer_.stream().pop(count);
  }

  /// How many bytes wait to be sent: frames, at most `queue_bytes`, and the heads of their records.
  [[nodiscard]] std::size_t queued_bytes() const {
    return writer_.queued_bytes() + greeting().size() - std::min(greeted_bytes_, greeting().size());
  }

  /// Does what is due: a heartbeat, the end of a silent link. The peer is not blamed for silence while frames wait to
  /// be taken out.
  void tick(duration now) {
    pass_time(now);
    if (error_ != errc::ok || !check_pulse()) return;
    if (is_idle() && now_ >= pulse_.heartbeat_at()) writer_.heartbeat();
  }

  /// When to call `tick` again at the latest; `duration::max()` if never.
  [[nodiscard]] duration next_deadline() const {
    if (error_ != errc::ok) return duration::max();
    return is_idle() ? std::min(pulse_.heartbeat_at(), pulse_.dead_at()) : pulse_.dead_at();
  }

 private:
  [[nodiscard]] bool is_idle() const { return is_established() && queued_bytes() == 0; }

  /// Our part of the handshake. Those who were refused for who they are get it too: they have the key, and learn why.
  [[nodiscard]] byte_view greeting() const {
    return error_ == errc::ok || is_about_peer(error_) ? handshake_.to_send() : byte_view();
  }

  void hear_greeting() {
    const byte_view said = reader_.unread();
    if (said.size() < handshake::header_bytes) return;
    if (const errc wrong = handshake_.check_header(said.first<handshake::header_bytes>()); wrong != errc::ok)
      return end(wrong);
    if (said.size() < handshake::message_bytes) return;
    const errc verdict = handshake_.receive(said.first<handshake::message_bytes>());
    if (verdict == errc::ok || is_about_peer(verdict)) peer_ = handshake_.peer();
    if (verdict != errc::ok) return end(verdict);
    reader_.skip(handshake::message_bytes);
    pulse_.heard(now_);
    pulse_.follow(agreement());
    const direction_keys keys = handshake_.keys();
    handshake_.forget();
    const bool dials = role_ == link_role::dialler;
    reader_.open(agreement(), agreement().sealed ? &keys.of(!dials) : nullptr);
    writer_.open(agreement(), agreement().sealed ? &keys.of(dials) : nullptr);
    state_ = dials ? state::established : state::answered;
    if (dials) writer_.heartbeat();  // the proof that the listener waits for
  }

  std::size_t greeted_bytes_ = 0;
};

}  // namespace dvs::proxies

#endif
