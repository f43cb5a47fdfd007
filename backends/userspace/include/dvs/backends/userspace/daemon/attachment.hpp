// SPDX-License-Identifier: MIT
/// @file
/// A process as a part of a node: its line to the daemon.
///
///     #include <dvs/backends/userspace/daemon/attachment.hpp>
///     dvs::userspace::node node("/run/dvs/node");
///     auto dc = node.open_dc("lab");
///
/// To the brokers of the process the other processes of the node are on another node, with which a gateway of its own
/// thread talks; what they may do is decided by the daemon.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_ATTACHMENT_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_ATTACHMENT_HPP

#include <poll.h>

#include <dvs/backends/userspace/daemon/control.hpp>
#include <dvs/backends/userspace/daemon/packet_socket.hpp>
#include <dvs/backends/userspace/gateway_thread.hpp>

namespace dvs::userspace {

/// See the file comment. All members may be called from any thread.
class attachment final : public proxy, public registry, public shared_home {
 public:
  /// Connects the daemon at `path`. Throws `std::system_error`: nobody listens there, or it must not be used; and
  /// `dvs::error` `not_supported`: the daemon is of another version.
  explicit attachment(const std::string& path);
  attachment(const attachment&) = delete;
  attachment& operator=(const attachment&) = delete;
  ~attachment();

  // ---- For the node ----
  result<std::shared_ptr<broker>> create_dc(std::string_view name, const dc_options& options) override;
  result<std::shared_ptr<broker>> open_dc(std::string_view name) override;
  std::vector<dc_info> dcs() override;
  [[nodiscard]] node_id id() const override { return hello_.node; }

  // ---- For programs that manage a node ----
  /// Asks the daemon. Errors: what it answers; `not_connected`.
  result<json> ask(json wanted);
  /// Waits until every process of the node has carried out, as far as it can at once, what was sent to it before.
  errc fence() { return ask({{"op", "fence"}}).error(); }

  // ---- For brokers ----
  result<std::shared_ptr<port>> bind(broker& dc, const std::shared_ptr<carrier>& runs_on, endpoint_id who,
                                     const bind_options& options) override;
  result<endpoint_id> bind_thread(broker& dc, int thread, endpoint_id who, const bind_options& options) override;
  errc set_privileges(broker& dc, endpoint_id who, const privileges& rights) override;
  result<privileges> privileges_of(broker& dc, endpoint_id who) override;
  result<census> take_census(broker& dc) override;
  std::unique_ptr<direct_way> introduce(broker& dc, endpoint_id asker, endpoint_id server,
                                        std::uint32_t place) override;
  void suspect(broker& dc, endpoint_id who, endpoint_id partner, std::uint64_t wait) override;
  void watch_waits() override;
  void leave(broker& dc) override;

 private:
  using answer_handler = std::function<void(errc, const json&)>;
  struct greeting {
    node_id node{};
    std::uint64_t incarnation = 0;
  };
  /// Who waits for an answer.
  struct asker final : bell_source {
    explicit asker(const std::shared_ptr<carrier>& c) : here(c), waits(c->running()), bell(c->add_bell(*this)) {}
    ~asker() { here->remove_bell(bell, *this); }
    void rung() override { here->make_ready(waits); }
    const std::shared_ptr<carrier> here;
    task& waits;
    const std::uint32_t bell;
    std::atomic<bool> done{false};
  };

  static owned_descriptor connect(const std::string& path);
  /// The node from which a frame comes, which is in its bytes 8 and 9.
  [[nodiscard]] static node_id sender_of(std::span<const std::byte> frame) {
    if (frame.size() < DVK_FRAME_HEADER_BYTES) throw bad_control{};
    return node_id{
        static_cast<std::uint16_t>(std::to_integer<unsigned>(frame[8]) | std::to_integer<unsigned>(frame[9]) << 8)};
  }
  greeting greet();
  void run() override;
  void carry_out(std::span<const std::byte> came);
  void carry_out(const json& request);
  void link(const json& request);
  errc accept_way(const json& request, broker& dc);
  std::unique_ptr<direct_way> way_from(const json& told, dc_id dc, endpoint_id from, endpoint_id to);
  void take_descriptors(const json& told);
  void tell(json what);
  void look_at_waits();
  errc trace(const json& request, const std::shared_ptr<broker>& dc);
  void wake_for_reports();
  void queue_reports();
  void answer(const json& request, errc outcome, json with = json::object());
  void list_processes(const json& request, const std::shared_ptr<broker>& dc);
  void queue_frames();
  void queue(packet_kind kind, const json& what);
  void lose();
  errc ask_and_wait(json wanted, const answer_handler& then);
  [[nodiscard]] static json bind_request(const char* op, const broker& dc, endpoint_id who, const bind_options& options,
                                         const dc_options& sizes);
  result<std::shared_ptr<broker>> join(dc_id number, std::string_view name, const dc_options& options);

