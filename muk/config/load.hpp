// SPDX-License-Identifier: MIT
/// @file
/// Reads the configuration of a MUK, and the files that it names.
#ifndef MUK_CONFIG_LOAD_HPP
#define MUK_CONFIG_LOAD_HPP

#include <array>
#include <muk/config/servers.hpp>
#include <utility>

namespace muk::config {

namespace detail {

/// Server endpoints that no line of a configuration may take: init is there.
inline constexpr std::int64_t init_endpoint = 15;
/// The largest endpoint that a server can have.
inline constexpr std::int64_t server_max = 63;

inline std::optional<dvs::endpoint_id> endpoint(block_reader& keys, std::string_view key) {
  const auto number = keys.number(key, 0, server_max);
  if (!number) return {};
  if (*number == init_endpoint) keys.refuse(key, "15 is the endpoint of init; take another");
  return dvs::endpoint_id{static_cast<std::int32_t>(*number)};
}

}  // namespace detail

/// The MUK in `blocks`, the content of `file`. `read` is `parse_file`, or stands in for it.
/// Throws `config::error`.
template <class ReadFile>
[[nodiscard]] unikernel unikernel_of(const std::vector<block>& blocks, const std::string& file, ReadFile&& read) {
  detail::expect_blocks(blocks, file, "muk");
  if (blocks.size() > 1) throw error(file, blocks[1].line, "muk", "there are two of them; a file has one");
  block_reader keys(blocks.front());
  unikernel made{};
  made.name = blocks.front().name;
  made.dc = static_cast<std::uint16_t>(keys.required("dcid", keys.number("dcid", 0, 65535)));
  made.pm = detail::endpoint(keys, "pm_ep");
  made.fs = detail::endpoint(keys, "fs_ep");
  made.is = detail::endpoint(keys, "is_ep");
  made.rdisk = detail::endpoint(keys, "rd_ep");
  made.web = detail::endpoint(keys, "web_ep");
  std::string_view web_key = "web_ep";
  if (const auto nweb = detail::endpoint(keys, "nweb_ep")) {
    if (made.web) keys.refuse("nweb_ep", "is another name of web_ep; write one of them");
    made.web = nweb;
    web_key = "nweb_ep";
  }
  made.ftp = detail::endpoint(keys, "ftp_ep");
  made.rdisk_is_external = keys.flag("rd_external", false);
  const auto rd_file = keys.path("rd_cfg");
  const auto fs_file = keys.path("fs_cfg");
  const auto web_file = keys.path("web_cfg");
  static_cast<void>(keys.path("ftp_cfg"));  // there is nothing that M3FTP would have to be told
  keys.finish();

  std::vector<std::pair<dvs::endpoint_id, std::string_view>> taken;
  const auto take = [&](std::optional<dvs::endpoint_id> where, std::string_view key) {
    if (!where) return;
    for (const auto& [other, owner] : taken)
      if (other == *where) keys.refuse(key, "is the endpoint of " + std::string(owner) + " too; take another");
    taken.emplace_back(*where, key);
  };
  take(made.pm, "pm_ep");
  take(made.fs, "fs_ep");
  take(made.is, "is_ep");
  take(made.rdisk, "rd_ep");
  take(made.web, web_key);
  take(made.ftp, "ftp_ep");
  if (made.rdisk_is_external && !made.rdisk) keys.refuse("rd_external", "there is no RDISK: add rd_ep and rd_cfg");
  if (made.fs && !made.rdisk) keys.refuse("fs_ep", "FS needs RDISK: add rd_ep and rd_cfg");
  if (made.web && !made.fs) keys.refuse(web_key, "NWEB needs FS: add fs_ep and fs_cfg");
  if (made.ftp && !made.fs) keys.refuse("ftp_ep", "M3FTP needs FS: add fs_ep and fs_cfg");

  const auto blocks_of = [&](std::string_view key, const std::string& path) {
    auto found = read(path);
    if (!found) keys.refuse(key, "the file '" + path + "' cannot be read");
    return *std::move(found);
  };
  if (made.rdisk) {
    const auto path = keys.required("rd_cfg", rd_file);
    made.disks = disks_of(blocks_of("rd_cfg", path), path);
  }
  if (made.fs) {
    const auto path = keys.required("fs_cfg", fs_file);
    made.root = root_of(blocks_of("fs_cfg", path), path, *made.rdisk, made.disks.size());
  }
  if (made.web) {
    const auto path = keys.required("web_cfg", web_file);
    made.website = website_of(blocks_of("web_cfg", path), path, *made.web);
  }
  return made;
}

/// The configuration in the file at `path`. Throws `config::error`.
[[nodiscard]] inline unikernel load(const std::string& path) {
  const auto blocks = parse_file(path);
  if (!blocks) throw error(path, 0, {}, "the file cannot be read");
  return unikernel_of(*blocks, path, parse_file);
}

}  // namespace muk::config

#endif
