// SPDX-License-Identifier: MIT
/// @file
/// The record of a law: expectations noted by parties on any thread or fiber, reported to Catch2 by its own thread.
#ifndef DVS_CONFORMANCE_RECORD_HPP
#define DVS_CONFORMANCE_RECORD_HPP

#include <atomic>
#include <catch2/catch.hpp>
#include <concepts>
#include <dvs/backend.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

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

/// Catch2's own assertions may be used by one thread only; this is what parties use.
class record {
 public:
  void note(bool good, std::string_view what, place_in_source at) {
    ++expectations_;
    if (good) return;
    const std::lock_guard lock(mutex_);
    clean_ = false;
    failures_.push_back(std::string(at.file) + ":" + std::to_string(at.line) + ": " + std::string(what));
  }

  [[nodiscard]] bool is_clean() const { return clean_; }

  /// Tells Catch2 everything. A law that expected nothing could not fail, and is reported for it.
  void report() {
    const std::lock_guard lock(mutex_);
    for (const std::string& failure : failures_) FAIL_CHECK(failure);
    failures_.clear();
    CHECK(expectations_ > 0);
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> failures_;
  std::atomic<bool> clean_{true};
  std::atomic<std::uint64_t> expectations_{0};
};

}  // namespace dvs::conformance

#endif
