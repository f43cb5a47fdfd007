// SPDX-License-Identifier: MIT
/// @file
/// The running state of a handshake in the manner of Noise: a hash of all that was said, and a key made of all secrets.
#ifndef DVS_PROXIES_TRANSCRIPT_HPP
#define DVS_PROXIES_TRANSCRIPT_HPP

#include <sodium.h>

#include <cstring>
#include <dvs/proxies/link_settings.hpp>
#include <string_view>

namespace dvs::proxies {

/// 32 secret bytes that are wiped when they go.
class secret_bytes {
 public:
  static constexpr std::size_t count = 32;

  secret_bytes() = default;
  explicit secret_bytes(const std::uint8_t* from) { std::memcpy(bytes_.data(), from, count); }
  secret_bytes(const secret_bytes&) = default;
  secret_bytes& operator=(const secret_bytes&) = default;
  ~secret_bytes() { sodium_memzero(bytes_.data(), count); }

  [[nodiscard]] const std::uint8_t* data() const { return bytes_.data(); }
  [[nodiscard]] std::uint8_t* data() { return bytes_.data(); }

 private:
  std::array<std::uint8_t, count> bytes_{};
};

/// A seed from the system's random numbers. For programs; a simulation draws its own.
[[nodiscard]] inline session_seed fresh_seed() {
  session_seed seed;
  randombytes_buf(seed.data(), seed.size());
  return seed;
}

/// The keys of the two directions.
struct direction_keys {
  secret_bytes dialler;
  secret_bytes listener;

  /// The key of what one side sends.
  [[nodiscard]] const secret_bytes& of(bool dials) const { return dials ? dialler : listener; }
};

/// What was said so far. Both sides do the same steps and so get the same hash and keys, or notice.
///
/// Source: the symmetric state of the Noise protocol framework, with keyed BLAKE2b in place of its HKDF. A plain
/// transcript has no secrets; its tags only notice that the two sides heard different things.
class transcript {
 public:
  static constexpr std::size_t tag_bytes = 16;

  explicit transcript(bool sealed) : sealed_(sealed) {
    // It chooses the fast implementations; without it the slow ones do the same.
    [[maybe_unused]] const int is_fast = sodium_init();
    static constexpr std::string_view name = "dvs link NNpsk0 25519 ChaChaPoly BLAKE2b";
    crypto_generichash(hash_.data(), hash_.size(), reinterpret_cast<const std::uint8_t*>(name.data()), name.size(),
                       nullptr, 0);
    chain_ = secret_bytes(hash_.data());
  }

  /// Something that both sides know was said.
  void mix_hash(byte_view said) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, hash_.size());
    crypto_generichash_update(&state, hash_.data(), hash_.size());
    crypto_generichash_update(&state, said.data(), said.size());
    crypto_generichash_final(&state, hash_.data(), hash_.size());
  }

  /// Both sides have `secret`: what is sealed from now on needs it.
  void mix_key(byte_view secret) { derive(chain_, secret, chain_, key_); }

  /// Like `mix_key`, and tags from now on prove it.
  void mix_key_and_hash(byte_view secret) {
    secret_bytes proof;
    derive(chain_, secret, chain_, proof);
    mix_hash({proof.data(), proof.count});
  }

  /// Writes `payload` and a tag to `into`, with room for `payload.size() + tag_bytes`. Once for each key.
  void seal(byte_view payload, std::uint8_t* into) {
    if (sealed_) {
      crypto_aead_chacha20poly1305_ietf_encrypt(into, nullptr, payload.data(), payload.size(), hash_.data(),
                                                hash_.size(), nullptr, first_nonce.data(), key_.data());
      return mix_hash({into, payload.size() + tag_bytes});
    }
    std::memcpy(into, payload.data(), payload.size());
    mix_hash(payload);
    std::memcpy(into + payload.size(), hash_.data(), tag_bytes);
  }

  /// The reverse: false if the tag is not that of somebody who said and knows the same. Nothing is written then.
  [[nodiscard]] bool open(byte_view said, std::uint8_t* into) {
    const std::size_t count = said.size() - tag_bytes;
    if (sealed_) {
      if (crypto_aead_chacha20poly1305_ietf_decrypt(into, nullptr, nullptr, said.data(), said.size(), hash_.data(),
                                                    hash_.size(), first_nonce.data(), key_.data()) != 0)
        return false;
      mix_hash(said);
      return true;
    }
    mix_hash(said.first(count));
    if (std::memcmp(said.data() + count, hash_.data(), tag_bytes) != 0) return false;
    std::memcpy(into, said.data(), count);
    return true;
  }

  /// The keys of the session, which nobody has who did not take every step.
  [[nodiscard]] direction_keys split() const {
    direction_keys keys;
    derive(chain_, hash_, keys.dialler, keys.listener);
    return keys;
  }

  /// Two keys that follow from `key` and `input`, as halves of one hash. The results may be `key` itself.
  static void derive(const secret_bytes& key, byte_view input, secret_bytes& first, secret_bytes& second) {
    std::array<std::uint8_t, 2 * secret_bytes::count> both;
    crypto_generichash(both.data(), both.size(), input.data(), input.size(), key.data(), key.count);
    first = secret_bytes(both.data());
    second = secret_bytes(both.data() + secret_bytes::count);
    sodium_memzero(both.data(), both.size());
  }

 private:
  static constexpr std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> first_nonce{};

  bool sealed_;
  std::array<std::uint8_t, 32> hash_{};
  secret_bytes chain_;
  secret_bytes key_;
};

}  // namespace dvs::proxies

#endif
