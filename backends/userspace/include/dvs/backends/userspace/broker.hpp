// SPDX-License-Identifier: MIT
/// @file
/// The broker of a DC, linked into the process: it owns the table of processes, their privileges and their grants, and
/// brings together those who may talk. Messages do not pass through it.
#ifndef DVS_BACKENDS_USERSPACE_BROKER_HPP
#define DVS_BACKENDS_USERSPACE_BROKER_HPP

#include <dvs/dvk/dvk.h>
#include <dvs/dvk/migrate.h>

#include <condition_variable>
#include <deque>
#include <dvs/backends/userspace/copy_by_address.hpp>
#include <dvs/backends/userspace/cycle_search.hpp>
#include <dvs/backends/userspace/port.hpp>
#include <dvs/backends/userspace/registry.hpp>
#include <dvs/backends/userspace/successor.hpp>
#include <dvs/backends/userspace/table_rights.hpp>
#include <dvs/backends/userspace/table_watch.hpp>
#include <dvs/backends/userspace/trace_tap.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>

namespace dvs::userspace {

/// See `dvs::backend_dc` for the operations that programs use.
class broker final : public std::enable_shared_from_this<broker> {
 public:
  /// `outside`: the gateway of the node, or null. `shared`: who decides about the DC, if that is not this broker.
  broker(dc_id id, std::string_view name, const dc_options& sizes, std::int64_t node_started_ns, across* outside,
         registry* shared = nullptr);

  // ---- For programs ----
  result<port*> bind(endpoint_id who, const bind_options& options);
  result<endpoint_id> bind_thread(int thread, endpoint_id who, const bind_options& options);
  result<port*> wait_for_own_bind(timeout limit);
  void unbind(port& leaving);
  errc unbind(endpoint_id who, timeout limit);
  template <class Body>
  result<endpoint_id> spawn_fiber(endpoint_id who, const bind_options& options, Body body);
  template <class Body>
  result<endpoint_id> spawn_thread(endpoint_id who, const bind_options& options, Body body);
  errc cancel(endpoint_id who);
  errc set_privileges(endpoint_id who, const privileges& rights);
  result<privileges> privileges_of(endpoint_id who);
  result<endpoint_id> find(std::string_view name);
  std::vector<process_info> processes();
  dc_info info();
  void end();
  void join();
  errc migrate_start(endpoint_id who, timeout limit);
  errc migrate_commit(endpoint_id who, node_id to);
  errc migrate_rollback(endpoint_id who);
  result<port*> take_over(endpoint_id who, timeout limit);
  errc promote(endpoint_id who);

  // ---- For the registry ----
  /// Binds the process that was given the endpoint `id`.
  result<std::shared_ptr<port>> settle(const std::shared_ptr<carrier>& runs_on, endpoint_id id,
                                       const bind_options& options);
  /// Binds a thread of this process that was given the endpoint `id`; it gets it from `wait_for_own_bind`.
  errc settle_thread(int thread, endpoint_id id, const bind_options& options);
  /// Enforces privileges on a process here. Errors: `bad_endpoint`.
  errc enforce(endpoint_id who, const privileges& rights);
  /// The processes that run here, and those elsewhere that want something of one; in a context that may wait for the
  /// gateway.
  std::vector<process_info> processes_here();
  errc accept_direct_way(endpoint_id asker, endpoint_id server, std::unique_ptr<direct_way> way);
  void sever(endpoint_id asker, endpoint_id server);
  /// Looks after those who wait for another process. Returns when to look again, or -1 if there are none.
  std::int64_t look_at_direct_waits(std::int64_t time);
  /// Has a process look at all that other processes of the host may have for it.
  errc ring(endpoint_id who);
  /// The DC, as far as it is here.
  dc_info info_here();
  /// Tells the processes here that the DC has ended.
  void announce_end();
  /// Has the messages that processes here get put into a tap, which it returns, or no longer. By one thread.
  trace_tap& trace(bool on);

