// SPDX-License-Identifier: MIT
/// @file
/// The userspace backend: embedded, which is everything in one process, no daemon, no privileges, no set-up; or as one
/// of the processes that share a node through its daemon (`dvs/backends/userspace/daemon/attachment.hpp`).
///
/// Endpoints are threads, or fibers of one or several threads, in any mixture. Fibers of one thread meet in plain
/// memory and hand the processor to each other directly; threads meet in channels of two cache lines and wake each
/// other by doorbells. How, and with which limits, is told in `backends/userspace/README.md`.
#ifndef DVS_BACKENDS_USERSPACE_HPP
#define DVS_BACKENDS_USERSPACE_HPP

#include <dvs/backends/userspace/broker.hpp>
#include <dvs/node.hpp>

namespace dvs::userspace {

/// The node of an embedded system, which keeps the list of DCs, or what a process sees of one that it shares.
class embedded_node {
 public:
  embedded_node() = default;
  /// A node of a cluster. `outside` is its gateway (`dvs/backends/userspace/gateway.hpp`), which outlives it.
  explicit embedded_node(across& outside) : outside_(&outside) {}
  /// The node of the daemon that listens at the path `daemon`. Defined in
  /// `dvs/backends/userspace/daemon/attachment.hpp`. Throws `std::system_error` (nobody listens there, or the caller
  /// must not use it), `dvs::error` `not_supported` (a daemon of another version).
  explicit embedded_node(std::string_view daemon);

  /// Creates a DC. Errors: `exists`, `range`, `no_memory`, `table_full`; for one that spans nodes also `not_supported`
  /// (the node has no gateway), `exists` (its number is taken), `bad_value` (a position that is not below the nodes).
  result<std::shared_ptr<broker>> create_dc(std::string_view name, const dc_options& options);
  /// Enters a DC that another process has created. Errors: `no_entry`, `no_privilege`.
  result<std::shared_ptr<broker>> open_dc(std::string_view name) {
    return home_ == nullptr ? result<std::shared_ptr<broker>>(errc::no_entry) : home_->open_dc(name);
  }
  [[nodiscard]] std::vector<dc_info> dcs();
  [[nodiscard]] node_id id() const {
    if (home_ != nullptr) return home_->id();
    return outside_ == nullptr ? node_id{0} : outside_->self();
  }
  /// What the process shares, or null if the node is its own.
  [[nodiscard]] shared_home* home() const { return home_.get(); }

 private:
  const std::shared_ptr<shared_home> home_;
  std::mutex lock_;
  std::vector<std::weak_ptr<broker>> dcs_;
  std::uint16_t next_dc_ = 0;
  across* const outside_ = nullptr;
  const std::int64_t started_ns_ = monotonic_ns();
};

/// What fibers of one thread wait on for something that is not a message.
class fiber_condition {
 public:
  errc wait(port& self, timeout limit) {
    waiter mine{&self};
    waiters_.push_back(&mine);
    const errc outcome = self.wait_until(
        {activity::receiving, false, 0, none}, limit, nullptr, false, [&] { return mine.woken; },
        [&] {
          if (mine.woken) return false;
          std::erase(waiters_, &mine);
          return true;
        });
    return outcome;
  }
  void wake_one() {
    if (!waiters_.empty()) wake(waiters_.front());
  }
  void wake_all() {
    while (!waiters_.empty()) wake(waiters_.front());
  }

 private:
  struct waiter {
    port* who;
    bool woken = false;
  };
  void wake(waiter* one) {
    std::erase(waiters_, one);
    one->woken = true;
    one->who->alert();
  }
  std::vector<waiter*> waiters_;
};

inline result<std::shared_ptr<broker>> embedded_node::create_dc(std::string_view name, const dc_options& options) {
  if (home_ != nullptr) return home_->create_dc(name, options);
  const std::lock_guard guard(lock_);
  std::erase_if(dcs_, [](const auto& known) { return known.expired(); });
  for (const auto& known : dcs_)
    if (const auto dc = known.lock(); dc != nullptr && !dc->ended() && dc->info().name == name) return errc::exists;
  if (dcs_.size() > 0xFFFF) return errc::table_full;
  if (options.span && outside_ == nullptr) return errc::not_supported;
  try {
    const dc_id id = options.span ? options.span->number : dc_id{next_dc_++};
    auto made = std::make_shared<broker>(id, name, options, started_ns_, options.span ? outside_ : nullptr);
    if (options.span)
      if (const errc refused = outside_->join(made); refused != errc::ok) return refused;
    dcs_.push_back(made);
    return made;
  } catch (const error& refused) {
    return static_cast<errc>(refused.code().value());
  } catch (const std::bad_alloc&) {
    return errc::no_memory;
  }
}

inline std::vector<dc_info> embedded_node::dcs() {
  if (home_ != nullptr) return home_->dcs();
  std::vector<dc_info> rows;
  const std::lock_guard guard(lock_);
  for (const auto& known : dcs_)
    if (const auto dc = known.lock(); dc != nullptr && !dc->ended()) rows.push_back(dc->info());
  return rows;
}

/// The backend: see `dvs::backend`.
struct backend {
  using node = embedded_node;
  using dc = broker;
  using port = userspace::port;
  using condition = fiber_condition;
  static constexpr const char* name = "userspace";
  static constexpr dvs::abilities abilities{};
};
static_assert(dvs::backend<backend>);

using node = dvs::node<backend>;

}  // namespace dvs::userspace

#endif
