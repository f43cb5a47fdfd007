// SPDX-License-Identifier: MIT
/// @file
/// Packets that go to the system, or come from it, in one call.
#ifndef DVS_PROXIES_PACKET_BATCH_HPP
#define DVS_PROXIES_PACKET_BATCH_HPP

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dvs::proxies {

/// The address of a packet that says itself where it goes.
struct no_address {
  [[nodiscard]] sockaddr* data() { return nullptr; }
  [[nodiscard]] socklen_t bytes() const { return 0; }
  void set_bytes(socklen_t) {}
  static constexpr socklen_t bytes_max = 0;
};

/// Up to 32 packets of one largest size, each with an address. `Address` is one of the system's.
template <class Address = no_address>
class packet_batch {
 public:
  static constexpr std::size_t packets_max = 32;

  explicit packet_batch(std::size_t packet_bytes) : packet_bytes_(packet_bytes), bytes_(packets_max * packet_bytes) {}

  [[nodiscard]] bool is_full() const { return count_ == packets_max; }
  /// Where the next packet is to be written.
  [[nodiscard]] std::span<std::uint8_t> room() { return packet(count_); }
  /// The next packet is written.
  void add(std::size_t bytes, const Address& to = {}) {
    addresses_[count_] = to;
    sizes_[count_++] = bytes;
  }
  /// Sends as many as the system takes at once; the others stay. One that it refuses is as good as lost.
  void send(int descriptor) {
    for (std::size_t i = 0; i < count_; ++i) prepare(i, sizes_[i], addresses_[i].bytes());
    std::size_t done = 0;
    while (done < count_) {
      const int sent = ::sendmmsg(descriptor, heads_.data() + done, static_cast<unsigned>(count_ - done),
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        done += static_cast<std::size_t>(sent);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        break;
      } else if (errno != EINTR) {
        ++done;
      }
    }
    keep_from(done);
  }

  /// Calls `use(from, packet)` for those that have come, as many as fit; whether there may be more.
  template <class Use>
  bool receive(int descriptor, Use&& use) {
    for (std::size_t i = 0; i < packets_max; ++i) prepare(i, packet_bytes_, Address::bytes_max);
    const int got = ::recvmmsg(descriptor, heads_.data(), packets_max, MSG_DONTWAIT, nullptr);
    for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
      if ((heads_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;  // longer than any of ours
      addresses_[i].set_bytes(heads_[i].msg_hdr.msg_namelen);
      use(addresses_[i], std::span<const std::uint8_t>(packet(i)).first(heads_[i].msg_len));
    }
    return got == static_cast<int>(packets_max);
  }

 private:
  [[nodiscard]] std::span<std::uint8_t> packet(std::size_t i) {
    return {bytes_.data() + i * packet_bytes_, packet_bytes_};
  }
  void prepare(std::size_t i, std::size_t bytes, socklen_t address_bytes) {
    parts_[i] = {packet(i).data(), bytes};
    heads_[i] = {};
    heads_[i].msg_hdr.msg_name = addresses_[i].data();
    heads_[i].msg_hdr.msg_namelen = address_bytes;
    heads_[i].msg_hdr.msg_iov = &parts_[i];
    heads_[i].msg_hdr.msg_iovlen = 1;
  }
  void keep_from(std::size_t first) {
    if (first == 0) return;
    for (std::size_t i = first; i < count_; ++i) {
      std::copy_n(packet(i).data(), sizes_[i], packet(i - first).data());
      sizes_[i - first] = sizes_[i];
      addresses_[i - first] = addresses_[i];
    }
    count_ -= first;
  }

  std::size_t packet_bytes_;
  std::vector<std::uint8_t> bytes_;
  std::size_t count_ = 0;
  std::array<std::size_t, packets_max> sizes_{};
  std::array<Address, packets_max> addresses_{};
  std::array<iovec, packets_max> parts_{};
  std::array<mmsghdr, packets_max> heads_{};
};

}  // namespace dvs::proxies

#endif
