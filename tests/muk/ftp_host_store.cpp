// SPDX-License-Identifier: MIT
/// @file
/// A directory of the host as a store: transfers through it, paths that want to leave it, and locks.
#include <muk/ftp/host_store.hpp>

#include "ftp_house.hpp"
#include "muk_process.hpp"

namespace {

using namespace ftp_test;
using muk_test::temporary_folder;
namespace std_fs = std::filesystem;

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
ftp::host_store store_at(const std::string& path) { return ftp::host_store::open(path).value(); }
std::size_t entries(const std::string& path) {
  return static_cast<std::size_t>(std::distance(std_fs::directory_iterator(path), std_fs::directory_iterator()));
}
bool exists(const std::string& path) { return std_fs::exists(std_fs::symlink_status(path)); }

/// A house whose server has the directory `far`.
template <class Setup>
struct host_house : house<Setup> {
  explicit host_house(const std::string& far) {
    this->start(ftp::where, "ftp", [far](auto& self) {
      ftp::server<typename Setup::backend, ftp::host_stores> server(self, ftp::host_stores(store_at(far)));
      static_cast<void>(server.run());
    });
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Files of the host arrive as they were, below directories and through links that stay inside", "",
                   EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  const temporary_folder here;
  std_fs::create_directories(here.path("far/deep/er"));
  std_fs::create_directories(here.path("near"));
  std_fs::create_symlink("deep/er", here.path("far/link"));
  host_house<TestType> house(here.path("far"));
  house.as_user([&](auto& self) {
    auto files = store_at(here.path("near"));
    ftp::client client(self);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2'500'000}}) {
      here.write("near/from", random_text(chance, size));
      for (const std::string path : {"/top", "top", "//deep/er/file", "link/other", "deep/../deep/er/third"}) {
        INFO(path << ", size " << size);
        REQUIRE(client.put(files, "from", path).error() == errc::ok);
        REQUIRE(client.get(path, files, "into").error() == errc::ok);
        REQUIRE(content(here.path("near/into")) == content(here.path("near/from")));
      }
    }
    CHECK(entries(here.path("far/deep/er")) == 3);
    CHECK(entries(here.path("far")) == 3);
    CHECK(entries(here.path("near")) == 2);
  });
}

TEMPLATE_TEST_CASE("No path leads out of the directory, whatever it is made of", "", EVERYWHERE) {
  const temporary_folder here;
  here.write("secret", "secret");
  here.write("far/file", "file");
  std_fs::create_directories(here.path("outside"));
  std_fs::create_symlink("../secret", here.path("far/up"));
  std_fs::create_symlink(here.path("secret"), here.path("far/absolute"));
  std_fs::create_symlink("../outside", here.path("far/dir"));
  std_fs::create_symlink("/proc/self/cwd", here.path("far/magic"));
  std_fs::create_symlink("loop", here.path("far/loop"));
  const std::string root = here.path("");
  host_house<TestType> house(here.path("far"));
  house.as_user([&](auto& self) {
    raw_client client(self);
    for (const std::string& path : {std::string("../secret"), std::string("/../secret"), std::string("x/../../secret"),
                                    std::string("up"), std::string("absolute"), std::string("magic/x"),
                                    std::string("dir/../secret"), root + "secret", "/" + root + "secret"}) {
      INFO(path);
      const errc read = client.get(path).error();
      CHECK((read == errc::access_denied || read == errc::no_entry || read == errc::loop));
      const errc written = client.put(path).error();
      CHECK((written == errc::access_denied || written == errc::no_entry || written == errc::loop ||
             written == errc::not_supported));
    }
    CHECK(client.get("up").error() == errc::access_denied);
    CHECK(client.get("absolute").error() == errc::access_denied);
    CHECK(client.get("../secret").error() == errc::access_denied);
    CHECK(client.put("../secret").error() == errc::access_denied);
    CHECK(client.put("dir/new").error() == errc::access_denied);
    CHECK(client.get("loop").error() == errc::loop);
    CHECK(client.put("up").error() == errc::not_supported);  // a link is not replaced by what it might lead to
  });
  CHECK(content(here.path("secret")) == "secret");
  CHECK(entries(here.path("outside")) == 0);
  CHECK(entries(here.path("far")) == 6);
}

