// SPDX-License-Identifier: MIT
/// @file
/// Creates, lists and ends DCs of a node.
#include "dc.hpp"

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>

#include <charconv>

#include "container.hpp"
#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

/// The number that a word is, or that `find` knows for the name.
template <class Find>
std::uint32_t account(const std::string& word, const char* kind, const Find& find) {
  std::uint32_t number = 0;
  const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (wrong == std::errc() && end == word.data() + word.size()) return number;
  const auto found = find(word.c_str());
  if (!found)
    throw failure(dvs::errc::no_entry, fmt::format("this host has no {} {}", kind, word), "give its number instead");
  return *found;
}

std::optional<std::uint32_t> user_named(const char* name) {
  const passwd* const found = ::getpwnam(name);
  return found == nullptr ? std::optional<std::uint32_t>() : found->pw_uid;
}
std::optional<std::uint32_t> group_named(const char* name) {
  const group* const found = ::getgrnam(name);
  return found == nullptr ? std::optional<std::uint32_t>() : found->gr_gid;
}
std::string name_of_user(std::uint32_t number) {
  const passwd* const found = ::getpwuid(number);
  return found == nullptr ? std::to_string(number) : found->pw_name;
}

/// Has the daemon create a DC; its number.
std::uint16_t create(control_line& line, const std::string& name, const json& wanted) {
  const auto told = line.ask(wanted);
  if (!told && told.error() == dvs::errc::exists)
    throw failure(told.error(), fmt::format("the daemon at {} has a DC {} already", line.socket(), name),
                  "take another name, or end it with dvs dc end " + name);
  if (!told && told.error() == dvs::errc::range)
    throw failure(told.error(), "no DC can have these sizes", "see the ranges in dvs(1)");
  if (!told) throw failure(told.error(), dvs::sentence_of(told.error()), "run dvs doctor");
  return us::field<std::uint16_t>(*told, "dc");
}

}  // namespace

int create_dc(const setting& with, const dc_settings& wanted) {
  json users = json::array(), groups = json::array();
  for (const auto& each : wanted.users) users.push_back(account(each, "user", user_named));
  for (const auto& each : wanted.groups) groups.push_back(account(each, "group", group_named));
  json request = {
      {"op", "create"}, {"name", wanted.name}, {"sizes", us::to_json(wanted.sizes)}, {"stays", !wanted.container},
      {"users", users}, {"groups", groups}};
  std::uint16_t number = 0;
  if (wanted.container) {
    number = start_keeper(with.socket, wanted.name, wanted.limits, [&](control_line& line, const std::string& cgroup) {
      request["container"] = {{"cgroup", cgroup}};
      return create(line, wanted.name, request);
    });
  } else {
    control_line line(with.socket);
    number = create(line, wanted.name, request);
  }
  if (with.json)
    print({{"dc", number}, {"name", wanted.name}});
  else
    fmt::print("DC {}: {}\n", number, wanted.name);
  return 0;
}

int list_dcs(const setting& with) {
  control_line line(with.socket);
  const json told = line.ask({{"op", "list"}}).value();
  json rows = json::array();
  using enum table::align;
  table shown({{"DC", right},
               {"NAME"},
               {"PROCESSES", right},
               {"TASKS", right},
               {"SERVERS", right},
               {"USERS", right},
               {"GRANTS", right},
               {"OWNER"},
               {"ENDS"},
               {"CONTAINER"}});
  for (const json& each : us::member(told, "dcs")) {
    const dvs::dc_info dc = us::dc_from(each);
    const bool may_enter = each.contains("owner");
    json row = {{"dc", dvs::number(dc.id)},
                {"name", dc.name},
                {"processes", dc.processes},
                {"sizes", us::to_json(dc.sizes)},
                {"may_enter", may_enter}};
    std::string owner = "-", ends = "-", container = "-";
    if (may_enter) {
      const bool stays = us::field<bool>(each, "stays");
      owner = name_of_user(us::field<std::uint32_t>(each, "owner"));
      ends = stays ? "on request" : "with its creator";
      const bool is_contained = us::field<bool>(each, "container");
      container = is_contained ? "yes" : "no";
      row.update({{"owner", owner}, {"stays", stays}, {"container", is_contained}});
    }
    rows.push_back(std::move(row));
    shown.add({std::to_string(dvs::number(dc.id)), printable(dc.name), std::to_string(dc.processes),
               std::to_string(dc.sizes.tasks), std::to_string(dc.sizes.servers), std::to_string(dc.sizes.users),
               std::to_string(dc.sizes.grants), owner, ends, container});
  }
  if (with.json)
    print({{"dcs", rows}});
  else
    fmt::print("{}", shown.text());
  return 0;
}

int end_dc(const setting& with, const std::string& name) {
  control_line line(with.socket);
  const std::uint16_t number = line.enter(name);
  const container_entrance container(line, name);
  const auto told = line.ask({{"op", "leave"}, {"dc", number}, {"end", true}}, control_line::forever_ms);
  if (!told && told.error() == dvs::errc::no_privilege)
    throw failure(told.error(), "you may not end the DC " + name, "ask its owner, whom dvs dc list names");
  if (!told) throw failure(told.error(), fmt::format("the DC {} has ended meanwhile", name), "see dvs dc list");
  container.await_end();
  if (with.json)
    print({{"dc", number}, {"name", name}});
  else
    fmt::print("DC {}: {} has ended\n", number, name);
  return 0;
}

}  // namespace dvms
