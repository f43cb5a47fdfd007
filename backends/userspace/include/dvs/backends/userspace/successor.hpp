// SPDX-License-Identifier: MIT
/// @file
/// A wait to go on in the place of another process.
#ifndef DVS_BACKENDS_USERSPACE_SUCCESSOR_HPP
#define DVS_BACKENDS_USERSPACE_SUCCESSOR_HPP

#include <dvs/backends/userspace/carrier.hpp>
#include <dvs/error.hpp>
#include <dvs/ids.hpp>

namespace dvs::userspace {

class port;

/// Belongs to the task that made it, which will be the process; the broker decides it, under its lock.
class successor final : public bell_source {
 public:
  successor(const std::shared_ptr<carrier>& here, endpoint_id of)
      : who(of), runs_on(here), waits_(here->running()), bell_(here->add_bell(*this)) {}
  successor(const successor&) = delete;
  successor& operator=(const successor&) = delete;
  ~successor() { runs_on->remove_bell(bell_, *this); }

  /// `would_block` until it is decided.
  [[nodiscard]] errc outcome() const { return outcome_.load(std::memory_order_acquire); }
  void decide(errc outcome) {
    if (outcome_.load(std::memory_order_relaxed) != errc::would_block) return;
    outcome_.store(outcome, std::memory_order_seq_cst);
    runs_on->ring(bell_);
  }

  /// Has its task look again.
  void ring() { runs_on->ring(bell_); }

  const endpoint_id who;
  const std::shared_ptr<carrier> runs_on;
  bool is_chosen = false;  ///< another node may have decided that it goes on here; under the broker's lock
  port* goes_on = nullptr;

 private:
  void rung() override { runs_on->make_ready(waits_); }

  task& waits_;
  const std::uint32_t bell_;
  std::atomic<errc> outcome_{errc::would_block};
};

}  // namespace dvs::userspace

#endif
