// SPDX-License-Identifier: MIT
/// @file
/// What a program with UDT says to the thread sanitizer, if it is built for it: the library is not, so that the
/// sanitizer does not see what orders its memory.

extern "C" [[gnu::used]] const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "called_from_lib:libudt.so\n"; }
