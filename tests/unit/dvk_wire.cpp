// SPDX-License-Identifier: MIT
/// @file
/// Frames: their bytes are those of docs/wire_format.md, every frame has one encoding, and no bytes do any harm.
#include <dvs/dvk/wire.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using bytes = std::vector<std::uint8_t>;

/// A frame from process `from` on node 3 to process `to` on node 0x104, or a completion on its way back, in DC 7.
dvk_frame frame_of(dvk_frame_kind kind, dvk_endpoint from, dvk_endpoint to, std::uint64_t exchange, int result = 0) {
  dvk_frame f{};
  f.kind = static_cast<std::uint8_t>(kind);
  f.dc = 7;
  const bool back = dvk_frame_completes(f.kind) != 0;
  f.from_node = back ? 0x104 : 3;
  f.to_node = back ? 3 : 0x104;
  f.from = from;
  f.to = to;
  f.result = result;
  f.exchange = exchange;
  return f;
}

dvk_frame with_message(dvk_frame f, std::int32_t type) {
  f.message.source = f.from;
  f.message.type = type;
  for (std::size_t i = 0; i < DVK_PAYLOAD_BYTES; ++i) f.message.payload[i] = static_cast<std::uint8_t>(i + 1);
  return f;
}

dvk_frame with_value(dvk_frame f, std::uint64_t value) {
  f.value = value;
  return f;
}

dvk_frame with_part(dvk_frame f, dvk_grant_id grant, std::uint32_t count, std::uint64_t offset) {
  f.part = {grant, count, offset};
  return f;
}

dvk_frame with_data(dvk_frame f, const char* data, std::size_t count) {
  f.data = reinterpret_cast<const std::uint8_t*>(data);
  f.data_bytes = static_cast<std::uint32_t>(count);
  return f;
}

dvk_frame with_other(dvk_frame f, dvk_endpoint other, std::uint16_t node) {
  f.other = other;
  f.other_node = node;
  return f;
}

dvk_frame with_destination(dvk_frame f, dvk_grant_id grant, std::uint64_t offset) {
  f.into = {grant, f.part.bytes, offset};
  return f;
}

bytes encoded(const dvk_frame& f) {
  bytes out(dvk_frame_bytes(&f));
  std::size_t used = 0;
  REQUIRE(dvk_frame_encode(&f, out.data(), out.size(), &used) == DVK_E_ok);
  REQUIRE(used == out.size());
  return out;
}

