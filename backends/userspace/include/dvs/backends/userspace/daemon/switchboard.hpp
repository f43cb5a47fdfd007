// SPDX-License-Identifier: MIT
/// @file
/// The switchboard of a node: what `dvsd` does, without sockets.
///
/// Every process has a *line* to it, and so has every node that is linked to this one. It owns the DCs, deals out their
/// slots, keeps the privileges, and passes frames from line to line if they are allowed: a process speaks in the name
/// of its own endpoints only. Whatever a process says, each command that it is asked is completed, at the latest when
/// its line closes.
///
/// Belongs to one thread. Packets of a line that keeps them waiting are queued, up to `queue_bytes_max`.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_HPP

#include <cstring>
#include <deque>
#include <dvs/backends/userspace/board.hpp>
#include <dvs/backends/userspace/cycle_search.hpp>
#include <dvs/backends/userspace/daemon/control.hpp>
#include <dvs/backends/userspace/daemon/dc_record.hpp>
#include <dvs/backends/userspace/daemon/descriptor_queue.hpp>
#include <dvs/backends/userspace/daemon/packet.hpp>
#include <dvs/backends/userspace/exchange_table.hpp>
#include <dvs/backends/userspace/frames.hpp>
#include <dvs/backends/userspace/logical_clock.hpp>
#include <dvs/backends/userspace/traced_message.hpp>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>

namespace dvs::userspace {

/// Who is at the other end of a line, as the host vouches for it.
struct line_owner {
  std::int32_t process = 0;
  std::uint32_t user = 0;
  std::set<std::uint32_t> groups;
};

/// A line; no two have the same.
enum class line_id : std::uint64_t {};

/// What the switchboard needs of the world.
struct switchboard_world {
  /// There is a packet for a line, which had none.
  std::function<void(line_id)> ready = {};
  /// The same for a node.
  std::function<void(node_id)> ready_for = {};
  /// The line is to be closed: its owner speaks nonsense, or does not listen.
  std::function<void(line_id)> hang_up = {};
  /// The process that has a thread of the host, or 0.
  std::function<std::int32_t(std::int32_t thread)> process_of_thread = {};
  /// The number of a process for another one of the host, which may be in other namespaces than the daemon, or 0.
  std::function<std::int32_t(std::int32_t process, std::int32_t reader)> process_number_for = {};
  /// Memory for a direct way between two processes, or null.
  std::function<shared_descriptor()> make_way = {};
  /// The user whose daemon it is, who may reach other nodes.
  std::uint32_t user = 0;
  /// The names of the cluster and of this node in it; null: it is in none.
  std::function<json()> cluster = [] { return json(); };
  /// A row for each node that this one is linked with, or should be.
  std::function<json()> links = [] { return json::array(); };
};

/// See the file comment.
class switchboard {
 public:
  /// What waits for one line at most, in bytes; one that does not listen is closed.
  static constexpr std::size_t queue_bytes_max = 64 << 20;
  /// Commands that one line may have open.
  static constexpr std::size_t commands_max = 1 << 16;
  /// What waits for one line at most before it is asked no more: who asks too much does not get others closed.
  static constexpr std::size_t asked_bytes_max = queue_bytes_max / 4 * 3;
  /// What waits for one line at most before reports for it are lost.
  static constexpr std::size_t reported_bytes_max = 1 << 20;
  /// Requests that one line may have open, which others have to answer.
  static constexpr std::size_t requests_max = 256;
  /// How long a process may take to answer a request of the switchboard.
  static constexpr std::int64_t answer_within_ns = 2'000'000'000;

  switchboard(node_id self, std::uint64_t incarnation, switchboard_world world)
      : self_(self), incarnation_(incarnation), world_(std::move(world)) {}
  switchboard(const switchboard&) = delete;
  switchboard& operator=(const switchboard&) = delete;

  [[nodiscard]] node_id self() const { return self_; }
  [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }

