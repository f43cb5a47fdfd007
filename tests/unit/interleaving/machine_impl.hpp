// SPDX-License-Identifier: MIT
/// @file
/// How the machine explores schedules.
#ifndef TESTS_UNIT_INTERLEAVING_MACHINE_IMPL_HPP
#define TESTS_UNIT_INTERLEAVING_MACHINE_IMPL_HPP

#include <bit>
#include <cstdio>

#include "machine.hpp"

namespace interleaving {

/// The finisher of SplitMix64.
inline std::uint64_t scramble(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBU;
  return z ^ (z >> 31);
}

inline void machine::hash::mix(std::uint64_t value) {
  one = scramble(one + value + 0x9E37'79B9'7F4A'7C15U);
  two = scramble(two * 3 + (value ^ 0xD1B5'4A32'D192'ED03U));
}

inline machine::machine() {
  here_ = this;
  for (std::uint32_t i = 0; i < parties_max; ++i)
    parties_[i].stack = std::make_unique<dvs::fiber>(
        std::size_t{512} * 1024,
        [this, i](dvs::fiber&) -> dvs::context& {
          life(i);
          return root_;
        },
        "party");
}

inline machine::~machine() {
  quitting_ = true;
  for (auto& p : parties_)
    if (p.stack != nullptr) root_.switch_to(*p.stack);
  here_ = nullptr;
}

inline void machine::start(memory_model model, std::uint32_t group) {
  model_ = model;
  group_ = group;
  found_ = {};
  visited_.clear();
  path_.clear();
}

inline void machine::begin_execution() {
  ++found_.executions;
  memory_.clear();
  memory_hash_ = {};
  names_.clear();
  steps_.clear();
  depth_ = 0;
  known_ = false;
  abandoning_ = false;
  for (auto& p : parties_) {
    p.started = p.ended = p.sleeps = false;
    p.relaxed_in_a_row = 0;
    p.deadline = no_word;
    p.learnt = {};
    p.stores.clear();
  }
}

inline void machine::execute(scenario& world) {
  world_ = &world;
  party_count_ = world.parties();
  const std::uint32_t first = decide();
  if (first != nobody) {
    current_ = first;
    root_.switch_to(*parties_[first].stack);
  }
  current_ = nobody;
  abandoning_ = true;
  bool all_ended = true;
  for (std::uint32_t i = 0; i < party_count_; ++i) {
    if (parties_[i].ended) continue;
    all_ended = false;
    if (parties_[i].started) root_.switch_to(*parties_[i].stack);
  }
  abandoning_ = false;
  if (all_ended) world.check();
}

/// The next schedule in depth-first order; false: there is none.
inline bool machine::next_schedule() {
  while (!path_.empty() && path_.back().others == 0) path_.pop_back();
  if (path_.empty()) return false;
  choice& last = path_.back();
  last.chosen = static_cast<std::uint32_t>(std::countr_zero(last.others));
  last.others &= last.others - 1;
  return true;
}

/// What a party's fiber does: one life in each execution.
inline void machine::life(std::uint32_t self) {
  while (!quitting_) {
    parties_[self].started = true;
    try {
      world_->run(self);
      parties_[self].ended = true;
    } catch (const abandoned&) {
    }
    const std::uint32_t next = abandoning_ || !found_.failure.empty() ? nobody : decide();
    if (!parties_[self].ended) parties_[self].started = false;  // unwound already
    current_ = next;
    parties_[self].stack->switch_to(next == nobody ? root_ : static_cast<dvs::context&>(*parties_[next].stack));
  }
}

/// Who can go on: a bit for each party, and above them one for each store buffer.
inline std::uint32_t machine::able() const {
  std::uint32_t set = 0;
  for (std::uint32_t i = 0; i < party_count_; ++i) {
    const party& p = parties_[i];
    const bool wakes = !p.sleeps || (p.deadline != no_word && memory_[p.deadline] != 0);
    if (!p.ended && wakes) set |= 1U << i;
    if (!p.stores.empty()) set |= 1U << (parties_max + i);
  }
  return set;
}

inline machine::hash machine::state() const {
  hash h = memory_hash_;
  for (std::uint32_t i = 0; i < party_count_; ++i) {
    const party& p = parties_[i];
    h.mix(p.learnt.one);
    h.mix(p.learnt.two ^ (p.ended ? 1U : 0U) ^ (p.sleeps ? 2U : 0U) ^ (p.started ? 4U : 0U) ^ p.stores.size() << 3);
  }
  return h;
}

inline std::uint32_t machine::decide() {
  for (;;) {
    const std::uint32_t set = able();
    if (set == 0) {
      for (std::uint32_t i = 0; i < party_count_; ++i)
        if (!parties_[i].ended) found_.failure = "lost wake-up: somebody sleeps, and nobody is left to wake him";
      return nobody;
    }
    if (steps_.size() > steps_max) {
      found_.failure = "the parties do not come to an end";
      return nobody;
    }
    // Goes on with the same party by preference, because that takes no switch.
    const bool can_go_on = current_ != nobody && (set >> current_ & 1) != 0;
    std::uint32_t chosen = can_go_on ? current_ : static_cast<std::uint32_t>(std::countr_zero(set));
    if (!std::has_single_bit(set) && !known_) {
      if (depth_ < path_.size()) {
        chosen = path_[depth_++].chosen;
      } else if (visited_.insert(state()).second) {
        path_.push_back({chosen, set & ~(1U << chosen)});
        ++depth_;
      } else {
        known_ = true;
      }
    }
    if (chosen < parties_max) return chosen;
    drain_one(chosen - parties_max);
  }
}

inline void machine::step() {
  if (current_ == nobody && !abandoning_) return;  // while the scenario is made or checked
  if (abandoning_) throw abandoned{};
  const std::uint32_t self = current_;
  parties_[self].relaxed_in_a_row = 0;
  const std::uint32_t next = decide();
  if (next == self) return;
  current_ = next;
  parties_[self].stack->switch_to(next == nobody ? root_ : static_cast<dvs::context&>(*parties_[next].stack));
  if (abandoning_) throw abandoned{};
}

inline bool machine::step(std::memory_order order) {
  if (current_ == nobody || order != std::memory_order_relaxed) {
    step();
    return false;
  }
  const std::uint32_t before = parties_[current_].relaxed_in_a_row;
  const bool joined = before % group_ != 0;
  if (!joined) step();
  parties_[current_].relaxed_in_a_row = before + 1;
  return joined;
}

inline void machine::drain_one(std::uint32_t who) {
  auto& stores = parties_[who].stores;
  do {
    const buffered oldest = stores.front();
    stores.erase(stores.begin());
    write(oldest.word, oldest.value);
    steps_.push_back({who, "stores reach memory:", oldest.word, oldest.value});
  } while (!stores.empty() && stores.front().joined);
}

inline void machine::drain(std::uint32_t who) {
  if (who == nobody) return;
  while (!parties_[who].stores.empty()) drain_one(who);
}

inline machine::hash machine::word_hash(std::uint32_t word, std::uint64_t value) {
  if (value == 0) return {};
  const std::uint64_t place = scramble(word + 1);
  return {scramble(value + place), scramble((value ^ place) * 0x9E37'79B9'7F4A'7C15U)};
}

inline void machine::write(std::uint32_t word, std::uint64_t value) {
  const hash before = word_hash(word, memory_[word]), after = word_hash(word, value);
  memory_hash_.one ^= before.one ^ after.one;
  memory_hash_.two ^= before.two ^ after.two;
  memory_[word] = value;
}

inline void machine::learn(const char* what, std::uint32_t word, std::uint64_t value) {
  if (current_ == nobody) return;
  parties_[current_].learnt.mix(value ^ std::uint64_t{word} << 48);
  steps_.push_back({current_, what, word, value});
}

inline void machine::keep_only(const hash& before, std::uint64_t place, std::initializer_list<std::uint64_t> what) {
  if (current_ == nobody) return;
  hash now = before;
  now.mix(place);
  for (const std::uint64_t value : what) now.mix(value);
  parties_[current_].learnt = now;
}

inline std::uint32_t machine::add_word(std::uint64_t value) {
  memory_.push_back(0);
  const auto word = static_cast<std::uint32_t>(memory_.size() - 1);
  write(word, value);
  return word;
}

inline std::uint64_t machine::load(std::uint32_t word, std::memory_order order) {
  if (current_ == nobody) return memory_[word];
  step(order);
  std::uint64_t value = memory_[word];
  for (const buffered& mine : parties_[current_].stores)
    if (mine.word == word) value = mine.value;
  learn("load", word, value);
  return value;
}

inline void machine::store(std::uint32_t word, std::uint64_t value, std::memory_order order) {
  const bool joined = step(order);
  if (current_ != nobody && model_ == memory_model::store_buffers && order != std::memory_order_seq_cst) {
    parties_[current_].stores.push_back({word, value, joined});
  } else {
    drain(current_);
    write(word, value);
  }
  learn("store", word, value);
}

inline void machine::futex_wait(std::uint32_t word, std::uint64_t value, std::uint32_t deadline) {
  step();
  drain(current_);
  if (memory_[word] != value) {
    learn("does not sleep on", word, memory_[word]);
    return;
  }
  party& self = parties_[current_];
  learn("sleeps on", word, value);
  self.sleeps = true;
  self.sleeps_on = word;
  self.deadline = deadline;
  step();
  self.deadline = no_word;
  learn(self.sleeps ? "times out on" : "is awake on", word, self.sleeps ? 1 : 0);
  self.sleeps = false;
}

inline void machine::futex_wake(std::uint32_t word) {
  step();
  drain(current_);
  for (std::uint32_t i = 0; i < party_count_; ++i)
    if (parties_[i].sleeps && parties_[i].sleeps_on == word) {
      parties_[i].sleeps = false;
      break;
    }
  learn("wakes", word, 0);
}

inline std::string machine::name_of(std::uint32_t word) const {
  if (word == no_word) return "all";
  const name_from* last = nullptr;
  for (const auto& n : names_)
    if (n.word <= word) last = &n;
  return last == nullptr ? "word " + std::to_string(word) : last->name + (" + " + std::to_string(word - last->word));
}

inline std::string machine::describe_steps() const {
  std::string text;
  for (const auto& s : steps_) {
    char line[160];
    std::snprintf(line, sizeof line, "  party %u: %s %s = %llx\n", s.party, s.what, name_of(s.word).c_str(),
                  static_cast<unsigned long long>(s.value));
    text += line;
  }
  return text;
}

}  // namespace interleaving

#endif
