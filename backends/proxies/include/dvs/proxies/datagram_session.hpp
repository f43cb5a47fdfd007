// SPDX-License-Identifier: MIT
/// @file
/// One side of a link over a transport that loses, repeats and reorders packets: UDP, raw Ethernet.
#ifndef DVS_PROXIES_DATAGRAM_SESSION_HPP
#define DVS_PROXIES_DATAGRAM_SESSION_HPP

#include <dvs/proxies/congestion_window.hpp>
#include <dvs/proxies/link_session.hpp>
#include <dvs/proxies/packet_ledger.hpp>
#include <dvs/proxies/packet_seal.hpp>
#include <dvs/proxies/round_trip.hpp>
#include <dvs/proxies/stream_delivery.hpp>

namespace dvs::proxies {

/// What a session has counted since its start.
struct datagram_counters {
  std::uint64_t sent = 0;      ///< packets given to the transport
  std::uint64_t received = 0;  ///< packets that the transport brought
  std::uint64_t refused = 0;   ///< of those: repeated, not authentic, or of another session
  std::uint64_t lost = 0;      ///< sent packets that were given up; their content went out again
};

/// A link over packets. How its owner drives it:
///
///     datagram_session link(settings, link_role::dialler, fresh_seed(), now);
///     while (link.error() == errc::ok) {
///       for each packet that has come  link.receive(packet, now)
///       while (auto frame = link.next_frame(); !frame.empty())  deliver(frame)
///       while there is a frame to send and link.send_frame(frame) takes it {}
///       link.tick(now)
///       while ((count = link.outgoing(packet, now)) > 0)  send(packet, count)
///       wait for the socket until link.next_deadline()
///     }
///
/// Packets that are not of the session are dropped and do it no harm: anybody can send some. So a listener does not
/// end because a greeting is refused; it goes on listening, and `refusal()` tells why. It sends one packet for each
/// authentic greeting, no longer than that, and nothing else before the peer has proved itself. Let it be made by the
/// first greeting from an address (`is_greeting`), also while there is an older session with that address: the older
/// one ignores greetings, and the new one takes its place when it is established, for the peer has begun anew.
///
/// Over a plain link whoever can send packets with the session's name in them can end it, and worse.
///
/// Memory: twice `window_bytes` and `queue_bytes`, and some batches. Packets go out as fast as the congestion window
/// lets them, without pacing.
class datagram_session : public link_session {
 public:
  datagram_session(const link_settings& settings, link_role role, const session_seed& seed, duration now)
      : link_session(settings, role, link_transport::datagram, seed, now, 2 * window_of(settings)),
        window_bytes_(window_of(settings)),
        told_limit_(window_bytes_),
        greet_at_(now),
        timer_from_(now) {}

  /// Whether the packet begins a session, so that a listener should look at it.
  [[nodiscard]] static bool is_greeting(byte_view packet) {
    static constexpr std::array<std::uint8_t, 4> name{'d', 'v', 's', 'L'};
    return packet.size() == handshake::message_bytes && std::equal(name.begin(), name.end(), packet.begin()) &&
           packet[handshake::header_bytes - 1] == static_cast<std::uint8_t>(link_transport::datagram);
  }

  /// A packet has come. Returns `error()`.
  errc receive(byte_view packet, duration now) {
    pass_time(now);
    if (error_ != errc::ok) return error_;
    ++counters_.received;
    if (!(is_greeting(packet) ? hear_greeting(packet) : hear_packet(packet))) ++counters_.refused;
    find_frames();
    return error_;
  }

  /// Writes the next packet to `into`, which has room for the agreed `packet_bytes` (our own setting is enough), and
  /// returns its length; 0 if there is nothing to send now. A packet that the transport does not take is as good as
  /// lost.
  [[nodiscard]] std::size_t outgoing(std::span<std::uint8_t> into, duration now) {
    pass_time(now);
    if (error_ != errc::ok) return 0;
    if (state_ != state::established) return greet(into);
    return send_packet(into.first(std::min<std::size_t>(into.size(), agreement().packet_bytes)));
  }

