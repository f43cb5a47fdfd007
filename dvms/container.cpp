// SPDX-License-Identifier: MIT
/// @file
/// Starts keepers of containers, and brings programs into them.
#include "container.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <dvs/backends/userspace/daemon/host_process.hpp>
#include <filesystem>

#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

/// The namespaces of a container but that of processes, which only children of who asks for it are in.
constexpr int own_spaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;

/// How long programs have to leave a DC that has ended, before they are killed.
constexpr int grace_ms = 2000, look_every_ms = 10;

[[noreturn]] void refuse(const std::string& what, int error, const char* remedy) {
  if (error == EPERM)
    throw failure(dvs::errc::access_denied, what + ": only root may, or who has CAP_SYS_ADMIN", remedy);
  throw failure(dvs::errc::io_error, what + ": " + std::strerror(error), "run dvs doctor");
}
[[noreturn]] void refuse_to_make(const std::string& what) {
  refuse(what, errno, "run the command as root, or create the DC without --container");
}

void raise_loopback() {
  const us::owned_descriptor any_socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq lo{};
  std::strcpy(lo.ifr_name, "lo");
  if (::ioctl(any_socket.get(), SIOCGIFFLAGS, &lo) != 0) refuse_to_make("lo");
  lo.ifr_flags |= IFF_UP;
  if (::ioctl(any_socket.get(), SIOCSIFFLAGS, &lo) != 0) refuse_to_make("lo");
}

/// Gives the keeper namespaces of its own.
void move_apart(const std::string& dc) {
  if (::unshare(own_spaces) != 0) refuse_to_make("a container cannot be made");
  // Nothing that is mounted here is to appear on the host; what the host has mounted stays as it is now.
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    refuse_to_make("/proc of a container cannot be mounted");
  if (::sethostname(dc.data(), std::min<std::size_t>(dc.size(), HOST_NAME_MAX)) != 0) refuse_to_make(dc);
  raise_loopback();
}

/// Lets go of everything of the command that started us, but for the pipe to it.
us::owned_descriptor detach(int report) {
  ::setsid();
  ::signal(SIGCHLD, SIG_IGN);  // the host buries our children for us
  constexpr unsigned first = STDERR_FILENO + 1;
  us::owned_descriptor kept(::fcntl(report, F_DUPFD_CLOEXEC, first));
  const auto at = static_cast<unsigned>(kept.get());
  if (at > first) ::syscall(SYS_close_range, first, at - 1, 0);
  ::syscall(SYS_close_range, at + 1, ~0U, 0);
  const us::owned_descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), standard);
  return kept;
}

/// Ends the other processes of the container: those that do not leave by themselves are killed.
void end_others() {
  for (int waited_ms = 0; ::kill(-1, waited_ms < grace_ms ? 0 : SIGKILL) == 0; waited_ms += look_every_ms)
    ::poll(nullptr, 0, look_every_ms);
}

void tell(int report, const json& what) {
  const std::string text = what.dump(-1, ' ', false, json::error_handler_t::replace);
  static_cast<void>(::write(report, text.data(), text.size()));
}

/// What the keeper does, all its life.
void keep(us::owned_descriptor report, const std::string& socket, const std::string& dc, const container_limits& limits,
          const dc_maker& make) {
  try {
    control_line line(socket);  // whose end tells the daemon that all the rest is gone
    move_apart(dc);
    const cgroup limited(limits);
    const std::uint16_t number = make(line, limited.path());
    if (::chdir("/") != 0) refuse_to_make("/");  // nobody's folder is to be in use because of us
    tell(report.get(), {{"dc", number}});
    report = {};
    line.await_end();
    end_others();
  } catch (const failure& why) {
    tell(report.get(), {{"error", dvs::name_of(why.code())}, {"message", why.what()}});
  } catch (const std::exception& why) {
    tell(report.get(), {{"error", dvs::name_of(dvs::errc::io_error)}, {"message", why.what()}});
  }
}

