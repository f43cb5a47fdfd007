// SPDX-License-Identifier: MIT
/// @file
/// The byte streams of a backend that has none: servers that listen still compile, and are told `not_supported`.
#ifndef DVS_BACKENDS_LOOPBACK_NO_STREAMS_HPP
#define DVS_BACKENDS_LOOPBACK_NO_STREAMS_HPP

#include <dvs/stream.hpp>

namespace dvs::loopback {

struct no_stream {
  result<std::size_t> read_some(std::span<std::byte>, timeout) { return errc::not_supported; }
  result<void> write_all(std::span<const std::byte>, timeout) { return errc::not_supported; }
  void close() {}
  std::string peer() { return {}; }
};
struct no_listener {
  result<no_stream> accept(timeout) { return errc::not_supported; }
  std::uint16_t port() { return 0; }
  void close() {}
};
static_assert(byte_stream<no_stream> && stream_listener<no_listener>);

}  // namespace dvs::loopback

#endif
