// SPDX-License-Identifier: MIT
/// @file
/// The smallest types that are a `dvs::byte_stream` and a `dvs::stream_listener`.
#ifndef DVS_TESTS_ARCHETYPES_STREAMS_HPP
#define DVS_TESTS_ARCHETYPES_STREAMS_HPP

#include <dvs/stream.hpp>

namespace archetype {

/// Movable and nothing else; nobody can make one but its listener.
struct stream {
  stream(stream&&) = default;
  stream& operator=(stream&&) = default;

  dvs::result<std::size_t> read_some(std::span<std::byte>, dvs::timeout) { return std::size_t{0}; }
  dvs::result<void> write_all(std::span<const std::byte>, dvs::timeout) { return dvs::errc::not_connected; }
  void close() {}
  std::string peer() { return {}; }

 private:
  friend struct listener;
  stream() = default;
};
static_assert(dvs::byte_stream<stream>);

struct listener {
  listener(listener&&) = default;
  listener& operator=(listener&&) = default;

  dvs::result<stream> accept(dvs::timeout) { return stream(); }
  std::uint16_t port() { return 0; }
  void close() {}

 private:
  listener() = default;
};
static_assert(dvs::stream_listener<listener>);

}  // namespace archetype

#endif
