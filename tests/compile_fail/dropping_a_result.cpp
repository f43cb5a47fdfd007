// SPDX-License-Identifier: MIT
/// @file
/// A result may be an error, so it cannot be ignored by accident.
// expect: nodiscard
#include <dvs/result.hpp>

#pragma GCC diagnostic error "-Wunused-result"

dvs::result<int> try_something();

void careless() { try_something(); }
