// SPDX-License-Identifier: MIT
/// @file
/// Where files are, as a transfer sees it: the concept of a store.
#ifndef MUK_FTP_STORE_HPP
#define MUK_FTP_STORE_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <dvs/endpoint.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace muk::ftp {

/// What a path names.
enum class file_kind : std::uint8_t { regular, directory, other };

/// Which file something is, whatever its names are.
struct file_identity {
  std::uint64_t volume;
  std::uint64_t inode;
  friend bool operator==(const file_identity&, const file_identity&) = default;
};

/// What a store knows about a file.
struct file_status {
  file_kind kind;
  std::uint32_t permissions;
  std::uint64_t size;  ///< in bytes
  file_identity identity;
};

/// An open file, closed by its destructor and nowhere else.
///
/// - `read` fills `into` from `offset` on and returns how many bytes it could; fewer only at the end of the file.
/// - `write` writes all bytes or fails, with `no_space` when they do not fit.
/// - `flush` returns when everything written is safe.
template <class File>
concept stored_file = std::movable<File> &&
    requires(File& open, std::uint64_t offset, std::span<std::byte> into, std::span<const std::byte> from) {
  { open.status() } -> std::same_as<dvs::result<file_status>>;
  { open.read(offset, into) } -> std::same_as<dvs::result<std::size_t>>;
  { open.write(offset, from) } -> std::same_as<dvs::result<void>>;
  { open.truncate(offset) } -> std::same_as<dvs::result<void>>;
  { open.flush() } -> std::same_as<dvs::result<void>>;
};

/// Files by paths. A path begins at the top of the store, with or without a `/`.
///
/// - `stat` does not follow a symbolic link at the end of the path.
/// - `open_to_read` opens a regular file; otherwise `is_directory` or `not_supported`.
/// - `open_to_write` opens a regular file for reading and writing, and makes it with `permissions` if there is none;
///   its content stays. It does not follow a symbolic link at the end of the path. `busy` when somebody else has it.
/// - `rename` replaces what has the new name.
template <class Store>
concept store = stored_file<typename Store::file> &&
    requires(Store& files, std::string_view path, std::uint32_t permissions) {
  { files.stat(path) } -> std::same_as<dvs::result<file_status>>;
  { files.open_to_read(path) } -> std::same_as<dvs::result<typename Store::file>>;
  { files.open_to_write(path, permissions) } -> std::same_as<dvs::result<typename Store::file>>;
  { files.rename(path, path) } -> std::same_as<dvs::result<void>>;
  { files.remove(path) } -> std::same_as<dvs::result<void>>;
};

/// Gives each transfer its view of a store.
///
/// - `admit(self, worker, client)` is asked by the server before the process `worker` works for `client`.
/// - `store_of(own)` is the store as that process, whose endpoint is `own`, sees it.
template <class Stores, class Backend>
concept store_source = requires(Stores& all, dvs::endpoint<Backend>& self, dvs::endpoint_id who) {
  { all.admit(self, who, who) } -> std::same_as<dvs::result<void>>;
  { all.store_of(self) } -> store;
};

/// A path in two: the directory (empty, or with its final slash) and the name in it.
struct split_path {
  std::string_view directory;
  std::string_view name;
};
/// Nothing when `path` has no name at its end that a file could have, or a NUL in it.
[[nodiscard]] inline std::optional<split_path> split(std::string_view path) {
  const auto slash = path.rfind('/');
  const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
  const split_path made{path.substr(0, begin), path.substr(begin)};
  if (made.name.empty() || made.name == "." || made.name == "..") return {};
  if (path.find('\0') != std::string_view::npos) return {};
  return made;
}

}  // namespace muk::ftp

#endif
