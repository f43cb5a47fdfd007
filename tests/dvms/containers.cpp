// SPDX-License-Identifier: MIT
/// @file
/// DCs whose programs run in a container, with real programs in it.
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>
#include <sstream>

#include "command_house.hpp"

using dvms_test::content_of;
using dvms_test::house;
using dvms_test::outcome;
using dvms_test::words;
using nlohmann::json;

namespace {

/// Whether the host lets us make containers; says so if not.
bool may_make_containers() {
  const pid_t child = ::fork();
  if (child == 0)
    ::_exit(::unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) == 0 ? 0 : 1);
  int status = 1;
  ::waitpid(child, &status, 0);
  if (status != 0) WARN("this host permits no namespaces");
  return status == 0;
}

/// A node with a DC called lab, whose programs run in a container.
struct container_house : house {
  container_house() {
    REQUIRE(dvs({"node", "start"}).status == 0);
    REQUIRE(dvs({"dc", "create", "lab", "--container"}).status == 0);
  }
  [[nodiscard]] outcome run(words command) const {
    command.insert(command.begin(), {"run", "--dc", "lab", "--"});
    return dvs(std::move(command));
  }
};

/// The folder of the cgroup that a process is in, or nothing.
std::string cgroup_of(pid_t process) {
  std::istringstream lines(content_of("/proc/" + std::to_string(process) + "/cgroup"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return {};
}

/// Where cgroups of version 2 are mounted, or nothing.
std::string cgroup_root() {
  for (const char* const each : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (std::filesystem::exists(std::string(each) + "/cgroup.controllers")) return each;
  return {};
}

/// Processes that are in a network namespace.
int processes_in(const std::string& space) {
  int found = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    std::error_code gone;
    found += std::filesystem::read_symlink(each.path() / "ns/net", gone) == space ? 1 : 0;
  }
  return found;
}

std::string space_of(pid_t process) {
  return std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/ns/net").string();
}

/// How often /proc is mounted here.
int mounts_of_processes() {
  std::istringstream lines(content_of("/proc/self/mountinfo"));
  int found = 0;
  for (std::string line; std::getline(lines, line);) found += line.find(" - proc ") != std::string::npos ? 1 : 0;
  return found;
}

/// Tells of the end of a process.
class watched {
 public:
  explicit watched(pid_t process) : life_(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))) {
    REQUIRE(life_ >= 0);
  }
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;
  ~watched() { ::close(life_); }
  [[nodiscard]] bool has_ended() const { return wait(0); }
  [[nodiscard]] bool ends() const { return wait(30'000); }

 private:
  [[nodiscard]] bool wait(int within_ms) const {
    pollfd end{life_, POLLIN, 0};
    return ::poll(&end, 1, within_ms) == 1;
  }
  int life_;
};

/// The process that is bound under a name.
pid_t process_of(const house& here, const char* name) {
  const json told = here.ask({"ps"});
  for (const json& each : told.at("processes"))
    if (each.at("name") == name) return each.at("process").get<pid_t>();
  FAIL("no such process");
  return 0;
}

/// Starts a program that knows nothing of dvs, and does not end.
pid_t sleeper_in(const house& here, const char* dc) {
  const json told = here.dvs({"run", "--json", "--dc", dc, "--detach", "--", "/bin/sleep", "1000"}).json();
  return told.at("process").get<pid_t>();
}

}  // namespace

TEST_CASE("a program in a container sees itself, its keeper, a host of the name of the DC, and the loopback") {
  if (!may_make_containers()) return;
  const container_house here;
  const outcome how = here.run({DVS_PARTY, "look"});
  CHECK(how.status == 0);
  CHECK(how.out == "2 lab 2 lo\n");
  CHECK(here.run({"/bin/pwd"}).out == std::filesystem::current_path().string() + "\n");
  CHECK(here.ask({"dc", "list"}).at("dcs").at(0).at("container") == true);
  CHECK(here.dvs({"dc", "create", "open"}).status == 0);
  CHECK(here.ask({"dc", "list"}).at("dcs").at(1).at("container") == false);
}

TEST_CASE("programs in a container return what they return, get signals, and are told their place") {
  if (!may_make_containers()) return;
  const container_house here;
  CHECK(here.run({"/bin/sh", "-c", "exit 7"}).status == 7);
  CHECK(here.run({"/no/such/program"}).status == 127);
  CHECK(here.run({"/tmp"}).status == 126);
  CHECK(here.run({"/bin/sh", "-c", "echo $DVS_NODE $DVS_DC"}).out == here.socket() + " lab\n");
  auto running = here.start({"run", "--dc", "lab", "--", DVS_PARTY, "signal"});
  REQUIRE(running.line().starts_with("waits "));
  REQUIRE(::kill(running.process(), SIGTERM) == 0);
  CHECK(here.end(running).status == 9);
}

TEST_CASE("programs inside and outside of a container send each other messages, and copy what was granted") {
  if (!may_make_containers()) return;
  const container_house here;
  // Who is outside is told its place by hand: dvs run would bring it in.
  const auto outside = [&](const char* endpoint, const char* name, words arguments) {
    words line{"/usr/bin/env", "DVS_DC=lab", std::string("DVS_ENDPOINT=") + endpoint, std::string("DVS_NAME=") + name,
               DVS_PARTY};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return line;
  };
  dvms_test::started server(outside("1", "outer", {}), here.file("outer.err"));
  REQUIRE(server.line() == "bound 1");
  auto inner = here.start({"run", "--dc", "lab", "--endpoint", "2", "--name", "inner", "--", DVS_PARTY, "1"});
  REQUIRE(inner.line() == "bound 2");
  CHECK(::kill(process_of(here, "inner"), 0) == 0);

  const auto lends = [&](const char* to) {
    return here.dvs({"run", "--dc", "lab", "--endpoint", "3", "--name", "lender", "--", DVS_PARTY, "lend", to}).out;
  };
  CHECK(lends("1").starts_with("heard lent by lender."));
  CHECK(lends("2").starts_with("heard lent by lender."));
  CHECK(here.call(outside("4", "visitor", {"lend", "2"})).out.starts_with("heard lent by visitor."));

  CHECK(here.dvs({"dc", "end", "lab"}).status == 0);
  CHECK(server.end(here.file("outer.err")).status == 0);
  CHECK(here.end(inner).status == 0);
}

TEST_CASE("the end of a DC leaves nothing of its container, not even programs that know nothing of it") {
  if (!may_make_containers()) return;
  const auto mounts = mounts_of_processes();
  const container_house here;
  const pid_t started = sleeper_in(here, "lab");
  const watched sleeper(started);
  const std::string space = space_of(started), cgroup = cgroup_root() + cgroup_of(started);
  CHECK(space != space_of(::getpid()));
  CHECK(mounts_of_processes() == mounts);
  CHECK(processes_in(space) == 2);
  if (!cgroup_root().empty()) CHECK(cgroup_of(started).find("/dvs-") != std::string::npos);

  CHECK(here.dvs({"dc", "end", "lab"}).status == 0);
  CHECK(sleeper.has_ended());
  CHECK(processes_in(space) == 0);
  CHECK(mounts_of_processes() == mounts);
  if (!cgroup_root().empty()) CHECK(!std::filesystem::exists(cgroup));
  CHECK(here.ask({"dc", "list"}).at("dcs").empty());
  CHECK(here.dvs({"dc", "create", "lab", "--container"}).status == 0);
}

TEST_CASE("a container ends with its daemon, and a DC with the keeper of its container") {
  if (!may_make_containers()) return;
  const container_house here;
  const pid_t first = sleeper_in(here, "lab");
  const std::string space = space_of(first);
  pid_t keeper = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    std::error_code gone;
    const auto process = std::atoi(each.path().filename().c_str());
    if (process != first && std::filesystem::read_symlink(each.path() / "ns/net", gone) == space) keeper = process;
  }
  REQUIRE(keeper != 0);
  const std::string abandoned = cgroup_root() + cgroup_of(first);
  const watched sleeper(first);
  REQUIRE(::kill(keeper, SIGKILL) == 0);
  CHECK(sleeper.ends());
  while (!here.ask({"dc", "list"}).at("dcs").empty()) continue;

  REQUIRE(here.dvs({"dc", "create", "lab", "--container"}).status == 0);
  if (!cgroup_root().empty()) CHECK(!std::filesystem::exists(abandoned));
  const watched second(sleeper_in(here, "lab"));
  CHECK(here.dvs({"node", "stop"}).status == 0);
  CHECK(second.ends());
}

