// SPDX-License-Identifier: MIT
/// @file
/// A bound endpoint of the userspace backend.
#ifndef DVS_BACKENDS_USERSPACE_PORT_HPP
#define DVS_BACKENDS_USERSPACE_PORT_HPP

#include <algorithm>
#include <bit>
#include <dvs/backend.hpp>
#include <dvs/backends/userspace/across.hpp>
#include <dvs/backends/userspace/link.hpp>
#include <dvs/trace_kind.hpp>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <unordered_map>

namespace dvs::userspace {

class broker;
class gateway;
class listener;
class socket_address;
class trace_tap;
struct across_command;

/// How an operation ends whose partner goes on elsewhere, nothing being done: it is begun again. Stays in the backend.
inline constexpr errc moved_on{std::numeric_limits<int>::max()};

/// Packs what a process does into one word, so that others read it in one piece. The count tells two waits apart.
struct published_state {
  activity doing = activity::running;
  bool requests_only = false;
  std::uint32_t count = 0;  ///< 24 bits, shifted to where the word has it
  endpoint_id peer = none;

  [[nodiscard]] constexpr std::uint64_t word() const {
    return static_cast<std::uint64_t>(doing) | (requests_only ? 128U : 0U) | count |
           static_cast<std::uint64_t>(static_cast<std::uint32_t>(peer)) << 32;
  }
  /// Whether both say the same, whichever wait it is.
  [[nodiscard]] constexpr bool same_activity(published_state other) const {
    return doing == other.doing && requests_only == other.requests_only && peer == other.peer;
  }
  [[nodiscard]] static constexpr published_state from(std::uint64_t word) {
    return {static_cast<activity>(word & 127), (word & 128) != 0, static_cast<std::uint32_t>(word) & ~0xFFU,
            endpoint_id{static_cast<std::int32_t>(word >> 32)}};
  }
};

/// See `dvs::backend_port` for what the operations do. A port belongs to the carrier that bound it.
class port final : public bell_source {
 public:
  port(std::shared_ptr<broker> owner, std::shared_ptr<carrier> runs_on, endpoint_id id, std::int32_t index,
       bool is_system, std::uint32_t system_processes, std::int32_t node = DVK_HERE);
  ~port();

  [[nodiscard]] endpoint_id id() const { return id_; }
  /// Whether it stands for a process of another node.
  [[nodiscard]] bool is_ghost() const { return is_ghost_; }
  /// Whether it stands for a process of a node that cannot be reached.
  [[nodiscard]] bool is_lost() const { return lost_.load(std::memory_order_seq_cst); }
  /// Whether its process goes on in another place: another port has its endpoint now.
  [[nodiscard]] bool has_moved() const { return moved_.load(std::memory_order_seq_cst); }
  /// Whether it is to move, and nothing is delivered to it.
  [[nodiscard]] bool is_held() const { return held_.load(std::memory_order_relaxed); }

  errc send(endpoint_id to, const message& m, timeout limit);
  errc receive(endpoint_id source, timeout limit, incoming& in);
  errc receive_request(timeout limit, incoming& in);
  errc sendrec(endpoint_id to, message& m, timeout limit);
  errc reply(endpoint_id to, std::uint32_t exchange, const message& m);
  errc relay(endpoint_id requester, std::uint32_t exchange, endpoint_id to, const message& m);
  errc notify(endpoint_id to, std::uint64_t value) { return notify_from(id_, to, value, call::notify); }
  errc notify_as(endpoint_id source, endpoint_id to, std::uint64_t value);

  result<grant_id> grant(endpoint_id to, std::byte* memory, std::size_t bytes, access direction);
  result<grant_id> grant_indirect(endpoint_id to, granted_range part, std::size_t bytes, access direction);
  errc revoke(grant_id id);
  errc copy_from(granted_range from, std::span<std::byte> into);
  errc copy_into(granted_range into, std::span<const std::byte> from);
  errc copy_between(granted_range from, granted_range into, std::size_t bytes);
  errc vcopy(endpoint_id from, std::uint64_t from_address, endpoint_id into, std::uint64_t into_address,
             std::size_t bytes);

  errc wait_bind(endpoint_id who, timeout limit) { return wait_for_table(who, true, limit); }
  errc wait_unbind(endpoint_id who, timeout limit) { return wait_for_table(who, false, limit); }
  errc watch_deaths();
  bool is_bound(endpoint_id who);

  [[nodiscard]] duration now() const;
  errc sleep_for(duration length);
  errc set_alarm(timeout delay);
  std::uint64_t random();
  void yield() { carrier_->yield(); }

  template <class Body>
  result<endpoint_id> spawn_fiber(endpoint_id who, const bind_options& options, Body body);
  /// Defined in `dvs/backends/userspace/streams.hpp`.
  result<listener> listen(std::uint16_t number);
  /// Listens only on the address of this host that is given as text, such as "127.0.0.1"; `bad_argument` if it has
  /// none.
  result<listener> listen(std::string_view address, std::uint16_t number);

