// SPDX-License-Identifier: MIT
/// @file
/// Any text is a cluster that survives being printed, or complaints with places in the text; nothing else.

// The parser of TOML is searched too: it is compiled here instead of being linked, without assertions and assumptions
// as g++ compiles the library.
#undef TOML_SHARED_LIB
#undef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#define NDEBUG
#define __builtin_assume(condition) static_assert(true)

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <dvs/cluster/json.hpp>
#include <dvs/cluster/load.hpp>
#include <dvs/cluster/print.hpp>
#include <string_view>

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

/// A machine on which names of one letter are users and groups.
dvs::cluster::identities machine() {
  const auto number = [](const std::string& name) {
    return name.size() == 1 ? std::optional<uid_t>(static_cast<unsigned char>(name[0])) : std::nullopt;
  };
  return {number, number};
}

void check(const std::vector<dvs::cluster::complaint>& complaints, std::string_view text) {
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  std::uint32_t before = 1;
  for (const auto& each : complaints) {
    demand(each.line >= before && each.line <= lines && each.column >= 1 && each.column <= text.size() + 1);
    demand(!each.problem.empty() && !each.remedy.empty());
    demand(dvs::cluster::detail::printable(text_of(each)) == text_of(each));
    before = each.line;
  }
  static_cast<void>(nlohmann::json(complaints).dump());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = dvs::cluster::parse(text, "/etc/dvs/cluster.toml", machine());
  check(read.complaints(), text);
  if (!read) return 0;
  const auto again = dvs::cluster::parse(to_toml(*read), "/etc/dvs/cluster.toml", machine());
  demand(again.has_value() && *again == *read);
  static_cast<void>(nlohmann::json(*read).dump());
  // What the queries promise for every configuration.
  for (const auto& node : read->nodes) {
    demand(find_node(*read, node.id) == &node && find_node(*read, node.name) == &node);
    for (const auto& link : links_of(*read, node.id)) demand(link.dials == (node.id < link.peer->id));
    for (const auto* dc : dcs_of(*read, node.id)) demand(dc->sizes.users == 0 || user_slots(*dc, node.id).count > 0);
  }
  return 0;
}
