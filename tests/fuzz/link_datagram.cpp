// SPDX-License-Identifier: MIT
/// @file
/// Links over datagrams, whatever the network makes of packets: no crash, rest in the end, and a sealed link delivers
/// what was sent.
#include <dvs/proxies/datagram_session.hpp>

#include "link_script.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::fuzz;

namespace {

struct end {
  datagram_session session;
  std::vector<bytes> arriving{};  ///< on their way to this end
  std::vector<bytes> sent{};
  std::size_t got = 0;
};

class run {
 public:
  run(script& input, std::uint8_t choice)
      : input_(input),
        sealed_((choice & 1) == 0),
        ends_{end{datagram_session(settings_of(3, choice), link_role::dialler, {1}, now_)},
              end{datagram_session(settings_of(4, choice), link_role::listener, {2}, now_)}} {
    if ((choice & 4) == 0) return;
    for (int round = 0; round < 3; ++round)
      for (const std::size_t from : {0, 1}) {
        send(from);
        while (!ends_[1 - from].arriving.empty()) deliver(1 - from, 0, true);
      }
    demand(ends_[0].session.is_established() && ends_[1].session.is_established());
  }

  void step() {
    const std::uint8_t op = input_.next();
    const std::size_t side = op >> 7;
    end& at = ends_[side];
    switch (op % 8) {
      case 0: {
        const bytes frame = numbered_frame(input_.next() * std::size_t{200}, at.sent.size());
        if (at.session.send_frame(frame) == errc::ok) at.sent.push_back(frame);
        break;
      }
      case 1:
        return send(side);
      case 2:
        while (!at.arriving.empty()) deliver(side, 0, true);
        break;
      case 3:
        return deliver(side, input_.next(), true);
      case 4:
        return deliver(side, input_.next(), false);
      case 5: {
        const byte_view strange = input_.take(input_.next());
        at.arriving.emplace_back(strange.begin(), strange.end());
        break;
      }
      case 6:
        return alter(side);
      default:
        now_ += std::chrono::microseconds{100} * (input_.next() * input_.next());
        at.session.tick(now_);
        send(side);
        demand(at.session.next_deadline() > now_);
    }
  }

 private:
  /// All that may be sent now: a plain peer may have been told nonsense, but nobody sends without end.
  void send(std::size_t side) {
    end& at = ends_[side];
    bytes packet(1400);
    for (int packets = 0;; ++packets) {
      const std::size_t count = at.session.outgoing(packet, now_);
      if (count == 0) break;
      demand(count <= packet.size() && packets < 10'000);
      ends_[1 - side].arriving.emplace_back(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

  /// Once, or so that it may come again.
  void deliver(std::size_t side, std::size_t which, bool once) {
    end& at = ends_[side];
    if (at.arriving.empty()) return;
    const auto place = at.arriving.begin() + static_cast<std::ptrdiff_t>(which % at.arriving.size());
    const bytes exact = *place;
    if (once) at.arriving.erase(place);
    static_cast<void>(at.session.receive(exact, now_));
    for (byte_view frame = at.session.next_frame(); !frame.empty(); frame = at.session.next_frame()) {
      demand(is_frame_length(frame.size()) && get_number(frame.data(), 4) == frame.size());
      const std::vector<bytes>& sent = ends_[1 - side].sent;
      if (sealed_) demand(at.got < sent.size() && bytes(frame.begin(), frame.end()) == sent[at.got]);
      ++at.got;
    }
  }

  /// A byte of a packet, or its length, or the packet is lost.
  void alter(std::size_t side) {
    end& at = ends_[side];
    if (at.arriving.empty()) return;
    const auto place = at.arriving.begin() + static_cast<std::ptrdiff_t>(input_.next() % at.arriving.size());
    const std::uint8_t where = input_.next();
    const std::uint8_t change = input_.next();
    if (where == 255 || place->empty())
      at.arriving.erase(place);
    else if (where == 254)
      place->resize(change);
    else
      (*place)[where % place->size()] ^= change;
  }

  script& input_;
  bool sealed_;
  duration now_{};
  end ends_[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  script input(data, size);
  run both(input, input.next());
  for (int steps = 0; !input.is_over() && steps < 500; ++steps) both.step();
  return 0;
}
