// SPDX-License-Identifier: MIT
/// @file
/// Asynchronous operations: every kind of completion token, cancellation at every stage, lifetimes.
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"  // Asio's fences, which the sanitizer does not see
#endif

#include <atomic>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <dvs/async.hpp>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using node_type = dvs::userspace::node;
using backend = node_type::backend_type;
using dvs::errc;

struct add {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t a, b;
  struct reply {
    std::uint64_t sum;
  };
};
/// Never answered.
struct hold {
  static constexpr std::uint32_t opcode = 2;
  struct reply {};
};
struct word {
  static constexpr std::uint32_t opcode = 3;
  std::uint64_t n;
};
using protocol = dvs::protocol<add, hold, word>;

constexpr dvs::endpoint_id adder{1};
constexpr dvs::endpoint_id asio_server{2};

struct adding_server {
  std::vector<std::uint64_t>* words = nullptr;
  auto on(const add& ask, dvs::caller) -> dvs::answer<add> { return add::reply{ask.a + ask.b}; }
  auto on(const hold&, dvs::caller) -> dvs::answer<hold> { return dvs::later; }
  void on(const word& said, dvs::caller) {
    if (words != nullptr) words->push_back(said.n);
  }
};

/// A DC with a server thread, and an `io_context`.
struct laboratory {
  std::vector<std::uint64_t> words;
  node_type node;
  dvs::dc<backend> dc = node.create_dc("async");
  asio::io_context context;

  laboratory() {
    const auto served = dc.spawn(adder, dvs::on_thread{}, [this](auto& self) {
      static_cast<void>(dvs::serve<protocol>(self, adding_server{&words}));
    });
    REQUIRE(served);
  }
  /// System processes may make every call; users may only ask.
  dvs::async_endpoint<backend> client(dvs::endpoint_id who = asio_server) {
    return dvs::async_endpoint<backend>(context.get_executor(), dc, who);
  }
};

/// What a handler was told.
struct outcome {
  std::optional<error_code> code;
  auto note() {
    return [this](error_code got, auto&&...) {
      CHECK(!code);
      code = got;
    };
  }
};

}  // namespace

TEST_CASE("a callback gets the answer of a sendrec, on the thread that runs the context") {
  laboratory lab;
  auto client = lab.client();
  std::optional<std::uint64_t> sum;
  std::thread::id where;
  client.async_sendrec(adder, add{2, 3}, dvs::forever, [&](error_code code, add::reply answer) {
    CHECK(!code);
    sum = answer.sum;
    where = std::this_thread::get_id();
  });
  CHECK(!sum);
  lab.context.run();
  CHECK(sum == 5);
  CHECK(where == std::this_thread::get_id());
}

TEST_CASE("a future gets the answer of a sendrec, and its error as an exception") {
  laboratory lab;
  auto client = lab.client();
  auto sum = client.async_sendrec(adder, add{20, 22}, dvs::forever, asio::use_future);
  auto nothing = client.async_sendrec(adder, hold{}, std::chrono::milliseconds(1), asio::use_future);
  lab.context.run();
  CHECK(sum.get().sum == 42);
  try {
    nothing.get();
    FAIL("a request that is not answered in time has no value");
  } catch (const boost::system::system_error& thrown) {
    CHECK(thrown.code() == errc::timed_out);
    CHECK(std::error_code(thrown.code()) == std::error_code(errc::timed_out));
    CHECK(thrown.code().message() == dvs::sentence_of(errc::timed_out));
  }
}

TEST_CASE("a coroutine awaits operations one after the other") {
  laboratory lab;
  auto client = lab.client();
  std::uint64_t sum = 0;
  asio::co_spawn(
      lab.context,
      [&]() -> asio::awaitable<void> {
        for (std::uint64_t i = 1; i <= 10; ++i)
          sum = (co_await client.async_sendrec(adder, add{sum, i}, dvs::forever, asio::use_awaitable)).sum;
        co_await client.async_sleep(std::chrono::microseconds(1), asio::use_awaitable);
      },
      asio::detached);
  lab.context.run();
  CHECK(sum == 55);
}

TEST_CASE("a stackful coroutine yields in operations and gets errors in its error code") {
  laboratory lab;
  auto client = lab.client();
  std::uint64_t sum = 0;
  error_code refused;
  asio::spawn(
      lab.context,
      [&](asio::yield_context yield) {
        sum = client.async_sendrec(adder, add{1, 2}, dvs::forever, yield).sum;
        client.async_send(dvs::endpoint_id{40}, word{1}, dvs::forever, yield[refused]);
      },
      asio::detached);
  lab.context.run();
  CHECK(sum == 3);
  CHECK(refused == errc::destination_died);
}

