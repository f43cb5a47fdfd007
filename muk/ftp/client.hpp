// SPDX-License-Identifier: MIT
/// @file
/// M3FTP as functions: fetch a file, or put one, with its checksum compared and from where it was interrupted.
#ifndef MUK_FTP_CLIENT_HPP
#define MUK_FTP_CLIENT_HPP

#include <dvs/ipc.hpp>
#include <muk/ftp/incoming.hpp>
#include <muk/ftp/outgoing.hpp>
#include <muk/ftp/protocol.hpp>
#include <vector>

namespace muk::ftp {

/// Where a transfer begins.
enum class beginning : std::uint8_t {
  resume,  ///< where an earlier one to the same file was interrupted, if one was
  afresh,  ///< at the start of the file
};

/// What a transfer did, in bytes.
struct moved {
  std::uint64_t size;   ///< of the file
  std::uint64_t bytes;  ///< moved this time
};

/// The files of an M3FTP server as one process sees them. The near side of every transfer is a store of the caller's:
/// `host_store`, `fs_store`, or any other (see `concept store`).
///
/// Errors are those of the requests, of the near store, and of `endpoint::sendrec` and grants. `bad_checksum` and
/// `range` of a transfer that resumes: what is there already is not how the file begins; begin afresh.
///
/// Thread safety: as the endpoint.
template <dvs::backend Backend>
class client {
 public:
  explicit client(dvs::endpoint<Backend>& self, dvs::endpoint_id server = where) : self_(self), server_(server) {}

  /// What there is of a file on the server.
  dvs::result<ftp::stat::reply> stat(std::string_view path) {
    const auto name = self_.grant_read(server_, path);
    if (!name) return name.error();
    return self_.sendrec(server_, ftp::stat{path_of(*name, path)});
  }

  /// Fetches the file at `far` of the server to `near` of `files`, where it appears when it is complete and its
  /// checksum is right. What an interrupted call fetched stays beside it.
  template <store Store>
  dvs::result<moved> get(std::string_view far, Store& files, std::string_view near, beginning how = beginning::resume) {
    incoming<Store> file(files);
    if (const auto opened = file.open(near); !opened) return opened.error();
    const std::uint64_t begin = how == beginning::resume ? file.present() : 0;
    std::vector<std::byte> buffer(std::min<std::uint64_t>(piece_bytes, begin));
    if (const auto held = file.keep(begin, buffer, pause()); !held) return held.error();
    const auto name = self_.grant_read(server_, far);
    if (!name) return name.error();
    const auto begun = self_.sendrec(server_, ftp::get{path_of(*name, far), begin, file.so_far()});
    if (!begun) return begun.error();
    open_transfer open(*this, begun->transfer);
    if (const auto started = file.start(); !started) return started.error();
    buffer.resize(std::min<std::uint64_t>(piece_bytes, begun->size - begin));
    const auto length = static_cast<std::uint32_t>(buffer.size());
    const auto window = self_.grant_write(server_, buffer);
    if (!window) return window.error();
    while (file.offset() < begun->size) {
      const auto got = self_.sendrec(server_, gnext{begun->transfer, length, file.offset(), window->ref()});
      if (!got) return got.error();
      if (got->length == 0 || got->length > buffer.size()) return dvs::errc::range;
      const auto piece = std::span(buffer).first(got->length);
      if (const auto kept = file.append(piece); !kept) return kept.error();
      file.add(piece);
    }
    const auto whole = open.finish(file.offset(), file.so_far());
    if (whole.error() == dvs::errc::bad_checksum) file.discard();
    if (!whole) return whole.error();
    if (const auto named = file.finish(begun->size, *whole); !named) return named.error();
    return moved{begun->size, begun->size - begin};
  }

  /// Puts the file at `near` of `files` to `far` of the server, where it appears when it is complete and its checksum
  /// is right. What an interrupted call put stays with the server.
  template <store Store>
  dvs::result<moved> put(Store& files, std::string_view near, std::string_view far, beginning how = beginning::resume) {
    auto file = outgoing<Store>::open(files, near);
    if (!file) return file.error();
    std::uint64_t begin = 0;
    if (how == beginning::resume) {
      const auto there = stat(far);
      if (!there) return there.error();
      begin = there->kept;
    }
    std::vector<std::byte> buffer(std::min<std::uint64_t>(piece_bytes, file->size()));
    if (const auto there = file->skip_to(begin, buffer, pause()); !there) return there.error();
    const auto name = self_.grant_read(server_, far);
    if (!name) return name.error();
    const auto begun = self_.sendrec(server_, ftp::put{path_of(*name, far), begin, file->so_far()});
    if (!begun) return begun.error();
    open_transfer open(*this, begun->transfer);
    const auto window = self_.grant_read(server_, buffer);
    if (!window) return window.error();
    while (file->offset() < file->size()) {
      const std::uint64_t offset = file->offset();
      const auto piece = file->next(buffer);
      if (!piece) return piece.error();
      file->add(*piece);
      const auto length = static_cast<std::uint32_t>(piece->size());
      if (const auto took = self_.sendrec(server_, pnext{begun->transfer, length, offset, window->ref()}); !took)
        return took.error();
    }
    const auto whole = open.finish(file->size(), file->so_far());
    if (!whole) return whole.error();
    return moved{file->size(), file->size() - begin};
  }

 private:
  static constexpr std::uint32_t piece_bytes = 256 * 1024;
  static_assert(piece_bytes <= bytes_max);

  /// A transfer under way: cancelled when it leaves scope before it was finished.
  class open_transfer {
   public:
    open_transfer(client& owner, std::uint32_t number) : owner_(owner), number_(number) {}
    open_transfer(const open_transfer&) = delete;
    open_transfer& operator=(const open_transfer&) = delete;
    ~open_transfer() {
      if (!over_) static_cast<void>(owner_.self_.sendrec(owner_.server_, cancel{number_}));
    }
    /// Ends it; what the server says that the whole is.
    dvs::result<digest> finish(std::uint64_t size, const digest& whole) {
      over_ = true;
      const auto ended = owner_.self_.sendrec(owner_.server_, ftp::finish{number_, 0, size, whole});
      if (!ended) return ended.error();
      return ended->whole;
    }

   private:
    client& owner_;
    std::uint32_t number_;
    bool over_ = false;
  };

  static path path_of(const dvs::grant<Backend, dvs::readable>& memory, std::string_view text) {
    return {memory.ref(), static_cast<std::uint32_t>(text.size()), 0};
  }
  auto pause() {
    return [this] { self_.yield(); };
  }

  dvs::endpoint<Backend>& self_;
  dvs::endpoint_id server_;
};

}  // namespace muk::ftp

#endif
