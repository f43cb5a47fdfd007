// SPDX-License-Identifier: MIT
/// @file
/// Requests and answers between a process and its daemon, as JSON.
///
/// A request is `{"id": N, "op": "...", ...}`, its answer `{"id": N, "error": "..."}` or `{"id": N, ...}`. Both sides
/// ask; each numbers its own requests. Which there are is told in `backends/userspace/README.md`.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_CONTROL_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_CONTROL_HPP

#include <dvs/backends/userspace/table_rights.hpp>
#include <nlohmann/json.hpp>

namespace dvs::userspace {

using json = nlohmann::json;

/// The version of the conversation between a process and its daemon.
inline constexpr std::uint32_t control_version = 1;

/// Thrown for a request or answer that lacks something, or has it in the wrong form.
struct bad_control : error {
  bad_control() : error(errc::io_error) {}
};

/// The member `key` of `from`. Throws `bad_control`.
[[nodiscard]] inline const json& member(const json& from, const char* key) {
  const auto at = from.find(key);
  if (at == from.end()) throw bad_control{};
  return *at;
}

/// What a value says, which has this type and is in its range. Throws `bad_control`.
template <class T>
[[nodiscard]] T value_of(const json& from) {
  const auto in_range = [](auto value) {
    if (!std::in_range<T>(value)) throw bad_control{};
    return static_cast<T>(value);
  };
  if constexpr (std::is_same_v<T, std::string>) {
    if (!from.is_string()) throw bad_control{};
    return from.get<std::string>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!from.is_boolean()) throw bad_control{};
    return from.get<bool>();
  } else if (from.is_number_unsigned()) {
    return in_range(from.get<std::uint64_t>());
  } else {
    if (!from.is_number_integer()) throw bad_control{};
    return in_range(from.get<std::int64_t>());
  }
}
/// The member `key` of `from`. Throws `bad_control`.
template <class T>
[[nodiscard]] T field(const json& from, const char* key) {
  return value_of<T>(member(from, key));
}
[[nodiscard]] inline endpoint_id endpoint_field(const json& from, const char* key) {
  return endpoint_id{field<std::int32_t>(from, key)};
}
/// The name of an error, and back: an unknown one is `io_error`.
[[nodiscard]] inline errc error_named(const std::string& name) {
#define DVS_CONTROL_ERROR(error, value, sentence) \
  if (name == name_of(errc{value})) return errc{value};
  DVK_ERRORS(DVS_CONTROL_ERROR)
#undef DVS_CONTROL_ERROR
  return errc::io_error;
}
/// How an answer ended.
[[nodiscard]] inline errc outcome_of(const json& answer) {
  return answer.contains("error") ? error_named(field<std::string>(answer, "error")) : errc::ok;
}

/// How deep requests and answers are nested at most: what copies or prints JSON uses the stack for each level.
inline constexpr int control_depth_max = 16;

/// Text that is an object of JSON; null if it is not, or too deep.
[[nodiscard]] inline json parse_control(std::string_view text) {
  bool is_deep = false;
  const auto keep = [&](int depth, json::parse_event_t, const json&) {
    is_deep = is_deep || depth > control_depth_max;
    return !is_deep;
  };
  json parsed = json::parse(text, keep, false);
  if (is_deep || !parsed.is_object()) return {};
  return parsed;
}

// ---- What requests carry ----

[[nodiscard]] inline json to_json(const dc_options& sizes) {
  json told = {{"tasks", sizes.tasks},
               {"servers", sizes.servers},
               {"users", sizes.users},
               {"grants", sizes.grants},
               {"strict", sizes.strict}};
  if (sizes.span)
    told["span"] = {
        {"number", number(sizes.span->number)}, {"position", sizes.span->position}, {"nodes", sizes.span->nodes}};
  return told;
}
[[nodiscard]] inline std::optional<dc_span> span_from(const json& from) {
  if (!from.contains("span")) return {};
  const json& told = member(from, "span");
  return dc_span{dc_id{field<std::uint16_t>(told, "number")}, field<std::uint16_t>(told, "position"),
                 field<std::uint16_t>(told, "nodes")};
}
[[nodiscard]] inline dc_options sizes_from(const json& from) {
  return {.tasks = field<std::uint32_t>(from, "tasks"),
          .servers = field<std::uint32_t>(from, "servers"),
          .users = field<std::uint32_t>(from, "users"),
          .grants = field<std::uint32_t>(from, "grants"),
          .strict = from.contains("strict") && field<bool>(from, "strict"),
          .span = span_from(from)};
}

[[nodiscard]] inline json to_json(const peer_set& peers, const dvk_limits& limits) {
  json without = json::array();
  for_each_system_slot(limits, [&](endpoint_id peer) {
    if (!peers.has(peer)) without.push_back(number(peer));
  });
  return {{"without", std::move(without)}, {"users", peers.has_users()}};
}
[[nodiscard]] inline peer_set peers_from(const json& from) {
  peer_set peers = peer_set::all().users(field<bool>(from, "users"));
  const json& without = member(from, "without");
  constexpr std::size_t most = DVK_SYSTEM_MAX;  // what a peer may have us do is bounded
  if (!without.is_array() || without.size() > most) throw bad_control{};
  for (const json& each : without) peers = std::move(peers).without(endpoint_id{value_of<std::int32_t>(each)});
  return peers;
}
[[nodiscard]] inline json to_json(const privileges& rights, const dc_options& sizes) {
  const dvk_limits limits = limits_of(sizes);
  return {{"calls", rights.calls.bits()}, {"to", to_json(rights.to, limits)}, {"from", to_json(rights.from, limits)}};
}
[[nodiscard]] inline privileges privileges_from(const json& from) {
  return {call_set(field<std::uint32_t>(from, "calls")), peers_from(member(from, "to")),
          peers_from(member(from, "from"))};
}

[[nodiscard]] inline json to_json(const process_info& row) {
  return {{"endpoint", number(row.endpoint)},
          {"name", row.name},
          {"doing", static_cast<std::uint8_t>(row.doing)},
          {"peer", number(row.peer)},
          {"sent", row.messages_sent},
          {"received", row.messages_received},
          {"copies", row.copies},
          {"bytes", row.bytes_copied},
          {"node", number(row.node)}};
}
[[nodiscard]] inline process_info process_from(const json& from) {
  const auto doing = field<std::uint8_t>(from, "doing");
  if (doing > static_cast<std::uint8_t>(activity::sleeping)) throw bad_control{};
  return {endpoint_field(from, "endpoint"),
          field<std::string>(from, "name"),
          static_cast<activity>(doing),
          endpoint_field(from, "peer"),
          field<std::uint64_t>(from, "sent"),
          field<std::uint64_t>(from, "received"),
          field<std::uint64_t>(from, "copies"),
          field<std::uint64_t>(from, "bytes"),
          node_id{field<std::uint16_t>(from, "node")}};
}

[[nodiscard]] inline json to_json(const dc_info& row) {
  return {{"dc", number(row.id)},
          {"name", row.name},
          {"sizes", to_json(row.sizes)},
          {"processes", row.processes},
          {"grants", row.grants}};
}
[[nodiscard]] inline dc_info dc_from(const json& from) {
  return {dc_id{field<std::uint16_t>(from, "dc")},
          field<std::string>(from, "name"),
          true,
          sizes_from(member(from, "sizes")),
          field<std::uint32_t>(from, "processes"),
          field<std::uint32_t>(from, "grants")};
}

}  // namespace dvs::userspace

#endif
