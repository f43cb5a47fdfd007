// SPDX-License-Identifier: MIT
/// @file
/// What a message is in the exchange that it belongs to.
#ifndef DVS_TRACE_KIND_HPP
#define DVS_TRACE_KIND_HPP

#include <cstdint>

namespace dvs {

/// As whoever saw the message knows it; a message itself does not say it.
enum class trace_kind : std::uint8_t {
  unknown,       ///< guessed by the type: positive ones ask
  message,       ///< sent, without an answer
  request,       ///< its sender waits for the answer
  answer,        ///< to a request, or to who waited for it without one
  notification,  ///< a bit and a value, not content
};

/// Whether a value that may come from anywhere is one of the enumeration.
[[nodiscard]] constexpr bool is_trace_kind(trace_kind kind) { return kind <= trace_kind::notification; }

}  // namespace dvs

#endif
