// SPDX-License-Identifier: MIT
/// @file
/// The configuration of MUK and of its servers, as values.
#ifndef MUK_CONFIG_CONFIG_HPP
#define MUK_CONFIG_CONFIG_HPP

#include <cstdint>
#include <dvs/ids.hpp>
#include <optional>
#include <string>
#include <vector>

namespace muk::config {

/// A device of RDISK: `device NAME { image_type FILE_IMAGE; image_file "disk.img"; volatile NO; buffer 4096; };`
struct disk {
  std::string name;
  bool in_memory;          ///< `MEMORY_IMAGE`: the file, if any, is only where the first content comes from
  std::string image_file;  ///< empty: a device of zeros in memory
  std::uint64_t bytes;     ///< `size` of a device of zeros
  bool is_volatile;        ///< writes do not go to the file
  std::uint32_t buffer_bytes;
};

/// The root file system: `device NAME { major 3; minor 0; type RDISK_IMG; root_dev YES; buffer_size 4096; };`
struct file_system {
  std::string name;
  std::uint32_t minor;         ///< the device of RDISK
  std::uint32_t buffer_bytes;  ///< accepted as in MoL; FS asks in blocks of the image
};

/// A web server: `websrv NAME { port 8080; endpoint 22; rootdir "/"; };`
struct web_server {
  std::string name;
  std::uint16_t port;
  std::string root;
};

/// What a MUK consists of: `muk NAME { dcid 0; pm_ep 0; … };`. A server without an endpoint is not started.
struct unikernel {
  std::string name;
  std::uint16_t dc;
  std::optional<dvs::endpoint_id> pm, fs, is, rdisk, web, ftp;
  bool rdisk_is_external = false;     ///< somebody else starts RDISK
  std::vector<disk> disks;            ///< when there is RDISK
  std::optional<file_system> root;    ///< when there is FS
  std::optional<web_server> website;  ///< when there is NWEB
};

}  // namespace muk::config

#endif
