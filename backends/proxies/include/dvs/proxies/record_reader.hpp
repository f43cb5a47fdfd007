// SPDX-License-Identifier: MIT
/// @file
/// Finds the records in a stream of bytes, and the frames in records.
#ifndef DVS_PROXIES_RECORD_READER_HPP
#define DVS_PROXIES_RECORD_READER_HPP

#include <lz4.h>

#include <dvs/proxies/record.hpp>
#include <memory>
#include <vector>

namespace dvs::proxies {

/// The receiving end: bytes are put where their record is opened, and frames are read where they lie.
class record_reader {
 public:
  /// Has room for `capacity` bytes, at least two of the longest records after what we offer.
  explicit record_reader(std::size_t capacity) : capacity_(capacity), bytes_(new std::uint8_t[capacity]) {}

  /// From now on the stream consists of records, sealed with `key` if there is one.
  void open(const link_agreement& agreed, const secret_bytes* key) {
    agreed_ = agreed;
    sealed_ = key != nullptr;
    if (sealed_) cipher_ = direction_cipher(*key);
  }

  /// Where the next bytes of the stream belong. Empty if frames have to be taken out first.
  [[nodiscard]] std::span<std::uint8_t> space() {
    const std::size_t first = first_needed();
    if (first == end_ || (first >= capacity_ / 2 && capacity_ - end_ < capacity_ / 4)) move_to_front(first);
    return {bytes_.get() + end_, capacity_ - end_};
  }

  /// Puts bytes that begin `distance` behind the last ones of the stream, of which those in between are missing. All
  /// that is ahead of `taken()` fits into the buffer.
  void put_ahead(std::size_t distance, byte_view bytes) {
    const std::size_t first = first_needed();
    if ((first == end_ && ahead_ == 0) || end_ + distance + bytes.size() > capacity_) move_to_front(first);
    std::memcpy(bytes_.get() + end_ + distance, bytes.data(), bytes.size());
    ahead_ = std::max(ahead_, distance + bytes.size());
  }

  /// The `count` bytes behind the last ones are there.
  void grow(std::size_t count) {
    end_ += count;
    ahead_ -= std::min(ahead_, count);
  }

  /// The bytes behind the last record that was found, until `open`: the handshake.
  [[nodiscard]] byte_view unread() const { return {bytes_.get() + unread_, end_ - unread_}; }
  void skip(std::size_t count) { unread_ += count; }

  /// Goes to the next record; all frames of the one before are taken out. Errors: `would_block` (it is not complete),
  /// `not_authentic`, and, from somebody who has the key, `bad_argument` or `range` (no such record).
  [[nodiscard]] errc next_record() {
    const byte_view rest = unread();
    if (rest.size() < record_head::bytes) return errc::would_block;
    const result<record_head> head = record_head::read(rest.data(), agreed_, sealed_);
    if (!head) return sealed_ ? errc::not_authentic : head.error();
    if (rest.size() < record_head::bytes + head->body_bytes) return errc::would_block;
    std::uint8_t* const body = bytes_.get() + unread_ + record_head::bytes;
    const std::size_t count = head->body_bytes - (sealed_ ? direction_cipher::tag_bytes : 0);
    if (sealed_ && !cipher_.open(number_++, rest.first(record_head::bytes), body, count, body))
      return errc::not_authentic;
    unread_ += record_head::bytes + head->body_bytes;
    if (head->kind == record_kind::lz4) return expand({body, count});
    batch_ = {body, count};
    in_place_ = true;
    return errc::ok;
  }

  /// Whether frames of the record are left.
  [[nodiscard]] bool has_frames() const { return !batch_.empty(); }

  /// The next frame of the record, which has one. Valid until anything else is called. Error: `range`, if the bytes are
  /// no frame.
  [[nodiscard]] result<byte_view> next_frame() {
    if (batch_.size() < DVK_FRAME_HEADER_BYTES) return errc::range;
    const std::uint64_t count = get_number(batch_.data(), 4);
    if (!is_frame_length(count) || count > batch_.size()) return errc::range;
    const byte_view frame = batch_.first(count);
    batch_ = batch_.subspan(count);
    return frame;
  }

  /// How many bytes of the stream are behind us: those of whole frames that were taken out.
  [[nodiscard]] std::uint64_t taken() const { return moved_ + first_needed(); }
  /// How many bytes of the stream there were so far.
  [[nodiscard]] std::uint64_t received() const { return moved_ + end_; }

 private:
  /// The first byte that somebody will still look at.
  [[nodiscard]] std::size_t first_needed() const {
    return in_place_ && has_frames() ? static_cast<std::size_t>(batch_.data() - bytes_.get()) : unread_;
  }

  void move_to_front(std::size_t first) {
    if (first == 0) return;
    std::memmove(bytes_.get(), bytes_.get() + first, end_ + ahead_ - first);
    if (in_place_ && has_frames()) batch_ = {bytes_.get(), batch_.size()};
    unread_ -= first;
    end_ -= first;
    moved_ += first;
  }

  [[nodiscard]] errc expand(byte_view body) {
    const std::uint64_t count = get_number(body.data(), record_head::lz4_head_bytes);
    if (count <= body.size() || count > agreed_.batch_bytes) return errc::range;
    expanded_.resize(agreed_.batch_bytes);
    const byte_view block = body.subspan(record_head::lz4_head_bytes);
    const int made =
        LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(expanded_.data()),
                            static_cast<int>(block.size()), static_cast<int>(count));
    if (made < 0 || static_cast<std::uint64_t>(made) != count) return errc::range;
    batch_ = {expanded_.data(), count};
    in_place_ = false;
    return errc::ok;
  }

  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t unread_ = 0;   ///< where the next record begins
  std::size_t end_ = 0;      ///< behind the last byte of the stream
  std::size_t ahead_ = 0;    ///< how far bytes reach that were put ahead
  std::uint64_t moved_ = 0;  ///< bytes that are not in the buffer any more

  link_agreement agreed_;
  bool sealed_ = false;
  direction_cipher cipher_;
  std::uint64_t number_ = 0;

  byte_view batch_;  ///< the frames of the record that were not taken out yet
  bool in_place_ = false;
  std::vector<std::uint8_t> expanded_;
};

}  // namespace dvs::proxies

#endif
