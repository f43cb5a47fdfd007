// SPDX-License-Identifier: MIT
/// @file
/// A packet socket on one Ethernet interface that never waits. It receives through a ring that it shares with the
/// kernel (TPACKET_V3), and sends several frames at once.
#ifndef DVS_PROXIES_ETHERNET_SOCKET_HPP
#define DVS_PROXIES_ETHERNET_SOCKET_HPP

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <dvs/proxies/ethernet_address.hpp>
#include <dvs/proxies/introduction.hpp>
#include <dvs/proxies/ip_address.hpp>
#include <dvs/proxies/link_settings.hpp>
#include <dvs/proxies/packet_batch.hpp>
#include <string>

namespace dvs::proxies {

/// The ethertype of dvs, one that IEEE 802 leaves to local experiments.
inline constexpr std::uint16_t ethertype = 0x88B5;

/// Where a node receives: `interface` is looked at for this host, `address` for others.
struct ethernet_place {
  std::string interface;  ///< such as "eth0"
  std::string address;    ///< such as "52:54:00:12:34:56"
};

/// See `packet_transport`. A frame is the Ethernet header, the length of the packet (2 bytes, little-endian: short
/// frames arrive longer than they were), and the packet.
class ethernet_socket {
 public:
  using place = ethernet_place;
  using address = ethernet_address;

  ethernet_socket(const place& here, std::size_t packet_bytes) : outgoing_(head_bytes + packet_bytes) {
    const unsigned interface = ::if_nametoindex(here.interface.c_str());
    if (interface == 0) throw error(here.interface.empty() ? errc::bad_argument : errc::no_device);
    descriptor_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) throw error(why_not_there());
    try {
      look_at(here.interface, packet_bytes);
      map_ring();
      listen(interface);
    } catch (...) {
      close();
      throw;
    }
  }
  ethernet_socket(const ethernet_socket&) = delete;
  ethernet_socket& operator=(const ethernet_socket&) = delete;
  ~ethernet_socket() { close(); }

  [[nodiscard]] static address address_of(const place& where) {
    const auto made = address::from(where.address);
    if (!made) throw error(errc::bad_argument);
    return *made;
  }
  /// The largest packets that an interface of this host takes. Throws `dvs::error` `no_device`: there is none.
  [[nodiscard]] static std::uint32_t packet_bytes_of(const std::string& interface) {
    ifreq asked{};
    interface.copy(asked.ifr_name, sizeof asked.ifr_name - 1);
    const int any_socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool is_there = ::ioctl(any_socket, SIOCGIFMTU, &asked) == 0;
    ::close(any_socket);
    if (!is_there) throw error(errc::no_device);
    return std::clamp(static_cast<std::uint32_t>(asked.ifr_mtu) - 2, packet_bytes_min, packet_bytes_max);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// The address of the interface.
  [[nodiscard]] const address& own_address() const { return own_; }

  /// Takes one block of the ring.
  template <class Use>
  bool receive(Use&& use) {
    auto& block = *reinterpret_cast<tpacket_block_desc*>(ring_ + next_block_ * block_bytes);
    std::atomic_ref<std::uint32_t> status(block.hdr.bh1.block_status);
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) return false;
    const std::uint8_t* at = reinterpret_cast<std::uint8_t*>(&block) + block.hdr.bh1.offset_to_first_pkt;
    for (std::uint32_t left = block.hdr.bh1.num_pkts; left > 0; --left) {
      const auto& head = *reinterpret_cast<const tpacket3_hdr*>(at);
      hear({at + head.tp_mac, head.tp_snaplen}, use);
      at += head.tp_next_offset;
    }
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    next_block_ = (next_block_ + 1) % blocks;
    return true;
  }

  [[nodiscard]] bool has_room() {
    if (outgoing_.is_full()) flush();
    return !outgoing_.is_full();
  }
  [[nodiscard]] std::span<std::uint8_t> room() { return outgoing_.room().subspan(head_bytes); }
  void send(const address& to, std::size_t bytes) {
    std::uint8_t* const frame = outgoing_.room().data();
    std::memcpy(frame, to.bytes.data(), to.bytes.size());
    std::memcpy(frame + 6, own_.bytes.data(), own_.bytes.size());
    frame[12] = ethertype >> 8;
    frame[13] = ethertype & 0xFF;
    put_number(frame + ETHER_HDR_LEN, bytes, 2);
    outgoing_.add(head_bytes + bytes);
  }
  void flush() { outgoing_.send(descriptor_); }

 private:
  static constexpr std::size_t head_bytes = ETHER_HDR_LEN + 2;
  static constexpr std::size_t block_bytes = 256 << 10, blocks = 16;
  /// A block is handed over when it is full, or so old: the kernel knows no shorter time.
  static constexpr unsigned block_ms = 1;

  /// Tests the size of packets, and takes the address of the interface.
  void look_at(const std::string& interface, std::size_t packet_bytes) {
    ifreq asked{};
    interface.copy(asked.ifr_name, sizeof asked.ifr_name - 1);
    if (::ioctl(descriptor_, SIOCGIFMTU, &asked) != 0) throw error(why_not_there());
    if (packet_bytes + 2 > static_cast<std::size_t>(asked.ifr_mtu)) throw error(errc::bad_value);
    if (::ioctl(descriptor_, SIOCGIFHWADDR, &asked) != 0) throw error(why_not_there());
    std::memcpy(own_.bytes.data(), asked.ifr_hwaddr.sa_data, own_.bytes.size());
  }
  void map_ring() {
    const int version = TPACKET_V3;
    tpacket_req3 wanted{};
    wanted.tp_block_size = block_bytes;
    wanted.tp_block_nr = blocks;
    wanted.tp_frame_size = 2048;
    wanted.tp_frame_nr = block_bytes / wanted.tp_frame_size * blocks;
    wanted.tp_retire_blk_tov = block_ms;
    if (::setsockopt(descriptor_, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0 ||
        ::setsockopt(descriptor_, SOL_PACKET, PACKET_RX_RING, &wanted, sizeof wanted) != 0)
      throw error(errc::not_supported);
    void* const mapped = ::mmap(nullptr, block_bytes * blocks, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (mapped == MAP_FAILED) throw error(errc::no_memory);
    ring_ = static_cast<std::uint8_t*>(mapped);
  }
  void listen(unsigned interface) {
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ethertype);
    where.sll_ifindex = static_cast<int>(interface);
    if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) throw error(why_not_there());
  }
  void close() {
    if (ring_ != nullptr) ::munmap(ring_, block_bytes * blocks);
    ::close(descriptor_);
  }

  /// A frame: it may be for others, or of others who use the same ethertype.
  template <class Use>
  void hear(byte_view frame, Use&& use) const {
    if (frame.size() < head_bytes || std::memcmp(frame.data(), own_.bytes.data(), own_.bytes.size()) != 0) return;
    const std::size_t bytes = get_number(frame.data() + ETHER_HDR_LEN, 2);
    if (bytes > frame.size() - head_bytes) return;
    address from;
    std::memcpy(from.bytes.data(), frame.data() + 6, from.bytes.size());
    use(from, frame.subspan(head_bytes, bytes));
  }

  int descriptor_ = -1;
  address own_;
  std::uint8_t* ring_ = nullptr;
  std::size_t next_block_ = 0;
  packet_batch<> outgoing_;
};

}  // namespace dvs::proxies

#endif
