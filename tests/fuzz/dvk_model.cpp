// SPDX-License-Identifier: MIT
/// @file
/// The DVK rules against the simple model, with operations chosen by the bytes of the fuzzer.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/dvk_duel.hpp"

namespace {

/// Numbers below n from the input, two bytes each where one does not suffice; 0 once it is used up.
struct byte_choices {
  const std::uint8_t* next;
  const std::uint8_t* end;

  std::uint32_t operator()(std::uint32_t n) {
    std::uint32_t number = 0;
    for (std::uint32_t range = n; range > 1 && next != end; range = (range + 255) / 256) {
      number = number << 8 | *next++;
    }
    return number % n;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_choices choices{data, data + size};
  const auto profile = dvk_model::some_profile(choices);
  dvk_model::duel duel(choices, profile);
  while (choices.next != choices.end) {
    if (duel.step()) continue;
    std::fprintf(stderr, "%s\n", duel.trouble().c_str());
    std::abort();
  }
  return 0;
}
