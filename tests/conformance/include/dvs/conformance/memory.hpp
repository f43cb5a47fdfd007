// SPDX-License-Identifier: MIT
/// @file
/// What the laws of grants and copies have in common: recognisable bytes, and servers of one offer.
#ifndef DVS_CONFORMANCE_MEMORY_HPP
#define DVS_CONFORMANCE_MEMORY_HPP

#include <algorithm>
#include <array>
#include <dvs/conformance/laboratory.hpp>
#include <dvs/conformance/law.hpp>
#include <vector>

namespace dvs::conformance {

/// Bytes that differ from their neighbours and from those of another seed.
template <std::size_t Size>
[[nodiscard]] constexpr std::array<std::byte, Size> pattern(unsigned seed) {
  std::array<std::byte, Size> bytes{};
  for (std::size_t i = 0; i < Size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256 + seed * 31 + 1);
  return bytes;
}

/// Some of these bytes.
template <std::size_t Size>
[[nodiscard]] std::vector<std::byte> part_of(const std::array<std::byte, Size>& bytes, std::size_t from,
                                             std::size_t count) {
  return {bytes.begin() + from, bytes.begin() + from + count};
}

/// Starts `who` as a server that takes one offer, does `use(self, offer)`, and answers.
template <class Access, class Laboratory, class Use>
void serve_one(Laboratory& lab, endpoint_id who, Use use) {
  lab.start(who, [&lab, use](auto& self) {
    const auto got = lab.take(self.receive());
    use(self, got.template as<offer<Access>>());
    lab.works(self.reply(got.from(), typename offer<Access>::reply{}));
  });
}

}  // namespace dvs::conformance

#endif
