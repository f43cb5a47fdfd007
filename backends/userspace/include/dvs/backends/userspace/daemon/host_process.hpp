// SPDX-License-Identifier: MIT
/// @file
/// What the host tells about processes.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_HOST_PROCESS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_HOST_PROCESS_HPP

#include <sys/socket.h>
#include <sys/stat.h>

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

/// Whether a process is in our namespace of process numbers, as far as we may know.
[[nodiscard]] inline bool shares_process_numbers(std::int32_t process) {
  const auto space_of = [](const std::string& who) {
    struct stat about {};
    return ::stat(("/proc/" + who + "/ns/pid").c_str(), &about) == 0 ? about.st_ino : 0;
  };
  const auto there = space_of(std::to_string(process));
  return there != 0 && there == space_of("self");
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
