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
#include <dvs/backends/userspace/daemon/find_daemon.hpp>

#include "control_line.hpp"
#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

std::string daemon_program() {
  std::string found = dvs::userspace::find_daemon();
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

/// How a daemon begins to say that it listens.
constexpr std::string_view listens = "dvsd: node ", listens_at = ", at ";

/// What a daemon says until it is known that it listens, or until it ends.
std::string first_words(int descriptor) {
  std::string said;
  std::array<char, 512> piece{};
  while (!said.starts_with(listens) || said.find('\n') == std::string::npos) {
    const ssize_t came = ::read(descriptor, piece.data(), piece.size());
    if (came < 0 && errno == EINTR) continue;
    if (came <= 0) break;
    said.append(piece.data(), static_cast<std::size_t>(came));
  }
  while (said.ends_with('\n')) said.pop_back();
  return said;
}

/// A configuration cannot be used: what the daemon says of it is for people and for editors.
int repeat(const setting& with, const std::string& complaints) {
  if (with.json)
    print({{"error", name_of(dvs::errc::bad_value)}, {"message", complaints}});
  else
    fmt::print(stderr, "{}\n", complaints);
  return 1;
}

}  // namespace

int start_node(const setting& with, const node_options& options) {
  std::string program = daemon_program();
  std::vector<std::string> words{program, "--node", options.node, "--mode", options.mode};
  // Without one the configuration says where the daemon listens.
  if (options.config.empty() || with.is_socket_given) {
    const std::string socket = std::filesystem::absolute(with.socket).string();
    if (is_running(socket))
      throw failure(dvs::errc::exists, "a daemon listens at " + socket + " already",
                    "end it with dvs node stop, or give another --socket");
    words.insert(words.end(), {"--socket", socket});
  }
  if (!options.config.empty())
    words.insert(words.end(), {"--config", std::filesystem::absolute(options.config).string()});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (options.foreground) {
    ::execv(program.c_str(), arguments.data());
    throw std::system_error(errno, std::system_category(), program);
  }
  const auto [process, output] = start_apart(arguments);
  const std::string said = first_words(output.get());
  if (!said.starts_with(listens)) {
    ::waitpid(process, nullptr, 0);
    if (!said.empty() && !options.config.empty()) return repeat(with, said);
    throw failure(dvs::errc::not_connected, said.empty() ? program + " ended at once" : said,
                  "give a --socket in a folder that you may write");
  }
  const std::size_t place = said.find(listens_at);
  const std::string node = said.substr(listens.size(), place - listens.size());
  const std::string socket = said.substr(place + listens_at.size());
  if (with.json)
    print({{"socket", socket}, {"node", std::stoi(node)}, {"process", process}});
  else
    fmt::print("node {}, at {}, process {}\n", node, socket, process);
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
  const json& called = us::member(told, "cluster");  // null: the node is in no cluster
  if (with.json) {
    print({{"reachable", true},
           {"socket", with.socket},
           {"node", node},
           {"name", called.is_null() ? json() : us::member(called, "node")},
           {"cluster", called.is_null() ? json() : us::member(called, "name")},
           {"process", process},
           {"lines", lines},
           {"commands", commands},
           {"dcs", dcs}});
    return 0;
  }
  fmt::print("socket    {}\nnode      {}\n", with.socket, node);
  if (!called.is_null())
    fmt::print("name      {}\ncluster   {}\n", printable(us::field<std::string>(called, "node")),
               printable(us::field<std::string>(called, "name")));
  fmt::print("process   {}\nlines     {}\ncommands  {}\nDCs       {}\n", process, lines, commands, dcs);
  return 0;
}

}  // namespace dvms
