// SPDX-License-Identifier: MIT
/// @file
/// A cluster as plain values: its nodes, how they are linked, its DCs, and who may use them.
///
/// `docs/cluster.md` describes the file that says this, key by key. A configuration from `parse` or `load` keeps every
/// rule that is written there; one that a program makes itself should keep them too.
#ifndef DVS_CLUSTER_CONFIGURATION_HPP
#define DVS_CLUSTER_CONFIGURATION_HPP

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <dvs/backend.hpp>
#include <dvs/ids.hpp>
#include <dvs/time.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dvs::cluster {

/// The port on which the links of a node listen unless it says another.
inline constexpr std::uint16_t default_port = 7300;

/// What carries the frames between two nodes.
enum class transport : std::uint8_t { tcp, udp, udt, ethernet, tipc };

/// All transports with their names in the file.
inline constexpr std::array<std::pair<std::string_view, transport>, 5> transports{{{"tcp", transport::tcp},
                                                                                   {"udp", transport::udp},
                                                                                   {"udt", transport::udt},
                                                                                   {"ethernet", transport::ethernet},
                                                                                   {"tipc", transport::tipc}}};

/// The name of `proxy` in the file.
[[nodiscard]] constexpr std::string_view name_of(transport proxy) {
  for (const auto& [name, value] : transports)
    if (value == proxy) return name;
  return "unknown";
}

/// A machine's part of the cluster, `[node.NAME]`.
struct node {
  std::string name;
  node_id id{};
  std::string address;  ///< a host name or an IP address, which the other nodes dial
  std::uint16_t port = default_port;
  std::string run;  ///< the folder of the daemon's socket
  friend bool operator==(const node&, const node&) = default;
};

/// How the frames of a link travel.
struct link_options {
  transport proxy = transport::tcp;
  bool compress = false;            ///< frames are compressed when that makes them shorter
  std::uint32_t batch = 64 * 1024;  ///< so many bytes of frames are put together into one record; see docs/cluster.md
  friend bool operator==(const link_options&, const link_options&) = default;
};

/// What is said of the link between two nodes.
struct link {
  std::array<node_id, 2> between{};  ///< the lower id first: that node dials
  link_options how;
  std::array<std::string, 2> interfaces;  ///< of the two nodes, for `transport::ethernet`; otherwise empty
  std::array<std::string, 2> hardware;    ///< their addresses, such as "52:54:00:12:34:56"; likewise
  friend bool operator==(const link&, const link&) = default;
};

/// A distributed container, `[dc.NAME]`.
struct dc {
  std::string name;
  dc_id id{};
  std::vector<node_id> nodes;  ///< in order of id, each once
  std::vector<uid_t> users;    ///< who may bind processes in it, besides root; in order, each once
  std::vector<gid_t> groups;   ///< whose members may, likewise
  bool strict = false;         ///< only the broker moves bytes between processes
  dc_options sizes;
  friend bool operator==(const dc&, const dc&) = default;
};

/// A cluster.
struct configuration {
  std::string name;
  std::optional<std::string> key_file;  ///< an absolute path; nothing: the links are neither secret nor authentic
  duration heartbeat = std::chrono::milliseconds(100);   ///< how often an idle link speaks
  duration dead_after = std::chrono::milliseconds(500);  ///< the silence after which it counts as lost
  link_options links;                                    ///< of every pair of nodes that `exceptions` does not name
  std::vector<node> nodes;                               ///< in order of id
  std::vector<link> exceptions;                          ///< in order of `between`
  std::vector<dc> dcs;                                   ///< in order of id
  friend bool operator==(const configuration&, const configuration&) = default;
};

}  // namespace dvs::cluster

#endif
