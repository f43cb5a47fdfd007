// SPDX-License-Identifier: MIT
/// @file
/// The simplest link between two gates: queues in memory, that can be cut and mended.
#ifndef DVS_TESTS_CLUSTER_PLAIN_WIRE_HPP
#define DVS_TESTS_CLUSTER_PLAIN_WIRE_HPP

#include <array>
#include <deque>
#include <dvs/proxy.hpp>
#include <memory>
#include <mutex>
#include <vector>

/// Joins two gates of one process. Make it in neither's context; both must outlive it.
template <class Gateway>
class plain_wire {
 public:
  plain_wire(Gateway& left, Gateway& right) : ends_{end(*this, left, 0), end(*this, right, 1)} { mend(); }
  plain_wire(const plain_wire&) = delete;
  plain_wire& operator=(const plain_wire&) = delete;
  ~plain_wire() {
    {
      const std::lock_guard guard(lock_);
      closed_ = true;
    }
    // Twice: the first time an end may still wake the other one.
    for (int pass = 0; pass < 2; ++pass)
      for (end& each : ends_) each.gate.run([&] { each.gate.remove(each); });
  }

  /// Loses what is under way, and the link.
  void cut() { change(false); }
  /// Brings it back.
  void mend() { change(true); }

 private:
  using frame = std::vector<std::byte>;

  struct end final : dvs::proxy {
    end(plain_wire& w, Gateway& g, std::size_t i) : wire(w), gate(g), index(i) {}
    void run() override {
      Gateway& other = wire.ends_[1 - index].gate;
      std::deque<frame> came;
      std::uint64_t epoch;
      bool up;
      {
        const std::lock_guard guard(wire.lock_);
        if (wire.closed_) return;
        epoch = wire.epoch_;
        up = wire.up_;
        came.swap(wire.towards_[index]);
      }
      if (epoch != seen) {
        seen = epoch;
        gate.link_down(other.self());
        if (up) gate.link_up(other.self(), other.incarnation(), *this);
      }
      for (const frame& each : came) gate.deliver(other.self(), each);
      bool sent = false;
      while (const std::size_t bytes = gate.next_outgoing(other.self(), room)) {
        const std::lock_guard guard(wire.lock_);
        if (wire.epoch_ != seen) break;
        wire.towards_[1 - index].emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes));
        sent = true;
      }
      if (sent) other.wake(wire.ends_[1 - index]);
    }
    plain_wire& wire;
    Gateway& gate;
    std::size_t index;
    std::uint64_t seen = 0;
    std::vector<std::byte> room = std::vector<std::byte>(dvs::frame_bytes_max);
  };

  void change(bool up) {
    {
      const std::lock_guard guard(lock_);
      ++epoch_;
      up_ = up;
      for (auto& queue : towards_) queue.clear();
    }
    for (end& each : ends_) each.gate.wake(each);
  }

  std::array<end, 2> ends_;
  std::mutex lock_;
  std::uint64_t epoch_ = 0;
  bool up_ = false;
  bool closed_ = false;
  std::array<std::deque<frame>, 2> towards_;
};

#endif
