// SPDX-License-Identifier: MIT
/// @file
/// The laboratory of a law: a node with one DC, parties that run in it, and the record of what went wrong.
#ifndef DVS_CONFORMANCE_LABORATORY_HPP
#define DVS_CONFORMANCE_LABORATORY_HPP

#include <atomic>
#include <dvs/conformance/record.hpp>
#include <dvs/conformance/setup.hpp>
#include <dvs/conformance/words.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dvs::conformance {

/// Make it after the variables that the parties share: when it leaves scope it waits until all of them have returned
/// (and says who hangs where, if they do not), ends the DC, and reports every broken expectation to Catch2.
template <setup Setup>
class laboratory {
 public:
  using backend = typename Setup::backend;
  using self_type = endpoint<backend>;
  using world = typename world_of<Setup>::type;
  static constexpr bool has_processes = world_of_processes<world, backend>;
  /// Where the table of a DC has to be gathered from several processes, which takes time, crowds are smaller.
  static bool has_gathered_tables() {
    if constexpr (requires { world::has_gathered_tables; }) return world::has_gathered_tables;
    return false;
  }
  static bool is_of_one_node() { return world::nodes == 1 && !has_processes; }
  /// What a party does. Erased, so that a law compiles no scheduler of its own.
  using party = std::function<void(self_type&)>;

  explicit laboratory(const dc_options& sizes = {}) : world_(world_of<Setup>::open()) {
    for (std::size_t site = 0; site < world::nodes; ++site) dcs_.push_back(world_.make_dc(site, "laboratory", sizes));
  }
  laboratory(const laboratory&) = delete;
  laboratory& operator=(const laboratory&) = delete;
  ~laboratory() noexcept(false) { finish(); }

  [[nodiscard]] dvs::node<backend>& node() { return world_.node(0); }
  [[nodiscard]] dvs::dc<backend>& dc() { return dc_at(0); }
  /// The DC in which a party runs.
  [[nodiscard]] dvs::dc<backend>& dc_of(endpoint_id who) {
    for (std::size_t site = 0; site < world::nodes; ++site)
      for (const auto& row : dc_at(site).processes())
        if (row.endpoint == who && world_.knows(site, row)) return dc_at(site);
    return dc();
  }
  /// The nodes that take part.
  [[nodiscard]] world& nodes() { return world_; }

  /// Starts a party where the setup wants it: `body(self)`. It is bound when this returns, and runs from `go` on, so
  /// that all parties of a law are there when the first begins.
  endpoint_id start(endpoint_id who, party body, const bind_options& options = {}) {
    world_.settle();
    const std::size_t site = world::site(parties_);
    const endpoint_id started = start_in(dcs_[site], who, std::move(body), options);
    world_.settle();
    return started;
  }
  /// Starts a party of another DC of this node, which must not outlive the laboratory.
  endpoint_id start_in(dvs::dc<backend>& container, endpoint_id who, party body, const bind_options& options = {}) {
    ++running_;
    const placement place = Setup::place(parties_++);
    auto guarded = [this, place, body = std::move(body)](self_type& self) {
      if (place == placement::thread) open_.wait(false);
      // Of one node, a fiber runs when the law waits, which is after it has let all go.
      if (!is_of_one_node())
        while (!open_) static_cast<void>(self.sleep_for(500us));
      ++begun_;
      attempt(body, self);
      --running_;
    };
    result<endpoint_id> started = errc::not_supported;
    if constexpr (has_processes) {
      if (place == placement::process) {
        started = world_.launch(container.info().name, who, options, guarded);
        if (!started) ++begun_, --running_;
        return started.value();
      }
    }
    if (place == placement::fiber) {
      started = container.spawn(who, std::move(guarded), options);
    } else if constexpr (backend::abilities.threads) {
      started = container.spawn(who, on_thread{}, std::move(guarded), options);
    }
    if (!started) ++begun_, --running_;
    return started.value();
  }

  /// Lets the parties run; `observe` and `finish` do it too. A law that waits for them in another way says it.
  void go() {
    open_ = true;
    open_.notify_all();
  }

  /// Carries out `body(self)` in the calling context, as a user process with every right.
  void observe(const party& body) {
    go();
    dc().run([&](self_type& self) { attempt(body, self); }, {.name = "observer", .privileges = &every_right});
  }

  // ---- What parties expect; any thread. The first failure is what counts: patience is short after it. ---------

  /// `good` holds.
  void expect(bool good, std::string_view what, place_in_source at = place_in_source::here()) {
    record_.note(good, what, at);
  }
  /// Both are equal.
  template <class A, class B>
  void equal(const A& a, const B& b, place_in_source at = place_in_source::here()) {
    if (a == b) return record_.note(true, {}, at);
    record_.note(false, "expected " + shown(b) + ", found " + shown(a), at);
  }
  /// The operation succeeded. When it did not, the party ends here.
  void works(const result<void>& outcome, place_in_source at = place_in_source::here()) {
    record_.note(outcome.has_value(), std::string("it failed with ") + name_of(outcome.error()), at);
    if (!outcome) throw party_stopped{};
  }
  /// The operation succeeded; gives its value. When it did not, the party ends here.
  template <class T>
  T take(result<T> outcome, place_in_source at = place_in_source::here()) {
    record_.note(outcome.has_value(), std::string("it failed with ") + name_of(outcome.error()), at);
    if (!outcome) throw party_stopped{};
    return std::move(*outcome);
  }
  /// The operation failed with exactly this error.
  template <class T>
  void fails(errc wanted, const result<T>& outcome, place_in_source at = place_in_source::here()) {
    if (outcome.error() == wanted) return record_.note(true, {}, at);
    record_.note(false, std::string("expected the error ") + name_of(wanted) + ", found " + name_of(outcome.error()),
                 at);
  }

