// SPDX-License-Identifier: MIT
/// @file
/// The distributed container: a table of processes that may talk to each other, and to nobody else.
#ifndef DVS_DC_HPP
#define DVS_DC_HPP

#include <dvs/endpoint.hpp>
#include <memory>
#include <string>

namespace dvs {

/// Asks `spawn` for a thread of its own instead of a fiber of the calling thread.
struct on_thread {};

/// An endpoint that the calling thread bound itself; unbound when it leaves scope.
template <backend Backend>
class bound_endpoint : public endpoint<Backend> {
 public:
  bound_endpoint(typename Backend::dc& owner, typename Backend::port& port) : endpoint<Backend>(port), owner_(owner) {}
  ~bound_endpoint() { owner_.unbind(this->port()); }

 private:
  typename Backend::dc& owner_;
};

/// A DC of a node. Processes are its fibers and threads; when the object leaves scope the DC ends: every operation
/// of its processes fails with `errc::shut_down`, fibers are run to their end, and threads are joined.
///
/// Thread safety: all members may be called from any thread, but fibers belong to the thread that spawned them and
/// run while that thread waits in an operation of dvs.
template <backend Backend>
class dc {
 public:
  using endpoint_type = endpoint<Backend>;
  using owned_endpoint = std::unique_ptr<bound_endpoint<Backend>>;

  explicit dc(std::shared_ptr<typename Backend::dc> implementation) : dc_(std::move(implementation)) {}
  dc(dc&&) noexcept = default;
  dc& operator=(dc&&) = delete;
  ~dc() {
    if (dc_) dc_->end();
  }

  /// Starts `body(endpoint&)` as a fiber of the calling thread, bound to `who`. It is bound when this returns, and
  /// unbound when the body returns. Errors: `slot_used`, `range` (no such slot), `dc_not_running`, `table_full`.
  template <class Body>
  result<endpoint_id> spawn(endpoint_id who, Body body, const bind_options& options = {}) {
    return dc_->spawn_fiber(who, options, adapt(std::move(body)));
  }
  /// The same on a thread of its own.
  template <class Body>
  result<endpoint_id> spawn(endpoint_id who, on_thread, Body body,
                            const bind_options& options = {}) requires(Backend::abilities.threads) {
    return dc_->spawn_thread(who, options, adapt(std::move(body)));
  }
  /// Starts an unnamed user process as a fiber.
  template <class Body>
  requires requires(Body& body, endpoint_type& self) { body(self); }
  result<endpoint_id> spawn(Body body) { return spawn(own, std::move(body)); }
  /// Starts an unnamed user process on a thread of its own.
  template <class Body>
  result<endpoint_id> spawn(on_thread, Body body) {
    return spawn(own, on_thread{}, std::move(body));
  }

  /// Runs `body(endpoint&)` as an unnamed user process in the calling context; returns what it returns.
  /// Throws `dvs::error` when there is no free slot or the DC has ended.
  template <class Body>
  decltype(auto) run(Body&& body, const bind_options& options = {}) {
    auto self = bind(own, options).value();
    return std::forward<Body>(body)(static_cast<endpoint_type&>(*self));
  }

  /// Waits until every process that was spawned has returned: runs the fibers of the calling thread, joins threads.
  void join() { dc_->join(); }

  /// Binds the calling context to `who` (`dvs::own`: any free user slot). Errors as for `spawn`.
  /// Source: M3-IPC bind and tbind.
  result<owned_endpoint> bind(endpoint_id who = own, const bind_options& options = {}) {
    return owned(dc_->bind(who, options));
  }
  /// Binds another thread of the process, named by its kernel id (`gettid`); it gets the endpoint from
  /// `wait_for_own_bind`. Errors: `bad_process`, `slot_used` (the thread or the slot is bound). Source: lclbind.
  result<endpoint_id> bind_thread(int thread, endpoint_id who, const bind_options& options = {}) {
    return dc_->bind_thread(thread, who, options);
  }
  /// Waits until another thread has bound this one. Source: wait4bind.
  result<owned_endpoint> wait_for_own_bind(timeout limit = forever) { return owned(dc_->wait_for_own_bind(limit)); }
  /// Asks a process to leave: its operation fails with `errc::shut_down`; waits until it is unbound.
  /// Errors: `timed_out`, `bad_endpoint`. Source: M3-IPC unbind.
  result<void> unbind(endpoint_id who, timeout limit = forever) { return dc_->unbind(who, limit); }
  /// Ends the wait that `who` is in with `errc::cancelled`; when it is in none, its next one. Errors: `bad_endpoint`.
  result<void> cancel(endpoint_id who) { return dc_->cancel(who); }

  /// Changes what `who` may do, from its next operation on. Errors: `bad_endpoint`. Source: setpriv.
  result<void> set_privileges(endpoint_id who, const privileges& rights) { return dc_->set_privileges(who, rights); }
  /// What `who` may do. Source: getpriv.
  [[nodiscard]] result<privileges> privileges_of(endpoint_id who) { return dc_->privileges_of(who); }
  /// The endpoint bound under `name`; `errc::no_entry` when there is none.
  [[nodiscard]] result<endpoint_id> find(std::string_view name) { return dc_->find(name); }
  /// The process table. Source: getprocinfo.
  [[nodiscard]] std::vector<process_info> processes() { return dc_->processes(); }
  /// The DC itself. Source: getdcinfo.
  [[nodiscard]] dc_info info() { return dc_->info(); }
  /// Ends the DC now, as the destructor would. Source: dc_end.
  void end() { dc_->end(); }

  /// The backend's object under this one, for code that extends the API.
  [[nodiscard]] typename Backend::dc& implementation() { return *dc_; }

 private:
  template <class Body>
  static auto adapt(Body body) {
    return [body = std::move(body)](typename Backend::port& port) mutable {
      endpoint_type self(port);
      body(self);
    };
  }
  result<owned_endpoint> owned(result<typename Backend::port*> bound) {
    if (!bound) return bound.error();
    return std::make_unique<bound_endpoint<Backend>>(*dc_, **bound);
  }

  std::shared_ptr<typename Backend::dc> dc_;
};

}  // namespace dvs

#endif
