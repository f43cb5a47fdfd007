// SPDX-License-Identifier: MIT
/// @file
/// Numbers with a unit: times such as "100ms", and sizes such as "64KiB".
#ifndef DVS_CLUSTER_DETAIL_UNITS_HPP
#define DVS_CLUSTER_DETAIL_UNITS_HPP

#include <array>
#include <charconv>
#include <cstdint>
#include <dvs/time.hpp>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace dvs::cluster::detail {

/// A unit, and how many of the smallest one it is.
struct unit {
  std::string_view name;
  std::int64_t worth;
};

/// The units of time, the largest first.
inline constexpr std::array<unit, 6> time_units{{{"h", 3600'000'000'000},
                                                 {"min", 60'000'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"ms", 1'000'000},
                                                 {"us", 1'000},
                                                 {"ns", 1}}};
/// The units of size, the largest first.
inline constexpr std::array<unit, 4> size_units{{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};

/// The number that `text`, digits and a unit, stands for; nothing when it is not of this form or too large.
template <std::size_t N>
[[nodiscard]] std::optional<std::int64_t> with_unit(std::string_view text, const std::array<unit, N>& units) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return {};
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const unit& each : units)
    if (text == each.name && count <= std::numeric_limits<std::int64_t>::max() / each.worth) return count * each.worth;
  return {};
}

/// `count` in the largest unit that needs no fraction.
template <std::size_t N>
[[nodiscard]] std::string in_units(std::int64_t count, const std::array<unit, N>& units) {
  for (const unit& each : units)
    if (count % each.worth == 0 && (count != 0 || each.worth == 1))
      return std::to_string(count / each.worth) + std::string(each.name);
  return {};
}

/// The time that `text` stands for.
[[nodiscard]] inline std::optional<duration> time_of(std::string_view text) {
  const auto count = with_unit(text, time_units);
  return count ? std::optional(duration(*count)) : std::nullopt;
}
/// How many bytes `text` stands for.
[[nodiscard]] inline std::optional<std::int64_t> bytes_of(std::string_view text) { return with_unit(text, size_units); }
/// `time` as `time_of` reads it.
[[nodiscard]] inline std::string time_text(duration time) { return in_units(time.count(), time_units); }
/// `bytes` as `bytes_of` reads it.
[[nodiscard]] inline std::string bytes_text(std::int64_t bytes) { return in_units(bytes, size_units); }

}  // namespace dvs::cluster::detail

#endif
