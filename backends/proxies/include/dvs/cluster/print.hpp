// SPDX-License-Identifier: MIT
/// @file
/// Writes a configuration as TOML, with every default filled in.
#ifndef DVS_CLUSTER_PRINT_HPP
#define DVS_CLUSTER_PRINT_HPP

#include <dvs/cluster/configuration.hpp>
#include <dvs/cluster/detail/units.hpp>
#include <dvs/cluster/detail/words.hpp>
#include <dvs/cluster/query.hpp>
#include <string>
#include <string_view>

namespace dvs::cluster {

namespace detail {

/// `text` as a TOML string.
[[nodiscard]] inline std::string toml_text(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string written = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      written.append({'\\', c});
    else if (byte < 0x20 || byte == 0x7F)
      written.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    else
      written += c;
  }
  return written += '"';
}

/// `name` as a TOML key.
[[nodiscard]] inline std::string toml_key(std::string_view name) {
  return is_name(name) ? std::string(name) : toml_text(name);
}

/// The elements of a list as `text` makes them.
template <class List, class Text>
[[nodiscard]] std::string toml_list(const List& list, Text&& text) {
  std::string written = "[";
  for (const auto& each : list) written.append(written.size() == 1 ? "" : ", ").append(text(each));
  return written += ']';
}

[[nodiscard]] inline std::string toml_lines(const link_options& how) {
  return "proxy = " + toml_text(name_of(how.proxy)) + "\ncompress = " + (how.compress ? "true" : "false") +
         "\nbatch = " + toml_text(bytes_text(how.batch)) + '\n';
}

[[nodiscard]] inline std::string toml_lines(const dc_options& sizes) {
  return "sizes = { tasks = " + std::to_string(sizes.tasks) + ", servers = " + std::to_string(sizes.servers) +
         ", users = " + std::to_string(sizes.users) + ", grants = " + std::to_string(sizes.grants) + " }\n";
}

}  // namespace detail

/// The file that says `all`: every key is written, users and groups as numbers, in an order that depends on nothing but
/// `all`. Two configurations are equal exactly when their files are; `parse` gives back an equal one.
[[nodiscard]] inline std::string to_toml(const configuration& all) {
  using detail::toml_key, detail::toml_lines, detail::toml_list, detail::toml_text;
  const auto name = [&](node_id id) {
    const node* const found = find_node(all, id);
    return found == nullptr ? std::string() : found->name;
  };
  const auto name_text = [&](node_id id) { return toml_text(name(id)); };
  const auto number_text = [](auto number) { return std::to_string(number); };

  std::string text = "[cluster]\nname = " + toml_text(all.name) + '\n';
  text += all.key_file ? "key_file = " + toml_text(*all.key_file) + '\n' : "security = \"none\"\n";
  text += "heartbeat = " + toml_text(detail::time_text(all.heartbeat)) + '\n';
  text += "dead_after = " + toml_text(detail::time_text(all.dead_after)) + '\n';
  text += toml_lines(all.links);
  for (const node& each : all.nodes) {
    text += "\n[node." + toml_key(each.name) + "]\nid = " + std::to_string(number(each.id)) + '\n';
    text += "address = " + toml_text(each.address) + "\nport = " + std::to_string(each.port) + '\n';
    text += "run = " + toml_text(each.run) + '\n';
  }
  for (const link& each : all.exceptions) {
    text += "\n[[link]]\nbetween = " + toml_list(each.between, name_text) + '\n' + toml_lines(each.how);
    if (each.how.proxy != transport::ethernet) continue;
    for (const auto& [key, values] :
         {std::pair("interfaces", &each.interfaces), std::pair("hardware", &each.hardware)}) {
      text += std::string(key) + " = { " + toml_key(name(each.between[0])) + " = " + toml_text((*values)[0]) + ", ";
      text += toml_key(name(each.between[1])) + " = " + toml_text((*values)[1]) + " }\n";
    }
  }
  for (const dc& each : all.dcs) {
    text += "\n[dc." + toml_key(each.name) + "]\nid = " + std::to_string(number(each.id)) + '\n';
    text += "nodes = " + toml_list(each.nodes, name_text) + '\n';
    text +=
        "users = " + toml_list(each.users, number_text) + "\ngroups = " + toml_list(each.groups, number_text) + '\n';
    text += std::string("strict = ") + (each.strict ? "true" : "false") + '\n' + toml_lines(each.sizes);
  }
  return text;
}

}  // namespace dvs::cluster

#endif