  // ---- For the gateway ----
  [[nodiscard]] const dc_options& sizes() const { return sizes_; }
  /// Under which number the nodes of the DC know it.
  [[nodiscard]] dc_id shared_id() const { return sizes_.span ? sizes_.span->number : id_; }
  /// Binds a process of another node.
  result<std::shared_ptr<port>> bind_ghost(const std::shared_ptr<carrier>& gate, endpoint_id who, std::string_view name,
                                           node_id at);
  /// For whom `who`, which runs here, waits, given that `waiter` waits for it: in a receive, or to send or ask.
  [[nodiscard]] wait_edge edge_of(endpoint_id who, endpoint_id waiter, bool waiter_receives);
  /// Ends the wait `wait` of `who`, which runs here and waits for a process here, with `locked`.
  errc lock_wait(endpoint_id who, std::uint64_t wait);
  [[nodiscard]] std::uint64_t waits_across(endpoint_id who);
  /// What `p` does.
  [[nodiscard]] published_state look_at(const port& p);
  /// Has `who` told that it should leave.
  errc ask_to_leave(endpoint_id who) { return control(who, port::control_shut_down); }
  /// Whether the system process `asker` of another node may copy memory of `owner`, here, by its address.
  errc may_copy_by_address(endpoint_id asker, endpoint_id owner, access direction);

  // ---- For the gateway, when processes move (broker_moves.hpp) ----
  /// Chooses who takes over the process of an estate from another node. Errors: `not_waiting` (nobody wants to), `busy`
  /// (somebody does already), those of dvk_migrate_check().
  errc expect(const dvk_estate& estate);
  /// It does not come after all.
  void forsake(endpoint_id who);
  /// It has come: it goes on here. Returns its ghost, which was left behind.
  result<std::shared_ptr<port>> succeed(dvk_estate& estate);
  /// Lets a process go on at another node, and says what it leaves. Returns its ghost.
  result<std::shared_ptr<port>> let_go(endpoint_id who, const std::shared_ptr<carrier>& gate, node_id at,
                                       dvk_estate& estate);
  /// Ends a process here, as it goes on at another node, where it was promoted. Returns its ghost.
  result<std::shared_ptr<port>> step_down(endpoint_id who, const std::shared_ptr<carrier>& gate, node_id at);
  /// Has a process of a node that is lost go on here. Returns its ghost, which was left behind. Errors: `not_waiting`
  /// (nobody wants to take it over), `process_running` (its node can be reached).
  result<std::shared_ptr<port>> replace_lost(endpoint_id who);
  /// Learns where a process of another node is now.
  void relocate(port& ghost, node_id at, std::uint32_t term);
  /// Ends what a port that is not in the table any more has on its thread.
  void leave_behind(port& left);
  /// A process that is to move takes nothing more from now on; on its thread.
  void note_rest(port& p);
  /// Whether it still is to take nothing; on its thread.
  [[nodiscard]] bool still_rests(port& p);

