// SPDX-License-Identifier: MIT
/// @file
/// Memory by grant: a server that reads and writes the memory of its clients, as far as they let it.
#include <algorithm>
#include <array>
#include <dvs/backends/userspace.hpp>
#include <dvs/ipc.hpp>
#include <iostream>
#include <vector>

namespace store {
inline constexpr dvs::endpoint_id where{1};
inline constexpr std::size_t block_bytes = 4096;

/// Copies `bytes` bytes of a block, from its begin, into the memory of the caller.
struct read {
  static constexpr std::uint32_t opcode = 1;
  std::uint32_t block;
  std::uint32_t bytes;
  dvs::grant_ref<dvs::writable> into;
  struct reply {};
};
/// Fills a block from the memory of the caller.
struct write {
  static constexpr std::uint32_t opcode = 2;
  std::uint32_t block;
  std::uint32_t bytes;
  dvs::grant_ref<dvs::readable> from;
  struct reply {};
};
using protocol = dvs::protocol<read, write>;

template <dvs::backend Backend>
class server {
 public:
  explicit server(dvs::endpoint<Backend>& self) : self_(self) {}

  auto on(const read& ask, dvs::caller) -> dvs::answer<read> {
    if (ask.block >= blocks_.size() || ask.bytes > block_bytes) return dvs::errc::range;
    const auto copied = self_.copy_into(ask.into, std::span(blocks_[ask.block]).first(ask.bytes));
    return copied ? dvs::answer<read>(read::reply{}) : copied.error();
  }
  auto on(const write& ask, dvs::caller) -> dvs::answer<write> {
    if (ask.block >= blocks_.size() || ask.bytes > block_bytes) return dvs::errc::range;
    const auto copied = self_.copy_from(ask.from, std::span(blocks_[ask.block]).first(ask.bytes));
    return copied ? dvs::answer<write>(write::reply{}) : copied.error();
  }

 private:
  dvs::endpoint<Backend>& self_;
  std::vector<std::array<std::byte, block_bytes>> blocks_{16};
};
}  // namespace store

int main() {
  dvs::userspace::node node;
  auto dc = node.create_dc("store");
  dc.spawn(store::where, [](auto& self) { dvs::serve<store::protocol>(self, store::server(self)).value(); }).value();

  dc.run([](auto& self) {
    const std::string text = "these bytes crossed by a grant";
    const auto size = static_cast<std::uint32_t>(text.size());
    {
      auto window = self.grant_read(store::where, text).value();  // revoked when it leaves scope
      self.sendrec(store::where, store::write{3, size, window.ref()}).value();
    }
    std::string back(text.size(), ' ');
    auto window = self.grant_write(store::where, back).value();
    self.sendrec(store::where, store::read{3, size, window.ref()}).value();
    std::cout << back << '\n';

    const auto too_much = self.sendrec(store::where, store::read{3, size + 1, window.ref()});
    std::cout << "one byte too many: " << name_of(too_much.error()) << '\n';
    const auto old = window.ref();
    window.revoke().value();
    const auto too_late = self.sendrec(store::where, store::read{3, size, old});
    std::cout << "after revoke: " << name_of(too_late.error()) << '\n';
  });
}
