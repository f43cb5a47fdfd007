// SPDX-License-Identifier: MIT
/// @file
/// The words of the laws: who takes part, and what they say to each other.
#ifndef DVS_CONFORMANCE_WORDS_HPP
#define DVS_CONFORMANCE_WORDS_HPP

#include <array>
#include <chrono>
#include <cstdint>
#include <dvs/ipc.hpp>

namespace dvs::conformance {

using namespace std::chrono_literals;

/// Parties of the laws: servers, so that their names are constants and they may make every call.
inline constexpr endpoint_id alice{1}, bob{2}, carol{3}, dave{4}, erin{5};

/// A one-way message.
struct number {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
};

/// A request whose answer is one more.
struct increment {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};

/// A request of so many bytes, whose answer is each of them inverted.
template <std::size_t Bytes>
struct inverted {
  static constexpr std::uint32_t opcode = 4;
  std::array<std::uint8_t, Bytes> bytes;
  struct reply {
    std::array<std::uint8_t, Bytes> bytes;
  };
};

/// Carries a grant and what to do with it.
template <class Access>
struct offer {
  static constexpr std::uint32_t opcode = 3;
  grant_ref<Access> memory;
  std::uint64_t bytes;
  struct reply {};
};

/// A request that no server of the laws knows.
struct unheard_of {
  static constexpr std::uint32_t opcode = 4000;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};

/// The time in which something must not happen, where a law needs to see that a wait really waits.
inline constexpr auto a_moment = 2ms;

/// Privileges of user processes that take part like servers.
inline const privileges every_right{};

}  // namespace dvs::conformance

#endif