std::string in_hex(const bytes& b) {
  std::string text;
  for (const std::uint8_t byte : b) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

/// What the bytes decode to is encoded as the same bytes, if they decode at all. Returns the outcome.
int law_of_one_encoding(const bytes& b) {
  dvk_frame f;
  std::size_t used = 0;
  const bytes exact(b);  // so that a sanitizer sees a read behind the end
  const int outcome = dvk_frame_decode(exact.data(), exact.size(), &f, &used);
  if (outcome != DVK_E_ok) return outcome;
  REQUIRE(used <= b.size());
  REQUIRE(encoded(f) == bytes(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(used)));
  return outcome;
}

const std::string payload =
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738";

constexpr dvk_endpoint user = 0x100041;

struct golden {
  dvk_frame frame;
  std::string hex;
};

std::vector<golden> golden_frames() {
  return {
      {with_message(frame_of(DVK_FRAME_send, 5, -2, 0x1122334455667788), 0x234),
       "5c000000010107000300040105000000feffffff00000000887766554433221134020000" + payload},
      {with_message(frame_of(DVK_FRAME_request, user, 1, 2), 0x234),
       "5c0000000102070003000401410010000100000000000000020000000000000034020000" + payload},
      {with_value(frame_of(DVK_FRAME_notify, 1, 2, 3), 0x8000000000000001),
       "28000000010307000300040101000000020000000000000003000000000000000100000000000080"},
      {with_value(frame_of(DVK_FRAME_cancel, user, 1, 4), 2),
       "28000000010407000300040141001000010000000000000004000000000000000200000000000000"},
      {with_part(frame_of(DVK_FRAME_copy_out, 1, user, 5), 0x100002, 65536, 0x123456789A),
       "300000000105070003000401010000004100100000000000050000000000000002001000000001009a78563412000000"},
      {with_data(with_part(frame_of(DVK_FRAME_copy_in, 1, user, 6), 0x100002, 3, 9), "abc", 3),
       "330000000106070003000401010000004100100000000000060000000000000002001000030000000900000000000000616263"},
      {with_other(with_destination(with_part(frame_of(DVK_FRAME_copy_across, 1, user, 7), 17, 1 << 20, 1), 18, 2),
                  0x200042, 9),
       "420000000107070003000401010000004100100000000000070000000000000011000000000010000100000000000000120000000200000"
       "000000000420020000900"},
      {with_value(frame_of(DVK_FRAME_watch, 1, user, 8), 1),
       "28000000010807000300040101000000410010000000000008000000000000000100000000000000"},
      {frame_of(DVK_FRAME_gone, user, 0, 0), "2000000001410700030004014100100000000000000000000000000000000000"},
      {frame_of(DVK_FRAME_send_done, -2, 5, 0x1122334455667788, DVK_E_destination_died),
       "200000000181070004010300feffffff050000006d0000008877665544332211"},
      {with_message(frame_of(DVK_FRAME_answer, 1, user, 2), -2),
       "5c00000001820700040103000100000041001000000000000200000000000000feffffff" + payload},
      {frame_of(DVK_FRAME_answer, 1, user, 2, DVK_E_source_died),
       "20000000018207000401030001000000410010006c0000000200000000000000"},
      {frame_of(DVK_FRAME_notify_done, 2, 1, 3), "2000000001830700040103000200000001000000000000000300000000000000"},
      {frame_of(DVK_FRAME_cancel_done, 1, user, 4, DVK_E_no_entry),
       "2000000001840700040103000100000041001000020000000400000000000000"},
      {with_data(frame_of(DVK_FRAME_copy_out_done, user, 1, 5), "\0\377\20", 3),
       "230000000185070004010300410010000100000000000000050000000000000000ff10"},
      {frame_of(DVK_FRAME_copy_out_done, user, 1, 5, DVK_E_fault),
       "20000000018507000401030041001000010000000e0000000500000000000000"},
      {frame_of(DVK_FRAME_copy_in_done, user, 1, 6),
       "2000000001860700040103004100100001000000000000000600000000000000"},
      {frame_of(DVK_FRAME_copy_across_done, user, 1, 7, DVK_E_range),
       "2000000001870700040103004100100001000000220000000700000000000000"},
      {frame_of(DVK_FRAME_watch_done, user, 1, 8, DVK_E_timed_out),
       "20000000018807000401030041001000010000003d0000000800000000000000"},
      {with_other(frame_of(DVK_FRAME_redirect, 1, user, 2), 6, 12),
       "2600000001c20700040103000100000041001000000000000200000000000000060000000c00"},
      {[] {
         dvk_frame f{};
         f.kind = DVK_FRAME_heartbeat;
         f.from_node = 3;
         f.to_node = 0x104;
         return f;
       }(),
       "2000000001400000030004010000000000000000000000000000000000000000"},
  };
}

dvk_frame random_frame(std::mt19937_64& chance, const std::string& data) {
  constexpr std::uint8_t kinds[] = {
#define NUMBER(name, number, what) number,
      DVK_FRAMES(NUMBER)
#undef NUMBER
  };
  constexpr int results[] = {
#define NUMBER(name, number, sentence) number,
      DVK_ERRORS(NUMBER)
#undef NUMBER
  };
  const auto any_number = [&]<class T>(T) { return static_cast<T>(chance() >> (chance() % 64)); };
  dvk_frame f{};
  f.kind = kinds[chance() % std::size(kinds)];
  f.from_node = any_number(f.from_node);
  f.to_node = any_number(f.to_node);
  if (f.kind == DVK_FRAME_heartbeat) return f;
  f.dc = any_number(f.dc);
  f.from = any_number(f.from);
  if (f.kind == DVK_FRAME_gone) return f;
  f.to = any_number(f.to);
  f.exchange = any_number(f.exchange) | 1;
  if (dvk_frame_completes(f.kind) && f.kind != DVK_FRAME_redirect && chance() % 2 == 0)
    f.result = results[chance() % std::size(results)];
  f = with_message(f, any_number(f.message.type) & ~DVK_NOTIFICATION);
  for (auto& byte : f.message.payload) byte = static_cast<std::uint8_t>(chance());
  f.value = f.kind == DVK_FRAME_watch ? chance() % 2 : any_number(f.value) | 1;
  const auto count = static_cast<std::uint32_t>(1 + chance() % DVK_FRAGMENT_BYTES);
  f = with_data(with_part(f, any_number(f.part.grant), count, any_number(f.part.offset)), data.data(), count);
  f = with_other(with_destination(f, any_number(f.into.grant), any_number(f.into.offset)), any_number(f.other),
                 any_number(f.other_node));
  return f;
}

}  // namespace

TEST_CASE("every kind of frame has the bytes that the wire format says") {
  for (const golden& each : golden_frames()) {
    CAPTURE(int{each.frame.kind});
    CHECK(in_hex(encoded(each.frame)) == each.hex);
  }
}

