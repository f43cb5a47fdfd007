// SPDX-License-Identifier: MIT
/// @file
/// Links allocate nothing for a frame once their buffers have their size.
#include <cstdlib>
#include <dvs/proxies/datagram_session.hpp>
#include <new>

#include "link_support.hpp"

using namespace dvs;
using namespace dvs::proxies;
using namespace dvs::proxies::test;

namespace {

std::size_t allocations = 0;

struct variant {
  bool sealed;
  bool lz4;
};
constexpr variant variants[] = {{true, false}, {true, true}, {false, false}, {false, true}};

link_settings with(link_settings settings, variant v) {
  if (!v.sealed) settings.key.reset();
  settings.lz4 = v.lz4;
  return settings;
}

const bytes frames[] = {small_frame(), frame_of(DVK_FRAME_BYTES_MAX, 1), dull_frame_of(4000)};

/// Queues a number of frames that depends on the round, as far as the link takes them.
void queue_frames(link_session& link, int round) {
  for (int burst = 0; burst < round % 9; ++burst)
    for (const bytes& frame : frames)
      if (link.send_frame(frame) != errc::ok) return;
}

void drop_frames(link_session& link) {
  while (!link.next_frame().empty()) {
  }
}

}  // namespace

// Every allocation of this program is counted; a sanitizer wants all forms replaced, or none. When g++ sees through
// them it complains of their pairing.
[[gnu::noinline]] static void give_back(void* place) { std::free(place); }
void* operator new(std::size_t count, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(count);
}
void* operator new(std::size_t count) {
  if (void* const place = operator new(count, std::nothrow)) return place;
  throw std::bad_alloc();
}
void* operator new[](std::size_t count) { return operator new(count); }
void operator delete(void* place) noexcept { give_back(place); }
void operator delete(void* place, std::size_t) noexcept { give_back(place); }
void operator delete[](void* place) noexcept { give_back(place); }
void operator delete[](void* place, std::size_t) noexcept { give_back(place); }

TEST_CASE("a link over a stream allocates nothing for a frame once its buffers have their size") {
  for (const variant v : variants) {
    stream_session dialler(with(dialling(), v), link_role::dialler, dialler_seed, {});
    stream_session listener(with(listening(), v), link_role::listener, listener_seed, {});
    std::size_t before = 0;
    for (int round = 0; round < 300; ++round) {
      if (round == 100) before = allocations;
      queue_frames(dialler, round);
      for (stream_session* from : {&dialler, &listener}) {
        stream_session& to = from == &dialler ? listener : dialler;
        for (byte_view out = from->outgoing(); !out.empty(); out = from->outgoing()) {
          const auto taken = to.receive(out, {});
          from->consumed(taken.value_or(out.size()), {});
          drop_frames(to);
        }
      }
    }
    CHECK(allocations == before);
    CHECK(dialler.is_established());
    CHECK(listener.is_established());
  }
}

TEST_CASE("a link over datagrams allocates nothing for a frame once its buffers have their size") {
  for (const variant v : variants) {
    datagram_session ends[] = {datagram_session(with(dialling(), v), link_role::dialler, dialler_seed, {}),
                               datagram_session(with(listening(), v), link_role::listener, listener_seed, {})};
    std::size_t before = 0;
    std::size_t packets = 0;
    std::array<std::uint8_t, 1400> packet;
    duration now{};
    for (int round = 0; round < 2000; ++round, now += 100us) {
      if (round == 1000) before = allocations;
      queue_frames(ends[0], round);
      for (const int from : {0, 1}) {
        ends[from].tick(now);
        for (std::size_t count = ends[from].outgoing(packet, now); count > 0;
             count = ends[from].outgoing(packet, now)) {
          if (++packets % 200 == 50) continue;  // lost
          ends[1 - from].receive(byte_view(packet).first(count), now);
          drop_frames(ends[1 - from]);
        }
      }
    }
    CHECK(allocations == before);
    CHECK(packets > 10'000);
    CHECK(ends[0].counters().lost > 10);
    CHECK(ends[0].is_established());
  }
}
