// SPDX-License-Identifier: MIT
/// @file
/// Servers of a DC, asked from a program that is built on Asio.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <dvs/async.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <iostream>

namespace asio = boost::asio;
using backend = dvs::userspace::node::backend_type;

struct square {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};
/// Is never answered.
struct ponder {
  static constexpr std::uint32_t opcode = 2;
  struct reply {};
};
constexpr dvs::endpoint_id mathematician{1};

struct server {
  auto on(const square& ask, dvs::caller) -> dvs::answer<square> { return square::reply{ask.n * ask.n}; }
  auto on(const ponder&, dvs::caller) -> dvs::answer<ponder> { return dvs::later; }
};

/// Asks until the answer is large enough, then waits for one that never comes, until the timer cancels it.
asio::awaitable<void> work(dvs::async_endpoint<backend>& self, asio::io_context& context, int& failures) {
  std::uint64_t n = 2;
  while (n < 1'000'000) {
    n = (co_await self.async_sendrec(mathematician, square{n}, dvs::forever, asio::use_awaitable)).n;
    std::cout << "the square is " << n << '\n';
  }
  asio::cancellation_signal enough;
  asio::steady_timer timer(context, std::chrono::milliseconds(10));
  timer.async_wait([&](auto) { enough.emit(asio::cancellation_type::total); });
  try {
    co_await self.async_sendrec(mathematician, ponder{}, dvs::forever,
                                asio::bind_cancellation_slot(enough.slot(), asio::use_awaitable));
    ++failures;
  } catch (const boost::system::system_error& stopped) {
    std::cout << stopped.code().message() << '\n';
    failures += stopped.code() != dvs::errc::cancelled;
  }
}

int main() {
  dvs::userspace::node node;
  auto dc = node.create_dc("asio");
  const auto served = dc.spawn(mathematician, dvs::on_thread{}, [](auto& self) {
    static_cast<void>(dvs::serve<dvs::protocol<square, ponder>>(self, server{}));
  });
  if (!served) return 1;

  asio::io_context context;
  dvs::async_endpoint<backend> self(context.get_executor(), dc);
  int failures = 0;
  asio::co_spawn(context, work(self, context, failures), asio::detached);
  context.run();  // returns when the coroutine has ended
  return failures;
}
