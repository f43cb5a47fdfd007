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

  /// The node is to be linked: `name` and `way` (the proxy) are what people call it. Once a node is expected, others
  /// are not let in.
  void expect(node_id peer, std::string name, std::string way) {
    link_record& known = links_[peer];
    known.name = std::move(name);
    known.way = std::move(way);
    known.since = now();
    is_open_ = false;
  }
  /// A row for each node that is linked or expected, as `dvs link list` wants them.
  [[nodiscard]] json links() const;

  errc link_up(node_id peer, std::uint64_t incarnation, proxy& by) override {
    if (!is_open_ && !links_.contains(peer)) return errc::bad_argument;
    const errc outcome = board_.link_up(peer, incarnation);
    if (outcome != errc::ok) return outcome;
    link_record& known = links_[peer];
    known.by = &by;
    known.since = now();
    ++known.times_up;
    ready_for(peer);
    return errc::ok;
  }
  void link_down(node_id peer) override {
    const auto known = links_.find(peer);
    if (known == links_.end() || std::exchange(known->second.by, nullptr) == nullptr) return;
    known->second.since = now();
    board_.link_down(peer);
  }
  [[nodiscard]] std::size_t next_outgoing(node_id peer, std::span<std::byte> room) override {
    const std::span<const std::byte> next = board_.next_for(peer);
    if (next.empty() || next.size() > room.size()) return 0;
    const std::size_t bytes = next.size();
    std::ranges::copy(next, room.begin());
    board_.sent_to(peer);
    links_[peer].sent.count(bytes);
    return bytes;
  }
  errc deliver(node_id peer, std::span<const std::byte> frame) override {
    const errc outcome = board_.deliver_from(peer, frame);
    if (outcome == errc::ok) links_[peer].received.count(frame.size());
    return outcome;
  }

  /// Frames for a peer have begun to wait.
  void ready_for(node_id peer) {
    if (const auto known = links_.find(peer); known != links_.end() && known->second.by != nullptr)
      wake(*known->second.by);
  }

 private:
  struct traffic {
    void count(std::size_t more) { ++frames, bytes += more; }
    std::uint64_t frames = 0, bytes = 0;
  };
  /// A node that is linked, was, or should be.
  struct link_record {
    std::string name, way;
    proxy* by = nullptr;  ///< null: the link is down
    duration since{};     ///< when it came up or went down
    std::uint64_t times_up = 0;
    traffic sent, received;
  };
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
  std::map<node_id, link_record> links_;
  bool is_open_ = true;
  std::mutex guests_lock_;
  std::map<proxy*, std::shared_ptr<guest>> guests_;
  std::map<int, std::shared_ptr<watched>> watched_;
};

inline json node_gate::links() const {
  json rows = json::array();
  for (const auto& [peer, known] : links_) {
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now() - known.since);
    json row = {{"node", number(peer)},
                {"name", known.name},
                {"proxy", known.way},
                {"up", known.by != nullptr},
                {"for_ms", age.count()},
                {"reconnects", known.times_up == 0 ? 0 : known.times_up - 1},
                {"frames_sent", known.sent.frames},
                {"bytes_sent", known.sent.bytes},
                {"frames_received", known.received.frames},
                {"bytes_received", known.received.bytes},
                {"commands", board_.open_commands(peer)}};
    const auto measured = known.by == nullptr ? std::nullopt : known.by->round_trip(peer);
    if (measured) row["round_trip_us"] = std::chrono::duration_cast<std::chrono::microseconds>(*measured).count();
    rows.push_back(std::move(row));
  }
  return rows;
}

inline errc node_gate::wake_when(proxy& which, int descriptor, readiness what) {
  try {
    auto& known = watched_[descriptor];
    if (known == nullptr) known = std::make_shared<watched>(loop_, descriptor);
    const bool reads = what == readiness::readable;
    if (std::exchange(reads ? known->reads : known->writes, true)) return errc::ok;
    using descriptor_of = boost::asio::posix::stream_descriptor;
    known->descriptor.async_wait(reads ? descriptor_of::wait_read : descriptor_of::wait_write,
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
  for (const auto& [peer, known] : links_)
    if (known.by == &which) linked.push_back(peer);
  for (const node_id peer : linked) link_down(peer);
  const std::lock_guard guard(guests_lock_);
  guests_.erase(&which);
}

}  // namespace dvs::userspace

#endif
