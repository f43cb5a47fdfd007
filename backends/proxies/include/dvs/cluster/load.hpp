// SPDX-License-Identifier: MIT
/// @file
/// Reads the configuration of a cluster from a TOML file.
///
/// @code{.cpp}
/// const auto cluster = dvs::cluster::load("/etc/dvs/cluster.toml");
/// if (!cluster) {
///   std::cerr << dvs::cluster::text_of(cluster.complaints());  // each with file, line and column, like a compiler
///   return 1;
/// }
/// for (const auto& link : dvs::cluster::links_of(*cluster, self)) ...
/// @endcode
#ifndef DVS_CLUSTER_LOAD_HPP
#define DVS_CLUSTER_LOAD_HPP

#include <cerrno>
#include <cstring>
#include <dvs/cluster/complaint.hpp>
#include <dvs/cluster/configuration.hpp>
#include <dvs/cluster/detail/read_dcs.hpp>
#include <dvs/cluster/detail/read_nodes.hpp>
#include <dvs/cluster/identities.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace dvs::cluster {

/// The configuration that `text` says, or all complaints about it. Any text may be given.
///
/// `file` is the name that complaints carry, and its folder is where a relative `key_file` begins; it is not opened,
/// and neither is the key file. `who` gives the numbers of users and groups that the text names.
[[nodiscard]] inline checked<configuration> parse(std::string_view text, const std::string& file,
                                                  const identities& who = system_identities()) {
  detail::findings out(file);
  if (text.size() > detail::file_bytes_max) {
    out.add({}, {}, {}, "the file has more than 1 MiB", "give the path of a cluster configuration");
    return std::move(out).take();
  }
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(file, ignored).parent_path();

  configuration made;
  const toml::table table = detail::table_of(text, out);
  detail::section root(table, {}, {}, out);
  detail::read_cluster(root, folder, made);
  const auto names = detail::read_nodes(root, made);
  detail::read_links(root, names, made);
  detail::read_dcs(root, names, who, made);
  root.finish();
  if (!out.empty()) return std::move(out).take();
  return made;
}

/// The configuration in the file at `path`, or all complaints about it. See `parse`.
[[nodiscard]] inline checked<configuration> load(const std::string& path, const identities& who = system_identities()) {
  const auto cannot_read = [&](std::string_view problem) {
    return complaint{.file = detail::printable(path),
                     .problem = "the file cannot be read (" + std::string(problem) + ")",
                     .remedy = "give the path of a cluster configuration"};
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return cannot_read(error.message());
  // A pipe or a device could keep us waiting, or go on for ever.
  if (!std::filesystem::is_regular_file(status)) return cannot_read("it is not a regular file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return cannot_read(std::strerror(errno));
  std::string text(detail::file_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return cannot_read(std::strerror(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse(text, path, who);
}

}  // namespace dvs::cluster

#endif
