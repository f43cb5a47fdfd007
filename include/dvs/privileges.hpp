// SPDX-License-Identifier: MIT
/// @file
/// What a process may do in its DC: which calls, and with whom.
#ifndef DVS_PRIVILEGES_HPP
#define DVS_PRIVILEGES_HPP

#include <cstddef>
#include <cstdint>
#include <dvs/ids.hpp>
#include <vector>

namespace dvs {

/// The calls that can be allowed or forbidden one by one; the numbers are those of M3-IPC.
enum class call : std::uint8_t {
  send = 2,
  receive = 3,
  notify = 4,
  sendrec = 5,
  receive_request = 6,
  reply = 7,
  vcopy = 13,
  relay = 16,
};

/// A set of calls: MINIX's trap mask.
class call_set {
 public:
  constexpr call_set() = default;
  constexpr explicit call_set(std::uint32_t bits) : bits_(bits) {}
  [[nodiscard]] static constexpr call_set all() { return call_set{~std::uint32_t{0}}; }
  /// What a user process may do unless it is told otherwise: ask servers.
  [[nodiscard]] static constexpr call_set of_users() { return call_set{}.with(call::sendrec); }

  [[nodiscard]] constexpr call_set with(call c) const { return call_set{bits_ | bit(c)}; }
  [[nodiscard]] constexpr call_set without(call c) const { return call_set{bits_ & ~bit(c)}; }
  [[nodiscard]] constexpr bool has(call c) const { return (bits_ & bit(c)) != 0; }
  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
  friend constexpr bool operator==(call_set, call_set) = default;

 private:
  static constexpr std::uint32_t bit(call c) { return std::uint32_t{1} << static_cast<unsigned>(c); }
  std::uint32_t bits_ = 0;
};

/// A set of peers: each system process by its slot, and all user processes together.
class peer_set {
 public:
  /// Everybody.
  [[nodiscard]] static peer_set all() { return peer_set(true); }
  /// Nobody.
  [[nodiscard]] static peer_set nobody() { return peer_set(false); }

  /// Adds a system process.
  [[nodiscard]] peer_set with(endpoint_id who) && { return std::move(set(who, true)); }
  /// Removes a system process.
  [[nodiscard]] peer_set without(endpoint_id who) && { return std::move(set(who, false)); }
  /// Adds or removes every user process.
  [[nodiscard]] peer_set users(bool allowed) && {
    users_ = allowed;
    return std::move(*this);
  }

  /// Whether the system process `who` is in the set.
  [[nodiscard]] bool has(endpoint_id who) const {
    for (const endpoint_id exception : exceptions_)
      if (exception == who) return !others_;
    return others_;
  }
  /// Whether user processes are in the set.
  [[nodiscard]] bool has_users() const { return users_; }

 private:
  explicit peer_set(bool everybody) : others_(everybody), users_(everybody) {}
  peer_set& set(endpoint_id who, bool member) {
    std::erase(exceptions_, who);
    if (member != others_) exceptions_.push_back(who);
    return *this;
  }

  std::vector<endpoint_id> exceptions_;
  bool others_;
  bool users_;
};

/// What one process may do.
struct privileges {
  call_set calls = call_set::all();  ///< calls it may make; others fail with `errc::bad_call`
  peer_set to = peer_set::all();     ///< whom it may address; others fail with `errc::trap_denied`
  peer_set from = peer_set::all();   ///< who may address it; others get `errc::trap_denied`
};

}  // namespace dvs

#endif
