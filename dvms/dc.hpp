// SPDX-License-Identifier: MIT
/// @file
/// The commands dvs dc create, list and end.
#ifndef DVMS_DC_HPP
#define DVMS_DC_HPP

#include <dvs/backend.hpp>

#include "cgroup.hpp"
#include "output.hpp"

namespace dvms {

struct dc_settings {
  std::string name;
  dvs::dc_options sizes;
  std::vector<std::string> users, groups;  ///< names or numbers
  bool container = false;                  ///< its programs run in one
  container_limits limits;                 ///< of the container
};

/// Creates a DC that stays until it is ended.
int create_dc(const setting& with, const dc_settings& wanted);
int list_dcs(const setting& with);
/// Ends a DC, and returns when its last process has left.
int end_dc(const setting& with, const std::string& name);

}  // namespace dvms

#endif
