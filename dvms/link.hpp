// SPDX-License-Identifier: MIT
/// @file
/// The command dvs link list.
#ifndef DVMS_LINK_HPP
#define DVMS_LINK_HPP

#include "output.hpp"

namespace dvms {

/// Lists the links of the node to others.
int list_links(const setting& with);

}  // namespace dvms

#endif
