// SPDX-License-Identifier: MIT
/// @file
/// A DC: one table of the rules, the ports bound in it, and its fibers.
#ifndef DVS_BACKENDS_LOOPBACK_DC_HPP
#define DVS_BACKENDS_LOOPBACK_DC_HPP

#include <dvs/backends/loopback/port.hpp>
#include <map>
#include <set>

namespace dvs::loopback {

class dc {
 public:
  dc(scheduler& contexts, std::set<dc*>& all, dc_id id, std::string_view name, const dc_options& sizes)
      : contexts_(contexts), all_(all), table_(contexts), id_(id), name_(name), sizes_(sizes) {}
  dc(const dc&) = delete;
  dc& operator=(const dc&) = delete;
  ~dc() { all_.erase(this); }

  /// Makes the table; before anything else.
  errc open() {
    all_.insert(this);
    return table_.open(sizes_);
  }

  // ---- Bind and unbind ----

  result<port*> bind(endpoint_id who, const bind_options& options) {
    if (ended_) return errc::dc_not_running;
    const std::int32_t slot = who == own ? static_cast<std::int32_t>(DVK_ANY) : slot_of(who);
    if (who != own && !has_slot(slot)) return errc::range;
    auto made = std::make_unique<port>(*this, table_, contexts_);
    dvk_endpoint given = DVK_NONE;
    const auto owner = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(static_cast<waiter*>(made.get())));
    const int outcome = dvk_bind(table_.rules(), slot, std::string(options.name).c_str(), owner, &given);
    if (outcome != 0) return static_cast<errc>(outcome);
    made->id_ = endpoint_id{given};
    if (!made->is_system()) made->rights_.calls = call_set::of_users();
    if (options.privileges != nullptr) allow(*made, *options.privileges);
    table_.settle();  // somebody may have waited for this bind
    return (ports_[made->id_] = std::move(made)).get();
  }
  void unbind(port& leaver) {
    static_cast<void>(dvk_unbind(table_.rules(), leaver.me()));
    ports_.erase(leaver.id());
    for (auto& [who, watcher] : ports_) {
      if (!watcher->watches_deaths_) continue;
      static_cast<void>(dvk_inject(table_.rules(), DVK_EVENTS, number(who), 0, watcher->clock()));
    }
    table_.settle();
    wake_watchers();
  }
  errc unbind(endpoint_id who, timeout limit) {
    port* const leaver = find(who);
    if (leaver == nullptr) return errc::bad_endpoint;
    leaver->leaving_ = true;
    leaver->interrupt(errc::shut_down);
    return watch_until([&] { return find(who) == nullptr; }, limit);
  }
  errc cancel(endpoint_id who) {
    port* const waiting = find(who);
    if (waiting == nullptr) return errc::bad_endpoint;
    if (!waiting->interrupt(errc::cancelled)) waiting->cancel_next_ = true;
    return errc::ok;
  }
  result<endpoint_id> bind_thread(int, endpoint_id, const bind_options&) { return errc::not_supported; }
  result<port*> wait_for_own_bind(timeout) { return errc::not_supported; }

  // ---- Fibers ----

  template <class Body>
  result<endpoint_id> spawn_fiber(endpoint_id who, const bind_options& options, Body body) {
    const auto bound = bind(who, options);
    if (!bound) return bound.error();
    const endpoint_id id = (*bound)->id();
    ++fibers_;
    contexts_.start(options.name, [this, self = *bound, body = std::move(body)]() mutable {
      inside_.insert(&context::current());
      body(*self);
      inside_.erase(&context::current());
      unbind(*self);
      --fibers_;
      wake_watchers();
    });
    return id;
  }
  void join() {
    static_cast<void>(watch_until([&] { return fibers_ == 0; }, forever));
  }
  void end() {
    ended_ = true;
    for (auto& [who, member] : ports_) {
      member->closed_ = true;
      member->interrupt(errc::shut_down);
    }
    if (!inside_.contains(&context::current())) join();  // a fiber cannot wait for its own end
  }

  // ---- Privileges and queries ----

