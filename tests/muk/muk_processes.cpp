// SPDX-License-Identifier: MIT
/// @file
/// MUK with its servers in processes: all of them, or RDISK alone, on the same node or on another one.
#include <random>
#include <set>
#include <tests/cluster/cluster_programs.hpp>

#include "muk_process.hpp"

namespace {

namespace fs = std::filesystem;
using running = muk_test::muk_process;

/// The exit status of a command.
int run(const std::string& command) {
  const int status = std::system(("PATH=$PATH:/usr/sbin:/sbin; " + command).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A folder with an image, its configuration, and the only place for temporary files.
class folder : public muk_test::temporary_folder {
 public:
  folder() {
    std::string large(3'000'000, '\0');
    std::mt19937 chance(1);
    for (char& each : large) each = static_cast<char>(chance());
    write("site/large.bin", large);
    write("site/index.html", "hello\n");
    write("site/open/empty", "");
    fs::permissions(path("site/open"), fs::perms::all);
    write_configuration("/", false);
    write("muk-outside.cfg",
          "muk TEST {\n  dcid 7; pm_ep 0; fs_ep 1; is_ep 8; rd_ep 3; web_ep 22; ftp_ep 14; rd_external YES;\n"
          "  rd_cfg \"rd.cfg\"; fs_cfg \"fs.cfg\"; web_cfg \"web.cfg\";\n};\n");
    REQUIRE(run(muk_test::program() + " mkimage --size 32MB " + path("site") + " " + path("site.img")) == 0);
    fs::create_directories(path("tmp"));
    ::setenv("TMPDIR", path("tmp").c_str(), 1);
  }
  ~folder() { ::unsetenv("TMPDIR"); }
  void has_good_image() const { CHECK(run("fsck.minix -f " + path("site.img") + " > " + path("fsck.log")) == 0); }
  [[nodiscard]] static bool has_equal(const std::string& url, const std::string& file) {
    return run("curl --silent --fail --max-time 60 " + url + " | cmp -s - " + file) == 0;
  }
  /// Whether the file that is served is the one in the folder.
  [[nodiscard]] bool serves(const std::string& url, const std::string& file) const {
    return has_equal(url + file, path("site/" + file));
  }
};

std::set<pid_t> children_of(pid_t process) {
  std::ifstream from("/proc/" + std::to_string(process) + "/task/" + std::to_string(process) + "/children");
  std::set<pid_t> found;
  for (pid_t each; from >> each;) found.insert(each);
  return found;
}
std::string command_line_of(pid_t process) {
  std::ifstream from("/proc/" + std::to_string(process) + "/cmdline");
  std::string text{std::istreambuf_iterator<char>(from), {}};
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}
pid_t child_of(const running& muk, const std::string& what) {
  for (const pid_t each : children_of(muk.process()))
    if (command_line_of(each).find(what) != std::string::npos) return each;
  FAIL("no child " << what);
  return 0;
}
bool is_there(pid_t process) { return ::kill(process, 0) == 0; }

}  // namespace

TEST_CASE("each server is a process, all of them serve, and none is left when muk is told to stop") {
  const folder here;
  for (const int signal : {SIGTERM, SIGINT}) {
    running muk({here.path("muk.cfg"), "--mode", "processes"});
    const std::string url = muk.url();
    const auto children = children_of(muk.process());
    CHECK(children.size() == 8);  // seven servers and a daemon
    CHECK(here.serves(url, "large.bin"));
    CHECK(here.serves(url, "index.html"));
    CHECK(run("curl --silent --fail --max-time 60 " + url + ".muk/is/all.json > " + here.path("all.json")) == 0);
    const auto tables = nlohmann::json::parse(std::ifstream(here.path("all.json")));
    for (const std::string name : {"systask", "pm", "rdisk", "fs", "is", "nweb", "ftp", "init"})
      CHECK(std::ranges::count_if(tables.at("processes"), [&](const auto& row) { return row.at("name") == name; }) ==
            1);
    muk.send(signal);
    CHECK(muk.wait() == 0);
    CHECK(muk.read_until("").ends_with("muk: stopped\n"));
    for (const pid_t each : children) CHECK(!is_there(each));
    CHECK(fs::is_empty(here.path("tmp")));
    here.has_good_image();
  }
}

TEST_CASE("when a server is killed muk says which, and ends with all the others; who has asked it gets a result") {
  const folder here;
  for (const std::string victim : {"systask", "pm", "rdisk", "fs", "is", "nweb", "ftp"}) {
    CAPTURE(victim);
    running muk({here.path("muk.cfg"), "--mode", "processes"});
    const std::string url = muk.url();
    const auto children = children_of(muk.process());
    std::FILE* const client =
        ::popen(("curl --silent --max-time 60 --limit-rate 1M " + url + "large.bin").c_str(), "r");
    REQUIRE(std::fgetc(client) != EOF);  // it is being served
    REQUIRE(::kill(child_of(muk, "server " + victim + " "), SIGKILL) == 0);
    CHECK(muk.wait() == 1);
    CHECK(muk.read_until("").find("muk: " + victim + ": it ended by itself\n") != std::string::npos);
    while (std::fgetc(client) != EOF) continue;
    CHECK(WEXITSTATUS(::pclose(client)) != 28);  // which would be the time limit
    for (const pid_t each : children) CHECK(!is_there(each));
    CHECK(fs::is_empty(here.path("tmp")));
  }
}

TEST_CASE("when the daemon of the servers is killed, all of them end") {
  const folder here;
  running muk({here.path("muk.cfg"), "--mode", "processes"});
  static_cast<void>(muk.url());
  const auto children = children_of(muk.process());
  REQUIRE(::kill(child_of(muk, "dvsd"), SIGKILL) == 0);
  CHECK(muk.wait() == 1);
  CHECK(muk.read_until("").find("muk: init: ") != std::string::npos);
  for (const pid_t each : children) CHECK(!is_there(each));
  CHECK(fs::is_empty(here.path("tmp")));
}

TEST_CASE("a server that cannot start says why, and muk ends") {
  const folder here;
  fs::remove(here.path("site.img"));
  running muk({here.path("muk.cfg"), "--mode", "processes"});
  CHECK(muk.wait() == 1);
  CHECK(muk.read_until("").find("muk: rdisk: device DISK, image_file '" + here.path("site.img") + "': ") !=
        std::string::npos);
  CHECK(fs::is_empty(here.path("tmp")));
}

TEST_CASE("RDISK may be a process of its own beside servers that share one, in each mode") {
  const folder here;
  daemon_program daemon(here.path("node"));
  dvs::userspace::node node(daemon.path());
  auto dc = node.create_dc("TEST");
  running disk({"server", "rdisk", here.path("muk-outside.cfg"), "--at", daemon.path()});
  CHECK(disk.read_until("ready").starts_with("muk: rdisk is ready at endpoint 3\n"));
  for (const std::string mode : {"fibers", "threads", "processes"}) {
    CAPTURE(mode);
    running muk({here.path("muk-outside.cfg"), "--mode", mode, "--at", daemon.path()});
    const std::string url = muk.url();
    CHECK(muk.read_until("").find("muk: rdisk is ready at endpoint 3: external\n") != std::string::npos);
    CHECK(here.serves(url, "large.bin"));
    muk.send(SIGTERM);
    CHECK(muk.wait() == 0);
  }
  disk.send(SIGTERM);
  CHECK(disk.wait() == 0);
  CHECK(dc.processes().empty());
  here.has_good_image();
}

TEST_CASE("RDISK may be on another node, and when it is killed muk says so") {
  const folder here;
  cluster_programs all(2, "tcp", "[dc.TEST]\nid = 7\n");
  all.start(1);
  all.start(2);
  for (const std::string mode : {"fibers", "processes"}) {
    CAPTURE(mode);
    running disk({"server", "rdisk", here.path("muk-outside.cfg"), "--at", all.path(2)});
    disk.read_until("ready");
    running muk({here.path("muk-outside.cfg"), "--mode", mode, "--at", all.path(1)});
    CHECK(here.serves(muk.url(), "large.bin"));
    for (const int node : {1, 2}) {
      const std::string got = here.path("got" + std::to_string(node)), at = " --at " + all.path(node);
      const std::string command = muk_test::program() + " ", config = " " + here.path("muk-outside.cfg") + " ";
      CHECK(run(command + "get" + config + "/large.bin " + got + at) == 0);
      CHECK(run("cmp " + got + " " + here.path("site/large.bin")) == 0);
      const std::string name = "open/" + mode + std::to_string(node);
      CHECK(run(command + "put" + config + got + " /" + name + at) == 0);
      CHECK(here.has_equal(muk.url() + name, got));
      CHECK(run(command + "put" + config + got + " /closed" + at + " 2>" + here.path("put.log")) == 1);
    }
    if (mode == "fibers") {
      muk.send(SIGTERM);
      CHECK(muk.wait() == 0);
      disk.send(SIGTERM);
      CHECK(disk.wait() == 0);
      here.has_good_image();
    } else {
      disk.send(SIGKILL);
      CHECK(disk.wait() == -1);
      CHECK(muk.wait() == 1);
      CHECK(muk.read_until("").find("muk: rdisk: it ended by itself\n") != std::string::npos);
    }
  }
}

TEST_CASE("an external RDISK needs a daemon, and a server that is run alone needs a DC") {
  const folder here;
  running without({here.path("muk-outside.cfg"), "--mode", "processes"});
  CHECK(without.wait() == 2);
  CHECK(without.read_until("").find("rd_external: RDISK is at a daemon: name its socket with --at\n") !=
        std::string::npos);
  running nowhere({"server", "rdisk", here.path("muk.cfg")});
  CHECK(nowhere.wait() == 2);
  daemon_program daemon(here.path("node"));
  for (const std::string wrong : {"rdisk", "disk"}) {
    running lost({"server", wrong, here.path("muk.cfg"), "--at", daemon.path()});
    CHECK(lost.wait() == 1);
  }
  running lonely({here.path("muk.cfg"), "--at", here.path("no-node")});
  CHECK(lonely.wait() == 1);
  CHECK(lonely.read_until("").find("no daemon at " + here.path("no-node")) != std::string::npos);
}