  /// Whether a wait may begin. Errors: `process_running`, `not_bound`, `shut_down`.
  [[nodiscard]] errc may_wait() const { return waiting_task_ != nullptr ? errc::process_running : enter_unchecked(); }

  /// Waits until `poll()` is true; the general form of every wait of this backend.
  /// `give_up()` takes the operation back when the wait ends otherwise; false: too late, `poll()` is true now.
  /// `on`: the link whose partner is waited for, if it is one; `attended`: its post says that we poll.
  template <class Poll, class GiveUp>
  errc wait_until(published_state doing, timeout limit, link* on, bool attended, Poll&& poll, GiveUp&& give_up);
  /// Makes the wait of this port look again; on its own thread.
  void alert() {
    accept_nothing();
    if (waiting_task_ != nullptr) carrier_->make_ready(*waiting_task_);
  }

  [[nodiscard]] carrier& runs_on() const { return *carrier_; }
  [[nodiscard]] const std::shared_ptr<carrier>& shared_carrier() const { return carrier_; }

 private:
  friend class broker;
  friend class gateway;
  friend struct link;

  /// What the port waits for, filled by whoever completes it on the same thread.
  enum class wait_kind : std::uint8_t { none, receive, receive_request, answer, taken };
  struct alignas(4) wait_progress {
    wait_kind kind = wait_kind::none;
    bool done = false;
    bool plainly = false;  ///< done by the short way, so that nothing else is to be looked at
    bool unused = false;   ///< makes it one word, which is read and written at once
    [[gnu::always_inline]] friend bool operator==(wait_progress a, wait_progress b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    }
  };
  struct wait_record : wait_progress {
    errc outcome = errc::ok;
    endpoint_id source = none;    ///< receive: from whom
    endpoint_id redirect = none;  ///< answer: the request was relayed to this process
    union {
      incoming* into = nullptr;  ///< receive: where to
      message* answer;           ///< answer: where to
    };
    link* on = nullptr;  ///< answer, taken, receive from one: the link

    [[nodiscard]] wait_progress& progress() { return *this; }
  };
  /// What stands in the way of calls; the bits above these are the calls that its privileges deny.
  static constexpr std::uint32_t control_cancel = 1, control_shut_down = 2, control_unbound = 4, control_leaving = 8,
                                 control_denied = 16;
  static_assert(control_denied << static_cast<unsigned>(call::relay) != 0, "the calls fit above the rest");
  [[nodiscard]] static constexpr std::uint32_t denial_of(call c) { return control_denied << static_cast<unsigned>(c); }

  void rung() override { alert(); }

  using link_map = std::unordered_map<endpoint_id, std::shared_ptr<link>>;

  // ---- Tests before an operation ----
  void permit(call_set calls);
  errc enter_unchecked() const;
  errc enter(call c) const;
  errc enter_waiting(call c) const;
  [[nodiscard]] errc interrupted();
  errc connect(endpoint_id to, bool with_reply, errc died, errc itself, link*& found);
  [[nodiscard]] link* find_asked(endpoint_id who) const;
  [[nodiscard]] link* shorten(link& on);
  errc listen_to(endpoint_id source, link*& found);
  link* asked_by(endpoint_id who);

  // ---- The short way of fibers of one thread ----
  errc sendrec_long(endpoint_id to, message& m, timeout limit);
  errc reply_long(endpoint_id to, std::uint32_t exchange, const message& m);
  errc sendrec_resumed(endpoint_id to, message& m);
  errc receive_long(endpoint_id source, timeout limit, incoming& in);
  errc receive_resumed(incoming& in);
  [[nodiscard]] bool is_hindered(call c) const {
    return (control_.load(std::memory_order_acquire) & ((control_denied - 1) | denial_of(c))) != 0;
  }
  [[nodiscard]] bool may_go_short(const carrier& here, call c) const;
  [[nodiscard]] bool leads_short(const link* on, endpoint_id to) const;
  void ask_short(carrier& here, link& on, message& m);
  void receive_short(carrier& here, incoming& in);
  void end_short();

  // ---- Traces (port_trace.hpp) ----
  void note_came(const incoming& in) const;
  void note_answer(const message& m) const;
  void report(trace_tap& tap, const message& m, trace_kind kind) const;

