// SPDX-License-Identifier: MIT
/// @file
/// A backend author's program: the installed conformance suite, run for the userspace backend.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
