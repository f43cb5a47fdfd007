// SPDX-License-Identifier: MIT
/// @file
/// The program dvsd, at a socket in a directory of its own.
#ifndef DVS_TESTS_CLUSTER_DAEMON_PROGRAM_HPP
#define DVS_TESTS_CLUSTER_DAEMON_PROGRAM_HPP

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "own_directory.hpp"

/// The program dvsd, running.
class daemon_program {
 public:
  daemon_program() {
    std::string program = DVS_DAEMON, option = "--socket", where = path(), quiet = "--quiet";
    char* const arguments[] = {program.data(), option.data(), where.data(), quiet.data(), nullptr};
    if (const int failed = ::posix_spawn(&process_, program.c_str(), nullptr, nullptr, arguments, environ); failed != 0)
      throw std::system_error(failed, std::system_category(), program);
    while (::access(path().c_str(), F_OK) != 0) {
      if (::waitpid(process_, nullptr, WNOHANG) != 0) throw std::runtime_error("dvsd ended at once");
      ::usleep(500);
    }
  }
  daemon_program(const daemon_program&) = delete;
  daemon_program& operator=(const daemon_program&) = delete;
  ~daemon_program() { kill(SIGTERM); }

  void kill(int signal) {
    if (process_ <= 0) return;
    ::kill(process_, signal);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  [[nodiscard]] std::string path() const { return where_.file("node"); }
  [[nodiscard]] pid_t process() const { return process_; }

 private:
  own_directory where_;
  pid_t process_ = -1;
};

#endif
