// SPDX-License-Identifier: MIT
/// @file
/// Why a command failed, and what to do about it.
#ifndef DVMS_FAILURE_HPP
#define DVMS_FAILURE_HPP

#include <dvs/error.hpp>
#include <stdexcept>
#include <string>

namespace dvms {

/// Thrown by a command; becomes "dvs: WHAT; REMEDY" or a JSON document.
class failure : public std::runtime_error {
 public:
  failure(dvs::errc code, const std::string& what, const std::string& remedy) : failure(code, what + "; " + remedy) {}
  /// The same, said by another process.
  failure(dvs::errc code, const std::string& what_and_remedy) : std::runtime_error(what_and_remedy), code_(code) {}

  /// The error of the closed set that is closest.
  [[nodiscard]] dvs::errc code() const { return code_; }

 private:
  dvs::errc code_;
};

}  // namespace dvms

#endif