  // ---- Lines ----
  [[nodiscard]] line_id open(line_owner who);
  /// Carries out what came in; takes from `with` what belongs to it.
  void receive(line_id from, std::span<const std::byte> bytes, descriptor_queue& with);
  void receive(line_id from, std::span<const std::byte> bytes) {
    descriptor_queue none;
    receive(from, bytes, none);
  }
  /// What goes out next, or null; gone with `sent`.
  [[nodiscard]] const packet* next(line_id to) const;
  /// The descriptors that go with it.
  [[nodiscard]] std::span<const shared_descriptor> descriptors_of_next(line_id to) const {
    return lines_.at(to).queue.front().with;
  }
  void sent(line_id to);
  /// The line is closed: what its process had is gone.
  void close(line_id which);
  [[nodiscard]] std::size_t lines() const { return lines_.size(); }

  // ---- DCs of the daemon itself; processes ask for theirs ----
  /// Creates a DC that stays. Its number is that of its span; without one it is `wanted`, or any. Errors: `exists`,
  /// `range`, `no_memory`, `table_full`.
  result<dc_id> create_dc(const std::string& name, const dc_options& sizes, const dc_access& access,
                          std::optional<dc_id> wanted = {});

  // ---- Other nodes; as `dvs::gate` has them ----
  errc link_up(node_id peer, std::uint64_t incarnation);
  void link_down(node_id peer);
  /// The next frame for a node, or nothing; gone with `sent_to`.
  [[nodiscard]] std::span<const std::byte> next_for(node_id peer) const;
  void sent_to(node_id peer) { sent(peers_.at(peer)); }
  /// Carries out a frame that came from a node. Errors: as `gate::deliver`.
  errc deliver_from(node_id peer, std::span<const std::byte> frame);
  /// Whether a link to `peer` is up, and all that is bound there is known.
  [[nodiscard]] bool knows(node_id peer) const;

  /// Commands that are not completed.
  [[nodiscard]] std::size_t open_commands() const { return exchanges_.size(); }
  /// Those between this node and `peer`.
  [[nodiscard]] std::size_t open_commands(node_id peer);

  // ---- Time ----
  /// When `run_timers` has something to do, on the monotonic clock; negative: never.
  [[nodiscard]] std::int64_t next_timer_ns() const { return next_timer_ns_; }
  void run_timers();

 private:
  struct line;
  using answer_handler = std::function<void(errc, const json&)>;
  struct question {
    answer_handler then;
    std::int64_t until_ns;
  };
  struct outgoing {
    packet what;
    std::vector<shared_descriptor> with;
  };
  /// A DC whose messages a line watches.
  struct watching {
    std::set<endpoint_id> only = {};                                    ///< messages from them and to them; empty: all
    std::int64_t begins_ns = std::numeric_limits<std::int64_t>::max();  ///< when it has begun: node time
    std::uint64_t lost = 0;                                             ///< not told yet
  };
  struct line {
    static constexpr std::size_t descriptors_max = 64;
    line_owner owner;
    std::deque<outgoing> queue;
    std::size_t queue_bytes = 0;
    std::size_t queue_descriptors = 0;
    struct {
      shared_descriptor states, hints;
    } board;                                          ///< null: it has none
    std::set<std::uint16_t> opened;                   ///< DCs
    std::map<std::uint64_t, std::uint64_t> commands;  ///< open: its number of each, and ours
    std::map<std::uint64_t, question> asked;
    std::uint64_t last_question = 0;
    std::size_t requests = 0;  ///< open
    std::map<std::uint16_t, watching> traces;
    bool is_closing = false;

    [[nodiscard]] bool has_board() const { return board.hints != nullptr; }

    bool is_up = false;  ///< a process has said hello; the link to a node is there

