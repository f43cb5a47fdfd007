// SPDX-License-Identifier: MIT
/// @file
/// Any bytes as frames: nothing is read outside them, and what decodes is encoded as the same bytes.
#include <dvs/dvk/wire.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dvk_frame frame;
  std::size_t used = 0;
  while (dvk_frame_decode(data, size, &frame, &used) == DVK_E_ok) {
    std::vector<std::uint8_t> again(dvk_frame_bytes(&frame));
    std::size_t written = 0;
    if (used > size || dvk_frame_encode(&frame, again.data(), again.size(), &written) != DVK_E_ok) std::abort();
    if (written != used || std::memcmp(again.data(), data, used) != 0) std::abort();
    data += used;
    size -= used;
  }
  return 0;
}
