// SPDX-License-Identifier: MIT
/// @file
/// A socket on which fibers wait: what a stream and a listener have in common.
#ifndef DVS_BACKENDS_USERSPACE_STREAMS_SOCKET_HPP
#define DVS_BACKENDS_USERSPACE_STREAMS_SOCKET_HPP

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <dvs/backends/userspace/broker.hpp>
#include <dvs/backends/userspace/streams_address.hpp>
#include <dvs/backends/userspace/streams_reactor.hpp>

namespace dvs::userspace {

/// A socket that does not block. It belongs to the thread of the process that listened; each fiber of that thread may
/// use it, one in each direction at a time, and waits as the process it is: what cancels or ends a process ends its
/// wait here too. The thread's own stack waits as the process that listened.
class fiber_socket {
 public:
  enum class direction : std::uint8_t { in, out };

  explicit fiber_socket(std::shared_ptr<port> listened)
      : listened_(std::move(listened)), socket_(asio_reactor::of(listened_->runs_on()).loop()) {}

  /// Takes `fd` over, also when it fails. Errors: `table_full`.
  errc adopt(int fd) {
    boost::system::error_code failed;
    socket_.assign(fd, failed);
    if (!failed) return errc::ok;
    ::close(fd);
    return errc::table_full;
  }
  void close() {
    boost::system::error_code ignored;  // the descriptor is gone in any case
    socket_.close(ignored);             // those who wait are woken
  }
  [[nodiscard]] int fd() { return socket_.native_handle(); }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] const std::shared_ptr<port>& listened() const { return listened_; }

  /// Calls `attempt()`, again whenever the socket became ready, until it returns something else than `would_block`.
  /// Errors: `not_connected` (closed), `busy` (another fiber waits in this direction), `not_supported` (another
  /// thread), and those of every wait.
  template <class Attempt>
  errc perform(direction way, timeout limit, Attempt&& attempt) {
    if (!is_open()) return errc::not_connected;
    carrier& here = listened_->runs_on();
    if (&carrier::current() != &here) return errc::not_supported;
    port& self = here.running().process == nullptr ? *listened_ : *here.running().process;
    if (const errc refused = self.may_wait(); refused != errc::ok) return refused;
    side& mine = (*sides_)[static_cast<std::size_t>(way)];
    if (mine.waiting != nullptr) return errc::busy;

    errc outcome = attempt();
    if (outcome != errc::would_block) {
      let_others_run(here);
      return outcome;
    }
    if (limit.is_zero()) return outcome;
    arm(way);
    mine.waiting = &self;
    const auto doing = way == direction::in ? activity::receiving : activity::sending;
    const errc waited = self.wait_until(
        {doing, false, 0, hardware}, limit, nullptr, false,
        [&] {
          if (mine.armed) return false;
          outcome = is_open() ? attempt() : errc::not_connected;
          if (outcome == errc::would_block) arm(way);
          return outcome != errc::would_block;
        },
        [] { return true; });
    mine.waiting = nullptr;
    return waited == errc::ok ? outcome : waited;
  }

 private:
  using descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

  /// One direction: who waits, and whether the event loop was asked to tell. Who gives up leaves it asked.
  struct side {
    port* waiting = nullptr;
    bool armed = false;
  };
  using both_sides = std::array<side, 2>;

  /// The event loop's answer. It shares the sides because it may come when the socket is gone.
  struct arrival {
    std::shared_ptr<both_sides> sides;
    direction way;
    void operator()(const boost::system::error_code&) const {
      side& ours = (*sides)[static_cast<std::size_t>(way)];
      ours.armed = false;
      if (ours.waiting != nullptr) ours.waiting->alert();
    }
  };

  void arm(direction way) {
    side& mine = (*sides_)[static_cast<std::size_t>(way)];
    if (std::exchange(mine.armed, true)) return;
    socket_.async_wait(way == direction::in ? descriptor::wait_read : descriptor::wait_write, arrival{sides_, way});
  }

  /// A socket that is always ready must not keep the thread for one fiber.
  static void let_others_run(carrier& here) {
    auto& loop = asio_reactor::of(here);
    if (!loop.turn_over()) return;
    loop.poll();
    here.yield();
  }

  const std::shared_ptr<port> listened_;  // keeps the carrier, and with it the event loop, longer than the socket
  std::shared_ptr<both_sides> sides_ = std::make_shared<both_sides>();
  descriptor socket_;
};

}  // namespace dvs::userspace

#endif
