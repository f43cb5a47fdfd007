// SPDX-License-Identifier: MIT
/// @file
/// Reads the configurations of RDISK, FS and NWEB.
#ifndef MUK_CONFIG_SERVERS_HPP
#define MUK_CONFIG_SERVERS_HPP

#include <muk/config/block_reader.hpp>
#include <muk/config/config.hpp>

namespace muk::config {

namespace detail {

/// Checks that a file has blocks of one kind, and at least one.
inline void expect_blocks(const std::vector<block>& all, const std::string& file, std::string_view kind) {
  for (const block& each : all)
    if (each.kind != kind)
      throw error(file, each.line, each.kind,
                  "there is no such block; this file has blocks '" + std::string(kind) + "'");
  if (all.empty()) throw error(file, 1, kind, "the file has no block of this kind");
}

inline disk disk_of(const block& source) {
  constexpr std::int64_t bytes_min = 1024, bytes_max = std::int64_t{1} << 40;
  block_reader keys(source);
  disk made{};
  made.name = source.name;
  made.in_memory =
      keys.required("image_type", keys.choice<bool>("image_type", {{"FILE_IMAGE", false}, {"MEMORY_IMAGE", true}}));
  const auto file = keys.path("image_file");
  const auto size = keys.number("size", bytes_min, bytes_max);
  made.is_volatile = keys.flag("volatile", made.in_memory);
  made.buffer_bytes = static_cast<std::uint32_t>(keys.number("buffer", 512, 1 << 20).value_or(4096));
  keys.finish();
  if (made.in_memory && !made.is_volatile) keys.refuse("volatile", "a device in memory is volatile: write YES");
  if (file && size) keys.refuse("size", "a device with an image_file has the size of that file");
  if (!made.in_memory && size) keys.refuse("size", "is for MEMORY_IMAGE; a FILE_IMAGE has the size of its file");
  if (!made.in_memory || !size) made.image_file = keys.required("image_file", file);
  made.bytes = static_cast<std::uint64_t>(size.value_or(0));
  return made;
}

}  // namespace detail

/// The devices of RDISK. Throws `config::error`.
[[nodiscard]] inline std::vector<disk> disks_of(const std::vector<block>& blocks, const std::string& file) {
  detail::expect_blocks(blocks, file, "device");
  std::vector<disk> made;
  made.reserve(blocks.size());
  for (const block& each : blocks) made.push_back(detail::disk_of(each));
  return made;
}

/// The root file system of FS: exactly one device is it. `driver` is the endpoint of RDISK, which has `minors` devices.
/// Throws `config::error`.
[[nodiscard]] inline file_system root_of(const std::vector<block>& blocks, const std::string& file,
                                         dvs::endpoint_id driver, std::size_t minors) {
  detail::expect_blocks(blocks, file, "device");
  std::optional<file_system> root;
  for (const block& each : blocks) {
    block_reader keys(each);
    const auto major = keys.number("major", 0, 1023).value_or(dvs::number(driver));
    const auto minor = keys.number("minor", 0, 255).value_or(0);
    static_cast<void>(keys.required("type", keys.choice<bool>("type", {{"RDISK_IMG", true}})));
    const bool is_root = keys.flag("root_dev", false);
    const auto buffer = keys.number("buffer_size", 512, 1 << 20).value_or(4096);
    keys.finish();
    if (major != dvs::number(driver))
      keys.refuse("major", "is not rd_ep, which is " + std::to_string(dvs::number(driver)));
    if (static_cast<std::size_t>(minor) >= minors)
      keys.refuse("minor", "RDISK has the devices 0 to " + std::to_string(minors - 1));
    if (is_root && root) keys.refuse("root_dev", "two devices are the root; one can be");
    if (is_root) root = {each.name, static_cast<std::uint32_t>(minor), static_cast<std::uint32_t>(buffer)};
  }
  if (!root) throw error(file, blocks.front().line, "root_dev", "no device is the root: write YES for one");
  return *root;
}

/// The web server that is started at `endpoint`. Throws `config::error`.
[[nodiscard]] inline web_server website_of(const std::vector<block>& blocks, const std::string& file,
                                           dvs::endpoint_id endpoint) {
  detail::expect_blocks(blocks, file, "websrv");
  if (blocks.size() > 1) throw error(file, blocks[1].line, "websrv", "there are two web servers; one can be");
  block_reader keys(blocks.front());
  web_server made{};
  made.name = blocks.front().name;
  made.port = static_cast<std::uint16_t>(keys.required("port", keys.number("port", 0, 65535)));
  const auto where = keys.number("endpoint", 0, 1023).value_or(dvs::number(endpoint));
  made.root = keys.text("rootdir").value_or("/");
  keys.finish();
  if (where != dvs::number(endpoint))
    keys.refuse("endpoint", "is not web_ep, which is " + std::to_string(dvs::number(endpoint)));
  if (made.root.front() != '/') keys.refuse("rootdir", "is no absolute path of the image: begin it with /");
  return made;
}

}  // namespace muk::config

#endif
