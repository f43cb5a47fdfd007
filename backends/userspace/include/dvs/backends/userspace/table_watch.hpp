// SPDX-License-Identifier: MIT
/// @file
/// A wait for a process to be bound, unbound or at rest.
#ifndef DVS_BACKENDS_USERSPACE_TABLE_WATCH_HPP
#define DVS_BACKENDS_USERSPACE_TABLE_WATCH_HPP

#include <dvs/backends/userspace/carrier.hpp>
#include <dvs/error.hpp>
#include <dvs/ids.hpp>

namespace dvs::userspace {

/// What is waited for.
enum class awaited : std::uint8_t { bound, unbound, rest };

/// The broker decides it at the change itself, under its lock: a process that comes and goes at once is not missed.
/// Belongs to the task that made it.
class table_watch final : public bell_source {
 public:
  table_watch(carrier& here, endpoint_id whom, awaited what)
      : who(whom), wanted(what), carrier_(here), waits_(here.running()), bell_(here.add_bell(*this)) {}
  table_watch(const table_watch&) = delete;
  table_watch& operator=(const table_watch&) = delete;
  ~table_watch() { carrier_.remove_bell(bell_, *this); }

  /// `would_block` until it is decided.
  [[nodiscard]] errc outcome() const { return outcome_.load(std::memory_order_acquire); }
  void decide(errc outcome) {
    outcome_.store(outcome, std::memory_order_seq_cst);
    carrier_.ring(bell_);
  }

  const endpoint_id who;
  const awaited wanted;

 private:
  void rung() override { carrier_.make_ready(waits_); }

  carrier& carrier_;
  task& waits_;
  const std::uint32_t bell_;
  std::atomic<errc> outcome_{errc::would_block};
};

}  // namespace dvs::userspace

#endif
