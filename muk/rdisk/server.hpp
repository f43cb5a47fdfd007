// SPDX-License-Identifier: MIT
/// @file
/// RDISK: block devices, their opens, and transfers between them and granted memory.
#ifndef MUK_RDISK_SERVER_HPP
#define MUK_RDISK_SERVER_HPP

#include <algorithm>
#include <array>
#include <dvs/ipc.hpp>
#include <limits>
#include <memory>
#include <muk/give_table.hpp>
#include <muk/rdisk/protocol.hpp>
#include <muk/rdisk/storage.hpp>
#include <string>
#include <vector>

namespace muk::rdisk {

/// One device that the driver is given.
struct device {
  std::string name;
  std::unique_ptr<rdisk::storage> storage;
  std::uint32_t buffer_bytes = 4096;  ///< how much is moved at a time, when the storage is not memory
  bool is_volatile = false;           ///< told to those who open it
};

/// The disk driver. Minor number n is the n-th device.
template <dvs::backend Backend>
class server {
 public:
  server(dvs::endpoint<Backend>& self, std::vector<device> devices) : self_(self) {
    std::uint32_t largest = 0;
    for (device& each : devices) {
      largest = std::max(largest, each.storage->memory().empty() ? each.buffer_bytes : 0);
      minors_.push_back({.device = std::move(each)});
    }
    buffer_.resize(largest);
  }

  /// Serves until the DC ends; then writes everything through. Errors: `io_error` from that.
  dvs::result<void> run() {
    const auto served = dvs::serve<protocol>(self_, *this);
    for (minor_device& each : minors_)
      if (const auto flushed = each.device.storage->flush(); !flushed) return flushed;
    return served;
  }

  dvs::answer<open> on(const open& ask, dvs::caller from) {
    minor_device* const minor = find(ask.minor);
    if (minor == nullptr) return dvs::errc::no_device;
    if (ask.mode < mode::read || ask.mode > mode::read_write) return dvs::errc::bad_argument;
    minor->opens.push_back({from.endpoint, ask.mode != mode::read});
    return open::reply{minor->device.storage->size(), minor->device.buffer_bytes, minor->device.is_volatile ? 1u : 0u};
  }
  dvs::answer<close> on(const close& ask, dvs::caller from) {
    minor_device* const minor = find(ask.minor);
    if (minor == nullptr) return dvs::errc::no_device;
    const auto mine = std::find_if(minor->opens.begin(), minor->opens.end(),
                                   [&](const opening& each) { return each.owner == from.endpoint; });
    if (mine == minor->opens.end()) return dvs::errc::bad_descriptor;
    minor->opens.erase(mine);
    if (minor->opens.empty())
      if (const auto flushed = minor->device.storage->flush(); !flushed) return flushed.error();
    return close::reply{};
  }

  dvs::answer<read> on(const read& ask, dvs::caller from) {
    const piece<dvs::writable> whole{ask.into, 0, ask.length};
    const auto moved = transfer(ask.minor, ask.position, std::span{&whole, 1}, from);
    if (!moved) return moved.error();
    return read::reply{*moved};
  }
  dvs::answer<write> on(const write& ask, dvs::caller from) {
    const piece<dvs::readable> whole{ask.from, 0, ask.length};
    const auto moved = transfer(ask.minor, ask.position, std::span{&whole, 1}, from);
    if (!moved) return moved.error();
    return write::reply{*moved};
  }
  dvs::answer<gather> on(const gather& ask, dvs::caller from) { return vector_form<gather, dvs::writable>(ask, from); }
  dvs::answer<scatter> on(const scatter& ask, dvs::caller from) {
    return vector_form<scatter, dvs::readable>(ask, from);
  }

