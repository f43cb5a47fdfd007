// SPDX-License-Identifier: MIT
/// @file
/// What NWEB asks of FS, IS and PM, answered by small stand-ins.
#include <catch2/catch.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <map>
#include <muk/nweb/connection.hpp>
#include <muk/nweb/fs_site.hpp>

#include "nweb_fake.hpp"

using namespace muk;
using backend = dvs::userspace::node::backend_type;
using endpoint = dvs::endpoint<backend>;

namespace {

/// Files in a map, behind the protocol of FS. The directory "/dir" has `names`.
struct stand_in_fs {
  endpoint& self;
  std::map<std::string, std::string> files;
  std::vector<std::string> names;
  std::map<std::uint32_t, std::string> opened;
  std::uint32_t last = 0;
  int grants_seen = 0;
  dvs::grant_id grant{-1};

  auto on(const fs::open& ask, dvs::caller) -> dvs::answer<fs::open> {
    std::string path(ask.path.length, '\0');
    if (auto got = self.copy_from(ask.path.memory, std::as_writable_bytes(std::span(path))); !got) return got.error();
    const bool is_directory = path == "/www/dir";
    if (!is_directory && !files.contains(path)) return dvs::errc::no_entry;
    opened[++last] = path;
    fs::open::reply reply{};
    reply.file = last;
    reply.info.inode = 7;
    reply.info.mtime = 1'000'000'000;
    reply.info.size = is_directory ? 64 : files[path].size();
    reply.info.mode = is_directory ? 0040755 : 0100644;
    return reply;
  }
  auto on(const fs::read& ask, dvs::caller) -> dvs::answer<fs::read> {
    const std::string& content = files[opened.at(ask.file)];
    if (ask.into.id != grant) ++grants_seen;
    grant = ask.into.id;
    const std::size_t from = std::min<std::size_t>(ask.offset, content.size());
    const auto part =
        std::as_bytes(std::span(content)).subspan(from, std::min<std::size_t>(ask.length, content.size() - from));
    if (auto copied = self.copy_into(ask.into, part); !copied) return copied.error();
    return fs::read::reply{static_cast<std::uint32_t>(part.size())};
  }
  auto on(const fs::getdents& ask, dvs::caller) -> dvs::answer<fs::getdents> {
    // Two rows at a time, so that a listing takes several requests.
    std::vector<fs::name_row> rows;
    for (auto i = ask.position; i < names.size() && rows.size() < 2; ++i) {
      fs::name_row row{1, names[i] == "sub" ? 0040755u : 0100644u, {}};
      std::ranges::copy(names[i], row.name.begin());
      rows.push_back(row);
    }
    const auto bytes = std::as_bytes(std::span(rows));
    if (auto copied = self.copy_into(ask.into, bytes); !copied) return copied.error();
    return fs::getdents::reply{ask.position + rows.size(), static_cast<std::uint32_t>(bytes.size()), 0};
  }
  auto on(const fs::close& ask, dvs::caller) -> dvs::answer<fs::close> {
    if (opened.erase(ask.file) == 0) return dvs::errc::bad_descriptor;
    return fs::close::reply{};
  }
};
using fs_part = dvs::protocol<fs::open, fs::read, fs::getdents, fs::close>;

/// Answers `total` bytes of 'x', or 'j' for JSON.
struct stand_in_is {
  endpoint& self;
  std::uint32_t total;
  auto on(const is::get& ask, dvs::caller) -> dvs::answer<is::get> {
    const std::string text(std::min(total, ask.length), ask.format == is::format::json ? 'j' : 'x');
    if (auto copied = self.copy_into(ask.into, std::as_bytes(std::span(text))); !copied) return copied.error();
    return is::get::reply{static_cast<std::uint32_t>(text.size()), total};
  }
};

/// A DC with the stand-ins as fibers; `body` gets a site whose root is "/www".
template <class Body>
void with_site(std::map<std::string, std::string> files, std::vector<std::string> names, Body body) {
  dvs::userspace::node node;
  auto dc = node.create_dc("nweb");
  stand_in_fs* served = nullptr;
  const auto fs_started = dc.spawn(fs::where, [&](endpoint& self) {
    stand_in_fs server{self, files, names, {}};
    served = &server;
    static_cast<void>(dvs::serve<fs_part>(self, server));
  });
  const auto is_started = dc.spawn(is::where, [](endpoint& self) {
    static_cast<void>(dvs::serve<is::protocol>(self, stand_in_is{self, 100'000}));
  });
  const auto pm_started = dc.spawn(pm::where, [](endpoint& self) {
    static_cast<void>(dvs::serve<dvs::protocol<pm::time>>(self, [](const pm::time&, dvs::caller) {
      return pm::time::reply{1'700'000'000, 0};
    }));
  });
  REQUIRE((fs_started && is_started && pm_started));
  dc.run([&](endpoint& self) {
    nweb::settings limits;
    limits.root = "/www";
    nweb::fs_site<backend> pages(self, limits);
    self.yield();
    body(pages, [&]() -> stand_in_fs& { return *served; });
  });
}

}  // namespace

TEST_CASE("a file is opened under the root of the site, read by one grant and closed") {
  const std::string content = std::string(300'000, 'a') + "end";
  with_site({{"/www/a", content}, {"/a", "outside"}}, {}, [&](auto& pages, auto fs_now) {
    const auto opened = pages.open("/a");
    REQUIRE(opened);
    CHECK(opened->kind == nweb::file_kind::regular);
    CHECK(opened->size == content.size());
    CHECK(opened->modified == 1'000'000'000);
    std::string got;
    while (got.size() < content.size()) {
      const auto bytes = pages.read(*opened, got.size(), content.size() - got.size());
      REQUIRE(bytes);
      REQUIRE(*bytes > 0);
      got.append(pages.buffer().data() + nweb::head_room, *bytes);
    }
    CHECK(got == content);
    CHECK(pages.read(*opened, got.size(), 10).value() == 0);
    pages.close(*opened);
    CHECK(fs_now().opened.empty());
    CHECK(fs_now().grants_seen == 1);
  });
}

TEST_CASE("a directory stays closed in FS, and what is not there is said so") {
  with_site({}, {}, [](auto& pages, auto fs_now) {
    const auto opened = pages.open("/dir");
    REQUIRE(opened);
    CHECK(opened->kind == nweb::file_kind::directory);
    CHECK(fs_now().opened.empty());
    CHECK(pages.open("/missing").error() == dvs::errc::no_entry);
    CHECK(pages.open("/" + std::string(5000, 'a')).error() == dvs::errc::name_too_long);
  });
}

TEST_CASE("a directory is listed to its end, without the names of itself and its parent") {
  with_site({}, {".", "..", "one", "sub", "three"}, [](auto& pages, auto fs_now) {
    std::vector<nweb::entry> entries;
    REQUIRE(pages.list("/dir", entries));
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].name == "one");
    CHECK(entries[1].is_directory);
    CHECK(!entries[2].is_directory);
    CHECK(fs_now().opened.empty());
  });
}

TEST_CASE("a state that is larger than the first buffer is fetched whole") {
  with_site({}, {}, [](auto& pages, auto) {
    CHECK(pages.status("processes", false).value() == std::string(100'000, 'x'));
    CHECK(pages.status("all", true).value() == std::string(100'000, 'j'));
    CHECK(pages.status("secrets", false).error() == dvs::errc::no_entry);
  });
}

TEST_CASE("the date is the time of PM") {
  with_site({}, {}, [](auto& pages, auto) { CHECK(pages.seconds() >= 1'700'000'000); });
}

TEST_CASE("without FS, IS and PM a site has errors and no date") {
  dvs::userspace::node node;
  auto dc = node.create_dc("empty");
  dc.run([](endpoint& self) {
    nweb::fs_site<backend> pages(self, {});
    CHECK(pages.open("/a").error() == dvs::errc::peer_died);
    CHECK(pages.status("all", false).error() == dvs::errc::peer_died);
    CHECK(pages.seconds() == 0);
  });
}

TEST_CASE("a connection serves files of FS") {
  const std::string content(600'000, 'z');
  with_site({{"/www/big.txt", content}}, {"x"}, [&](auto& pages, auto fs_now) {
    nweb_test::script_stream client(
        {"GET /big.txt HTTP/1.1\r\nHost: m\r\n\r\nGET /dir/ HTTP/1.1\r\nHost: m\r\n\r\n"
         "GET /.muk/is/all HTTP/1.0\r\n\r\n"});
    const nweb::settings limits;
    std::make_unique<nweb::connection<nweb_test::script_stream, nweb::fs_site<backend>>>(client, pages, limits)->run();
    CHECK(client.sent.find("Content-Length: 600000\r\n") != std::string::npos);
    CHECK(client.sent.find(content) != std::string::npos);
    CHECK(client.sent.find("Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT") != std::string::npos);
    CHECK(client.sent.find("<a href=\"./x\">x</a>") != std::string::npos);
    CHECK(client.sent.find(std::string(100'000, 'x')) != std::string::npos);
    CHECK(fs_now().opened.empty());
  });
}
