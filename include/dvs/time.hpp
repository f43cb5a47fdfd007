// SPDX-License-Identifier: MIT
/// @file
/// How long an operation may wait.
#ifndef DVS_TIME_HPP
#define DVS_TIME_HPP

#include <chrono>
#include <compare>
#include <cstdint>

namespace dvs {

/// Time as a node sees it: since the node started, in nanoseconds. Simulated in the simulator.
using duration = std::chrono::nanoseconds;

/// How long an operation may wait: not at all, for a duration, or for ever.
class timeout {
 public:
  /// Waits at most `length`; zero or less does not wait.
  constexpr timeout(duration length) noexcept : nanoseconds_(length.count() < 0 ? 0 : length.count()) {}
  /// Waits at most `length`.
  template <class Rep, class Period>
  constexpr timeout(std::chrono::duration<Rep, Period> length) noexcept
      : timeout(std::chrono::duration_cast<duration>(length)) {}

  /// Waits as long as it takes.
  [[nodiscard]] static constexpr timeout never() noexcept {
    timeout limit{duration{0}};
    limit.nanoseconds_ = -1;
    return limit;
  }

  [[nodiscard]] constexpr bool is_forever() const noexcept { return nanoseconds_ < 0; }
  [[nodiscard]] constexpr bool is_zero() const noexcept { return nanoseconds_ == 0; }
  /// The limit; meaningless when it is for ever.
  [[nodiscard]] constexpr duration length() const noexcept { return duration{nanoseconds_}; }

  friend constexpr bool operator==(timeout, timeout) noexcept = default;

 private:
  std::int64_t nanoseconds_;
};

/// Do not wait: an operation that would block fails with `errc::would_block`.
inline constexpr timeout no_wait{duration{0}};
/// Wait as long as it takes.
inline constexpr timeout forever = timeout::never();

}  // namespace dvs

#endif
