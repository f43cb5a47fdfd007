// SPDX-License-Identifier: MIT
/// @file
/// Any text is a configuration or a `config::error` that names the file and a line of it; nothing else.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <muk/config/load.hpp>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace config = muk::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  // The four kinds of file are told apart by their blocks, so one text is tried as each of them.
  const auto attempt = [&](auto&& read) {
    try {
      read(config::parse(text, "file"));
    } catch (const config::error& wrong) {
      const std::string_view what = wrong.what();
      const auto line = std::strtol(wrong.what() + std::string_view("file:").size(), nullptr, 10);
      if (!what.starts_with("file:") || line < 1 || line > lines) std::abort();
    }
  };
  using blocks = std::vector<config::block>;
  const auto unreadable = [](const std::string&) { return std::optional<blocks>(); };
  attempt([&](const blocks& all) { static_cast<void>(config::unikernel_of(all, "file", unreadable)); });
  attempt([&](const blocks& all) { static_cast<void>(config::disks_of(all, "file")); });
  attempt([&](const blocks& all) { static_cast<void>(config::root_of(all, "file", dvs::endpoint_id{3}, 2)); });
  attempt([&](const blocks& all) { static_cast<void>(config::website_of(all, "file", dvs::endpoint_id{22})); });
  return 0;
}
