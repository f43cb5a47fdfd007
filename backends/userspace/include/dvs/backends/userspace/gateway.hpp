// SPDX-License-Identifier: MIT
/// @file
/// The gateway: the gate of a userspace node. Programs that span nodes include it; it is told in
/// `backends/userspace/README.md` how it works.
///
///     dvs::userspace::gateway gate(dvs::node_id{1});       // lives on the calling thread
///     dvs::userspace::node node(gate);
///     auto dc = node.create_dc("lab", {.span = dvs::dc_span{.number = dvs::dc_id{7}, .position = 0, .nodes = 2}});
#ifndef DVS_BACKENDS_USERSPACE_GATEWAY_HPP
#define DVS_BACKENDS_USERSPACE_GATEWAY_HPP

#include <deque>
#include <dvs/backends/userspace.hpp>
#include <dvs/backends/userspace/exchange_table.hpp>
#include <dvs/backends/userspace/frames.hpp>
#include <dvs/backends/userspace/watched_descriptor.hpp>
#include <dvs/proxy.hpp>
#include <functional>
#include <map>
#include <set>

namespace dvs::userspace {

/// The node of which a process is a part.
struct part_of {
  node_id node;
};

/// The gate of a node, and what its ports ask of other nodes.
///
/// It lives on the thread that made it: a fiber of that thread runs it and its proxies, whenever the thread waits in an
/// operation of dvs. Processes of the node may be on any thread. It must outlive the DCs that span nodes, and be
/// destroyed on its thread. See `gateway_thread` for one with a thread of its own.
class gateway final : public gate, public across {
 public:
  explicit gateway(node_id self, std::uint64_t incarnation = random_incarnation());
  /// The gate of a process that shares `whole.node` with others: to it they are processes of another node, which has
  /// that number. Cycles are looked for by the daemon.
  explicit gateway(part_of whole);
  gateway(const gateway&) = delete;
  gateway& operator=(const gateway&) = delete;
  ~gateway();

  // ---- For proxies ----
  [[nodiscard]] node_id self() const override { return node_; }
  /// The DCs that it has; in its context.
  [[nodiscard]] std::vector<std::shared_ptr<broker>> dcs() const {
    std::vector<std::shared_ptr<broker>> all;
    for (const auto& [number, in] : containers_) all.push_back(in.dc);
    return all;
  }
  [[nodiscard]] std::uint64_t incarnation() const override { return incarnation_; }
  [[nodiscard]] duration now() const override { return duration{monotonic_ns()}; }
  void wake(proxy& which) override;
  void wake_at(proxy& which, duration when) override;
  errc wake_when(proxy& which, int descriptor, readiness what) override;
  void forget(int descriptor) override;
  void remove(proxy& which) override;
  errc link_up(node_id peer, std::uint64_t incarnation, proxy& by) override;
  void link_down(node_id peer) override;
  [[nodiscard]] std::size_t next_outgoing(node_id peer, std::span<std::byte> room) override;
  errc deliver(node_id peer, std::span<const std::byte> frame) override;

  // ---- For programs ----
  /// Runs `action` in the context of the gate, and returns when it has. From any thread.
  void run(const std::function<void()>& action);
  /// Waits until `peer` has carried out, as far as it can at once, whatever went to it before, in the DC `dc`.
  /// Errors: `not_connected`. From any thread, but not in the context of the gate.
  errc flush(node_id peer, dc_id dc);
  /// Whether a link to `peer` is up, and all that is bound there is known here. In the context of the gate.
  [[nodiscard]] bool knows(node_id peer) const;
  /// Calls `suspicion(exchange)`, in the context of the gate, when a wait may be part of a cycle: for who looks for
  /// cycles instead.
  void when_suspected(std::function<void(std::uint64_t)> suspicion) { suspected_ = std::move(suspicion); }
  /// The DC with this number, or null. In the context of the gate.
  [[nodiscard]] std::shared_ptr<broker> dc(dc_id number) const;
  /// Tells the processes here that all DCs have ended. In the context of the gate.
  void end_dcs() const;

  // ---- For ports and brokers ----
  void submit(across_command& command) override;
  void give_up(across_command& command) override;
  void abandon(across_command& command) override;
  void suspect(std::uint64_t exchange) override;
  void tell_bound(dc_id dc, endpoint_id who, born what) override;
  void tell_gone(dc_id dc, endpoint_id who, std::uint64_t birth) override;
  errc hand_over(broker& dc, dvk_estate& estate, node_id to) override;
  errc promote(broker& dc, endpoint_id who) override;
  errc join(const std::shared_ptr<broker>& dc) override;
  void leave(broker& dc) override;

