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
#include <dvs/backends/userspace/daemon/packet.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace dvs::userspace {

/// A descriptor that is closed with its owner.
class owned_descriptor {
 public:
  owned_descriptor() = default;
  explicit owned_descriptor(int descriptor) : descriptor_(descriptor) {}
  owned_descriptor(owned_descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~owned_descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

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
  void queue(const packet& what) {
    const auto length = static_cast<std::uint32_t>(what.size());
    for (int i = 0; i < 4; ++i) out_.push_back(static_cast<std::byte>(length >> (8 * i)));
    out_.insert(out_.end(), what.begin(), what.end());
  }
  /// Sends what is queued, as far as the system takes it. False: the other end is gone.
  [[nodiscard]] bool flush() {
    std::size_t done = 0;
    while (done < out_.size()) {
      const ssize_t sent = ::send(socket_.get(), out_.data() + done, out_.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent < 0) break;
      done += static_cast<std::size_t>(sent);
    }
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(done));
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
      came = ::recv(socket_.get(), in_.data() + had, chunk_bytes, MSG_DONTWAIT);
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

 private:
  static constexpr std::size_t chunk_bytes = 256 * 1024;

  owned_descriptor socket_;
  std::vector<std::byte> in_, out_;
  std::size_t used_ = 0;
};

}  // namespace dvs::userspace

#endif
