// SPDX-License-Identifier: MIT
/// @file
/// What a compiler needs for a header that everybody includes.
#include <iostream>
