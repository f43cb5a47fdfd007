// SPDX-License-Identifier: MIT
/// @file
/// How a link begins: one message each way, after which both sides have the same keys and the same agreement.
#ifndef DVS_PROXIES_HANDSHAKE_HPP
#define DVS_PROXIES_HANDSHAKE_HPP

#include <dvs/proxies/introduction.hpp>
#include <dvs/proxies/transcript.hpp>

namespace dvs::proxies {

/// One side of the exchange of docs/wire_format.md, "The link": Noise NNpsk0 in its construction.
///
/// The dialler has a message from the start; the listener gets one from the dialler's. `receive` says whether the
/// peer's message is good. Errors: `bad_argument` (no message of such a handshake), `not_supported` (a version that we
/// do not speak), `not_authentic` (another key, a key at one side only, or altered), `bad_node` (our own number, or not
/// the expected one). A listener has an answer even if it refuses an authentic peer as `bad_node` or `not_supported`,
/// so that the peer learns the reason from our introduction; after the other errors it has nothing to say.
///
/// Before the peer has shown the key it costs hashing, and no scalar multiplication. Whoever replays a recorded first
/// message gets an answer that it cannot read, for two of them. Not thread-safe.
class handshake {
 public:
  static constexpr std::size_t header_bytes = 8;
  static constexpr std::size_t key_bytes = 32;
  static constexpr std::size_t message_bytes = header_bytes + key_bytes + introduction::bytes + transcript::tag_bytes;
  using message = std::array<std::uint8_t, message_bytes>;
  using header = std::array<std::uint8_t, header_bytes>;

  handshake(const link_settings& settings, link_role role, link_transport transport, const session_seed& seed)
      : settings_(settings),
        role_(role),
        transport_(transport),
        sealed_(settings.key.has_value()),
        seed_(seed.data()),
        said_(settings.key.has_value()) {
    if (settings_.key) key_ = secret_bytes(settings_.key->data());
    if (settings_.key) sodium_memzero(settings_.key->data(), settings_.key->size());
    settings_.key.reset();
    if (role_ == link_role::dialler) static_cast<void>(speak(said_, {}));
  }

  /// Whether these first bytes of a message can be those of the peer's; see the class for errors.
  [[nodiscard]] errc check_header(std::span<const std::uint8_t, header_bytes> said) const {
    const header expected = header_of(role_ == link_role::dialler ? 2 : 1);
    if (std::memcmp(said.data(), expected.data(), 4) != 0) return errc::bad_argument;
    if (said[4] != expected[4]) return errc::not_supported;
    if (said[5] != expected[5] && said[5] <= 1) return errc::not_authentic;
    return std::memcmp(said.data(), expected.data(), header_bytes) == 0 ? errc::ok : errc::bad_argument;
  }

  /// Takes the peer's message. A dialler takes one; a listener starts anew with each. See the class for errors.
  [[nodiscard]] errc receive(std::span<const std::uint8_t, message_bytes> said) {
    if (const errc wrong = check_header(said.first<header_bytes>()); wrong != errc::ok) return wrong;
    const auto peer_key = said.subspan<header_bytes, key_bytes>();
    transcript heard = role_ == link_role::dialler ? said_ : transcript(sealed_);
    hear_key(heard, said.first<header_bytes + key_bytes>());
    if (role_ == link_role::dialler && !agree_on_secret(heard, peer_key)) return errc::not_authentic;
    std::array<std::uint8_t, introduction::bytes> plain;
    if (!heard.open(said.subspan(header_bytes + key_bytes), plain.data())) return errc::not_authentic;
    const result<introduction> theirs = introduction::read(plain.data(), transport_);
    if (!theirs) return theirs.error();
    if (role_ == link_role::listener && !speak(heard, peer_key)) return errc::not_authentic;
    said_ = heard;
    peer_ = theirs->self;
    agreement_ = introduction::agree(introduction::of(settings_, transport_), *theirs, sealed_);
    return theirs->acceptable_to(settings_);
  }

  /// What this side has to say; empty if nothing (yet).
  [[nodiscard]] byte_view to_send() const { return has_spoken_ ? byte_view(message_) : byte_view(); }

  /// After a message that was authentic: who that was, what holds from now on, and the keys.
  [[nodiscard]] const link_peer& peer() const { return peer_; }
  [[nodiscard]] const link_agreement& agreement() const { return agreement_; }
  [[nodiscard]] direction_keys keys() const { return said_.split(); }

  /// Wipes everything that keys could be made of. Nothing is received after this; the rest can still be asked for.
  void forget() {
    key_.reset();
    seed_ = secret_bytes();
    said_ = transcript(sealed_);
  }

 private:
  [[nodiscard]] header header_of(std::uint8_t position) const {
    return {'d',      'v',
            's',      'L',
            1,        static_cast<std::uint8_t>(sealed_ ? 1 : 0),
            position, static_cast<std::uint8_t>(transport_)};
  }

  /// The header and key that begin a message; the first message also brings in the key of the cluster.
  void hear_key(transcript& into, std::span<const std::uint8_t, header_bytes + key_bytes> said) const {
    into.mix_hash(said.first<header_bytes>());
    if (sealed_ && said[6] == 1) into.mix_key_and_hash({key_->data(), key_->count});
    into.mix_hash(said.subspan<header_bytes>());
    if (sealed_) into.mix_key(said.subspan<header_bytes>());
  }

  /// False if the peer's key is one of those with which every secret is zero. A plain link has none to agree on.
  [[nodiscard]] bool agree_on_secret(transcript& into, byte_view peer_key) const {
    if (!sealed_) return true;
    secret_bytes shared;
    if (crypto_scalarmult(shared.data(), seed_.data(), peer_key.data()) != 0) return false;
    into.mix_key({shared.data(), shared.count});
    return true;
  }

  /// Says our part; a listener answers `peer_key`. False if that is no key to agree with.
  [[nodiscard]] bool speak(transcript& said, byte_view peer_key) {
    message ours{};
    const header head = header_of(role_ == link_role::dialler ? 1 : 2);
    std::copy(head.begin(), head.end(), ours.begin());
    std::uint8_t* const key = ours.data() + header_bytes;
    if (!sealed_)
      std::memcpy(key, seed_.data(), key_bytes);
    else if (has_spoken_)
      std::memcpy(key, message_.data() + header_bytes, key_bytes);
    else
      crypto_scalarmult_base(key, seed_.data());
    hear_key(said, std::span(ours).first<header_bytes + key_bytes>());
    if (role_ == link_role::listener && !agree_on_secret(said, peer_key)) return false;
    std::array<std::uint8_t, introduction::bytes> plain;
    introduction::of(settings_, transport_).write(plain.data());
    said.seal(plain, key + key_bytes);
    message_ = ours;
    has_spoken_ = true;
    return true;
  }

  link_settings settings_;
  std::optional<secret_bytes> key_;
  link_role role_;
  link_transport transport_;
  bool sealed_;
  secret_bytes seed_;
  transcript said_;
  message message_{};
  bool has_spoken_ = false;
  link_peer peer_;
  link_agreement agreement_;
};

}  // namespace dvs::proxies

#endif
