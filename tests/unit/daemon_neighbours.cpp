// SPDX-License-Identifier: MIT
/// @file
/// Processes with direct ways to each other: what one that is stopped, or scribbles on all it was given, does to
/// others.
#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/backends/userspace/streams.hpp>
#include <random>
#include <tests/cluster/daemon_thread.hpp>

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

constexpr endpoint_id server{1}, client{2}, stranger{3};

/// Answers everybody, with a line of its own, until it is told to end.
void answer_all(const std::string& path, const std::atomic<bool>& is_over, std::atomic<bool>& is_bound) {
  userspace::node mine(path);
  auto dc = mine.open_dc("lab");
  auto self = dc.bind(server);
  is_bound = true;
  while (!is_over) {
    const auto got = (*self)->receive_request(10ms);
    if (!got) continue;
    const std::uint64_t number = got->is<question>() ? got->as<question>().number : 0;
    static_cast<void>((*self)->reply(got->from(), question::reply{number}));
  }
}

/// One that speaks with the daemon by itself and scribbles on everything that it is given.
class scribbler {
 public:
  explicit scribbler(const std::string& path) : socket_(connect(path)) {
    auto states = make_memory_file("states", sizeof(board_states));
    auto hints = make_memory_file("hints", sizeof(board_hint_words));
    if (!seal_memory_file(states, sharing::look) || !seal_memory_file(hints, sharing::write)) throw bad_control{};
    const shared_descriptor shown[] = {std::make_shared<owned_descriptor>(std::move(states)),
                                       std::make_shared<owned_descriptor>(std::move(hints))};
    ask({{"op", "hello"}, {"version", control_version}, {"descriptors", 2}}, shown);
    const auto dc = field<std::uint16_t>(ask({{"op", "open"}, {"name", "lab"}}), "dc");
    ask({{"op", "bind"}, {"dc", dc}, {"who", number(stranger)}, {"name", "x"}, {"place", 0}});
    const json told =
        ask({{"op", "introduce"}, {"dc", dc}, {"who", number(stranger)}, {"partner", number(server)}, {"place", 0}});
    way_ = shared_memory(socket_.descriptors().take(), direct_memory_bytes, sharing::write);
    states_file_ = socket_.descriptors().take();
    hints_ = shared_memory(socket_.descriptors().take(), sizeof(board_hint_words), sharing::write);
  }

  /// Whether it could write where it may only look.
  [[nodiscard]] bool can_write_states() const {
    void* const mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, states_file_.get(), 0);
    if (mapped != MAP_FAILED) ::munmap(mapped, 4096);
    return mapped != MAP_FAILED || ::ftruncate(states_file_.get(), 0) == 0 || ::write(states_file_.get(), "", 1) == 1;
  }
  void scribble(std::mt19937_64& chance) {
    auto& way = way_.as<std::array<std::atomic<std::uint32_t>, direct_memory_bytes / 4>>();
    auto& hints = hints_.as<std::array<std::atomic<std::uint32_t>, sizeof(board_hint_words) / 4>>();
    for (int i = 0; i < 200; ++i) {
      // State words now and then as they could be: a request or a send of some sequence.
      const auto word = static_cast<std::uint32_t>(chance());
      way[chance() % (sizeof(direct_memory) / 4)].store(chance() % 2 == 0 ? word : (word & ~15U) | (1 + word % 2));
      hints[chance() % hints.size()].store(chance() % 4 == 0 ? ~0U : 0);
    }
    for (std::size_t place = 0; place < board_places; ++place) {
      std::atomic<std::uint32_t>& word = hints_.as<board_hint_words>().of[place].word;
      if (chance() % 8 == 0) futex_wake_shared(word);
    }
  }

 private:
  static owned_descriptor connect(const std::string& path) {
    const sockaddr_un address = unix_address(path);
    owned_descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    static_cast<void>(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    return socket;
  }
  json ask(json wanted, std::span<const shared_descriptor> with = {}) {
    wanted["id"] = ++last_;
    socket_.queue(make_packet(packet_kind::request, wanted.dump()), with);
    for (;;) {
      if (!socket_.flush() || !socket_.fill()) return json::object();
      while (const auto came = socket_.next())
        if ((*came)[0] == std::byte{'A'}) return parse_control(text_of(came->subspan(1)));
    }
  }

  packet_socket socket_;
  std::uint64_t last_ = 0;
  shared_memory way_, hints_;
  owned_descriptor states_file_;
};

