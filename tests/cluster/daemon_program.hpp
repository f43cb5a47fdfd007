// SPDX-License-Identifier: MIT
/// @file
/// The program dvsd, at a socket in a directory of its own.
#ifndef DVS_TESTS_CLUSTER_DAEMON_PROGRAM_HPP
#define DVS_TESTS_CLUSTER_DAEMON_PROGRAM_HPP

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <dvs/backends/userspace/daemon/packet_socket.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "own_directory.hpp"

/// The program dvsd, running.
class daemon_program {
 public:
  daemon_program() { start(); }
  /// At a place of somebody else's.
  explicit daemon_program(std::string place, std::vector<std::string> options = {})
      : path_(std::move(place)), options_(std::move(options)) {
    start();
  }
  daemon_program(const daemon_program&) = delete;
  daemon_program& operator=(const daemon_program&) = delete;
  ~daemon_program() { kill(SIGTERM); }

  /// Starts it, also again after `kill`, and waits until it listens.
  void start() {
    std::vector<std::string> words{DVS_DAEMON, "--socket", path(), "--quiet"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> arguments;
    for (std::string& each : words) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    if (const int failed = ::posix_spawn(&process_, arguments[0], nullptr, nullptr, arguments.data(), environ);
        failed != 0)
      throw std::system_error(failed, std::system_category(), words[0]);
    while (!listens()) {
      if (::waitpid(process_, nullptr, WNOHANG) != 0) throw std::runtime_error("dvsd ended at once");
      ::usleep(500);
    }
  }
  void kill(int signal) {
    if (process_ <= 0) return;
    ::kill(process_, signal);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  [[nodiscard]] std::string path() const { return path_; }
  [[nodiscard]] pid_t process() const { return process_; }

 private:
  /// Whether somebody does; one that was killed has left its socket.
  [[nodiscard]] bool listens() const {
    const sockaddr_un address = dvs::userspace::unix_address(path());
    const dvs::userspace::owned_descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  own_directory where_;
  const std::string path_ = where_.file("node");
  const std::vector<std::string> options_;
  pid_t process_ = -1;
};

#endif
