// SPDX-License-Identifier: MIT
/// @file
/// Where the pages come from, as a connection sees it.
#ifndef MUK_NWEB_SITE_HPP
#define MUK_NWEB_SITE_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <dvs/result.hpp>
#include <dvs/time.hpp>
#include <muk/fs/protocol.hpp>
#include <muk/is/protocol.hpp>
#include <muk/pm/protocol.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muk::nweb {

/// What a path leads to.
enum class file_kind : std::uint8_t { regular, directory, other };

/// A file that was found; a regular one is open until it is closed.
struct file {
  std::uint32_t handle;  ///< the site's name for it
  file_kind kind;
  std::uint64_t inode;    ///< its identity
  std::uint64_t size;     ///< in bytes
  std::int64_t modified;  ///< in seconds since 1970
};

/// A row of a listing.
struct entry {
  std::string name;
  bool is_directory;
};

/// The buffer of a connection begins with this much room for the head of an answer, so that head and body leave in one
/// write.
inline constexpr std::size_t head_room = 1024;

/// The pages of one connection, and the memory through which they pass.
///
/// - `open` finds `path` (see `target::path`, without final slash) and opens it if it is a regular file.
/// - `read` puts at most `length` bytes of the file from `offset` on behind the head room of `buffer`, and returns how
///   many; 0 at the end.
/// - `list` appends the names in a directory, in any order, without "." and "..".
/// - `status` is the text or JSON behind `/.muk/is/NAME`.
/// - `seconds` is the time since 1970, 0 when that is not known; `now` is the node's time.
template <class Site>
concept site = requires(Site& pages, std::string_view path, const file& opened, std::uint64_t offset,
                        std::size_t length, std::vector<entry>& entries, bool json) {
  { pages.open(path) } -> std::same_as<dvs::result<file>>;
  { pages.read(opened, offset, length) } -> std::same_as<dvs::result<std::size_t>>;
  { pages.close(opened) } -> std::same_as<void>;
  { pages.list(path, entries) } -> std::same_as<dvs::result<void>>;
  { pages.status(path, json) } -> std::same_as<dvs::result<std::string>>;
  { pages.buffer() } -> std::same_as<std::span<char>>;
  { pages.seconds() } -> std::same_as<std::int64_t>;
  { pages.now() } -> std::same_as<dvs::duration>;
};

/// The limits of the server.
struct settings {
  std::uint16_t port = 8080;         ///< TCP; 0 for any free one
  std::string root;                  ///< the directory of the image that is "/" for clients; empty for all of it
  std::uint32_t connections = 1024;  ///< at the same time; more get 503
  dvs::duration idle = std::chrono::seconds(30);    ///< how long a connection may say nothing between requests
  dvs::duration header = std::chrono::seconds(10);  ///< how long a request may take to arrive
  dvs::duration write = std::chrono::seconds(60);   ///< how long a client may take to accept one piece
  dvs::endpoint_id file_server = fs::where;
  std::optional<dvs::endpoint_id> information_server = is::where;  ///< none: the states are not found
  std::optional<dvs::endpoint_id> process_manager = pm::where;     ///< none: answers have no date
};

}  // namespace muk::nweb

#endif
