// SPDX-License-Identifier: MIT
/// @file
/// The node: the scheduler, and the DCs that share it.
#ifndef DVS_BACKENDS_LOOPBACK_NODE_HPP
#define DVS_BACKENDS_LOOPBACK_NODE_HPP

#include <dvs/backends/loopback/dc.hpp>

namespace dvs::loopback {

class node_core {
 public:
  result<std::unique_ptr<dc>> create_dc(std::string_view name, const dc_options& sizes) {
    if (sizes.span) return errc::not_supported;
    for (const dc_info& other : dcs())
      if (other.name == name) return errc::exists;
    auto made = std::make_unique<dc>(contexts_, members_, dc_id{next_id_}, name, sizes);
    if (const errc opened = made->open(); opened != errc::ok) return opened;
    ++next_id_;
    return made;
  }
  result<std::unique_ptr<dc>> open_dc(std::string_view) { return errc::no_entry; }
  std::vector<dc_info> dcs() {
    std::vector<dc_info> rows;
    for (dc* member : members_)
      if (const dc_info row = member->info(); row.running) rows.push_back(row);
    return rows;
  }
  [[nodiscard]] node_id id() const { return node_id{0}; }

 private:
  scheduler contexts_;
  std::set<dc*> members_;  // each takes itself out when it is destroyed
  std::uint16_t next_id_ = 0;
};

}  // namespace dvs::loopback

#endif