TEST_CASE("limits are set for all programs of a container together, or said to be impossible") {
  if (!may_make_containers()) return;
  const house here;
  REQUIRE(here.dvs({"node", "start"}).status == 0);
  const words line{"dc", "create", "small", "--container", "--memory", "64M", "--cpus", "0.5", "--pids", "9", "--json"};
  const outcome how = here.dvs(line);
  const std::string controllers = content_of(cgroup_root() + "/cgroup.controllers");
  const bool has_all = !cgroup_root().empty() && controllers.find("memory") != std::string::npos &&
                       controllers.find("cpu ") != std::string::npos && controllers.find("pids") != std::string::npos;
  if (how.status != 0) {
    if (has_all) WARN(how.json().at("message").get<std::string>());
    CHECK(how.status == 1);
    CHECK(how.json().at("error") == "not_supported");
    CHECK(how.json().at("message").get<std::string>().starts_with("this host sets no limits: "));
    CHECK(here.ask({"dc", "list"}).at("dcs").empty());
    WARN("this host sets no limits");
    return;
  }
  const pid_t started = sleeper_in(here, "small");
  const std::string path = cgroup_root() + cgroup_of(started);
  CHECK(content_of(path + "/memory.max") == "67108864\n");
  CHECK(content_of(path + "/cpu.max") == "50000 100000\n");
  CHECK(content_of(path + "/pids.max") == "9\n");
  CHECK(here.dvs({"dc", "end", "small"}).status == 0);
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("who may not make containers, or enter them, is told who may") {
  if (::geteuid() != 0) return;  // nobody else can become another user
  if (!may_make_containers()) return;
  const container_house here;
  REQUIRE(::chmod(here.socket().c_str(), 0666) == 0);
  REQUIRE(::chmod(here.file("").c_str(), 0755) == 0);
  REQUIRE(here.dvs({"dc", "create", "open", "--container", "--allow-user", "12345"}).status == 0);
  const auto as_other = [&](words arguments) {
    const words who{"/usr/bin/setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", DVS_COMMAND};
    arguments.insert(arguments.begin(), who.begin(), who.end());
    return here.call(std::move(arguments));
  };
  if (as_other({"--version"}).status != 0) return;  // the program lies where that user cannot go
  const outcome made = as_other({"dc", "create", "mine", "--container"});
  CHECK(made.status == 1);
  CHECK(made.err ==
        "dvs: a container cannot be made: only root may, or who has CAP_SYS_ADMIN; "
        "run the command as root, or create the DC without --container\n");
  const outcome entered = as_other({"run", "--dc", "open", "--", "true"});
  CHECK(entered.status == 1);
  CHECK(entered.err.starts_with("dvs: the container of open cannot be entered: only root may"));
}
