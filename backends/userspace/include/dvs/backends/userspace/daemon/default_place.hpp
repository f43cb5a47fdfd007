// SPDX-License-Identifier: MIT
/// @file
/// Where the daemon of a node is, if nothing else is said.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_DEFAULT_PLACE_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_DEFAULT_PLACE_HPP

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace dvs::userspace {

/// The value of the environment variable `DVS_NODE`; otherwise `/run/dvs/node` for the superuser, and the same below
/// the user's own directory, `XDG_RUNTIME_DIR`, for anybody else.
[[nodiscard]] inline std::string default_place() {
  if (const char* const said = std::getenv("DVS_NODE"); said != nullptr && *said != '\0') return said;
  const char* const own = std::getenv("XDG_RUNTIME_DIR");
  const bool is_private = ::geteuid() != 0 && own != nullptr && *own != '\0';
  return (is_private ? std::string(own) : std::string("/run")) + "/dvs/node";
}

}  // namespace dvs::userspace

#endif
