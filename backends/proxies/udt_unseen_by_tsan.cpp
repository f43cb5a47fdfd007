// SPDX-License-Identifier: MIT
/// @file
/// What every program with UDT says to the thread sanitizer: the library was not built for it, which therefore does not
/// see what orders the library's memory.

extern "C" [[gnu::used]] const char* __tsan_default_suppressions() { return "called_from_lib:libudt.so\n"; }
