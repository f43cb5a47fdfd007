// SPDX-License-Identifier: MIT
/// @file
/// FS as functions: what a process calls to use files.
#ifndef MUK_FS_CLIENT_HPP
#define MUK_FS_CLIENT_HPP

#include <algorithm>
#include <cstdint>
#include <dvs/ipc.hpp>
#include <muk/fs/protocol.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muk::fs {

/// One name of a directory.
struct entry {
  std::string name;
  std::uint32_t inode;
  std::uint32_t mode;  ///< kind and permissions, as in `file_info`; 0 when the inode cannot be read
};

/// The file server as one process sees it. Paths begin at the root of the image. Every function asks FS and waits for
/// the answer; errors are those of the request of the same name, and of `endpoint::sendrec` and grants.
///
/// Thread safety: as the endpoint.
template <dvs::backend Backend>
class client {
 public:
  explicit client(dvs::endpoint<Backend>& self, dvs::endpoint_id server = where) : self_(self), server_(server) {}

  // ---- Open files ----------------------------------------------------------------------------------------------

  /// Opens a file; `reply.file` is its number, `reply.info` what `fstat` would say.
  dvs::result<fs::open::reply> open(std::string_view path, open_flags flags = open_flags::read,
                                    std::uint32_t mode = 0644) {
    return with_path(path, [&](const fs::path& name) { return fs::open{name, flags, mode}; });
  }
  dvs::result<void> close(std::uint32_t file) { return plain(fs::close{file}); }

  /// Reads at most `into.size()` bytes from `offset` on, in requests of at most 1 MiB; fewer at the end of the file.
  dvs::result<std::size_t> read(std::uint32_t file, std::uint64_t offset, std::span<std::byte> into) {
    return in_pieces(into, [&](std::span<std::byte> piece, std::size_t done) -> dvs::result<std::size_t> {
      auto window = self_.grant_write(server_, piece);
      if (!window) return window.error();
      const auto got = self_.sendrec(
          server_, fs::read{file, static_cast<std::uint32_t>(piece.size()), place(offset, done), window->ref()});
      if (!got) return got.error();
      return got->length;
    });
  }
  /// Writes `from` at `offset`; fewer bytes when the device is full.
  dvs::result<std::size_t> write(std::uint32_t file, std::uint64_t offset, std::span<const std::byte> from) {
    return in_pieces(from, [&](std::span<const std::byte> piece, std::size_t done) -> dvs::result<std::size_t> {
      auto window = self_.grant_read(server_, piece);
      if (!window) return window.error();
      const auto put = self_.sendrec(
          server_, fs::write{file, static_cast<std::uint32_t>(piece.size()), place(offset, done), window->ref()});
      if (!put) return put.error();
      return put->length;
    });
  }
  dvs::result<std::uint64_t> lseek(std::uint32_t file, std::int64_t offset, fs::whence whence = fs::whence::start) {
    const auto moved = self_.sendrec(server_, fs::lseek{file, whence, offset});
    if (!moved) return moved.error();
    return moved->position;
  }
  dvs::result<file_info> fstat(std::uint32_t file) { return self_.sendrec(server_, fs::fstat{file}); }
  dvs::result<void> ftruncate(std::uint32_t file, std::uint64_t size) { return plain(fs::ftruncate{file, 0, size}); }
  dvs::result<void> fsync(std::uint32_t file) { return plain(fs::fsync{file}); }

  /// All names of a directory but `.` and `..`, in the order of the directory.
  dvs::result<std::vector<entry>> readdir(std::string_view path) {
    const auto opened = open(path);
    if (!opened) return opened.error();
    std::vector<entry> all;
    std::vector<name_row> rows(256);
    dvs::result<void> outcome;
    for (std::uint64_t position = 0;;) {
      auto window = self_.grant_write(server_, rows);
      if (!window) {
        outcome = window.error();
        break;
      }
      const auto room = static_cast<std::uint32_t>(rows.size() * sizeof(name_row));
      const auto got = self_.sendrec(server_, getdents{opened->file, room, position, window->ref()});
      if (!got) outcome = got.error();
      if (!got || got->length == 0) break;
      position = got->next;
      for (const name_row& row : std::span{rows}.first(got->length / sizeof(name_row)))
        if (row.text() != "." && row.text() != "..") all.push_back({std::string{row.text()}, row.inode, row.mode});
    }
    (void)close(opened->file);
    if (!outcome) return outcome.error();
    return all;
  }

  /// The whole content of a file.
  dvs::result<std::string> read_file(std::string_view path) {
    const auto opened = open(path);
    if (!opened) return opened.error();
    std::string text(opened->info.size, '\0');
    const auto got = read(opened->file, 0, std::as_writable_bytes(std::span{text}));
    (void)close(opened->file);
    if (!got) return got.error();
    text.resize(*got);
    return text;
  }

  // ---- Names ---------------------------------------------------------------------------------------------------

