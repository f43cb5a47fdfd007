// SPDX-License-Identifier: MIT
/// @file
/// The carrier: what a thread has for running fibers, keeping time, and waiting for other threads.
///
/// There is one for each thread that uses the backend. A *task* is one of its contexts: the thread's own stack or a
/// fiber. A task that has to wait hands the thread to the next one that can run; when there is none, it polls the
/// thread's doorbell for a while and then sleeps on it. Nothing here knows endpoints: what a bell means is told by
/// the `bell_source` that registered it.
#ifndef DVS_BACKENDS_USERSPACE_CARRIER_HPP
#define DVS_BACKENDS_USERSPACE_CARRIER_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <dvs/backends/userspace/doorbell.hpp>
#include <dvs/backends/userspace/doorbell_futex.hpp>
#include <dvs/backends/userspace/shared_door.hpp>
#include <dvs/fiber.hpp>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dvs::userspace {

class carrier;
class port;

/// Something that runs `expired` at a time.
class timer : public boost::intrusive::set_base_hook<> {
 public:
  explicit timer(void (*expired)(timer&)) : expired_(expired) {}
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  [[nodiscard]] bool is_set() const { return is_linked(); }
  friend bool operator<(const timer& a, const timer& b) { return a.at_ns_ < b.at_ns_; }

 private:
  friend class carrier;
  void (*expired_)(timer&);
  std::int64_t at_ns_ = 0;
};

/// A context of a carrier: the thread's own stack, or a fiber.
class alignas(64) task {
 public:
  /// A task without a context cannot run yet: its thread has not come.
  explicit task(context* runs_on = nullptr) : context_(runs_on) {}

  /// As whom the fiber waits for something that is no message; null on a thread's own stack.
  port* process = nullptr;

 private:
  friend class carrier;

  enum class phase : std::uint8_t { running, suspended, ready };

  context* context_;
  carrier* carrier_ = nullptr;
  task* next_ = nullptr;
  phase phase_ = phase::running;  ///< written by whoever hands the thread over, for both tasks

  struct wake_timer : timer {
    explicit wake_timer(task& t) : timer(&wake_timer::expire), owner(t) {}
    static void expire(timer& t);
    task& owner;
  } wake_timer_{*this};
};

/// What a bell of a carrier stands for. `rung` runs on the carrier's thread.
class bell_source {
 public:
  virtual void rung() = 0;

 protected:
  ~bell_source() = default;
};

/// What a carrier polls and sleeps on instead of its futex, when it also waits for the outside world.
class reactor {
 public:
  virtual ~reactor() = default;
  /// Runs what is ready, without waiting.
  virtual void poll() = 0;
  /// Waits until something is ready, `interrupt` is called, or the monotonic time `deadline_ns` (negative: no limit).
  virtual void wait(std::int64_t deadline_ns) = 0;
  /// Ends the wait; from any thread.
  virtual void interrupt() = 0;
};

/// How a wait may poll before the thread sleeps.
struct polling {
  const std::atomic<std::uint32_t>* word = nullptr;  ///< ends the wait when it is no longer `seen`; null: no such word
  std::uint32_t seen = 0;
  /// The processor of who will change something; polling is useless while it is ours. Null: nobody in particular.
  const std::atomic<std::uint32_t>* partner_cpu = nullptr;
  bool allowed = true;  ///< false: sleep at once
};

/// A line of a channel that a carrier polls instead of being rung: a promise given to the other side of the channel.
class promise_keeper {
 public:
  /// Looks at the line; returns the state word that it saw.
  virtual std::uint32_t look() = 0;
  /// Tells the other side to ring from now on, and looks once more.
  virtual void retract() = 0;

 protected:
  ~promise_keeper() = default;
};

/// Something to run on a fiber, once.
class runnable {
 public:
  virtual ~runnable() = default;
  virtual void run() = 0;
};

