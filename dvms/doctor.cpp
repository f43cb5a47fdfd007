// SPDX-License-Identifier: MIT
/// @file
/// Looks at what dvs needs of the host.
#include "doctor.hpp"

#include <fmt/core.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <dvs/backends/userspace/daemon/find_daemon.hpp>
#include <fstream>
#include <optional>

#include "cgroup.hpp"
#include "control_line.hpp"
#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

enum class health { fine, lacking, wrong };  ///< lacking: dvs works, but not all of it

struct finding {
  const char* subject;
  health state;
  std::string what;
  std::string remedy = {};
};

const char* name_of(health state) {
  switch (state) {
    case health::fine:
      return "ok";
    case health::lacking:
      return "lacking";
    case health::wrong:
      return "wrong";
  }
  return "unknown";
}

/// The socket, who may use it, and whether its daemon speaks our language.
std::vector<finding> examine_daemon(const std::string& socket) {
  std::vector<finding> found;
  struct stat file {};
  if (::stat(socket.c_str(), &file) == 0) {
    const passwd* const known = ::getpwuid(file.st_uid);
    const std::string owner = known == nullptr ? std::to_string(file.st_uid) : known->pw_name;
    const std::string who = fmt::format("{} belongs to {}, mode {:03o}", socket, owner, file.st_mode & 0777U);
    if (::access(socket.c_str(), W_OK) == 0)
      found.push_back({"permissions", health::fine, who + ": you may use it"});
    else
      found.push_back({"permissions", health::wrong, who + ": you may not use it",
                       "have it started with dvs node start --mode 660, and join its group"});
  } else if (errno == EACCES) {
    found.push_back({"permissions", health::wrong, "you may not enter the folder of " + socket,
                     "give --socket, or run as who started the daemon"});
  }
  try {
    const control_line line(socket);
    found.push_back({"socket", health::fine, fmt::format("node {} at {}", dvs::number(line.hello().node), socket)});
    found.push_back({"version", health::fine, fmt::format("the daemon speaks version {}", us::control_version)});
  } catch (const failure& why) {
    const std::string all = why.what();
    const std::size_t remedy = all.rfind("; ");
    const bool is_old = why.code() == dvs::errc::not_supported;
    found.push_back({is_old ? "version" : "socket", health::wrong, all.substr(0, remedy), all.substr(remedy + 2)});
  }
  return found;
}

finding examine_dvsd(bool is_reachable) {
  const std::string found = dvs::userspace::find_daemon();
  if (!found.empty()) return {"dvsd", health::fine, found};
  return {"dvsd", is_reachable ? health::lacking : health::wrong, "there is no program dvsd beside dvs or in PATH",
          "install dvs whole, or add the folder of dvsd to PATH"};
}

finding examine_memfd() {
  const us::owned_descriptor made(::memfd_create("dvs", MFD_CLOEXEC));
  if (made.get() >= 0) return {"memfd", health::fine, "memory can be shared between processes"};
  return {"memfd", health::lacking, fmt::format("memfd_create: {}", std::strerror(errno)),
          "allow the system call in the container or sandbox"};
}

finding examine_pidfd() {
  const us::owned_descriptor self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (self.get() >= 0) return {"pidfd", health::fine, "the end of processes can be told"};
  return {"pidfd", health::wrong, fmt::format("pidfd_open: {}", std::strerror(errno)),
          "use Linux 5.3 or newer, and allow the system call in the container or sandbox"};
}

finding examine_process_memory() {
  int from = 1, to = 0;
  const iovec here{&to, sizeof to}, there{&from, sizeof from};
  if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) != static_cast<ssize_t>(sizeof to))
    return {"process_vm_readv", health::wrong, fmt::format("process_vm_readv: {}", std::strerror(errno)),
            "allow the system call in the container or sandbox"};
  int scope = 0;  // a host without Yama has no such file, and no such limit
  std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
  if (scope == 0 || ::geteuid() == 0) return {"process_vm_readv", health::fine, "memory can be read directly"};
  return {"process_vm_readv", health::lacking,
          fmt::format("ptrace_scope is {}: a process cannot read another's memory directly", scope),
          "sysctl -w kernel.yama.ptrace_scope=0"};
}

finding examine_files() {
  constexpr rlim_t enough = 1024;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::string what = limit.rlim_cur == RLIM_INFINITY
                               ? std::string("no limit")
                               : fmt::format("{} at once; a daemon needs two for each process", limit.rlim_cur);
  if (limit.rlim_cur >= enough) return {"open files", health::fine, what};
  return {"open files", health::lacking, what, fmt::format("ulimit -n {}", enough)};
}

finding examine_namespaces() {
  const pid_t child = ::fork();
  constexpr int all = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
  if (child == 0) ::_exit(::unshare(all) == 0 ? 0 : 1);
  int status = -1;
  if (child > 0) ::waitpid(child, &status, 0);
  if (status == 0) return {"namespaces", health::fine, "you may make containers"};
  return {"namespaces", health::lacking, "you may not make containers, nor run programs in them",
          "run dvs dc create --container and dvs run as root"};
}

finding examine_cgroups() {
  const std::string root = cgroup_root();
  if (root.empty())
    return {"cgroup v2", health::lacking, "there is no cgroup of version 2: containers have no limits",
            "boot with systemd.unified_cgroup_hierarchy=1"};
  if (const auto missing = missing_controllers(root); !missing.empty())
    return {"cgroup v2", health::lacking,
            fmt::format("{} has no controller {}: containers cannot have all limits", root, missing.front()),
            "boot with systemd.unified_cgroup_hierarchy=1"};
  return {"cgroup v2", health::fine, "containers can have limits"};
}

}  // namespace

int examine(const setting& with) {
  std::vector<finding> all = examine_daemon(with.socket);
  const bool is_reachable = all.back().state == health::fine;
  for (finding& each :
       std::vector<finding>{examine_dvsd(is_reachable), examine_memfd(), examine_pidfd(), examine_process_memory(),
                            examine_files(), examine_namespaces(), examine_cgroups()})
    all.push_back(std::move(each));
  const bool is_well = std::ranges::none_of(all, [](const finding& each) { return each.state == health::wrong; });
  if (with.json) {
    json rows = json::array();
    for (const auto& [subject, state, what, remedy] : all) {
      rows.push_back({{"subject", subject}, {"state", name_of(state)}, {"what", what}});
      if (!remedy.empty()) rows.back()["remedy"] = remedy;
    }
    print({{"well", is_well}, {"findings", rows}});
    return is_well ? 0 : 1;
  }
  for (const auto& [subject, state, what, remedy] : all) {
    const std::string word = fmt::format("{:<8}", name_of(state));
    fmt::print("{}{:<17} {}\n", state == health::wrong ? red(word) : word, subject, what);
    if (!remedy.empty()) fmt::print("{:26}{}\n", "", bold(remedy));
  }
  return is_well ? 0 : 1;
}

}  // namespace dvms
