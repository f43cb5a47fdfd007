// SPDX-License-Identifier: MIT
/// @file
/// Reading, writing and cutting files; listing directories.
#ifndef MUK_FS_MINIXFS_DETAIL_CONTENT_HPP
#define MUK_FS_MINIXFS_DETAIL_CONTENT_HPP

#include <algorithm>
#include <array>
#include <cstring>
#include <muk/fs/minixfs/file_system.hpp>

namespace muk::minixfs {

namespace detail {
/// What holes read as.
inline constexpr std::array<std::byte, 4096> zeros{};
}  // namespace detail

template <block_device Device, host Host>
template <class Sink>
requires std::invocable<Sink&, std::uint64_t, std::span<const std::byte>>
auto file_system<Device, Host>::read(const node& file, std::uint64_t offset, std::uint64_t length, Sink&& sink)
    -> dvs::result<std::uint64_t> {
  if (file->record.is(file_kind::directory)) return dvs::errc::is_directory;
  if (!file->record.is(file_kind::regular)) return dvs::errc::not_supported;
  const shared guard{file->lock};
  const std::uint64_t size = file->record.size;
  if (offset >= size || length == 0) return std::uint64_t{0};
  length = std::min(length, size - offset);
  const std::uint32_t block_size = storage_.super.block_size;
  const bool ahead = file->next_read == offset || length >= std::uint64_t{4} * block_size;
  file->next_read = offset + length;
  file_map map{storage_, *file};
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t block = (offset + done) / block_size;
    const std::uint64_t inside = (offset + done) % block_size;
    auto zone = map.find(block);
    if (!zone) return zone.error();
    if (*zone == 0) {
      const std::uint64_t piece = std::min({block_size - inside, length - done, std::uint64_t{detail::zeros.size()}});
      if (auto taken = sink(done, std::span{detail::zeros}.first(piece)); !taken) return taken.error();
      done += piece;
      continue;
    }
    // As many blocks as lie side by side on the device are one run.
    const std::uint64_t wanted = std::min<std::uint64_t>(64, (inside + length - done + block_size - 1) / block_size);
    std::uint32_t count = 1;
    for (; count < wanted; ++count) {
      auto next = map.find(block + count);
      if (!next || *next != *zone + count) break;
    }
    auto seen = storage_.cache.get(*zone, count, ahead);
    if (!seen) return seen.error();
    const std::uint64_t piece = std::min<std::uint64_t>(seen->bytes().size() - inside, length - done);
    if (auto taken = sink(done, seen->bytes().subspan(inside, piece)); !taken) return taken.error();
    done += piece;
  }
  note_access(*file);
  return length;
}

template <block_device Device, host Host>
auto file_system<Device, Host>::read(const node& file, std::uint64_t offset, std::span<std::byte> into)
    -> dvs::result<std::uint64_t> {
  return read(file, offset, into.size(), [&](std::uint64_t at, std::span<const std::byte> bytes) {
    std::memcpy(into.data() + at, bytes.data(), bytes.size());
    return dvs::result<void>{};
  });
}

// The time of last access is kept coarsely, so that reading does not become writing: it is moved when the file has
// changed since, or once a day. It reaches the device with the next change or sync.
template <block_device Device, host Host>
void file_system<Device, Host>::note_access(inode_type& file) {
  const std::uint32_t now = storage_.surroundings.now();
  inode_record& record = file.record;
  if (read_only_ || storage_.super.format == version::v1) return;
  if (record.atime > std::max(record.mtime, record.ctime) && now - record.atime < 86400) return;
  if (record.atime == now) return;
  record.atime = now;
  file.dirty = true;
}

template <block_device Device, host Host>
template <class Source>
requires std::invocable<Source&, std::uint64_t, std::span<std::byte>>
auto file_system<Device, Host>::write(const node& file, std::uint64_t offset, std::uint64_t length, Source&& source)
    -> dvs::result<std::uint64_t> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  const exclusive guard{file->lock};
  return write_locked(*file, offset, length, source);
}

template <block_device Device, host Host>
auto file_system<Device, Host>::write(const node& file, std::uint64_t offset, std::span<const std::byte> from)
    -> dvs::result<std::uint64_t> {
  return write(file, offset, from.size(), [&](std::uint64_t at, std::span<std::byte> into) {
    std::memcpy(into.data(), from.data() + at, into.size());
    return dvs::result<void>{};
  });
}

template <block_device Device, host Host>
template <class Source>
auto file_system<Device, Host>::append(const node& file, std::uint64_t length, Source&& source)
    -> dvs::result<std::uint64_t> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  const exclusive guard{file->lock};
  return write_locked(*file, file->record.size, length, source);
}

