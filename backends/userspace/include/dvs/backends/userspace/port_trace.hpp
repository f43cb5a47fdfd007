// SPDX-License-Identifier: MIT
/// @file
/// Messages that a port has got, for who watches the DC.
///
/// They are noted where an operation returns them, so that each is told once, by the process that has it, and after
/// what it answers.
#ifndef DVS_BACKENDS_USERSPACE_PORT_TRACE_HPP
#define DVS_BACKENDS_USERSPACE_PORT_TRACE_HPP

#include <dvs/backends/userspace/broker.hpp>

namespace dvs::userspace {

/// What a receive has brought.
[[gnu::always_inline]] inline void port::note_came(const incoming& in) const {
  trace_tap* const tap = broker_->tap();
  if (tap == nullptr) [[likely]]
    return;
  const bool is_answer = in.content.type <= 0;  // who waited for it had not asked
  report(*tap, in.content,
         is_notification(in.content) ? trace_kind::notification
         : in.exchange != 0          ? trace_kind::request
         : is_answer                 ? trace_kind::answer
                                     : trace_kind::message);
}

/// What a sendrec has brought.
[[gnu::always_inline]] inline void port::note_answer(const message& m) const {
  trace_tap* const tap = broker_->tap();
  if (tap == nullptr) [[likely]]
    return;
  report(*tap, m, trace_kind::answer);
}

[[gnu::noinline]] inline void port::report(trace_tap& tap, const message& m, trace_kind kind) const {
  if (is_ghost()) return;  // told where its process runs
  tap.put({monotonic_ns(), id_, kind, {}, std::bit_cast<std::array<std::byte, sizeof m>>(m)});
}

}  // namespace dvs::userspace

#endif
