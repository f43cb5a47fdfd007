// SPDX-License-Identifier: MIT
/// @file
/// Starts, stops and looks at the daemon of a node.
#include "node.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <csignal>

#include "control_line.hpp"
#include "dvsd_program.hpp"
#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

std::string daemon_program() {
  std::string found = find_dvsd();
  if (found.empty())
    throw failure(dvs::errc::no_entry, "there is no program dvsd beside dvs or in PATH",
                  "install dvs whole, or add the folder of dvsd to PATH");
  return found;
}

bool is_running(const std::string& socket) {
  try {
    const control_line there(socket);
    return true;
  } catch (const failure&) {
    return false;
  }
}

/// Starts a program that outlives this one, with both outputs going to a pipe; its process, and the end to read.
std::pair<pid_t, us::owned_descriptor> start_apart(std::vector<char*> arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  us::owned_descriptor reading(ends[0]);
  const us::owned_descriptor writing(ends[1]);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, writing.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, writing.get(), STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(&files, "/");
  ::posix_spawnattr_init(&how);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID);
  pid_t started = 0;
  const int failed = ::posix_spawn(&started, arguments[0], &files, &how, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&how);
  if (failed != 0) throw std::system_error(failed, std::system_category(), arguments[0]);
  return {started, std::move(reading)};
}

/// What comes until a whole line is there, or the end.
std::string first_line(int descriptor) {
  std::string said;
  std::array<char, 512> piece{};
  while (said.find('\n') == std::string::npos) {
    const ssize_t came = ::read(descriptor, piece.data(), piece.size());
    if (came < 0 && errno == EINTR) continue;
    if (came <= 0) break;
    said.append(piece.data(), static_cast<std::size_t>(came));
  }
  return said.substr(0, said.find('\n'));
}

}  // namespace

int start_node(const setting& with, const node_options& options) {
  std::string program = daemon_program();
  std::string socket = std::filesystem::absolute(with.socket).string();
  if (is_running(socket))
    throw failure(dvs::errc::exists, "a daemon listens at " + socket + " already",
                  "end it with dvs node stop, or give another --socket");
  std::string number = std::to_string(options.node), mode = options.mode;
  std::string socket_option = "--socket", node_option = "--node", mode_option = "--mode";
  const std::vector<char*> arguments{program.data(), socket_option.data(), socket.data(), node_option.data(),
                                     number.data(),  mode_option.data(),   mode.data(),   nullptr};
  if (options.foreground) {
    ::execv(program.c_str(), arguments.data());
    throw std::system_error(errno, std::system_category(), program);
  }
  const auto [process, output] = start_apart(arguments);
  const std::string said = first_line(output.get());
  if (!said.starts_with("dvsd: node ")) {  // which it says when it listens
    ::waitpid(process, nullptr, 0);
    throw failure(dvs::errc::not_connected, said.empty() ? program + " ended at once" : said,
                  "give a --socket in a folder that you may write");
  }
  if (with.json)
    print({{"socket", socket}, {"node", options.node}, {"process", process}});
  else
    fmt::print("node {}, at {}, process {}\n", options.node, socket, process);
  return 0;
}

int stop_node(const setting& with) {
  control_line line(with.socket);
  const ucred owner = line.owner();
  if (owner.pid == 0)
    throw failure(dvs::errc::bad_process, "the daemon at " + with.socket + " is in another process namespace",
                  "end it where it was started");
  const us::owned_descriptor life(static_cast<int>(::syscall(SYS_pidfd_open, owner.pid, 0)));
  // Its answer says that the number still was its own when the descriptor was opened.
  if (life.get() < 0 || !line.ask({{"op", "status"}}))
    throw failure(dvs::errc::bad_process, "the daemon at " + with.socket + " cannot be reached", "run dvs doctor");
  if (::syscall(SYS_pidfd_send_signal, life.get(), SIGTERM, nullptr, 0) != 0)
    throw failure(dvs::errc::no_privilege, fmt::format("the daemon at {} belongs to user {}", with.socket, owner.uid),
                  "end it as that user");
  pollfd end{life.get(), POLLIN, 0};
  while (::poll(&end, 1, -1) < 0 && errno == EINTR) continue;
  if (with.json)
    print({{"socket", with.socket}, {"process", owner.pid}});
  else
    fmt::print("the daemon at {} has ended\n", with.socket);
  return 0;
}

int show_node(const setting& with) {
  control_line line(with.socket);
  const auto told = line.ask({{"op", "status"}}).value();
  const auto node = dvs::number(line.hello().node);
  const auto lines = us::field<std::uint64_t>(told, "lines") - 1;  // without this one
  const auto commands = us::field<std::uint64_t>(told, "commands"), dcs = us::field<std::uint64_t>(told, "dcs");
  const pid_t process = line.owner().pid;
  if (with.json)
    print({{"reachable", true},
           {"socket", with.socket},
           {"node", node},
           {"process", process},
           {"lines", lines},
           {"commands", commands},
           {"dcs", dcs}});
  else
    fmt::print("socket    {}\nnode      {}\nprocess   {}\nlines     {}\ncommands  {}\nDCs       {}\n", with.socket,
               node, process, lines, commands, dcs);
  return 0;
}

}  // namespace dvms
