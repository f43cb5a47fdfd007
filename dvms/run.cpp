// SPDX-License-Identifier: MIT
/// @file
/// Starts a program with its place in a DC, and stands for it until it ends.
#include "run.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <dvs/backends/userspace/daemon/told_place.hpp>
#include <filesystem>
#include <variant>

#include "container.hpp"
#include "failure.hpp"

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

/// How far the start of a program came, and what went wrong there.
struct trouble {
  enum class when { entering, executing } at;
  int error;
};

/// Becomes the program; the trouble if it does not.
trouble become(const run_options& options, const container_entrance& container, const sigset_t& signals) {
  if (container.exists())
    if (const int failed = container.enter(); failed != 0) return {trouble::when::entering, failed};
  if (options.detach) {
    ::setsid();
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  }
  std::vector<std::string> words = options.command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  ::execvp(arguments[0], arguments.data());
  return {trouble::when::executing, errno};
}

/// Starts the program; its process, or the trouble. Throws `failure`: the container cannot be entered.
std::variant<pid_t, trouble> start(const run_options& options, const container_entrance& container,
                                   const sigset_t& signals) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  const us::owned_descriptor reading(ends[0]);
  us::owned_descriptor writing(ends[1]);
  const pid_t process = container.exists() ? container.fork() : ::fork();
  if (process < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (process == 0) {
    const trouble met = become(options, container, signals);
    static_cast<void>(::write(writing.get(), &met, sizeof met));
    ::_exit(not_startable);
  }
  writing = {};
  trouble met{};
  ssize_t came = 0;
  do came = ::read(reading.get(), &met, sizeof met);
  while (came < 0 && errno == EINTR);
  if (came == 0) return process;  // the program has taken over, and closed the pipe
  ::waitpid(process, nullptr, 0);
  return met;
}

/// Says why there is no program; the status for that.
int complain(const setting& with, const run_options& options, const trouble& met) {
  if (met.at == trouble::when::entering)
    throw failure(dvs::errc::io_error,
                  fmt::format("the container of {} cannot be entered: {}", options.dc, std::strerror(met.error)),
                  "see dvs dc list");
  const std::string what = fmt::format("{}: {}", options.command.front(), std::strerror(met.error));
  const bool is_missing = met.error == ENOENT;
  if (with.json)
    print({{"error", dvs::name_of(is_missing ? dvs::errc::no_entry : dvs::errc::access_denied)}, {"message", what}});
  else
    fmt::print(stderr, "dvs: {}; give a program that can be executed\n", what);
  return is_missing ? not_found : not_startable;
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
  const container_entrance container = [&] {
    control_line line(with.socket);
    return container_entrance(line, options.dc);  // says what is wrong before anything is started
  }();
  set_environment(with, options);
  sigset_t awaited, before;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  for (const int each : passed_on) sigaddset(&awaited, each);
  ::signal(SIGCHLD, SIG_DFL);  // if our parent ignored it there would be no status to wait for
  ::sigprocmask(SIG_BLOCK, &awaited, &before);
  const auto begun = start(options, container, before);
  if (const auto* const met = std::get_if<trouble>(&begun)) return complain(with, options, *met);
  const pid_t process = std::get<pid_t>(begun);
  if (!options.detach) return outcome_of(process, awaited);
  if (with.json)
    print({{"process", process}});
  else
    fmt::print("{}\n", process);
  return 0;
}

}  // namespace dvms