/// Has further children of this process begin where it is itself: sanitizers have some, too.
void bear_children_here() {
  const us::owned_descriptor own_space(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  static_cast<void>(::setns(own_space.get(), CLONE_NEWPID));
}

/// All that comes out of a pipe.
std::string content_of(int pipe) {
  std::string all;
  std::array<char, 512> piece{};
  for (ssize_t came; (came = ::read(pipe, piece.data(), piece.size())) != 0;) {
    if (came < 0 && errno != EINTR) break;
    if (came > 0) all.append(piece.data(), static_cast<std::size_t>(came));
  }
  return all;
}

}  // namespace

std::uint16_t start_keeper(const std::string& socket, const std::string& dc, const container_limits& limits,
                           const dc_maker& make) {
  if (::unshare(CLONE_NEWPID) != 0) refuse_to_make("a container cannot be made");
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) refuse_to_make("pipe");
  const us::owned_descriptor reading(ends[0]);
  us::owned_descriptor writing(ends[1]);
  const pid_t keeper = ::fork();
  if (keeper < 0) refuse_to_make("a container cannot be made");
  if (keeper == 0) {
    keep(detach(writing.get()), socket, dc, limits, make);
    ::_exit(0);
  }
  bear_children_here();
  writing = {};
  const json told = us::parse_control(content_of(reading.get()));
  if (!told.is_null() && told.contains("dc")) return us::field<std::uint16_t>(told, "dc");
  ::waitpid(keeper, nullptr, 0);
  if (told.is_null()) throw failure(dvs::errc::io_error, "the container has ended at once", "run dvs doctor");
  throw failure(us::outcome_of(told), us::field<std::string>(told, "message"));
}

container_entrance::container_entrance(control_line& line, const std::string& dc) : dc_(dc) {
  const json told = line.open(dc);
  const auto container = told.find("container");
  if (container == told.end()) return;
  exists_ = true;
  owner_ = us::field<std::uint32_t>(*container, "owner");
  cgroup_ = us::field<std::string>(*container, "cgroup");
  const pid_t daemon = line.owner().pid;
  if (daemon == 0 || us::process_number_for(daemon, ::getpid()) != daemon) return;
  keeper_ = us::owned_descriptor(
      static_cast<int>(::syscall(SYS_pidfd_open, us::field<std::int32_t>(*container, "process"), 0)));
  // That the daemon still says so tells that the number was the keeper's when the descriptor was opened.
  if (keeper_.get() < 0 || line.open(dc) != told)
    throw failure(dvs::errc::shut_down, "the container of " + dc + " has ended", "see dvs dc list");
}

pid_t container_entrance::fork() const {
  // What is in a container is its owner's: who enters trusts that one with all rights of its own.
  if (owner_ != 0 && owner_ != ::geteuid())
    throw failure(dvs::errc::no_privilege, fmt::format("the container of {} belongs to user {}", dc_, owner_),
                  "run the program as that user");
  const std::string what = "the container of " + dc_ + " cannot be entered", remedy = "run the command as root";
  if (keeper_.get() < 0)
    throw failure(dvs::errc::access_denied,
                  what + ": only root may, or who has CAP_SYS_ADMIN, where the daemon has its process numbers", remedy);
  if (::setns(keeper_.get(), CLONE_NEWPID) != 0) refuse(what, errno, remedy.c_str());
  const pid_t child = ::fork();
  if (child != 0) bear_children_here();
  if (child < 0) throw failure(dvs::errc::io_error, what + ": it ends", "see dvs dc list");
  return child;
}

int container_entrance::enter() const {
  std::error_code wrong;
  const auto here = std::filesystem::current_path(wrong);
  if (wrong) return wrong.value();
  if (!cgroup_.empty())
    if (const int failed = cgroup::join(cgroup_); failed != 0) return failed;
  return ::setns(keeper_.get(), own_spaces) == 0 && ::chdir(here.c_str()) == 0 ? 0 : errno;
}

void container_entrance::await_end() const {
  if (keeper_.get() < 0) return;
  pollfd end{keeper_.get(), POLLIN, 0};
  while (::poll(&end, 1, -1) < 0 && errno == EINTR) continue;
}

}  // namespace dvms
