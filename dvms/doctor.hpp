// SPDX-License-Identifier: MIT
/// @file
/// The command dvs doctor.
#ifndef DVMS_DOCTOR_HPP
#define DVMS_DOCTOR_HPP

#include "output.hpp"

namespace dvms {

/// Looks at what dvs needs of the host, and says what is wrong and how to mend it. 1: something that matters is.
int examine(const setting& with);

}  // namespace dvms

#endif
