// SPDX-License-Identifier: MIT
/// @file
/// A descriptor of somebody else that is waited for in the event loop of a thread.
#ifndef DVS_BACKENDS_USERSPACE_WATCHED_DESCRIPTOR_HPP
#define DVS_BACKENDS_USERSPACE_WATCHED_DESCRIPTOR_HPP

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/system_error.hpp>
#include <dvs/backends/userspace/streams_reactor.hpp>
#include <dvs/proxy.hpp>
#include <functional>

namespace dvs::userspace {

/// Belongs to the thread of its carrier. When it goes, nothing is told any more; the descriptor stays open.
class watched_descriptor {
 public:
  /// Throws `boost::system::system_error` if the descriptor cannot be waited for.
  watched_descriptor(carrier& here, int descriptor) : watched_(asio_reactor::of(here).loop(), descriptor) {}
  watched_descriptor(const watched_descriptor&) = delete;
  watched_descriptor& operator=(const watched_descriptor&) = delete;
  ~watched_descriptor() { watched_.release(); }

  /// Calls `ready` once, when it is; nothing if it is waited for already.
  void wait(readiness what, std::function<void()> ready) {
    const bool reads = what == readiness::readable;
    if (std::exchange((*waits_)[reads], true)) return;
    const auto type =
        reads ? boost::asio::posix::stream_descriptor::wait_read : boost::asio::posix::stream_descriptor::wait_write;
    watched_.async_wait(type, [still_there = std::weak_ptr(waits_), reads, ready = std::move(ready)](auto) {
      const auto waits = still_there.lock();
      if (waits == nullptr) return;
      (*waits)[reads] = false;
      ready();
    });
  }

 private:
  boost::asio::posix::stream_descriptor watched_;
  std::shared_ptr<std::array<bool, 2>> waits_ = std::make_shared<std::array<bool, 2>>();
};

}  // namespace dvs::userspace

#endif
