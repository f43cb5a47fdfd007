// SPDX-License-Identifier: MIT
/// @file
/// Starts a program with its place in a DC, and stands for it until it ends.
#include "run.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <dvs/backends/userspace/daemon/told_place.hpp>
#include <filesystem>

#include "control_line.hpp"

namespace dvms {

namespace {

namespace us = dvs::userspace;

/// What a shell returns for a command that is not there, or cannot be started.
constexpr int not_found = 127, not_startable = 126, by_signal = 128;

/// The signals that are meant for the program.
constexpr std::array passed_on{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

void set_environment(const setting& with, const run_options& options) {
  ::setenv(us::told_place::node_variable, std::filesystem::absolute(with.socket).c_str(), 1);
  ::setenv(us::told_place::dc_variable, options.dc.c_str(), 1);
  // What somebody else was told is not for this program.
  ::unsetenv(us::told_place::endpoint_variable);
  ::unsetenv(us::told_place::name_variable);
  if (options.endpoint) ::setenv(us::told_place::endpoint_variable, std::to_string(*options.endpoint).c_str(), 1);
  if (!options.name.empty()) ::setenv(us::told_place::name_variable, options.name.c_str(), 1);
}

/// Starts the program; an error number, or 0 and its process.
int start(const run_options& options, const sigset_t& signals, pid_t& process) {
  std::vector<std::string> words = options.command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&how);
  short flags = POSIX_SPAWN_SETSIGMASK;
  ::posix_spawnattr_setsigmask(&how, &signals);
  if (options.detach) {
    flags |= POSIX_SPAWN_SETSID;
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
      ::posix_spawn_file_actions_addopen(&files, standard, "/dev/null", O_RDWR, 0);
  }
  ::posix_spawnattr_setflags(&how, flags);
  const int failed = ::posix_spawnp(&process, arguments[0], &files, &how, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&how);
  return failed;
}

/// Waits for the end of the program; what is signalled here meanwhile is passed on to it.
int outcome_of(pid_t process, const sigset_t& awaited) {
  for (;;) {
    int status = 0;
    if (const pid_t ended = ::waitpid(process, &status, WNOHANG); ended == process)
      return WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status);
    siginfo_t what{};
    const int signal = ::sigwaitinfo(&awaited, &what);
    // What a terminal sends it has sent to the program as well.
    if (signal > 0 && signal != SIGCHLD && what.si_code != SI_KERNEL) ::kill(process, signal);
  }
}

}  // namespace

int run(const setting& with, const run_options& options) {
  control_line(with.socket).enter(options.dc);  // says what is wrong before anything is started
  set_environment(with, options);
  sigset_t awaited, before;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  for (const int each : passed_on) sigaddset(&awaited, each);
  ::signal(SIGCHLD, SIG_DFL);  // if our parent ignored it there would be no status to wait for
  ::sigprocmask(SIG_BLOCK, &awaited, &before);
  pid_t process = 0;
  if (const int failed = start(options, before, process); failed != 0) {
    const std::string what = fmt::format("{}: {}", options.command.front(), std::strerror(failed));
    const bool is_missing = failed == ENOENT;
    if (with.json)
      print({{"error", dvs::name_of(is_missing ? dvs::errc::no_entry : dvs::errc::access_denied)}, {"message", what}});
    else
      fmt::print(stderr, "dvs: {}; give a program that can be executed\n", what);
    return is_missing ? not_found : not_startable;
  }
  if (!options.detach) return outcome_of(process, awaited);
  if (with.json)
    print({{"process", process}});
  else
    fmt::print("{}\n", process);
  return 0;
}

}  // namespace dvms
