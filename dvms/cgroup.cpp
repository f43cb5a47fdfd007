// SPDX-License-Identifier: MIT
/// @file
/// Makes, limits and removes cgroups.
#include "cgroup.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "failure.hpp"

namespace dvms {

namespace {

constexpr const char* name_head = "dvs-";

/// Each limit, and the file of the cgroup that has it.
struct setting_of_cgroup {
  const char* controller;
  const char* file;
  std::string value;
};

std::vector<setting_of_cgroup> settings_of(const container_limits& limits) {
  constexpr double period_us = 100'000;
  std::vector<setting_of_cgroup> all;
  if (limits.memory) all.push_back({"memory", "memory.max", std::to_string(*limits.memory)});
  if (limits.cpus) all.push_back({"cpu", "cpu.max", fmt::format("{:.0f} {:.0f}", *limits.cpus * period_us, period_us)});
  if (limits.pids) all.push_back({"pids", "pids.max", std::to_string(*limits.pids)});
  return all;
}

/// Writes a file of a cgroup, which takes a value by one write. An error number, or 0.
int write_value(const std::string& file, const std::string& value) {
  const dvs::userspace::owned_descriptor into(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (into.get() < 0) return errno;
  return ::write(into.get(), value.data(), value.size()) < 0 ? errno : 0;
}

[[noreturn]] void refuse(const std::string& why) {
  throw failure(dvs::errc::not_supported, "this host sets no limits: " + why,
                "run dvs doctor, or create the DC without --memory, --cpus and --pids");
}

bool is_populated(const std::string& path) {
  std::ifstream events(path + "/cgroup.events");
  std::string key, value;
  while (events >> key >> value)
    if (key == "populated") return value == "1";
  return false;
}

/// Removes the cgroups that keepers who were killed have left: a keeper holds the lock of its own.
void remove_abandoned(const std::string& root) {
  std::error_code none;
  for (const auto& each : std::filesystem::directory_iterator(root, none)) {
    if (!each.path().filename().string().starts_with(name_head)) continue;
    const dvs::userspace::owned_descriptor folder(::open(each.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) ::rmdir(each.path().c_str());
  }
}

}  // namespace

std::string cgroup_root() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string word, place;
    for (int at = 0; at < 5; ++at) words >> place;
    while (words >> word && word != "-") continue;
    if (words >> word && word == "cgroup2") return place;
  }
  return {};
}

std::vector<std::string> missing_controllers(const std::string& root) {
  std::vector<std::string> missing{"memory", "cpu", "pids"};
  std::ifstream there(root + "/cgroup.controllers");
  for (std::string each; there >> each;) std::erase(missing, each);
  return missing;
}

cgroup::cgroup(const container_limits& limits) {
  const std::string root = cgroup_root();
  remove_abandoned(root);
  std::string name;
  do {
    name = root + "/" + name_head + "XXXXXX";
    if (root.empty() || ::mkdtemp(name.data()) == nullptr) {
      if (!limits.any()) return;
      refuse(root.empty() ? "there is no cgroup of version 2" : root + ": " + std::strerror(errno));
    }
    lock_ = dvs::userspace::owned_descriptor(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ::flock(lock_.get(), LOCK_EX);
  } while (::access(name.c_str(), F_OK) != 0);  // somebody took it for abandoned before it was locked
  path_ = name;
  try {
    limit(limits);
  } catch (...) {
    ::rmdir(path_.c_str());
    throw;
  }
}

void cgroup::limit(const container_limits& limits) const {
  const std::string root = path_.substr(0, path_.rfind('/'));
  const auto missing = missing_controllers(root);
  for (const auto& [controller, file, value] : settings_of(limits)) {
    if (std::ranges::find(missing, controller) != missing.end())
      refuse(fmt::format("{} has no controller {}", root, controller));
    const std::string switched_on = root + "/cgroup.subtree_control";
    if (const int failed = write_value(switched_on, std::string("+") + controller); failed != 0)
      refuse(fmt::format("{}: {}", switched_on, std::strerror(failed)));
    const std::string set = path_ + "/" + file;
    if (const int failed = write_value(set, value); failed != 0)
      refuse(fmt::format("{}: {}", set, std::strerror(failed)));
  }
}

cgroup::~cgroup() {
  if (path_.empty()) return;
  const dvs::userspace::owned_descriptor events(::open((path_ + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  for (pollfd change{events.get(), POLLPRI, 0}; is_populated(path_);) ::poll(&change, 1, 100);
  ::rmdir(path_.c_str());
}

int cgroup::join(const std::string& path) { return write_value(path + "/cgroup.procs", "0"); }

}  // namespace dvms
