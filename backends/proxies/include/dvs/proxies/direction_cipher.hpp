// SPDX-License-Identifier: MIT
/// @file
/// Seals and opens what one side of a link sends, piece by numbered piece.
#ifndef DVS_PROXIES_DIRECTION_CIPHER_HPP
#define DVS_PROXIES_DIRECTION_CIPHER_HPP

#include <dvs/proxies/introduction.hpp>
#include <dvs/proxies/transcript.hpp>

namespace dvs::proxies {

/// ChaCha20-Poly1305 under a key that changes every `numbers_per_key` pieces, so that a key that leaks tells little and
/// nothing of what was before.
///
/// The number of a piece is its nonce: it is sealed once, and opens under no other number. One side seals, in rising
/// order; the other opens in any order in which no piece is later than another by more than the pieces of a key.
class direction_cipher {
 public:
  static constexpr std::size_t tag_bytes = transcript::tag_bytes;
  static constexpr std::uint64_t numbers_per_key = 1 << 16;

  direction_cipher() = default;
  explicit direction_cipher(const secret_bytes& key) : current_(key), next_(following(key)) {}

  /// Seals `count` bytes at `body` in place and writes the tag behind them. `beside` is authenticated but not sealed.
  void seal(std::uint64_t piece, byte_view beside, std::uint8_t* body, std::size_t count) {
    if (piece / numbers_per_key != epoch_) advance();
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(body, body + count, nullptr, body, count, beside.data(),
                                                       beside.size(), nullptr, nonce_of(piece).data(), current_.data());
  }

  /// Opens `count` bytes at `body`, with the tag behind them, to `into`, which may be `body`. False if it is not this
  /// piece as it was sealed; then nothing is written.
  [[nodiscard]] bool open(std::uint64_t piece, byte_view beside, const std::uint8_t* body, std::size_t count,
                          std::uint8_t* into) {
    const std::uint64_t epoch = piece / numbers_per_key;
    const secret_bytes* const key = epoch == epoch_       ? &current_
                                    : epoch == epoch_ + 1 ? &next_
                                    : epoch + 1 == epoch_ ? &previous_
                                                          : nullptr;
    if (key == nullptr ||
        crypto_aead_chacha20poly1305_ietf_decrypt_detached(into, nullptr, body, count, body + count, beside.data(),
                                                           beside.size(), nonce_of(piece).data(), key->data()) != 0)
      return false;
    if (epoch > epoch_) advance();
    return true;
  }

 private:
  [[nodiscard]] static std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce_of(
      std::uint64_t piece) {
    std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};
    put_number(nonce.data() + 4, piece, 8);
    return nonce;
  }

  [[nodiscard]] static secret_bytes following(const secret_bytes& key) {
    static constexpr std::array<std::uint8_t, 5> name{'r', 'e', 'k', 'e', 'y'};
    secret_bytes next;
    secret_bytes unused;
    transcript::derive(key, name, next, unused);
    return next;
  }

  void advance() {
    previous_ = current_;
    current_ = next_;
    next_ = following(current_);
    ++epoch_;
  }

  std::uint64_t epoch_ = 0;
  secret_bytes previous_;
  secret_bytes current_;
  secret_bytes next_;
};

}  // namespace dvs::proxies

#endif
