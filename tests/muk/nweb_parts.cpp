// SPDX-License-Identifier: MIT
/// @file
/// The small parts of NWEB: targets, dates, ranges, content types, entity tags, listings.
#include <catch2/catch.hpp>
#include <muk/nweb/answer.hpp>
#include <muk/nweb/byte_range.hpp>
#include <muk/nweb/content_type.hpp>
#include <muk/nweb/http_date.hpp>
#include <muk/nweb/listing.hpp>
#include <muk/nweb/target.hpp>
#include <random>

using namespace muk::nweb;

namespace {
std::string path_of(std::string_view written) {
  const auto found = parse_target(written);
  return found ? found->path : "(refused)";
}
std::string encoded(std::string_view text) {
  std::string out;
  append_percent_encoded(out, text);
  return out;
}
}  // namespace

TEST_CASE("a target becomes a path without empty, dot and dot-dot components") {
  CHECK(path_of("/") == "/");
  CHECK(path_of("/a/b.html") == "/a/b.html");
  CHECK(path_of("//a///b//") == "/a/b/");
  CHECK(path_of("/./a/./b/.") == "/a/b/");
  CHECK(path_of("/a/../b") == "/b");
  CHECK(path_of("/a/b/..") == "/a/");
  CHECK(path_of("/a/..") == "/");
  CHECK(path_of("/...") == "/...");
}

TEST_CASE("no target leads out of the site") {
  for (const char* escape : {"/..", "/../etc/passwd", "/a/../../b", "/%2e%2e/x", "/%2E%2e%2fx", "/a/%2e%2e/%2e%2e/x",
                             "/..%2f..%2fx", "/%2e./x", "/./../x", "http://host/../x", "//../x"})
    CHECK(path_of(escape) == "(refused)");
}

TEST_CASE("percent signs are decoded once") {
  CHECK(path_of("/a%20b") == "/a b");
  CHECK(path_of("/%61") == "/a");
  CHECK(path_of("/%252e%252e/x") == "/%2e%2e/x");
  CHECK(path_of("/a%2Fb") == "/a/b");
  CHECK(path_of("/%C3%A4") == "/\xC3\xA4");
}

TEST_CASE("a broken percent sign, NUL, an empty target and what is no path are refused") {
  for (const char* broken : {"/%", "/%4", "/%zz", "/%4g", "/a%00b", "", "*", "a/b", "example.org:443"})
    CHECK(path_of(broken) == "(refused)");
  CHECK(path_of(std::string(path_max + 1, '/')) == "(refused)");
}

TEST_CASE("the query is kept apart and the host of an absolute target is dropped") {
  CHECK(parse_target("/a?b=c/../d")->query == "b=c/../d");
  CHECK(path_of("/a?b=c/../../d") == "/a");
  CHECK(path_of("http://example.org/a") == "/a");
  CHECK(path_of("http://example.org") == "/");
  CHECK(path_of("/x?u=http://example.org/") == "/x");
}

TEST_CASE("no path that is accepted has a dot-dot component, whatever the target") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view parts[] = {"/", "..", ".", "%2e", "%2F", "%", "a", "%25", "?", "\\", "%5c", "//"};
  for (int round = 0; round < 50'000; ++round) {
    std::string written = "/";
    for (unsigned i = random() % 12; i > 0; --i) written += parts[random() % std::size(parts)];
    const auto found = parse_target(written);
    if (!found) continue;
    const std::string path = found->path + '/';
    INFO(written);
    REQUIRE(path.front() == '/');
    REQUIRE(path.find("/../") == std::string::npos);
    REQUIRE(path.find("/./") == std::string::npos);
    REQUIRE(found->path.find("//") == std::string::npos);
    // What a link says leads back to the same path.
    REQUIRE(path_of(encoded(found->path)) == found->path);
  }
}

