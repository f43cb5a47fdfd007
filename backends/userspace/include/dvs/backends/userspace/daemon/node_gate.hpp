// SPDX-License-Identifier: MIT
/// @file
/// The gate of a daemon: what proxies see of its switchboard.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_NODE_GATE_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_NODE_GATE_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <dvs/backends/userspace/daemon/switchboard.hpp>
#include <dvs/proxy.hpp>
#include <mutex>

namespace dvs::userspace {

/// Runs proxies on an event loop of Asio. Belongs to the thread of the loop, but for what `dvs::gate` allows to others.
class node_gate final : public gate {
 public:
  node_gate(boost::asio::io_context& loop, switchboard& board) : loop_(loop), board_(board) {}

  [[nodiscard]] node_id self() const override { return board_.self(); }
  [[nodiscard]] std::uint64_t incarnation() const override { return board_.incarnation(); }
  [[nodiscard]] duration now() const override { return duration{monotonic_ns()}; }

  void wake(proxy& which) override {
    const std::shared_ptr<guest> known = guest_of(which);
    if (known->is_awake.exchange(true)) return;
    boost::asio::post(loop_, [still_there = std::weak_ptr(known), &which] {
      const auto there = still_there.lock();
      if (there == nullptr) return;
      there->is_awake = false;
      which.run();
    });
  }
  void wake_at(proxy& which, duration when) override {
    const std::shared_ptr<guest> known = guest_of(which);
    known->timer.expires_at(std::chrono::steady_clock::time_point(when));
    known->timer.async_wait([still_there = std::weak_ptr(known), &which](const auto& failed) {
      if (!failed && !still_there.expired()) which.run();
    });
  }
  errc wake_when(proxy& which, int descriptor, readiness what) override;
  void forget(int descriptor) override { watched_.erase(descriptor); }
  void remove(proxy& which) override;

  errc link_up(node_id peer, std::uint64_t incarnation, proxy& by) override {
    const errc outcome = board_.link_up(peer, incarnation);
    if (outcome == errc::ok) proxies_[peer] = &by;
    if (outcome == errc::ok) ready_for(peer);
    return outcome;
  }
  void link_down(node_id peer) override {
    if (proxies_.erase(peer) != 0) board_.link_down(peer);
  }
  [[nodiscard]] std::size_t next_outgoing(node_id peer, std::span<std::byte> room) override {
    const std::span<const std::byte> next = board_.next_for(peer);
    if (next.empty() || next.size() > room.size()) return 0;
    std::ranges::copy(next, room.begin());
    board_.sent_to(peer);
    return next.size();
  }
  errc deliver(node_id peer, std::span<const std::byte> frame) override { return board_.deliver_from(peer, frame); }

  /// Frames for a peer have begun to wait.
  void ready_for(node_id peer) {
    if (const auto by = proxies_.find(peer); by != proxies_.end()) wake(*by->second);
  }

 private:
  /// A proxy that has asked to be run some time.
  struct guest {
    explicit guest(boost::asio::io_context& loop) : timer(loop) {}
    boost::asio::steady_timer timer;
    std::atomic<bool> is_awake{false};
  };
  /// A descriptor of a proxy.
  struct watched {
    watched(boost::asio::io_context& loop, int number) : descriptor(loop, number) {}
    ~watched() { descriptor.release(); }
    boost::asio::posix::stream_descriptor descriptor;
    bool reads = false, writes = false;
  };

  std::shared_ptr<guest> guest_of(proxy& which) {
    const std::lock_guard guard(guests_lock_);
    auto& known = guests_[&which];
    if (known == nullptr) known = std::make_shared<guest>(loop_);
    return known;
  }

  boost::asio::io_context& loop_;
  switchboard& board_;
  std::map<node_id, proxy*> proxies_;
  std::mutex guests_lock_;
  std::map<proxy*, std::shared_ptr<guest>> guests_;
  std::map<int, std::shared_ptr<watched>> watched_;
};

inline errc node_gate::wake_when(proxy& which, int descriptor, readiness what) {
  try {
    auto& known = watched_[descriptor];
    if (known == nullptr) known = std::make_shared<watched>(loop_, descriptor);
    const bool reads = what == readiness::readable;
    if (std::exchange(reads ? known->reads : known->writes, true)) return errc::ok;
    using stream = boost::asio::posix::stream_descriptor;
    known->descriptor.async_wait(reads ? stream::wait_read : stream::wait_write,
                                 [&which, reads, still_there = std::weak_ptr(known)](const auto& failed) {
                                   const auto there = still_there.lock();
                                   if (there == nullptr) return;
                                   (reads ? there->reads : there->writes) = false;
                                   if (!failed) which.run();
                                 });
    return errc::ok;
  } catch (const boost::system::system_error&) {
    watched_.erase(descriptor);
    return errc::bad_descriptor;
  }
}

inline void node_gate::remove(proxy& which) {
  std::vector<node_id> linked;
  for (const auto& [peer, by] : proxies_)
    if (by == &which) linked.push_back(peer);
  for (const node_id peer : linked) link_down(peer);
  const std::lock_guard guard(guests_lock_);
  guests_.erase(&which);
}

}  // namespace dvs::userspace

#endif
