// SPDX-License-Identifier: MIT
/// @file
/// How a carrier schedules, polls and sleeps.
#ifndef DVS_BACKENDS_USERSPACE_CARRIER_IMPL_HPP
#define DVS_BACKENDS_USERSPACE_CARRIER_IMPL_HPP

#include <dvs/backends/userspace/carrier.hpp>

namespace dvs::userspace {

/// A fiber, its task, and what it runs; lives until another task has taken over after its end.
struct carrier::fiber_record {
  fiber_record(carrier& owner, std::unique_ptr<runnable> runs, std::string_view name)
      : body(std::move(runs)),
        stack(
            fiber_stack_bytes,
            [this, &owner](fiber&) -> context& {
              body->run();
              body.reset();
              --owner.fibers_;
              owner.ended_.emplace_back(this);
              return *owner.next_after_end().context_;
            },
            name),
        runs_as(&stack) {
    runs_as.carrier_ = &owner;
  }

  std::unique_ptr<runnable> body;
  fiber stack;
  task runs_as;
};

inline std::shared_ptr<carrier> carrier::of_thread(int thread) {
  auto& registry = thread_registry::instance();
  const std::lock_guard guard(registry.lock);
  auto& known = registry.carriers[thread];
  if (known == nullptr) known = std::make_shared<carrier>();
  return known;
}

inline carrier::holder::holder() : held(of_thread(static_cast<int>(syscall(SYS_gettid)))) {
  held->root_.context_ = &context::current();
}

inline carrier::holder::~holder() {
  here_ = nullptr;
  auto& registry = thread_registry::instance();
  const std::lock_guard guard(registry.lock);
  registry.carriers.erase(static_cast<int>(syscall(SYS_gettid)));
}

inline void task::wake_timer::expire(timer& t) {
  task& owner = static_cast<wake_timer&>(t).owner;
  owner.carrier_->make_ready(owner);
}

inline void carrier::spawn(std::unique_ptr<runnable> body, std::string_view name) {
  auto record = std::make_unique<fiber_record>(*this, std::move(body), name);
  ++fibers_;
  record->runs_as.phase_ = task::phase::suspended;
  make_ready(record.release()->runs_as);  // owned by the fiber itself until it ends
}

inline void carrier::suspend(std::int64_t deadline_ns, const polling& how) {
  task& self = *current_;
  if (self.phase_ == task::phase::running) self.phase_ = task::phase::suspended;  // not ready, as who yields
  if (deadline_ns >= 0) set_timer(self.wake_timer_, deadline_ns);
  if ((++switches_ & look_around_mask) == 0) look_around();
  if (is_rung()) collect_bells();
  for (;;) {
    if (how.word != nullptr && ready_first_ != nullptr) break;  // nobody would poll while another task runs
    if (task* const next = take_ready()) {
      next->phase_ = task::phase::running;
      if (next != &self) switch_to(self, *next);
      if (!ended_.empty()) reap();
      break;
    }
    idle(how);
    if (how.word != nullptr) break;
  }
  if (self.phase_ == task::phase::ready) unlist(self);
  self.phase_ = task::phase::running;
  if (deadline_ns >= 0) clear_timer(self.wake_timer_);
}

/// Takes a task that noticed by itself what it waited for off the list of those to be run.
inline void carrier::unlist(task& t) {
  task** link = &ready_first_;
  task* before = nullptr;
  while (*link != &t) {
    before = *link;
    link = &before->next_;
  }
  *link = t.next_;
  if (ready_last_ == &t) ready_last_ = before;
}

inline void carrier::yield() {
  task& self = *current_;
  self.phase_ = task::phase::suspended;
  make_ready(self);
  suspend(-1);
}

/// Nothing can run: polls, then sleeps until a bell, a timer or the outside world has something to do.
inline void carrier::idle(const polling& how) {
  if (how.allowed && spin(how)) return;
  if (how.word != nullptr) return;
  retract_promise();
  if (ready_first_ == nullptr) {
    const std::uint64_t began = ticks();
    sleep();
    // Rung soon: polling would have been shorter than going to sleep and being woken.
    if (is_rung() && ticks() - began < short_sleep_ticks) {
      spin_budget_ = std::min(spin_budget_ * 4, spin_budget_max);
      turns_ = std::max(turns_, 1);
    }
  }
  if (!timers_.empty()) run_timers();
  if (is_rung()) collect_bells();
}

/// Polls for a while. True: something happened.
inline bool carrier::spin(const polling& how) {
  if (spin_budget_ == spin_budget_min) return false;
  const std::uint32_t here = current_cpu();
  const auto* const partner = how.partner_cpu != nullptr ? how.partner_cpu
                              : keeper_ != nullptr       ? promised_to_
                                                         : nullptr;
  if (partner != nullptr && partner->load(std::memory_order_relaxed) == here) return take_turns(how);
  for (std::int32_t round = 0; round < spin_budget_ + eager_rounds; ++round) {
    if (has_news(how)) {
      spin_budget_ = std::min(spin_budget_ * 2, spin_budget_max);
      return true;
    }
    if (round < eager_rounds) continue;
    if (round % rounds_to_yield != 0 || !give_way())  // the partner may be waiting for this processor
      spin_pause();
  }
  spin_budget_ = std::max(spin_budget_ / 2, spin_budget_min);
  return false;
}

/// Whether something happened that is polled for; if so, runs what it is about.
inline bool carrier::has_news(const polling& how) {
  const bool word_changed = how.word != nullptr && how.word->load(std::memory_order_acquire) != how.seen;
  if (!word_changed && !promise_due() && !is_rung()) return false;
  keep_promise();
  if (is_rung()) collect_bells();
  return true;
}

/// Lets others have the processor, unless somebody has kept it for long lately: who sleeps gets it back sooner.
inline bool carrier::give_way() {
  if (keeps_processor_ > 0) {
    --keeps_processor_;
    return false;
  }
  const std::uint64_t began = ticks();
  ::sched_yield();
  if (ticks() - began > long_turn_ticks) keeps_processor_ = looks_after_a_long_turn;
  return true;
}

/// Lets a partner that has the same processor run, a few times. True: something happened.
inline bool carrier::take_turns(const polling& how) {
  for (std::int32_t turn = 0; turn < turns_ && give_way(); ++turn) {
    if (!has_news(how)) continue;
    turns_ = turns_max;
    return true;
  }
  turns_ /= 2;
  return false;
}

inline void carrier::sleep() {
  const std::int64_t deadline_ns = timers_.empty() ? -1 : timers_.begin()->at_ns_;
  if (reactor_) in_reactor_.store(true, std::memory_order_seq_cst);
  if (bells_.prepare_sleep()) {
    if (shared_door* const door = door_.load(std::memory_order_seq_cst)) {
      const auto how = reactor_ ? sleep_kind::in_a_reactor : sleep_kind::on_hints;
      // Who rang before the door was seen has not seen it either, and woke nobody there.
      if (door->prepare_sleep(how) && bells_.is_asleep()) {
        if (reactor_)
          reactor_->wait(deadline_ns);
        else
          door->sleep(deadline_ns);
      }
      door->awake();
    } else if (reactor_) {
      reactor_->wait(deadline_ns);
    } else {
      futex_sleep(*bells_.sleep_word(), 1, deadline_ns);
    }
  }
  if (reactor_) in_reactor_.store(false, std::memory_order_seq_cst);
  bells_.awake();
  note_cpu();
}

inline void carrier::wake() {
  if (in_reactor_.load(std::memory_order_seq_cst))
    reactor_->interrupt();
  else if (shared_door* const door = door_.load(std::memory_order_seq_cst))
    door->wake();
  else
    futex_wake(*bells_.sleep_word());
}

inline carrier::~carrier() {
  if (const auto taken = place(); taken && board_ == &board::of_this_process()) board_->give_back(*taken);
}

inline void carrier::take_place() {
  const std::lock_guard guard(bells_lock_);
  board& here = board::of_this_process();
  if (board_ == &here) return;
  if (board_ != nullptr) {  // that of the process which has forked this one
    hints_.store(&no_hints_, std::memory_order_relaxed);
    door_.store(nullptr, std::memory_order_relaxed);
    static_cast<void>(door_storage_.release());  // which somebody there may have been using just then
  }
  const auto taken = here.take_place();
  board_ = &here;
  place_.store(taken ? static_cast<int>(*taken) : -1, std::memory_order_release);
}

inline shared_door& carrier::door() {
  const std::lock_guard guard(bells_lock_);
  if (door_storage_ == nullptr) {
    door_storage_ = std::make_unique<shared_door>(*board_, *place());
    door_storage_->show_cpu(cpu_.load(std::memory_order_relaxed));
    door_.store(door_storage_.get(), std::memory_order_seq_cst);
    hints_.store(&door_storage_->hints(), std::memory_order_release);
    // It may sleep where no other process can wake it.
    bells_.awake();
    futex_wake(*bells_.sleep_word());
    if (in_reactor_.load(std::memory_order_seq_cst)) reactor_->interrupt();
  }
  return *door_storage_;
}

inline void carrier::set_timer(timer& t, std::int64_t at_ns) {
  clear_timer(t);
  t.at_ns_ = at_ns;
  timers_.insert(t);
}

inline void carrier::look_around() {
  if (!ended_.empty()) reap();
  if (!timers_.empty()) run_timers();
  if (reactor_) reactor_->poll();
}

inline void carrier::run_timers() {
  const std::int64_t now = monotonic_ns();
  while (!timers_.empty() && timers_.begin()->at_ns_ <= now) {
    timer& due = *timers_.begin();
    timers_.erase(timers_.begin());
    due.expired_(due);
  }
}

inline std::uint32_t carrier::add_bell(bell_source& source) {
  const std::lock_guard guard(bells_lock_);
  std::uint32_t bell;
  if (!free_bells_.empty()) {
    bell = free_bells_.back();
    free_bells_.pop_back();
  } else {
    bell = next_bell_++ % doorbell_bits<std::atomic>::bells_max;
  }
  bell_entry* entry = entries_[bell].load(std::memory_order_relaxed);
  if (entry == nullptr) {
    entry = entry_storage_.emplace_back(std::make_unique<bell_entry>()).get();
    entries_[bell].store(entry, std::memory_order_release);
  }
  const std::lock_guard entry_guard(entry->lock);
  entry->sources.push_back(&source);
  return bell;
}

inline void carrier::remove_bell(std::uint32_t bell, bell_source& source) {
  const std::lock_guard guard(bells_lock_);
  bell_entry& entry = *entries_[bell].load(std::memory_order_relaxed);
  const std::lock_guard entry_guard(entry.lock);
  const auto at = std::find(entry.sources.begin(), entry.sources.end(), &source);
  if (at == entry.sources.end()) return;
  entry.sources.erase(at);
  if (entry.sources.empty()) free_bells_.push_back(bell);
}

inline void carrier::collect_bells() {
  bells_.collect([this](std::uint32_t bell) {
    bell_entry* const entry = entries_[bell].load(std::memory_order_acquire);
    if (entry == nullptr) return;
    std::unique_lock guard(entry->lock);
    const bell_list ringing(entry->sources.begin(), entry->sources.end());
    for (bell_source* const source : ringing) {
      // What a bell starts may remove it and others.
      if (std::find(entry->sources.begin(), entry->sources.end(), source) == entry->sources.end()) continue;
      guard.unlock();
      source->rung();
      guard.lock();
    }
  });
  if (shared_door* const door = door_.load(std::memory_order_acquire); door != nullptr && door->hints().load() != 0)
    door->collect();
}

inline task& carrier::next_after_end() {
  for (;;) {
    if (is_rung()) collect_bells();
    if (task* const next = take_ready()) {
      next->phase_ = task::phase::running;
      current_ = next;
      return *next;
    }
    idle({});
  }
}

inline void carrier::reap() {
  auto ended = std::move(ended_);
  ended_.clear();
}

}  // namespace dvs::userspace

#endif
