// SPDX-License-Identifier: MIT
/// @file
/// A file that leaves a store: the sending half of a transfer.
#ifndef MUK_FTP_OUTGOING_HPP
#define MUK_FTP_OUTGOING_HPP

#include <algorithm>
#include <muk/ftp/checksum.hpp>
#include <muk/ftp/store.hpp>

namespace muk::ftp {

/// Adds the first `length` bytes of a file to a checksum, piece by piece through `buffer`; calls `pause()` between the
/// pieces, so that others get their turn. Errors: `range` (the file is shorter), and those of the store.
template <stored_file File, class Pause>
dvs::result<void> add_start(checksum& sum, File& open, std::uint64_t length, std::span<std::byte> buffer,
                            Pause&& pause) {
  for (std::uint64_t done = 0; done < length; pause()) {
    const auto piece = buffer.first(std::min<std::uint64_t>(buffer.size(), length - done));
    const auto got = open.read(done, piece);
    if (!got) return got.error();
    if (*got != piece.size()) return dvs::errc::range;
    sum.add(piece);
    done += *got;
  }
  return {};
}

/// A file that is read from its start to where it ended when it was opened.
template <store Store>
class outgoing {
 public:
  /// Opens the file at `path`. Errors: those of `open_to_read`.
  [[nodiscard]] static dvs::result<outgoing> open(Store& from, std::string_view path) {
    auto opened = from.open_to_read(path);
    if (!opened) return opened.error();
    const auto status = opened->status();
    if (!status) return status.error();
    return outgoing(std::move(*opened), status->size);
  }

  /// How long the file was when it was opened, in bytes.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// How far it was read.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// The checksum of what was added.
  [[nodiscard]] digest so_far() const { return sum_.value(); }

  /// Goes to `offset`, when nothing was read yet. Errors: `range` (the file is shorter).
  template <class Pause>
  dvs::result<void> skip_to(std::uint64_t offset, std::span<std::byte> buffer, Pause&& pause) {
    if (offset > size_) return dvs::errc::range;
    if (auto added = add_start(sum_, file_, offset, buffer, pause); !added) return added;
    offset_ = offset;
    return {};
  }
  /// Reads on: fills `into`, or a part of it at the end. It is to be added before more is read. Errors: `range` (the
  /// file was cut meanwhile).
  dvs::result<std::span<std::byte>> next(std::span<std::byte> into) {
    const auto piece = into.first(std::min<std::uint64_t>(into.size(), size_ - offset_));
    if (piece.empty()) return piece;
    const auto got = file_.read(offset_, piece);
    if (!got) return got.error();
    if (*got != piece.size()) return dvs::errc::range;
    offset_ += piece.size();
    return piece;
  }
  /// Adds what was read to the checksum: a step of its own, because the other side can go on meanwhile.
  void add(std::span<const std::byte> bytes) { sum_.add(bytes); }

 private:
  outgoing(typename Store::file file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  typename Store::file file_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  checksum sum_;
};

}  // namespace muk::ftp

#endif
