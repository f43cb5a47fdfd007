// SPDX-License-Identifier: MIT
/// @file
/// The program dvsd: where it listens, what its clients see when it is killed, and that some who misbehave cannot keep
/// others from talking.
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <fstream>
#include <random>
#include <tests/cluster/daemon_program.hpp>
#include <thread>

using namespace dvs;
using namespace dvs::userspace;
using namespace std::chrono_literals;

namespace {

struct question {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t number;
  struct reply {
    std::uint64_t number;
  };
};

struct ending {
  int code = -1;
  std::string said;
};

/// Runs dvsd, which is to end by itself.
ending run(const std::string& options) {
  const std::string line = std::string(DVS_DAEMON) + " " + options + " 2>&1";
  FILE* const pipe = ::popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  ending how;
  for (int byte; (byte = std::fgetc(pipe)) != EOF;) how.said += static_cast<char>(byte);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) how.code = WEXITSTATUS(status);
  return how;
}

owned_descriptor connect_to(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  owned_descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  static_cast<void>(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return socket;
}

/// Sends as far as the system takes it. Whether the other end is still there.
bool push(const owned_descriptor& socket, std::span<const std::byte> bytes) {
  return ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN;
}

/// Until it is told to end: random bytes, one connection after the other.
void babble(const std::string& path, const std::atomic<bool>& is_over, std::uint64_t seed) {
  std::mt19937_64 chance(seed);
  while (!is_over) {
    const owned_descriptor socket = connect_to(path);
    std::array<std::uint64_t, 32> noise;
    for (auto& each : noise) each = chance();
    // Half of them begin like a packet.
    if (chance() % 2 == 0) noise[0] = noise[0] << 40 | static_cast<std::uint64_t>("FQA"[chance() % 3]) << 32 | 200;
    static_cast<void>(push(socket, std::as_bytes(std::span(noise))));
  }
}

/// Until it is told to end: requests, whose answers it does not read.
void stay_deaf(const std::string& path, const std::atomic<bool>& is_over) {
  std::vector<std::byte> requests;
  const packet one = make_packet(packet_kind::request, json{{"id", 1}, {"op", "list"}}.dump());
  for (int i = 0; i < 1000; ++i) {
    for (const std::size_t byte : {one.size(), std::size_t{0}, std::size_t{0}, std::size_t{0}})
      requests.push_back(static_cast<std::byte>(byte));
    requests.insert(requests.end(), one.begin(), one.end());
  }
  while (!is_over) {
    const owned_descriptor socket = connect_to(path);
    while (!is_over && ::send(socket.get(), requests.data(), requests.size(), MSG_NOSIGNAL) ==
                           static_cast<ssize_t>(requests.size()))
      continue;
  }
}

/// Until it is told to end: valid commands to a server, as many as there is room for.
void flood(const std::string& path, const std::atomic<bool>& is_over, endpoint_id server) {
  packet_socket socket(connect_to(path));
  const auto ask = [&](const json& wanted) { socket.queue(make_packet(packet_kind::request, wanted.dump())); };
  const auto next_answer = [&] {
    for (;;) {
      if (!socket.flush() || !socket.fill()) return json();
      while (const auto came = socket.next())
        if ((*came)[0] == std::byte{'A'}) return parse_control(text_of(came->subspan(1)));
    }
  };
  ask({{"id", 1}, {"op", "open"}, {"name", "lab"}});
  const auto dc = field<std::uint16_t>(next_answer(), "dc");
  ask({{"id", 2}, {"op", "bind"}, {"dc", dc}, {"who", 10}, {"name", "flood"}});
  dvk_frame command{};
  command.kind = DVK_FRAME_try_send;
  command.dc = dc;
  command.from_node = number(this_process);
  command.from = field<std::int32_t>(next_answer(), "endpoint");
  command.to = number(server);
  command.message.type = 1;
  while (!is_over && socket.flush() && socket.fill()) {
    while (socket.next()) continue;
    while (socket.has_room()) {
      ++command.exchange;
      socket.queue(make_packet(command));
      if (command.exchange % 64 == 0) ask({{"id", 9}, {"op", "processes"}, {"dc", dc}});
    }
  }
}

/// A server on a thread of its own, with a line of its own, which answers everybody until it is told to end.
void serve(const std::string& path, const std::atomic<bool>& is_over, std::atomic<std::int32_t>& bound) {
  userspace::node mine(path);
  auto dc = mine.open_dc("lab");
  auto self = dc.bind(endpoint_id{1});
  bound = number((*self)->id());
  while (!is_over) {
    const auto got = (*self)->receive_request(10ms);
    if (!got) continue;
    const std::uint64_t number = got->is<question>() ? got->as<question>().number : 0;
    static_cast<void>((*self)->reply(got->from(), question::reply{number}));
  }
}

/// Waits until a process does this.
void wait_until(dvs::dc<userspace::backend>& dc, endpoint_id who, activity what) {
  const auto does = [&](const process_info& row) { return row.endpoint == who && row.doing == what; };
  while (std::ranges::none_of(dc.processes(), does)) std::this_thread::yield();
}

}  // namespace

// ---- Where it listens ----

