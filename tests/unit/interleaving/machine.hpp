// SPDX-License-Identifier: MIT
/// @file
/// A simulated computer that runs a few parties through every schedule.
///
/// Each access of a party to shared memory is one step. Before each step the machine chooses who goes next; it explores
/// all choices depth first, by running the scenario again from its start along a recorded prefix. A state that was met
/// before is not explored again: it is the content of memory and, for each party, the sequence of values that it has
/// read so far, which decides everything a deterministic party will do. So the search is exhaustive, whatever the
/// scenario, as long as each party keeps what it learns to itself and the machine sees every access.
///
/// Memory is either sequentially consistent, or that of x86: a store that is not sequentially consistent waits in its
/// party's store buffer, from where it reaches memory at any later time, and at the latest before the party's next
/// locked instruction.
///
/// Relaxed accesses that follow each other directly, which are those to the words of a message, go in groups: a run
/// of eight takes two steps. Nothing is lost by that: if two runs overlap so that one party can read a mixture, then
/// one run can also take place between the two halves of the other, since neither touches anything else meanwhile.
#ifndef TESTS_UNIT_INTERLEAVING_MACHINE_HPP
#define TESTS_UNIT_INTERLEAVING_MACHINE_HPP

#include <atomic>
#include <cstdint>
#include <dvs/fiber.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace interleaving {

enum class memory_model { sequential, store_buffers };

/// What an exploration found.
struct findings {
  std::uint64_t executions = 0;  ///< runs from the start
  std::uint64_t states = 0;      ///< different states in which there was a choice
  std::string failure;           ///< empty: the laws hold in every schedule
  std::string trace;             ///< the schedule that led to the failure
};

/// What the parties do, and the law that holds in the end. A new one is made for each execution.
class scenario {
 public:
  virtual ~scenario() = default;
  [[nodiscard]] virtual std::uint32_t parties() const = 0;
  virtual void run(std::uint32_t party) = 0;
  /// Checks by `machine::require` how it all came out, after every party has ended.
  virtual void check() = 0;
};

/// See the file comment.
class machine {
 public:
  static constexpr std::uint32_t parties_max = 3;

  machine();
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;
  /// The machine that explores.
  static machine& here() { return *here_; }

  /// Runs what `make` makes through every schedule, or up to the first failure.
  /// `group`: how many relaxed accesses in a row make a step.
  template <class Make>
  findings explore(memory_model model, std::uint32_t group, Make&& make) {
    start(model, group);
    do {
      begin_execution();
      const std::unique_ptr<scenario> world = make();
      execute(*world);
    } while (found_.failure.empty() && next_schedule());
    if (!found_.failure.empty()) found_.trace = describe_steps();
    found_.states = visited_.size();
    return found_;
  }

  /// Ends the execution, and the exploration, if a law is broken.
  void require(bool holds, const char* law) {
    if (holds) return;
    if (found_.failure.empty()) found_.failure = law;
    if (current_ != nobody) throw abandoned{};
  }

  struct hash {
    std::uint64_t one = 0, two = 0;
    bool operator==(const hash&) const = default;
    void mix(std::uint64_t value);
  };
  /// What the running party has learnt.
  [[nodiscard]] hash learnt() const { return current_ == nobody ? hash{} : parties_[current_].learnt; }
  /// Of what the running party learnt since it knew `before`, only `what` still matters, at this place of its program.
  void keep_only(const hash& before, std::uint64_t place, std::initializer_list<std::uint64_t> what);

  // ---- What parties do; each is one step ----

  std::uint64_t load(std::uint32_t word, std::memory_order order);
  void store(std::uint32_t word, std::uint64_t value, std::memory_order order);
  /// Lets the running party's stores reach memory before it goes on.
  void fence() {
    step();
    drain(current_);
    learn("fence", no_word, 0);
  }
  /// Replaces the value by `change(value)`, unless `unless(value)`; returns the value before.
  template <class Change>
  std::uint64_t modify(std::uint32_t word, Change&& change) {
    step();
    drain(current_);
    const std::uint64_t before = memory_[word];
    write(word, change(before));
    learn("modify", word, before);
    return before;
  }
  /// Sleeps while `word` is `value` until woken, or, with a deadline, until that word is not 0.
  void futex_wait(std::uint32_t word, std::uint64_t value, std::uint32_t deadline = no_word);
  void futex_wake(std::uint32_t word);

  // ---- Memory ----

  static constexpr std::uint32_t no_word = ~std::uint32_t{0};
  std::uint32_t add_word(std::uint64_t value);
  /// Words added from here on are called `name` and a number in traces.
  void name_words(const char* name) { names_.push_back({static_cast<std::uint32_t>(memory_.size()), name}); }

 private:
  struct abandoned {};
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};
  static constexpr std::uint32_t steps_max = 5'000;

  struct hash_of_hash {
    std::size_t operator()(const hash& h) const { return h.one; }
  };
  struct buffered {
    std::uint32_t word;
    std::uint64_t value;
    bool joined;  ///< reaches memory together with the one before
  };
  struct party {
    std::unique_ptr<dvs::fiber> stack;
    bool started = false, ended = false, sleeps = false;
    std::uint32_t relaxed_in_a_row = 0;
    std::uint32_t sleeps_on = 0, deadline = no_word;
    hash learnt;
    std::vector<buffered> stores;
  };
  struct choice {
    std::uint32_t chosen;
    std::uint32_t others;  ///< bits of those not tried yet
  };
  struct taken_step {
    std::uint32_t party;
    const char* what;
    std::uint32_t word;
    std::uint64_t value;
  };
  struct name_from {
    std::uint32_t word;
    const char* name;
  };

  void start(memory_model model, std::uint32_t group);
  void begin_execution();
  void execute(scenario& world);
  bool next_schedule();
  void life(std::uint32_t self);
  /// Chooses who goes next, after letting store buffers drain as chosen; `nobody`: the execution is over.
  std::uint32_t decide();
  [[nodiscard]] std::uint32_t able() const;
  [[nodiscard]] hash state() const;
  /// Lets others go first, in every way.
  void step();
  /// The same, unless the access belongs to the group of the one before. Returns whether it does.
  bool step(std::memory_order order);
  void drain(std::uint32_t who);
  void drain_one(std::uint32_t who);
  void write(std::uint32_t word, std::uint64_t value);
  void learn(const char* what, std::uint32_t word, std::uint64_t value);
  static hash word_hash(std::uint32_t word, std::uint64_t value);
  [[nodiscard]] std::string describe_steps() const;
  [[nodiscard]] std::string name_of(std::uint32_t word) const;

  static inline machine* here_ = nullptr;
  dvs::context& root_ = dvs::context::current();
  memory_model model_ = memory_model::sequential;
  std::uint32_t group_ = 1;
  findings found_;
  std::unordered_set<hash, hash_of_hash> visited_;
  std::vector<choice> path_;

  scenario* world_ = nullptr;
  party parties_[parties_max];
  std::uint32_t party_count_ = 0;
  std::uint32_t current_ = nobody;
  std::size_t depth_ = 0;
  bool known_ = false;  ///< all that may follow was explored before: the parties only run to their end
  bool abandoning_ = false;
  bool quitting_ = false;
  std::vector<std::uint64_t> memory_;
  hash memory_hash_;
  std::vector<name_from> names_;
  std::vector<taken_step> steps_;
};

}  // namespace interleaving

#include "machine_impl.hpp"

#endif
