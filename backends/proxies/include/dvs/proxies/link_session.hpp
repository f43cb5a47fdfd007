// SPDX-License-Identifier: MIT
/// @file
/// What sessions over streams and over datagrams have in common: frames in and out, and the state of the link.
#ifndef DVS_PROXIES_LINK_SESSION_HPP
#define DVS_PROXIES_LINK_SESSION_HPP

#include <dvs/proxies/handshake.hpp>
#include <dvs/proxies/link_pulse.hpp>
#include <dvs/proxies/record_reader.hpp>
#include <dvs/proxies/record_writer.hpp>

namespace dvs::proxies {

/// A link from its first byte to its end. It knows no socket and no clock: its owner moves the bytes and tells the
/// time.
///
/// Frames are those of `dvs/dvk/wire.h`: the link looks at the length in their first four bytes and at nothing else.
/// They arrive once, in order and unaltered, or the session ends and `error()` says why:
///
/// - `not_authentic`: the peer has another key or none, or bytes were altered, dropped, repeated or put in another
/// order;
/// - `not_supported`: the peer speaks no version of the link that we speak;
/// - `bad_node`: the peer is ourselves, or not the node that the settings name; `peer()` tells who it is;
/// - `bad_argument`, `range`: what the peer says is not of this protocol;
/// - `not_connected`: the peer was silent for too long, or `close` was called;
/// - `bad_value`: a setting is out of its range.
///
/// An ended session takes and gives nothing. What was queued may or may not have reached the peer.
///
/// Nothing is allocated for a frame once the buffers have reached their size. Not thread-safe. Times are those of one
/// clock, which never goes back, and count from anything.
class link_session {
 public:
  // ---- receiving -------------------------------------------------------------------------------------------------

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

 protected:
  /// A listener has answered but not yet heard anything under the keys of the session, which alone proves that the peer
  /// is there and no recording.
  enum class state : std::uint8_t { greeting, answered, established };

  link_session(const link_settings& settings, link_role role, link_transport transport, const session_seed& seed,
               duration now, std::size_t reader_capacity)
      : handshake_(settings, role, transport, seed),
        role_(role),
        error_(check(settings, transport)),
        now_(now),
        pulse_(settings, now),
        reader_(reader_capacity),
        writer_(batch_bytes_of(settings), settings.queue_bytes) {}
  ~link_session() = default;
  link_session(link_session&&) = default;
  link_session& operator=(link_session&&) = default;

  /// Also for settings that are out of their range, with which nothing is sent.
  [[nodiscard]] static std::uint32_t batch_bytes_of(const link_settings& settings) {
    return std::clamp(settings.batch_bytes, batch_bytes_min, batch_bytes_max);
  }
  /// Errors that a peer with the key may learn from our answer.
  [[nodiscard]] static bool is_about_peer(errc error) {
    return error == errc::bad_node || error == errc::not_supported;
  }

  void pass_time(duration now) { now_ = std::max(now_, now); }

  void end(errc why) {
    if (error_ == errc::ok) error_ = why;
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

  /// Ends a link whose peer was silent for too long. It is not blamed while frames wait to be taken out, since what it
  /// said later may lie behind them. False if the session has ended.
  [[nodiscard]] bool check_pulse() {
    find_frames();
    if (reader_.has_frames()) pulse_.heard(now_);
    if (now_ >= pulse_.dead_at()) end(errc::not_connected);
    return error_ == errc::ok;
  }

  handshake handshake_;
  link_role role_;
  state state_ = state::greeting;
  errc error_;
  duration now_;
  link_pulse pulse_;
  record_reader reader_;
  record_writer writer_;
  std::optional<link_peer> peer_;
};

}  // namespace dvs::proxies

#endif