    // Of a node.
    std::optional<node_id> peer;
    std::uint64_t incarnation = 0;
    std::set<std::uint16_t> unlisted;  ///< DCs whose processes there are not all known
  };
  /// What is known so far of the processes of a DC, for who has asked.
  struct gathering {
    std::uint16_t dc;
    line_id from;
    std::uint64_t number;
    std::map<endpoint_id, json> rows;
    std::uint32_t grants;
    std::size_t awaited;
  };
  /// A command that was passed on, or that the switchboard has made.
  struct open_command {
    line_id from;  ///< none: `done` is set
    line_id to;
    std::uint64_t number = 0;  ///< that `from` has for it
    dvk_frame frame{};         ///< without data
    std::int64_t began_ns = 0, search_at_ns = 0;
    std::weak_ptr<cycle_search> search = {};  ///< that is under way
    std::function<void(const dvk_frame&)> done = {};
  };

  void send(line& to, packet what, std::vector<shared_descriptor> with = {});
  void fail(line_id which);
  void set_timer(std::int64_t at_ns) {
    if (next_timer_ns_ < 0 || at_ns < next_timer_ns_) next_timer_ns_ = at_ns;
  }

  // ---- Frames (switchboard_frames.hpp) ----
  void frame_in(line_id from, line& at, std::span<const std::byte> bytes);
  void completion_in(line_id from, dvk_frame& frame);
  void command_in(line_id from, line& at, dvk_frame& frame);
  void news_in(line_id from, line& at, const dvk_frame& frame);
  errc admit(line_id from, const line& at, dc_record& in, dvk_frame& frame, line_id& to);
  errc may_talk(dc_record& in, const dvk_frame& frame) const;
  bool is_told_to_copy(line_id who, const dvk_frame& frame);
  errc mean_own_command(const line& at, dvk_frame& frame, line_id& to);
  void pass_on(line_id from, line& at, line_id to, dvk_frame& frame);
  void ask(line_id to, dvk_frame frame, std::function<void(const dvk_frame&)> done);
  void finish(std::uint64_t number, dvk_frame completion);
  void refuse(line& at, const dvk_frame& frame, errc why) {
    deliver(at, completion_of(frame, why), node_id{frame.to_node});
  }
  void deliver(line& to, dvk_frame frame, node_id from);
  [[nodiscard]] node_id as_seen_by(line_id who, const dc_record& in, endpoint_id other) const;
  void list(line& to, line_id which, dc_record& in, node_id of);
  void tell(dc_record& in, line_id except, dvk_frame_kind kind, endpoint_id who, std::uint64_t birth,
            std::string_view name);
  void end_commands_of(line_id which);
  [[nodiscard]] node_id node_of(line_id which) const;
  void relocate(dc_record& in, endpoint_id who, const dvk_frame& said);
  [[nodiscard]] static dvk_frame news_of(const dc_record& in, dvk_frame_kind kind, endpoint_id who, std::uint64_t birth,
                                         std::string_view name);

  // ---- Other nodes (switchboard_peers.hpp) ----
  errc admit_peer(dc_record& in, dvk_frame& frame, line_id& to);
  void news_from_peer(line_id from, line& at, const dvk_frame& frame);
  void appear(line_id from, dc_record& in, const dvk_frame& frame);
  void place(line_id from, dc_record& in, const dvk_frame& frame);
  void greet(line& peer, dc_record& in, bool wants_answer);
  void forget_processes_of(line_id which, dc_record& in, bool unlisted_only);
  void fence_for_peer(line_id from, const dvk_frame& frame);
  void tell_of_link(node_id peer, std::uint64_t incarnation, bool is_up);