  dvs::result<file_info> stat(std::string_view path) {
    return with_path(path, [](const fs::path& name) { return fs::stat{name}; });
  }
  dvs::result<file_info> lstat(std::string_view path) {
    return with_path(path, [](const fs::path& name) { return fs::lstat{name}; });
  }
  /// `wanted`: read 4, write 2, execute 1, or-ed.
  dvs::result<void> access(std::string_view path, std::uint32_t wanted) {
    return empty(with_path(path, [&](const fs::path& name) { return fs::access{name, wanted, 0}; }));
  }
  dvs::result<void> unlink(std::string_view path) {
    return empty(with_path(path, [](const fs::path& name) { return fs::unlink{name}; }));
  }
  dvs::result<void> mkdir(std::string_view path, std::uint32_t mode = 0755) {
    return empty(with_path(path, [&](const fs::path& name) { return fs::mkdir{name, mode, 0}; }));
  }
  dvs::result<void> rmdir(std::string_view path) {
    return empty(with_path(path, [](const fs::path& name) { return fs::rmdir{name}; }));
  }
  dvs::result<void> link(std::string_view file, std::string_view name) {
    return with_two(file, name, [](const fs::path& one, const fs::path& two) { return fs::link{one, two}; });
  }
  dvs::result<void> rename(std::string_view from, std::string_view to) {
    return with_two(from, to, [](const fs::path& one, const fs::path& two) { return fs::rename{one, two}; });
  }
  dvs::result<void> symlink(std::string_view target, std::string_view path) {
    return with_two(target, path, [](const fs::path& one, const fs::path& two) { return fs::symlink{one, two}; });
  }
  dvs::result<std::string> readlink(std::string_view path) {
    std::string target(path_max, '\0');
    auto window = self_.grant_write(server_, target);
    if (!window) return window.error();
    const auto got = with_path(path, [&](const fs::path& name) {
      return fs::readlink{name, window->ref(), static_cast<std::uint32_t>(target.size()), 0};
    });
    if (!got) return got.error();
    target.resize(got->length);
    return target;
  }

  // ---- Attributes ----------------------------------------------------------------------------------------------

  dvs::result<void> chmod(std::string_view path, std::uint32_t mode) {
    return empty(with_path(path, [&](const fs::path& name) { return fs::chmod{name, mode, 0}; }));
  }
  dvs::result<void> chown(std::string_view path, std::uint32_t uid, std::uint32_t gid) {
    return empty(with_path(path, [&](const fs::path& name) { return fs::chown{name, uid, gid}; }));
  }
  dvs::result<void> utime(std::string_view path, std::uint32_t atime, std::uint32_t mtime) {
    return empty(with_path(path, [&](const fs::path& name) { return fs::utime{name, atime, mtime, 0, 0}; }));
  }
  dvs::result<void> truncate(std::string_view path, std::uint64_t size) {
    return empty(with_path(path, [&](const fs::path& name) { return fs::truncate{name, size}; }));
  }

  // ---- The whole -----------------------------------------------------------------------------------------------

  /// Writes everything to the device: with nobody else at work, the image is then consistent.
  dvs::result<void> sync() { return plain(fs::sync{}); }
  dvs::result<fs::statfs::reply> statfs() { return self_.sendrec(server_, fs::statfs{}); }
  /// Says who `who` is; for system processes.
  dvs::result<void> setuid(dvs::endpoint_id who, std::uint32_t uid, std::uint32_t gid) {
    return plain(fs::setuid{who, uid, gid});
  }

 private:
  template <class Reply>
  static dvs::result<void> empty(const dvs::result<Reply>& answer) {
    if (!answer) return answer.error();
    return {};
  }
  template <class Request>
  dvs::result<void> plain(const Request& ask) {
    return empty(self_.sendrec(server_, ask));
  }
  static std::uint64_t place(std::uint64_t offset, std::size_t done) {
    return offset == at_position ? at_position : offset + done;
  }

  // Asks what `make(path)` says, with the path granted meanwhile.
  template <class Make>
  auto with_path(std::string_view text, Make&& make)
      -> dvs::result<typename std::invoke_result_t<Make, const fs::path&>::reply> {
    auto memory = self_.grant_read(server_, text);
    if (!memory) return memory.error();
    return self_.sendrec(server_, make(fs::path{memory->ref(), static_cast<std::uint32_t>(text.size()), 0}));
  }
  template <class Make>
  dvs::result<void> with_two(std::string_view first, std::string_view second, Make&& make) {
    auto one = self_.grant_read(server_, first);
    if (!one) return one.error();
    auto two = self_.grant_read(server_, second);
    if (!two) return two.error();
    return plain(make(fs::path{one->ref(), static_cast<std::uint32_t>(first.size()), 0},
                      fs::path{two->ref(), static_cast<std::uint32_t>(second.size()), 0}));
  }

  // Moves memory in pieces of at most `bytes_max` bytes, until one comes out short.
  template <class Byte, class Transfer>
  dvs::result<std::size_t> in_pieces(std::span<Byte> memory, Transfer&& transfer) {
    std::size_t done = 0;
    while (done < memory.size()) {
      const auto piece = memory.subspan(done, std::min<std::size_t>(memory.size() - done, bytes_max));
      const auto moved = transfer(piece, done);
      if (!moved && done == 0) return moved.error();
      if (!moved) break;
      done += *moved;
      if (*moved < piece.size()) break;
    }
    return done;
  }

  dvs::endpoint<Backend>& self_;
  dvs::endpoint_id server_;
};

}  // namespace muk::fs

#endif
