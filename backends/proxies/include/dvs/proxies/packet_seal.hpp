// SPDX-License-Identifier: MIT
/// @file
/// The head and tag of a packet: what proves that it belongs to this session.
#ifndef DVS_PROXIES_PACKET_SEAL_HPP
#define DVS_PROXIES_PACKET_SEAL_HPP

#include <dvs/proxies/direction_cipher.hpp>

namespace dvs::proxies {

/// Puts bodies into packets and takes them out, for one direction. A sealed packet is its number, the encrypted body,
/// and a tag. A plain one is its number, eight bytes that name the session, and the body; these keep packets of earlier
/// sessions out and nobody else.
class packet_seal {
 public:
  static constexpr std::size_t number_bytes = 8;
  static constexpr std::size_t name_bytes = 8;
  static constexpr std::uint64_t number_max = (std::uint64_t{1} << 48) - 1;

  packet_seal() = default;
  packet_seal(const secret_bytes& key, bool sealed) : sealed_(sealed), key_(key), cipher_(key) {}

  /// What a packet has besides its body.
  [[nodiscard]] std::size_t overhead() const {
    return number_bytes + (sealed_ ? direction_cipher::tag_bytes : name_bytes);
  }
  /// Where the body belongs in a packet.
  [[nodiscard]] std::size_t body_at() const { return number_bytes + (sealed_ ? 0 : name_bytes); }

  /// Completes the packet around its body of `count` bytes.
  void close(std::uint64_t number, std::uint8_t* packet, std::size_t count) {
    put_number(packet, number, number_bytes);
    if (sealed_)
      cipher_.seal(number, {packet, number_bytes}, packet + number_bytes, count);
    else
      std::memcpy(packet + number_bytes, key_.data(), name_bytes);
  }

  /// The body of a packet, which is as long as the overhead at least; `not_authentic` if it is not of this session. A
  /// sealed one is decrypted to `scratch`, which has room for it.
  [[nodiscard]] result<byte_view> open(byte_view packet, std::uint8_t* scratch) {
    const std::size_t count = packet.size() - overhead();
    const byte_view body = packet.subspan(body_at(), count);
    if (sealed_) {
      const bool good = cipher_.open(get_number(packet.data(), number_bytes), packet.first(number_bytes), body.data(),
                                     count, scratch);
      return good ? result(byte_view(scratch, count)) : errc::not_authentic;
    }
    return std::memcmp(packet.data() + number_bytes, key_.data(), name_bytes) == 0 ? result(body) : errc::not_authentic;
  }

 private:
  bool sealed_ = false;
  secret_bytes key_;
  direction_cipher cipher_;
};

}  // namespace dvs::proxies

#endif