TEST_CASE("links and pages escape what has a meaning there") {
  CHECK(encoded("a b&c?d#e%f/\xC3\xA4") == "a%20b%26c%3Fd%23e%25f/%C3%A4");
  std::string html;
  append_html_escaped(html, "<a href=\"x\">'&'</a>");
  CHECK(html == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST_CASE("dates are written as HTTP demands and read back") {
  std::string text;
  append_http_date(text, 784'111'777);
  CHECK(text == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date(text) == 784'111'777);
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    const auto seconds = static_cast<std::int64_t>(random() % 253'402'300'800ULL);
    std::string written;
    append_http_date(written, seconds);
    REQUIRE(written.size() == 29);
    REQUIRE(parse_http_date(written) == seconds);
  }
}

TEST_CASE("what is no date is not understood") {
  for (const char* text : {"", "yesterday", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 ovD 1994 08:49:37 GMT",
                           "Sun, +6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"})
    CHECK(!parse_http_date(text));
}

TEST_CASE("one range of bytes is found, cut at the end of the file") {
  const auto part = [](std::string_view field, std::uint64_t size) {
    byte_range found{};
    const range_kind kind = parse_range(field, size, found);
    if (kind == range_kind::whole) return std::string("whole");
    if (kind == range_kind::unsatisfiable) return std::string("unsatisfiable");
    return std::to_string(found.first) + "+" + std::to_string(found.length);
  };
  CHECK(part("bytes=0-0", 10) == "0+1");
  CHECK(part("bytes=2-5", 10) == "2+4");
  CHECK(part("bytes=2-99", 10) == "2+8");
  CHECK(part("bytes=9-", 10) == "9+1");
  CHECK(part("bytes=-3", 10) == "7+3");
  CHECK(part("bytes=-30", 10) == "0+10");
  CHECK(part("bytes=10-", 10) == "unsatisfiable");
  CHECK(part("bytes=-0", 10) == "unsatisfiable");
  CHECK(part("bytes=0-", 0) == "unsatisfiable");
  CHECK(part("bytes=-1", 0) == "unsatisfiable");
  CHECK(part("bytes=18446744073709551615-", 10) == "unsatisfiable");
  for (const char* ignored : {"bytes=0-1,3-4", "lines=0-1", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b",
                              "bytes=0x1-2", "bytes=18446744073709551616-", "bytes=1", "bytes=1-2-3", ""})
    CHECK(part(ignored, 10) == "whole");
}

TEST_CASE("the content type follows from the extension, in either case") {
  CHECK(content_type_of("/index.html") == "text/html; charset=utf-8");
  CHECK(content_type_of("/A.PNG") == "image/png");
  CHECK(content_type_of("/a.tar.gz") == "application/gzip");
  CHECK(content_type_of("/search/search.js") == "text/javascript; charset=utf-8");
  CHECK(content_type_of("/README") == "application/octet-stream");
  CHECK(content_type_of("/a.html/b") == "application/octet-stream");
  CHECK(content_type_of("/a.") == "application/octet-stream");
  CHECK(content_type_of("/a.extension-that-is-long") == "application/octet-stream");
}

TEST_CASE("an entity tag is found in a list, strong or weak, and never as a part of another") {
  CHECK(has_entity_tag("\"a\"", "\"a\""));
  CHECK(has_entity_tag("W/\"a\"", "\"a\""));
  CHECK(has_entity_tag("\"b\", \"a\" , \"c\"", "\"a\""));
  CHECK(has_entity_tag("*", "\"a\""));
  CHECK(!has_entity_tag("\"b\"", "\"a\""));
  CHECK(!has_entity_tag("\"a\"b\"", "\"a\""));
}

TEST_CASE("entity tags of files differ in identity, time and size") {
  file f{0, file_kind::regular, 1, 2, 3};
  std::string tag, other;
  assign_entity_tag(tag, f);
  for (auto change : {0, 1, 2}) {
    file g = f;
    (change == 0 ? g.inode : g.size) += change < 2;
    g.modified += change == 2;
    assign_entity_tag(other, g);
    CHECK(other != tag);
  }
}

TEST_CASE("a listing names directories first and cannot be broken by names") {
  std::vector<entry> entries{{"b.txt", false}, {"<script>", false}, {"a:b", true}};
  const std::string page = listing_page("/x&y/", entries);
  CHECK(page.find("<h1>/x&amp;y/</h1>") != std::string::npos);
  CHECK(page.find("<script>") == std::string::npos);
  CHECK(page.find("<a href=\"./%3Cscript%3E\">&lt;script&gt;</a>") != std::string::npos);
  CHECK(page.find("<a href=\"./a%3Ab/\">a:b/</a>") < page.find("b.txt"));
  CHECK(page.find("href=\"../\"") != std::string::npos);
  std::vector<entry> none;
  CHECK(listing_page("/", none).find("href=\"../\"") == std::string::npos);
}
