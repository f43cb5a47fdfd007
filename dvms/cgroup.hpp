// SPDX-License-Identifier: MIT
/// @file
/// A cgroup of version 2: processes that share limits.
#ifndef DVMS_CGROUP_HPP
#define DVMS_CGROUP_HPP

#include <cstdint>
#include <dvs/backends/userspace/owned_descriptor.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dvms {

/// What the processes of a container may use together.
struct container_limits {
  std::optional<std::uint64_t> memory;  ///< bytes
  std::optional<double> cpus;           ///< as many processors, all the time
  std::optional<std::uint32_t> pids;    ///< processes and threads

  [[nodiscard]] bool any() const { return memory || cpus || pids; }
};

/// Where cgroups of version 2 are mounted, or nothing.
[[nodiscard]] std::string cgroup_root();
/// The limits that cannot be set there, by the names of their controllers.
[[nodiscard]] std::vector<std::string> missing_controllers(const std::string& root);

/// A cgroup that exists as long as this object. Belongs to its keeper, which is not in it.
class cgroup {
 public:
  /// Removes what keepers who were killed have left, and makes one. Throws `failure`: there are limits, and they cannot
  /// be set. Without limits it may come to nothing.
  explicit cgroup(const container_limits& limits);
  cgroup(const cgroup&) = delete;
  cgroup& operator=(const cgroup&) = delete;
  /// Waits until its last process is gone.
  ~cgroup();

  /// Its folder; empty: there is none.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Moves the calling process into the one at `path`. An error number, or 0.
  [[nodiscard]] static int join(const std::string& path);

 private:
  void limit(const container_limits& limits) const;

  std::string path_;
  dvs::userspace::owned_descriptor lock_;
};

}  // namespace dvms

#endif
