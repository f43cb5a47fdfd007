// SPDX-License-Identifier: MIT
/// @file
/// A directory of the host as a list, so that its size is known before it is copied.
#ifndef MUK_MKIMAGE_HOST_TREE_HPP
#define MUK_MKIMAGE_HOST_TREE_HPP

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace muk::mkimage {

/// What cannot be copied, and why: `PATH: sentence`.
class failure : public std::runtime_error {
 public:
  failure(const std::string& path, const std::string& why) : std::runtime_error(path + ": " + why) {}
};

enum class host_kind { file, directory, symlink };

/// One file, directory or symbolic link.
struct host_entry {
  std::string path;  ///< from the top on, beginning with `/`; the top itself is `/`
  host_kind kind;
  std::uint32_t mode;   ///< permissions only
  std::uint64_t bytes;  ///< of a file
  std::uint64_t names;  ///< in a directory
  std::uint32_t mtime;  ///< seconds since 1970, cut to what MINIX can store
  std::string target;   ///< of a symbolic link
};

namespace detail {

inline std::string reason() { return std::strerror(errno); }

inline host_entry look_at(const std::string& host, const std::string& path) {
  struct stat about {};
  if (::lstat(host.c_str(), &about) != 0) throw failure(host, reason());
  host_entry made{path, host_kind::file, about.st_mode & 07777u, 0, 0, 0, {}};
  made.mtime = static_cast<std::uint32_t>(std::clamp<std::int64_t>(about.st_mtim.tv_sec, 0, UINT32_MAX));
  if (S_ISREG(about.st_mode)) {
    made.bytes = static_cast<std::uint64_t>(about.st_size);
  } else if (S_ISDIR(about.st_mode)) {
    made.kind = host_kind::directory;
  } else if (S_ISLNK(about.st_mode)) {
    made.kind = host_kind::symlink;
    made.target.resize(PATH_MAX);
    const auto length = ::readlink(host.c_str(), made.target.data(), made.target.size());
    if (length < 0) throw failure(host, reason());
    made.target.resize(static_cast<std::size_t>(length));
  } else {
    throw failure(host, "is no file, directory or symbolic link; an image cannot hold it");
  }
  return made;
}

inline std::vector<std::string> names_in(const std::string& host) {
  DIR* const folder = ::opendir(host.c_str());
  if (folder == nullptr) throw failure(host, reason());
  std::vector<std::string> names;
  while (const dirent* each = ::readdir(folder))
    if (const std::string name = each->d_name; name != "." && name != "..") names.push_back(name);
  ::closedir(folder);
  std::sort(names.begin(), names.end());  // so that the same tree always makes the same image
  return names;
}

}  // namespace detail

/// Everything in the directory `top`, a directory before what is in it, names in order. Throws `failure`.
[[nodiscard]] inline std::vector<host_entry> list_tree(const std::string& top) {
  std::vector<host_entry> all{detail::look_at(top + "/.", "/")};
  // The list grows while it is walked: each directory adds what is in it.
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (all[at].kind != host_kind::directory) continue;
    const std::string below = all[at].path == "/" ? "/" : all[at].path + "/";
    const std::string directory = top + below;
    const auto names = detail::names_in(directory);
    all[at].names = names.size();
    for (const std::string& name : names) all.push_back(detail::look_at(directory + name, below + name));
  }
  return all;
}

}  // namespace muk::mkimage

#endif
