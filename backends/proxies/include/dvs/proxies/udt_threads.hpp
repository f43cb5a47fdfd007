// SPDX-License-Identifier: MIT
/// @file
/// Threads that wait for UDT, which knows no file descriptors.
#ifndef DVS_PROXIES_UDT_THREADS_HPP
#define DVS_PROXIES_UDT_THREADS_HPP

#include <poll.h>
#include <sys/socket.h>
#include <udt/udt.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <dvs/proxies/ip_address.hpp>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace dvs::proxies {

/// A UDT socket; what it cannot do within a moment it does not do.
class udt_handle {
 public:
  /// How long a thread waits before it looks whether it is to end.
  static constexpr int moment_ms = 20;

  explicit udt_handle(UDTSOCKET made) : socket_(made) {
    if (socket_ == UDT::INVALID_SOCK) throw error(errc::table_full);
    linger at_once{};
    int moment = moment_ms;
    UDT::setsockopt(socket_, 0, UDT_LINGER, &at_once, sizeof at_once);
    UDT::setsockopt(socket_, 0, UDT_RCVTIMEO, &moment, sizeof moment);
    UDT::setsockopt(socket_, 0, UDT_SNDTIMEO, &moment, sizeof moment);
  }
  udt_handle(const udt_handle&) = delete;
  udt_handle& operator=(const udt_handle&) = delete;
  ~udt_handle() { UDT::close(socket_); }

  [[nodiscard]] UDTSOCKET get() const { return socket_; }
  [[nodiscard]] bool is_connected() const { return UDT::getsockstate(socket_) == CONNECTED; }

 private:
  UDTSOCKET socket_;
};

/// Where UDT objects end: they have to wait for their threads, which proxies must not.
class udt_reaper {
 public:
  /// Destroys `object` some time later.
  static void take(std::shared_ptr<void> object) {
    udt_reaper& only = instance();
    const std::lock_guard guard(only.lock_);
    only.waiting_.push_back(std::move(object));
    only.changed_.notify_one();
  }
  udt_reaper(const udt_reaper&) = delete;
  udt_reaper& operator=(const udt_reaper&) = delete;
  ~udt_reaper() {
    {
      const std::lock_guard guard(lock_);
      stopping_ = true;
      changed_.notify_one();
    }
    thread_.join();
  }

