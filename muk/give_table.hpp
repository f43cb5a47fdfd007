// SPDX-License-Identifier: MIT
/// @file
/// How servers hand tables to those who ask for them.
#ifndef MUK_GIVE_TABLE_HPP
#define MUK_GIVE_TABLE_HPP

#include <algorithm>
#include <cstdint>
#include <dvs/endpoint.hpp>
#include <span>

namespace muk {

/// Copies `table` into memory that `from` granted, at most `length` bytes, and makes the reply of `Request`: the bytes
/// copied and the bytes of the whole table. Errors: `not_granted` (also when the grant is not the caller's own).
template <class Request, dvs::backend Backend, class Row>
dvs::answer<Request> give_table(dvs::endpoint<Backend>& self, dvs::caller from, dvs::grant_ref<dvs::writable> into,
                                std::uint32_t length, std::span<const Row> table) {
  const auto bytes = std::as_bytes(table);
  const auto part = bytes.first(std::min<std::size_t>(length, bytes.size()));
  if (into.granter != from.endpoint) return dvs::errc::not_granted;
  if (!part.empty())
    if (const auto copied = self.copy_into(into, part); !copied) return copied.error();
  return typename Request::reply{static_cast<std::uint32_t>(part.size()), static_cast<std::uint32_t>(bytes.size())};
}

/// Whether `who` is a task or a server: only they keep generation 0.
[[nodiscard]] constexpr bool is_system(dvs::endpoint_id who) { return dvs::generation_of(who) == 0; }

}  // namespace muk

#endif
