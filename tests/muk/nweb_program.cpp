// SPDX-License-Identifier: MIT
/// @file
/// The web server inside the program muk, with its files in an image: good clients, bad clients and many clients.
#include <cstdlib>
#include <vector>

#include "muk_process.hpp"
#include "nweb_clients.hpp"

namespace {

using nweb_test::last_request;
using nweb_test::raw_client;

std::string pattern(std::size_t size) {
  std::string made(size, ' ');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + (i * i + i / 26) % 26);
  return made;
}
const std::string large = pattern(3'000'000);

/// A folder with an image and its configuration.
class folder : public muk_test::temporary_folder {
 public:
  folder() {
    write("site/secret.txt", "secret");
    write("site/public/index.html", "home");
    write("site/public/large.bin", large);
    write("site/public/a & b/x.txt", "odd");
    write_configuration("/public", true);
    const std::string make = muk_test::program() + " mkimage " + path("site") + " " + path("site.img");
    REQUIRE(std::system((make + " > /dev/null").c_str()) == 0);
  }
};

/// A muk that serves.
class serving {
 public:
  serving(const folder& where, const char* mode)
      : process_({where.path("muk.cfg"), "--mode", mode}), port(process_.port()) {}
  std::string curl(const std::string& arguments) const { return nweb_test::curl(port, arguments); }
  std::string status(const std::string& arguments) const {
    return curl("--output /dev/null --write-out '%{http_code}' " + arguments);
  }

 private:
  muk_test::muk_process process_;

 public:
  const std::uint16_t port;
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