  // ---- Rendezvous ----
  void draw_ticket(link& on);
  [[nodiscard]] link* through_gateway(link& on) { return asked_.find(on.server_id)->second.get(); }
  errc send_once(endpoint_id to, const message& m, timeout limit);
  errc send_local(link& on, const message& m, timeout limit);
  errc send_remote(link& on, const message& m, timeout limit);
  errc ask(endpoint_id to, message& m, timeout limit, const std::shared_ptr<link>& relayer);
  errc follow_redirects(errc outcome, message& m, std::int64_t deadline);
  errc wait_for_answer(published_state doing, timeout limit);
  errc wait_for_message(wait_kind kind, endpoint_id source, timeout limit, incoming& in, link* on);
  errc sendrec_local(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer);
  errc sendrec_remote(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer);
  static void tell_relayer(link& relayer);
  errc receive_any(wait_kind kind, endpoint_id source, timeout limit, incoming& in);
  [[nodiscard]] bool has_notification_from(endpoint_id source) const;
  [[nodiscard]] bool has_message_from(endpoint_id source) const;
  bool take_notification(endpoint_id source, incoming& in);
  bool take_pending(endpoint_id source, bool requests_only, incoming& in);
  bool take(link& from, incoming& in);
  bool send_as_answer(endpoint_id to, const message& m);
  bool finish_listening(incoming& in);
  errc relay_local(link& on, std::uint32_t exchange, endpoint_id to, const message& m);
  errc answer_link(link& on, std::uint32_t exchange, slot_kind kind, const message& m);
  errc answer_local(link& on, std::uint32_t exchange, slot_kind kind, const message& m);
  errc answer_remote(link& on, std::uint32_t exchange, slot_kind kind, const message& m);
  errc why_not_answerable(endpoint_id to);
  errc reply_unasked(endpoint_id to, std::uint32_t exchange, const message& m);

  [[nodiscard]] bool accepts(endpoint_id from, bool is_request) const {
    return accepting_ == any || accepting_ == from || (is_request && accepting_requests_);
  }
  void accept_nothing() {
    accepting_ = none;
    accepting_requests_ = false;
  }
  /// Hands a message to this port, which accepts it.
  void hand_over(endpoint_id from, std::uint32_t exchange, const message& m, bool first);
  void complete(errc outcome, bool first = false);
  [[nodiscard]] errc final_outcome(errc outcome) const;
  [[nodiscard]] errc why_gone(const port& partner, errc died) const;
  /// Has `operation(rest of the limit)` done again as long as its partner goes on elsewhere.
  template <class Operation>
  static errc until_settled(timeout limit, Operation&& operation);
  void enlist(link& from);
  void unlist(link& from);
  void adopt(const std::shared_ptr<link>& from);
  void adopt_new();
  [[nodiscard]] std::uint64_t next_ticket(bool shared);
  [[nodiscard]] bool would_lock(link& on);
  void open(link& on);
  void close();

  // ---- Neighbours: processes that are reached by a direct way ----
  /// A grant to one, and where it is shown.
  struct given_grant {
    grant_id id;
    endpoint_id to;
    std::uint64_t address, bytes;
    access direction;
    shared_grant* row;
    std::shared_ptr<link> on;
  };
  void note_grant(grant_id id, endpoint_id to, const std::byte* memory, std::size_t bytes, access direction);
  void show_grants_to(endpoint_id to);
  void forget_grant(grant_id id);
  static void withdraw(given_grant& given);
  std::shared_ptr<link> direct_link_with(endpoint_id who);
  [[nodiscard]] static shared_grants& grants_of(const link& on, endpoint_id granter);
  bool copy_of_neighbour(granted_range part, std::byte* here, std::size_t bytes, access direction);

  // ---- Partners on other nodes ----
  errc send_across(link& on, const message& m, timeout limit);
  errc sendrec_across(link& on, message& m, timeout limit, const std::shared_ptr<link>& relayer);
  errc wait_across(across_command& command, published_state doing, timeout limit);
  errc copy_far(const dvk_memory& where, dvk_frame_kind kind, copy_side here, std::uint64_t bytes);
  errc copy_between_far(const dvk_memory& origin, const dvk_memory& destination, std::uint64_t bytes);
  errc copy_through_here(dvk_memory origin, dvk_memory destination, std::uint64_t bytes);
  errc counted(errc outcome, std::size_t bytes);
  void address(across_command& command, dvk_frame_kind kind, endpoint_id to, std::int32_t node);
  void lose();
  void find_again() { lost_.store(false, std::memory_order_seq_cst); }

  // ---- Moving to another place ----
  [[nodiscard]] bool comes_to_rest(endpoint_id source);
  [[nodiscard]] bool owes_answer();
  bool take_back(std::int32_t source_index);
  void give_notes_to(dvk_estate& estate);
  void take_over(const dvk_estate& estate);

  // ---- Notifications ----
  errc notify_from(endpoint_id source, endpoint_id to, std::uint64_t value, call c);
  void forget_notification(std::int32_t source_index);
  void post_notification(std::int32_t source_index, std::uint64_t value, const carrier* from);

