// SPDX-License-Identifier: MIT
/// @file
/// A file that arrives in a store: the receiving half of a transfer.
#ifndef MUK_FTP_INCOMING_HPP
#define MUK_FTP_INCOMING_HPP

#include <muk/ftp/outgoing.hpp>
#include <string>

namespace muk::ftp {

/// What names of unfinished files begin with; 8 hexadecimal digits follow. With 14 bytes they fit in every file system.
inline constexpr std::string_view unfinished_mark = ".m3ftp";

/// Whether `name` is one that unfinished files have.
[[nodiscard]] inline bool is_unfinished(std::string_view name) {
  return name.size() == unfinished_mark.size() + 8 && name.starts_with(unfinished_mark);
}
/// The path under which `target` arrives: in the same directory, with a name made of the checksum of its own. Errors:
/// `bad_argument` (no path of a file), `access_denied` (it is such a name itself).
[[nodiscard]] inline dvs::result<std::string> unfinished_path(std::string_view target) {
  const auto parts = split(target);
  if (!parts) return dvs::errc::bad_argument;
  if (is_unfinished(parts->name)) return dvs::errc::access_denied;
  checksum sum;
  sum.add(std::as_bytes(std::span(parts->name)));
  const digest value = sum.value();
  std::string made = std::string(parts->directory).append(unfinished_mark);
  for (const std::byte each : std::span(value).first<4>()) {
    made += "0123456789abcdef"[std::to_integer<unsigned>(each >> 4)];
    made += "0123456789abcdef"[std::to_integer<unsigned>(each & std::byte{15})];
  }
  return made;
}

/// A file that is written beside its target and takes the target's name when it is complete.
///
/// The order is `open`, `keep`, `start`, `append` and `add` any number of times, `finish`. Whoever stops earlier leaves
/// what was written, unless it is nothing, to a later transfer. Two of one store must not arrive at the same target at
/// the same time; whoever makes them sees to that by comparing `identity`, between `open` and `keep`.
template <store Store>
class incoming {
 public:
  explicit incoming(Store& into) : store_(into) {}
  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;
  ~incoming() {
    if (mine_ && present_ == 0 && offset_ == 0) discard();
  }

  /// Opens what there is of a file for `target`, or begins it. A file that is replaced hands on its permissions.
  /// Errors: `is_directory`, `not_supported` (the target is no regular file), those of `unfinished_path` and of the
  /// store.
  dvs::result<void> open(std::string_view target) {
    auto beside = unfinished_path(target);
    if (!beside) return beside.error();
    const auto there = store_.stat(target);
    if (!there && there.error() != dvs::errc::no_entry) return there.error();
    if (there && there->kind == file_kind::directory) return dvs::errc::is_directory;
    if (there && there->kind != file_kind::regular) return dvs::errc::not_supported;
    auto opened = store_.open_to_write(*beside, there ? there->permissions : 0644);
    if (!opened) return opened.error();
    const auto status = opened->status();
    if (!status) return status.error();
    target_ = target;
    beside_ = std::move(*beside);
    file_ = std::move(*opened);
    identity_ = status->identity;
    present_ = status->size;
    return {};
  }

  /// Which file it is.
  [[nodiscard]] file_identity identity() const { return identity_; }
  /// How many bytes there were when it was opened.
  [[nodiscard]] std::uint64_t present() const { return present_; }
  /// How many bytes are there to stay.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// The checksum of what was added.
  [[nodiscard]] digest so_far() const { return sum_.value(); }

  /// Takes the first `length` bytes as they are; changes nothing yet. Errors: `range` (there are fewer), `busy`
  /// (another transfer finished between the opening and now: it is the target that is open).
  template <class Pause>
  dvs::result<void> keep(std::uint64_t length, std::span<std::byte> buffer, Pause&& pause) {
    const auto named = store_.stat(beside_);
    if (!named && named.error() != dvs::errc::no_entry) return named.error();
    if (!named || named->identity != identity_) return dvs::errc::busy;
    mine_ = true;
    if (auto added = add_start(sum_, *file_, length, buffer, pause); !added) return added;
    offset_ = length;
    return {};
  }
  /// Cuts off what is not kept.
  dvs::result<void> start() {
    present_ = offset_;
    return file_->truncate(offset_);
  }
  /// Writes on; the bytes are to be added before more are written. When the store is full nothing is left behind to
  /// keep it so. Errors: `no_space`, and others of the store.
  dvs::result<void> append(std::span<const std::byte> bytes) {
    const auto written = file_->write(offset_, bytes);
    if (written.error() == dvs::errc::no_space) discard();
    if (!written) return written;
    offset_ += bytes.size();
    return {};
  }
  /// Adds what was written to the checksum: a step of its own, because the other side can go on meanwhile.
  void add(std::span<const std::byte> bytes) { sum_.add(bytes); }
  /// Gives the file its name, if it is the one with this size and checksum. Errors: `bad_checksum` (it is not, and is
  /// removed), and those of the store.
  dvs::result<void> finish(std::uint64_t size, const digest& whole) {
    if (size != offset_ || whole != so_far()) {
      discard();
      return dvs::errc::bad_checksum;
    }
    const auto safe = file_->flush();
    if (safe.error() == dvs::errc::no_space) discard();
    if (!safe) return safe;
    const auto named = store_.rename(beside_, target_);
    if (named) mine_ = false;
    return named;
  }
  /// Removes what was written.
  void discard() {
    mine_ = false;
    static_cast<void>(store_.remove(beside_));
  }

 private:
  Store& store_;
  std::string target_, beside_;
  std::optional<typename Store::file> file_;
  file_identity identity_{};
  std::uint64_t present_ = 0;
  std::uint64_t offset_ = 0;
  bool mine_ = false;  // under its own name, and nobody else's
  checksum sum_;
};

}  // namespace muk::ftp

#endif
