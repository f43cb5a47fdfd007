// SPDX-License-Identifier: MIT
/// @file
/// What can be asked of RDISK, the block device driver.
#ifndef MUK_RDISK_PROTOCOL_HPP
#define MUK_RDISK_PROTOCOL_HPP

#include <cstdint>
#include <dvs/describe.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>
#include <muk/name.hpp>
#include <string_view>

namespace muk::rdisk {

/// The well-known endpoint of RDISK.
inline constexpr dvs::endpoint_id where{3};

/// How many bytes one request may move.
inline constexpr std::uint32_t bytes_max = 1 << 20;
/// How many pieces a vector may have.
inline constexpr std::uint32_t pieces_max = 64;

/// What a device is opened for; the bits may be or-ed.
enum class mode : std::uint32_t { read = 1, write = 2, read_write = 3 };
/// The name of a mode; empty for a number outside the set.
[[nodiscard]] constexpr std::string_view name_of(mode value) {
  switch (value) {
    case mode::read:
      return "read";
    case mode::write:
      return "write";
    case mode::read_write:
      return "read_write";
  }
  return {};
}

/// Opens `minor`. Opens are counted; those of a process that dies are closed.
/// Errors: `no_device`, `read_only`, `bad_argument` (mode).
struct open {
  static constexpr std::uint32_t opcode = 0x406;
  std::uint32_t minor;
  rdisk::mode mode;
  struct reply {
    std::uint64_t bytes;         ///< size of the device
    std::uint32_t buffer_bytes;  ///< the piece in which the driver works; larger requests are cut into such pieces
    std::uint32_t is_volatile;   ///< 1: writes are lost when the driver ends
  };
};

/// Closes `minor`; the last close writes everything through. Errors: `no_device`, `bad_descriptor` (the caller did
/// not open it), `io_error`.
struct close {
  static constexpr std::uint32_t opcode = 0x407;
  std::uint32_t minor;
  struct reply {};
};

/// Reads `length` bytes at `position` into the caller's memory. At the end of the device fewer bytes are read, past it
/// none. Errors: `no_device`, `bad_descriptor` (nobody has it open), `too_big`, `range` (the end of the range is no
/// 64-bit number), `not_granted`, `io_error`.
struct read {
  static constexpr std::uint32_t opcode = 0x403;
  std::uint32_t minor;
  std::uint32_t length;
  std::uint64_t position;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes read
  };
};

/// Writes `length` bytes at `position` out of the caller's memory. At the end of the device fewer bytes are written;
/// a write that starts there fails. Errors as for `read`, and `bad_descriptor` (nobody has it open for writing),
/// `no_space` (starts at the end), `range` (starts past the end).
struct write {
  static constexpr std::uint32_t opcode = 0x404;
  std::uint32_t minor;
  std::uint32_t length;
  std::uint64_t position;
  dvs::grant_ref<dvs::readable> from;
  struct reply {
    std::uint32_t length;  ///< bytes written
  };
};

/// One piece of a vector: a part of memory that the caller granted to RDISK.
template <class Access>
struct piece {
  dvs::grant_ref<Access> memory;
  std::uint32_t offset;  ///< from the start of the granted memory, in bytes
  std::uint32_t length;
};

/// Reads into several pieces of memory (`piece<dvs::writable>`), from consecutive places of the device.
/// Together they may have `bytes_max` bytes. Errors as for `read`, and `bad_argument` (no piece, or too many).
struct gather {
  static constexpr std::uint32_t opcode = 0x409;
  std::uint32_t minor;
  std::uint32_t pieces;
  std::uint64_t position;
  dvs::grant_ref<dvs::readable> vector;  ///< the array of pieces, in the caller's memory
  struct reply {
    std::uint32_t length;  ///< bytes read
  };
};

/// Writes several pieces of memory (`piece<dvs::readable>`) to consecutive places of the device. Errors as for
/// `write`, and `bad_argument` (no piece, or too many). After an error earlier pieces may have been written.
struct scatter {
  static constexpr std::uint32_t opcode = 0x408;
  std::uint32_t minor;
  std::uint32_t pieces;
  std::uint64_t position;
  dvs::grant_ref<dvs::readable> vector;  ///< the array of pieces, in the caller's memory
  struct reply {
    std::uint32_t length;  ///< bytes written
  };
};

/// Writes everything through to the image. Errors: `no_device`, `io_error`.
struct flush {
  static constexpr std::uint32_t opcode = 0x410;
  std::uint32_t minor;
  struct reply {};
};

/// The shape of the device, as partition tables want it. Errors: `no_device`.
struct geometry {
  static constexpr std::uint32_t opcode = 0x405;
  std::uint32_t minor;
  struct reply {
    std::uint64_t bytes;
    std::uint32_t cylinders;
    std::uint32_t heads;
    std::uint32_t sectors;
    std::uint32_t sector_bytes;
  };
};

/// One device, as `dump` describes it.
struct device_row {
  name16 name;
  std::uint64_t bytes;
  std::uint64_t reads;
  std::uint64_t writes;
  std::uint64_t bytes_read;
  std::uint64_t bytes_written;
  std::uint32_t minor;
  std::uint32_t opens;
  std::uint32_t buffer_bytes;
  std::uint8_t in_memory;
  std::uint8_t is_volatile;
  std::uint8_t open_for_writing;
  std::uint8_t zero;
};

/// Copies a `device_row` for each device, as many as `length` bytes hold. Errors: `not_granted`.
struct dump {
  static constexpr std::uint32_t opcode = 0x411;
  std::uint32_t length;
  dvs::grant_ref<dvs::writable> into;
  struct reply {
    std::uint32_t length;  ///< bytes copied
    std::uint32_t total;   ///< bytes of all rows
  };
};

/// The service.
using protocol = dvs::protocol<read, write, geometry, open, close, scatter, gather, flush, dump>;

static_assert(std::has_unique_object_representations_v<piece<dvs::readable>>);
static_assert(std::has_unique_object_representations_v<device_row>);

}  // namespace muk::rdisk

BOOST_HANA_ADAPT_STRUCT(muk::rdisk::open, minor, mode);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::open::reply, bytes, buffer_bytes, is_volatile);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::close, minor);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::read, minor, length, position, into);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::read::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::write, minor, length, position, from);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::write::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::gather, minor, pieces, position, vector);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::gather::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::scatter, minor, pieces, position, vector);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::scatter::reply, length);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::flush, minor);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::geometry, minor);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::geometry::reply, bytes, cylinders, heads, sectors, sector_bytes);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::dump, length, into);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::dump::reply, length, total);
BOOST_HANA_ADAPT_STRUCT(muk::rdisk::device_row, name, bytes, reads, writes, bytes_read, bytes_written, minor, opens,
                        buffer_bytes, in_memory, is_volatile, open_for_writing, zero);
static_assert(dvs::is_described<muk::rdisk::protocol>());

#endif
