// SPDX-License-Identifier: MIT
/// @file
/// Registers a law, a sentence and a function that tries to break it, as a test case of Catch2.
#ifndef DVS_CONFORMANCE_LAW_HPP
#define DVS_CONFORMANCE_LAW_HPP

#include <catch2/catch.hpp>
#include <dvs/conformance/setup.hpp>
#include <string>

namespace dvs::conformance {

/// Adds the test "NAME OF THE SETUP: sentence". `body` captures nothing; it makes its own laboratory.
template <setup Setup, class Body>
void law(const std::string& sentence, Body) {
  const std::string name = std::string(Setup::name) + ": " + sentence;
  Catch::AutoReg(Catch::makeTestInvoker(+[] { Body{}(); }), CATCH_INTERNAL_LINEINFO, Catch::StringRef(),
                 Catch::NameAndTags{Catch::StringRef(name.data(), name.size()), Catch::StringRef("[conformance]")});
}

}  // namespace dvs::conformance

#endif
