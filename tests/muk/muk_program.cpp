// SPDX-License-Identifier: MIT
/// @file
/// The program muk as its users run it: images, serving, stopping, and what is said of mistakes.
#include <sys/stat.h>

#include <array>
#include <random>

#include "muk_process.hpp"

namespace {

namespace fs = std::filesystem;
using muk_test::program;
using running = muk_test::muk_process;

/// What a command said, both streams, and its exit status.
struct outcome {
  int status;
  std::string said;
};
outcome run(const std::string& command) {
  std::FILE* const pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; exec 2>&1; " + command).c_str(), "r");
  REQUIRE(pipe != nullptr);
  outcome made{};
  std::array<char, 4096> piece;
  while (const auto got = std::fread(piece.data(), 1, piece.size(), pipe)) made.said.append(piece.data(), got);
  const int status = ::pclose(pipe);
  made.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return made;
}
outcome muk(const std::string& arguments) { return run(program() + " " + arguments); }

/// A folder of its own with a site.
class folder : public muk_test::temporary_folder {
 public:
  folder() {
    write("site/index.html", "<h1>hello</h1>\n");
    write("site/sub/nothing.txt", "");
    std::string large(3'000'000, '\0');
    std::mt19937 chance(1);
    for (char& each : large) each = static_cast<char>(chance());
    write("site/sub/large.bin", large);
    write("site/sub/deep/a name with spaces.txt", "found\n");
    fs::create_directories(path("site/empty"));
    fs::create_symlink("large.bin", path("site/sub/link"));
    write_configuration("/", false);
  }
};

std::string modes[] = {"threads", "fibers"};

}  // namespace

TEST_CASE("an image holds the files of a directory, and fsck.minix and GRUB read it") {
  const folder here;
  for (const std::string version : {"1", "2", "3"}) {
    INFO("version " << version);
    const auto made = muk("mkimage " + here.path("site") + " " + here.path("site.img") + " --version " + version);
    CHECK(made.said == "");
    REQUIRE(made.status == 0);
    const auto checked = run("fsck.minix -f " + here.path("site.img"));
    INFO(checked.said);
    CHECK(checked.status == 0);
    for (const std::string file : {"/index.html", "/sub/large.bin", "/sub/nothing.txt"})
      CHECK(run("grub-fstest " + here.path("site.img") + " cmp " + file + " " + here.path("site" + file)).said == "");
    CHECK_FALSE(fs::exists(here.path("site.img.unfinished")));
  }
}

TEST_CASE("an image has the size that is asked for") {
  const folder here;
  REQUIRE(muk("mkimage --size 8MB " + here.path("site") + " " + here.path("site.img")).status == 0);
  CHECK(fs::file_size(here.path("site.img")) == 8 << 20);
  CHECK(run("fsck.minix -f " + here.path("site.img")).status == 0);
}

TEST_CASE("what cannot be copied into an image is named, and no image is left behind") {
  const folder here;
  const auto small = muk("mkimage --size 1MB " + here.path("site") + " " + here.path("site.img"));
  CHECK(small.status == 1);
  CHECK(small.said ==
        "muk: mkimage: " + here.path("site/sub/large.bin") + ": The device or table has no free space.\n");
  CHECK_FALSE(fs::exists(here.path("site.img")));
  CHECK_FALSE(fs::exists(here.path("site.img.unfinished")));
  REQUIRE(::mkfifo(here.path("site/pipe").c_str(), 0600) == 0);
  const auto odd = muk("mkimage " + here.path("site") + " " + here.path("site.img"));
  CHECK(odd.status == 1);
  CHECK(odd.said ==
        "muk: " + here.path("site/pipe") + ": is no file, directory or symbolic link; an image cannot hold it\n");
  CHECK(muk("mkimage " + here.path("nowhere") + " " + here.path("site.img")).status == 2);
}

TEST_CASE("muk serves the files of its image in both modes, and stops cleanly on SIGTERM and SIGINT") {
  const folder here;
  REQUIRE(muk("mkimage " + here.path("site") + " " + here.path("site.img")).status == 0);
  for (const auto& mode : modes) {
    for (const int signal : {SIGTERM, SIGINT}) {
      INFO(mode << ", signal " << signal);
      running server({here.path("muk.cfg"), "--mode", mode});
      const auto url = server.url();
      for (const std::string file : {"index.html", "sub/large.bin", "sub/nothing.txt"})
        CHECK(run("curl --silent --fail --max-time 60 " + url + file + " | cmp - " + here.path("site/" + file)).said ==
              "");
      CHECK(run("curl --silent --fail --max-time 60 '" + url + "sub/deep/a%20name%20with%20spaces.txt'").said ==
            "found\n");
      CHECK(run("curl --silent --max-time 60 -o /dev/null -w '%{http_code}' " + url + "not-there").said == "404");
      const auto tables = run("curl --silent --fail --max-time 60 " + url + ".muk/is/all.json");
      CHECK(tables.said.starts_with("{\"dc\":[{"));
      for (const char* name : {"systask", "pm", "rdisk", "fs", "is", "nweb", "ftp", "init"})
        CHECK(tables.said.find("\"name\":\"" + std::string(name) + "\"") != std::string::npos);
      server.send(signal);
      CHECK(server.wait() == 0);
      CHECK(server.read_until("").ends_with("muk: stopped\n"));
      CHECK(run("fsck.minix -f " + here.path("site.img")).status == 0);
    }
  }
}

