// SPDX-License-Identifier: MIT
/// @file
/// One asynchronous operation: what to do on the endpoint, and the handler that is told.
#ifndef DVS_DETAIL_ASYNC_OPERATION_HPP
#define DVS_DETAIL_ASYNC_OPERATION_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <dvs/endpoint.hpp>
#include <memory>
#include <utility>

namespace dvs::detail {

/// An operation in a queue. Exactly one of its completions is called, and frees it.
template <backend Backend>
class async_operation {
 public:
  async_operation(const async_operation&) = delete;
  async_operation& operator=(const async_operation&) = delete;

  /// Carries it out, on the thread of the endpoint; may wait. Returns the outcome.
  virtual errc perform(endpoint<Backend>& self) = 0;
  /// Posts the handler with `outcome` and what `perform` brought, and destroys the operation.
  virtual void complete(errc outcome) = 0;

  std::uint64_t number = 0;         ///< names it for a cancellation that may come too late
  async_operation* next = nullptr;  ///< the one behind it

 protected:
  async_operation() = default;
  ~async_operation() = default;
};

/// First in, first out. Owns nothing: whoever takes an operation out completes it.
template <backend Backend>
class async_queue {
 public:
  using operation = async_operation<Backend>;

  void push(operation& added) {
    *end_ = &added;
    end_ = &added.next;
  }
  operation* pop() {
    operation* const first = first_;
    if (first != nullptr) unlink(&first_);
    return first;
  }
  /// Takes out the operation with `number`; null when it is not here.
  operation* take(std::uint64_t number) {
    for (operation** link = &first_; *link != nullptr; link = &(*link)->next)
      if (operation* const found = *link; found->number == number) {
        unlink(link);
        return found;
      }
    return nullptr;
  }
  void swap(async_queue& other) {
    async_queue mine;
    mine.append(*this);
    append(other);
    other.append(mine);
  }

 private:
  void unlink(operation** link) {
    operation* const taken = *link;
    *link = taken->next;
    if (*link == nullptr) end_ = link;
    taken->next = nullptr;
  }
  void append(async_queue& other) {
    if (other.first_ == nullptr) return;
    *end_ = std::exchange(other.first_, nullptr);
    end_ = std::exchange(other.end_, &other.first_);
  }

  operation* first_ = nullptr;
  operation** end_ = &first_;
};

template <class Value>
struct async_signature {
  using type = void(boost::system::error_code, Value);
};
template <>
struct async_signature<void> {
  using type = void(boost::system::error_code);
};

/// `Function` takes the endpoint and returns `result<Value>`; `Handler` takes the error code and the value.
template <backend Backend, class Function, class Value, class Handler>
class async_call final : public async_operation<Backend> {
 public:
  /// Makes one with the allocator of the handler.
  static async_operation<Backend>* make(const boost::asio::any_io_executor& executor, Function function,
                                        Handler handler) {
    auto allocator = allocator_for(handler);
    using traits = std::allocator_traits<decltype(allocator)>;
    async_call* const place = traits::allocate(allocator, 1);
    return ::new (static_cast<void*>(place)) async_call(executor, std::move(function), std::move(handler));
  }

  errc perform(endpoint<Backend>& self) override {
    result<Value> outcome = function_(self);
    if constexpr (!std::is_void_v<Value>)
      if (outcome) value_ = std::move(*outcome);
    return outcome.error();
  }

  void complete(errc outcome) override {
    Handler handler(std::move(handler_));
    // The guards stay until the handler is posted: no executor may run out of work in between.
    const auto executor_work = std::move(executor_work_);
    const auto work = std::move(work_);
    value_type value = std::move(value_);
    auto allocator = allocator_for(handler);
    std::destroy_at(this);
    std::allocator_traits<decltype(allocator)>::deallocate(allocator, this, 1);

    boost::system::error_code code;
    if (outcome != errc::ok) code = outcome;
    if constexpr (std::is_void_v<Value>)
      boost::asio::post(executor_work.get_executor(), boost::asio::append(std::move(handler), code));
    else
      boost::asio::post(executor_work.get_executor(), boost::asio::append(std::move(handler), code, std::move(value)));
  }

 private:
  struct nothing {};
  using value_type = std::conditional_t<std::is_void_v<Value>, nothing, Value>;
  using work_guard =
      boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>>;

  async_call(const boost::asio::any_io_executor& executor, Function function, Handler handler)
      : executor_work_(executor),
        work_(boost::asio::get_associated_executor(handler, executor)),
        function_(std::move(function)),
        handler_(std::move(handler)) {}

  static auto allocator_for(const Handler& handler) {
    auto any_type = boost::asio::get_associated_allocator(handler);
    return typename std::allocator_traits<decltype(any_type)>::template rebind_alloc<async_call>(any_type);
  }

  boost::asio::executor_work_guard<boost::asio::any_io_executor> executor_work_;
  work_guard work_;
  Function function_;
  value_type value_{};
  Handler handler_;
};

}  // namespace dvs::detail

#endif
