// SPDX-License-Identifier: MIT
/// @file
/// Any bytes as an estate: nothing is read outside them, what decodes is encoded as the same bytes, and a table takes
/// it or refuses it as a whole.
#include <dvs/dvk/dvk.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

void demand(bool is_so) {
  if (!is_so) std::abort();
}

/// The table of another node, to which the process of the estate belongs so far.
void arrive(const dvk_estate& estate) {
  const dvk_limits limits = dvk_default_limits();
  std::vector<std::uint64_t> memory(dvk_table_bytes(&limits) / 8 + 1);
  auto* table = reinterpret_cast<dvk_table*>(memory.data());
  demand(dvk_table_init(table, memory.size() * 8, &limits) == DVK_E_ok);
  const bool known = dvk_bind_remote(table, estate.endpoint, "", 1) == DVK_E_ok;
  const int result = dvk_migrate_adopt(table, &estate, 5);
  demand(known || result != DVK_E_ok);
  if (result != DVK_E_ok) return demand(dvk_endpoint_of_owner(table, 5) == DVK_NONE);
  dvk_message got{};
  for (std::uint32_t i = 0; i < estate.notes; ++i) {
    const dvk_privileges all{dvk_all_calls(), 0, DVK_NONE};
    demand(dvk_set_privileges(table, estate.endpoint, &all) == DVK_E_ok);
    demand(dvk_receive(table, estate.endpoint, DVK_ANY, DVK_NOWAIT) == DVK_E_ok);
    got = *dvk_message_of(table, estate.endpoint);
    demand(got.source == estate.pending[i].source);
    demand(dvk_notification_of(&got).value == estate.pending[i].notification.value);
  }
  demand(dvk_unbind(table, estate.endpoint) == DVK_E_ok);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto estate = std::make_unique<dvk_estate>();
  if (dvk_estate_decode(data, size, estate.get()) != DVK_E_ok) return 0;
  std::vector<std::uint8_t> again(size);
  std::size_t written = 0;
  demand(dvk_estate_encode(estate.get(), again.data(), again.size(), &written) == DVK_E_ok);
  demand(written == size && std::memcmp(again.data(), data, size) == 0);
  arrive(*estate);
  return 0;
}
