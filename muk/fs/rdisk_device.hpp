// SPDX-License-Identifier: MIT
/// @file
/// A minor device of RDISK as the block device of a file system.
#ifndef MUK_FS_RDISK_DEVICE_HPP
#define MUK_FS_RDISK_DEVICE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <muk/fs/fiber_host.hpp>
#include <muk/rdisk/protocol.hpp>
#include <span>

namespace muk::fs {

/// Reads and writes by sendrec to the driver, under the endpoint of the fiber that runs; see `minixfs::block_device`.
template <dvs::backend Backend>
class rdisk_device {
 public:
  rdisk_device(fiber_host<Backend>& host, dvs::endpoint_id driver, std::uint32_t minor)
      : host_(host), driver_(driver), minor_(minor) {}

  /// Opens the device. Errors: those of `rdisk::open`, and of the conversation with the driver.
  dvs::result<void> open(bool for_writing) {
    const auto opened = ask(rdisk::open{minor_, for_writing ? rdisk::mode::read_write : rdisk::mode::read});
    if (!opened) return opened.error();
    bytes_ = opened->bytes;
    return {};
  }

  dvs::result<void> read(std::uint64_t offset, std::span<std::byte> into) {
    return in_pieces(offset, into, [&](std::uint64_t at, std::span<std::byte> piece) -> dvs::result<std::uint32_t> {
      auto window = host_.running().self.grant_write(driver_, piece);
      if (!window) return window.error();
      const auto got = ask(rdisk::read{minor_, static_cast<std::uint32_t>(piece.size()), at, window->ref()});
      if (!got) return got.error();
      return got->length;
    });
  }
  dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
    return in_pieces(
        offset, from, [&](std::uint64_t at, std::span<const std::byte> piece) -> dvs::result<std::uint32_t> {
          auto window = host_.running().self.grant_read(driver_, piece);
          if (!window) return window.error();
          const auto put = ask(rdisk::write{minor_, static_cast<std::uint32_t>(piece.size()), at, window->ref()});
          if (!put) return put.error();
          return put->length;
        });
  }
  dvs::result<void> flush() {
    const auto flushed = ask(rdisk::flush{minor_});
    return flushed.error() == dvs::errc::ok ? dvs::result<void>{} : flushed.error();
  }
  [[nodiscard]] std::uint64_t size() const { return bytes_; }

 private:
  template <class Request>
  dvs::result<typename Request::reply> ask(const Request& what) {
    auto& me = host_.running();
    auto answer = me.self.sendrec(driver_, what);
    host_.resumed(me);
    return answer;
  }

  template <class Byte, class Transfer>
  dvs::result<void> in_pieces(std::uint64_t offset, std::span<Byte> memory, Transfer&& transfer) {
    while (!memory.empty()) {
      const auto piece = memory.first(std::min<std::size_t>(memory.size(), rdisk::bytes_max));
      const auto moved = transfer(offset, piece);
      if (!moved) return moved.error();
      if (*moved != piece.size()) return dvs::errc::io_error;
      offset += piece.size();
      memory = memory.subspan(piece.size());
    }
    return {};
  }

  fiber_host<Backend>& host_;
  dvs::endpoint_id driver_;
  std::uint32_t minor_;
  std::uint64_t bytes_ = 0;
};

}  // namespace muk::fs

#endif
