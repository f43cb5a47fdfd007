// SPDX-License-Identifier: MIT
/// @file
/// The head of a record, and how many bytes records have.
#ifndef DVS_PROXIES_RECORD_HPP
#define DVS_PROXIES_RECORD_HPP

#include <dvs/proxies/direction_cipher.hpp>

namespace dvs::proxies {

/// What a record carries: frames as they are (none: a heartbeat), or compressed. A value of the wire format.
enum class record_kind : std::uint8_t { frames = 0, lz4 = 1 };

/// Four bytes: how long the body is, in three of them, and its kind.
struct record_head {
  static constexpr std::size_t bytes = 4;
  static constexpr std::size_t lz4_head_bytes = 4;  ///< of a compressed body: how long it is when it is not

  record_kind kind = record_kind::frames;
  std::size_t body_bytes = 0;  ///< with the tag

  void write(std::uint8_t* into) const {
    put_number(into, body_bytes | std::uint64_t{static_cast<std::uint8_t>(kind)} << 24, bytes);
  }

  /// `bad_argument` for a kind that there is not, `range` for a length that no such record has after this agreement.
  [[nodiscard]] static result<record_head> read(const std::uint8_t* from, const link_agreement& agreed, bool sealed) {
    const auto value = static_cast<std::uint32_t>(get_number(from, bytes));
    const record_head head{static_cast<record_kind>(value >> 24), value & 0xFF'FFFF};
    const std::size_t tag = sealed ? direction_cipher::tag_bytes : 0;
    if (head.kind != record_kind::frames && !(head.kind == record_kind::lz4 && agreed.lz4)) return errc::bad_argument;
    const std::size_t least = tag + (head.kind == record_kind::lz4 ? lz4_head_bytes + 1 : 0);
    if (head.body_bytes < least || head.body_bytes > agreed.batch_bytes + tag) return errc::range;
    return head;
  }

  /// The longest record of this batch size.
  [[nodiscard]] static constexpr std::size_t bytes_max(std::uint32_t batch_bytes) {
    return bytes + batch_bytes + direction_cipher::tag_bytes;
  }
};

/// Whether a frame may have this length: the first four bytes of it say so.
[[nodiscard]] constexpr bool is_frame_length(std::uint64_t bytes) {
  return DVK_FRAME_HEADER_BYTES <= bytes && bytes <= DVK_FRAME_BYTES_MAX;
}

}  // namespace dvs::proxies

#endif
