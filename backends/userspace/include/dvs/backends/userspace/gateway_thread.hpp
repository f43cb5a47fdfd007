// SPDX-License-Identifier: MIT
/// @file
/// A gateway with a thread of its own, for programs whose threads also wait outside dvs.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_THREAD_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_THREAD_HPP

#include <dvs/backends/userspace/gateway.hpp>
#include <optional>

namespace dvs::userspace {

/// Makes a gateway on a new thread, which it ends in its destructor. What belongs into the context of the gate, such as
/// making proxies, goes there by `gateway::run`.
class gateway_thread {
 public:
  explicit gateway_thread(node_id self) : gateway_thread(std::in_place, self) {}
  explicit gateway_thread(part_of whole) : gateway_thread(std::in_place, whole) {}
  gateway_thread(const gateway_thread&) = delete;
  gateway_thread& operator=(const gateway_thread&) = delete;
  ~gateway_thread() {
    carrier_->ring(bell_);
    thread_.join();
  }

  [[nodiscard]] gateway& operator*() { return *gateway_; }
  [[nodiscard]] gateway* operator->() { return &*gateway_; }

 private:
  template <class Place>
  gateway_thread(std::in_place_t, Place self) {
    std::atomic<bool> ready{false};
    thread_ = std::thread([this, self, &ready] {
      gateway_.emplace(self);
      carrier_ = carrier::current_shared();
      carrier& here = *carrier_;
      home_ = &here.running();
      bell_ = here.add_bell(stop_);
      ready.store(true, std::memory_order_release);
      ready.notify_one();
      while (!stop_.rang) here.suspend(-1);
      here.remove_bell(bell_, stop_);
      gateway_.reset();
    });
    ready.wait(false, std::memory_order_acquire);
  }
  struct stop_bell final : bell_source {
    explicit stop_bell(gateway_thread& t) : owner(t) {}
    void rung() override {
      rang = true;
      owner.carrier_->make_ready(*owner.home_);
    }
    gateway_thread& owner;
    bool rang = false;
  } stop_{*this};

  std::optional<gateway> gateway_;
  std::shared_ptr<carrier> carrier_;  ///< outlives its thread: the last ring may come when that has gone
  task* home_ = nullptr;
  std::uint32_t bell_ = 0;
  std::thread thread_;
};

}  // namespace dvs::userspace

#endif
