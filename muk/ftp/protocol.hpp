// SPDX-License-Identifier: MIT
/// @file
/// What can be asked of M3FTP, which moves whole files between processes.
#ifndef MUK_FTP_PROTOCOL_HPP
#define MUK_FTP_PROTOCOL_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <dvs/describe.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>

namespace muk::ftp {

/// The well-known endpoint of M3FTP.
inline constexpr dvs::endpoint_id where{14};

/// How many bytes one request may move.
inline constexpr std::uint32_t bytes_max = 1 << 20;
/// How long a path may be, in bytes.
inline constexpr std::uint32_t path_max = 4096;

/// BLAKE2b-256 of the bytes of a file, from its start on.
using digest = std::array<std::byte, 32>;

/// A path in the caller's memory, which the caller granted to M3FTP. The caller must grant its own memory, here and in
/// all other requests: otherwise `not_granted`.
struct path {
  dvs::grant_ref<dvs::readable> memory;
  std::uint32_t length;
  std::uint32_t zero;  ///< 0; keeps what follows aligned
};

// Errors of all requests with a path: those of the store (`no_entry`, `not_directory`, `access_denied`, `loop`,
// `io_error` ...), `name_too_long`, `not_granted`, `bad_argument` (the path has a NUL or does not end in a name),
// `table_full` (the server works on as many transfers as it can). Of all with a transfer: `bad_descriptor` (the caller
// has no such transfer: it ended, or was silent for too long), `busy` (it still works on the request before), and
// `bad_argument` (a get is asked for what only a put can do, or the other way round).
//
// After any other answer than success and `busy` the transfer is over.

/// Begins to fetch a file, from `offset` on. Errors: also `is_directory`, `not_supported` (no regular file), `range`
/// (the file is shorter), `bad_checksum` (its first `offset` bytes are not those with the digest `begun`).
struct get {
  static constexpr std::uint32_t opcode = 1;
  ftp::path path;
  std::uint64_t offset;
  digest begun;
  struct reply {
    std::uint64_t size;      ///< of the file, in bytes; no more are sent
    std::uint32_t transfer;  ///< what the other requests call it; valid for this caller only
    std::uint32_t zero;
  };
};

/// Begins to replace or make a file. What arrives is kept beside it under another name until `finish`, also when the
/// transfer is interrupted; a later put may go on at any `offset` of that. Errors: also `is_directory`, `not_supported`
/// (there is something that is no regular file), `busy` (somebody else puts this file), `range` (less is kept),
/// `bad_checksum` (the first `offset` bytes kept are not those with the digest `begun`).
struct put {
  static constexpr std::uint32_t opcode = 2;
  ftp::path path;
  std::uint64_t offset;
  digest begun;
  struct reply {
    std::uint32_t transfer;  ///< as in `get`
  };
};

/// Copies the next bytes of a get into the caller's memory: `length` of them, fewer only at the end of the file.
/// `offset` says how far the caller is. Errors: `too_big` (`bytes_max`), `range` (the server is not there, or the file
/// was cut meanwhile), `io_error`.
struct gnext {
  static constexpr std::uint32_t opcode = 3;
  std::uint32_t transfer;
  std::uint32_t length;
  std::uint64_t offset;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes copied
  };
};

/// Takes the next `length` bytes of a put out of the caller's memory. `offset` says how far the caller is. Errors:
/// `too_big` (`bytes_max`), `range` (the server is not there), `no_space` (then nothing is kept), `file_too_big`,
/// `io_error`.
struct pnext {
  static constexpr std::uint32_t opcode = 4;
  std::uint32_t transfer;
  std::uint32_t length;
  std::uint64_t offset;
  dvs::grant_ref<dvs::readable> from;
  struct reply {};
};

/// Gives a transfer up. What arrived of a put is kept.
struct cancel {
  static constexpr std::uint32_t opcode = 5;
  std::uint32_t transfer;
  struct reply {};
};

/// Ends a transfer: `size` and `whole` are the caller's view of the whole file, and must be the server's. A file that
/// was put gets its name now, when it is safe in the store. Errors: `bad_checksum` (they differ; nothing is kept),
/// `no_space`, `io_error`.
struct finish {
  static constexpr std::uint32_t opcode = 6;
  std::uint32_t transfer;
  std::uint32_t zero;
  std::uint64_t size;
  digest whole;
  struct reply {
    digest whole;  ///< the server's view
  };
};

/// What there is of a file.
struct stat {
  static constexpr std::uint32_t opcode = 7;
  ftp::path path;
  struct reply {
    std::uint64_t size;    ///< of the file, in bytes; 0 when there is none
    std::uint64_t kept;    ///< bytes kept of a put that did not finish
    std::uint32_t exists;  ///< 1: there is a regular file
    std::uint32_t zero;
  };
};

/// The service.
using protocol = dvs::protocol<get, put, gnext, pnext, cancel, finish, stat>;

}  // namespace muk::ftp

BOOST_HANA_ADAPT_STRUCT(muk::ftp::path, memory, length, zero);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::get, path, offset, begun);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::get::reply, size, transfer, zero);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::put, path, offset, begun);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::put::reply, transfer);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::gnext, transfer, length, offset, into);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::gnext::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::pnext, transfer, length, offset, from);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::cancel, transfer);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::finish, transfer, zero, size, whole);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::finish::reply, whole);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::stat, path);
BOOST_HANA_ADAPT_STRUCT(muk::ftp::stat::reply, size, kept, exists, zero);
static_assert(dvs::is_described<muk::ftp::protocol>());

#endif
