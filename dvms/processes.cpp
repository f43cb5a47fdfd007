// SPDX-License-Identifier: MIT
/// @file
/// Lists the processes of a node, and what they do in a while.
#include "processes.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "control_line.hpp"
#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

struct process {
  std::uint16_t dc;
  std::string dc_name;
  std::int32_t host_process;
  dvs::process_info info;
  std::string peer_name;
};

/// The processes of a DC that the line has entered; none if it has ended meanwhile.
void look(control_line& line, std::uint16_t dc, const std::string& name, std::vector<process>& all) {
  const auto told = line.ask({{"op", "processes"}, {"dc", dc}});
  if (!told) return;
  std::map<dvs::endpoint_id, std::string> names;
  const std::size_t first = all.size();
  for (const json& each : us::member(*told, "processes")) {
    all.push_back({dc, name, us::field<std::int32_t>(each, "process"), us::process_from(each), {}});
    names[all.back().info.endpoint] = all.back().info.name;
  }
  for (std::size_t at = first; at < all.size(); ++at)
    if (const auto peer = names.find(all[at].info.peer); peer != names.end()) all[at].peer_name = peer->second;
}

/// The processes of a DC, or of all. A line for each look: what others want to know of one is asked of them all.
std::vector<process> look(const setting& with, const std::string& dc) {
  control_line line(with.socket);
  std::vector<process> all;
  if (!dc.empty()) {
    look(line, line.enter(dc), dc, all);
    return all;
  }
  const json told = line.ask({{"op", "list"}}).value();
  for (const json& each : us::member(told, "dcs")) {
    const auto name = us::field<std::string>(each, "name");
    const auto entered = line.ask({{"op", "open"}, {"name", name}});
    if (entered) look(line, us::field<std::uint16_t>(*entered, "dc"), name, all);
  }
  return all;
}

const char* name_of(dvs::activity doing) {
  switch (doing) {
    case dvs::activity::running:
      return "running";
    case dvs::activity::sending:
      return "sending";
    case dvs::activity::receiving:
      return "receiving";
    case dvs::activity::awaiting_reply:
      return "awaiting_reply";
    case dvs::activity::sleeping:
      return "sleeping";
  }
  return "unknown";
}

/// What a process does, and for whom.
std::string doing(const process& each) {
  const dvs::endpoint_id peer = each.info.peer;
  const std::string what = name_of(each.info.doing);
  const bool waits = each.info.doing != dvs::activity::running && each.info.doing != dvs::activity::sleeping;
  if (!waits || peer == dvs::none) return what;
  const char* const link = each.info.doing == dvs::activity::sending ? " to " : " from ";
  if (peer == dvs::any) return what + link + "any";
  return what + link +
         (each.peer_name.empty() ? fmt::format("{}", dvs::number(peer))
                                 : fmt::format("{} ({})", dvs::number(peer), printable(each.peer_name)));
}

json to_json(const process& each) {
  const dvs::process_info& info = each.info;
  json row = {{"dc", each.dc_name},    {"process", each.host_process},   {"endpoint", dvs::number(info.endpoint)},
              {"name", info.name},     {"node", dvs::number(info.node)}, {"doing", name_of(info.doing)},
              {"peer", nullptr},       {"sent", info.messages_sent},     {"received", info.messages_received},
              {"copies", info.copies}, {"bytes", info.bytes_copied}};
  if (info.peer == dvs::any)
    row["peer"] = "any";
  else if (info.peer != dvs::none)
    row["peer"] = dvs::number(info.peer);
  return row;
}

// ---- Rates ----

struct rates {
  process who;
  double messages = 0, copies = 0, bytes = 0;  ///< a second
};

