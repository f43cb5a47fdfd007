// SPDX-License-Identifier: MIT
/// @file
/// A DC as the switchboard keeps it.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_DC_RECORD_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_DC_RECORD_HPP

#include <dvs/dvk/dvk.h>

#include <dvs/backends/userspace/cycle_search.hpp>
#include <dvs/backends/userspace/table_rights.hpp>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <vector>

namespace dvs::userspace {

enum class line_id : std::uint64_t;

/// Who may use a DC, besides the superuser.
struct dc_access {
  std::uint32_t owner = 0;                ///< the user who may do everything
  std::set<std::uint32_t> users, groups;  ///< who may enter besides
  std::set<node_id> nodes = {};           ///< that may take part, if it spans nodes; none: all that are linked
};

/// Where programs of a DC run. The process that made it has created the DC, and holds it.
struct dc_container {
  std::int32_t keeper;  ///< that process, as the daemon sees it
  std::string cgroup;   ///< the folder of its limits; empty: it has none
};

/// The table of a DC (names, generations, privileges), who holds which slot, and who may enter.
class dc_record : public dc_access {
 public:
  struct process {
    line_id at;
    std::uint64_t birth;
    std::string name;
    std::uint32_t term = 0;                   ///< of another node: how often it has moved
    bool is_listed = true;                    ///< of another node: it has told of it since the link came up
    std::optional<std::uint32_t> place = {};  ///< where its carrier is in the board of its process
    std::weak_ptr<cycle_search> search = {};  ///< that is under way for its wait on a direct way
  };
  /// A direct way between two.
  struct way {
    bool rings = false;        ///< one of them is being rung by the daemon
    bool rings_again = false;  ///< and is to be once more
  };

  /// Throws `dvs::error`: `range`, `no_memory`.
  dc_record(dc_id id, std::string_view name, const dc_options& sizes, dc_access access);

  /// Whether other nodes take part.
  [[nodiscard]] bool spans_nodes() const { return sizes.span.has_value(); }
  [[nodiscard]] bool takes_part(node_id peer) const { return spans_nodes() && (nodes.empty() || nodes.contains(peer)); }
  [[nodiscard]] dvk_table* table() const { return static_cast<dvk_table*>(memory_.get()); }
  /// The line that has the process, or none.
  [[nodiscard]] const process* find(endpoint_id who) const {
    const auto at = processes.find(who);
    return at == processes.end() ? nullptr : &at->second;
  }
  [[nodiscard]] dvk_slot* slot(endpoint_id who) const {
    dvk_slot* found = nullptr;
    return dvk_find_bound(table(), number(who), &found) == DVK_E_ok ? found : nullptr;
  }
  /// Whether messages may go from `one` to `other`, both bound.
  [[nodiscard]] bool may_pass(endpoint_id one, endpoint_id other) const {
    return dvk_may_pass(table(), slot(one), slot(other)) != 0;
  }
  void set_privileges(endpoint_id who, const privileges& rights);
  [[nodiscard]] privileges privileges_of(endpoint_id who) const;

  const dc_id id;
  const std::string name;
  const dc_options sizes;
  line_id creator{};  ///< with which it ends; none: with the daemon
  std::optional<dc_container> container = {};
  std::map<endpoint_id, process> processes;
  std::map<std::pair<endpoint_id, endpoint_id>, way> ways;  ///< by who asks and who is asked
  std::set<line_id> listeners;                              ///< who is told who is bound
  std::set<line_id> tracers;                                ///< who watches its messages
  std::uint64_t births = 0;
  bool has_ended = false;  ///< it is kept until its processes have left
  std::vector<std::function<void()>> when_left;

 private:
  struct table_memory {
    void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::unique_ptr<void, table_memory> memory_;
};

inline dc_record::dc_record(dc_id number_of_dc, std::string_view its_name, const dc_options& its_sizes,
                            dc_access its_access)
    : dc_access(std::move(its_access)), id(number_of_dc), name(its_name), sizes(its_sizes) {
  const dvk_limits limits = limits_of(sizes);
  const std::size_t bytes = dvk_table_bytes(&limits);
  if (bytes == 0 || sizes.tasks > DVK_TASKS_MAX) throw error(errc::range);
  memory_.reset(::operator new (bytes, std::align_val_t{64}));
  if (const int made = dvk_table_init(memory_.get(), bytes, &limits); made != DVK_E_ok) throw error(errc{made});
  if (!sizes.span) return;
  if (const int dealt = dvk_share_users(table(), sizes.span->position, sizes.span->nodes); dealt != DVK_E_ok)
    throw error(errc{dealt});
}

inline void dc_record::set_privileges(endpoint_id who, const privileges& rights) {
  apply_privileges(table(), who, rights);
}
inline privileges dc_record::privileges_of(endpoint_id who) const { return read_privileges(table(), who); }

}  // namespace dvs::userspace

#endif