/// See the file comment. Everything but `ring` and the bell registry belongs to the carrier's own thread.
class carrier {
 public:
  /// The carrier of the calling thread, made at its first use.
  [[nodiscard]] static carrier& current() { return *current_shared(); }
  [[nodiscard]] static const std::shared_ptr<carrier>& current_shared() {
    if (here_ == nullptr) [[unlikely]] {
      thread_local holder mine;
      here_ = &mine.held;
    }
    return *here_;
  }

  /// The carrier of the thread with this kernel id, which need not have used the backend yet.
  [[nodiscard]] static std::shared_ptr<carrier> of_thread(int thread);

  carrier() { root_.carrier_ = this; }
  ~carrier();
  carrier(const carrier&) = delete;
  carrier& operator=(const carrier&) = delete;

  /// The task that runs.
  [[nodiscard]] task& running() { return *current_; }

  /// Starts `body` as a fiber.
  void spawn(std::unique_ptr<runnable> body, std::string_view name);
  /// How many fibers have not ended.
  [[nodiscard]] std::size_t fibers() const { return fibers_; }

  /// Lets the running task wait until `make_ready`, or until the monotonic time `deadline_ns` (negative: no limit).
  /// May return early: the caller looks again at what it waits for. With a `polling::word` it returns as soon as the
  /// polling ends; then the partner must be told to ring before the wait goes on without it.
  void suspend(std::int64_t deadline_ns, const polling& how = {});
  /// Hands the thread from `self`, the task that runs, to a suspended one at once; returns when `self` is ready again.
  [[gnu::always_inline]] void run_now(task& self, task& next) {
    self.phase_ = task::phase::suspended;
    if (next.phase_ == task::phase::ready) [[unlikely]]
      unlist(next);
    switch_to(self, next);
  }
  /// Like `suspend` without a limit, for when the next task is likely to be ready.
  [[gnu::always_inline]] void rest(task& self) {
    if (ready_first_ == nullptr || ((switches_ + 1) & look_around_mask) == 0) return suspend(-1);
    ++switches_;
    self.phase_ = task::phase::suspended;
    task& next = *take_ready();
    if (is_end_of_turn()) prefetch_ready();
    switch_to(self, next);
  }
  /// Whether no other thread has anything for this carrier.
  [[nodiscard]] bool is_undisturbed() const { return keeper_ == nullptr && !is_rung(); }

  /// Makes a suspended task run after those that are ready already.
  [[gnu::always_inline]] void make_ready(task& t) {
    if (t.phase_ != task::phase::suspended) return;
    t.phase_ = task::phase::ready;
    t.next_ = nullptr;
    (ready_first_ == nullptr ? ready_first_ : ready_last_->next_) = &t;
    ready_last_ = &t;
  }
  /// Makes a suspended task run before those that are ready already.
  [[gnu::always_inline]] void make_ready_first(task& t) {
    if (t.phase_ != task::phase::suspended) return;
    t.phase_ = task::phase::ready;
    t.next_ = ready_first_;
    if (ready_first_ == nullptr) ready_last_ = &t;
    ready_first_ = &t;
  }
  /// Makes a suspended task that was answered run before those that are ready, as what it needs is in the cache; now
  /// and then after them. Source: MINIX puts who has time left at the head of its queue.
  [[gnu::always_inline]] void make_ready_in_turn(task& t) {
    if (is_end_of_turn()) [[unlikely]]
      return make_ready(t);
    make_ready_first(t);
  }
  /// Lets the other tasks that are ready run.
  void yield();

  /// Runs what bells were rung for. Called before a decision that depends on other threads.
  void poll_bells() {
    if (is_rung()) collect_bells();
  }

  void set_timer(timer& t, std::int64_t at_ns);
  void clear_timer(timer& t) {
    if (t.is_linked()) timers_.erase(timers_.iterator_to(t));
  }

  /// Registers a source; any thread. The bell's number stays valid until `remove_bell`.
  [[nodiscard]] std::uint32_t add_bell(bell_source& source);
  /// Only on the carrier's thread.
  void remove_bell(std::uint32_t bell, bell_source& source);
  /// Rings a bell; any thread.
  void ring(std::uint32_t bell) {
    if (bells_.ring(bell)) wake();
  }

