// SPDX-License-Identifier: MIT
/// @file
/// Requests, and the protocol that lists them.
#ifndef DVS_PROTOCOL_HPP
#define DVS_PROTOCOL_HPP

#include <cstdint>
#include <dvs/message.hpp>
#include <dvs/result.hpp>

namespace dvs {

/// A body with an opcode: it can be sent one way.
///
/// The opcode is a fixed number from 1 to 4,095, part of the wire format: never renumbered, never reused.
template <class T>
concept typed_message = message_body<T> && requires {
  requires static_cast<std::uint32_t>(T::opcode) >= 1 && static_cast<std::uint32_t>(T::opcode) <= 0xFFF;
};

/// A typed message that has an answer, the nested type `reply`.
///
///     struct ping {
///       static constexpr std::uint32_t opcode = 1;
///       std::uint64_t n;
///       struct reply { std::uint64_t n; };
///     };
template <class T>
concept request = typed_message<T> && message_body<typename T::reply>;

/// The table of contents of a service: the requests it knows, each with an opcode of its own.
template <typed_message... Requests>
struct protocol {
  /// How many requests there are.
  static constexpr std::size_t size = sizeof...(Requests);

  /// Calls `visit.template operator()<Request>()` for each request, in order.
  template <class Visitor>
  static constexpr void for_each(Visitor&& visit) {
    (visit.template operator()<Requests>(), ...);
  }

  /// Calls `visit.template operator()<Request>()` for the request with `opcode`; false when there is none.
  template <class Visitor>
  static constexpr bool with(std::int32_t opcode, Visitor&& visit) {
    return ((opcode == static_cast<std::int32_t>(Requests::opcode) && (visit.template operator()<Requests>(), true)) ||
            ...);
  }

 private:
  static constexpr bool opcodes_differ() {
    constexpr std::uint32_t opcodes[] = {static_cast<std::uint32_t>(Requests::opcode)..., 0};
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (opcodes[i] == opcodes[j]) return false;
    return true;
  }
  static_assert(opcodes_differ(), "two requests of this protocol have the same opcode");
};

/// Who asked: the endpoint to answer to, and which of its requests the answer is for.
///
/// A caller that gave up and asked again does not take a late answer to its first question: `exchange` tells them
/// apart. It converts to the endpoint.
struct caller {
  endpoint_id endpoint;
  std::uint32_t exchange;

  constexpr operator endpoint_id() const { return endpoint; }
  friend constexpr bool operator==(const caller&, const caller&) = default;
};

/// The handler keeps the caller and answers later, in any order: the caller stays blocked, nobody else waits for it.
struct later_t {
  explicit later_t() = default;
};
inline constexpr later_t later{};

/// What a handler returns: the reply to `Request`, an error, or `dvs::later`.
template <request Request>
class answer {
 public:
  using reply_type = typename Request::reply;

  answer(const reply_type& reply) : reply_(reply) {}
  answer(errc error) : outcome_(error) {}
  answer(later_t) : later_(true) {}
  answer(const result<reply_type>& value) : outcome_(value.error()) {
    if (value) reply_ = *value;
  }

  /// Whether the handler will answer by itself.
  [[nodiscard]] bool is_later() const { return later_; }
  /// Success or the error.
  [[nodiscard]] errc outcome() const { return outcome_; }
  /// The reply; meaningful when the outcome is `ok`.
  [[nodiscard]] const reply_type& reply() const { return reply_; }

 private:
  reply_type reply_{};
  errc outcome_ = errc::ok;
  bool later_ = false;
};

}  // namespace dvs

#endif