TEST_CASE("operations of one endpoint are performed in the order in which they were started") {
  laboratory lab;
  std::vector<int> completed;
  {
    auto client = lab.client();
    for (int i = 0; i < 50; ++i)
      client.async_send(adder, word{static_cast<std::uint64_t>(i)}, dvs::forever, [&, i](error_code code) {
        CHECK(!code);
        completed.push_back(i);
      });
    lab.context.run();
    client.async_sendrec(adder, add{}, dvs::forever, [](error_code, add::reply) {});  // the server has taken them all
    lab.context.restart();
    lab.context.run();
  }
  REQUIRE(completed.size() == 50);
  CHECK(std::is_sorted(completed.begin(), completed.end()));
  REQUIRE(lab.words.size() == 50);
  CHECK(std::is_sorted(lab.words.begin(), lab.words.end()));
}

TEST_CASE("a server built on Asio answers while its next receive is outstanding") {
  laboratory lab;
  auto server = lab.client();
  std::vector<dvs::caller> kept;
  std::vector<std::uint64_t> sums;
  constexpr int clients = 3;
  int answered = 0;
  std::function<void(error_code, dvs::async_received)> on_request = [&](error_code code, dvs::async_received got) {
    if (code) return;
    REQUIRE(got.is_request());
    REQUIRE(got.is<add>());
    kept.push_back(got.from());
    sums.push_back(got.as<add>().a + got.as<add>().b);
    server.async_receive_request(dvs::forever, on_request);
    // The last one is answered first, each while the receive waits.
    if (kept.size() == clients)
      for (std::size_t i = clients; i-- > 0;)
        server.async_reply(kept[i], add::reply{sums[i]}, [&](error_code failed) {
          CHECK(!failed);
          if (++answered == clients) lab.context.stop();
        });
  };
  server.async_receive_request(dvs::forever, on_request);
  std::atomic<int> right = 0;
  for (std::uint64_t i = 0; i < clients; ++i) {
    const auto asking = lab.dc.spawn(dvs::on_thread{}, [&right, i](auto& self) {
      const auto got = self.sendrec(asio_server, add{i, 10});
      if (got && got->sum == i + 10) ++right;
    });
    REQUIRE(asking);
  }
  lab.context.run();
  CHECK(answered == clients);
  while (lab.dc.processes().size() > 3) std::this_thread::yield();  // the clients have left
  CHECK(right == clients);
}

TEST_CASE("a notification is received with its source and value") {
  laboratory lab;
  auto receiver = lab.client();
  dvs::async_endpoint<backend> sender(lab.context.get_executor(), lab.dc, dvs::endpoint_id{5});
  bool seen = false;
  receiver.async_receive(dvs::any, dvs::forever, [&](error_code code, dvs::async_received got) {
    CHECK(!code);
    REQUIRE(got.is_notification());
    CHECK(got.source == dvs::endpoint_id{5});
    CHECK(got.as_notification().value == 77);
    seen = true;
  });
  sender.async_notify(asio_server, 77, [](error_code code) { CHECK(!code); });
  lab.context.run();
  CHECK(seen);
}

TEST_CASE("work that is invoked runs on the endpoint, so that it can grant memory for several requests") {
  laboratory lab;
  auto client = lab.client();
  auto done = client.async_invoke(
      [](dvs::endpoint<backend>& self) -> dvs::result<std::uint64_t> {
        const auto first = self.sendrec(adder, add{1, 1});
        if (!first) return first.error();
        const auto second = self.sendrec(adder, add{first->sum, 5});
        if (!second) return second.error();
        return second->sum;
      },
      asio::use_future);
  lab.context.run();
  CHECK(done.get() == 7);
}

TEST_CASE("the context keeps running while an operation is outstanding") {
  laboratory lab;
  auto client = lab.client();
  outcome received;
  asio::cancellation_signal stop;
  client.async_receive(dvs::any, dvs::forever, asio::bind_cancellation_slot(stop.slot(), received.note()));
  CHECK(lab.context.poll() == 0);
  CHECK(!lab.context.stopped());
  stop.emit(asio::cancellation_type::all);
  CHECK(lab.context.run() == 1);
  CHECK(lab.context.stopped());
  CHECK(received.code == error_code(errc::cancelled));
}

TEST_CASE("cancelling an operation that has not started completes it alone") {
  laboratory lab;
  auto client = lab.client();
  outcome first, second, third;
  asio::cancellation_signal stop_first, stop_second;
  client.async_receive(dvs::any, dvs::forever, asio::bind_cancellation_slot(stop_first.slot(), first.note()));
  client.async_sendrec(adder, add{1, 1}, dvs::forever, asio::bind_cancellation_slot(stop_second.slot(), second.note()));
  client.async_sendrec(adder, add{1, 1}, dvs::forever, third.note());
  stop_second.emit(asio::cancellation_type::partial);
  while (!second.code) lab.context.run_one();
  CHECK(second.code == error_code(errc::cancelled));
  CHECK(!first.code);
  CHECK(!third.code);
  stop_first.emit(asio::cancellation_type::total);
  lab.context.run();
  CHECK(first.code == error_code(errc::cancelled));
  CHECK(third.code == error_code());
}

