// SPDX-License-Identifier: MIT
/// @file
/// What can be asked of IS, the information server.
#ifndef MUK_IS_PROTOCOL_HPP
#define MUK_IS_PROTOCOL_HPP

#include <cstdint>
#include <dvs/describe.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>
#include <string_view>

namespace muk::is {

/// The well-known endpoint of IS.
inline constexpr dvs::endpoint_id where{8};

/// The tables that IS knows.
enum class table : std::uint32_t {
  all = 0,        ///< every table there is
  dc = 1,         ///< the distributed container
  processes = 2,  ///< processes: what they do, messages, copies
  devices = 3,    ///< the block devices of RDISK
  pids = 4,       ///< the process table of PM
  files = 5,      ///< the open files of FS
  volume = 6,     ///< the mounted file system of FS, and its cache
};
/// How a table is written.
enum class format : std::uint32_t { text = 0, json = 1 };
/// The name of a format; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(format value) {
  switch (value) {
    case format::text:
      return "text";
    case format::json:
      return "json";
  }
  return {};
}

/// The name of a table in JSON and in paths such as `/.muk/is/processes`; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(table what) {
  switch (what) {
    case table::all:
      return "all";
    case table::dc:
      return "dc";
    case table::processes:
      return "processes";
    case table::devices:
      return "devices";
    case table::pids:
      return "pids";
    case table::files:
      return "files";
    case table::volume:
      return "volume";
  }
  return {};
}

/// Writes `what` into the caller's memory, as UTF-8 without a final zero, as much as `length` bytes hold.
/// JSON: an array with an object for each row; with `table::all` an object with one such member for each table, named
/// by `name_of`. A table whose server does not answer is `{"error": "…"}`. Errors: `bad_argument`, `not_granted`.
struct get {
  static constexpr std::uint32_t opcode = 0xB01;
  table what;
  is::format format;
  std::uint32_t length;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes copied
    std::uint32_t total;   ///< bytes of the whole text: larger than `length` when the memory was too small
  };
};

/// The service.
using protocol = dvs::protocol<get>;

}  // namespace muk::is

BOOST_HANA_ADAPT_STRUCT(muk::is::get, what, format, length, into);
BOOST_HANA_ADAPT_STRUCT(muk::is::get::reply, length, total);
static_assert(dvs::is_described<muk::is::protocol>());

#endif
