// SPDX-License-Identifier: MIT
/// @file
/// The operations of an endpoint for programs built on Asio. The only header that includes Asio.
///
/// Every function is an initiating function: its last argument is a completion token (a callback,
/// `boost::asio::use_future`, `boost::asio::use_awaitable`, a `boost::asio::yield_context` …). It returns at once, also
/// when the operation fails at once, and the handler runs on its associated executor, by default the endpoint's.
///
/// Completion signatures are `void(boost::system::error_code)` and `void(boost::system::error_code, T)`. The code
/// compares with `dvs::errc` (`code == dvs::errc::timed_out`) and converts to `std::error_code`; tokens that throw
/// throw `boost::system::system_error`.
///
/// Associated allocators are used. With a cancellation slot, every type of cancellation ends the operation with
/// `errc::cancelled`, unless it has just ended by itself. While an operation is outstanding, `io_context::run` does not
/// return.
#ifndef DVS_ASYNC_HPP
#define DVS_ASYNC_HPP

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <dvs/detail/async_worker.hpp>

namespace dvs {

/// A message that an asynchronous receive brought.
///
/// The same as `dvs::received`, without the alignment of a cache line: g++ does not align the frames of coroutines.
struct async_received {
  endpoint_id source = none;                       ///< who sent it
  std::int32_t type = 0;                           ///< the opcode
  std::uint32_t exchange = 0;                      ///< 0 when the sender does not wait for an answer
  std::array<std::byte, payload_bytes> payload{};  ///< the body

