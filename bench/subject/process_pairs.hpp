// SPDX-License-Identifier: MIT
/// @file
/// Pairs of processes that exchange messages by dvs, in the four patterns of the papers' loops.
#ifndef DVS_BENCH_SUBJECT_PROCESS_PAIRS_HPP
#define DVS_BENCH_SUBJECT_PROCESS_PAIRS_HPP

#include <bench/processes.hpp>
#include <bench/subject/echo.hpp>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/backends/userspace/daemon/daemon.hpp>

namespace subject {

/// A daemon in a process of its own, for the rest of the program.
class bench_daemon {
 public:
  [[nodiscard]] static const std::string& path() { return only().path_; }
  [[nodiscard]] static pid_t process() { return only().process_.process(); }

 private:
  static const bench_daemon& only() {
    static const bench_daemon made;
    return made;
  }
  bench_daemon()
      : path_("/tmp/dvs_bench." + std::to_string(::getpid())), process_([this] {
          boost::asio::io_context loop;
          dvs::userspace::daemon here(loop, path_, dvs::node_id{1});
          loop.run();
        }) {
    while (::access(path_.c_str(), F_OK) != 0) ::usleep(1000);
  }
  ~bench_daemon() {
    ::unlink(path_.c_str());
    ::unlink((path_ + ".lock").c_str());
  }

  const std::string path_;
  const bench::forked process_;
};

/// How a client and a server talk; the numbers are those of the papers' programs.
enum class loop_pattern : std::uint8_t {
  send_receive = 1,     ///< both send and receive
  sendrec_receive = 2,  ///< the client asks; the server receives and sends
  notify_receive = 3,   ///< both notify and receive
  sendrec_reply = 4,    ///< the client asks; the server receives a request and replies
};

inline constexpr int pairs_max = 8;
[[nodiscard]] inline dvs::endpoint_id client_of(int pair) { return dvs::endpoint_id{10 + pair}; }
[[nodiscard]] inline dvs::endpoint_id server_of(int pair) { return dvs::endpoint_id{10 + pairs_max + pair}; }

inline void demand(bool is_true) {
  if (!is_true) throw std::runtime_error("a call of dvs failed");
}

template <class Endpoint>
void serve_pattern(Endpoint& self, loop_pattern how, dvs::endpoint_id client, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) {
    switch (how) {
      case loop_pattern::send_receive:
      case loop_pattern::sendrec_receive: {
        const auto got = self.receive();
        demand(got && self.send(client, dvs::message(got->content)).has_value());
        break;
      }
      case loop_pattern::notify_receive: {
        const auto got = self.receive();
        demand(got && self.notify(client).has_value());
        break;
      }
      case loop_pattern::sendrec_reply: {
        const auto got = self.receive_request();
        demand(got && self.reply(got->from(), got->content).has_value());
        break;
      }
    }
  }
}

template <class Endpoint>
void ask_pattern(Endpoint& self, loop_pattern how, dvs::endpoint_id server, std::uint64_t times) {
  dvs::message m{};
  m.type = 1;
  for (std::uint64_t i = 0; i < times; ++i) {
    switch (how) {
      case loop_pattern::send_receive:
        demand(self.send(server, m).has_value() && self.receive().has_value());
        break;
      case loop_pattern::notify_receive:
        demand(self.notify(server).has_value() && self.receive().has_value());
        break;
      case loop_pattern::sendrec_receive:
      case loop_pattern::sendrec_reply:
        demand(self.sendrec(server, m).has_value());
        break;
    }
  }
}

/// Nanoseconds per message of `pairs` clients and servers.
inline double process_pairs(loop_pattern how, int pairs, std::uint64_t exchanges) {
  constexpr std::uint64_t warm = 500;
  const std::string path = bench_daemon::path();
  const bench::shared<bench::gate> made;
  const bench::forked owner([&] {  // the DC ends with it
    dvs::userspace::node node(path);
    const auto dc = node.create_dc("bench");
    made->arrive();
    ::pause();
  });
  made->wait_for(1);
  struct nothing {};
  return bench::messages_of_pairs(
      pairs, exchanges, [] { return std::make_unique<nothing>(); },
      [&](nothing&, int pair) {
        dvs::userspace::node mine(path);
        auto here = mine.open_dc("bench");
        const auto self = here.bind(server_of(pair)).value();
        serve_pattern(*self, how, client_of(pair), warm + exchanges);
        ::pause();  // nobody has to find it gone
      },
      [&](nothing&, int pair, auto&& start) {
        dvs::userspace::node mine(path);
        auto here = mine.open_dc("bench");
        const auto self = here.bind(client_of(pair)).value();
        self->wait_bind(server_of(pair)).value();
        ask_pattern(*self, how, server_of(pair), warm);
        start();
        ask_pattern(*self, how, server_of(pair), exchanges);
        ::_exit(0);
      });
}

}  // namespace subject

#endif