TEST_CASE("cancelling an operation that has ended does nothing, and the next operation is not hit") {
  laboratory lab;
  auto client = lab.client();
  for (int round = 0; round < 300; ++round) {
    outcome raced, next;
    asio::cancellation_signal stop;
    client.async_sendrec(adder, add{1, 1}, dvs::forever, asio::bind_cancellation_slot(stop.slot(), raced.note()));
    client.async_sendrec(adder, add{1, 1}, dvs::forever, next.note());
    for (int i = 0; i < round % 60 * 20; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
    stop.emit(asio::cancellation_type::terminal);
    lab.context.run();
    lab.context.restart();
    REQUIRE(raced.code);
    REQUIRE((*raced.code == errc::cancelled || !*raced.code));
    REQUIRE(next.code == error_code());
  }
}

TEST_CASE("cancellation of no type is ignored") {
  laboratory lab;
  auto client = lab.client();
  outcome received;
  asio::cancellation_signal stop;
  client.async_sendrec(adder, add{1, 1}, dvs::forever, asio::bind_cancellation_slot(stop.slot(), received.note()));
  stop.emit(asio::cancellation_type::none);
  lab.context.run();
  CHECK(received.code == error_code());
}

TEST_CASE("an awaited operation is cancelled with its coroutine") {
  laboratory lab;
  auto client = lab.client();
  asio::cancellation_signal stop;
  error_code thrown;
  asio::co_spawn(
      lab.context,
      [&]() -> asio::awaitable<void> {
        try {
          co_await client.async_receive(dvs::any, dvs::forever, asio::use_awaitable);
        } catch (const boost::system::system_error& caught) {
          thrown = caught.code();
        }
      },
      asio::bind_cancellation_slot(stop.slot(), asio::detached));
  lab.context.poll();
  stop.emit(asio::cancellation_type::terminal);
  lab.context.run();
  CHECK(thrown == errc::cancelled);
}

TEST_CASE("destroying the endpoint completes everything with cancelled and frees its slot") {
  laboratory lab;
  outcome running, queued;
  {
    auto client = lab.client();
    client.async_receive(dvs::any, dvs::forever, running.note());
    client.async_sendrec(adder, add{1, 1}, dvs::forever, queued.note());
  }
  lab.context.run();
  CHECK(running.code == error_code(errc::cancelled));
  CHECK(queued.code == error_code(errc::cancelled));
  auto again = lab.client();
  CHECK(again.id() == asio_server);
}

TEST_CASE("when the DC ends, outstanding and later operations get shut_down") {
  laboratory lab;
  auto client = lab.client();
  outcome outstanding, later;
  client.async_sendrec(adder, hold{}, dvs::forever, outstanding.note());
  client.async_receive(dvs::any, dvs::forever, later.note());
  lab.dc.end();
  lab.context.run();
  CHECK(outstanding.code == error_code(errc::shut_down));
  CHECK(later.code == error_code(errc::shut_down));
  outcome afterwards;
  client.async_send(adder, word{1}, dvs::forever, afterwards.note());
  lab.context.restart();
  lab.context.run();
  CHECK(afterwards.code == error_code(errc::shut_down));
}

TEST_CASE("a slot that is taken makes the constructor throw") {
  laboratory lab;
  try {
    lab.client(adder);
    FAIL("the server has this slot");
  } catch (const dvs::error& thrown) {
    CHECK(thrown.code() == errc::slot_used);
  }
}

TEST_CASE("the handler runs on its associated executor") {
  laboratory lab;
  auto client = lab.client();
  auto strand = asio::make_strand(lab.context);
  bool inside = false;
  client.async_sendrec(adder, add{1, 1}, dvs::forever, asio::bind_executor(strand, [&](error_code, add::reply) {
                         inside = strand.running_in_this_thread();
                       }));
  lab.context.run();
  CHECK(inside);
}

namespace {
/// Counts what is allocated through it.
template <class T>
struct counting_allocator {
  using value_type = T;
  std::atomic<int>* live;
  std::atomic<int>* total;
  counting_allocator(std::atomic<int>& live_, std::atomic<int>& total_) : live(&live_), total(&total_) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) : live(other.live), total(other.total) {}
  T* allocate(std::size_t n) {
    ++*live;
    ++*total;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, std::size_t n) {
    --*live;
    std::allocator<T>().deallocate(memory, n);
  }
  template <class U>
  bool operator==(const counting_allocator<U>& other) const {
    return live == other.live;
  }
};
}  // namespace

TEST_CASE("the associated allocator is used, and everything is given back before the handler runs") {
  laboratory lab;
  auto client = lab.client();
  std::atomic<int> live = 0, total = 0;
  int live_in_handler = -1;
  client.async_sendrec(adder, add{1, 1}, dvs::forever,
                       asio::bind_allocator(counting_allocator<int>(live, total),
                                            [&](error_code, add::reply) { live_in_handler = live; }));
  lab.context.run();
  CHECK(total > 0);
  CHECK(live_in_handler == 0);
}
