// SPDX-License-Identifier: MIT
/// @file
/// Lists the links of a node.
#include "link.hpp"

#include <fmt/core.h>

#include "control_line.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

using json = nlohmann::json;

/// How long ago, as people say it.
std::string age_text(std::uint64_t ms) {
  const std::uint64_t s = ms / 1000;
  if (s < 60) return fmt::format("{}.{} s", s, ms % 1000 / 100);
  if (s < 3600) return fmt::format("{} min", s / 60);
  return s < 2 * 86400 ? fmt::format("{} h", s / 3600) : fmt::format("{} days", s / 86400);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  return bytes < 10'000'000 ? fmt::format("{} kB", bytes / 1000) : fmt::format("{} MB", bytes / 1'000'000);
}

std::string traffic_text(const json& link, const char* frames, const char* bytes) {
  return fmt::format("{} frames, {}", us::field<std::uint64_t>(link, frames),
                     size_text(us::field<std::uint64_t>(link, bytes)));
}

std::string name_text(const json& link, const char* key) {
  const auto name = us::field<std::string>(link, key);
  return name.empty() ? "-" : printable(name);
}

}  // namespace

int list_links(const setting& with) {
  control_line line(with.socket);
  const json told = line.ask({{"op", "links"}}).value();
  const json& links = us::member(told, "links");
  if (with.json) {
    print({{"links", links}});
    return 0;
  }
  constexpr auto right = table::align::right;
  table shown({{"NODE", right},
               {"NAME"},
               {"PROXY"},
               {"STATE"},
               {"FOR", right},
               {"ROUND TRIP", right},
               {"RECONNECTS", right},
               {"COMMANDS", right},
               {"SENT"},
               {"RECEIVED"}});
  for (const json& each : links) {
    const bool is_up = us::field<bool>(each, "up");
    const auto trip =
        each.contains("round_trip_us") ? fmt::format("{} us", us::field<std::uint64_t>(each, "round_trip_us")) : "-";
    shown.add({std::to_string(us::field<std::uint16_t>(each, "node")), name_text(each, "name"),
               name_text(each, "proxy"), is_up ? "up" : "down", age_text(us::field<std::uint64_t>(each, "for_ms")),
               trip, std::to_string(us::field<std::uint64_t>(each, "reconnects")),
               std::to_string(us::field<std::uint64_t>(each, "commands")),
               traffic_text(each, "frames_sent", "bytes_sent"),
               traffic_text(each, "frames_received", "bytes_received")});
  }
  fmt::print("{}", shown.text());
  return 0;
}

}  // namespace dvms
