// SPDX-License-Identifier: MIT
/// @file
/// Who decides about a DC that several processes of the host share, as the broker of one of them sees it.
#ifndef DVS_BACKENDS_USERSPACE_REGISTRY_HPP
#define DVS_BACKENDS_USERSPACE_REGISTRY_HPP

#include <dvs/backend.hpp>
#include <dvs/backends/userspace/direct_way.hpp>
#include <memory>

namespace dvs::userspace {

class broker;
class carrier;
class port;

/// Deals out the slots of a DC and keeps its privileges; the brokers follow it. The operations wait in the calling
/// context. Any thread. All fail with `not_connected` when the daemon is gone.
class registry {
 public:
  /// Has a slot given to a process on `runs_on`, and the process bound there by `broker::settle`.
  virtual result<std::shared_ptr<port>> bind(broker& dc, const std::shared_ptr<carrier>& runs_on, endpoint_id who,
                                             const bind_options& options) = 0;
  /// Binds a thread of another process.
  virtual result<endpoint_id> bind_thread(broker& dc, int thread, endpoint_id who, const bind_options& options) = 0;
  virtual errc set_privileges(broker& dc, endpoint_id who, const privileges& rights) = 0;
  virtual result<privileges> privileges_of(broker& dc, endpoint_id who) = 0;
  /// What is known of a DC in all processes of the host.
  struct census {
    std::vector<process_info> processes;
    std::uint32_t grants = 0;
  };
  virtual result<census> take_census(broker& dc) = 0;
  /// A direct way from `asker`, which runs here, to `server`, which runs in another process of the host. `place`: of
  /// the asker's carrier in the board. Null: there is none.
  virtual std::unique_ptr<direct_way> introduce(broker& dc, endpoint_id asker, endpoint_id server,
                                                std::uint32_t place) = 0;
  /// `who`, which runs here, waits long for `partner` in another process; `wait` tells two waits apart.
  virtual void suspect(broker& dc, endpoint_id who, endpoint_id partner, std::uint64_t wait) = 0;
  /// Has `broker::look_at_direct_waits` called soon, and whenever it wants to be.
  virtual void watch_waits() = 0;
  /// The broker has ended.
  virtual void leave(broker& dc) = 0;

 protected:
  ~registry() = default;
};

/// What a node is that a process shares with others. Any thread.
class shared_home {
 public:
  virtual ~shared_home() = default;
  virtual result<std::shared_ptr<broker>> create_dc(std::string_view name, const dc_options& options) = 0;
  /// Errors: `no_entry` (there is no such DC), `no_privilege` (its list does not have the caller).
  virtual result<std::shared_ptr<broker>> open_dc(std::string_view name) = 0;
  [[nodiscard]] virtual std::vector<dc_info> dcs() = 0;
  [[nodiscard]] virtual node_id id() const = 0;
};

}  // namespace dvs::userspace

#endif