 private:
  /// A frame that waits to go out, and where its data is.
  struct outgoing {
    dvk_frame frame{};
    copy_side data;  ///< copy_in, copy_out_done
    std::uint64_t data_at = 0;
    std::vector<std::byte> kept;  ///< the data itself, if it is not in the memory of a process
  };
  /// A node that can be reached.
  struct peer_link {
    proxy* by;
    std::deque<outgoing> queue;
    std::set<std::uint16_t> unlisted;  ///< DCs whose processes there are not all known
  };
  /// Something that an exchange of ours stands for.
  struct open_exchange {
    node_id at;
    across_command* command = nullptr;  ///< null: abandoned, or `done` is set
    std::uint64_t fragment_at = 0;
    std::uint32_t fragment_bytes = 0;
    std::function<void(const dvk_frame&)> done = {};  ///< instead of a command
  };
  struct ghost;
  /// A process that may go on here, and what came for it meanwhile.
  struct coming_process {
    node_id from;
    std::vector<std::pair<node_id, dvk_frame>> waiting = {};
  };
  /// A process that has gone on at a node which has not said that it knows.
  struct settling_process {
    node_id at;
    std::vector<std::byte> estate;
  };
  /// A DC that spans nodes.
  struct container {
    std::shared_ptr<broker> dc;
    std::map<endpoint_id, std::unique_ptr<ghost>> ghosts;
    std::map<endpoint_id, born> bound;              ///< here
    std::multimap<endpoint_id, dvk_frame> leaving;  ///< here: who was asked to, and who asked
    std::map<endpoint_id, coming_process> coming;
    std::map<endpoint_id, settling_process> settling;
  };
  /// A process of another node.
  struct ghost {
    std::shared_ptr<port> stands_for;
    container& in;
    node_id at;
    std::uint64_t birth;     ///< 0: it has moved, and that node has not told yet
    std::uint32_t term = 0;  ///< how often it has moved
    bool listed = true;
    node_id last_at{};  ///< before it moved
    std::uint64_t last_birth = 0;

    // The operation that can wait; it has one at a time.
    dvk_frame command{};    ///< exchange 0: none
    bool forsaken = false;  ///< nobody wants to know how it ends
  };

  /// A fiber that carries out operations of ghosts.
  struct worker {
    gateway& owner;
    ghost* busy_with = nullptr;
    task* runs_as = nullptr;
    bool stopping = false;
  };

  /// What is told of a process here.
  [[nodiscard]] static dvk_frame_kind news_of(const born& what) {
    return what.term == 0 ? DVK_FRAME_bound : DVK_FRAME_placed;
  }

  /// What other threads have for the gate.
  struct errand {
    enum class kind : std::uint8_t { submit, give_up, abandon, suspect, bound, gone, wake, call } what;
    across_command* command = nullptr;
    std::uint64_t exchange = 0;
    dc_id dc{};
    endpoint_id who = none;
    born what_bound = {};
    proxy* which = nullptr;
    const std::function<void()>* action = nullptr;
    std::atomic<bool>* done = nullptr;
  };

  static std::uint64_t random_incarnation();

  // ---- The fiber (gateway_impl.hpp) ----
  void serve();
  void post(errand what);
  void post_or_do(errand what);
  void run_errands();
  void carry_out(errand& what);
  bool run_proxies();
  [[nodiscard]] bool is_here() const { return &carrier::current() == carrier_.get(); }
  void ready();

  // ---- What goes out (gateway_out.hpp) ----
  void open(across_command& command);
  void open_fragments(across_command& command);
  void send_cancel(across_command& command);
  void drop(across_command& command);
  [[nodiscard]] bool is_open(const across_command* command);
  void finish(across_command& command, errc outcome);
  void queue(outgoing&& what);
  void queue_news(node_id to, dvk_frame_kind kind, dc_id dc);
  void queue_news(node_id to, dvk_frame_kind kind, dc_id dc, endpoint_id about, const born& what);
  std::size_t encode(outgoing& what, std::span<std::byte> room);
  void complete(node_id from, const dvk_frame& completion);
  void complete_fragment(across_command& command, const open_exchange& exchange, const dvk_frame& completion);
  void ask(outgoing&& command, std::function<void(const dvk_frame&)> done);
  void fail_exchanges(node_id at);

