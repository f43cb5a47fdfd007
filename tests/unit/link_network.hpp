// SPDX-License-Identifier: MIT
/// @file
/// Two datagram sessions, virtual time, and a network between them that does what it is told to.
#ifndef DVS_TESTS_LINK_NETWORK_HPP
#define DVS_TESTS_LINK_NETWORK_HPP

#include <dvs/proxies/datagram_session.hpp>
#include <functional>
#include <map>

#include "link_support.hpp"

namespace dvs::proxies::test {

/// What happens to packets, in percent, and how long they take.
struct network_quality {
  unsigned lost = 0;
  unsigned repeated = 0;
  unsigned altered = 0;
  duration delay = 100us;
  duration jitter{};  ///< up to so much later, each packet for itself
};

/// The sessions are numbered: 0 dials, 1 listens.
struct datagram_pair {
  datagram_session ends[2];
  network_quality quality{};
  std::mt19937_64 chance{1};
  duration now{};
  std::vector<bytes> got[2]{};
  bool takes_frames[2] = {true, true};
  /// Says what to do with a packet on its way to an end: false to lose it.
  std::function<bool(int to, bytes& packet)> passes = [](int, bytes&) { return true; };
  std::multimap<duration, std::pair<int, bytes>> under_way{};

  explicit datagram_pair(const link_settings& dials = dialling(), const link_settings& listens = listening())
      : ends{datagram_session(dials, link_role::dialler, dialler_seed, {}),
             datagram_session(listens, link_role::listener, listener_seed, {})} {}

  void throw_in(int to, const bytes& packet) {
    const std::uint64_t jitter = quality.jitter > duration{} ? chance() % quality.jitter.count() : 0;
    under_way.emplace(now + quality.delay + duration(jitter), std::pair(to, packet));
  }

  /// The next packet of one end, at this time.
  bytes next_packet(int from) {
    bytes packet(9000);
    packet.resize(ends[from].outgoing(packet, now));
    return packet;
  }

  void send(int from) {
    for (bytes packet = next_packet(from); !packet.empty(); packet = next_packet(from)) {
      const auto happens = [&](unsigned percent) { return chance() % 100 < percent; };
      if (!passes(1 - from, packet) || happens(quality.lost)) continue;
      if (happens(quality.repeated)) throw_in(1 - from, packet);
      if (happens(quality.altered)) packet[chance() % packet.size()] ^= static_cast<std::uint8_t>(1 + chance() % 255);
      throw_in(1 - from, packet);
    }
  }

  void receive(int to, const bytes& packet) {
    const bytes exact(packet);  // so that a sanitizer sees a read behind the end
    static_cast<void>(ends[to].receive(exact, now));
    take(to);
  }

  void take(int at) {
    if (!takes_frames[at]) return;
    for (byte_view frame = ends[at].next_frame(); !frame.empty(); frame = ends[at].next_frame())
      got[at].push_back(bytes_of(frame));
  }

  /// Everything that happens now, then on to the next time at which something does, but not beyond `end`.
  void step(duration end) {
    while (!under_way.empty() && under_way.begin()->first <= now) {
      const auto [to, packet] = under_way.begin()->second;
      under_way.erase(under_way.begin());
      receive(to, packet);
    }
    duration next = end;
    for (const int at : {0, 1}) {
      ends[at].tick(now);
      send(at);
      REQUIRE(ends[at].next_deadline() > now);  // or it would never come to rest
      next = std::min(next, ends[at].next_deadline());
    }
    if (!under_way.empty()) next = std::min(next, under_way.begin()->first);
    now = std::max(now, next);
  }

  void run_until(duration end) {
    while (now < end) step(end);
  }
  /// False if it did not become true in time.
  template <class Condition>
  bool run_until(duration end, Condition condition) {
    while (now < end && !condition()) step(end);
    return condition();
  }

  [[nodiscard]] bool is_established() const { return ends[0].is_established() && ends[1].is_established(); }
  void establish() {
    REQUIRE(run_until(now + 5s, [&] { return is_established(); }));
  }
};

}  // namespace dvs::proxies::test

#endif