  errc set_privileges(endpoint_id who, const privileges& rights) {
    port* const changed = find(who);
    return changed == nullptr ? errc::bad_endpoint : (allow(*changed, rights), errc::ok);
  }
  result<privileges> privileges_of(endpoint_id who) {
    const port* const asked = find(who);
    if (asked == nullptr) return errc::bad_endpoint;
    return asked->rights_;
  }
  result<endpoint_id> find(std::string_view name) {
    for (const auto& row : processes())
      if (!name.empty() && row.name == name) return row.endpoint;
    return errc::no_entry;
  }
  std::vector<process_info> processes() {
    std::vector<process_info> rows;
    for (const auto& [who, member] : ports_) {
      dvk_process_info known{};
      static_cast<void>(dvk_describe(table_.rules(), slot_of(who), &known));
      rows.push_back({who, known.name, doing(known, *member), endpoint_id{known.peer},
                      known.counters.sent + member->notifications_made_,
                      known.counters.received + known.counters.notifications, known.counters.copies,
                      known.counters.bytes});
    }
    return rows;
  }
  dc_info info() {
    dvk_table_info known{};
    dvk_describe_table(table_.rules(), &known);
    return {id_, name_, !ended_, sizes_, known.bound, known.grants};
  }

 private:
  [[nodiscard]] bool has_slot(std::int32_t slot) const {
    return slot >= -static_cast<std::int32_t>(sizes_.tasks) &&
           slot < static_cast<std::int32_t>(sizes_.servers + sizes_.users) && slot != number(hardware);
  }
  [[nodiscard]] port* find(endpoint_id who) {
    const auto place = ports_.find(who);
    return place == ports_.end() ? nullptr : place->second.get();
  }

  static activity doing(const dvk_process_info& known, const port& member) {
    if (known.state & DVK_STATE_sending) return activity::sending;
    if (known.state & DVK_STATE_receiving)
      return known.operation == DVK_CALL_sendrec ? activity::awaiting_reply : activity::receiving;
    const bool asleep = member.resting_ || (known.state & (DVK_STATE_wait_bind | DVK_STATE_wait_unbind)) != 0;
    return asleep ? activity::sleeping : activity::running;
  }

  /// Tells the rules what `who` may do. They know more calls than the API lets be forbidden.
  void allow(port& who, const privileges& rights) {
    std::uint64_t calls = ~std::uint64_t{0};
    for (const call c : {call::send, call::receive, call::notify, call::sendrec, call::receive_request, call::reply,
                         call::vcopy, call::relay})
      if (!rights.calls.has(c)) calls &= ~(std::uint64_t{1} << static_cast<unsigned>(c));
    dvk_privileges known{};
    static_cast<void>(dvk_get_privileges(table_.rules(), who.me(), &known));
    known.calls = calls;
    static_cast<void>(dvk_set_privileges(table_.rules(), who.me(), &known));
    allow_peers(who, DVK_TO, rights.to);
    allow_peers(who, DVK_FROM, rights.from);
    who.rights_ = rights;
  }
  void allow_peers(const port& who, dvk_direction direction, const peer_set& peers) {
    static_cast<void>(dvk_set_peers(table_.rules(), who.me(), direction, DVK_USERS, peers.has_users()));
    for (auto slot = -static_cast<std::int32_t>(sizes_.tasks); slot < static_cast<std::int32_t>(sizes_.servers); ++slot)
      static_cast<void>(dvk_set_peers(table_.rules(), who.me(), direction, slot, peers.has(endpoint_id{slot})));
  }

  /// Lets the calling context, which need not be bound, wait for something that a leaving process brings about.
  template <class Condition>
  errc watch_until(Condition happened, timeout limit) {
    const duration deadline = contexts_.now() + limit.length();
    while (!happened()) {
      if (!limit.is_forever() && contexts_.now() >= deadline) return errc::timed_out;
      seat here;
      watchers_.insert(&here);
      contexts_.park(here, limit.is_forever() ? forever : timeout(deadline - contexts_.now()));
      watchers_.erase(&here);
    }
    return errc::ok;
  }
  void wake_watchers() {
    for (seat* watcher : watchers_) contexts_.wake(*watcher);
  }

  scheduler& contexts_;
  std::set<dc*>& all_;  // of the node
  table table_;
  dc_id id_;
  std::string name_;
  dc_options sizes_;
  std::map<endpoint_id, std::unique_ptr<port>> ports_;
  std::set<const context*> inside_;  // the fibers of this DC that have begun
  std::set<seat*> watchers_;
  int fibers_ = 0;
  bool ended_ = false;
};

template <class Body>
result<endpoint_id> port::spawn_fiber(endpoint_id who, const bind_options& options, Body body) {
  return dc_.spawn_fiber(who, options, std::move(body));
}

}  // namespace dvs::loopback

#endif
