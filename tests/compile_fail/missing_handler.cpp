// SPDX-License-Identifier: MIT
/// @file
/// A server must handle every request of its protocol; the message names the request that it forgot.
// expect: the server has no on(const Body&, dvs::caller) for this request of its protocol
// expect: forgotten
#include <dvs/backends/loopback.hpp>

struct handled {
  static constexpr std::uint32_t opcode = 1;
  struct reply {};
};
struct forgotten {
  static constexpr std::uint32_t opcode = 2;
  struct reply {};
};

struct server {
  dvs::answer<handled> on(const handled&, dvs::caller) { return handled::reply{}; }
};

void run(dvs::endpoint<dvs::loopback::backend>& self) {
  static_cast<void>(dvs::serve<dvs::protocol<handled, forgotten>>(self, server{}));
}
