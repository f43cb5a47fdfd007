// SPDX-License-Identifier: MIT
/// @file
/// The message: 64 bytes, one cache line, a source, a type and a payload.
#ifndef DVS_MESSAGE_HPP
#define DVS_MESSAGE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dvs/error.hpp>
#include <dvs/ids.hpp>
#include <type_traits>

namespace dvs {

/// How many bytes a message carries besides source and type.
inline constexpr std::size_t payload_bytes = 56;

/// The bit of `message::type` that marks a notification. Request opcodes stay below it.
inline constexpr std::int32_t notification_bit = 0x1000;

/// What crosses between processes. The backend writes `source`; everything else is the sender's.
///
/// `type` is the opcode of a request (1 to 4,095), `notification_bit` for a notification, and in an answer 0 for
/// success or the negated number of an `errc`. Source: M3-IPC messages, with the unions replaced by typed bodies.
struct alignas(64) message {
  endpoint_id source;
  std::int32_t type;
  std::array<std::byte, payload_bytes> payload;
};
static_assert(sizeof(message) == 64);
static_assert(offsetof(message, type) == 4 && offsetof(message, payload) == 8);

namespace detail {

/// Copies content of messages, reading it in words of eight bytes and writing it in pairs of them: a processor hands a
/// store on to a load that follows soon only if the store is as wide as the load, and nobody knows how wide the stores
/// were that wrote a message, nor how wide the loads will be that read it.
template <std::size_t Bytes>
[[gnu::always_inline]] inline void copy_content(std::byte* to, const std::byte* from) {
#ifdef __SSE2__
  constexpr std::size_t paired = Bytes / 16 * 16;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < paired; i += 16) {
    long long pair __attribute__((vector_size(16)));
#ifdef __AVX__
    asm("vmovq %1, %0\n\tvmovhps %2, %0, %0"
#else
    asm("movq %1, %0\n\tmovhps %2, %0"
#endif
        : "=&x"(pair)
        : "m"(*reinterpret_cast<const std::byte(*)[8]>(from + i)),
          "m"(*reinterpret_cast<const std::byte(*)[8]>(from + i + 8)));
    std::memcpy(to + i, &pair, sizeof pair);
  }
#else
  constexpr std::size_t paired = 0;
#endif
  std::memcpy(to + paired, from + paired, Bytes - paired);
}

}  // namespace detail

/// Makes `to` the message `from`, as sent by `source`.
[[gnu::always_inline]] inline void copy_message(message& to, endpoint_id source, const message& from) {
  std::int32_t type = from.type;
  asm("" : "+r"(type), "+r"(source));  // two stores take less than joining them
  to.type = type;
  to.source = source;
  detail::copy_content<payload_bytes>(to.payload.data(), from.payload.data());
}

/// What a notification says: when it was made (node time), and one word whose meaning the source defines.
/// Notifications are level triggered: those that were pending together arrive as one, their values or-ed.
struct notification {
  std::uint64_t time_ns;
  std::uint64_t value;
};

/// A type that may be the payload of a message: it fits, it can be copied by bytes, and it has no padding, so that
/// nothing uninitialised reaches another address space. Floating point needs a wrapper of its own.
template <class T>
concept message_body = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && sizeof(T) <= payload_bytes &&
                       alignof(T) <= 8 && (std::is_empty_v<T> || std::has_unique_object_representations_v<T>);

/// Writes `body` into the payload of `to` and clears the rest.
template <message_body T>
constexpr void put(message& to, const T& body) {
  to.payload = {};
  if constexpr (!std::is_empty_v<T>) std::memcpy(to.payload.data(), &body, sizeof(T));
}

/// Reads the payload of `from` as a `T`.
template <message_body T>
[[nodiscard]] T get(const message& from) {
  T body{};
  if constexpr (!std::is_empty_v<T>)
    detail::copy_content<sizeof(T)>(reinterpret_cast<std::byte*>(&body), from.payload.data());
  return body;
}

/// Whether `m` is a notification.
[[nodiscard]] constexpr bool is_notification(const message& m) { return (m.type & ~0xFFF) == notification_bit; }

/// The outcome that an answer carries: `ok`, or the error with which the server refused.
/// A number outside the set reads as `errc::bad_argument`: the peer does not keep to the protocol.
[[nodiscard]] constexpr errc outcome_of(const message& answer) {
  if (answer.type == 0) return errc::ok;
  const int code = answer.type > -4096 ? -answer.type : -1;
  return is_errc(code) && code != 0 ? static_cast<errc>(code) : errc::bad_argument;
}

/// The `type` of an answer that reports `outcome`.
[[nodiscard]] constexpr std::int32_t answer_type(errc outcome) { return -static_cast<std::int32_t>(outcome); }

}  // namespace dvs

#endif