/// A process of the host that was forked.
class child {
 public:
  template <class Life>
  explicit child(Life&& life) : process_(::fork()) {
    if (process_ != 0) return;
    life();
    ::_exit(0);
  }
  ~child() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  [[nodiscard]] pid_t process() const { return process_; }
  void stop() const {
    ::kill(process_, SIGSTOP);
    ::waitpid(process_, nullptr, WUNTRACED);
  }

 private:
  const pid_t process_;
};

}  // namespace

TEST_CASE("who scribbles on all that it was given disturbs nobody else's conversation") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto lab = node.create_dc("lab");
  auto self = lab.bind(client);
  REQUIRE(self);
  std::atomic<bool> is_over{false}, is_bound{false};
  std::thread answers([&] { answer_all(daemon.path(), is_over, is_bound); });
  while (!is_bound) std::this_thread::yield();
  REQUIRE((*self)->wait_bind(server));
  scribbler hostile(daemon.path());
  CHECK_FALSE(hostile.can_write_states());
  std::thread scribbles([&] {
    std::mt19937_64 chance(seed);
    while (!is_over) hostile.scribble(chance);
  });
  std::uint64_t finished = 0;
  for (std::uint64_t number = 1; number <= 3000; ++number) {
    const auto back = (*self)->sendrec(server, question{number});
    if (back && back->number == number) ++finished;
  }
  is_over = true;
  scribbles.join();
  answers.join();
  CHECK(finished == 3000);
}

TEST_CASE("who waits for a process that is stopped may give up by itself") {
  // The daemon is a process too, as threads do not survive a fork.
  own_directory where;
  const std::string path = where.file("node");
  child daemon([&] {
    boost::asio::io_context loop;
    userspace::daemon here(loop, path, node_id{1});
    loop.run();
  });
  while (::access(path.c_str(), F_OK) != 0) std::this_thread::yield();
  child answers([&] {
    std::atomic<bool> never{false}, is_bound{false};
    {
      userspace::node looks(path);
      while (looks.dcs().empty()) std::this_thread::yield();
    }
    answer_all(path, never, is_bound);
  });
  userspace::node node(path);
  auto lab = node.create_dc("lab");
  auto self = lab.bind(client);
  REQUIRE(self);
  REQUIRE((*self)->wait_bind(server));
  REQUIRE((*self)->sendrec(server, question{1})->number == 1);
  answers.stop();
  CHECK((*self)->sendrec(server, question{2}, 20ms).error() == errc::timed_out);
  CHECK((*self)->send(server, question{3}, 20ms).error() == errc::timed_out);
  CHECK((*self)->sendrec(server, question{4}, 20ms).error() == errc::timed_out);
  ::kill(answers.process(), SIGCONT);
  CHECK((*self)->sendrec(server, question{5})->number == 5);
  ::kill(answers.process(), SIGKILL);
  const errc gone = (*self)->sendrec(server, question{6}).error();
  INFO(name_of(gone));
  CHECK((gone == errc::destination_died || gone == errc::peer_died || gone == errc::source_died));
}

TEST_CASE("a process that waits for streams and messages is woken by both") {
  daemon_thread daemon;
  userspace::node node(daemon.path());
  auto lab = node.create_dc("lab");
  auto self = lab.bind(client);
  REQUIRE(self);
  std::atomic<bool> is_bound{false};
  constexpr std::uint64_t last = 200;
  std::thread answers([&] {
    userspace::node mine(daemon.path());
    auto dc = mine.open_dc("lab");
    auto there = dc.bind(server);
    auto door = (*there)->listen(0);
    is_bound = door.has_value();
    for (std::uint64_t number = 0; number < last;) {
      const auto got = (*there)->receive_request();
      if (!got) break;
      number = got->as<question>().number;
      static_cast<void>((*there)->reply(got->from(), question::reply{number}));
    }
  });
  while (!is_bound) std::this_thread::yield();
  REQUIRE((*self)->wait_bind(server));
  for (std::uint64_t number = 1; number <= last; ++number) {
    const auto back = (*self)->sendrec(server, question{number}, 10s);
    REQUIRE(back);
    CHECK(back->number == number);
    if (number % 20 == 0) std::this_thread::sleep_for(2ms);  // so that the server sleeps
  }
  answers.join();
}