TEST_CASE("a node opens a DC once: the second time is refused, and who came in by the first goes on") {
  const daemon_program host;
  userspace::node owner(host.path()), guest(host.path());
  auto owned = owner.create_dc("lab");
  auto opened = guest.open_dc("lab");
  const auto server = owned.bind(endpoint_id{5}).value();
  for (int i = 0; i < 2; ++i) {
    try {
      static_cast<void>(guest.open_dc("lab"));
      FAIL("it was opened twice");
    } catch (const error& refused) {
      CHECK(refused.code() == errc::exists);
    }
    const auto client = opened.bind(own).value();
    CHECK(client->wait_bind(endpoint_id{5}));
    CHECK(server->wait_bind(client->id()));
  }
}

TEST_CASE("a second daemon at the same place is refused, and the first goes on") {
  daemon_program daemon;
  const ending second = run("--socket " + daemon.path());
  CHECK(second.code == 1);
  CHECK(second.said == "dvsd: " + daemon.path() + ": a daemon listens there: Address already in use\n");
  userspace::node node(daemon.path());
  CHECK(node.dcs().empty());
}

TEST_CASE("what somebody has left at the place of the socket is replaced") {
  own_directory where;
  const std::string place = where.file("node");
  const sockaddr_un address = unix_address(place);
  {
    const owned_descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  CHECK_THROWS_AS(userspace::node(place), std::system_error);
  std::ofstream(place + ".lock") << "left";
  daemon_program daemon(place);
  CHECK(userspace::node(place).dcs().empty());
}

TEST_CASE("where it cannot listen it says so and ends with 1") {
  own_directory where;
  std::ofstream(where.file("file")) << "no directory";
  for (const std::string& place : {where.file(std::string(200, 'x').c_str()), where.file("file/node"),
                                   std::string("/proc/dvs/node"), where.file("file/deeper/node")}) {
    CAPTURE(place);
    const ending how = run("--socket " + place);
    CHECK(how.code == 1);
    CAPTURE(how.said);
    CHECK(how.said.find(place.substr(0, place.rfind('/'))) != std::string::npos);
    CHECK(how.said.starts_with("dvsd: "));
  }
}

TEST_CASE("a wrong command line ends with 2") {
  for (const char* const options : {"--mode 888", "--mode 7777", "--mode", "--node 65535", "--node -1", "--node web",
                                    "--config c", "--nonsense", "--socket", "extra"}) {
    CAPTURE(options);
    const ending how = run(options);
    CHECK(how.code == 2);
    CHECK(!how.said.empty());
  }
  CHECK(run("--help").code == 0);
  CHECK(run("--version").code == 0);
}

// ---- When it is killed ----

TEST_CASE(
    "when the daemon is killed its DCs have ended, all that waits for others is told not_connected, and the next one "
    "is empty") {
  daemon_program daemon;
  userspace::node silent(daemon.path());
  auto lab = silent.create_dc("lab");
  auto server = lab.bind(endpoint_id{1});
  REQUIRE(server);
  const endpoint_id there = (*server)->id();

  std::array<errc, 3> outcomes{}, afterwards{};
  std::array<std::thread, 3> clients;
  for (std::size_t i = 0; i < clients.size(); ++i)
    clients[i] = std::thread([&, i] {
      userspace::node mine(daemon.path());
      auto dc = mine.open_dc("lab");
      auto self = dc.bind(endpoint_id{static_cast<std::int32_t>(i) + 2});
      outcomes[i] = i == 0   ? (*self)->receive(there).error()
                    : i == 1 ? (*self)->sendrec(there, question{1}).error()
                             : (*self)->receive().error();  // who waits for anybody waits for processes here as well
      afterwards[i] = (*self)->send(there, question{1}).error();
      self = errc::not_bound;
      dc.end();
    });
  wait_until(lab, endpoint_id{2}, activity::receiving);
  wait_until(lab, endpoint_id{3}, activity::sending);
  wait_until(lab, endpoint_id{4}, activity::receiving);
  daemon.kill(SIGKILL);
  for (auto& each : clients) each.join();
  CHECK(outcomes == std::array{errc::not_connected, errc::not_connected, errc::shut_down});
  for (const errc each : afterwards) CHECK((each == errc::not_connected || each == errc::shut_down));
  CHECK((*server)->receive().error() == errc::shut_down);
  CHECK(lab.bind(endpoint_id{9}).error() == errc::dc_not_running);

  daemon.start();
  userspace::node fresh(daemon.path());
  CHECK(fresh.dcs().empty());
  CHECK(fresh.create_dc("lab").bind(endpoint_id{1}));
}

// ---- Bad company ----

TEST_CASE("two who talk finish, whatever noise, deafness and floods there are beside them") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  daemon_program daemon;
  const std::string path = daemon.path();
  userspace::node node(path);
  auto lab = node.create_dc("lab");
  auto self = lab.bind(endpoint_id{2});
  REQUIRE(self);

  std::atomic<bool> is_over{false};
  std::atomic<std::int32_t> bound{0};
  std::thread server([&] { serve(path, is_over, bound); });
  while (bound == 0) std::this_thread::yield();
  const endpoint_id there{bound.load()};
  std::thread others[] = {std::thread([&] { babble(path, is_over, seed); }),
                          std::thread([&] { stay_deaf(path, is_over); }),
                          std::thread([&] { flood(path, is_over, there); })};
  constexpr std::uint64_t exchanges = 500;
  std::uint64_t finished = 0;
  for (std::uint64_t number = 1; number <= exchanges; ++number) {
    const auto back = (*self)->sendrec(there, question{number});
    if (back && back->number == number) ++finished;
  }
  is_over = true;
  server.join();
  for (auto& each : others) each.join();
  CHECK(finished == exchanges);
}