  packet_socket socket_;
  const greeting hello_;
  gateway_thread gate_;

  // In the context of the gate.
  bool is_lost_ = false;
  std::set<node_id> peers_;  ///< nodes that can be reached, with the own one
  std::map<std::uint64_t, answer_handler> asked_;
  std::uint64_t last_question_ = 0;
  std::vector<std::byte> room_ = std::vector<std::byte>(frame_bytes_max);
  std::vector<owned_descriptor> arrived_;  ///< with what is carried out
  std::map<std::uint64_t, std::weak_ptr<const board_view>> boards_;

  std::map<std::uint16_t, std::weak_ptr<broker>> traced_;  ///< DCs that somebody watches
  std::int64_t look_at_waits_at_ns_ = -1;
  std::atomic<bool> waits_watched_{false};

  std::mutex news_lock_;
  std::vector<json> news_;  ///< what other threads have for the daemon
};

inline owned_descriptor attachment::connect(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  owned_descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::system_category(), "no daemon at " + path);
  return socket;
}

inline attachment::attachment(const std::string& path)
    : socket_(connect(path)), hello_(greet()), gate_(part_of{hello_.node}) {
  gate_->run([&] {
    gate_->when_suspected([this](std::uint64_t exchange) {
      queue(packet_kind::request, {{"id", ++last_question_}, {"op", "suspect"}, {"exchange", exchange}});
    });
    gate_->link_up(hello_.node, hello_.incarnation, *this);
    peers_.insert(hello_.node);
    gate_->wake(*this);
  });
}

inline attachment::~attachment() {
  gate_->run([&] { lose(); });
}

/// Waits for the first answer, on the calling thread.
inline attachment::greeting attachment::greet() {
  json hello = {{"id", 0}, {"op", "hello"}, {"version", control_version}};
  std::vector<shared_descriptor> shown;
  try {
    const board& here = board::of_this_process();
    for (const owned_descriptor* const file : {&here.states_file(), &here.hints_file()})
      shown.push_back(std::shared_ptr<const owned_descriptor>(file, [](auto) {}));
    hello["descriptors"] = shown.size();
  } catch (const std::system_error&) {
    shown.clear();  // then others reach this process through the daemon
  }
  socket_.queue(make_packet(packet_kind::request, hello.dump()), shown);
  constexpr int patience_ms = 10'000;
  std::optional<std::span<const std::byte>> came;
  for (bool is_there = socket_.flush(); !(came = socket_.next());) {
    pollfd readable{socket_.descriptor(), POLLIN, 0};
    if (!is_there || ::poll(&readable, 1, patience_ms) != 1 || !socket_.fill()) throw error(errc::not_connected);
  }
  const json told = parse_control(text_of(came->subspan(1)));
  try {
    if (told.is_null() || outcome_of(told) != errc::ok) throw error(errc::not_supported);
    return {node_id{field<std::uint16_t>(told, "node")}, field<std::uint64_t>(told, "incarnation")};
  } catch (const bad_control&) {
    throw error(errc::not_supported);
  }
}

// ---- The line, in the context of the gate ----

inline void attachment::run() {
  if (is_lost_) return;
  try {
    const bool is_there = socket_.fill();
    while (const auto came = socket_.next()) carry_out(*came);
    if (!is_there) return lose();
  } catch (const std::length_error&) {
    return lose();
  } catch (const bad_control&) {
    return lose();
  }
  {
    const std::lock_guard guard(news_lock_);
    for (const json& each : std::exchange(news_, {})) queue(packet_kind::request, each);
  }
  look_at_waits();
  if (!traced_.empty()) wake_for_reports();
  queue_frames();
  if (!socket_.flush()) return lose();
  if (!socket_.is_flushed()) gate_->wake_when(*this, socket_.descriptor(), readiness::writable);
  gate_->wake_when(*this, socket_.descriptor(), readiness::readable);
}

/// Queues the frames that wait at the gate, so that what is queued next comes after them. What a process got is told
/// before it is told that the process has gone.
inline void attachment::queue_frames() {
  if (!traced_.empty()) queue_reports();
  for (const node_id peer : peers_)
    while (const std::size_t bytes = gate_->next_outgoing(peer, room_))
      socket_.queue(make_packet(packet_kind::frame, std::span(room_).first(bytes)));
}

inline void attachment::queue(packet_kind kind, const json& what) {
  if (is_lost_) return;
  queue_frames();
  socket_.queue(make_packet(kind, what.dump(-1, ' ', false, json::error_handler_t::replace)));
  gate_->wake(*this);
}

