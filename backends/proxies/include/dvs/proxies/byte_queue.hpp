// SPDX-License-Identifier: MIT
/// @file
/// A queue of bytes that never moves what is in it.
#ifndef DVS_PROXIES_BYTE_QUEUE_HPP
#define DVS_PROXIES_BYTE_QUEUE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace dvs::proxies {

/// Bytes in chunks of one size: what is written in one piece lies in one chunk. Every byte has an offset, the number of
/// bytes that were put in before it. Chunks that became empty are kept for the next bytes.
class byte_queue {
 public:
  explicit byte_queue(std::size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

  /// A place for `count` bytes, at most a chunk's, behind the last ones. They are not in the queue until `put`.
  [[nodiscard]] std::uint8_t* place_for(std::size_t count) {
    if (room() < count) add_chunk();
    return chunks_.back().bytes.get() + chunks_.back().end;
  }
  /// How much fits behind the last bytes without leaving their chunk.
  [[nodiscard]] std::size_t room() const { return chunks_.empty() ? 0 : chunk_bytes_ - chunks_.back().end; }
  /// The first `count` bytes of the last place are in the queue now.
  void put(std::size_t count) {
    chunks_.back().end += count;
    end_ += count;
  }

  /// The offsets of the first byte and behind the last one.
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }

  /// The first bytes, as many as lie in one piece.
  [[nodiscard]] std::span<const std::uint8_t> front() const {
    if (chunks_.empty()) return {};
    const chunk& first = chunks_.front();
    return {first.bytes.get() + first.begin, first.end - first.begin};
  }

  /// Copies the bytes from `offset` on, which are in the queue.
  void read(std::uint64_t offset, std::span<std::uint8_t> into) const {
    auto at = std::upper_bound(chunks_.begin(), chunks_.end(), offset,
                               [](std::uint64_t wanted, const chunk& c) { return wanted < c.offset; });
    for (--at; !into.empty(); ++at) {
      const std::size_t skipped = static_cast<std::size_t>(offset - at->offset);
      const std::size_t count = std::min(into.size(), at->end - at->begin - skipped);
      std::memcpy(into.data(), at->bytes.get() + at->begin + skipped, count);
      into = into.subspan(count);
      offset += count;
    }
  }

  /// Forgets the first `count` bytes.
  void pop(std::size_t count) {
    begin_ += count;
    while (count > 0) {
      chunk& first = chunks_.front();
      const std::size_t here = std::min(count, first.end - first.begin);
      first.begin += here;
      first.offset += here;
      count -= here;
      if (first.begin != first.end) break;
      if (chunks_.size() > 1) drop_chunk();
    }
  }

  /// If nothing is in the queue, and no place is in use: begins again at the front of the chunk, which the cache knows.
  void rewind() {
    if (size() == 0 && !chunks_.empty()) chunks_.back().begin = chunks_.back().end = 0;
  }

 private:
  struct chunk {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t offset = 0;  ///< of the byte at `begin`
  };

  void add_chunk() {
    chunk added;
    if (!spare_.empty()) {
      added.bytes = std::move(spare_.back());
      spare_.pop_back();
    } else {
      added.bytes.reset(new std::uint8_t[chunk_bytes_]);
    }
    added.offset = end_;
    chunks_.push_back(std::move(added));
    // An empty chunk in front would hide the first bytes.
    if (chunks_.size() == 2 && chunks_.front().begin == chunks_.front().end) drop_chunk();
  }

  void drop_chunk() {
    spare_.push_back(std::move(chunks_.front().bytes));
    chunks_.erase(chunks_.begin());
  }

  std::size_t chunk_bytes_;
  std::vector<chunk> chunks_;  ///< in the order of their bytes
  std::vector<std::unique_ptr<std::uint8_t[]>> spare_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace dvs::proxies

#endif