  /// Who sent it, in the form that `async_reply` takes.
  [[nodiscard]] caller from() const { return {source, exchange}; }
  /// Whether the sender waits for an answer.
  [[nodiscard]] bool is_request() const { return exchange != 0; }
  /// The message as it was sent.
  [[nodiscard]] message content() const { return {source, type, payload}; }
  /// Whether it is a notification; `as_notification` then reads it.
  [[nodiscard]] bool is_notification() const { return dvs::is_notification(content()); }
  [[nodiscard]] notification as_notification() const { return get<notification>(content()); }
  /// Whether it is a `Body`; `as<Body>()` then reads it.
  template <typed_message Body>
  [[nodiscard]] bool is() const {
    return type == static_cast<std::int32_t>(Body::opcode);
  }
  template <typed_message Body>
  [[nodiscard]] Body as() const {
    return get<Body>(content());
  }
};

/// An endpoint whose operations do not block the caller.
///
/// It is bound on a thread of its own, which performs one operation at a time, in the order in which they were started:
/// a send that was started after a receive waits for it. Answers and notifications never wait and pass the others.
/// It needs a second process of the DC (an unnamed one) for that.
///
/// The errors of each operation are those of the operation of `dvs::endpoint` with the same name. When the endpoint is
/// unbound or its DC ends they all get `errc::shut_down`.
///
/// The destructor completes what is outstanding with `errc::cancelled` and unbinds; the DC must outlive it.
/// Thread safety: all members may be called from any thread, the destructor once and alone.
template <backend Backend>
requires(Backend::abilities.threads) class async_endpoint {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Binds `who` (`dvs::own`: any free user slot) in `owner`. Handlers without an executor run on `executor`.
  /// Throws `dvs::error` as `dc::bind` fails.
  async_endpoint(executor_type executor, dc<Backend>& owner, endpoint_id who = own, const bind_options& options = {})
      : executor_(std::move(executor)), worker_(std::make_shared<detail::async_worker<Backend>>(owner)) {
    id_ = worker_->start(who, options);
  }
  async_endpoint(const async_endpoint&) = delete;
  async_endpoint& operator=(const async_endpoint&) = delete;
  ~async_endpoint() { worker_->stop(); }

  /// The name of this process in its DC.
  [[nodiscard]] endpoint_id id() const { return id_; }
  /// Where handlers run that have no executor of their own.
  [[nodiscard]] executor_type get_executor() const { return executor_; }

  /// Sends `body` and completes when `to` has taken it. Signature: `void(error_code)`.
  template <typed_message Body, class Token>
  auto async_send(endpoint_id to, const Body& body, timeout limit, Token&& token) {
    return start<void>([=](endpoint<Backend>& self) { return self.send(to, body, limit); }, std::forward<Token>(token));
  }

  /// Receives from `source` or `dvs::any`. Signature: `void(error_code, async_received)`.
  template <class Token>
  auto async_receive(endpoint_id source, timeout limit, Token&& token) {
    return start<async_received>([=](endpoint<Backend>& self) { return loose(self.receive(source, limit)); },
                                 std::forward<Token>(token));
  }

  /// Receives a request of anybody. Signature: `void(error_code, async_received)`.
  template <class Token>
  auto async_receive_request(timeout limit, Token&& token) {
    return start<async_received>([=](endpoint<Backend>& self) { return loose(self.receive_request(limit)); },
                                 std::forward<Token>(token));
  }

  /// Asks `to` and completes with its answer. Signature: `void(error_code, Request::reply)`.
  template <request Request, class Token>
  auto async_sendrec(endpoint_id to, const Request& ask, timeout limit, Token&& token) {
    using reply_type = typename Request::reply;
    return start<reply_type>([=](endpoint<Backend>& self) { return self.sendrec(to, ask, limit); },
                             std::forward<Token>(token));
  }

  /// Answers a caller with a reply or a `dvs::errc`; passes operations that wait. Signature: `void(error_code)`.
  template <class Answer, class Token>
  auto async_reply(caller to, const Answer& answer, Token&& token) {
    return start<void>([=](endpoint<Backend>& self) { return self.reply(to, answer); }, std::forward<Token>(token),
                       false);
  }

  /// Notifies `to`; passes operations that wait. Signature: `void(error_code)`.
  template <class Token>
  auto async_notify(endpoint_id to, std::uint64_t value, Token&& token) {
    return start<void>([=](endpoint<Backend>& self) { return self.notify(to, value); }, std::forward<Token>(token),
                       false);
  }

  /// Waits for `length` of the node's time, in the order of the operations. Signature: `void(error_code)`.
  template <class Token>
  auto async_sleep(duration length, Token&& token) {
    return start<void>([=](endpoint<Backend>& self) { return self.sleep_for(length); }, std::forward<Token>(token));
  }

  /// Calls `work(dvs::endpoint&)` on the endpoint's thread, in the order of the operations: for grants and copies, or
  /// for several steps at once. `work` returns `result<T>` and must not throw. Signature: `void(error_code, T)`, and
  /// `void(error_code)` for `result<void>`. `T` is default constructible.
  template <class Work, class Token>
  auto async_invoke(Work work, Token&& token) {
    using value = typename std::invoke_result_t<Work&, endpoint<Backend>&>::value_type;
    return start<value>(std::move(work), std::forward<Token>(token));
  }

 private:
  static result<async_received> loose(const result<received>& got) {
    if (!got) return got.error();
    return async_received{got->content.source, got->content.type, got->exchange, got->content.payload};
  }

  /// Queues `work` and connects the cancellation slot of the handler that `token` makes.
  template <class Value, class Work, class Token>
  auto start(Work work, Token&& token, bool waits = true) {
    using signature = typename detail::async_signature<Value>::type;
    auto initiation = [worker = worker_, executor = executor_, waits](auto handler, Work queued) {
      using handler_type = decltype(handler);
      using operation = detail::async_call<Backend, Work, Value, handler_type>;
      const std::uint64_t number = worker->next_number();
      // A slot may be used by the handler as soon as the operation has started, so it is connected before.
      if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected() && waits)
        slot.assign([weak = std::weak_ptr(worker), number](boost::asio::cancellation_type type) {
          if (type == boost::asio::cancellation_type::none) return;
          if (auto alive = weak.lock()) alive->cancel(number);
        });
      worker->submit(*operation::make(executor, std::move(queued), std::move(handler)), number, waits);
    };
    return boost::asio::async_initiate<Token, signature>(std::move(initiation), token, std::move(work));
  }

  executor_type executor_;
  std::shared_ptr<detail::async_worker<Backend>> worker_;
  endpoint_id id_ = none;
};

}  // namespace dvs

#endif
