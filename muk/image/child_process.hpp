// SPDX-License-Identifier: MIT
/// @file
/// A program that MUK starts, and that does not outlive it.
#ifndef MUK_IMAGE_CHILD_PROCESS_HPP
#define MUK_IMAGE_CHILD_PROCESS_HPP

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace muk {

/// A process of the host, with a pipe from its standard output. Leaving scope ends it.
class child_process {
 public:
  /// Starts `words[0]`. Throws `std::system_error`.
  explicit child_process(std::vector<std::string> words) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ == 0) become(arguments, ends[1], parent);
    ::close(ends[1]);
    output_ = ends[0];
    if (process_ < 0) {
      ::close(output_);
      throw std::system_error(errno, std::system_category(), words[0]);
    }
  }
  child_process(child_process&& other) noexcept
      : process_(std::exchange(other.process_, -1)), output_(std::exchange(other.output_, -1)) {}
  child_process& operator=(child_process&&) = delete;
  ~child_process() {
    if (process_ > 0) static_cast<void>(end(SIGKILL));
    if (output_ >= 0) ::close(output_);
  }

  /// Its next line, without the line end; nothing when it has ended or closed its output, or when `interrupt` (a
  /// descriptor, or -1) became readable first.
  [[nodiscard]] std::string line(int interrupt = -1) {
    std::string said;
    for (;;) {
      std::array<pollfd, 2> looked{pollfd{output_, POLLIN, 0}, pollfd{interrupt, POLLIN, 0}};
      if (::poll(looked.data(), looked.size(), -1) < 0 && errno == EINTR) continue;
      char each = 0;
      if (looked[1].revents != 0 || ::read(output_, &each, 1) != 1) return {};
      if (each == '\n') return said;
      said += each;
    }
  }
  /// Waits for its end; true if it left with status 0.
  bool wait() {
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) continue;
    process_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  /// Sends a signal, and waits.
  bool end(int signal) {
    ::kill(process_, signal);
    return wait();
  }

 private:
  /// The new process; from fork to exec only what a signal handler may do. What a terminal sends is for the parent,
  /// who ends its children in order, and whose end is told them even if it is killed.
  [[noreturn]] static void become(const std::vector<char*>& arguments, int output, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(output, STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  pid_t process_ = -1;
  int output_ = -1;
};

}  // namespace muk

#endif
