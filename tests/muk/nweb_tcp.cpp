// SPDX-License-Identifier: MIT
/// @file
/// NWEB on the TCP of the host: curl and raw sockets as clients.
#include <catch2/catch.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <dvs/ipc.hpp>
#include <future>
#include <muk/nweb/server.hpp>

#include "nweb_clients.hpp"
#include "nweb_fake.hpp"

using namespace muk;
using nweb_test::last_request;
using nweb_test::raw_client;
using backend = dvs::userspace::node::backend_type;
using endpoint = dvs::endpoint<backend>;

namespace {

std::string pattern(std::size_t size) {
  std::string made(size, ' ');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + (i * i + i / 26) % 26);
  return made;
}
const std::string big = pattern(10'000'000);
const auto files = std::make_shared<const nweb_test::map_site::file_map>(nweb_test::map_site::file_map{
    {"/index.html", "home"}, {"/small.txt", "0123456789"}, {"/big.bin", big}, {"/a b/x&y", "odd"}});

template <class>
class served_site : public nweb_test::map_site {
 public:
  served_site(endpoint& self, const nweb::settings&) : map_site(files, 256 * 1024), self_(self) {}
  dvs::duration now() { return self_.now(); }

 private:
  endpoint& self_;
};

/// NWEB on a thread, listening on a free port of this host.
class web {
 public:
  explicit web(nweb::settings limits = {}) {
    limits.port = 0;
    std::promise<std::uint16_t> listening;
    auto ready = listening.get_future();
    const auto started = dc_.spawn(dvs::endpoint_id{9}, dvs::on_thread{}, [&listening, limits](endpoint& self) {
      auto listener = self.listen(limits.port);
      listening.set_value(listener ? listener->port() : 0);
      if (listener) static_cast<void>(nweb::serve<served_site>(self, *listener, limits));
    });
    REQUIRE(started);
    port = ready.get();
    REQUIRE(port != 0);
  }

  std::string curl(const std::string& arguments) const { return nweb_test::curl(port, arguments); }

  std::uint16_t port = 0;

 private:
  dvs::userspace::node node_;
  dvs::dc<backend> dc_ = node_.create_dc("web");
};

}  // namespace

TEST_CASE("curl gets files byte for byte, also large ones and eight at a time") {
  const web server;
  CHECK(server.curl("URL/small.txt") == "0123456789");
  CHECK(server.curl("URL/big.bin") == big);
  CHECK(server.curl("URL/a%20b/x%26y") == "odd");
  std::vector<std::future<std::string>> all;
  for (int i = 0; i < 8; ++i) all.push_back(std::async(std::launch::async, [&] { return server.curl("URL/big.bin"); }));
  for (auto& each : all) CHECK(each.get() == big);
}

TEST_CASE("curl gets ranges, heads and redirects") {
  const web server;
  CHECK(server.curl("--range 100-199 URL/big.bin") == big.substr(100, 100));
  CHECK(server.curl("--range -5 URL/small.txt") == "56789");
  CHECK(server.curl("--head URL/big.bin").find("Content-Length: 10000000") != std::string::npos);
  CHECK(server.curl("--location 'URL/a%20b'").find("x%26y") != std::string::npos);
  CHECK(server.curl("--output /dev/null --write-out '%{http_code}' --range 99- URL/small.txt") == "416");
  CHECK(server.curl("--output /dev/null --write-out '%{http_code}' URL/../../etc/passwd") == "400");
  CHECK(server.curl("--output /dev/null --write-out '%{http_code}' --data x=y URL/small.txt") == "405");
}

TEST_CASE("curl reuses its connection") {
  const web server;
  const std::string counts = server.curl("--write-out '%{num_connects};' URL/small.txt URL/index.html URL/small.txt");
  CHECK(counts == "01234567891;home0;01234567890;");
}

TEST_CASE("200 idle connections do not stop the 201st client") {
  const web server;
  std::vector<raw_client> idle;
  for (int i = 0; i < 200; ++i) idle.emplace_back(server.port);
  for (std::size_t i = 0; i < idle.size(); i += 2) idle[i].say("GET / HTTP/1.1\r\nHo");
  raw_client client(server.port);
  client.say(last_request);
  CHECK(client.hear().ends_with("home"));
  CHECK(server.curl("URL/big.bin") == big);
  idle[1].say(last_request);
  CHECK(idle[1].hear().ends_with("home"));
}

TEST_CASE("malformed requests get 400 and a closed connection, and the server goes on") {
  const web server;
  for (const std::string_view text :
       {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n"}) {
    raw_client client(server.port);
    client.say(text);
    client.say_no_more();
    CHECK(client.hear().starts_with("HTTP/1.1 400 "));
  }
  CHECK(server.curl("URL/small.txt") == "0123456789");
}

TEST_CASE("a client that closes in the middle of a large answer harms nobody") {
  const web server;
  for (int i = 0; i < 20; ++i) {
    raw_client client(server.port);
    client.say("GET /big.bin HTTP/1.1\r\nHost: m\r\n\r\n");
  }
  CHECK(server.curl("URL/small.txt") == "0123456789");
}

TEST_CASE("the port is free again when the server has ended") {
  std::uint16_t port = 0;
  {
    const web server;
    port = server.port;
    raw_client client(port);
    client.say(last_request);
    CHECK(client.hear().ends_with("home"));
  }
  dvs::userspace::node node;
  auto dc = node.create_dc("again");
  dc.run([&](endpoint& self) { CHECK(self.listen(port).has_value()); });
}
