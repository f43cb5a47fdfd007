// SPDX-License-Identifier: MIT
/// @file
/// The second translation unit of the consumer: a definition that is not inline would collide with main.cpp here.
#include <everything.hpp>

std::size_t message_bytes_elsewhere() { return sizeof(dvs::message); }
