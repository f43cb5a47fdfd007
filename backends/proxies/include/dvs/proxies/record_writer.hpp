// SPDX-License-Identifier: MIT
/// @file
/// Makes records of frames, and a stream of bytes of records.
#ifndef DVS_PROXIES_RECORD_WRITER_HPP
#define DVS_PROXIES_RECORD_WRITER_HPP

#include <lz4.h>

#include <dvs/proxies/byte_queue.hpp>
#include <dvs/proxies/record.hpp>
#include <vector>

namespace dvs::proxies {

/// The sending end: frames are written where their record lies, and the record is compressed and sealed there.
///
/// A record stays open for more frames until it is full or `finish` is called, which a session does when it could
/// send: so a batch holds what came while the transport was busy, and nothing waits for a batch to fill.
class record_writer {
 public:
  /// `batch_bytes` is our own offer; what is agreed is not more.
  record_writer(std::uint32_t batch_bytes, std::size_t queue_bytes)
      : queue_(record_head::bytes_max(batch_bytes)), queue_bytes_(queue_bytes) {}

  /// From now on records may be made, sealed with `key` if there is one.
  void open(const link_agreement& agreed, const secret_bytes* key) {
    agreed_ = agreed;
    sealed_ = key != nullptr;
    if (sealed_) cipher_ = direction_cipher(*key);
  }

  /// A place for a frame of `count` bytes; errors: `range` (no frame has that length), `would_block` (the queue is
  /// full).
  [[nodiscard]] result<std::span<std::uint8_t>> prepare(std::size_t count) {
    if (!is_frame_length(count)) return errc::range;
    if (queued_bytes() > 0 && queued_bytes() + count > queue_bytes_) return errc::would_block;
    const std::size_t framing = record_head::bytes + direction_cipher::tag_bytes;
    if (open_bytes_ + count > agreed_.batch_bytes || framing + open_bytes_ + count > queue_.room()) finish();
    if (open_bytes_ == 0) open(framing + count);
    return std::span(open_ + record_head::bytes + open_bytes_, count);
  }
  /// The frame that was prepared is written.
  void commit(std::size_t count) { open_bytes_ += count; }

  /// Ends the open record, if there is one with frames in it.
  void finish() {
    if (open_bytes_ == 0) return;
    std::uint8_t* const body = open_ + record_head::bytes;
    record_head head{record_kind::frames, open_bytes_};
    if (agreed_.lz4 && open_bytes_ >= compressed_from) head = compress(body);
    put(head);
    open_bytes_ = 0;
  }

  /// Makes an empty record; there is no open one with frames in it.
  void heartbeat() {
    open(record_head::bytes + direction_cipher::tag_bytes);
    put({record_kind::frames, 0});
  }

  /// Whether frames are in a record that is not finished.
  [[nodiscard]] bool has_open() const { return open_bytes_ > 0; }
  /// What waits to be sent, frames in the open record too.
  [[nodiscard]] std::size_t queued_bytes() const { return queue_.size() + open_bytes_; }
  /// The records that are finished, as one stream.
  [[nodiscard]] byte_queue& stream() { return queue_; }
  [[nodiscard]] const byte_queue& stream() const { return queue_; }

 private:
  void open(std::size_t count) {
    queue_.rewind();
    open_ = queue_.place_for(count);
  }

  static constexpr std::size_t compressed_from = 128;  // smaller ones hardly shrink

  [[nodiscard]] record_head compress(std::uint8_t* body) {
    scratch_.resize(agreed_.batch_bytes);
    const auto count = static_cast<int>(open_bytes_);
    const int less = count - static_cast<int>(record_head::lz4_head_bytes) - 1;
    const int made = LZ4_compress_default(reinterpret_cast<const char*>(body), scratch_.data(), count, less);
    if (made <= 0) return {record_kind::frames, open_bytes_};  // it would not get smaller
    put_number(body, open_bytes_, record_head::lz4_head_bytes);
    std::memcpy(body + record_head::lz4_head_bytes, scratch_.data(), static_cast<std::size_t>(made));
    return {record_kind::lz4, record_head::lz4_head_bytes + static_cast<std::size_t>(made)};
  }

  void put(record_head head) {
    const std::size_t count = head.body_bytes;
    if (sealed_) head.body_bytes += direction_cipher::tag_bytes;
    head.write(open_);
    if (sealed_) cipher_.seal(number_++, {open_, record_head::bytes}, open_ + record_head::bytes, count);
    queue_.put(record_head::bytes + head.body_bytes);
  }

  byte_queue queue_;
  std::size_t queue_bytes_;
  link_agreement agreed_;
  bool sealed_ = false;
  direction_cipher cipher_;
  std::uint64_t number_ = 0;

  std::uint8_t* open_ = nullptr;  ///< the record that takes frames, behind the bytes of the queue
  std::size_t open_bytes_ = 0;
  std::vector<char> scratch_;
};

}  // namespace dvs::proxies

#endif