  // ---- What comes in (gateway_in.hpp) ----
  void carry_out(node_id from, const dvk_frame& frame);
  void answer(const dvk_frame& command, errc outcome);
  void answer(outgoing&& completion);
  [[nodiscard]] static outgoing elsewhere(const dvk_frame& command, const ghost& moved);
  void start_operation(ghost& who, const dvk_frame& command);
  static void interrupt(ghost& who);
  errc side_of(container& in, const dvk_frame& command, access direction, copy_side& side, dvk_memory& where);
  [[nodiscard]] static dvk_frame onward(const dvk_frame& command, const dvk_memory& where);
  void cancel_operation(container& in, const dvk_frame& command);
  void run_operation(ghost& who);
  void work(worker& self);
  void copy_out(container& in, const dvk_frame& command);
  void copy_in(container& in, const dvk_frame& command);
  void copy_across(container& in, const dvk_frame& command);
  errc copy_here(container& in, const dvk_frame& command, const copy_side& origin);
  void control(container& in, const dvk_frame& command);
  void inspect(container& in, const dvk_frame& command);

  // ---- Cycles of processes that wait for each other (gateway_cycles.hpp) ----
  void expect_cycle(across_command& command);
  void look_for_cycles();
  void begin_search(std::uint64_t exchange);
  void search_on(const std::shared_ptr<cycle_search>& search);
  void lock(std::uint16_t dc, const cycle_search::seen& wait);
  errc lock_here(container& in, const dvk_frame& command);
  void tell_edge(container& in, const dvk_frame& command);

  // ---- Who is where (gateway_ghosts.hpp) ----
  static ghost* find_ghost(container& in, endpoint_id who);
  static ghost* find_ghost(container& in, endpoint_id who, node_id at);
  void note_bound(dc_id dc, endpoint_id who, const born& what);
  void note_gone(dc_id dc, endpoint_id who, std::uint64_t birth);
  void greet(node_id peer, container& in);
  void list(node_id peer, container& in);
  void end_listing(node_id peer, container& in);
  void appear(node_id at, container& in, endpoint_id who, const born& what);
  void vanish(container& in, endpoint_id who);
  void vanish_all(node_id at, container& in, bool unlisted_only);
  void disconnect(ghost& who);

  // ---- Processes that move (gateway_moves.hpp) ----
  void migrate(container& in, const dvk_frame& command);
  errc let_go(broker& dc, dvk_estate& estate, node_id to);
  void send_settle(container& in, endpoint_id who, node_id to, std::uint64_t what, std::vector<std::byte> estate);
  void end_settle(std::uint16_t dc, endpoint_id who, node_id at, errc outcome);
  void settle_again(container& in, node_id at);
  void adopt(container& in, const dvk_frame& command);
  void settle(container& in, const dvk_frame& command);
  void forget_coming(container& in, endpoint_id who);
  void end_operation(ghost& who);
  bool passes_on(node_id from, container& in, const dvk_frame& command);
  void pass_on(across_command& command, const dvk_frame& completion);
  void step_down(node_id at, container& in, endpoint_id who, const born& what);
  void place(node_id at, container& in, endpoint_id who, const born& what);
  void relocate(ghost& who, node_id at, std::uint32_t term);

  gateway(node_id of, node_id self, std::uint64_t incarnation);

  const node_id node_;
  const node_id self_;  ///< in frames
  const std::uint64_t incarnation_;
  const std::shared_ptr<carrier> carrier_;
  task* fiber_ = nullptr;
  std::size_t fibers_ = 0;  ///< workers that run
  bool stopping_ = false;
  bool ended_ = false;

  std::map<std::uint16_t, container> containers_;
  std::map<node_id, peer_link> peers_;
  std::map<node_id, std::uint64_t> known_incarnations_;
  exchange_table<open_exchange> exchanges_;
  std::int64_t look_for_cycles_at_ns_ = 0;  ///< 0: nobody waits
  std::function<void(std::uint64_t)> suspected_;

  std::vector<proxy*> runnable_;
  std::map<proxy*, duration> alarms_;
  std::map<int, std::unique_ptr<watched_descriptor>> watched_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<worker*> idle_workers_;

  struct errand_bell final : bell_source {
    explicit errand_bell(gateway& g) : owner(g) {}
    void rung() override { owner.ready(); }
    gateway& owner;
  } errand_bell_{*this};
  std::uint32_t bell_ = 0;
  std::mutex errands_lock_;
  std::vector<errand> errands_;
  std::atomic<bool> has_errands_{false};
};

}  // namespace dvs::userspace

#include <dvs/backends/userspace/gateway_cycles.hpp>
#include <dvs/backends/userspace/gateway_ghosts.hpp>
#include <dvs/backends/userspace/gateway_impl.hpp>
#include <dvs/backends/userspace/gateway_in.hpp>
#include <dvs/backends/userspace/gateway_moves.hpp>
#include <dvs/backends/userspace/gateway_out.hpp>

#endif
