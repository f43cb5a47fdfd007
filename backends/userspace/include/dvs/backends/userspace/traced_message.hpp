// SPDX-License-Identifier: MIT
/// @file
/// Messages that processes report while somebody watches their DC, and the packets in which they are told.
///
/// A report begins with the DC (2 bytes), two zeros, and how many messages before these were lost (4 bytes). The
/// messages follow, 80 bytes each, in the order of the host's bytes: reports do not leave it.
#ifndef DVS_BACKENDS_USERSPACE_TRACED_MESSAGE_HPP
#define DVS_BACKENDS_USERSPACE_TRACED_MESSAGE_HPP

#include <algorithm>
#include <bit>
#include <cstring>
#include <dvs/message.hpp>
#include <dvs/trace_kind.hpp>
#include <optional>
#include <span>
#include <vector>

namespace dvs::userspace {

/// One message that a process has got.
struct traced_message {
  std::int64_t when_ns;  ///< node time: when its receiver had it
  endpoint_id to;
  trace_kind kind;
  std::array<std::byte, 3> zeros;
  std::array<std::byte, sizeof(message)> bytes;

  [[nodiscard]] message content() const { return std::bit_cast<message>(bytes); }
  [[nodiscard]] endpoint_id from() const { return content().source; }
};
static_assert(sizeof(traced_message) == 80 && std::has_unique_object_representations_v<traced_message>);

/// What one packet reports.
struct trace_report {
  static constexpr std::size_t head_bytes = 8;
  /// The most messages in a report.
  static constexpr std::size_t messages_max = 1024;

  std::uint16_t dc = 0;
  std::uint32_t lost = 0;
  std::vector<traced_message> messages = {};

  [[nodiscard]] bool is_empty() const { return lost == 0 && messages.empty(); }

  [[nodiscard]] std::vector<std::byte> bytes() const {
    const auto rest = std::as_bytes(std::span(messages));
    std::vector<std::byte> made(head_bytes);
    std::memcpy(made.data(), &dc, sizeof dc);
    std::memcpy(made.data() + 4, &lost, sizeof lost);
    made.insert(made.end(), rest.begin(), rest.end());
    return made;
  }
  /// What is reported by bytes from anywhere, or nothing: they are no report.
  [[nodiscard]] static std::optional<trace_report> from(std::span<const std::byte> bytes) {
    if (bytes.size() < head_bytes) return {};
    const auto rest = bytes.subspan(head_bytes);
    const std::size_t count = rest.size() / sizeof(traced_message);
    if (rest.size() % sizeof(traced_message) != 0 || count > messages_max) return {};
    trace_report made;
    std::memcpy(&made.dc, bytes.data(), sizeof made.dc);
    std::memcpy(&made.lost, bytes.data() + 4, sizeof made.lost);
    made.messages.resize(count);
    if (count != 0) std::memcpy(made.messages.data(), rest.data(), rest.size());
    const bool is_good =
        std::ranges::all_of(made.messages, [](const traced_message& each) { return is_trace_kind(each.kind); });
    if (!is_good) return {};
    return made;
  }
};

}  // namespace dvs::userspace

#endif
