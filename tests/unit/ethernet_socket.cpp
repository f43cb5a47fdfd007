// SPDX-License-Identifier: MIT
/// @file
/// The Ethernet transport: what is for it arrives as it was, short or long; anything else on the cable does not.
#include <poll.h>

#include <catch2/catch.hpp>
#include <dvs/proxies/ethernet_socket.hpp>
#include <random>
#include <tests/cluster/own_network.hpp>
#include <vector>

namespace {

using namespace dvs;
using proxies::ethernet_address;
using proxies::ethernet_socket;
using bytes = std::vector<std::uint8_t>;

constexpr int mtu = 9000;
const bool has_cable = [] {
  own_network().add_cable("dvs0", "dvs1", mtu);
  return true;
}();

void send(ethernet_socket& from, const ethernet_address& to, const bytes& packet) {
  REQUIRE(from.has_room());
  std::copy(packet.begin(), packet.end(), from.room().begin());
  from.send(to, packet.size());
  from.flush();
}

/// Takes what has come.
void take(ethernet_socket& at, std::vector<bytes>& into) {
  while (at.receive(
      [&](const ethernet_address&, proxies::byte_view packet) { into.emplace_back(packet.begin(), packet.end()); }))
    continue;
}

void wait_for_packet(ethernet_socket& at) {
  pollfd look{at.descriptor(), POLLIN, 0};
  REQUIRE(::poll(&look, 1, 10'000) == 1);
}

errc opening_fails_with(const proxies::ethernet_place& where, std::size_t packet_bytes) {
  try {
    const ethernet_socket made(where, packet_bytes);
  } catch (const error& refused) {
    return static_cast<errc>(refused.code().value());
  }
  return errc::ok;
}

}  // namespace

TEST_CASE("packets of every size arrive as they were, from the address of their sender") {
  ethernet_socket one({"dvs0", {}}, mtu - 2), other({"dvs1", {}}, mtu - 2);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{43}, std::size_t{44}, std::size_t{1500}, std::size_t{mtu - 2}}) {
    const bytes packet(size, 7);
    send(one, other.own_address(), packet);
    wait_for_packet(other);
    int came = 0;
    other.receive([&](const ethernet_address& from, proxies::byte_view got) {
      ++came;
      CHECK(from == one.own_address());
      CHECK(bytes(got.begin(), got.end()) == packet);
    });
    CHECK(came == 1);
  }
}

TEST_CASE("frames that are not for us, or lie about their length, are not heard") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  ethernet_socket one({"dvs0", {}}, mtu - 2), other({"dvs1", {}}, mtu - 2);
  const int raw = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_ifindex = static_cast<int>(::if_nametoindex("dvs0"));
  const auto put = [&](bytes frame, bool to_us, std::size_t told) {
    if (to_us) std::copy(other.own_address().bytes.begin(), other.own_address().bytes.end(), frame.begin());
    frame[12] = 0x88;
    frame[13] = 0xB5;
    if (frame.size() >= 16) proxies::put_number(frame.data() + 14, told, 2);
    REQUIRE(::sendto(raw, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&where), sizeof where) > 0);
  };
  std::vector<bytes> heard;
  for (int i = 0; i < 2000; ++i) {
    bytes frame(14 + chance() % 200);
    for (auto& byte : frame) byte = static_cast<std::uint8_t>(chance());
    put(frame, chance() % 2 == 0, frame.size() - 13 + chance() % 60'000);  // more than there is
    put(frame, false, 0);
    take(other, heard);
  }
  const bytes last{1, 2, 3};
  send(one, other.own_address(), last);
  while (heard.empty()) {
    wait_for_packet(other);
    take(other, heard);
  }
  CHECK(heard == std::vector<bytes>{last});
  ::close(raw);
}

TEST_CASE("an interface that cannot be used is refused, with the reason") {
  CHECK(opening_fails_with({"", {}}, 1000) == errc::bad_argument);
  CHECK(opening_fails_with({"none", {}}, 1000) == errc::no_device);
  CHECK(opening_fails_with({"dvs0", {}}, mtu - 1) == errc::bad_value);
  CHECK(opening_fails_with({"dvs0", {}}, mtu - 2) == errc::ok);
}

TEST_CASE("addresses are read as they are written, and nothing else is one") {
  CHECK(ethernet_address::from("52:54:00:12:34:5f")->text() == "52:54:00:12:34:5f");
  CHECK(ethernet_address::from("52:54:00:12:34:5F")->text() == "52:54:00:12:34:5f");
  for (const char* const text : {"", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:5g", "52-54-00-12-34-5f",
                                 "52:54:00:12:34:5f:", " 2:54:00:12:34:5f", "+2:54:00:12:34:5f"})
    CHECK_FALSE(ethernet_address::from(text));
}