TEMPLATE_TEST_CASE("A link in the place of an unfinished file is not followed", "", EVERYWHERE) {
  const temporary_folder here;
  here.write("far/victim", "victim");
  std_fs::create_symlink("victim", here.path("far/" + beside("file")));
  host_house<TestType> house(here.path("far"));
  house.as_user([&](auto& self) { CHECK(raw_client(self).put("file").error() == errc::loop); });
  CHECK(content(here.path("far/victim")) == "victim");
}

TEST_CASE("What is no regular file is neither read nor replaced") {
  const temporary_folder here;
  std_fs::create_directories(here.path("far/directory"));
  REQUIRE(::mkfifo(here.path("far/pipe").c_str(), 0600) == 0);
  auto files = store_at(here.path("far"));
  CHECK(files.open_to_read("directory").error() == errc::is_directory);
  CHECK(files.open_to_read("pipe").error() == errc::not_supported);
  CHECK(files.open_to_write("pipe", 0644).error() == errc::not_supported);
  CHECK(files.open_to_write("directory", 0644).error() == errc::is_directory);
  ftp::incoming into(files);
  CHECK(into.open("directory").error() == errc::is_directory);
  CHECK(into.open("pipe").error() == errc::not_supported);
  CHECK(into.open("pipe/file").error() == errc::not_directory);
  CHECK(into.open(std::string(300, 'x')).error() == errc::name_too_long);
  CHECK(entries(here.path("far")) == 2);
  CHECK(ftp::host_store::open(here.path("far/pipe")).error() == errc::not_directory);
  CHECK(ftp::host_store::open(here.path("nowhere")).error() == errc::no_entry);
}

TEST_CASE("A file that arrives is locked against other stores of the directory until it is closed") {
  const temporary_folder here;
  std_fs::create_directories(here.path("far"));
  auto one = store_at(here.path("far")), two = store_at(here.path("far"));
  std::array<std::byte, 100> buffer;
  const auto at_once = [] {};
  {
    ftp::incoming first(one);
    REQUIRE(first.open("file").error() == errc::ok);
    REQUIRE(ftp::incoming(two).open("file").error() == errc::busy);
    REQUIRE(first.keep(0, buffer, at_once).error() == errc::ok);
    REQUIRE(first.start().error() == errc::ok);
    REQUIRE(first.append(bytes_of("text")).error() == errc::ok);
    REQUIRE(exists(here.path("far/" + beside("file"))));
    REQUIRE(ftp::incoming(two).open("file").error() == errc::busy);
  }
  ftp::incoming second(two);
  REQUIRE(second.open("file").error() == errc::ok);
  REQUIRE(second.present() == 4);
  REQUIRE(second.keep(4, buffer, at_once).error() == errc::ok);
  REQUIRE(second.finish(4, digest_of("text")).error() == errc::ok);
  REQUIRE(content(here.path("far/file")) == "text");
}

TEST_CASE("A file that was finished by somebody else after it was opened is left alone") {
  const temporary_folder here;
  std_fs::create_directories(here.path("far"));
  auto files = store_at(here.path("far"));
  std::array<std::byte, 100> buffer;
  ftp::incoming late(files);
  REQUIRE(late.open("file").error() == errc::ok);
  std_fs::rename(here.path("far/" + beside("file")), here.path("far/file"));
  REQUIRE(late.keep(0, buffer, [] {}).error() == errc::busy);
  REQUIRE(exists(here.path("far/file")));
}

TEMPLATE_TEST_CASE("A directory that cannot be written to refuses a put and changes nothing", "", EVERYWHERE) {
  const temporary_folder here;
  here.write("far/file", "before");
  here.write("near/from", "after");
  host_house<TestType> house(here.path("far"));
  house.as_user([&](auto& self) {
    auto files = store_at(here.path("near"));
    ftp::client client(self);
    CHECK(client.put(files, "from", "nowhere/file").error() == errc::no_entry);
    CHECK(client.put(files, "from", "file/file").error() == errc::not_directory);
    CHECK(client.put(files, "nothing", "file").error() == errc::no_entry);
    CHECK(client.get("nothing", files, "into").error() == errc::no_entry);
    CHECK(client.get("file", files, "nowhere/into").error() == errc::no_entry);
  });
  CHECK(content(here.path("far/file")) == "before");
  CHECK(entries(here.path("far")) == 1);
  CHECK(entries(here.path("near")) == 1);
}