  // ---- Requests (switchboard_requests.hpp) ----
  void request_in(line_id from, line& at, const json& request, descriptor_queue& with);
  void answer_in(line& at, const json& answer);
  void answer(line_id to, std::uint64_t number, errc outcome, json told = json::object(),
              std::vector<shared_descriptor> with = {});
  void ask(line_id to, json question, answer_handler then, std::vector<shared_descriptor> with = {});
  void create(line_id from, line& at, std::uint64_t number, const json& request);
  void enter(line_id from, line& at, std::uint64_t number, const json& request);
  void leave(line_id from, line& at, std::uint64_t number, const json& request);
  static bool may_enter(const line_owner& who, const dc_record& in);
  void list_dcs(line_id from, const line& at, std::uint64_t number);
  void bind(line_id from, line& at, std::uint64_t number, const json& request);
  void bind_thread(line_id from, line& at, std::uint64_t number, const json& request);
  void set_privileges(line_id from, line& at, std::uint64_t number, const json& request);
  void privileges_of(line_id from, line& at, std::uint64_t number, const json& request);
  void processes(line_id from, line& at, std::uint64_t number, const json& request);
  [[nodiscard]] json row_of(const process_info& row, line_id holder) const;
  void gather(gathering& all, line_id holder, const json& told);
  void tell_gathered(gathering& all);
  void fence(std::function<void()> done);
  void suspect(line_id from, line& at, const json& request);
  result<endpoint_id> give_slot(dc_record& in, line_id to, endpoint_id who, const json& request);
  dc_record* find_dc(const line& at, const json& request);
  dc_record* find_dc(std::string_view name);
  void end_dc(dc_record& in);
  void forget_if_left(std::uint16_t which);
  void unbind(dc_record& in, endpoint_id who);

  // ---- Direct ways (switchboard_ways.hpp) ----
  static void take_board(line& at, const json& request, descriptor_queue& with);
  static std::optional<std::uint32_t> place_in(const json& request);
  [[nodiscard]] std::int32_t process_number(line_id of, line_id reader) const;
  errc may_have_way(dc_record& in, line_id from, endpoint_id asker, endpoint_id server) const;
  void introduce(line_id from, line& at, std::uint64_t number, const json& request);
  void sever_ways(dc_record& in, endpoint_id who, std::function<void()> done);
  void ring(line_id from, line& at, const json& request);
  void ring(std::uint16_t dc, std::pair<endpoint_id, endpoint_id> ends, endpoint_id who);
  void suspect_wait(line_id from, line& at, const json& request);

  // ---- Traces (switchboard_trace.hpp) ----
  void trace(line_id from, line& at, std::uint64_t number, const json& request);
  void begin_trace(line_id from, std::uint64_t number, std::uint16_t which);
  void want_reports(const dc_record& in, line_id of, std::function<void()> done);
  void stop_watching(line_id who, line& at);
  void report_in(line_id from, const line& at, std::span<const std::byte> bytes);
  void report_to(line& watcher, watching& what, const trace_report& all);
  static void tell_lost(line& watcher);

  // ---- Cycles (switchboard_cycles.hpp) ----
  void look_for_cycles(std::int64_t now_ns);
  void begin_search(std::uint64_t number);
  void search_on(const std::shared_ptr<cycle_search>& search);

  const node_id self_;
  const std::uint64_t incarnation_;
  const switchboard_world world_;
  logical_clock clock_;
  std::uint64_t last_line_ = 0;
  std::map<line_id, line> lines_;
  std::map<node_id, line_id> peers_;
  std::map<std::uint16_t, dc_record> dcs_;
  std::uint16_t last_dc_ = 0;
  std::uint32_t ways_made_ = 0;
  exchange_table<open_command> exchanges_;
  std::int64_t next_timer_ns_ = -1;
};

}  // namespace dvs::userspace

#include <dvs/backends/userspace/daemon/switchboard_cycles.hpp>
#include <dvs/backends/userspace/daemon/switchboard_frames.hpp>
#include <dvs/backends/userspace/daemon/switchboard_impl.hpp>
#include <dvs/backends/userspace/daemon/switchboard_peers.hpp>
#include <dvs/backends/userspace/daemon/switchboard_requests.hpp>
#include <dvs/backends/userspace/daemon/switchboard_trace.hpp>
#include <dvs/backends/userspace/daemon/switchboard_ways.hpp>

#endif