TEST_CASE("a frame that is not complete asks for more bytes, and is found when they have come") {
  for (const golden& each : golden_frames()) {
    const bytes whole = encoded(each.frame);
    for (std::size_t count = 0; count < whole.size(); ++count) {
      const bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count));
      REQUIRE(law_of_one_encoding(part) == DVK_E_would_block);
    }
    REQUIRE(law_of_one_encoding(whole) == DVK_E_ok);
  }
}

TEST_CASE("frames that follow each other in one piece are found one by one") {
  bytes all;
  for (const golden& each : golden_frames()) {
    const bytes one = encoded(each.frame);
    all.insert(all.end(), one.begin(), one.end());
  }
  std::size_t at = 0;
  for (const golden& each : golden_frames()) {
    dvk_frame f;
    std::size_t used = 0;
    REQUIRE(dvk_frame_decode(all.data() + at, all.size() - at, &f, &used) == DVK_E_ok);
    REQUIRE(in_hex(encoded(f)) == each.hex);
    at += used;
  }
  REQUIRE(at == all.size());
}

TEST_CASE("random frames come back as they went") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 chance(seed);
  std::string data(DVK_FRAGMENT_BYTES, '\0');
  for (char& c : data) c = static_cast<char>(chance());
  for (int i = 0; i < 20'000; ++i) {
    const dvk_frame f = random_frame(chance, data);
    const bytes b = encoded(f);
    REQUIRE(b.size() <= DVK_FRAME_BYTES_MAX);
    REQUIRE(law_of_one_encoding(b) == DVK_E_ok);
  }
}

TEST_CASE("a frame with one bit changed is another frame, or none") {
  for (const golden& each : golden_frames()) {
    const bytes whole = encoded(each.frame);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      bytes changed = whole;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      law_of_one_encoding(changed);
    }
  }
}

TEST_CASE("a length that no frame has is refused before its bytes have come") {
  for (const std::uint32_t length : {0U, 31U, 0x1'0031U, 0xFFFF'FFFFU}) {
    bytes four(4);
    std::memcpy(four.data(), &length, 4);
    CHECK(law_of_one_encoding(four) == DVK_E_range);
  }
}

TEST_CASE("a frame of another version is refused by name") {
  bytes b = encoded(golden_frames().front().frame);
  b[4] = DVK_WIRE_VERSION + 1;
  CHECK(law_of_one_encoding(b) == DVK_E_not_supported);
}

TEST_CASE("values that a kind of frame does not have are refused, at both ends") {
  const auto refused = [](dvk_frame f) {
    bytes out(DVK_FRAME_BYTES_MAX);
    std::size_t used = 0;
    return dvk_frame_encode(&f, out.data(), out.size(), &used);
  };
  dvk_frame unknown = frame_of(DVK_FRAME_watch_done, 1, 2, 3);
  unknown.kind = 0x89;
  CHECK(refused(unknown) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_watch_done, 1, 2, 0)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_watch_done, 1, 2, 3, 12345)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_gone, user, 0, 3)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_gone, user, 1, 0)) == DVK_E_bad_argument);
  CHECK(refused(with_message(frame_of(DVK_FRAME_send, 1, 2, 3), DVK_NOTIFICATION)) == DVK_E_bad_argument);
  CHECK(refused(with_message(frame_of(DVK_FRAME_send, 1, 2, 3, DVK_E_busy), 1)) == DVK_E_bad_argument);
  CHECK(refused(with_value(frame_of(DVK_FRAME_watch, 1, 2, 3), 2)) == DVK_E_bad_argument);
  CHECK(refused(with_value(frame_of(DVK_FRAME_cancel, 1, 2, 3), 0)) == DVK_E_bad_argument);
  CHECK(refused(with_part(frame_of(DVK_FRAME_copy_out, 1, 2, 3), 1, 0, 0)) == DVK_E_range);
  CHECK(refused(with_part(frame_of(DVK_FRAME_copy_out, 1, 2, 3), 1, DVK_FRAGMENT_BYTES + 1, 0)) == DVK_E_range);
  CHECK(refused(with_data(with_part(frame_of(DVK_FRAME_copy_in, 1, 2, 3), 1, 4, 0), "abc", 3)) == DVK_E_range);
  CHECK(refused(with_data(frame_of(DVK_FRAME_copy_out_done, 1, 2, 3), "", 0)) == DVK_E_range);
}

TEST_CASE("a frame that does not fit is not written") {
  const dvk_frame f = golden_frames().front().frame;
  bytes out(dvk_frame_bytes(&f), 0xEE);
  std::size_t used = 0;
  REQUIRE(dvk_frame_encode(&f, out.data(), out.size() - 1, &used) == DVK_E_too_big);
  CHECK(out == bytes(out.size(), 0xEE));
}