  /// Where others see this carrier in the board of the process, if there was room for it.
  [[nodiscard]] std::optional<std::uint32_t> place() const {
    const int taken = place_.load(std::memory_order_acquire);
    return taken < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(taken));
  }
  /// Takes such a place; any thread.
  void take_place();
  /// The door by which other processes ring, made when it is first wanted; any thread. Needs a place.
  [[nodiscard]] shared_door& door();

  /// The processor on which the thread was last seen; any thread.
  [[nodiscard]] const std::atomic<std::uint32_t>& cpu() const { return cpu_; }
  /// Notes the processor, for the benefit of partners.
  void note_cpu() {
    const std::uint32_t now = current_cpu();
    if (cpu_.load(std::memory_order_relaxed) == now) return;
    cpu_.store(now, std::memory_order_relaxed);
    if (shared_door* const door = door_.load(std::memory_order_acquire)) door->show_cpu(now);
  }
  /// Whether it makes sense to poll for what another carrier does, which was last seen on this processor.
  [[nodiscard]] bool may_poll_for(const std::atomic<std::uint32_t>& partner_cpu) const {
    if (has_ready()) return false;
    return (turns_ > 0 && keeps_processor_ == 0) ||
           partner_cpu.load(std::memory_order_relaxed) != cpu_.load(std::memory_order_relaxed);
  }
  /// Whether other tasks are ready to run.
  [[nodiscard]] bool has_ready() const { return ready_first_ != nullptr; }

  /// The reactor, or null.
  [[nodiscard]] reactor* outside() { return reactor_.get(); }
  void set_reactor(std::unique_ptr<reactor> r) { reactor_ = std::move(r); }

  /// Promises to poll `word`, last looked at when it was `seen`; takes an earlier promise back.
  void promise(promise_keeper& keeper, const std::atomic<std::uint32_t>& word, std::uint32_t seen,
               const std::atomic<std::uint32_t>& partner_cpu) {
    if (keeper_ != nullptr && keeper_ != &keeper) retract_promise();
    keeper_ = &keeper;
    promised_word_ = &word;
    promised_seen_ = seen;
    promised_to_ = &partner_cpu;
  }
  /// Whom a promise was given, or null.
  [[nodiscard]] promise_keeper* promised() const { return keeper_; }
  /// Looks at what was promised to be polled, if it changed.
  void keep_promise() {
    if (keeper_ != nullptr && promised_word_->load(std::memory_order_acquire) != promised_seen_)
      promised_seen_ = keeper_->look();
  }
  /// Ends the promise.
  void retract_promise() {
    if (keeper_ != nullptr) std::exchange(keeper_, nullptr)->retract();
  }
  /// Drops a promise that nobody relies on any more.
  void forget_promise(promise_keeper& keeper) {
    if (keeper_ == &keeper) keeper_ = nullptr;
  }

 private:
  struct holder {
    holder();
    ~holder();
    std::shared_ptr<carrier> held;
  };
  struct thread_registry {
    std::mutex lock;
    std::unordered_map<int, std::shared_ptr<carrier>> carriers;
    static thread_registry& instance() {
      static thread_registry& registry = *new thread_registry;  // threads may end after static destruction began
      return registry;
    }
  };
  static inline thread_local constinit const std::shared_ptr<carrier>* here_ = nullptr;

  using bell_list = boost::container::small_vector<bell_source*, 1>;  // more only if there are no more bells
  struct bell_entry {
    std::mutex lock;
    bell_list sources;
  };
  struct fiber_record;

  [[nodiscard]] task* take_ready() {
    task* const first = ready_first_;
    if (first != nullptr) {
      ready_first_ = first->next_;
    }
    return first;
  }
  /// Inlined with all that leads here: after a switch every return to a caller is mispredicted.
  [[gnu::always_inline]] void switch_to(task& self, task& next) {
    next.phase_ = task::phase::running;
    current_ = &next;
    self.context_->switch_to(*next.context_);
  }
  [[nodiscard]] bool is_end_of_turn() const { return (switches_ & turn_mask) == 0; }
  /// Has the memory of the next tasks fetched while others run.
  [[gnu::always_inline]] void prefetch_ready() const {
    if (ready_first_ == nullptr) return;
    ready_first_->context_->prefetch_stack();
    if (ready_first_ != ready_last_) ready_first_->next_->context_->prefetch();
  }
  /// Whether somebody has rung, of this process or another.
  [[nodiscard]] bool is_rung() const {
    return bells_.rung() || hints_.load(std::memory_order_relaxed)->load(std::memory_order_acquire) != 0;
  }
  void unlist(task& t);
  void run_timers();
  void look_around();
  void collect_bells();
  void idle(const polling& how);
  bool spin(const polling& how);
  bool take_turns(const polling& how);
  bool give_way();
  bool has_news(const polling& how);
  [[nodiscard]] bool promise_due() const {
    return keeper_ != nullptr && promised_word_->load(std::memory_order_acquire) != promised_seen_;
  }
  void sleep();
  void wake();
  void reap();
  [[nodiscard]] task& next_after_end();

  task root_;
  task* current_ = &root_;
  task* ready_first_ = nullptr;
  task* ready_last_ = nullptr;
  boost::intrusive::multiset<timer> timers_;
  std::size_t fibers_ = 0;
  std::uint32_t switches_ = 0;
  std::int32_t spin_budget_ = spin_budget_max;
  std::int32_t turns_ = turns_max;
  std::int32_t keeps_processor_ = 0;  ///< how often it is not given away
  std::vector<std::unique_ptr<fiber_record>> ended_;

  promise_keeper* keeper_ = nullptr;
  const std::atomic<std::uint32_t>* promised_word_ = nullptr;
  std::uint32_t promised_seen_ = 0;
  const std::atomic<std::uint32_t>* promised_to_ = nullptr;  ///< the processor of whom

  std::unique_ptr<reactor> reactor_;
  std::atomic<bool> in_reactor_{false};
  doorbell_bits<std::atomic> bells_;
  static inline std::atomic<std::uint32_t> no_hints_{0};
  std::atomic<const std::atomic<std::uint32_t>*> hints_{&no_hints_};
  std::mutex bells_lock_;
  std::uint32_t next_bell_ = 0;
  std::vector<std::uint32_t> free_bells_;
  std::array<std::atomic<bell_entry*>, doorbell_bits<std::atomic>::bells_max> entries_{};
  std::vector<std::unique_ptr<bell_entry>> entry_storage_;
  board* board_ = nullptr;  ///< in which the place is
  std::atomic<int> place_{-1};
  std::atomic<shared_door*> door_{nullptr};
  std::unique_ptr<shared_door> door_storage_;  ///< under bells_lock_
  alignas(64) std::atomic<std::uint32_t> cpu_{~std::uint32_t{0}};

  /// Others get their turn every so many switches.
  static constexpr std::uint32_t turn_mask = 15;
  /// Timers and the outside world get a look every so many switches also when tasks keep each other busy.
  static constexpr std::uint32_t look_around_mask = 63;
  /// Pauses spent polling before sleeping, about as long as waking a sleeping processor takes. Polling in vain shrinks
  /// the budget, so that an idle thread soon costs nothing.
  static constexpr std::int32_t spin_budget_max = 1024;
  static constexpr std::int32_t spin_budget_min = 16;
  /// Some 100 microseconds.
  static constexpr std::uint64_t short_sleep_ticks = 250'000;
  static constexpr std::int32_t rounds_to_yield = 16;
  /// How often a partner on the same processor is let run before the thread sleeps.
  static constexpr std::int32_t turns_max = 4;
  /// Some 40 microseconds: what others of our kind do not need.
  static constexpr std::uint64_t long_turn_ticks = 100'000;
  static constexpr std::int32_t looks_after_a_long_turn = 4096;
  /// The first rounds do without a pause: a partner that is awake answers within them.
  static constexpr std::int32_t eager_rounds = 256;
};

}  // namespace dvs::userspace

#include <dvs/backends/userspace/carrier_impl.hpp>

#endif
