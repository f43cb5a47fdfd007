// SPDX-License-Identifier: MIT
/// @file
/// An atomic whose every access is a step of the machine; takes the place of `std::atomic` in the code that is checked.
#ifndef TESTS_UNIT_INTERLEAVING_CHECKED_ATOMIC_HPP
#define TESTS_UNIT_INTERLEAVING_CHECKED_ATOMIC_HPP

#include "machine.hpp"

namespace interleaving {

/// As `std::atomic` for integers and bool. The weak compare-and-swap never fails without a reason: the loops around it
/// would only try again.
template <class T>
class checked_atomic {
 public:
  checked_atomic() : checked_atomic(T{}) {}
  checked_atomic(T value) : word_(machine::here().add_word(bits(value))) {}
  checked_atomic(const checked_atomic&) = delete;
  checked_atomic& operator=(const checked_atomic&) = delete;

  [[nodiscard]] T load(std::memory_order order = std::memory_order_seq_cst) const {
    return value(here().load(word_, order));
  }
  void store(T desired, std::memory_order order = std::memory_order_seq_cst) {
    here().store(word_, bits(desired), order);
  }
  T exchange(T desired, std::memory_order = std::memory_order_seq_cst) {
    return value(here().modify(word_, [&](std::uint64_t) { return bits(desired); }));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst) {
    const std::uint64_t wanted = bits(expected);
    const std::uint64_t before =
        here().modify(word_, [&](std::uint64_t now) { return now == wanted ? bits(desired) : now; });
    expected = value(before);
    return before == wanted;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired, order);
  }
  T fetch_or(T mask, std::memory_order = std::memory_order_seq_cst) {
    return value(here().modify(word_, [&](std::uint64_t now) { return now | bits(mask); }));
  }
  T fetch_and(T mask, std::memory_order = std::memory_order_seq_cst) {
    return value(here().modify(word_, [&](std::uint64_t now) { return now & bits(mask); }));
  }

  /// Its number in the machine's memory.
  [[nodiscard]] std::uint32_t word() const { return word_; }

 private:
  friend void store_and_fence(checked_atomic& word, T value) {
    word.store(value, std::memory_order_release);
    here().fence();
  }
  static machine& here() { return machine::here(); }
  static std::uint64_t bits(T v) { return static_cast<std::uint64_t>(v); }
  static T value(std::uint64_t v) { return static_cast<T>(v); }

  std::uint32_t word_;
};

}  // namespace interleaving

#endif
