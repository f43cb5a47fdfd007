// SPDX-License-Identifier: MIT
/// @file
/// A connection of NWEB: what a client sends, and what it gets.
#include <catch2/catch.hpp>
#include <muk/nweb/connection.hpp>

#include "nweb_fake.hpp"

using namespace muk::nweb;
using nweb_test::map_site;
using nweb_test::script_stream;

namespace {

/// An answer taken apart.
struct answer {
  int status = 0;
  std::map<std::string, std::string> fields;
  std::string body;
  std::string operator[](const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "(none)" : found->second;
  }
};

/// Takes the answers in `sent` apart; `heads` says which of them belong to HEAD requests and have no body.
std::vector<answer> answers_in(std::string_view sent, const std::set<std::size_t>& heads = {}) {
  std::vector<answer> all;
  while (!sent.empty()) {
    const std::size_t end = sent.find("\r\n\r\n");
    REQUIRE(end != std::string_view::npos);
    std::string_view head = sent.substr(0, end);
    sent.remove_prefix(end + 4);
    answer one;
    REQUIRE(head.starts_with("HTTP/1.1 "));
    one.status = std::stoi(std::string(head.substr(9, 3)));
    for (std::size_t line = head.find("\r\n"); line != std::string_view::npos; line = head.find("\r\n")) {
      head.remove_prefix(line + 2);
      const std::string_view field = head.substr(0, head.find("\r\n"));
      const std::size_t colon = field.find(": ");
      REQUIRE(colon != std::string_view::npos);
      const bool added = one.fields.emplace(field.substr(0, colon), field.substr(colon + 2)).second;
      CHECK(added);
    }
    if (!heads.contains(all.size()) && one.status != 304) {
      REQUIRE(one.fields.contains("Content-Length"));
      const std::size_t length = std::stoul(one["Content-Length"]);
      REQUIRE(sent.size() >= length);
      one.body = sent.substr(0, length);
      sent.remove_prefix(length);
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::string pattern(std::size_t size) {
  std::string made(size, ' ');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + (i * i + i / 26) % 26);
  return made;
}

map_site sample_site() {
  return map_site({{"/index.html", "<h1>home</h1>"},
                   {"/small.txt", "0123456789"},
                   {"/empty", ""},
                   {"/big.bin", pattern(100'000)},
                   {"/docs/index.html", "docs"},
                   {"/plain/a b.txt", "with a space"},
                   {"/plain/sub/x", "x"},
                   {"/%2e%2e/x", "an odd name"}});
}

/// Plays `pieces` against `pages` and returns what came back.
std::string play(map_site& pages, std::deque<std::string> pieces,
                 script_stream::ending end = script_stream::ending::closed) {
  script_stream stream(std::move(pieces), end);
  const settings limits;
  connection(stream, pages, limits).run();
  CHECK(stream.is_closed);
  CHECK(stream.waits_without_limit == 0);
  CHECK(pages.open_files == 0);
  return stream.sent;
}
/// Asks for `target` with `fields` and returns the only answer.
answer ask(std::string_view target, std::string_view fields = {}, std::string_view method = "GET") {
  map_site pages = sample_site();
  std::string text(method);
  text += ' ';
  text += target;
  text += " HTTP/1.1\r\nHost: muk\r\n";
  text += fields;
  text += "\r\n";
  const auto all =
      answers_in(play(pages, {text}), method == "HEAD" ? std::set<std::size_t>{0} : std::set<std::size_t>{});
  REQUIRE(all.size() == 1);
  return all[0];
}

}  // namespace

TEST_CASE("GET brings the file with type, length, date, time of change and entity tag") {
  const answer got = ask("/small.txt");
  CHECK(got.status == 200);
  CHECK(got.body == "0123456789");
  CHECK(got["Content-Type"] == "text/plain; charset=utf-8");
  CHECK(got["Content-Length"] == "10");
  CHECK(got["Date"] == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(got["Last-Modified"] == "Sun, 09 Sep 2001 01:46:40 GMT");
  CHECK(got["ETag"].size() > 4);
  CHECK(got["Accept-Ranges"] == "bytes");
}

TEST_CASE("HEAD brings the head of GET without a body, for files, pages and errors") {
  for (const char* target : {"/small.txt", "/plain/", "/missing", "/empty", "/.muk/is/all"}) {
    const answer get = ask(target);
    answer head = ask(target, {}, "HEAD");
    CHECK(head.status == get.status);
    CHECK(head.fields == get.fields);
    CHECK(head.body.empty());
  }
}

TEST_CASE("a file larger than the buffer arrives whole") {
  CHECK(ask("/big.bin").body == pattern(100'000));
  CHECK(ask("/empty").status == 200);
}

TEST_CASE("head and first piece leave in one write") {
  map_site pages = sample_site();
  script_stream stream({"GET /small.txt HTTP/1.1\r\nHost: muk\r\n\r\n"});
  const settings limits;
  connection(stream, pages, limits).run();
  CHECK(stream.writes == 1);
}

TEST_CASE("a connection is kept for several requests, also when they come at once or in single bytes") {
  const std::string both =
      "GET /small.txt HTTP/1.1\r\nHost: muk\r\n\r\nHEAD /big.bin HTTP/1.1\r\nHost: muk\r\n\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: muk\r\n\r\n";
  std::deque<std::string> bytes;
  for (const char c : both) bytes.emplace_back(1, c);
  for (const auto& pieces : {std::deque<std::string>{both}, bytes}) {
    map_site pages = sample_site();
    const auto all = answers_in(play(pages, pieces), {1});
    REQUIRE(all.size() == 3);
    CHECK(all[0].body == "0123456789");
    CHECK(all[1]["Content-Length"] == "100000");
    CHECK(all[2].body == "<h1>home</h1>");
    CHECK(all[0]["Connection"] == "(none)");
  }
}

TEST_CASE("many pipelined requests that fill the buffer several times are all answered in order") {
  map_site pages = sample_site();
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "GET /" + std::string(i % 2 ? "small.txt" : "empty") + " HTTP/1.1\r\nHost: m\r\n\r\n";
  const auto all = answers_in(play(pages, {text}));
  REQUIRE(all.size() == 1000);
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i].body == (i % 2 ? "0123456789" : ""));
}

TEST_CASE("the connection is closed when the client asks for it, and by default for HTTP/1.0") {
  map_site pages = sample_site();
  const std::string next = "GET / HTTP/1.1\r\nHost: muk\r\n\r\n";
  auto all = answers_in(play(pages, {"GET / HTTP/1.1\r\nHost: muk\r\nConnection: close\r\n\r\n" + next}));
  REQUIRE(all.size() == 1);
  CHECK(all[0]["Connection"] == "close");
  all = answers_in(play(pages, {"GET / HTTP/1.0\r\n\r\n" + next}));
  REQUIRE(all.size() == 1);
  CHECK(all[0]["Connection"] == "close");
  all = answers_in(play(pages, {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next}));
  REQUIRE(all.size() == 2);
  CHECK(all[0]["Connection"] == "keep-alive");
}

TEST_CASE("a range brings its part of the file, a suffix its end") {
  const std::string big = pattern(100'000);
  answer got = ask("/big.bin", "Range: bytes=5000-50000\r\n");
  CHECK(got.status == 206);
  CHECK(got["Content-Range"] == "bytes 5000-50000/100000");
  CHECK(got.body == big.substr(5000, 45001));
  got = ask("/big.bin", "Range: bytes=-10\r\n");
  CHECK(got.status == 206);
  CHECK(got.body == big.substr(99'990));
  got = ask("/small.txt", "Range: bytes=0-1,3-4\r\n");
  CHECK(got.status == 200);
  CHECK(got.body == "0123456789");
}

TEST_CASE("a range outside the file gets 416 and the size, and HEAD ignores ranges") {
  const answer got = ask("/small.txt", "Range: bytes=10-\r\n");
  CHECK(got.status == 416);
  CHECK(got["Content-Range"] == "bytes */10");
  CHECK(ask("/small.txt", "Range: bytes=10-\r\n", "HEAD").status == 200);
}

TEST_CASE("If-Range lets the range through only for the same file") {
  const std::string tag = ask("/small.txt")["ETag"];
  const std::string range = "Range: bytes=0-1\r\n";
  CHECK(ask("/small.txt", range + "If-Range: " + tag + "\r\n").status == 206);
  CHECK(ask("/small.txt", range + "If-Range: \"other\"\r\n").status == 200);
  CHECK(ask("/small.txt", range + "If-Range: Sun, 09 Sep 2001 01:46:40 GMT\r\n").status == 206);
  CHECK(ask("/small.txt", range + "If-Range: Sun, 09 Sep 2001 01:46:41 GMT\r\n").status == 200);
}

TEST_CASE("an unchanged file is not sent again") {
  const std::string tag = ask("/small.txt")["ETag"];
  answer got = ask("/small.txt", "If-None-Match: \"x\", " + tag + "\r\n");
  CHECK(got.status == 304);
  CHECK(got["ETag"] == tag);
  CHECK(ask("/small.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n").status == 304);
  CHECK(ask("/small.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n").status == 200);
  CHECK(ask("/small.txt", "If-Modified-Since: some day\r\n").status == 200);
  // The entity tag decides when both are there.
  CHECK(ask("/small.txt", "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n").status ==
        200);
}

TEST_CASE("a directory shows its index, else a listing with links that lead to the files") {
  CHECK(ask("/").body == "<h1>home</h1>");
  CHECK(ask("/docs/").body == "docs");
  const answer got = ask("/plain/");
  CHECK(got["Content-Type"] == "text/html; charset=utf-8");
  CHECK(got.body.find("<a href=\"./a%20b.txt\">a b.txt</a>") != std::string::npos);
  CHECK(got.body.find("<a href=\"./sub/\">sub/</a>") != std::string::npos);
  CHECK(ask("/plain/./a%20b.txt").body == "with a space");
}

TEST_CASE("a directory without final slash is redirected within the site, a file with one is not found") {
  answer got = ask("/docs?a=b");
  CHECK(got.status == 301);
  CHECK(got["Location"] == "/docs/?a=b");
  got = ask("//docs");
  CHECK(got["Location"] == "/docs/");
  CHECK(ask("/small.txt/").status == 404);
}

TEST_CASE("what is not there gets 404, and what leads out of the site 400") {
  CHECK(ask("/missing").status == 404);
  CHECK(ask("/..%2f..%2fetc/passwd").status == 400);
  CHECK(ask("/%252e%252e/x").body == "an odd name");
  CHECK(ask("/a%00b").status == 400);
}

TEST_CASE("errors of the file server become statuses") {
  using dvs::errc;
  for (const auto& [error, status] : {std::pair{errc::access_denied, 403}, std::pair{errc::io_error, 500},
                                      std::pair{errc::destination_died, 503}, std::pair{errc::name_too_long, 404}}) {
    map_site pages = sample_site();
    pages.refuse = error;
    const auto all = answers_in(play(pages, {"GET /small.txt HTTP/1.1\r\nHost: muk\r\n\r\n"}));
    REQUIRE(all.size() == 1);
    CHECK(all[0].status == status);
  }
}

TEST_CASE("a read that fails before the head is sent gets 500, later the connection is closed") {
  map_site pages = sample_site();
  pages.read_error = dvs::errc::io_error;
  const std::string twice = "GET /big.bin HTTP/1.1\r\nHost: muk\r\n\r\nGET / HTTP/1.1\r\nHost: muk\r\n\r\n";
  CHECK(play(pages, {twice}).starts_with("HTTP/1.1 500 "));
  pages.read_error_from = 8192;
  const std::string sent = play(pages, {twice});
  CHECK(sent.starts_with("HTTP/1.1 200 "));
  CHECK(sent.size() < 10'000);
  CHECK(sent.find("home") == std::string::npos);
}

TEST_CASE("other methods get 405 with what is allowed, unknown ones 501") {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const answer got = ask("/small.txt", {}, method);
    CHECK(got.status == 405);
    CHECK(got["Allow"] == "GET, HEAD");
  }
  CHECK(ask("/small.txt", {}, "BREW").status == 501);
}

TEST_CASE("the body of a GET is skipped, whole or in chunks, and the next request is answered") {
  const std::string next = "GET /small.txt HTTP/1.1\r\nHost: muk\r\n\r\n";
  map_site pages = sample_site();
  auto all = answers_in(
      play(pages, {"GET / HTTP/1.1\r\nHost: muk\r\nContent-Length: 40000\r\n\r\n", std::string(40'000, 'x') + next}));
  REQUIRE(all.size() == 2);
  CHECK(all[1].body == "0123456789");
  all = answers_in(play(pages, {"GET / HTTP/1.1\r\nHost: muk\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                "3\r\nyou\r\n0\r\n\r\n" + next}));
  REQUIRE(all.size() == 2);
  CHECK(all[0].body == "<h1>home</h1>");
  CHECK(all[1].body == "0123456789");
}

TEST_CASE("a body is skipped however its bytes are cut") {
  const std::string head = "GET / HTTP/1.1\r\nHost: muk\r\n";
  const std::string next = "GET /small.txt HTTP/1.1\r\nHost: muk\r\n\r\n";
  for (const std::string& rest :
       {std::string("Content-Length: 3\r\n\r\nyou"), std::string("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        std::string("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        std::string("Transfer-Encoding: chunked\r\n\r\n0;a=b\r\nTrailer: t\r\n\r\n")}) {
    const std::string all = head + rest + next;
    for (std::size_t length = 1; length < all.size(); ++length) {
      INFO("pieces of " << length << " bytes of " << all);
      std::deque<std::string> pieces;
      for (std::size_t from = 0; from < all.size(); from += length) pieces.push_back(all.substr(from, length));
      map_site pages = sample_site();
      const auto answers = answers_in(play(pages, std::move(pieces)));
      REQUIRE(answers.size() == 2);
      CHECK(answers[1].body == "0123456789");
    }
  }
}

TEST_CASE("a body that is too large gets 413, a head that is too large 431, and the connection ends") {
  CHECK(ask("/", "Content-Length: 1000000\r\n").status == 413);
  CHECK(ask("/", "X: " + std::string(9000, 'x') + "\r\n").status == 431);
  map_site pages = sample_site();
  CHECK(play(pages, {"GET /" + std::string(100'000, 'a')}).starts_with("HTTP/1.1 431 "));
  CHECK(play(pages,
             {"GET / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\nFFFFF\r\n", std::string(99'999, 'x')})
            .starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a post with a body is refused without waiting for the body") {
  map_site pages = sample_site();
  const auto all =
      answers_in(play(pages, {"POST / HTTP/1.1\r\nHost: muk\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"}));
  REQUIRE(all.size() == 1);
  CHECK(all[0].status == 405);
  CHECK(all[0]["Connection"] == "close");
}

TEST_CASE("malformed requests get 400 and a closed connection") {
  const std::string next = "GET / HTTP/1.1\r\nHost: muk\r\n\r\n";
  for (const std::string& text : std::vector<std::string>{
           "nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\nHost: muk\n\n", "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost muk\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: muk\r\nContent-Length: x\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: muk\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: muk\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: muk\r\nX: a\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\n: muk\r\n\r\n",
           std::string("GET /\0 HTTP/1.1\r\nHost: muk\r\n\r\n", 31), "\x16\x03\x01\x02", "GET / FTP/1.1\r\n\r\n",
           "GET / HTTP/2.0\r\nHost: muk\r\n\r\n"}) {
    INFO(text);
    map_site pages = sample_site();
    const auto all = answers_in(play(pages, {text + next}));
    REQUIRE(all.size() == 1);
    CHECK(all[0].status == 400);
    CHECK(all[0]["Connection"] == "close");
  }
}

TEST_CASE("a client that says nothing is left without an answer, one that stops in a request gets 408") {
  map_site pages = sample_site();
  using ending = script_stream::ending;
  CHECK(play(pages, {}, ending::silent).empty());
  CHECK(play(pages, {"\r\n"}, ending::silent).empty());
  CHECK(play(pages, {"GET / HT"}, ending::silent).starts_with("HTTP/1.1 408 "));
  CHECK(play(pages, {"GET / HT"}).empty());
  // Nothing is waited for any more after the answer.
  CHECK(answers_in(play(pages, {"GET / HTTP/1.1\r\nHost: m\r\n\r\n"}, ending::silent)).size() == 1);
}

TEST_CASE("a client that sends a byte now and then does not hold a request open for ever") {
  map_site pages = sample_site();
  pages.step = std::chrono::seconds(1);
  std::deque<std::string> bytes;
  for (int i = 0; i < 1000; ++i) bytes.emplace_back(i == 0 ? "G" : "E");
  CHECK(play(pages, bytes).starts_with("HTTP/1.1 408 "));
}

TEST_CASE("the state of the servers is text, or JSON by the ending of the name") {
  CHECK(ask("/.muk/is/processes").body == "state of processes");
  const answer got = ask("/.muk/is/processes.json");
  CHECK(got["Content-Type"] == "application/json");
  CHECK(got.body == "{\"name\":\"processes\"}");
  CHECK(ask("/.muk/is/").body == "state of all");
  CHECK(ask("/.muk/is/unknown").status == 404);
}
