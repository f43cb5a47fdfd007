// SPDX-License-Identifier: MIT
/// @file
/// Byte streams to the outside world, as `endpoint::listen` gives them.
#ifndef DVS_STREAM_HPP
#define DVS_STREAM_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <dvs/result.hpp>
#include <dvs/time.hpp>
#include <span>
#include <string>

namespace dvs {

/// A connection. Operations block the calling fiber only. Movable; closed when destroyed.
///
/// `read_some` waits for bytes and returns how many it read, 0 at the end of the stream; `write_all` returns when all
/// bytes are with the operating system. Errors: `not_connected` (the peer is gone), `timed_out`, `cancelled`,
/// `shut_down` (the DC ended).
template <class Stream>
concept byte_stream = std::movable<Stream> &&
    requires(Stream& stream, std::span<std::byte> into, std::span<const std::byte> from, timeout limit) {
  { stream.read_some(into, limit) } -> std::same_as<result<std::size_t>>;
  { stream.write_all(from, limit) } -> std::same_as<result<void>>;
  { stream.close() } -> std::same_as<void>;
  { stream.peer() } -> std::same_as<std::string>;
};

/// A listening port: `accept` waits for a connection; `port` is the number it listens on.
template <class Listener>
concept stream_listener = std::movable<Listener> && requires(Listener& listener, timeout limit) {
  { listener.accept(limit).value() } -> byte_stream;
  { listener.port() } -> std::same_as<std::uint16_t>;
  { listener.close() } -> std::same_as<void>;
};

}  // namespace dvs

#endif
