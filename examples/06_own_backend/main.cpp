// SPDX-License-Identifier: MIT
/// @file
/// What a backend does: the same conversation by hand, on the rules alone, and then by the API on a small backend.
#include <dvs/dvk/dvk.h>

#include <dvs/backends/loopback.hpp>
#include <dvs/ipc.hpp>
#include <iostream>
#include <vector>

namespace {

/// The rules decide; whoever calls them carries out. Here nobody really waits: we play both processes ourselves.
void by_hand() {
  const dvk_limits limits = dvk_default_limits();
  std::vector<std::uint64_t> memory(dvk_table_bytes(&limits) / 8 + 1);
  dvk_table_init(memory.data(), memory.size() * 8, &limits);
  auto* table = reinterpret_cast<dvk_table*>(memory.data());

  dvk_endpoint client = 0, server = 0;
  dvk_bind(table, 2, "client", 0, &client);
  dvk_bind(table, 1, "server", 0, &server);

  dvk_message ask{.source = 0, .type = 1, .payload = {41}};
  if (dvk_sendrec(table, client, server, &ask, 0) == DVK_BLOCKED) std::cout << "the client has to wait\n";
  if (dvk_receive(table, server, DVK_ANY, 0) == 0) std::cout << "the server has the request\n";

  dvk_message answer = *dvk_message_of(table, server);
  const dvk_endpoint caller = answer.source;
  const std::uint32_t exchange = dvk_exchange_of(table, server);
  answer.type = 0;
  ++answer.payload[0];
  dvk_reply(table, server, caller, exchange, &answer);

  dvk_completion done;  // a backend resumes this process: it switches to the fiber, or wakes the thread
  while (dvk_next_completion(table, &done))
    std::cout << "the wait of endpoint " << done.endpoint << " is over with result " << done.result << ": "
              << int{dvk_message_of(table, done.endpoint)->payload[0]} << '\n';
}

struct increment {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t n;
  struct reply {
    std::uint64_t n;
  };
};
constexpr dvs::endpoint_id server_endpoint{1};

/// Knows no backend: this is what your users write.
template <dvs::backend Backend>
void by_the_api(dvs::node<Backend>& node) {
  using namespace std::chrono_literals;
  auto dc = node.create_dc("demo");
  dc.spawn(server_endpoint, [](auto& self) {
      dvs::serve<dvs::protocol<increment>>(self, [&](const increment& ask, dvs::caller) {
        static_cast<void>(self.sleep_for(1h));  // hard work
        return increment::reply{ask.n + 1};
      }).value();
    }).value();
  dc.run([](auto& self) {
    std::cout << self.sendrec(server_endpoint, increment{41}).value().n << " after "
              << std::chrono::duration_cast<std::chrono::hours>(self.now()).count() << " h\n";
    std::cout << "impatient: " << name_of(self.sendrec(server_endpoint, increment{1}, 1min).error()) << '\n';
  });
}

}  // namespace

int main() {
  by_hand();
  dvs::loopback::node node;
  by_the_api(node);
}
