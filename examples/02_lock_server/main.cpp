// SPDX-License-Identifier: MIT
/// @file
/// A server as a class: one overload per request, and replies when they are ready.
#include <deque>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <iostream>
#include <map>
#include <vector>

namespace lock {  // protocol: data only
inline constexpr dvs::endpoint_id where{1};

/// Waits until nobody else has the lock.
struct acquire {
  static constexpr std::uint32_t opcode = 1;
  std::uint64_t name;
  struct reply {};
};
/// Fails with `bad_argument` if nobody has the lock.
struct release {
  static constexpr std::uint32_t opcode = 2;
  std::uint64_t name;
  struct reply {};
};
using protocol = dvs::protocol<acquire, release>;

template <dvs::backend Backend>
class server {
 public:
  explicit server(dvs::endpoint<Backend>& self) : self_(self) {}

  auto on(const acquire& ask, dvs::caller from) -> dvs::answer<acquire> {
    auto& line = waiting_[ask.name];
    line.push_back(from);
    if (line.size() > 1) return dvs::later;  // the caller stays blocked; nobody else waits for it
    return acquire::reply{};
  }
  auto on(const release& ask, dvs::caller) -> dvs::answer<release> {
    auto& line = waiting_[ask.name];
    if (line.empty()) return dvs::errc::bad_argument;
    line.pop_front();
    grant_first(line);
    return release::reply{};
  }
  /// A process died: what it held or waited for goes to the next.
  void on_death(dvs::endpoint_id who) {
    for (auto& [name, line] : waiting_) {
      const bool held = !line.empty() && line.front() == who;
      std::erase_if(line, [&](dvs::caller waiting) { return waiting == who; });
      if (held) grant_first(line);
    }
  }

 private:
  void grant_first(const std::deque<dvs::caller>& line) {
    // Should it have given up meanwhile: its death or its release will come.
    if (!line.empty()) static_cast<void>(self_.reply(line.front(), acquire::reply{}));
  }

  dvs::endpoint<Backend>& self_;
  std::map<std::uint64_t, std::deque<dvs::caller>> waiting_;
};
}  // namespace lock

void use_lock(auto& self, int i) {
  self.sendrec(lock::where, lock::acquire{7}).value();
  std::cout << "client " << i << " has the lock\n";
  self.sleep_for(std::chrono::milliseconds(1)).value();  // the others run, and wait
  if (i == 2) return;                                    // dies with the lock in its hands
  std::cout << "client " << i << " lets it go\n";
  self.sendrec(lock::where, lock::release{7}).value();
}

int main() {
  dvs::userspace::node node;
  auto dc = node.create_dc("locks");
  dc.spawn(lock::where, [](auto& self) { dvs::serve<lock::protocol>(self, lock::server(self)).value(); }).value();

  dc.run([](auto& self) {
    std::vector<dvs::endpoint_id> clients;
    for (int i = 1; i <= 3; ++i) clients.push_back(self.spawn([i](auto& client) { use_lock(client, i); }).value());
    for (const auto client : clients) self.wait_unbind(client).value();

    const auto once_more = self.sendrec(lock::where, lock::release{7});
    std::cout << "nobody has the lock: " << name_of(once_more.error()) << '\n';
  });
}
