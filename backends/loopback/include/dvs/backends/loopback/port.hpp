// SPDX-License-Identifier: MIT
/// @file
/// One bound endpoint: each operation asks the rules, and parks its context when they say so.
#ifndef DVS_BACKENDS_LOOPBACK_PORT_HPP
#define DVS_BACKENDS_LOOPBACK_PORT_HPP

#include <bit>
#include <dvs/backends/loopback/no_streams.hpp>
#include <dvs/backends/loopback/table.hpp>
#include <optional>

namespace dvs::loopback {

class dc;

class port : private waiter {
 public:
  port(dc& owner, table& rules, scheduler& contexts) : dc_(owner), table_(rules), contexts_(contexts) {}
  port(const port&) = delete;
  port& operator=(const port&) = delete;
  ~port() { static_cast<void>(replace_alarm(forever)); }

  [[nodiscard]] endpoint_id id() const { return id_; }

  // ---- Messages ----

  errc send(endpoint_id to, const message& out, timeout limit) {
    const auto content = std::bit_cast<dvk_message>(out);
    return carry_out(limit, [&](unsigned flags) { return dvk_send(rules(), me(), number(to), &content, flags); });
  }
  errc receive(endpoint_id source, timeout limit, incoming& in) {
    return taken(in,
                 carry_out(limit, [&](unsigned flags) { return dvk_receive(rules(), me(), number(source), flags); }));
  }
  errc receive_request(timeout limit, incoming& in) {
    return taken(in, carry_out(limit, [&](unsigned flags) { return dvk_receive_request(rules(), me(), flags); }));
  }
  errc sendrec(endpoint_id to, message& inout, timeout limit) {
    const auto ask = std::bit_cast<dvk_message>(inout);
    incoming answer{};
    const errc ended = taken(
        answer, carry_out(limit, [&](unsigned flags) { return dvk_sendrec(rules(), me(), number(to), &ask, flags); }));
    if (ended == errc::ok) inout = answer.content;
    return ended;
  }
  errc reply(endpoint_id to, std::uint32_t exchange, const message& out) {
    const auto content = std::bit_cast<dvk_message>(out);
    return at_once([&] { return dvk_reply(rules(), me(), number(to), exchange, &content); });
  }
  errc relay(endpoint_id source, std::uint32_t exchange, endpoint_id to, const message& request) {
    const auto content = std::bit_cast<dvk_message>(request);
    return at_once([&] { return dvk_relay(rules(), me(), number(source), exchange, number(to), &content); });
  }
  errc notify(endpoint_id to, std::uint64_t value) {
    return noted(at_once([&] { return dvk_notify(rules(), me(), number(to), value, clock()); }));
  }
  errc notify_as(endpoint_id source, endpoint_id to, std::uint64_t value) {
    if (!is_system()) return errc::no_privilege;
    return noted(at_once([&] { return dvk_notify_as(rules(), me(), number(source), number(to), value, clock()); }));
  }

  // ---- Memory ----

  result<grant_id> grant(endpoint_id to, std::byte* memory, std::size_t bytes, access allowed) {
    dvk_grant_id made = DVK_NO_GRANT;
    const errc granted = at_once([&] {
      return dvk_grant_direct(rules(), me(), number(to), reinterpret_cast<std::uintptr_t>(memory), bytes,
                              static_cast<unsigned>(allowed), &made);
    });
    return granted == errc::ok ? result(grant_id{made}) : granted;
  }
  result<grant_id> grant_indirect(endpoint_id to, granted_range part, std::size_t bytes, access allowed) {
    dvk_grant_id made = DVK_NO_GRANT;
    const errc granted = at_once([&] {
      return dvk_grant_indirect(rules(), me(), number(to), number(part.granter), number(part.grant), part.offset, bytes,
                                static_cast<unsigned>(allowed), &made);
    });
    return granted == errc::ok ? result(grant_id{made}) : granted;
  }
  errc revoke(grant_id unwanted) { return static_cast<errc>(dvk_grant_revoke(rules(), me(), number(unwanted))); }
  errc copy_from(granted_range from, std::span<std::byte> into) {
    std::byte* source = nullptr;
    const errc found = find(from, into.size(), access::read, source);
    return found == errc::ok ? move(into.data(), source, into.size()) : found;
  }
  errc copy_into(granted_range into, std::span<const std::byte> from) {
    std::byte* destination = nullptr;
    const errc found = find(into, from.size(), access::write, destination);
    return found == errc::ok ? move(destination, from.data(), from.size()) : found;
  }
  errc copy_between(granted_range from, granted_range into, std::size_t bytes) {
    std::byte *source = nullptr, *destination = nullptr;
    if (const errc found = find(from, bytes, access::read, source); found != errc::ok) return found;
    if (const errc found = find(into, bytes, access::write, destination); found != errc::ok) return found;
    return move(destination, source, bytes);
  }
  errc vcopy(endpoint_id from, std::uint64_t from_address, endpoint_id into, std::uint64_t into_address,
             std::size_t bytes) {
    if (!is_system()) return errc::no_privilege;
    dvk_copy_parties parties{};
    const errc allowed = at_once([&] { return dvk_vcopy_check(rules(), me(), number(from), number(into), &parties); });
    if (allowed != errc::ok) return allowed;
    return move(reinterpret_cast<std::byte*>(into_address), reinterpret_cast<const std::byte*>(from_address), bytes);
  }

  // ---- Other processes, time and chance ----

