// SPDX-License-Identifier: MIT
/// @file
/// Containers: the namespaces and the cgroup in which programs of a DC run.
///
/// A container is held by its *keeper*, a process that is number 1 in it. The keeper makes the namespaces, creates the
/// DC over a line of its own, and takes up the processes that lose their parents. When the DC or the daemon ends it
/// ends the others; when the keeper ends, the host ends them, and the daemon the DC.
#ifndef DVMS_CONTAINER_HPP
#define DVMS_CONTAINER_HPP

#include <dvs/backends/userspace/owned_descriptor.hpp>
#include <functional>

#include "cgroup.hpp"
#include "control_line.hpp"

namespace dvms {

/// Creates a DC over a line, with the cgroup of its container; its number. Throws `failure`.
using dc_maker = std::function<std::uint16_t(control_line&, const std::string& cgroup)>;

/// Starts a keeper, which lives on, and in which `make` is called; the number of the DC. Throws `failure`: that of
/// `make`, or the host does not let the caller have namespaces or limits.
std::uint16_t start_keeper(const std::string& socket, const std::string& dc, const container_limits& limits,
                           const dc_maker& make);

/// The way into the container of a DC.
class container_entrance {
 public:
  /// Throws `failure`: there is no such DC, the caller must not enter it, or it has ended meanwhile.
  container_entrance(control_line& line, const std::string& dc);

  /// Whether the DC has a container at all.
  [[nodiscard]] bool exists() const { return exists_; }
  /// Forks a child whose number is one of the container. Throws `failure`: the host does not let the caller in, what
  /// runs there belongs to another user, or it is ending.
  [[nodiscard]] pid_t fork() const;
  /// Brings such a child, which has one thread, in for good; relative names still mean the same. An error number, or 0.
  [[nodiscard]] int enter() const;
  /// Returns when it is no more, as far as that can be seen from here.
  void await_end() const;

 private:
  const std::string dc_;
  bool exists_ = false;
  std::uint32_t owner_ = 0;
  dvs::userspace::owned_descriptor keeper_;  ///< a pidfd; none: the daemon's numbers are not ours
  std::string cgroup_;
};

}  // namespace dvms

#endif
