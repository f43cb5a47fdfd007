// SPDX-License-Identifier: MIT
/// @file
/// A Unix stream socket that carries packets.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_PACKET_SOCKET_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_PACKET_SOCKET_HPP

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <dvs/backends/userspace/daemon/descriptor_queue.hpp>
#include <dvs/backends/userspace/daemon/packet.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace dvs::userspace {

/// The address of a socket in the file system. Throws `std::system_error` if the path does not fit.
[[nodiscard]] inline sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    throw std::system_error(std::make_error_code(std::errc::filename_too_long), path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// See the file comment. Nothing waits. Belongs to one thread.
class packet_socket {
 public:
  explicit packet_socket(owned_descriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int descriptor() const { return socket_.get(); }

  /// Whether more should be queued before `flush`.
  [[nodiscard]] bool has_room() const { return out_.size() < chunk_bytes; }
  void queue(const packet& what, std::span<const shared_descriptor> with = {}) {
    if (!with.empty()) attached_.push_back({out_.size(), {with.begin(), with.end()}});
    const auto length = static_cast<std::uint32_t>(what.size());
    for (int i = 0; i < 4; ++i) out_.push_back(static_cast<std::byte>(length >> (8 * i)));
    out_.insert(out_.end(), what.begin(), what.end());
  }
  /// Sends what is queued, as far as the system takes it. False: the other end is gone.
  [[nodiscard]] bool flush() {
    std::size_t done = 0;
    while (done < out_.size()) {
      const ssize_t sent = send_some(done);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent < 0) break;
      if (!attached_.empty() && attached_.front().at == done) attached_.pop_front();
      done += static_cast<std::size_t>(sent);
    }
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(done));
    for (passengers& each : attached_) each.at -= done;
    return true;
  }
  [[nodiscard]] bool is_flushed() const { return out_.empty(); }

  /// Reads what has come, at most about one chunk. False: the other end is gone, or speaks nonsense.
  [[nodiscard]] bool fill() {
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(std::exchange(used_, 0)));
    const std::size_t had = in_.size();
    in_.resize(had + chunk_bytes);
    ssize_t came;
    do {
      came = receive_some(std::span(in_).subspan(had));
    } while (came < 0 && errno == EINTR);
    in_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(came, 0)));
    return came > 0 || (came < 0 && errno == EAGAIN);
  }
  /// The next whole packet that was read, valid until `fill`. Throws `std::length_error` for one that is too long.
  [[nodiscard]] std::optional<std::span<const std::byte>> next() {
    const std::span<const std::byte> rest = std::span(in_).subspan(used_);
    if (rest.size() < 4) return {};
    std::uint32_t length = 0;
    for (unsigned i = 0; i < 4; ++i) length |= std::to_integer<std::uint32_t>(rest[i]) << (8 * i);
    if (length == 0 || length > packet_bytes_max) throw std::length_error("a packet of impossible length");
    if (rest.size() - 4 < length) return {};
    used_ += 4 + length;
    return rest.subspan(4, length);
  }

  /// The descriptors that came with packets, in their order.
  [[nodiscard]] descriptor_queue& descriptors() { return came_; }

 private:
  static constexpr std::size_t chunk_bytes = 256 * 1024;
  /// Descriptors that go with one packet, or come with one read, at most.
  static constexpr std::size_t descriptors_max = 8;
  union descriptor_message {
    cmsghdr header;
    std::byte room[CMSG_SPACE(descriptors_max * sizeof(int))];
  };
  struct passengers {
    std::size_t at;  ///< where in `out_` the packet begins
    std::vector<shared_descriptor> which;
  };

  /// Sends from `done` on, up to where other descriptors have to go along.
  [[nodiscard]] ssize_t send_some(std::size_t done) {
    const bool has_some = !attached_.empty() && attached_.front().at == done;
    const std::size_t next = has_some ? 1 : 0;
    const std::size_t end = next < attached_.size() ? attached_[next].at : out_.size();
    iovec part{out_.data() + done, end - done};
    msghdr what{};
    what.msg_iov = &part;
    what.msg_iovlen = 1;
    descriptor_message with{};
    if (has_some) {
      const auto& which = attached_.front().which;
      what.msg_control = &with;
      what.msg_controllen = CMSG_SPACE(which.size() * sizeof(int));
      with.header.cmsg_level = SOL_SOCKET;
      with.header.cmsg_type = SCM_RIGHTS;
      with.header.cmsg_len = CMSG_LEN(which.size() * sizeof(int));
      for (std::size_t i = 0; i < which.size(); ++i) {
        const int number = which[i]->get();
        std::memcpy(CMSG_DATA(&with.header) + i * sizeof(int), &number, sizeof number);
      }
    }
    return ::sendmsg(socket_.get(), &what, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  /// Like recv(2); keeps the descriptors that come along. Too many are an error.
  [[nodiscard]] ssize_t receive_some(std::span<std::byte> room) {
    iovec part{room.data(), room.size()};
    descriptor_message with{};
    msghdr what{};
    what.msg_iov = &part;
    what.msg_iovlen = 1;
    what.msg_control = &with;
    what.msg_controllen = sizeof with;
    const ssize_t came = ::recvmsg(socket_.get(), &what, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (came < 0) return came;
    bool is_nonsense = (what.msg_flags & MSG_CTRUNC) != 0;
    for (cmsghdr* each = CMSG_FIRSTHDR(&what); each != nullptr; each = CMSG_NXTHDR(&what, each)) {
      if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
      for (std::size_t at = CMSG_LEN(0); at < each->cmsg_len; at += sizeof(int)) {
        int number;
        std::memcpy(&number, reinterpret_cast<const std::byte*>(each) + at, sizeof number);
        is_nonsense = is_nonsense || came_.is_full();
        if (owned_descriptor arrived(number); !is_nonsense) came_.add(std::move(arrived));
      }
    }
    if (!is_nonsense) return came;
    errno = EPROTO;
    return -1;
  }

  owned_descriptor socket_;
  std::vector<std::byte> in_, out_;
  std::deque<passengers> attached_;
  descriptor_queue came_;
  std::size_t used_ = 0;
};

}  // namespace dvs::userspace

#endif