template <block_device Device, host Host>
template <class Source>
auto file_system<Device, Host>::write_locked(inode_type& file, std::uint64_t offset, std::uint64_t length,
                                             Source& source) -> dvs::result<std::uint64_t> {
  if (file.record.is(file_kind::directory)) return dvs::errc::is_directory;
  if (!file.record.is(file_kind::regular)) return dvs::errc::not_supported;
  if (length == 0) return std::uint64_t{0};
  if (offset >= storage_.super.size_max) return dvs::errc::file_too_big;
  length = std::min<std::uint64_t>(length, storage_.super.size_max - offset);
  if (offset > file.record.size) {
    if (auto cleared = zero_tail(file); !cleared) return cleared.error();
  }
  using placed = typename file_map<Device, Host>::placed;
  const std::uint32_t block_size = storage_.super.block_size;
  file_map map{storage_, file};
  placed next{0, false};  // assigned already while looking how far a run goes
  dvs::errc failure = dvs::errc::ok;
  std::uint64_t done = 0;
  while (done < length && failure == dvs::errc::ok) {
    const std::uint64_t block = (offset + done) / block_size;
    const std::uint64_t inside = (offset + done) % block_size;
    const std::uint64_t full = inside == 0 ? (length - done) / block_size : 0;
    auto assigned = next.zone != 0 ? dvs::result<placed>{next} : map.assign(block);
    next = {0, false};
    if (!assigned) {
      failure = assigned.error();
      break;
    }
    const auto [zone, fresh] = *assigned;
    if (full == 0) {
      const std::uint64_t piece = std::min(block_size - inside, length - done);
      if (fresh) zero_block(zone);
      auto edit = storage_.cache.edit(zone);
      if (!edit) {
        failure = edit.error();
        break;
      }
      const auto given = source(done, edit->bytes().subspan(inside, piece));
      failure = given.error();
      if (given) done += piece;
    } else {
      const std::uint64_t wanted = std::min<std::uint64_t>(full, storage_.cache.run_max(zone));
      std::uint32_t count = 1;
      for (; count < wanted; ++count) {
        auto follower = map.assign(block + count);
        if (!follower) break;
        if (follower->zone == zone + count && follower->fresh == fresh) continue;
        next = *follower;
        break;
      }
      auto edit = storage_.cache.overwrite(zone, count);
      const auto given = source(done, edit.bytes());
      failure = given.error();
      // What the device held in a zone before it came to this file must never be seen in it.
      if (!given && fresh) std::fill(edit.bytes().begin(), edit.bytes().end(), std::byte{0});
      if (given || fresh) edit.complete();
      if (given) done += edit.bytes().size();
    }
    if (offset + done > file.record.size) file.record.size = static_cast<std::uint32_t>(offset + done);
  }
  if (failure != dvs::errc::ok) {
    if (next.fresh) zero_block(next.zone);
    (void)file_map{storage_, file}.cut((std::uint64_t{file.record.size} + block_size - 1) / block_size);
  }
  if (done > 0) file.record.mtime = storage_.surroundings.now();
  if (auto stored = finish(file); !stored) return stored.error();
  if (done == 0) return failure;
  return done;
}

template <block_device Device, host Host>
auto file_system<Device, Host>::truncate(const node& file, std::uint64_t size) -> dvs::result<void> {
  auto changing = begin_change();
  if (!changing) return changing.error();
  if (file->record.is(file_kind::directory)) return dvs::errc::is_directory;
  if (!file->record.is(file_kind::regular)) return dvs::errc::bad_argument;
  if (size > storage_.super.size_max) return dvs::errc::file_too_big;
  const exclusive guard{file->lock};
  inode_record& record = file->record;
  const std::uint32_t block_size = storage_.super.block_size;
  dvs::result<void> outcome;
  if (size > record.size) outcome = zero_tail(*file);
  const bool shorter = size < record.size;
  if (outcome) record.size = static_cast<std::uint32_t>(size);
  if (shorter) outcome = file_map{storage_, *file}.cut((size + block_size - 1) / block_size);
  if (outcome) record.mtime = storage_.surroundings.now();
  auto stored = finish(*file);
  return outcome ? stored : outcome;
}

// Clears the last block behind the end of the file, before the file grows over it.
template <block_device Device, host Host>
auto file_system<Device, Host>::zero_tail(inode_type& file) -> dvs::result<void> {
  const std::uint32_t block_size = storage_.super.block_size;
  const std::uint32_t used = file.record.size % block_size;
  if (used == 0) return {};
  auto zone = file_map{storage_, file}.find(file.record.size / block_size);
  if (!zone) return zone.error();
  if (*zone == 0) return {};
  auto edit = storage_.cache.edit(*zone);
  if (!edit) return edit.error();
  std::fill(edit->bytes().begin() + used, edit->bytes().end(), std::byte{0});
  return {};
}

template <block_device Device, host Host>
void file_system<Device, Host>::zero_block(std::uint32_t zone) {
  auto edit = storage_.cache.overwrite(zone, 1);
  std::fill(edit.bytes().begin(), edit.bytes().end(), std::byte{0});
  edit.complete();
}

template <block_device Device, host Host>
template <class Visit>
auto file_system<Device, Host>::list(const node& directory, std::uint32_t from, Visit&& visit) -> dvs::result<void> {
  if (!directory->record.is(file_kind::directory)) return dvs::errc::not_directory;
  const shared guard{directory->lock};
  if (directory->removed) return {};
  auto listed = entries(directory).scan(from, [&](const auto& entry) {
    return visit(entry.inode, entry.name, entry.position + storage_.super.entry_bytes());
  });
  if (listed) note_access(*directory);
  return listed;
}

}  // namespace muk::minixfs

#endif
