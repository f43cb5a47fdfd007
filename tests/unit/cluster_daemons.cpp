// SPDX-License-Identifier: MIT
/// @file
/// Daemons that a configuration makes the nodes of a cluster: they find each other, again and again, and nobody else.
#include <poll.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <dvs/proxies/stream_session.hpp>
#include <dvs/proxies/tcp_socket.hpp>
#include <tests/cluster/cluster_programs.hpp>
#include <thread>

using namespace dvs;

namespace {

struct question {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t number;
  struct reply {
    std::uint64_t number;
  };
};

const std::string lab = "[dc.lab]\nid = 7\n";

/// Waits until `who` is known in a DC of another node.
process_info await(dvs::dc<userspace::backend>& in, endpoint_id who) {
  for (;;)
    for (const process_info& row : in.processes())
      if (row.endpoint == who) return row;
}

/// A process at `where` answers one question, which `self` of `here` asks.
template <class Endpoint>
void ask(Endpoint& self, dvs::dc<userspace::backend>& here, userspace::node& on, endpoint_id where) {
  auto there = on.open_dc("lab");
  std::thread server([&] {
    auto answering = there.bind(where).value();
    const auto got = answering->receive_request();
    if (got) static_cast<void>(answering->reply(got->from(), question::reply{got->template as<question>().number + 1}));
  });
  CHECK(await(here, where).node == on.id());
  const auto back = self.sendrec(where, question{41});
  server.join();
  REQUIRE(back);
  CHECK(back->number == 42);
}

void ask_across(cluster_programs& all, int from, int to, endpoint_id where) {
  userspace::node here(all.path(from)), there(all.path(to));
  wait_until_link(here, to, true);
  wait_until_link(there, from, true);
  auto lab_here = here.open_dc("lab");
  auto self = lab_here.bind(own).value();
  ask(*self, lab_here, there, where);
}

/// What the daemon answers to somebody who dials with a key, or with none; nothing is sent but a first message.
std::vector<std::uint8_t> answer_to(const std::optional<proxies::cluster_key>& key, std::uint16_t port) {
  proxies::link_settings how;
  how.node = node_id{2};
  how.key = key;
  proxies::stream_session session(how, proxies::link_role::dialler, proxies::fresh_seed(), duration{});
  const auto socket = proxies::tcp_socket::connect({cluster_programs::address(), port});
  pollfd ready{socket.descriptor(), POLLOUT, 0};
  REQUIRE(::poll(&ready, 1, 60'000) == 1);
  REQUIRE(socket.send(session.outgoing()));
  std::vector<std::uint8_t> answer(4096);
  ready.events = POLLIN;
  REQUIRE(::poll(&ready, 1, 60'000) == 1);
  const auto got = socket.receive(answer);
  answer.resize(got.value_or(0));
  return answer;
}

struct ending {
  int code = -1;
  std::string said;
};
ending run(const std::string& options) {
  FILE* const pipe = ::popen((std::string(DVS_DAEMON) + " " + options + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  ending how;
  for (int byte; (byte = std::fgetc(pipe)) != EOF;) how.said += static_cast<char>(byte);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) how.code = WEXITSTATUS(status);
  return how;
}

}  // namespace

TEST_CASE("processes of two nodes talk by whatever proxy the configuration names") {
  for (const std::string proxy : {"tcp", "udp", "udt"}) {
    CAPTURE(proxy);
    cluster_programs all(2, proxy, lab);
    all.start(2);  // who dials may come before or after who listens
    all.start(1);
    ask_across(all, 1, 2, endpoint_id{1});
    ask_across(all, 2, 1, endpoint_id{2});
    userspace::node here(all.path(1));
    const auto link = link_of(here, 2);
    CHECK(link.at("name") == "n2");
    CHECK(link.at("proxy") == proxy);
    CHECK(link.at("reconnects") == 0);
    CHECK(link.at("commands") == 0);
    CHECK(link.at("frames_sent") > 2);
    CHECK(link.at("bytes_received") > 100);
  }
}

TEST_CASE("three nodes talk by the proxies of their links, and two of them know a DC that the third does not") {
  cluster_programs all(3, "tcp",
                       lab + "[dc.pair]\nid = 0\nnodes = [\"n1\", \"n3\"]\n" +
                           "[[link]]\nbetween = [\"n3\", \"n2\"]\nproxy = \"udp\"\ncompress = true\n" +
                           "[[link]]\nbetween = [\"n1\", \"n3\"]\nbatch = \"1MiB\"\n");
  for (const int each : {1, 2, 3}) all.start(each);
  int where = 0;
  for (const auto& [from, to] : {std::pair(1, 2), std::pair(2, 3), std::pair(3, 1), std::pair(3, 2)})
    ask_across(all, from, to, endpoint_id{++where});
  userspace::node first(all.path(1)), second(all.path(2)), third(all.path(3));
  CHECK(first.dcs().size() == 2);
  CHECK(second.dcs().size() == 1);
  auto here = first.open_dc("pair"), there = third.open_dc("pair");
  const auto one = here.bind(own).value(), other = there.bind(own).value();
  CHECK(one->id() != other->id());  // each node deals out slots of its own
  CHECK(await(here, other->id()).node == node_id{3});
}

TEST_CASE("when a daemon is killed the others are told not_connected, and the link comes up again with the next one") {
  for (const std::string proxy : {"tcp", "udp"}) {
    CAPTURE(proxy);
    cluster_programs all(3, proxy, lab);
    for (const int each : {1, 2, 3}) all.start(each);
    userspace::node first(all.path(1)), third(all.path(3));
    wait_until_link(first, 2, true);
    wait_until_link(third, 2, true);
    wait_until_link(third, 1, true);
    auto here = first.open_dc("lab");
    auto self = here.bind(endpoint_id{1}).value();
    errc outcome = errc::ok;
    {
      userspace::node second(all.path(2));
      auto there = second.open_dc("lab");
      auto silent = there.bind(endpoint_id{2}).value();
      await(here, endpoint_id{2});
      std::thread asks(
          [&] { outcome = here.bind(endpoint_id{3}).value()->sendrec(endpoint_id{2}, question{1}).error(); });
      REQUIRE(silent->receive());
      all.start(2).kill(SIGKILL);
      asks.join();
    }
    CHECK(outcome == errc::not_connected);
    wait_until_link(first, 2, false);
    CHECK(self->send(endpoint_id{2}, question{1}).error() == errc::not_connected);
    ask(*self, here, third, endpoint_id{4});

    all.start(2).start();
    ask_across(all, 1, 2, endpoint_id{5});
    ask_across(all, 2, 3, endpoint_id{6});
    CHECK(link_of(first, 2).at("reconnects") == 1);
    CHECK(link_of(first, 3).at("reconnects") == 0);
    for (const process_info& row : here.processes()) CHECK(row.endpoint != endpoint_id{2});  // it went with its node
  }
}

TEST_CASE("who has another key, or none, is not told one byte") {
  cluster_programs all(2, "tcp", lab);
  all.start(1);
  userspace::node here(all.path(1));
  const auto key = cluster::read_key_file(all.key_file());
  REQUIRE(key);
  proxies::cluster_key right{};
  std::memcpy(right.data(), key->bytes().data(), right.size());
  auto wrong = right;
  wrong[31] ^= 1;
  const std::uint16_t port = cluster_programs::port_of(1);
  CHECK(answer_to(wrong, port).empty());
  CHECK(answer_to({}, port).empty());
  CHECK(answer_to(right, port).size() == proxies::handshake::message_bytes);
  CHECK(link_of(here, 2).at("up") == false);
  CHECK(link_of(here, 2).at("frames_sent") == 0);
}

TEST_CASE("a node that a DC does not name takes no part in it, whatever its own configuration says") {
  cluster_programs all(2, "tcp", lab + "[dc.vault]\nid = 8\nnodes = [\"n1\"]\n");
  std::ifstream from(all.file());
  std::string text{std::istreambuf_iterator<char>(from), {}};
  text.replace(text.find("[\"n1\"]"), 6, "[\"n1\", \"n2\"]");
  const std::string lie = all.file() + ".lie";
  std::ofstream(lie) << text;
  all.start(1);
  all.start(2, lie);
  userspace::node honest(all.path(1)), liar(all.path(2));
  wait_until_link(liar, 1, true);
  auto vault = honest.open_dc("vault"), lied = liar.open_dc("vault");
  const auto secret = vault.bind(endpoint_id{1}).value();
  const auto spy = lied.bind(endpoint_id{2}).value();
  auto lab_there = liar.open_dc("lab"), lab_here = honest.open_dc("lab");
  const auto late = lab_there.bind(endpoint_id{3}).value();
  const auto answer = lab_here.bind(endpoint_id{4}).value();
  await(lab_here, endpoint_id{3});  // links keep the order
  await(lab_there, endpoint_id{4});
  CHECK(vault.processes().size() == 1);
  CHECK(lied.processes().size() == 1);
  CHECK(!spy->send(endpoint_id{1}, question{1}));
}

TEST_CASE("what is wrong with a configuration is said with file and line, and the daemon ends with 1") {
  cluster_programs all(2, "tcp", "[dc.lab]\nid = 99999\nnods = 1\n");
  const ending wrong = run("--config " + all.file() + " --node n1");
  CHECK(wrong.code == 1);
  CHECK(wrong.said == all.file() + ":18:6: dc.lab.id: 99999 is out of range: write a number from 0 to 65535\n" +
                          all.file() + ":19:1: dc.lab.nods: there is no such key: did you mean nodes?\n");
  CHECK(run("--config /nowhere/cluster.toml --node n1").code == 1);
  CHECK(run("--config " + all.file()).code == 2);

  cluster_programs right(2, "tcp", lab);
  const ending lost = run("--config " + right.file() + " --node n7");
  CHECK(lost.code == 1);
  CHECK(lost.said == right.file() + ": there is no [node.n7]: give one of these to --node: n1, n2\n");
  REQUIRE(::chmod(right.key_file().c_str(), 0640) == 0);
  const ending open = run("--config " + right.file() + " --node n1");
  CHECK(open.code == 1);
  CHECK(open.said ==
        right.key_file() + ": has mode 0640, so others may use the key: chmod 600 " + right.key_file() + "\n");
  CHECK(::access(right.path(1).c_str(), F_OK) != 0);
}

TEST_CASE("a node that cannot listen says where") {
  cluster_programs all(2, "tcp", lab);
  const auto taken = proxies::tcp_socket::listen({cluster_programs::address(), cluster_programs::port_of(1)});
  const ending how = run("--config " + all.file() + " --node n1");
  CHECK(how.code == 1);
  CHECK(how.said.starts_with("dvsd: the links by tcp at " + cluster_programs::address() + ", port 7301 cannot be "));
  CHECK(::access(all.path(1).c_str(), F_OK) != 0);

  cluster_programs mixed(3, "udp", lab + "[[link]]\nbetween = [\"n1\", \"n2\"]\nproxy = \"udt\"\n");
  CHECK(run("--config " + mixed.file() + " --node n1").said.find("which need the same port") != std::string::npos);
}