  /// How many bytes wait to be sent or acknowledged: frames, at most `queue_bytes`, and the heads of their records.
  [[nodiscard]] std::size_t queued_bytes() const { return writer_.queued_bytes(); }

  /// Why the last greeting was refused, or `ok`: what to tell an operator who asks why there is no link.
  [[nodiscard]] errc refusal() const { return refusal_; }
  [[nodiscard]] const datagram_counters& counters() const { return counters_; }
  /// How long something takes to the peer and back, once an acknowledgement has come.
  [[nodiscard]] std::optional<duration> measured_round_trip() const { return round_trip_.measured(); }

  /// Does what is due: gives up what was not acknowledged in time, ends a silent link. Then ask `outgoing`.
  void tick(duration now) {
    pass_time(now);
    if (error_ != errc::ok || !check_pulse() || state_ != state::established) return;
    if (now_ >= overtaken_at_) find_losses();
    if (is_waiting() && now_ >= missed_at()) miss();
  }

  /// When to call `tick` and `outgoing` again at the latest; `duration::max()` if never.
  [[nodiscard]] duration next_deadline() const {
    if (error_ != errc::ok) return duration::max();
    if (state_ != state::established)
      return role_ == link_role::dialler ? std::min(greet_at_, pulse_.dead_at()) : pulse_.dead_at();
    const duration next = std::min({pulse_.dead_at(), pulse_.heartbeat_at(), receipts_.due(), overtaken_at_});
    return is_waiting() ? std::min(next, missed_at()) : next;
  }

 private:
  static constexpr duration greet_interval_min = std::chrono::milliseconds{200};
  static constexpr duration greet_interval_max = std::chrono::seconds{2};
  static constexpr duration missed_max = std::chrono::seconds{2};
  static constexpr std::size_t ahead_ranges_max = 1024;

  [[nodiscard]] static std::uint32_t window_of(const link_settings& settings) {
    return std::clamp(settings.window_bytes, window_bytes_min, window_bytes_max);
  }

  // ---- the handshake ---------------------------------------------------------------------------------------------

  [[nodiscard]] std::size_t greet(std::span<std::uint8_t> into) {
    if (role_ == link_role::listener ? !answer_is_due_ : now_ < greet_at_) return 0;
    const byte_view said = handshake_.to_send();
    std::memcpy(into.data(), said.data(), said.size());
    answer_is_due_ = false;
    greet_at_ = now_ + greet_interval_;
    greet_interval_ = std::min(2 * greet_interval_, greet_interval_max);
    ++counters_.sent;
    return said.size();
  }

  /// False if the greeting is none for us.
  [[nodiscard]] bool hear_greeting(byte_view said) {
    if (state_ == state::established) return false;
    const bool listens = role_ == link_role::listener;
    if (listens && std::equal(said.begin(), said.end(), heard_.begin(), heard_.end())) {
      answer_is_due_ = true;
      return true;
    }
    refusal_ = handshake_.check_header(said.first<handshake::header_bytes>());
    if (refusal_ != errc::ok) return false;
    refusal_ = handshake_.receive(said.first<handshake::message_bytes>());
    if (refusal_ != errc::ok && !is_about_peer(refusal_)) return false;
    peer_ = handshake_.peer();
    if (listens) {
      heard_.assign(said.begin(), said.end());
      answer_is_due_ = true;
    }
    if (refusal_ == errc::ok)
      open();
    else if (!listens)
      end(refusal_);
    return true;
  }

  void open() {
    const direction_keys keys = handshake_.keys();
    const bool dials = role_ == link_role::dialler;
    opening_ = packet_seal(keys.of(!dials), agreement().sealed);
    sealing_ = packet_seal(keys.of(dials), agreement().sealed);
    reader_.open(agreement(), nullptr);  // packets are sealed, records need not be
    writer_.open(agreement(), nullptr);
    scratch_.resize(agreement().packet_bytes);
    limit_ = agreement().peer_window_bytes;
    window_ = congestion_window(agreement().packet_bytes, 2 * std::size_t{agreement().peer_window_bytes});
    pulse_.follow(agreement());
    state_ = state::answered;
    if (!dials) return;
    pulse_.heard(now_);
    become_established();
    ping_is_due_ = true;  // the proof that the listener waits for
  }

