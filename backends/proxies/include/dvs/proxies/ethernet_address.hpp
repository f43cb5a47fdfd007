// SPDX-License-Identifier: MIT
/// @file
/// Addresses of Ethernet interfaces.
#ifndef DVS_PROXIES_ETHERNET_ADDRESS_HPP
#define DVS_PROXIES_ETHERNET_ADDRESS_HPP

#include <array>
#include <charconv>
#include <compare>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace dvs::proxies {

/// A MAC address.
struct ethernet_address {
  std::array<std::uint8_t, 6> bytes{};

  /// Reads six numbers such as `52:54:00:12:34:56`; nothing if it is anything else.
  [[nodiscard]] static std::optional<ethernet_address> from(std::string_view text) {
    ethernet_address made;
    if (text.size() != 17) return {};
    for (std::size_t i = 0; i < made.bytes.size(); ++i) {
      const char* const begin = text.data() + 3 * i;
      const auto [end, problem] = std::from_chars(begin, begin + 2, made.bytes[i], 16);
      if (problem != std::errc{} || end != begin + 2 || (i < 5 && *end != ':')) return {};
    }
    return made;
  }
  [[nodiscard]] std::string text() const {
    char out[18];
    std::snprintf(out, sizeof out, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                  bytes[5]);
    return out;
  }
  friend std::strong_ordering operator<=>(const ethernet_address&, const ethernet_address&) = default;
};

}  // namespace dvs::proxies

#endif