  // ---- For ports ----
  /// The gateway, if the DC spans nodes.
  [[nodiscard]] across* outside() const { return outside_; }
  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }
  /// The error of an operation whose partner has gone: when the DC has ended, that is why.
  [[nodiscard]] errc gone(errc died) const { return ended() ? errc::shut_down : died; }
  /// Where messages are put that processes get; null: nobody watches.
  [[nodiscard]] trace_tap* tap() const { return tap_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint32_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  [[nodiscard]] std::int64_t started_ns() const { return started_ns_; }
  [[nodiscard]] std::uint32_t tasks() const { return limits_.tasks; }
  [[nodiscard]] std::int32_t index_of(endpoint_id who) const {
    return slot_of(who) + static_cast<std::int32_t>(limits_.tasks);
  }

  /// Finds, or makes, the link from `asker` to `to`. Errors as the call that needs it.
  errc connect(port& asker, endpoint_id to, bool with_reply, errc died, errc itself, std::shared_ptr<link>& found);
  /// Whether `from` may address `to` now.
  errc may_address(const port& from, endpoint_id to, errc died);
  /// Finds, or makes, the link from `asker` to the bound process `to`, whatever the privileges.
  errc link_to(port& asker, endpoint_id to, std::shared_ptr<link>& found);
  /// Whether processes of other address spaces may be reached by direct ways.
  [[nodiscard]] bool may_have_neighbours() const { return shared_ != nullptr && !sizes_.strict; }
  [[nodiscard]] std::shared_ptr<link> find_direct_way(port& asker, const link& across);
  /// Somebody here is about to sleep until another process does something.
  void watch_direct_waits() {
    if (!direct_waits_watched_.load(std::memory_order_relaxed) && !direct_waits_watched_.exchange(true))
      shared_->watch_waits();
  }
  /// Whether two others may talk in both directions.
  errc may_converse(const port& one, endpoint_id other);
  /// Tests the source of a receive.
  errc check_source(const port& self, endpoint_id source);
  /// Whether the wait that `waiter` is about to begin on `on` would close a cycle.
  bool would_lock(const port& waiter, link& on);
  /// Begins a wait for the table, unless it is decided already: see `table_watch::outcome`.
  void watch_table(table_watch& watch);
  void unwatch_table(table_watch& watch);
  void add_death_watcher(port& watcher);
  void collect_new_links(port& of, std::vector<std::shared_ptr<link>>& into);
  std::mutex& lock() { return lock_; }

  result<grant_id> grant(const port& owner, endpoint_id to, std::uint64_t address, std::uint64_t bytes,
                         access direction);
  result<grant_id> grant_indirect(const port& owner, endpoint_id to, granted_range part, std::uint64_t bytes,
                                  access direction);
  errc revoke(const port& owner, grant_id id);
  /// Calls `copy(address)` with the granted memory, which stays granted meanwhile. If the memory is on another node,
  /// `where` says so, and `copy` is not called. `depth`: how often it was passed on before it came to this node.
  template <class Copy>
  errc with_granted(endpoint_id grantee, granted_range range, std::uint64_t bytes, access direction, dvk_memory& where,
                    Copy&& copy, std::uint32_t depth = 0);
  /// The same for memory that can only be here: `not_granted` otherwise.
  template <class Copy>
  errc with_granted_here(endpoint_id grantee, granted_range range, std::uint64_t bytes, access direction, Copy&& copy);
  /// Calls `copy(from, into)` with the granted memory, if both are here.
  template <class Copy>
  errc with_granted_pair(endpoint_id grantee, granted_range from, granted_range into, std::uint64_t bytes,
                         dvk_memory& origin, dvk_memory& destination, Copy&& copy);
  errc vcopy_check(const port& self, endpoint_id from, endpoint_id into, dvk_memory& origin, dvk_memory& destination);
  std::shared_ptr<port> port_of(endpoint_id who);

 private:
  /// When a wait for another process is first looked after.
  static constexpr std::int64_t direct_wait_is_long_ns = 10'000'000;

  /// The fibers of this DC on one carrier.
  struct fiber_group {
    std::size_t running = 0;
    task* joiner = nullptr;
  };
  struct table_memory {
    void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };

  [[nodiscard]] dvk_table* table() const { return static_cast<dvk_table*>(memory_.get()); }
  result<std::shared_ptr<port>> bind_on(const std::shared_ptr<carrier>& runs_on, endpoint_id who,
                                        const bind_options& options);
  std::shared_ptr<port> enter(const std::shared_ptr<carrier>& runs_on, endpoint_id id, const bind_options& options);
  [[nodiscard]] errc may_bind_thread(int thread);
  void hand_to_thread(int thread, std::shared_ptr<port> bound);
  std::vector<process_info> list(bool with_idle_ghosts);
  void apply(endpoint_id who, port& p, const privileges& rights);
  errc ask_across(endpoint_id who, dvk_control what, timeout limit);
  std::optional<dvk_frame> about_request(port& p, endpoint_id server, std::uint64_t exchange);
  [[nodiscard]] bool holds_still(const port& p) const;
  errc find_peer(const port& self, endpoint_id who, errc died, errc itself, dvk_slot*& slot) const;
  std::shared_ptr<link> make_link(port& asker, const std::shared_ptr<port>& server);
  std::shared_ptr<link> make_direct_link(const std::shared_ptr<port>& asker, const std::shared_ptr<port>& server,
                                         std::unique_ptr<direct_way> way);
  [[nodiscard]] published_state direct_state_of(endpoint_id asker, endpoint_id server) const;
  /// Links of successive owners of a slot start far apart, so that an answer to one is not taken for one to the other.
  [[nodiscard]] static std::uint32_t first_sequence(std::uint32_t number_of_link) {
    return next_sequence(number_of_link * 0x9E37'79B1U);
  }
  /// Whether the table has such a slot; a reference to nothing names none.
  [[nodiscard]] bool names_slot(endpoint_id who) const {
    return generation_of(who) >= 0 && dvk_index_of_slot(table(), slot_of(who)) >= 0;
  }
  [[nodiscard]] published_state state_of(const port& p) const;
  [[nodiscard]] dvk_slot& slot_at(const port& p) const { return *dvk_at(table(), p.index_); }
  errc control(endpoint_id who, std::uint32_t bit, table_watch* watch = nullptr);
  errc table_state(endpoint_id who, awaited wanted) const;
  std::shared_ptr<port> make_port(const std::shared_ptr<carrier>& runs_on, endpoint_id id, std::int32_t node);
  [[nodiscard]] const std::shared_ptr<port>& port_at(endpoint_id who) const {
    return ports_[static_cast<std::size_t>(index_of(who))];
  }
  [[nodiscard]] static errc rest_of(const port& p);
  result<port*> find_resting(endpoint_id who);
  errc take_estate(port& from, dvk_estate& estate);
  result<std::shared_ptr<port>> put_ghost_for(port& old, const std::shared_ptr<carrier>& gate, node_id at,
                                              dvk_estate& estate);
  void replace(port& old, const std::shared_ptr<port>& by);
  void succeed_with(successor& next, const dvk_estate& estate);
  errc move_here(endpoint_id who);
  errc move_there(endpoint_id who, node_id to);
  errc migrate_across(endpoint_id who, dvk_migration what, node_id to, timeout limit);
  successor* successor_of(endpoint_id who);
  void tell_successor(endpoint_id who, errc outcome);
  void forget_moved(port& leaving, std::shared_ptr<port>& held);
  void tell_table_watches();
  void fiber_ended(carrier& on);
  void run_fibers(carrier& here);

  const dc_id id_;
  const std::string name_;
  const dc_options sizes_;
  across* const outside_;
  registry* const shared_;
  const std::int64_t started_ns_;
  dvk_limits limits_;
  std::atomic<bool> ended_{false};
  std::atomic<std::uint32_t> epoch_{1};
  std::atomic<trace_tap*> tap_{nullptr};
  std::unique_ptr<trace_tap> trace_;  ///< kept from the first trace on: a thread may be about to write to it

  std::mutex lock_;
  std::unique_ptr<void, table_memory> memory_;
  std::vector<std::shared_ptr<port>> ports_;  ///< by index of the slot
  std::uint64_t births_ = static_cast<std::uint64_t>(monotonic_ns());
  std::uint32_t links_made_ = 0;
  std::vector<std::weak_ptr<link>> direct_links_;
  std::atomic<bool> direct_waits_watched_{false};
  std::vector<table_watch*> table_watches_;
  std::vector<port*> death_watchers_;
  std::vector<successor*> successors_;
  std::vector<std::shared_ptr<port>> moved_;                 ///< left behind, and not yet unbound by their owners
  std::map<int, std::shared_ptr<port>> waiting_for_thread_;  ///< bound for a thread that has not asked yet
  std::map<int, std::weak_ptr<port>> bound_threads_;
  std::condition_variable waiting_for_thread_changed_;
  std::map<carrier*, fiber_group> fibers_;
  std::vector<std::thread> threads_;
  std::shared_mutex grants_lock_;
};

}  // namespace dvs::userspace

#include <dvs/backends/userspace/broker_across.hpp>
#include <dvs/backends/userspace/broker_binding.hpp>
#include <dvs/backends/userspace/broker_direct.hpp>
#include <dvs/backends/userspace/broker_grants.hpp>
#include <dvs/backends/userspace/broker_impl.hpp>
#include <dvs/backends/userspace/broker_moves.hpp>
#include <dvs/backends/userspace/broker_peers.hpp>
#include <dvs/backends/userspace/link_impl.hpp>
#include <dvs/backends/userspace/port_across.hpp>
#include <dvs/backends/userspace/port_answer.hpp>
#include <dvs/backends/userspace/port_impl.hpp>
#include <dvs/backends/userspace/port_links.hpp>
#include <dvs/backends/userspace/port_memory.hpp>
#include <dvs/backends/userspace/port_moves.hpp>
#include <dvs/backends/userspace/port_neighbours.hpp>
#include <dvs/backends/userspace/port_receive.hpp>
#include <dvs/backends/userspace/port_send.hpp>
#include <dvs/backends/userspace/port_short.hpp>
#include <dvs/backends/userspace/port_trace.hpp>

#endif