std::vector<rates> between(const std::vector<process>& before, const std::vector<process>& now, double seconds) {
  std::map<std::pair<std::uint16_t, dvs::endpoint_id>, const dvs::process_info*> known;
  for (const process& each : before) known[{each.dc, each.info.endpoint}] = &each.info;
  std::vector<rates> all;
  for (const process& each : now) {
    const auto old = known.find({each.dc, each.info.endpoint});
    // Of one that is new, or did not answer at the other look, no rate is known yet.
    const dvs::process_info& was = old == known.end() ? each.info : *old->second;
    const auto rate = [&](std::uint64_t is, std::uint64_t had) {
      return is < had ? 0 : static_cast<double>(is - had) / seconds;
    };
    all.push_back(
        {each, rate(each.info.messages_sent + each.info.messages_received, was.messages_sent + was.messages_received),
         rate(each.info.copies, was.copies), rate(each.info.bytes_copied, was.bytes_copied)});
  }
  std::ranges::stable_sort(all, [](const rates& one, const rates& other) {
    return std::pair(one.messages, one.bytes) > std::pair(other.messages, other.bytes);
  });
  return all;
}

json to_json(const std::vector<rates>& all) {
  json rows = json::array();
  for (const rates& each : all) {
    json row = to_json(each.who);
    row.update({{"messages_per_s", each.messages}, {"copies_per_s", each.copies}, {"bytes_per_s", each.bytes}});
    rows.push_back(std::move(row));
  }
  return rows;
}

void show(const std::vector<rates>& all) {
  using enum table::align;
  table shown({{"DC"},
               {"PROCESS", right},
               {"ENDPOINT", right},
               {"NAME"},
               {"MESSAGES/S", right},
               {"COPIES/S", right},
               {"BYTES/S", right},
               {"DOING"}});
  for (const auto& [who, messages, copies, bytes] : all)
    shown.add({printable(who.dc_name), std::to_string(who.host_process),
               fmt::format("{}", dvs::number(who.info.endpoint)), printable(who.info.name),
               fmt::format("{:.0f}", messages), fmt::format("{:.0f}", copies), fmt::format("{:.0f}", bytes),
               doing(who)});
  winsize window{};
  const bool is_drawn = is_terminal();
  const bool is_limited = is_drawn && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 2;
  // Home, and erase what is below: the screen is redrawn in place.
  fmt::print("{}{}", is_drawn ? "\x1b[H\x1b[J" : "", shown.text(is_limited ? window.ws_row - 2U : SIZE_MAX));
  std::fflush(stdout);
}

}  // namespace

int list_processes(const setting& with, const std::string& dc) {
  const auto all = look(with, dc);
  if (with.json) {
    json rows = json::array();
    for (const process& each : all) rows.push_back(to_json(each));
    print({{"processes", rows}});
    return 0;
  }
  using enum table::align;
  table shown({{"DC"},
               {"PROCESS", right},
               {"ENDPOINT", right},
               {"NAME"},
               {"NODE", right},
               {"SENT", right},
               {"RECEIVED", right},
               {"COPIES", right},
               {"BYTES", right},
               {"DOING"}});
  for (const process& each : all) {
    const dvs::process_info& info = each.info;
    shown.add({printable(each.dc_name), std::to_string(each.host_process),
               fmt::format("{}", dvs::number(info.endpoint)), printable(info.name),
               fmt::format("{}", dvs::number(info.node)), std::to_string(info.messages_sent),
               std::to_string(info.messages_received), std::to_string(info.copies), std::to_string(info.bytes_copied),
               doing(each)});
  }
  fmt::print("{}", shown.text());
  return 0;
}

int watch_processes(const setting& with, const top_options& options) {
  using clock = std::chrono::steady_clock;
  const std::uint32_t count = with.json ? std::max(options.count, 1U) : options.count;
  json looks = json::array();
  auto before = look(with, options.dc);
  auto before_at = clock::now();
  for (std::uint32_t shown = 0; count == 0 || shown < count; ++shown) {
    std::this_thread::sleep_until(before_at + std::chrono::duration<double>(options.interval_s));
    auto now = look(with, options.dc);
    const auto now_at = clock::now();
    const auto all = between(before, now, std::chrono::duration<double>(now_at - before_at).count());
    if (with.json)
      looks.push_back({{"processes", to_json(all)}});
    else
      show(all);
    before = std::move(now);
    before_at = now_at;
  }
  if (with.json) print({{"interval_s", options.interval_s}, {"looks", looks}});
  return 0;
}

}  // namespace dvms
