// SPDX-License-Identifier: MIT
/// @file
/// The program dvs with a node of its own in a directory of its own.
#ifndef TESTS_DVMS_COMMAND_HOUSE_HPP
#define TESTS_DVMS_COMMAND_HOUSE_HPP

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tests/cluster/own_directory.hpp>
#include <vector>

namespace dvms_test {

using words = std::vector<std::string>;

inline std::string content_of(const std::string& file) {
  std::ifstream from(file);
  return {std::istreambuf_iterator<char>(from), {}};
}

/// How a program ended.
struct outcome {
  int status;  ///< negative: the signal
  std::string out, err;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// A program that was started; its standard output is read line by line.
class started {
 public:
  explicit started(words line, const std::string& err) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    std::vector<char*> arguments;
    for (auto& word : line) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    REQUIRE(::posix_spawn(&process_, arguments[0], &files, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    out_ = ends[0];
  }
  started(const started&) = delete;
  started& operator=(const started&) = delete;
  ~started() {
    if (process_ > 0) {
      ::kill(process_, SIGTERM);
      ::waitpid(process_, nullptr, 0);
    }
    ::close(out_);
  }

  /// What it says next, or the rest.
  std::string line() {
    std::string said;
    for (char each = 0; ::read(out_, &each, 1) == 1 && each != '\n';) said += each;
    return said;
  }
  /// Whether there is something to read, or nothing will come.
  [[nodiscard]] bool has_said() const {
    pollfd readable{out_, POLLIN, 0};
    return ::poll(&readable, 1, 0) == 1;
  }
  [[nodiscard]] pid_t process() const { return process_; }
  /// What it still says, and how it ends.
  outcome end(const std::string& err) {
    outcome how{};
    std::array<char, 4096> piece{};
    for (ssize_t came; (came = ::read(out_, piece.data(), piece.size())) > 0;)
      how.out.append(piece.data(), static_cast<std::size_t>(came));
    int status = 0;
    REQUIRE(::waitpid(process_, &status, 0) == process_);
    process_ = 0;
    how.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    how.err = content_of(err);
    return how;
  }

 private:
  pid_t process_ = 0;
  int out_ = -1;
};

/// A directory with a socket in it, whose daemon, if any, goes with it.
class house {
 public:
  house() {
    const std::string path = DVS_DAEMON;
    ::setenv("PATH", (path.substr(0, path.rfind('/')) + ":/usr/bin:/bin:/usr/sbin:/sbin").c_str(), 1);
    ::setenv("DVS_NODE", socket().c_str(), 1);
  }
  house(const house&) = delete;
  house& operator=(const house&) = delete;
  ~house() {
    if (::access(socket().c_str(), F_OK) == 0) dvs({"node", "stop"});
  }

  [[nodiscard]] std::string socket() const { return where_.file("node"); }
  [[nodiscard]] std::string file(const char* name) const { return where_.file(name); }
  [[nodiscard]] started start(words arguments) const {
    arguments.insert(arguments.begin(), DVS_COMMAND);
    return started(std::move(arguments), where_.file("started.err"));
  }
  outcome end(started& which) const { return which.end(where_.file("started.err")); }
  outcome call(words line) const { return started(std::move(line), where_.file("err")).end(where_.file("err")); }
  outcome dvs(words arguments) const {
    arguments.insert(arguments.begin(), DVS_COMMAND);
    return call(std::move(arguments));
  }
  /// The document that a command prints, which must succeed.
  [[nodiscard]] nlohmann::json ask(words arguments) const {
    arguments.push_back("--json");
    const outcome how = dvs(std::move(arguments));
    INFO(how.err);
    REQUIRE(how.status == 0);
    return how.json();
  }
  /// A daemon with a DC called lab.
  void open_lab() const {
    REQUIRE(dvs({"node", "start"}).status == 0);
    REQUIRE(dvs({"dc", "create", "lab"}).status == 0);
  }

 private:
  own_directory where_;
};

}  // namespace dvms_test

#endif
