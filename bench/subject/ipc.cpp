// SPDX-License-Identifier: MIT
/// @file
/// What a compiler needs for the API alone.
#include <dvs/ipc.hpp>
