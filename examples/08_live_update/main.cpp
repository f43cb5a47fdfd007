// SPDX-License-Identifier: MIT
/// @file
/// A server is replaced by its next version while clients use it; they notice nothing but time.
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <dvs/migrate.hpp>
#include <iostream>

namespace tickets {  // protocol: data only
inline constexpr dvs::endpoint_id where{1};

/// The next free number.
struct draw {
  static constexpr std::uint32_t opcode = 1;
  struct reply {
    std::uint64_t number, drawn_by_version;
  };
};
using protocol = dvs::protocol<draw>;

/// What one version hands on to the next.
struct state {
  std::uint64_t last = 0;
};

template <std::uint64_t Version>
class server {
 public:
  explicit server(state& memory) : memory_(memory) {}
  auto on(const draw&, dvs::caller) -> dvs::answer<draw> { return draw::reply{++memory_.last, Version}; }

 private:
  state& memory_;
};
}  // namespace tickets

int main() {
  tickets::state of_first, of_second;
  int clients = 3;
  dvs::userspace::node node;
  auto dc = node.create_dc("office");

  dc.spawn(tickets::where, [&](auto& self) {
      tickets::server<1> first(of_first);
      dvs::serve<tickets::protocol>(self, first).value();
      std::cout << "version 1 leaves\n";
    }).value();
  dc.spawn([&](auto&) {
      const auto self = dvs::take_over(dc, tickets::where).value();  // waits until it is to go on here
      tickets::server<2> second(of_second);
      static_cast<void>(dvs::serve<tickets::protocol>(*self, second));
    }).value();
  for (int c = 0; c < 3; ++c)
    dc.spawn([&](auto& self) {
        for (int i = 0; i < 1000; ++i) static_cast<void>(self.sendrec(tickets::where, tickets::draw{}).value());
        --clients;
      }).value();

  dc.run([&](auto& self) {
    while (of_first.last < 500) self.sleep_for(std::chrono::microseconds(10)).value();
    auto moving = dvs::migrate(dc, tickets::where).value();  // version 1 rests: nothing changes its memory any more
    of_second = of_first;
    moving.commit(node.id()).value();
    while (clients > 0) self.sleep_for(std::chrono::microseconds(10)).value();
    const auto last = self.sendrec(tickets::where, tickets::draw{}).value();
    std::cout << "number " << last.number << " comes from version " << last.drawn_by_version << '\n';
  });
}
