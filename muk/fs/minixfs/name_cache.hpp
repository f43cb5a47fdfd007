// SPDX-License-Identifier: MIT
/// @file
/// Remembers which inode a name of a directory leads to, so that a path walk need not search large directories.
#ifndef MUK_FS_MINIXFS_NAME_CACHE_HPP
#define MUK_FS_MINIXFS_NAME_CACHE_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace muk::minixfs {

/// A table of names with one place for each hash value: a newer name takes the place of an older one.
///
/// Used under the lock of the directory: shared to look up and to remember what was found, exclusive to forget what is
/// about to change.
class name_cache {
 public:
  /// The inode, or 0 when it is not known.
  [[nodiscard]] std::uint32_t find(std::uint32_t directory, std::string_view name) const {
    const place& here = places_[index_of(directory, name)];
    return here.directory == directory && here.text() == name ? here.inode : 0;
  }
  void remember(std::uint32_t directory, std::string_view name, std::uint32_t inode) {
    place& here = places_[index_of(directory, name)];
    if (name.size() > here.bytes.size()) return;
    here.directory = directory;
    here.inode = inode;
    here.length = static_cast<std::uint32_t>(name.size());
    std::copy(name.begin(), name.end(), here.bytes.begin());
  }
  void forget(std::uint32_t directory, std::string_view name) {
    place& here = places_[index_of(directory, name)];
    if (here.directory == directory && here.text() == name) here.inode = 0;
  }

 private:
  static constexpr std::size_t size = 4096;

  struct place {
    std::uint32_t directory = 0;
    std::uint32_t inode = 0;
    std::uint32_t length = 0;
    std::array<char, 60> bytes{};
    [[nodiscard]] std::string_view text() const { return {bytes.data(), length}; }
  };

  static std::size_t index_of(std::uint32_t directory, std::string_view name) {
    std::uint64_t hash = directory * 0x9E37'79B9'7F4A'7C15ULL;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3ULL;  // FNV-1a
    return static_cast<std::size_t>((hash ^ hash >> 29) % size);
  }

  std::vector<place> places_ = std::vector<place>(size);
};

}  // namespace muk::minixfs

#endif
