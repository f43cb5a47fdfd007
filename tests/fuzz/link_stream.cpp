// SPDX-License-Identifier: MIT
/// @file
/// Links over streams, whatever the transport makes of the bytes: no crash, and a sealed link delivers what was sent.
#include <dvs/proxies/stream_session.hpp>

#include "link_script.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::fuzz;

namespace {

struct end {
  stream_session session;
  bytes arriving{};  ///< on its way to this end
  std::vector<bytes> sent{};
  std::size_t got = 0;
};

class run {
 public:
  explicit run(script& input, std::uint8_t choice)
      : input_(input),
        sealed_((choice & 1) == 0),
        ends_{end{stream_session(settings_of(3, choice), link_role::dialler, {1}, now_)},
              end{stream_session(settings_of(4, choice), link_role::listener, {2}, now_)}} {
    if ((choice & 4) == 0) return;
    for (int round = 0; round < 3; ++round)
      for (const std::size_t from : {0, 1}) {
        send(from);
        deliver(1 - from, ends_[1 - from].arriving.size());
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
        return deliver(side, input_.next() * std::size_t{256});
      case 3:
        return deliver(side, input_.next());
      case 4:
        at.arriving.erase(at.arriving.begin(), at.arriving.begin() + clip(side, input_.next()));
        break;
      case 5: {
        const byte_view strange = input_.take(input_.next());
        at.arriving.insert(at.arriving.begin(), strange.begin(), strange.end());
        break;
      }
      case 6:
        if (!at.arriving.empty()) at.arriving[input_.next() % at.arriving.size()] ^= input_.next();
        break;
      default:
        now_ += std::chrono::milliseconds{input_.next() * 10};
        at.session.tick(now_);
        demand(at.session.next_deadline() > now_ || at.session.queued_bytes() > 0);
    }
  }

 private:
  [[nodiscard]] std::ptrdiff_t clip(std::size_t side, std::size_t count) const {
    return static_cast<std::ptrdiff_t>(std::min(count, ends_[side].arriving.size()));
  }

  void send(std::size_t side) {
    end& at = ends_[side];
    const byte_view out = at.session.outgoing();
    bytes& there = ends_[1 - side].arriving;
    there.insert(there.end(), out.begin(), out.end());
    at.session.consumed(out.size(), now_);
  }

  void deliver(std::size_t side, std::size_t count) {
    end& at = ends_[side];
    const bytes exact(at.arriving.begin(), at.arriving.begin() + clip(side, count));
    const auto taken = at.session.receive(exact, now_);
    if (taken) at.arriving.erase(at.arriving.begin(), at.arriving.begin() + static_cast<std::ptrdiff_t>(*taken));
    for (byte_view frame = at.session.next_frame(); !frame.empty(); frame = at.session.next_frame()) {
      demand(is_frame_length(frame.size()) && get_number(frame.data(), 4) == frame.size());
      const std::vector<bytes>& sent = ends_[1 - side].sent;
      if (sealed_) demand(at.got < sent.size() && bytes(frame.begin(), frame.end()) == sent[at.got]);
      ++at.got;
    }
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
