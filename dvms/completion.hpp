// SPDX-License-Identifier: MIT
/// @file
/// The command dvs completion bash.
#ifndef DVMS_COMPLETION_HPP
#define DVMS_COMPLETION_HPP

#include <CLI/CLI.hpp>
#include <string>

namespace dvms {

/// A script that completes the words of `app` in bash.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

}  // namespace dvms

#endif