  /// Greetings are ignored from now on.
  void become_established() {
    state_ = state::established;
    handshake_.forget();
  }

  // ---- receiving -------------------------------------------------------------------------------------------------

  /// False if the packet is to be ignored.
  [[nodiscard]] bool hear_packet(byte_view packet) {
    if (state_ == state::greeting) return false;
    if (packet.size() < opening_.overhead() || packet.size() > agreement().packet_bytes) return false;
    const std::uint64_t number = get_number(packet.data(), packet_seal::number_bytes);
    if (number > packet_seal::number_max || receipts_.is_refused(number)) return false;
    const result<byte_view> body = opening_.open(packet, scratch_.data());
    if (!body) return false;
    const result<packet_body> said = packet_body::read(*body);
    if (!said) {
      end(said.error());
      return true;
    }
    if (!take(*said)) return false;
    receipts_.arrived(number, said->has_data, now_);
    pulse_.heard(now_);
    if (state_ == state::answered) become_established();
    if (said->ack.count > 0) hear_ack(said->ack);
    return true;
  }

  /// Puts content where it belongs in the stream. False if there are too many gaps to remember this one.
  [[nodiscard]] bool take(const packet_body& said) {
    const std::uint64_t have = reader_.received();
    const number_range whole{said.offset, said.offset + said.data.size()};
    if (whole.end > reader_.taken() + window_bytes_) end(errc::range);
    if (whole.end <= have || error_ != errc::ok) return true;
    const number_range part{std::max(whole.first, have), whole.end};
    if (part.first > have && ahead_.size_with(part) > ahead_ranges_max) return false;
    reader_.put_ahead(part.first - have, said.data.subspan(part.first - whole.first));
    ahead_.add(part);
    if (ahead_.front().first > have) return true;
    reader_.grow(ahead_.front().end - have);
    ahead_.pop_front();
    return true;
  }

  void hear_ack(const packet_ack& ack) {
    const std::uint64_t highest = ack.ranges[0].end - 1;
    if (highest >= next_number_) return end(errc::bad_argument);
    const std::size_t under_way = ledger_.bytes_under_way();
    for (std::size_t i = 0; i < ack.count; ++i)
      ledger_.acknowledge(ack.ranges[i], [&](const sent_packet& packet) {
        if (packet.number == highest)
          round_trip_.measure(now_ - packet.sent_at, std::chrono::microseconds{ack.delay_us});
        if (packet.content != number_range{}) delivery_.delivered(packet.content, writer_.stream());
      });
    const std::size_t arrived = under_way - ledger_.bytes_under_way();
    if (arrived > 0) {
      window_.acknowledged(arrived, under_way);
      missed_ = 0;
    }
    acknowledged_ = std::max(acknowledged_, highest);
    limit_ = std::max(limit_, ack.limit);
    find_losses();
  }

  // ---- losses ----------------------------------------------------------------------------------------------------

  /// Its content goes out again, under another number.
  void lose(const sent_packet& packet) {
    ++counters_.lost;
    if (packet.content == number_range{})
      ping_is_due_ = true;
    else
      delivery_.lost(packet.content);
  }

  void find_losses() {
    const duration allowed = round_trip_.until_overtaken();
    const auto oldest = ledger_.lose(acknowledged_, now_ - allowed, [&](const sent_packet& packet) {
      window_.lost(packet.number, next_number_);
      lose(packet);
    });
    overtaken_at_ = oldest ? *oldest + allowed : duration::max();
  }

  /// Whether nothing goes on until the peer says something.
  [[nodiscard]] bool is_waiting() const { return !ledger_.empty() || is_held_up(); }
  /// Whether the peer does not let us send what we have.
  [[nodiscard]] bool is_held_up() const {
    return delivery_.unsent() >= limit_ && (writer_.has_open() || writer_.stream().end() > delivery_.unsent());
  }
  [[nodiscard]] duration missed_at() const {
    return timer_from_ + std::min(round_trip_.until_missed() * (1 << std::min(missed_, 10U)), missed_max);
  }

