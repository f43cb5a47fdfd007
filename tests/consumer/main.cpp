// SPDX-License-Identifier: MIT
/// @file
/// A consumer of the installed package: everything included here and in other.cpp must link into one program.
#include <everything.hpp>

std::size_t message_bytes_elsewhere();

int main() { return sizeof(dvs::message) == message_bytes_elsewhere() ? 0 : 1; }
