// SPDX-License-Identifier: MIT
/// @file
/// The daemon of a node: a switchboard behind a socket in the file system.
///
///     boost::asio::io_context loop;
///     dvs::userspace::daemon here(loop, "/run/dvs/node", dvs::node_id{1});
///     loop.run();
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_DAEMON_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_DAEMON_HPP

#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <dvs/backends/userspace/daemon/host_process.hpp>
#include <dvs/backends/userspace/daemon/node_gate.hpp>
#include <dvs/backends/userspace/daemon/packet_socket.hpp>
#include <dvs/backends/userspace/daemon/switchboard.hpp>
#include <dvs/backends/userspace/direct_way.hpp>
#include <optional>
#include <random>

namespace dvs::userspace {

/// See the file comment. Belongs to the thread that runs its loop.
class daemon {
 public:
  /// Listens at `path`, of which there can be one at a time: a socket that a dead daemon left is replaced.
  /// Throws `std::system_error`: the path cannot be used, or (`address_in_use`) a daemon listens there.
  daemon(boost::asio::io_context& loop, std::string path, node_id self, mode_t mode = 0600);
  daemon(const daemon&) = delete;
  daemon& operator=(const daemon&) = delete;
  ~daemon();

  [[nodiscard]] switchboard& board() { return board_; }
  [[nodiscard]] const switchboard& board() const { return board_; }
  /// The way to other nodes, for proxies, on the thread that runs the loop. They go before the daemon.
  [[nodiscard]] node_gate& gate() { return gate_; }
  /// Says which node of which cluster this is, to those who ask.
  void be_called(const std::string& name, const std::string& cluster) { called_ = {{"node", name}, {"name", cluster}}; }

 private:
  using watched = boost::asio::posix::stream_descriptor;
  /// What one line may say before others have their turn.
  static constexpr int packets_at_once = 32;

  /// One process at its socket.
  struct guest {
    guest(boost::asio::io_context& loop, owned_descriptor s, owned_descriptor process)
        : socket(std::move(s)), readiness(loop, socket.descriptor()), life(std::move(process)), death(loop) {}
    ~guest() {
      readiness.release();
      if (death.is_open()) death.release();
    }
    packet_socket socket;
    watched readiness;
    owned_descriptor life;  ///< a pidfd: tells of the end also when somebody has inherited the socket
    watched death;
    bool writes = false;
  };

  static shared_descriptor make_way();
  void lock();
  void accept();
  void admit(owned_descriptor socket);
  bool read(line_id which);
  void listen_to(line_id which);
  void write(line_id which);
  void wait_to_read(line_id which);
  void wait_for_death(line_id which);
  void drop(line_id which);
  void keep_time();

  boost::asio::io_context& loop_;
  const std::string path_;
  owned_descriptor lock_;
  owned_descriptor listening_;
  watched arrivals_;
  boost::asio::steady_timer timer_;
  std::map<line_id, std::shared_ptr<guest>> guests_;
  json called_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  switchboard board_;
  node_gate gate_{loop_, board_};
};

inline daemon::daemon(boost::asio::io_context& loop, std::string path, node_id self, mode_t mode)
    : loop_(loop),
      path_(std::move(path)),
      arrivals_(loop),
      timer_(loop),
      board_(self, std::random_device{}(),
             {.ready = [this](line_id which) { write(which); },
              .ready_for = [this](node_id peer) { gate_.ready_for(peer); },
              .hang_up =
                  [this, alive = std::weak_ptr(is_alive_)](line_id which) {
                    boost::asio::post(loop_, [this, which, alive] {
                      if (!alive.expired()) drop(which);
                    });
                  },
              .process_of_thread = &process_of_thread,
              .process_number_for = &process_number_for,
              .make_way = &make_way,
              .user = ::geteuid(),
              .cluster = [this] { return called_; },
              .links = [this] { return gate_.links(); }}) {
  const std::string aside = path_ + ".new";
  const sockaddr_un address = unix_address(aside);
  lock();
  ::unlink(aside.c_str());  // the lock says that nobody else is about to listen
  listening_ = owned_descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Who finds the socket may connect at once, and replaces nothing but what a dead daemon left.
  if (::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(aside.c_str(), mode) != 0 || ::listen(listening_.get(), 128) != 0 ||
      ::rename(aside.c_str(), path_.c_str()) != 0)
    throw std::system_error(errno, std::system_category(), path_);
  arrivals_.assign(listening_.get());
  accept();
  keep_time();
}

inline shared_descriptor daemon::make_way() {
  try {
    auto made = make_memory_file("dvs way", direct_memory_bytes);
    if (!seal_memory_file(made, sharing::write)) return nullptr;
    return std::make_shared<owned_descriptor>(std::move(made));
  } catch (const std::system_error&) {
    return nullptr;
  }
}

inline daemon::~daemon() {
  ::unlink(path_.c_str());
  ::unlink((path_ + ".lock").c_str());
  arrivals_.release();
}

/// Makes sure that there is one daemon at a path, also after one was killed.
inline void daemon::lock() {
  const std::string beside = path_ + ".lock";
  for (;;) {
    lock_ = owned_descriptor(::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock_.get() < 0) throw std::system_error(errno, std::system_category(), beside);
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
      throw std::system_error(std::make_error_code(std::errc::address_in_use), path_ + ": a daemon listens there");
    struct stat held {
    }, there{};
    // One that went just now may have removed the file that we have locked.
    if (::fstat(lock_.get(), &held) == 0 && ::stat(beside.c_str(), &there) == 0 && held.st_ino == there.st_ino) return;
  }
}

inline void daemon::accept() {
  arrivals_.async_wait(watched::wait_read, [this, alive = std::weak_ptr(is_alive_)](const auto& failed) {
    if (failed || alive.expired()) return;
    // One at a time: who connects again and again does not keep those who are here waiting.
    owned_descriptor socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() >= 0) admit(std::move(socket));
    accept();
  });
}

