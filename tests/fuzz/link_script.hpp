// SPDX-License-Identifier: MIT
/// @file
/// What the fuzz targets of links share: the input read as a script, and the configurations that it chooses from.
#ifndef DVS_TESTS_FUZZ_LINK_SCRIPT_HPP
#define DVS_TESTS_FUZZ_LINK_SCRIPT_HPP

#include <cstdlib>
#include <dvs/proxies/introduction.hpp>
#include <vector>

namespace dvs::proxies::fuzz {

using bytes = std::vector<std::uint8_t>;

/// The input, byte by byte; zeros when it is used up.
class script {
 public:
  script(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  [[nodiscard]] bool is_over() const { return rest_.empty(); }
  std::uint8_t next() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  byte_view take(std::size_t count) {
    const byte_view taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  byte_view rest_;
};

/// Bits 0 and 1 of `choice`: without a key, and with LZ4.
inline link_settings settings_of(std::uint16_t node, std::uint8_t choice) {
  link_settings settings;
  settings.node = node_id{node};
  settings.incarnation = node;
  settings.batch_bytes = batch_bytes_min;
  settings.window_bytes = window_bytes_min;
  if ((choice & 1) == 0) settings.key = cluster_key{1, 2, 3};
  settings.lz4 = (choice & 2) != 0;
  return settings;
}

/// A frame whose bytes follow from its number.
inline bytes numbered_frame(std::size_t extra, std::size_t serial) {
  bytes frame(DVK_FRAME_HEADER_BYTES + extra, static_cast<std::uint8_t>(serial));
  put_number(frame.data(), frame.size(), 4);
  put_number(frame.data() + 4, serial, 4);
  return frame;
}

inline void demand(bool law) {
  if (!law) std::abort();
}

}  // namespace dvs::proxies::fuzz

#endif