inline void attachment::carry_out(std::span<const std::byte> came) {
  const std::span body = came.subspan(1);
  switch (packet_kind{static_cast<char>(came[0])}) {
    case packet_kind::frame: {
      const errc outcome = gate_->deliver(sender_of(body), body);
      // A link that went down has ended all that was open there, so what still comes of it says nothing new.
      if (outcome != errc::ok && outcome != errc::not_connected) throw bad_control{};
      return;
    }
    case packet_kind::request:
      return carry_out(parse_control(text_of(body)));
    case packet_kind::report:
      break;  // nobody here watches
    case packet_kind::answer: {
      const json told = parse_control(text_of(body));
      if (told.is_null()) throw bad_control{};
      take_descriptors(told);
      const auto asked = asked_.find(field<std::uint64_t>(told, "id"));
      if (asked == asked_.end()) return;
      const answer_handler then = std::move(asked->second);
      asked_.erase(asked);
      return then(outcome_of(told), told);
    }
  }
  throw bad_control{};
}

/// Carries out what the daemon wants.
inline void attachment::carry_out(const json& request) {
  if (request.is_null()) throw bad_control{};
  take_descriptors(request);
  const auto op = field<std::string>(request, "op");
  if (op == "fence") return answer(request, errc::ok);
  if (op == "link") return link(request);
  const auto dc = gate_->dc(dc_id{field<std::uint16_t>(request, "dc")});
  if (dc == nullptr) return answer(request, errc::bad_dc);
  if (op == "end") {
    dc->announce_end();
    return answer(request, errc::ok);
  }
  if (op == "processes") return list_processes(request, dc);
  if (op == "way") return answer(request, accept_way(request, *dc));
  if (op == "sever") {
    dc->sever(endpoint_field(request, "who"), endpoint_field(request, "partner"));
    return answer(request, errc::ok);
  }
  if (op == "ring") return answer(request, dc->ring(endpoint_field(request, "who")));
  if (op == "trace") return answer(request, trace(request, dc));
  if (op == "privileges")
    return answer(request, dc->enforce(endpoint_field(request, "who"), privileges_from(member(request, "privileges"))));
  if (op == "bind_thread") {
    const auto name = field<std::string>(request, "name");
    std::optional<privileges> rights;
    if (request.contains("privileges")) rights = privileges_from(member(request, "privileges"));
    const bind_options options{.name = name, .privileges = rights ? &*rights : nullptr};
    const auto thread = field<std::int32_t>(request, "thread");
    const auto runs_on = carrier::of_thread(thread);
    runs_on->take_place();
    json told = json::object();
    if (runs_on->place()) told["place"] = *runs_on->place();
    return answer(request, dc->settle_thread(thread, endpoint_field(request, "endpoint"), options), std::move(told));
  }
  answer(request, errc::not_supported);
}

/// The node has a link to another one, or has lost it.
inline void attachment::link(const json& request) {
  const node_id peer{field<std::uint16_t>(request, "node")};
  if (field<bool>(request, "up")) {
    gate_->link_up(peer, field<std::uint64_t>(request, "incarnation"), *this);
    peers_.insert(peer);
  } else {
    gate_->link_down(peer);
    peers_.erase(peer);
  }
  answer(request, errc::ok);
}

inline void attachment::answer(const json& request, errc outcome, json with) {
  if (outcome != errc::ok) with = {{"error", name_of(outcome)}};
  with["id"] = field<std::uint64_t>(request, "id");
  queue(packet_kind::answer, with);
}

/// The daemon is gone, or speaks nonsense: its DCs have ended.
inline void attachment::lose() {
  if (std::exchange(is_lost_, true)) return;
  gate_->forget(socket_.descriptor());
  gate_->remove(*this);
  gate_->end_dcs();
  ::shutdown(socket_.descriptor(), SHUT_RDWR);
  for (const auto& [number, then] : std::exchange(asked_, {})) then(errc::not_connected, {});
}

// ---- Requests ----

/// Asks, and waits in the calling context; `then` is called in that of the gate, before anything that comes later.
inline errc attachment::ask_and_wait(json wanted, const answer_handler& then) {
  asker waiting(carrier::current_shared());
  errc outcome = errc::ok;
  gate_->run([&] {
    const auto finish = [&](errc how, const json& told) {
      try {
        outcome = how;
        then(how, told);
      } catch (const bad_control&) {
        outcome = errc::io_error;
      }
      const std::shared_ptr<carrier> here = waiting.here;
      const std::uint32_t bell = waiting.bell;
      waiting.done.store(true, std::memory_order_seq_cst);
      here->ring(bell);
    };
    if (is_lost_) return finish(errc::not_connected, {});
    wanted["id"] = ++last_question_;
    asked_.emplace(last_question_, finish);
    queue(packet_kind::request, wanted);
  });
  while (!waiting.done.load(std::memory_order_acquire)) waiting.here->suspend(-1);
  return outcome;
}