  dvs::answer<flush> on(const flush& ask, dvs::caller) {
    minor_device* const minor = find(ask.minor);
    if (minor == nullptr) return dvs::errc::no_device;
    if (const auto flushed = minor->device.storage->flush(); !flushed) return flushed.error();
    return flush::reply{};
  }
  dvs::answer<geometry> on(const geometry& ask, dvs::caller) {
    constexpr std::uint32_t heads = 2, sectors = 32, sector_bytes = 512;  // as MINIX tells of disks without a shape
    const minor_device* const minor = find(ask.minor);
    if (minor == nullptr) return dvs::errc::no_device;
    const std::uint64_t bytes = minor->device.storage->size();
    const auto cylinders = std::min<std::uint64_t>(bytes / (heads * sectors * sector_bytes), 0xFFFF'FFFF);
    return geometry::reply{bytes, static_cast<std::uint32_t>(cylinders), heads, sectors, sector_bytes};
  }
  dvs::answer<dump> on(const dump& ask, dvs::caller from) {
    std::vector<device_row> rows;
    for (std::uint32_t number = 0; number < minors_.size(); ++number) rows.push_back(row(number));
    return give_table<dump>(self_, from, ask.into, ask.length, std::span<const device_row>{rows});
  }

  void on_death(dvs::endpoint_id who) {
    for (minor_device& each : minors_) std::erase_if(each.opens, [&](const opening& o) { return o.owner == who; });
  }

 private:
  struct opening {
    dvs::endpoint_id owner;
    bool for_writing;
  };
  struct minor_device {
    rdisk::device device;
    std::vector<opening> opens = {};
    std::uint64_t reads = 0, writes = 0, bytes_read = 0, bytes_written = 0;

    [[nodiscard]] bool open_for_writing() const {
      return std::any_of(opens.begin(), opens.end(), [](const opening& each) { return each.for_writing; });
    }
  };

  [[nodiscard]] minor_device* find(std::uint32_t number) {
    return number < minors_.size() ? &minors_[number] : nullptr;
  }

  template <class Request, class Access>
  dvs::answer<Request> vector_form(const Request& ask, dvs::caller from) {
    if (ask.pieces == 0 || ask.pieces > pieces_max) return dvs::errc::bad_argument;
    if (ask.vector.granter != from.endpoint) return dvs::errc::not_granted;
    std::array<piece<Access>, pieces_max> room;
    const auto pieces = std::span{room}.first(ask.pieces);
    if (const auto got = self_.copy_from(ask.vector, std::as_writable_bytes(pieces)); !got) return got.error();
    const auto moved = transfer(ask.minor, ask.position, std::span<const piece<Access>>{pieces}, from);
    if (!moved) return moved.error();
    return typename Request::reply{*moved};
  }

  /// Moves bytes between the device at `position` and the pieces; returns how many, less at the end of the device.
  template <class Access>
  dvs::result<std::uint32_t> transfer(std::uint32_t number, std::uint64_t position,
                                      std::span<const piece<Access>> pieces, dvs::caller from) {
    constexpr bool writing = std::is_same_v<Access, dvs::readable>;
    minor_device* const minor = find(number);
    if (minor == nullptr) return dvs::errc::no_device;
    if (minor->opens.empty() || (writing && !minor->open_for_writing())) return dvs::errc::bad_descriptor;
    std::uint64_t wanted = 0;
    for (const auto& each : pieces) {
      // A server must not be talked into using memory that a third party granted to it for something else.
      if (each.memory.granter != from.endpoint) return dvs::errc::not_granted;
      wanted += each.length;
    }
    if (wanted > bytes_max) return dvs::errc::too_big;
    if (position > std::numeric_limits<std::uint64_t>::max() - wanted) return dvs::errc::range;
    const std::uint64_t size = minor->device.storage->size();
    if (writing && wanted != 0 && position >= size) return position > size ? dvs::errc::range : dvs::errc::no_space;
    std::uint64_t left = position >= size ? 0 : std::min(wanted, size - position);
    const auto moved = static_cast<std::uint32_t>(left);
    for (const auto& each : pieces) {
      piece<Access> part = each;
      part.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(part.length, left));
      if (const auto done = move(minor->device, position, part); !done) return done.error();
      position += part.length;
      left -= part.length;
    }
    (writing ? minor->writes : minor->reads) += 1;
    (writing ? minor->bytes_written : minor->bytes_read) += moved;
    return moved;
  }

  /// Moves one piece; a device in memory needs one copy, others go through the buffer.
  template <class Access>
  dvs::result<void> move(device& device, std::uint64_t position, const piece<Access>& part) {
    if (part.length == 0) return {};
    if (const auto memory = device.storage->memory(); !memory.empty())
      return copy(part.memory, memory.subspan(position, part.length), part.offset);
    for (std::uint32_t done = 0; done < part.length;) {
      const auto bytes = std::min(part.length - done, device.buffer_bytes);
      const auto buffer = std::span{buffer_}.first(bytes);
      const std::uint64_t offset = std::uint64_t{part.offset} + done;
      if constexpr (std::is_same_v<Access, dvs::writable>) {
        if (const auto got = device.storage->read(position + done, buffer); !got) return got;
        if (const auto copied = self_.copy_into(part.memory, buffer, offset); !copied) return copied;
      } else {
        if (const auto copied = self_.copy_from(part.memory, buffer, offset); !copied) return copied;
        if (const auto put = device.storage->write(position + done, buffer); !put) return put;
      }
      done += bytes;
    }
    return {};
  }
  dvs::result<void> copy(dvs::grant_ref<dvs::writable> into, std::span<const std::byte> bytes, std::uint64_t offset) {
    return self_.copy_into(into, bytes, offset);
  }
  dvs::result<void> copy(dvs::grant_ref<dvs::readable> from, std::span<std::byte> bytes, std::uint64_t offset) {
    return self_.copy_from(from, bytes, offset);
  }

  [[nodiscard]] device_row row(std::uint32_t number) {
    const minor_device& minor = minors_[number];
    device_row made{};
    made.name = make_name(minor.device.name);
    made.bytes = minor.device.storage->size();
    made.reads = minor.reads;
    made.writes = minor.writes;
    made.bytes_read = minor.bytes_read;
    made.bytes_written = minor.bytes_written;
    made.minor = number;
    made.opens = static_cast<std::uint32_t>(minor.opens.size());
    made.buffer_bytes = minor.device.buffer_bytes;
    made.in_memory = minor.device.storage->memory().empty() ? 0 : 1;
    made.is_volatile = minor.device.is_volatile ? 1 : 0;
    made.open_for_writing = minor.open_for_writing() ? 1 : 0;
    return made;
  }

  dvs::endpoint<Backend>& self_;
  std::vector<minor_device> minors_;
  std::vector<std::byte> buffer_;
};

}  // namespace muk::rdisk

#endif