  errc wait_for_table(endpoint_id who, bool bound, timeout limit);
  result<listener> listen_at(std::initializer_list<socket_address> places);
  [[gnu::always_inline]] void publish(published_state state) {
    state.count = wait_count_ += 0x100;
    state_.store(state.word(), std::memory_order_release);
  }
  /// Does not make another wait of one that is published already: senders that try tell by it that it has ended.
  void publish_once(published_state state) {
    if (!published_state::from(state_.load(std::memory_order_relaxed)).same_activity(state)) publish(state);
  }
  void published_running() { state_.store(published_state{}.word(), std::memory_order_release); }
  [[gnu::always_inline]] void count(std::atomic<std::uint64_t>& counter, std::int64_t more = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(more),
                  std::memory_order_relaxed);
  }
  [[nodiscard]] link_map& asked_like(const link& on) { return on.direct ? directly_asked_ : asked_; }
  [[nodiscard]] link_map& served_like(const link& on) { return on.direct ? directly_served_ : served_; }
  void mark_links_gone();
  void end_wait_of(port& asker, bool untaken);
  void drop_links();
  void drop_asked(link& on);
  void drop_served(link& on);

  const std::shared_ptr<broker> broker_;
  const std::shared_ptr<carrier> carrier_;
  const endpoint_id id_;
  const std::int32_t index_;
  const bool is_system_;
  const bool is_ghost_;
  std::atomic<std::int32_t> node_;  ///< a ghost: changes when its process moves
  std::atomic<std::uint32_t> control_{0};
  std::atomic<bool> lost_{false};
  std::atomic<bool> moved_{false};
  std::atomic<bool> held_{false};
  std::atomic<std::uint64_t> locked_wait_{0};  ///< the published state of a wait that is to end as locked
  std::uint64_t birth_ = 0;                    ///< which of all processes of this node it is
  endpoint_id redirected_away_ = none;         ///< a ghost: its request was relayed to this process of another node

  /// What its own thread writes all the time; partners read what stands before it.
  alignas(64) wait_record wait_;
  task* waiting_task_ = nullptr;  ///< the one that is in a call that waits
  endpoint_id accepting_ = none;  ///< suspended in a receive: from whom
  std::uint32_t wait_count_ = 0;  ///< how many waits were published, as `published_state` wants it
  link* last_asked_ = nullptr;
  link* last_served_ = nullptr;
  link* pending_first_ = nullptr;
  link* pending_last_ = nullptr;
  bool accepting_requests_ = false;  ///< suspended in a receive of requests
  std::uint32_t served_in_a_row_ = 0;
  link_map asked_;           ///< by whom they lead to
  link_map served_;          ///< by whom they come from
  link_map directly_asked_;  ///< the same by the direct way
  link_map directly_served_;
  std::vector<given_grant> given_;
  std::shared_ptr<link> retired_;  ///< replaced while a wait was on it
  bool left_behind_ = false;       ///< it is in the table no more, and its links have ended
  std::uint32_t bell_ = 0;
  std::uint64_t random_state_;

  struct alarm_timer : timer {
    explicit alarm_timer(port& p) : timer(&alarm_timer::expire), owner(p) {}
    static void expire(timer& t);
    port& owner;
  } alarm_{*this};

  /// What others write: with every post,
  alignas(64) std::atomic<std::uint64_t> tickets_{0};
  /// and now and then.
  alignas(64) std::atomic<bool> has_remote_askers_{false};
  std::atomic<bool> has_direct_askers_{false};
  struct pending_note {
    std::atomic<std::uint64_t> value{0};
    std::atomic<std::uint64_t> time_ns{0};
  };
  std::uint32_t note_words_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> note_bits_;
  std::unique_ptr<pending_note[]> notes_;
  std::atomic<std::uint32_t> notes_pending_{0};
  std::vector<std::shared_ptr<link>> new_links_;  ///< not yet adopted; under the broker's lock
  std::atomic<bool> has_new_links_{false};

  /// What others read.
  alignas(64) std::atomic<std::uint64_t> state_{published_state{}.word()};
  std::atomic<link*> blocked_on_{nullptr};
  std::atomic<std::uint64_t> began_{0};           ///< when the wait on it began, to tell who closed a cycle
  std::atomic<bool> searched_{false};             ///< whether this port has looked for a cycle since
  std::atomic<std::uint64_t> asking_across_{0};   ///< the exchange of its request to another node
  std::atomic<std::uint64_t> waiting_across_{0};  ///< the same of whatever it wants of another node
  /// The wait on a direct link that was seen last, and when it is suspected to be in a cycle; under the broker's lock.
  std::uint64_t watched_wait_ = 0;
  std::int64_t watched_since_ns_ = 0, suspect_at_ns_ = 0;
  std::atomic<std::uint64_t> sent_{0}, received_{0}, copies_{0}, bytes_copied_{0};
};

}  // namespace dvs::userspace

#endif