  // ---- Waiting for what others do, without luck ----------------------------------------------------------------

  /// Lets others run until `happened()`; a failure if that takes very long. On every node it has happened then.
  void eventually(self_type& self, const std::function<bool()>& happened, std::string_view what,
                  place_in_source at = place_in_source::here()) {
    const duration begin = self.now();
    while (!happened()) {
      if (self.now() - begin > patience()) {
        record_.note(false, "never happened: " + std::string(what) + tables(), at);
        throw party_stopped{};
      }
      if (self.sleep_for(20us).error() != errc::ok) self.yield();
    }
    world_.settle();
  }
  /// Waits until `who` is seen doing `what`, with `peer` if one is given.
  void until(self_type& self, endpoint_id who, activity what, std::optional<endpoint_id> peer = {},
             place_in_source at = place_in_source::here()) {
    eventually(
        self, [&] { return is_doing(who, what, peer); }, std::to_string(number_of(who)) + " is " + shown(what), at);
  }
  /// Waits until `who` is seen blocked in anything.
  void until_blocked(self_type& self, endpoint_id who, place_in_source at = place_in_source::here()) {
    eventually(
        self,
        [&] {
          const auto row = row_of(who);
          return begun_ == parties_ && row && row->doing != activity::running;
        },
        std::to_string(number_of(who)) + " blocks", at);
  }
  /// Waits until `who` is gone.
  void until_gone(self_type& self, endpoint_id who, place_in_source at = place_in_source::here()) {
    eventually(
        self, [&] { return !self.is_bound(who); }, std::to_string(number_of(who)) + " is unbound", at);
  }

  /// The row of `who` in the process table.
  [[nodiscard]] std::optional<process_info> row_of(endpoint_id who) {
    for (std::size_t site = 0; site < world::nodes; ++site)
      for (auto& row : dc_at(site).processes())
        if (row.endpoint == who && world_.knows(site, row)) return row;
    return {};
  }
  [[nodiscard]] bool is_doing(endpoint_id who, activity what, std::optional<endpoint_id> peer = {}) {
    const auto row = row_of(who);
    return row && row->doing == what && (!peer || row->peer == *peer);
  }

  /// Waits for the parties, ends the DC and reports. The destructor does it too.
  void finish() {
    if (finished_) return;
    finished_ = true;
    go();
    wait_for_parties();
    end_dc();
    record_.note(complaint().empty(), complaint(), place_in_source::here());
    record_.report();
  }
  /// Ends the DC; on the node of the first party last, so that those who wait for it see the end and not its death.
  void end_dc() {
    for (std::size_t site = dcs_.size(); site-- > 0;) dcs_[site].end();
  }

 private:
  [[nodiscard]] dvs::dc<backend>& dc_at(std::size_t site) {
    if constexpr (has_processes)
      if (dvs::dc<backend>* const here = world::own_dc(); here != nullptr) return *here;
    return dcs_[site];
  }
  /// What became of processes that ended badly; empty if none has.
  [[nodiscard]] std::string complaint() {
    if constexpr (has_processes) return world_.complaint();
    return {};
  }

  void attempt(const party& body, self_type& self) {
    try {
      body(self);
    } catch (const party_stopped&) {  // noted where it happened
    } catch (const std::exception& problem) {
      record_.note(false, std::string("a party threw: ") + problem.what(), place_in_source::here());
    }
  }

  void wait_for_parties() {
    if (running_ == 0) return;
    if (!dc().info().running) return;  // its end waits for them
    observe([&](self_type& self) {
      eventually(
          self,
          [&] {
            // Nobody knows the observer: what it hears is the end of the DC.
            return running_ == 0 || self.receive(any, no_wait).error() == errc::shut_down || !complaint().empty();
          },
          "every party returns");
    });
  }

  [[nodiscard]] duration patience() const { return record_.is_clean() ? duration(20s) : duration(200ms); }

  [[nodiscard]] std::string tables() {
    std::string text;
    for (std::size_t site = 0; site < world::nodes; ++site)
      for (const auto& row : dc_at(site).processes())
        text += "\n    " + std::to_string(number_of(row.endpoint)) + " " + row.name + ": " + shown(row.doing) + " " +
                std::to_string(number_of(row.peer));
    return text;
  }

  world world_;
  std::vector<dvs::dc<backend>> dcs_;
  record record_;
  std::atomic<int> running_{0};
  std::atomic<std::size_t> begun_{0};  ///< parties that are past the start
  std::atomic<bool> open_{false};
  std::atomic<std::size_t> parties_{0};
  bool finished_ = false;
};

}  // namespace dvs::conformance

#endif
