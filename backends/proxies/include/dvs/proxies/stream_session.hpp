// SPDX-License-Identifier: MIT
/// @file
/// One side of a link over a transport that keeps bytes in order: TCP, UDT, TIPC streams, a pipe.
#ifndef DVS_PROXIES_STREAM_SESSION_HPP
#define DVS_PROXIES_STREAM_SESSION_HPP

#include <dvs/proxies/handshake.hpp>
#include <dvs/proxies/link_pulse.hpp>
#include <dvs/proxies/record_reader.hpp>
#include <dvs/proxies/record_writer.hpp>

namespace dvs::proxies {

/// A link from its first byte to its end. It knows no socket and no clock: its owner moves the bytes and tells the
/// time.
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
/// Frames are those of `dvs/dvk/wire.h`: the link looks at the length in their first four bytes and at nothing else.
/// They arrive once, in order and unaltered, or the session ends. `error()` then says why, and the owner closes the
/// transport once `outgoing()` is empty or cannot be written:
///
/// - `not_authentic`: the peer has another key or none, or bytes were altered, dropped, repeated or put in another
/// order;
/// - `not_supported`: the peer speaks no version of the link that we speak;
/// - `bad_node`: the peer is ourselves, or not the node that the settings name; `peer()` tells who it is;
/// - `bad_argument`, `range`: what the peer says is no handshake or no record of this protocol;
/// - `not_connected`: the peer was silent for too long, or `close` was called;
/// - `bad_value`: a setting is out of its range.
///
/// An ended session takes and gives nothing. What was queued may or may not have reached the peer.
///
/// Memory: at most twice `queue_bytes` and ten batches. Nothing is allocated for a frame once the buffers have reached
/// their size. Not thread-safe. Times are those of one clock, in any unit of `duration` since anything.
class stream_session {
 public:
  stream_session(const link_settings& settings, link_role role, const session_seed& seed, duration now)
      : handshake_(settings, role, link_transport::stream, seed),
        role_(role),
        error_(check(settings)),
        pulse_(settings, now),
        reader_(2 * record_head::bytes_max(std::clamp(settings.batch_bytes, batch_bytes_min, batch_bytes_max))),
        writer_(std::clamp(settings.batch_bytes, batch_bytes_min, batch_bytes_max), settings.queue_bytes),
        now_(now) {}

  // ---- receiving -------------------------------------------------------------------------------------------------

  /// Where to put the next bytes of the stream, which saves a copy. Empty: take frames out first, and do not read from
  /// the transport before. Valid until anything else is called.
  [[nodiscard]] std::span<std::uint8_t> receive_space() {
    return error_ == errc::ok ? reader_.space() : std::span<std::uint8_t>();
  }

  /// The transport put `count` bytes into the space. Returns `error()`.
  errc received(std::size_t count, duration now) {
    now_ = std::max(now_, now);
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

  /// The next frame; empty if there is none now, or `error()` tells that there will be none any more. Valid until
  /// anything else is called.
  [[nodiscard]] byte_view next_frame() {
    find_frames();
    if (error_ != errc::ok || !reader_.has_frames()) return {};
    const result<byte_view> frame = reader_.next_frame();
    if (!frame) end(frame.error());
    return frame.value_or({});
  }

  // ---- sending ---------------------------------------------------------------------------------------------------

  /// Queues a copy of a frame. Errors: `would_block` (not established yet, or the queue is full: the frame stays with
  /// the caller, who is better placed to keep it or to give up), `range` (the length is not that of a frame, or not the
  /// one in its first bytes), `error()`.
  [[nodiscard]] errc send_frame(byte_view frame) {
    if (frame.size() < record_head::bytes || get_number(frame.data(), 4) != frame.size()) return errc::range;
    const result<std::span<std::uint8_t>> place = prepare(frame.size());
    if (!place) return place.error();
    std::memcpy(place->data(), frame.data(), frame.size());
    commit(frame.size());
    return errc::ok;
  }

  /// A place to write a frame of `count` bytes into, for `dvk_frame_encode`, which saves a copy. Errors as above.
  [[nodiscard]] result<std::span<std::uint8_t>> prepare(std::size_t count) {
    if (error_ != errc::ok) return error_;
    if (state_ != state::established) return errc::would_block;
    return writer_.prepare(count);
  }
  /// The frame is in the place. Nothing else was called since; a place that is not committed is given up.
  void commit(std::size_t count) { writer_.commit(count); }

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
    now_ = std::max(now_, now);
    if (count == 0) return;
    pulse_.sent(now_);
    if (greeted_bytes_ < greeting().size())
      greeted_bytes_ += count;
    else
      writer_.stream().pop(count);
  }