  errc wait_bind(endpoint_id who, timeout limit) {
    return carry_out(limit, [&](unsigned flags) { return dvk_wait_bind(rules(), me(), number(who), flags); });
  }
  errc wait_unbind(endpoint_id who, timeout limit) {
    return carry_out(limit, [&](unsigned flags) { return dvk_wait_unbind(rules(), me(), number(who), flags); });
  }
  errc watch_deaths() {
    if (!is_system()) return errc::no_privilege;
    return at_once([&] { return watches_deaths_ = true, 0; });
  }
  bool is_bound(endpoint_id who) {
    dvk_slot* slot = nullptr;
    return dvk_find_bound(rules(), number(who), &slot) == 0;
  }
  duration now() { return contexts_.now(); }
  errc sleep_for(duration length) {
    const errc ended = rest(length);
    return ended == errc::timed_out ? errc::ok : ended;
  }
  errc set_alarm(timeout delay) {
    if (!is_system()) return errc::trap_denied;
    return at_once([&] { return replace_alarm(delay); });
  }
  std::uint64_t random() { return contexts_.random(); }
  void yield() { contexts_.yield(); }

  // ---- Context ----

  template <class Body>
  result<endpoint_id> spawn_fiber(endpoint_id who, const bind_options& options, Body body);
  result<no_listener> listen(std::uint16_t) { return errc::not_supported; }

  /// Waits for `rouse`, not for a message. Errors: `timed_out`, `cancelled`, `shut_down`.
  errc rest(timeout limit) {
    if (closed_ || leaving_) return errc::shut_down;
    if (std::exchange(cancel_next_, false)) return errc::cancelled;
    outcome = errc::ok;
    resting_ = true;
    const bool roused = contexts_.park(place, limit);
    resting_ = false;
    return roused ? outcome : errc::timed_out;
  }
  void rouse(errc why) {
    if (!std::exchange(resting_, false)) return;
    outcome = why;
    contexts_.wake(place);
  }

 private:
  friend class dc;

  [[nodiscard]] dvk_table* rules() { return table_.rules(); }
  [[nodiscard]] dvk_endpoint me() const { return number(id_); }
  [[nodiscard]] std::uint64_t clock() const { return static_cast<std::uint64_t>(contexts_.now().count()); }
  [[nodiscard]] bool is_system() { return dvk_is_system(rules(), dvk_index_of_slot(rules(), slot_of(id_))) != 0; }

  /// An operation that never waits.
  template <class Rule>
  errc at_once(Rule rule) {
    if (closed_) return errc::shut_down;
    const int outcome_now = rule();
    table_.settle();
    return static_cast<errc>(outcome_now);
  }
  /// An operation that may wait: what the rules do not finish at once, a completion, a timer or a cancel finishes.
  template <class Rule>
  errc carry_out(timeout limit, Rule rule) {
    if (closed_ || leaving_) return errc::shut_down;
    const int outcome_now = rule(limit.is_zero() ? static_cast<unsigned>(DVK_NOWAIT) : 0u);
    table_.settle();
    if (outcome_now != DVK_BLOCKED) return static_cast<errc>(outcome_now);
    if (std::exchange(cancel_next_, false)) {
      static_cast<void>(dvk_cancel(rules(), me(), DVK_E_cancelled));
    } else if (!contexts_.park(place, limit)) {
      static_cast<void>(dvk_cancel(rules(), me(), DVK_E_timed_out));
    }
    table_.settle();
    return outcome;
  }
  /// Ends the present wait, if there is one.
  bool interrupt(errc why) {
    if (dvk_cancel(rules(), me(), static_cast<int>(why)) == 0) return table_.settle(), true;
    return resting_ ? rouse(why), true : false;
  }

  errc taken(incoming& in, errc outcome_now) {
    if (outcome_now != errc::ok) return outcome_now;
    in.content = std::bit_cast<message>(*dvk_message_of(rules(), me()));
    in.exchange = dvk_exchange_of(rules(), me());
    return errc::ok;
  }
  errc noted(errc outcome_now) {
    if (outcome_now == errc::overrun) outcome_now = errc::ok;  // merged with the one that was pending
    notifications_made_ += outcome_now == errc::ok;
    return outcome_now;
  }
  errc find(const granted_range& range, std::size_t bytes, access wanted, std::byte*& memory) {
    if (range.granter == none) return errc::not_granted;
    dvk_memory found{};
    const errc allowed = at_once([&] {
      return dvk_grant_check(rules(), number(range.granter), me(), number(range.grant), range.offset, bytes,
                             static_cast<unsigned>(wanted), 0, &found);
    });
    if (allowed == errc::ok) memory = reinterpret_cast<std::byte*>(found.address);
    return allowed;
  }
  errc move(std::byte* into, const std::byte* from, std::size_t bytes) {
    if (bytes != 0) std::memmove(into, from, bytes);
    return static_cast<errc>(dvk_count_copy(rules(), me(), bytes));
  }
  int replace_alarm(timeout delay) {
    if (alarm_) contexts_.take_back(*alarm_);
    alarm_.reset();
    if (delay.is_forever()) return 0;
    alarm_ = contexts_.at(contexts_.now() + delay.length(), [this] {
      alarm_.reset();
      static_cast<void>(dvk_inject(rules(), DVK_CLOCK, me(), 0, clock()));
      table_.settle();
    });
    return 0;
  }

  dc& dc_;
  table& table_;
  scheduler& contexts_;
  endpoint_id id_ = none;
  privileges rights_;
  std::optional<scheduler::timer> alarm_;
  std::uint64_t notifications_made_ = 0;
  bool watches_deaths_ = false;
  bool resting_ = false;      ///< waits, but the rules know nothing of it
  bool cancel_next_ = false;  ///< was cancelled while it ran
  bool leaving_ = false;      ///< was asked to leave
  bool closed_ = false;       ///< its DC has ended
};

}  // namespace dvs::loopback

#endif
