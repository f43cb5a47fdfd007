// SPDX-License-Identifier: MIT
/// @file
/// The web server inside the program muk, with its files in an image: good clients, bad clients and many clients.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "nweb_clients.hpp"

namespace {

namespace files = std::filesystem;
using nweb_test::last_request;
using nweb_test::raw_client;

/// The program, as it lies in the build tree beside this test.
std::string program() { return (files::read_symlink("/proc/self/exe").parent_path() / "../../muk/muk").string(); }

std::string pattern(std::size_t size) {
  std::string made(size, ' ');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + (i * i + i / 26) % 26);
  return made;
}
const std::string large = pattern(3'000'000);

/// A folder with an image and its configuration; removed at the end.
class folder {
 public:
  folder() {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
    files::create_directories(path_ + "/site/public/a & b");
    write("site/secret.txt", "secret");
    write("site/public/index.html", "home");
    write("site/public/large.bin", large);
    write("site/public/a & b/x.txt", "odd");
    write("muk.cfg",
          "muk TEST {\n dcid 0; pm_ep 0; fs_ep 1; is_ep 8; rd_ep 3; web_ep 22;\n"
          " rd_cfg \"rd.cfg\"; fs_cfg \"fs.cfg\"; web_cfg \"web.cfg\";\n};\n");
    write("rd.cfg", "device DISK { image_type FILE_IMAGE; image_file \"site.img\"; volatile YES; buffer 65536; };\n");
    write("fs.cfg", "device ROOT { major 3; minor 0; type RDISK_IMG; root_dev YES; buffer_size 4096; };\n");
    write("web.cfg", "websrv SITE { port 0; endpoint 22; rootdir \"/public\"; };\n");
    REQUIRE(std::system((program() + " mkimage " + path_ + "/site " + path_ + "/site.img > /dev/null").c_str()) == 0);
  }
  ~folder() { files::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void write(const std::string& below, const std::string& text) const {
    std::ofstream(path_ + "/" + below, std::ios::binary) << text;
  }
  std::string path_ = (files::temp_directory_path() / "muk-nweb-XXXXXX").string();
};

/// A muk that serves; killed at the end.
class serving {
 public:
  serving(const folder& where, const char* mode) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      const std::string config = where.path() + "/muk.cfg";
      ::execl(program().c_str(), "muk", config.c_str(), "--mode", mode, nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    const std::string said = hear_until("booted in ");
    const std::string before_port = "http://127.0.0.1:";
    const std::size_t at = said.find(before_port);
    REQUIRE(at != std::string::npos);
    port = static_cast<std::uint16_t>(std::stoi(said.substr(at + before_port.size())));
  }
  ~serving() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(output_);
  }
  std::string curl(const std::string& arguments) const { return nweb_test::curl(port, arguments); }
  std::string status(const std::string& arguments) const {
    return curl("--output /dev/null --write-out '%{http_code}' " + arguments);
  }

  std::uint16_t port = 0;

 private:
  std::string hear_until(const std::string& text) const {
    std::string said;
    char byte;
    while (said.find(text) == std::string::npos && ::read(output_, &byte, 1) == 1) said += byte;
    return said;
  }
  pid_t child_ = -1;
  int output_ = -1;
};

}  // namespace

TEST_CASE("the program serves the directory that is its root, and nothing above it") {
  const folder site;
  const char* const mode = GENERATE("fibers", "threads");
  INFO(mode);
  const serving muk(site, mode);
  CHECK(muk.curl("URL/") == "home");
  CHECK(muk.curl("URL/large.bin") == large);
  CHECK(muk.curl("'URL/a%20%26%20b/x.txt'") == "odd");
  CHECK(muk.curl("'URL/a%20%26%20b/'").find("<a href=\"./x.txt\">x.txt</a>") != std::string::npos);
  CHECK(muk.status("URL/secret.txt") == "404");
  for (const char* escape : {"URL/../secret.txt", "URL/%2e%2e/secret.txt", "URL/large.bin/..%2f..%2fsecret.txt"})
    CHECK(muk.status(escape) == "400");
  CHECK(muk.status("URL/%252e%252e/secret.txt") == "404");
}

TEST_CASE("the program answers ranges, conditions and heads, and keeps connections") {
  const folder site;
  const serving muk(site, GENERATE("fibers", "threads"));
  CHECK(muk.curl("--range 1000000-1299999 URL/large.bin") == large.substr(1'000'000, 300'000));
  CHECK(muk.curl("--range -7 URL/large.bin") == large.substr(large.size() - 7));
  CHECK(muk.status("--range 3000000- URL/large.bin") == "416");
  CHECK(muk.curl("--head URL/large.bin").find("Content-Length: 3000000\r\n") != std::string::npos);
  const std::string head = muk.curl("--head URL/");
  const std::size_t tag = head.find("ETag: ") + 6;
  CHECK(muk.status("--header 'If-None-Match: " + head.substr(tag, head.find('\r', tag) - tag) + "' URL/") == "304");
  CHECK(muk.curl("--write-out '%{num_connects};' URL/ URL/ URL/") == "home1;home0;home0;");
}

TEST_CASE("the program shows the state of its servers") {
  const folder site;
  const serving muk(site, "fibers");
  CHECK(muk.curl("URL/.muk/is/processes").find("nweb") != std::string::npos);
  CHECK(muk.curl("URL/.muk/is/all.json").starts_with("{\"dc\":"));
  CHECK(muk.status("URL/.muk/is/nothing") == "404");
}

TEST_CASE("neither 200 idle clients nor nonsense stop the program") {
  const folder site;
  const serving muk(site, GENERATE("fibers", "threads"));
  std::vector<raw_client> idle;
  for (int i = 0; i < 200; ++i) idle.emplace_back(muk.port);
  for (std::size_t i = 0; i < idle.size(); i += 2) idle[i].say("GET / HTTP/1.1\r\nHo");
  raw_client client(muk.port);
  client.say(last_request);
  CHECK(client.hear().ends_with("home"));
  for (const std::string_view nonsense : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n"}) {
    raw_client bad(muk.port);
    bad.say(nonsense);
    bad.say_no_more();
    CHECK(bad.hear().starts_with("HTTP/1.1 400 "));
  }
  CHECK(muk.curl("URL/large.bin") == large);
}
