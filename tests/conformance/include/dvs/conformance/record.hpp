// SPDX-License-Identifier: MIT
/// @file
/// The record of a law: expectations noted by parties on any thread or fiber, reported to Catch2 by its own thread.
#ifndef DVS_CONFORMANCE_RECORD_HPP
#define DVS_CONFORMANCE_RECORD_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <concepts>
#include <cstdio>
#include <dvs/backend.hpp>
#include <string>
#include <string_view>

namespace dvs::conformance {

/// Where an expectation stands.
struct place_in_source {
  const char* file;
  int line;

  static constexpr place_in_source here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Ends a party that cannot go on.
struct party_stopped {};

/// The number of an endpoint, for texts.
[[nodiscard]] constexpr std::int32_t number_of(endpoint_id who) { return dvs::number(who); }

/// How a value is shown in a failure.
[[nodiscard]] inline std::string shown(errc value) { return name_of(value); }
[[nodiscard]] inline std::string shown(endpoint_id value) { return "endpoint " + std::to_string(number_of(value)); }
[[nodiscard]] inline std::string shown(std::string_view value) { return "\"" + std::string(value) + "\""; }
[[nodiscard]] inline std::string shown(activity value) {
  constexpr std::string_view words[] = {"running", "sending", "receiving", "awaiting a reply", "sleeping"};
  return std::string(words[static_cast<std::size_t>(value)]);
}
[[nodiscard]] inline std::string shown(bool value) { return value ? "true" : "false"; }
template <std::integral Number>
[[nodiscard]] std::string shown(Number value) {
  return std::to_string(value);
}
template <class Value>
requires(!std::integral<Value> && !std::convertible_to<const Value&, std::string_view>) [[nodiscard]] std::string
    shown(const Value&) {
  return "another value";
}

/// A few values that a party notes for the law to read; in place, as the party may be in another process.
template <class T>
class notes {
 public:
  void push_back(const T& value) {
    if (count_ < values_.size()) values_[count_] = value;
    ++count_;
  }
  [[nodiscard]] bool are(std::initializer_list<T> wanted) const {
    return count_ == wanted.size() && std::equal(wanted.begin(), wanted.end(), values_.begin());
  }

 private:
  std::array<T, 16> values_{};
  std::size_t count_ = 0;
};

/// Catch2's own assertions may be used by one thread only; this is what parties use.
class record {
 public:
  void note(bool good, std::string_view what, place_in_source at) {
    ++expectations_;
    if (good) return;
    is_clean_ = false;
    const std::size_t mine = noted_++;
    if (mine >= failures_.size()) return;
    failure& text = failures_[mine];
    std::snprintf(text.words, sizeof text.words, "%s:%d: %.*s", at.file, at.line, static_cast<int>(what.size()),
                  what.data());
    text.is_written.store(true, std::memory_order_release);
  }

  [[nodiscard]] bool is_clean() const { return is_clean_; }

  /// Tells Catch2 everything. A law that expected nothing could not fail, and is reported for it.
  void report() {
    for (failure& each : failures_)
      if (each.is_written.exchange(false, std::memory_order_acquire)) FAIL_CHECK(each.words);
    if (const std::size_t noted = noted_.exchange(0); noted > failures_.size())
      FAIL_CHECK("and " << noted - failures_.size() << " more");
    CHECK(expectations_ > 0);
  }

 private:
  /// In place, as the parties may be in other processes.
  struct failure {
    std::atomic<bool> is_written{false};
    char words[1000]{};
  };
  std::array<failure, 30> failures_{};
  std::atomic<std::size_t> noted_{0};
  std::atomic<bool> is_clean_{true};
  std::atomic<std::uint64_t> expectations_{0};
};

}  // namespace dvs::conformance

#endif
