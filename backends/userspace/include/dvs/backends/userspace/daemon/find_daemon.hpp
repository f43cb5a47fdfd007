// SPDX-License-Identifier: MIT
/// @file
/// Where the program dvsd is, for programs that start one.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_FIND_DAEMON_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_FIND_DAEMON_HPP

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

namespace dvs::userspace {

/// The path of dvsd: beside this program, or where `PATH` leads; empty if it is in neither.
[[nodiscard]] inline std::string find_daemon() {
  std::error_code none;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", none);
  const char* const path = std::getenv("PATH");
  std::istringstream folders(self.parent_path().string() + ":" + (path == nullptr ? "" : path));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (folder.empty()) continue;
    const auto candidate = std::filesystem::path(folder) / "dvsd";
    if (std::filesystem::is_regular_file(candidate, none) && ::access(candidate.c_str(), X_OK) == 0)
      return std::filesystem::absolute(candidate).string();
  }
  return {};
}

}  // namespace dvs::userspace

#endif