 private:
  udt_reaper() : thread_([this] { run(); }) {}
  static udt_reaper& instance() {
    static udt_reaper only;
    return only;
  }
  void run() {
    std::unique_lock guard(lock_);
    for (;;) {
      changed_.wait(guard, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      std::shared_ptr<void> next = std::move(waiting_.front());
      waiting_.pop_front();
      guard.unlock();
      next.reset();
      guard.lock();
    }
  }

  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<void>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Owns a UDT object; when it goes, the object is stopped at once and destroyed later.
template <class Object>
class udt_owner {
 public:
  udt_owner() = default;
  template <class... Arguments>
  explicit udt_owner(std::in_place_t, Arguments&&... how) : held_(std::make_shared<Object>(how...)) {}
  udt_owner(udt_owner&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  udt_owner& operator=(udt_owner&& other) noexcept {
    held_.swap(other.held_);
    return *this;
  }
  ~udt_owner() {
    if (held_ == nullptr) return;
    held_->stop();
    udt_reaper::take(std::move(held_));
  }
  [[nodiscard]] const Object* operator->() const { return held_.get(); }

 private:
  std::shared_ptr<Object> held_;
};

/// Hands out who calls: their sockets are written to a descriptor, which it owns.
class udt_listener {
 public:
  udt_listener(const ip_address& here, int out) : out_(out), socket_(UDT::socket(here.family(), SOCK_STREAM, 0)) {
    constexpr int backlog = 64;
    const bool no = false;
    UDT::setsockopt(socket_.get(), 0, UDT_RCVSYN, &no, sizeof no);
    if (UDT::bind(socket_.get(), here.data(), static_cast<int>(here.bytes())) == UDT::ERROR ||
        UDT::listen(socket_.get(), backlog) == UDT::ERROR) {
      ::close(out_);
      throw error(why_not(here));
    }
    thread_ = std::thread([this] { run(); });
  }
  udt_listener(const udt_listener&) = delete;
  udt_listener& operator=(const udt_listener&) = delete;
  ~udt_listener() {
    stop();
    thread_.join();
    ::close(out_);
  }

  void stop() { stopping_ = true; }
  [[nodiscard]] std::uint16_t port() const {
    ip_address here;
    int bytes = ip_address::bytes_max;
    UDT::getsockname(socket_.get(), here.data(), &bytes);
    here.set_bytes(static_cast<socklen_t>(bytes));
    return here.port();
  }

 private:
  /// UDT does not tell why; a UDP socket at the same address does.
  static errc why_not(const ip_address& here) {
    const int probe = ::socket(here.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const errc why = ::bind(probe, here.data(), here.bytes()) == 0 ? errc::io_error : why_not_there();
    ::close(probe);
    return why;
  }

  void run() {
    const int events = UDT::epoll_create();
    const int wanted = UDT_EPOLL_IN;
    UDT::epoll_add_usock(events, socket_.get(), &wanted);
    while (!stopping_) {
      std::set<UDTSOCKET> ready;
      if (UDT::epoll_wait(events, &ready, nullptr, udt_handle::moment_ms) <= 0) continue;
      const UDTSOCKET called = UDT::accept(socket_.get(), nullptr, nullptr);
      if (called != UDT::INVALID_SOCK && ::send(out_, &called, sizeof called, MSG_NOSIGNAL) != sizeof called)
        UDT::close(called);
    }
    UDT::epoll_release(events);
  }

  const int out_;
  const udt_handle socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// Carries bytes between a UDT connection and a descriptor, which it owns.
class udt_connection {
 public:
  /// Of one that has called.
  udt_connection(UDTSOCKET called, int inside) : inside_(inside), socket_(called) { start(); }
  /// To somebody, once it is connected; the descriptor is closed if that fails.
  udt_connection(const ip_address& there, int inside)
      : inside_(inside), socket_(UDT::socket(there.family(), SOCK_STREAM, 0)) {
    const bool waits = false;
    UDT::setsockopt(socket_.get(), 0, UDT_RCVSYN, &waits, sizeof waits);
    UDT::connect(socket_.get(), there.data(), static_cast<int>(there.bytes()));
    start();
  }
  udt_connection(const udt_connection&) = delete;
  udt_connection& operator=(const udt_connection&) = delete;
  ~udt_connection() {
    stop();
    incoming_.join();
    outgoing_.join();
    ::close(inside_);
  }

  void stop() {
    stopping_ = true;
    ::shutdown(inside_, SHUT_RDWR);
  }

 private:
  void start() {
    incoming_ = std::thread([this] { carry_in(); });
    outgoing_ = std::thread([this] { carry_out(); });
  }

  /// Whether the connection is made, after a wait. It is waited for also if nobody wants it any more: UDT ends the
  /// program when a socket is closed while it connects.
  bool is_made() {
    while (UDT::getsockstate(socket_.get()) == CONNECTING) ::poll(nullptr, 0, 1);
    if (!socket_.is_connected()) return false;
    const bool waits = true;
    UDT::setsockopt(socket_.get(), 0, UDT_RCVSYN, &waits, sizeof waits);
    return true;
  }
  /// Whether UDT only had nothing to do for a moment.
  [[nodiscard]] static bool is_idle(int outcome) {
    return outcome == UDT::ERROR && (UDT::getlasterror().getErrorCode() == CUDTException::ETIMEOUT ||
                                     UDT::getlasterror().getErrorCode() == CUDTException::EASYNCRCV);
  }

  void carry_in() {
    std::array<char, piece_bytes> piece;
    bool good = is_made();
    while (good && !stopping_) {
      const int got = UDT::recv(socket_.get(), piece.data(), static_cast<int>(piece.size()), 0);
      if (is_idle(got)) continue;
      good = got > 0 && give(piece.data(), static_cast<std::size_t>(got));
    }
    stop();
  }
  bool give(const char* at, std::size_t bytes) {
    while (bytes > 0 && !stopping_) {
      const ssize_t put = ::send(inside_, at, bytes, MSG_NOSIGNAL);
      if (put < 0 && errno != EAGAIN) return false;
      if (put < 0) {
        wait_for(POLLOUT);
        continue;
      }
      at += put;
      bytes -= static_cast<std::size_t>(put);
    }
    return true;
  }

  void carry_out() {
    std::array<char, piece_bytes> piece;
    bool good = is_made();
    while (good && !stopping_) {
      const ssize_t got = ::recv(inside_, piece.data(), piece.size(), 0);
      if (got < 0 && errno == EAGAIN) {
        wait_for(POLLIN);
        continue;
      }
      good = got > 0 && take(piece.data(), static_cast<int>(got));
    }
    stop();
  }
  bool take(const char* at, int bytes) {
    while (bytes > 0 && !stopping_) {
      const int put = UDT::send(socket_.get(), at, bytes, 0);
      if (is_idle(put)) continue;
      if (put == UDT::ERROR) return false;
      at += put;
      bytes -= put;
    }
    return true;
  }
  void wait_for(short what) const {
    pollfd look{inside_, what, 0};
    ::poll(&look, 1, udt_handle::moment_ms);
  }

  static constexpr std::size_t piece_bytes = 64 << 10;

  const int inside_;
  const udt_handle socket_;
  std::atomic<bool> stopping_{false};
  std::thread incoming_, outgoing_;
};

}  // namespace dvs::proxies

#endif
