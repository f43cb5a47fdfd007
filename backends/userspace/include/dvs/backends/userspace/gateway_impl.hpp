// SPDX-License-Identifier: MIT
/// @file
/// How the gateway runs: its fiber, its proxies, and what other threads want of it.
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_IMPL_HPP

#include <dvs/backends/userspace/gateway.hpp>
#include <random>

namespace dvs::userspace {

inline std::uint64_t gateway::random_incarnation() {
  std::random_device chance;
  return std::uint64_t{chance()} << 32 | chance();
}

inline gateway::gateway(node_id self, std::uint64_t incarnation) : gateway(self, self, incarnation) {}
inline gateway::gateway(part_of whole) : gateway(whole.node, this_process, random_incarnation()) {}
inline gateway::gateway(node_id of, node_id self, std::uint64_t incarnation)
    : node_(of), self_(self), incarnation_(incarnation), carrier_(carrier::current_shared()) {
  struct life final : runnable {
    explicit life(gateway& g) : owner(g) {}
    void run() override { owner.serve(); }
    gateway& owner;
  };
  bell_ = carrier_->add_bell(errand_bell_);
  carrier_->spawn(std::make_unique<life>(*this), "gateway");
}

inline gateway::~gateway() {
  stopping_ = true;
  for (const auto& each : workers_) {
    each->stopping = true;
    if (each->runs_as != nullptr) carrier_->make_ready(*each->runs_as);
  }
  ready();
  while (!ended_ || fibers_ != 0) carrier_->yield();
  carrier_->remove_bell(bell_, errand_bell_);
}

/// The life of the gate's fiber.
inline void gateway::serve() {
  fiber_ = &carrier_->running();
  while (!stopping_) {
    run_errands();
    if (run_proxies()) {
      carrier_->yield();  // what was delivered may be answered at once, and go out with the next run
      continue;
    }
    if (has_errands_.load(std::memory_order_acquire) || !runnable_.empty() || stopping_) continue;
    look_for_cycles();
    duration next{look_for_cycles_at_ns_};
    for (const auto& [which, when] : alarms_)
      if (next.count() == 0 || when < next) next = when;
    carrier_->suspend(next.count() == 0 ? -1 : next.count());
  }
  ended_ = true;
}

inline void gateway::ready() {
  if (fiber_ != nullptr) carrier_->make_ready(*fiber_);
}

// ---- Proxies ----

inline void gateway::wake(proxy& which) {
  if (!is_here()) return post({.what = errand::kind::wake, .which = &which});
  if (std::find(runnable_.begin(), runnable_.end(), &which) == runnable_.end()) runnable_.push_back(&which);
  ready();
}

inline void gateway::wake_at(proxy& which, duration when) {
  alarms_[&which] = when;
  ready();
}

inline errc gateway::wake_when(proxy& which, int descriptor, readiness what) {
  try {
    auto& watched = watched_[descriptor];
    if (watched == nullptr) watched = std::make_unique<watched_descriptor>(*carrier_, descriptor);
    watched->wait(what, [this, &which] { wake(which); });
    return errc::ok;
  } catch (const boost::system::system_error&) {
    watched_.erase(descriptor);
    return errc::bad_descriptor;
  }
}

inline void gateway::forget(int descriptor) { watched_.erase(descriptor); }

inline void gateway::remove(proxy& which) {
  std::vector<node_id> linked;
  for (const auto& [peer, to] : peers_)
    if (to.by == &which) linked.push_back(peer);
  for (const node_id peer : linked) link_down(peer);
  std::erase(runnable_, &which);
  alarms_.erase(&which);
}

/// Runs the proxies that have something to do; whether there were any.
inline bool gateway::run_proxies() {
  if (!alarms_.empty()) {
    const duration time = now();
    for (auto at = alarms_.begin(); at != alarms_.end();) {
      if (at->second > time) {
        ++at;
        continue;
      }
      if (std::find(runnable_.begin(), runnable_.end(), at->first) == runnable_.end()) runnable_.push_back(at->first);
      at = alarms_.erase(at);
    }
  }
  const bool any_ran = !runnable_.empty();
  for (std::size_t left = runnable_.size(); left > 0 && !runnable_.empty(); --left) {
    proxy& next = *runnable_.front();
    runnable_.erase(runnable_.begin());
    next.run();
  }
  return any_ran;
}

// ---- Errands of other threads ----

inline void gateway::post(errand what) {
  {
    const std::lock_guard guard(errands_lock_);
    errands_.push_back(std::move(what));
    has_errands_.store(true, std::memory_order_seq_cst);
  }
  carrier_->ring(bell_);
}

inline void gateway::run_errands() {
  if (!has_errands_.load(std::memory_order_acquire)) return;
  std::vector<errand> now;
  {
    const std::lock_guard guard(errands_lock_);
    now.swap(errands_);
    has_errands_.store(false, std::memory_order_relaxed);
  }
  for (errand& each : now) carry_out(each);
}

inline void gateway::carry_out(errand& what) {
  switch (what.what) {
    case errand::kind::submit:
      open(*what.command);
      break;
    case errand::kind::give_up:
      if (is_open(what.command)) send_cancel(*what.command);
      break;
    case errand::kind::abandon:
      if (is_open(what.command)) drop(*what.command);
      break;
    case errand::kind::suspect:
      begin_search(what.exchange);
      break;
    case errand::kind::bound:
      note_bound(what.dc, what.who, what.what_bound);
      break;
    case errand::kind::gone:
      note_gone(what.dc, what.who, what.what_bound.birth);
      break;
    case errand::kind::wake:
      wake(*what.which);
      break;
    case errand::kind::call:
      (*what.action)();
      what.done->store(true, std::memory_order_release);
      what.done->notify_all();
      break;
  }
}

inline void gateway::run(const std::function<void()>& action) {
  if (is_here() && fiber_ == &carrier_->running()) return action();
  std::atomic<bool> done{false};
  post({.what = errand::kind::call, .action = &action, .done = &done});
  if (is_here()) {
    while (!done.load(std::memory_order_acquire)) carrier_->yield();
  } else {
    done.wait(false, std::memory_order_acquire);
  }
}

inline errc gateway::flush(node_id peer, dc_id dc) {
  across_command fence;  // ends what was never begun; like all commands it is looked at in its turn
  fence.ask.kind = DVK_FRAME_cancel;
  fence.ask.dc = number(dc);
  fence.ask.to_node = number(peer);
  fence.ask.value = ~std::uint64_t{0};
  const errc outcome = across_wait(carrier::current_shared()).carry_out(*this, fence);
  return outcome == errc::no_entry ? errc::ok : outcome;
}

// ---- What ports and brokers want ----

/// What is wanted in this order happens in this order, whichever thread wants it.
inline void gateway::post_or_do(errand what) {
  if (is_here() && !has_errands_.load(std::memory_order_acquire))
    carry_out(what);
  else
    post(std::move(what));
}

inline void gateway::submit(across_command& command) {
  post_or_do({.what = errand::kind::submit, .command = &command});
}
inline void gateway::give_up(across_command& command) {
  post_or_do({.what = errand::kind::give_up, .command = &command});
}
inline void gateway::abandon(across_command& command) {
  post_or_do({.what = errand::kind::abandon, .command = &command});
}
inline void gateway::suspect(std::uint64_t exchange) { post({.what = errand::kind::suspect, .exchange = exchange}); }
inline void gateway::tell_bound(dc_id dc, endpoint_id who, born what) {
  post({.what = errand::kind::bound, .dc = dc, .who = who, .what_bound = std::move(what)});
}
inline void gateway::tell_gone(dc_id dc, endpoint_id who, std::uint64_t birth) {
  post({.what = errand::kind::gone, .dc = dc, .who = who, .what_bound = {birth, 0, {}}});
}

inline errc gateway::join(const std::shared_ptr<broker>& dc) {
  errc outcome = errc::ok;
  run([&] {
    const auto [at, is_new] = containers_.try_emplace(number(dc->shared_id()));
    if (!is_new) {
      outcome = errc::exists;
      return;
    }
    at->second.dc = dc;
    for (auto& [peer, to] : peers_) greet(peer, at->second);
  });
  return outcome;
}

inline void gateway::end_dcs() const {
  for (const auto& [number, in] : containers_) in.dc->announce_end();
}

inline void gateway::leave(broker& dc) {
  run([&] {
    const auto at = containers_.find(number(dc.shared_id()));
    if (at == containers_.end() || at->second.dc.get() != &dc) return;
    while (!at->second.ghosts.empty()) vanish(at->second, at->second.ghosts.begin()->first);
    for (const auto& [who, known] : at->second.bound)
      for (auto& [peer, to] : peers_) queue_news(peer, DVK_FRAME_gone, dc.shared_id(), who, known);
    containers_.erase(at);
  });
}

}  // namespace dvs::userspace

#endif