  /// No acknowledgement came in time. The oldest packets go out again, whatever the congestion window says, or a packet
  /// without content that asks for one.
  void miss() {
    timer_from_ = now_;
    if (++missed_ > 2) window_.collapse();
    if (ledger_.empty()) ping_is_due_ = true;
    for (probes_ = 0; probes_ < 2 && !ledger_.empty(); ++probes_)
      ledger_.lose_oldest([&](const sent_packet& packet) { lose(packet); });
  }

  // ---- sending ---------------------------------------------------------------------------------------------------

  /// Whether there is content that may be sent now. Ends the open record if it would otherwise leave the packet empty.
  [[nodiscard]] bool has_content(std::size_t room) {
    if (probes_ == 0 && ledger_.bytes_under_way() + agreement().packet_bytes > window_.bytes()) return false;
    if (delivery_.has_lost()) return true;
    if (limit_ <= delivery_.unsent()) return false;
    if (writer_.stream().end() < delivery_.unsent() + room) writer_.finish();
    return writer_.stream().end() > delivery_.unsent();
  }

  [[nodiscard]] std::size_t send_packet(std::span<std::uint8_t> into) {
    std::size_t room = into.size() - sealing_.overhead() - packet_body::flags_bytes - packet_body::offset_bytes;
    const std::uint64_t limit = reader_.taken() + window_bytes_;
    if (limit - told_limit_ >= window_bytes_ / 4) receipts_.hurry(now_);
    const bool content = has_content(room);
    const bool wants_ack = content || ping_is_due_;
    const bool beats = now_ >= pulse_.heartbeat_at();
    if (!wants_ack && !beats && receipts_.due() > now_) return 0;

    std::uint8_t* const body = into.data() + sealing_.body_at();
    std::size_t count = packet_body::flags_bytes;
    body[0] = wants_ack ? packet_body::flag_data : 0;
    if (beats || receipts_.due() != duration::max()) {
      packet_ack ack = receipts_.say(room - 1, now_);
      if (ack.count > 0) {
        told_limit_ = ack.limit = limit;
        ack.write(body + count);
        body[0] |= packet_body::flag_ack;
        count += ack.bytes();
        room -= ack.bytes();
      }
    }
    number_range part;
    if (wants_ack) {
      if (content) part = delivery_.next(writer_.stream(), room, limit_);
      put_number(body + count, part.first, packet_body::offset_bytes);
      count += packet_body::offset_bytes;
      if (content) writer_.stream().read(part.first, {body + count, part.end - part.first});
      count += part.end - part.first;
    }
    sealing_.close(next_number_, into.data(), count);
    count += sealing_.overhead();
    if (wants_ack) {
      ledger_.add({.number = next_number_, .sent_at = now_, .content = part, .bytes = count});
      timer_from_ = now_;
      ping_is_due_ = false;
      if (probes_ > 0) --probes_;
    }
    ++next_number_;
    ++counters_.sent;
    pulse_.sent(now_);
    return count;
  }

  std::uint32_t window_bytes_;
  std::uint64_t told_limit_;  ///< how far the peer may send, as it knows
  datagram_counters counters_;

  duration greet_at_;  ///< when to say the greeting (again)
  duration greet_interval_ = greet_interval_min;
  bool answer_is_due_ = false;
  std::vector<std::uint8_t> heard_;  ///< the greeting that was answered
  errc refusal_ = errc::ok;

  packet_seal opening_;
  packet_seal sealing_;
  std::vector<std::uint8_t> scratch_;  ///< a packet that is opened

  packet_receipts receipts_;
  number_ranges ahead_;  ///< parts of the stream that arrived behind a gap

  std::uint64_t next_number_ = 0;
  packet_ledger ledger_;
  stream_delivery delivery_;
  round_trip round_trip_;
  congestion_window window_;
  std::uint64_t limit_ = 0;         ///< how far we may send
  std::uint64_t acknowledged_ = 0;  ///< the highest number
  duration overtaken_at_ = duration::max();
  duration timer_from_;
  std::uint32_t missed_ = 0;  ///< how often in a row no acknowledgement came in time
  std::uint32_t probes_ = 0;  ///< packets that may be sent beyond the congestion window
  bool ping_is_due_ = false;
};

}  // namespace dvs::proxies

#endif