inline result<json> attachment::ask(json wanted) {
  json told;
  const errc outcome = ask_and_wait(std::move(wanted), [&](errc, const json& answer) { told = answer; });
  if (outcome != errc::ok) return outcome;
  return told;
}

// ---- DCs ----

/// Makes the broker of a DC that the daemon knows; when this returns it knows who is bound.
inline result<std::shared_ptr<broker>> attachment::join(dc_id number, std::string_view name,
                                                        const dc_options& options) {
  auto made = std::make_shared<broker>(number, name, options, 0, &*gate_, this);
  if (const errc refused = gate_->join(made); refused != errc::ok) return refused;
  const auto told = ask({{"op", "hello"}, {"version", control_version}});  // answered after who is bound was told
  if (!told) return told.error();
  return made;
}

inline result<std::shared_ptr<broker>> attachment::create_dc(std::string_view name, const dc_options& options) {
  const auto told = ask({{"op", "create"}, {"name", name}, {"sizes", to_json(options)}, {"stays", false}});
  if (!told) return told.error();
  return join(dc_id{field<std::uint16_t>(*told, "dc")}, name, options);
}

inline result<std::shared_ptr<broker>> attachment::open_dc(std::string_view name) {
  const auto told = ask({{"op", "open"}, {"name", name}});
  if (!told) return told.error();
  return join(dc_id{field<std::uint16_t>(*told, "dc")}, name, sizes_from(member(*told, "sizes")));
}

inline std::vector<dc_info> attachment::dcs() {
  std::vector<dc_info> rows;
  if (const auto told = ask({{"op", "list"}}))
    for (const json& each : member(*told, "dcs")) rows.push_back(dc_from(each));
  return rows;
}

// ---- What brokers want ----

inline json attachment::bind_request(const char* op, const broker& dc, endpoint_id who, const bind_options& options,
                                     const dc_options& sizes) {
  json wanted = {{"op", op}, {"dc", number(dc.shared_id())}, {"who", number(who)}, {"name", options.name}};
  if (options.privileges != nullptr) wanted["privileges"] = to_json(*options.privileges, sizes);
  return wanted;
}

inline result<std::shared_ptr<port>> attachment::bind(broker& dc, const std::shared_ptr<carrier>& runs_on,
                                                      endpoint_id who, const bind_options& options) {
  result<std::shared_ptr<port>> made = errc::not_connected;
  json wanted = bind_request("bind", dc, who, options, dc.sizes());
  runs_on->take_place();
  if (runs_on->place()) wanted["place"] = *runs_on->place();
  const errc outcome = ask_and_wait(std::move(wanted), [&](errc how, const json& told) {
    made = how == errc::ok ? dc.settle(runs_on, endpoint_field(told, "endpoint"), options) : how;
  });
  if (outcome != errc::ok) return outcome;
  return made;
}

inline result<endpoint_id> attachment::bind_thread(broker& dc, int thread, endpoint_id who,
                                                   const bind_options& options) {
  json wanted = bind_request("bind_thread", dc, who, options, dc.sizes());
  wanted["thread"] = thread;
  const auto told = ask(std::move(wanted));
  if (!told) return told.error();
  return endpoint_field(*told, "endpoint");
}

inline errc attachment::set_privileges(broker& dc, endpoint_id who, const privileges& rights) {
  return ask({{"op", "set_privileges"},
              {"dc", number(dc.shared_id())},
              {"who", number(who)},
              {"privileges", to_json(rights, dc.sizes())}})
      .error();
}

inline result<privileges> attachment::privileges_of(broker& dc, endpoint_id who) {
  const auto told = ask({{"op", "privileges"}, {"dc", number(dc.shared_id())}, {"who", number(who)}});
  if (!told) return told.error();
  return privileges_from(member(*told, "privileges"));
}

inline result<registry::census> attachment::take_census(broker& dc) {
  const auto told = ask({{"op", "processes"}, {"dc", number(dc.shared_id())}});
  if (!told) return told.error();
  census all{{}, field<std::uint32_t>(*told, "grants")};
  for (const json& each : member(*told, "processes")) all.processes.push_back(process_from(each));
  return all;
}

inline void attachment::leave(broker& dc) { static_cast<void>(ask({{"op", "leave"}, {"dc", number(dc.shared_id())}})); }

inline embedded_node::embedded_node(std::string_view daemon)
    : home_(std::make_shared<attachment>(std::string(daemon))) {}

}  // namespace dvs::userspace

#include <dvs/backends/userspace/daemon/attachment_reports.hpp>
#include <dvs/backends/userspace/daemon/attachment_ways.hpp>

#endif