TEST_CASE("muk put and muk get move files into an image and out of it, and fsck.minix finds it clean") {
  const folder here;
  REQUIRE(muk("mkimage --size 16MB " + here.path("site") + " " + here.path("site.img")).status == 0);
  const std::string config = here.path("muk.cfg") + " ", large = here.path("site/sub/large.bin");
  for (const std::string file : {"sub/large.bin", "sub/nothing.txt"}) {
    INFO(file);
    CHECK(muk("put " + config + here.path("site/" + file) + " /sub/new").said == "");
    CHECK(muk("get " + config + "/sub/new " + here.path("back")).said == "");
    CHECK(run("cmp " + here.path("back") + " " + here.path("site/" + file)).said == "");
    CHECK(run("fsck.minix -f " + here.path("site.img")).status == 0);
  }
  CHECK(muk("put " + config + here.path("site/sub/link") + " /linked").status == 0);
  CHECK(run("grub-fstest " + here.path("site.img") + " cmp /linked " + large).said == "");

  CHECK(muk("get " + config + "/nowhere " + here.path("none")).said ==
        "muk: /nowhere to " + here.path("none") + ": No file or directory has this name.\n");
  CHECK_FALSE(fs::exists(here.path("none")));
  CHECK(muk("get " + config + "/sub " + here.path("none")).status == 1);
  CHECK(muk("put " + config + here.path("none") + " /none").status == 1);
  CHECK(muk("put " + config + here.path("site") + " /none").status == 1);
  CHECK(muk("put " + config).status == 2);
}

TEST_CASE("a get that was interrupted goes on, and one whose file is another is refused until it begins afresh") {
  const folder here;
  REQUIRE(muk("mkimage " + here.path("site") + " " + here.path("site.img")).status == 0);
  const std::string large = here.path("site/sub/large.bin"), back = here.path("back");
  const std::string get = "get " + here.path("muk.cfg") + " /sub/large.bin " + back;
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& each : fs::directory_iterator(here.path("")))
      if (const auto name = each.path().filename().string(); name.starts_with(".m3ftp")) all.push_back(name);
    return all;
  };
  // No file may become longer than 1 MB: the transfer fails in its middle.
  CHECK(run("ulimit -f 1024; trap '' XFSZ; " + program() + " " + get).status == 1);
  REQUIRE(names().size() == 1);
  const std::string kept = here.path(names().front());
  CHECK(fs::file_size(kept) > 0);
  CHECK(muk(get).status == 0);
  CHECK(run("cmp " + back + " " + large).said == "");
  CHECK(names().empty());
  std::ofstream(kept) << "another";
  CHECK(muk(get).said == "muk: /sub/large.bin to " + back +
                             ": The checksums of the two sides differ: they do not have the same bytes.\n");
  CHECK(muk(get + " --afresh").status == 0);
  CHECK(run("cmp " + back + " " + large).said == "");
  CHECK(names().empty());
}

TEST_CASE("servers are asked where the configuration puts them, and one that is not there is not asked") {
  const folder here;
  REQUIRE(muk("mkimage " + here.path("site") + " " + here.path("site.img")).status == 0);
  const std::string rest = " rd_ep 4; web_ep 22; rd_cfg \"rd.cfg\"; fs_cfg \"fs.cfg\"; web_cfg \"web.cfg\";\n};\n";
  here.write("fs.cfg", "device ROOT { major 4; minor 0; type RDISK_IMG; root_dev YES; };\n");
  here.write("moved.cfg", "muk MOVED {\n  dcid 0; pm_ep 5; fs_ep 2; is_ep 9;" + rest);
  here.write("small.cfg", "muk SMALL {\n  dcid 0; fs_ep 2;" + rest);
  for (const std::string config : {"moved.cfg", "small.cfg"}) {
    INFO(config);
    running server({here.path(config)});
    const auto url = server.url();
    CHECK(run("curl --silent --fail --max-time 60 " + url + "sub/large.bin | cmp - " + here.path("site/sub/large.bin"))
              .said == "");
    const auto states = run("curl --silent --max-time 60 -o /dev/null -w '%{http_code}' " + url + ".muk/is/all.json");
    CHECK(states.said == (config == "moved.cfg" ? "200" : "404"));
    server.send(SIGTERM);
    CHECK(server.wait() == 0);
  }
}

