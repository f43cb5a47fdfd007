// SPDX-License-Identifier: MIT
/// @file
/// Migration: a process goes on in another place, under its endpoint, and who talks to it notices nothing but time.
///
///     // The manager, anywhere in the DC:                      // Who goes on, at node 2:
///     auto moving = dvs::migrate(dc, server).value();          auto self = dvs::take_over(dc, server).value();
///     // ... bring its memory to node 2 ...                    // ... serve, with what was brought
///     moving.commit(dvs::node_id{2}).value();
///
/// A process moves at rest: in a receive from anybody or of requests, when nobody waits for an answer from it. Then
/// nothing is delivered to it until it is decided where it goes on. Who waits to send to it, and what it was notified
/// of, follows; so do its name, its privileges and its counters. Its memory, its own grants, its alarm, its wish to
/// hear of deaths and its listeners do not.
///
/// A process that waits in `take_over` is also the *backup* of the other: `promote` puts it in its place if its node is
/// lost.
///
/// Source: the DVS paper's migration of endpoints (`migr_start`, `migr_commit`, `migr_rollback`); how it works is told
/// in `docs/adr/0020-migration-of-endpoints.md`.
#ifndef DVS_MIGRATE_HPP
#define DVS_MIGRATE_HPP

#include <dvs/dc.hpp>
#include <memory>
#include <utility>

namespace dvs {

/// A backend whose processes can move.
template <class Backend>
concept migrating_backend = backend<Backend> && requires(typename Backend::dc& dc, endpoint_id who, timeout limit) {
  { dc.migrate_start(who, limit) } -> std::same_as<errc>;
  { dc.migrate_commit(who, node_id{}) } -> std::same_as<errc>;
  { dc.migrate_rollback(who) } -> std::same_as<errc>;
  { dc.take_over(who, limit) } -> std::same_as<result<typename Backend::port*>>;
  { dc.promote(who) } -> std::same_as<errc>;
};

/// A process that rests until it is decided where it goes on. If this leaves scope undecided it goes on where it is.
/// Must not outlive its DC. Thread safety: none.
template <migrating_backend Backend>
class migration {
 public:
  migration(typename Backend::dc& dc, endpoint_id who) : dc_(&dc), who_(who) {}
  migration(migration&& other) noexcept : dc_(std::exchange(other.dc_, nullptr)), who_(other.who_) {}
  migration& operator=(migration&&) = delete;
  ~migration() {
    if (dc_ != nullptr) static_cast<void>(dc_->migrate_rollback(who_));
  }

  /// Has it go on at the node `to`, where somebody waits in `take_over`. When this succeeds it is decided: what is left
  /// of the old process ends its receive with `errc::shut_down`, and calls nothing any more (`not_bound`). Errors,
  /// after which it goes on where it is: `not_waiting` (nobody there wants to take it over), `not_connected` (no link
  /// to that node), `bad_endpoint` (that node does not know it, or it has ended), `busy`, `too_big` (a DC with more
  /// than some 3,500 system processes), `not_supported` (that node is shared by processes of a daemon).
  result<void> commit(node_id to) { return std::exchange(dc_, nullptr)->migrate_commit(who_, to); }
  /// Has it go on where it is. Errors: `bad_endpoint` (it has ended meanwhile).
  result<void> rollback() { return std::exchange(dc_, nullptr)->migrate_rollback(who_); }

 private:
  typename Backend::dc* dc_;  ///< null: decided
  endpoint_id who_;
};

/// Asks a process, on whatever node, to come to rest, and waits until it does. One that only polls, or always owes
/// somebody an answer, never does. Errors: `timed_out` (it goes on), `busy` (somebody else has asked it), `cancelled`
/// (somebody else has called it off, or it leaves), `bad_endpoint`, `not_connected`, `not_supported` (its node is
/// shared by processes of a daemon). May be called in any context but that of the process itself.
template <migrating_backend Backend>
result<migration<Backend>> migrate(dc<Backend>& in, endpoint_id who, timeout limit = forever) {
  const result<void> rests = in.implementation().migrate_start(who, limit);
  if (!rests) return rests.error();
  return migration<Backend>(in.implementation(), who);
}

/// Waits until `who` is to go on in the calling context, and binds it to that, as `dc::bind` would. A limit holds until
/// another node has begun to hand it over. Errors: `timed_out`, `bad_endpoint` (no such process, or it has ended),
/// `busy` (somebody at this node waits for it already), `shut_down`, `not_supported`.
template <migrating_backend Backend>
result<typename dc<Backend>::owned_endpoint> take_over(dc<Backend>& in, endpoint_id who, timeout limit = forever) {
  const auto port = in.implementation().take_over(who, limit);
  if (!port) return port.error();
  return std::make_unique<bound_endpoint<Backend>>(in.implementation(), **port);
}

/// Has a process of a node that is lost go on here, in the context that waits in `take_over`: its backup. It begins
/// with the privileges that its slot has after bind; whoever asks for it is served by it from now on, as soon as its
/// node knows. Should the lost one live on after all, it ends with `errc::shut_down` when it hears of its successor,
/// and who has asked it and has no answer gets `errc::source_died`. Whether it is dead is for the caller to know, such
/// as by the votes of a group: of two that were promoted at once in parts of a cluster that cannot reach each other,
/// both live on. Errors: `not_waiting` (there is no backup here), `process_running` (its node can be reached, or is
/// this one), `bad_endpoint` (no such process), `not_supported`. Source: the DVS paper's backup endpoints; `bkupbind`
/// and the commit to the own node.
template <migrating_backend Backend>
result<void> promote(dc<Backend>& in, endpoint_id who) {
  return in.implementation().promote(who);
}

}  // namespace dvs

#endif