  /// How many bytes wait to be sent, of at most `queue_bytes` and the head of each record.
  [[nodiscard]] std::size_t queued_bytes() const { return writer_.queued_bytes() + greeting().size() - greeted_bytes_; }

  // ---- state -----------------------------------------------------------------------------------------------------

  /// Whether both sides have proved the key, so that frames may be sent.
  [[nodiscard]] bool is_established() const { return state_ == state::established && error_ == errc::ok; }
  /// `ok`, or why the session ended.
  [[nodiscard]] errc error() const { return error_; }
  /// Who is at the other end, once it has said so; also if it was refused for that.
  [[nodiscard]] std::optional<link_peer> peer() const { return peer_; }
  /// What holds on this link. Meaningful once established.
  [[nodiscard]] const link_agreement& agreement() const { return handshake_.agreement(); }

  /// The transport is closed, or the owner wants no more: ends the session as `not_connected`, if it has not ended.
  void close() { end(errc::not_connected); }

  // ---- time ------------------------------------------------------------------------------------------------------

  /// Does what is due: a heartbeat, the end of a silent link. The peer is not blamed for silence while frames wait to
  /// be taken out, since what it said later may lie behind them.
  void tick(duration now) {
    now_ = std::max(now_, now);
    if (error_ != errc::ok) return;
    find_frames();
    if (reader_.has_frames()) pulse_.heard(now_);
    if (now_ >= pulse_.dead_at()) return end(errc::not_connected);
    if (is_established() && queued_bytes() == 0 && now_ >= pulse_.heartbeat_at()) writer_.heartbeat();
  }

  /// When to call `tick` again at the latest; `duration::max()` if never.
  [[nodiscard]] duration next_deadline() const {
    if (error_ != errc::ok) return duration::max();
    const bool idle = is_established() && queued_bytes() == 0;
    return idle ? std::min(pulse_.heartbeat_at(), pulse_.dead_at()) : pulse_.dead_at();
  }

 private:
  /// A listener has answered but not yet heard a record, which alone proves that the peer is there and no recording.
  enum class state : std::uint8_t { greeting, answered, established };

  /// Our part of the handshake. Those who were refused for who they are get it too: they have the key, and learn why.
  [[nodiscard]] byte_view greeting() const {
    return error_ == errc::ok || is_about_peer(error_) ? handshake_.to_send() : byte_view();
  }
  [[nodiscard]] static bool is_about_peer(errc error) {
    return error == errc::bad_node || error == errc::not_supported;
  }

  void end(errc why) {
    if (error_ == errc::ok) error_ = why;
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
    const bool dials = role_ == link_role::dialler;
    const secret_bytes* const ours = dials ? &keys.dialler : &keys.listener;
    const secret_bytes* const theirs = dials ? &keys.listener : &keys.dialler;
    reader_.open(agreement(), agreement().sealed ? theirs : nullptr);
    writer_.open(agreement(), agreement().sealed ? ours : nullptr);
    state_ = dials ? state::established : state::answered;
    if (dials) writer_.heartbeat();  // the proof that the listener waits for
  }

  /// Goes to the next record with frames in it.
  void find_frames() {
    while (error_ == errc::ok && state_ != state::greeting && !reader_.has_frames()) {
      const errc outcome = reader_.next_record();
      if (outcome == errc::would_block) return;
      if (outcome != errc::ok) return end(outcome);
      pulse_.heard(now_);
      state_ = state::established;
    }
  }

  handshake handshake_;
  link_role role_;
  state state_ = state::greeting;
  errc error_;
  link_pulse pulse_;
  record_reader reader_;
  record_writer writer_;
  duration now_;
  std::optional<link_peer> peer_;
  std::size_t greeted_bytes_ = 0;
};

}  // namespace dvs::proxies

#endif