TEST_CASE("SIGUSR1 prints the state of every server, and muk goes on") {
  const folder here;
  REQUIRE(muk("mkimage " + here.path("site") + " " + here.path("site.img")).status == 0);
  running server({here.path("muk.cfg")});
  const auto url = server.url();
  server.send(SIGUSR1);
  const auto text = server.read_until("\nfiles\n");
  for (const char* table : {"\nprocesses\n", "\ndevices\n", "\npids\n", "\nvolume\n"})
    CHECK(text.find(table) != std::string::npos);
  CHECK(run("curl --silent --fail --max-time 60 " + url).said == "<h1>hello</h1>\n");
  server.send(SIGTERM);
  CHECK(server.wait() == 0);
}

TEST_CASE("with --json every event is an object on a line") {
  const folder here;
  REQUIRE(muk("mkimage " + here.path("site") + " " + here.path("site.img")).status == 0);
  running server({here.path("muk.cfg"), "--json"});
  server.read_until("\"booted\"");
  server.send(SIGTERM);
  CHECK(server.wait() == 0);
  const auto& said = server.read_until("");
  CHECK(said.starts_with("{\"event\":\"ready\",\"server\":\"systask\",\"endpoint\":-2}\n"));
  CHECK(said.find("{\"event\":\"ready\",\"server\":\"nweb\",\"endpoint\":22,\"detail\":\"http://127.0.0.1:") !=
        std::string::npos);
  CHECK(said.find("\n{\"event\":\"booted\",\"ms\":") != std::string::npos);
  CHECK(said.ends_with("{\"event\":\"stopped\"}\n"));
}

TEST_CASE("a port that is taken is said, and what had started is stopped") {
  const folder here;
  REQUIRE(muk("mkimage " + here.path("site") + " " + here.path("site.img")).status == 0);
  running first({here.path("muk.cfg")});
  const auto url = first.url();
  const auto port = url.substr(url.rfind(':') + 1, url.size() - url.rfind(':') - 2);
  const auto second = muk(here.path("muk.cfg") + " --port " + port);
  CHECK(second.status == 1);
  CHECK(second.said.find("muk: nweb: port " + port + ": ") != std::string::npos);
  first.send(SIGTERM);
  CHECK(first.wait() == 0);
}

TEST_CASE("a wrong configuration is refused with file, line and key, by muk and by muk check") {
  const folder here;
  here.write("rd.cfg", "# comment\ndevice DISK {\n  image_type FILE_IMAGE;\n  image_fil \"site.img\";\n};\n");
  const std::string expected = "muk: " + here.path("rd.cfg") + ":4: image_fil: a block 'device' does not have this " +
                               "key; it has image_type, image_file, size, volatile, buffer\n";
  for (const std::string command : {"", "check "}) {
    const auto refused = muk(command + here.path("muk.cfg"));
    CHECK(refused.status == 2);
    CHECK(refused.said == expected);
  }
  here.write("rd.cfg", "device DISK { image_type FILE_IMAGE; image_file \"site.img\"; };\n");
  const auto right = muk("check " + here.path("muk.cfg"));
  CHECK(right.status == 0);
  CHECK(right.said == here.path("muk.cfg") + ": the configuration of TEST is right\n");
}

TEST_CASE("an image that is missing or no MINIX file system is said, with status 1") {
  const folder here;
  auto said = muk(here.path("muk.cfg"));
  CHECK(said.status == 1);
  CHECK(said.said.find("muk: rdisk: device DISK, image_file '" + here.path("site.img") +
                       "': No file or directory has this name.\n") != std::string::npos);
  here.write("site.img", std::string(100'000, 'x'));
  said = muk(here.path("muk.cfg"));
  CHECK(said.status == 1);
  CHECK(said.said.find("muk: fs: device ROOT: not a MINIX file system") != std::string::npos);
}

TEST_CASE("a wrong command line is refused with status 2, and help and version are given") {
  CHECK(muk("").status == 2);
  CHECK(muk("--mode sideways x.cfg").status == 2);
  CHECK(muk("x.cfg --port 70000").status == 2);
  CHECK(muk("not-there.cfg").status == 2);
  CHECK(muk("not-there.cfg").said == "muk: not-there.cfg: the file cannot be read\n");
  CHECK(muk("mkimage").status == 2);
  CHECK(muk("--help").status == 0);
  CHECK(muk("--help").said.find("mkimage") != std::string::npos);
  CHECK(muk("--version").said.starts_with("muk 0."));
}
