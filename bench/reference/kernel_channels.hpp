// SPDX-License-Identifier: MIT
/// @file
/// The ways in which Linux moves a message of 64 bytes between two processes: what the papers compare with.
#ifndef DVS_BENCH_REFERENCE_KERNEL_CHANNELS_HPP
#define DVS_BENCH_REFERENCE_KERNEL_CHANNELS_HPP

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <bench/processes.hpp>
#include <string>

namespace reference {

using words = std::array<std::uint32_t, 16>;

inline void demand(bool is_true, const char* what) {
  if (!is_true) throw std::runtime_error(what);
}

/// Two descriptors for each side: what it reads, and what it writes.
class descriptor_pair {
 public:
  descriptor_pair(int asked_out, int asked_in, int answered_out, int answered_in)
      : asked_{asked_out, asked_in}, answered_{answered_out, answered_in} {}
  descriptor_pair(const descriptor_pair&) = delete;
  descriptor_pair& operator=(const descriptor_pair&) = delete;
  ~descriptor_pair() {
    for (const auto& way : {asked_, answered_})
      for (const int each : way) ::close(each);
  }

  void ask(words& m) { exchange(asked_[1], answered_[0], m); }
  void answer(words& m) {
    get(asked_[0], m);
    ++m[0];
    put(answered_[1], m);
  }

 private:
  static void exchange(int out, int in, words& m) {
    put(out, m);
    get(in, m);
  }
  static void put(int to, const words& m) { demand(::write(to, m.data(), sizeof m) == sizeof m, "a write failed"); }
  static void get(int from, words& m) {
    for (std::size_t had = 0; had < sizeof m;) {
      const ssize_t came = ::read(from, reinterpret_cast<char*>(m.data()) + had, sizeof m - had);
      demand(came > 0, "a read failed");
      had += static_cast<std::size_t>(came);
    }
  }
  const std::array<int, 2> asked_, answered_;
};

inline std::unique_ptr<descriptor_pair> pipes() {
  int asked[2], answered[2];
  demand(::pipe(asked) == 0 && ::pipe(answered) == 0, "no pipe can be made");
  return std::make_unique<descriptor_pair>(asked[0], asked[1], answered[0], answered[1]);
}

inline std::unique_ptr<descriptor_pair> fifos() {
  const auto fifo = [](const char* which) {
    const std::string path = "/tmp/dvs_bench." + std::to_string(::getpid()) + which;
    ::unlink(path.c_str());
    demand(::mkfifo(path.c_str(), 0600) == 0, "no FIFO can be made");
    const int both = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    const int in = ::open(path.c_str(), O_RDONLY | O_CLOEXEC), out = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ::close(both);
    ::unlink(path.c_str());
    return std::pair(in, out);
  };
  const auto asked = fifo(".asked"), answered = fifo(".answered");
  return std::make_unique<descriptor_pair>(asked.first, asked.second, answered.first, answered.second);
}

inline std::unique_ptr<descriptor_pair> both_ways(int client, int server) {
  return std::make_unique<descriptor_pair>(server, client, ::dup(client), ::dup(server));
}

inline std::unique_ptr<descriptor_pair> unix_sockets() {
  int ends[2];
  demand(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no socket can be made");
  return both_ways(ends[0], ends[1]);
}

inline std::unique_ptr<descriptor_pair> tcp_sockets() {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0), client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  demand(::bind(listening, where, bytes) == 0 && ::listen(listening, 1) == 0 &&
             ::getsockname(listening, where, &bytes) == 0 && ::connect(client, where, bytes) == 0,
         "no TCP connection can be made");
  const int server = ::accept(listening, nullptr, nullptr), yes = 1;
  ::close(listening);
  for (const int end : {client, server}) ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return both_ways(client, server);
}

/// Two POSIX message queues.
class queue_pair {
 public:
  queue_pair() : asked_(make("/dvs_bench_asked")), answered_(make("/dvs_bench_answered")) {}
  queue_pair(const queue_pair&) = delete;
  queue_pair& operator=(const queue_pair&) = delete;
  ~queue_pair() {
    ::mq_close(asked_);
    ::mq_close(answered_);
  }
  void ask(words& m) {
    put(asked_, m);
    get(answered_, m);
  }
  void answer(words& m) {
    get(asked_, m);
    ++m[0];
    put(answered_, m);
  }

 private:
  static mqd_t make(const char* name) {
    mq_attr attributes{};
    attributes.mq_maxmsg = 8;
    attributes.mq_msgsize = sizeof(words);
    ::mq_unlink(name);
    const mqd_t made = ::mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    demand(made >= 0, "no message queue can be made");
    ::mq_unlink(name);
    return made;
  }
  static void put(mqd_t to, const words& m) {
    demand(::mq_send(to, reinterpret_cast<const char*>(m.data()), sizeof m, 0) == 0, "a message queue failed");
  }
  static void get(mqd_t from, words& m) {
    demand(::mq_receive(from, reinterpret_cast<char*>(m.data()), sizeof m, nullptr) == sizeof m,
           "a message queue failed");
  }
  const mqd_t asked_, answered_;
};

inline std::unique_ptr<queue_pair> message_queues() { return std::make_unique<queue_pair>(); }

/// Nanoseconds per message of `pairs` clients and servers that use what `make` makes.
template <class Make>
double kernel_channel(Make make, int pairs, std::uint64_t exchanges) {
  constexpr std::uint64_t warm = 500;
  return bench::messages_of_pairs(
      pairs, exchanges, make,
      [&](auto& between, int) {
        words m{};
        for (std::uint64_t i = 0; i < warm + exchanges; ++i) between.answer(m);
      },
      [&](auto& between, int, auto&& start) {
        words m{};
        for (std::uint64_t i = 0; i < warm; ++i) between.ask(m);
        start();
        for (std::uint64_t i = 0; i < exchanges; ++i) between.ask(m);
        demand(m[0] == warm + exchanges, "messages were lost");
      });
}

}  // namespace reference

#endif