inline void daemon::admit(owned_descriptor socket) {
  auto owner = owner_of(socket.get());
  if (!owner) return;
  owned_descriptor life(static_cast<int>(::syscall(SYS_pidfd_open, owner->process, 0)));
  if (life.get() < 0) return;  // it has gone already
  const auto who = std::make_shared<guest>(loop_, std::move(socket), std::move(life));
  const line_id which = board_.open(std::move(*owner));
  guests_.emplace(which, who);
  who->death.assign(who->life.get());
  wait_for_death(which);
  wait_to_read(which);
}

inline void daemon::wait_for_death(line_id which) {
  guests_.at(which)->death.async_wait(watched::wait_read,
                                      [this, which, alive = std::weak_ptr(is_alive_)](const auto& failed) {
                                        if (failed || alive.expired()) return;
                                        const auto at = guests_.find(which);
                                        if (at == guests_.end()) return;
                                        // What Asio has seen may have been the last descriptor of this number.
                                        pollfd life{at->second->life.get(), POLLIN, 0};
                                        if (::poll(&life, 1, 0) != 1) return wait_for_death(which);
                                        // What it has said still counts, if not for ever: an heir may go on.
                                        for (int turns = 0; turns < 256 && read(which); ++turns) continue;
                                        drop(which);
                                      });
}

inline void daemon::wait_to_read(line_id which) {
  guests_.at(which)->readiness.async_wait(watched::wait_read,
                                          [this, which, alive = std::weak_ptr(is_alive_)](const auto& failed) {
                                            if (failed || alive.expired()) return;
                                            listen_to(which);
                                          });
}

/// Carries out some of what a line has said, so that who says much does not keep others waiting. Whether there is more.
inline bool daemon::read(line_id which) {
  const auto at = guests_.find(which);
  if (at == guests_.end()) return false;
  const auto who = at->second;
  bool is_there = true, has_more = true;
  try {
    for (int packets = 0; has_more && packets < packets_at_once; ++packets) {
      auto came = who->socket.next();
      if (!came && packets == 0) {
        is_there = who->socket.fill();
        came = who->socket.next();
      }
      has_more = came.has_value();
      if (came) board_.receive(which, *came, who->socket.descriptors());
    }
    if (!is_there) drop(which);
  } catch (const std::length_error&) {
    drop(which);
  }
  keep_time();
  return has_more && guests_.contains(which);
}

/// Reads, and again when others have had their turn.
inline void daemon::listen_to(line_id which) {
  const bool has_more = read(which);
  if (!guests_.contains(which)) return;
  if (!has_more) return wait_to_read(which);
  boost::asio::post(loop_, [this, which, alive = std::weak_ptr(is_alive_)] {
    if (!alive.expired()) listen_to(which);
  });
}

inline void daemon::write(line_id which) {
  const auto at = guests_.find(which);
  if (at == guests_.end() || at->second->writes) return;
  const auto who = at->second;
  for (;;) {
    for (const packet* next; who->socket.has_room() && (next = board_.next(which)) != nullptr; board_.sent(which))
      who->socket.queue(*next, board_.descriptors_of_next(which));
    if (!who->socket.flush()) {
      boost::asio::post(loop_, [this, which, alive = std::weak_ptr(is_alive_)] {
        if (!alive.expired()) drop(which);
      });
      return;
    }
    if (!who->socket.is_flushed()) break;
    if (board_.next(which) == nullptr) return;
  }
  who->writes = true;
  who->readiness.async_wait(watched::wait_write, [this, which, alive = std::weak_ptr(is_alive_)](const auto& failed) {
    if (failed || alive.expired()) return;
    const auto still = guests_.find(which);
    if (still == guests_.end()) return;
    still->second->writes = false;
    write(which);
  });
}

inline void daemon::drop(line_id which) {
  if (guests_.erase(which) == 0) return;
  board_.close(which);
  keep_time();
}

inline void daemon::keep_time() {
  const std::int64_t next = board_.next_timer_ns();
  if (next < 0) return;
  const std::chrono::steady_clock::time_point at{std::chrono::nanoseconds(next)};
  if (timer_.expiry() == at) return;
  timer_.expires_at(at);
  timer_.async_wait([this, alive = std::weak_ptr(is_alive_)](const auto& failed) {
    if (failed || alive.expired()) return;
    board_.run_timers();
    keep_time();
  });
}

}  // namespace dvs::userspace

#endif
