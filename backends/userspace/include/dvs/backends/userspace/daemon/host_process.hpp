// SPDX-License-Identifier: MIT
/// @file
/// What the host tells about processes.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_HOST_PROCESS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_HOST_PROCESS_HPP

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <dvs/backends/userspace/daemon/switchboard.hpp>
#include <fstream>
#include <optional>
#include <string>

namespace dvs::userspace {

/// The process that has a thread, or 0.
[[nodiscard]] inline std::int32_t process_of_thread(std::int32_t thread) {
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  for (std::string word; status >> word;)
    if (std::int32_t process; word == "Tgid:" && status >> process) return process;
  return 0;
}

/// The number that a process has for another one (`reader`) and for itself, if the two are in one namespace of process
/// numbers, as far as we may know; 0 otherwise.
[[nodiscard]] inline std::int32_t process_number_for(std::int32_t process, std::int32_t reader) {
  const auto folder_of = [](std::int32_t which) { return "/proc/" + std::to_string(which); };
  const auto space_of = [&](std::int32_t which) {
    struct stat about {};
    return ::stat((folder_of(which) + "/ns/pid").c_str(), &about) == 0 ? about.st_ino : 0;
  };
  const auto space = space_of(process);
  if (space == 0 || space != space_of(reader)) return 0;
  std::ifstream status(folder_of(process) + "/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with("NSpid:")) continue;
  // From the outermost namespace that we see to its own.
  const std::size_t last = line.find_last_of(" \t");
  return last == std::string::npos ? 0 : std::atoi(line.c_str() + last);
}

/// Who connected a Unix socket, as it was then.
[[nodiscard]] inline std::optional<line_owner> owner_of(int socket) {
  ucred who{};
  socklen_t bytes = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &bytes) != 0) return {};
  std::vector<gid_t> groups(64);
  for (;;) {
    bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) break;
    if (errno != ERANGE) return {};
    groups.resize(bytes / sizeof(gid_t));
  }
  line_owner owner{who.pid, who.uid, {who.gid}};
  owner.groups.insert(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(bytes / sizeof(gid_t)));
  return owner;
}

}  // namespace dvs::userspace

#endif
