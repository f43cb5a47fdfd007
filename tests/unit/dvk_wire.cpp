// SPDX-License-Identifier: MIT
/// @file
/// Frames: their bytes are those of docs/wire_format.md, every frame has one encoding, and no bytes do any harm.
#include <dvs/dvk/wire.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t clock_of_all = 0x0807060504030201;

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
  f.clock = clock_of_all;
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

dvk_frame with_part(dvk_frame f, dvk_grant_id grant, std::uint64_t offset, std::uint64_t whole, std::uint64_t at = 0,
                    std::uint32_t count = 0) {
  f.part = {grant, offset, whole, at, count, 0};
  return f;
}

dvk_frame passed_on(dvk_frame f, std::uint32_t depth) {
  f.part.depth = depth;
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

dvk_frame in_term(dvk_frame f, std::uint32_t term) {
  f.term = term;
  return f;
}

dvk_frame begun_at(dvk_frame f, std::uint64_t clock) {
  f.began = clock;
  return f;
}

dvk_frame with_destination(dvk_frame f, dvk_grant_id grant, std::uint64_t offset) {
  f.into.grant = grant;
  f.into.offset = offset;
  return f;
}

dvk_frame with_name(dvk_frame f, const char* name) {
  std::memcpy(f.name, name, std::min(std::strlen(name), sizeof f.name - 1));
  return f;
}

/// News of node 3 for node 0x104 in DC 7.
dvk_frame news_of(dvk_frame_kind kind, dvk_endpoint from) { return frame_of(kind, from, 0, 0); }

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
       "64000000010107000300040105000000feffffff000000008877665544332211010203040506070834020000" + payload},
      {with_message(frame_of(DVK_FRAME_request, user, 1, 2), 0x234),
       "6400000001020700030004014100100001000000000000000200000000000000010203040506070834020000" + payload},
      {with_other(with_value(frame_of(DVK_FRAME_notify, 1, 2, 3), 0x8000000000000001), -35, 0),
       "340000000103070003000401010000000200000000000000030000000000000001020304050607080100000000000080ddffffff"},
      {with_value(frame_of(DVK_FRAME_cancel, user, 1, 4), 2),
       "300000000104070003000401410010000100000000000000040000000000000001020304050607080200000000000000"},
      {passed_on(with_part(frame_of(DVK_FRAME_copy_out, 1, user, 5), 0x100002, 0x123456789A, 1 << 20, 65536, 65536), 2),
       "4c00000001050700030004010100000041001000000000000500000000000000010203040506070802001000020000009a785634"
       "120000000000100000000000000001000000000000000100"},
      {with_data(with_part(frame_of(DVK_FRAME_copy_in, 1, user, 6), 0x100002, 9, 10, 7, 3), "abc", 3),
       "4f000000010607000300040101000000410010000000000006000000000000000102030405060708020010000000000009000000"
       "000000000a00000000000000070000000000000003000000616263"},
      {with_data(with_part(frame_of(DVK_FRAME_copy_in, -2, user, 6), DVK_NO_GRANT, 0x7FFF00000000, 1, 0, 1), "\252", 1),
       "4d0000000106070003000401feffffff410010000000000006000000000000000102030405060708ffffffff0000000000000000"
       "ff7f00000100000000000000000000000000000001000000aa"},
      {passed_on(with_other(
                     with_destination(with_part(frame_of(DVK_FRAME_copy_across, 1, user, 7), 17, 1, 1ULL << 33), 18, 2),
                     0x200042, 9),
                 5),
       "52000000010707000300040101000000410010000000000007000000000000000102030405060708110000000500000001000000"
       "000000000000000002000000120000000200000000000000420020000900"},
      {with_message(frame_of(DVK_FRAME_reply, 1, user, 8), 0x234),
       "6400000001080700030004010100000041001000000000000800000000000000010203040506070834020000" + payload},
      {with_message(frame_of(DVK_FRAME_try_send, 5, -2, 10), 0x234),
       "64000000010a07000300040105000000feffffff000000000a00000000000000010203040506070834020000" + payload},
      {frame_of(DVK_FRAME_try_send_done, -2, 5, 10, DVK_E_would_block),
       "28000000018a070004010300feffffff050000000b0000000a000000000000000102030405060708"},
      {with_value(frame_of(DVK_FRAME_control, 1, user, 9), DVK_CONTROL_leave),
       "300000000109070003000401010000004100100000000000090000000000000001020304050607080200000000000000"},
      {with_name(with_value(news_of(DVK_FRAME_bound, user), 0x99), "rdisk"),
       "40000000014207000300040141001000000000000000000000000000000000000102030405060708990000000000000072646973"
       "6b0000000000000000000000"},
      {news_of(DVK_FRAME_join, 0), "28000000014307000300040100000000000000000000000000000000000000000102030405060708"},
      {news_of(DVK_FRAME_listed, 0),
       "28000000014407000300040100000000000000000000000000000000000000000102030405060708"},
      {with_value(frame_of(DVK_FRAME_inspect, 1, user, 11), 2),
       "30000000010b0700030004010100000041001000000000000b0000000000000001020304050607080200000000000000"},
      {with_value(frame_of(DVK_FRAME_lock, 1, user, 13), 9),
       "30000000010d0700030004010100000041001000000000000d0000000000000001020304050607080900000000000000"},
      {frame_of(DVK_FRAME_lock_done, user, 1, 13, DVK_E_no_entry),
       "28000000018d0700040103004100100001000000020000000d000000000000000102030405060708"},
      {with_other(frame_of(DVK_FRAME_waits_for, 1, user, 12), -35, 1),
       "2e000000010c0700030004010100000041001000000000000c000000000000000102030405060708ddffffff0100"},
      {begun_at(with_other(with_value(frame_of(DVK_FRAME_waits_for_done, user, 1, 12), 9), 6, 1), 1'000'000),
       "3e000000018c0700040103004100100001000000000000000c000000000000000102030405060708090000000000000006000000"
       "010040420f0000000000"},
      {with_other(with_value(frame_of(DVK_FRAME_inspect_done, user, 1, 11), 1), 6, 0),
       "34000000018b0700040103004100100001000000000000000b000000000000000102030405060708010000000000000006000000"},
      {frame_of(DVK_FRAME_inspect_done, user, 1, 11, DVK_E_no_entry),
       "28000000018b0700040103004100100001000000020000000b000000000000000102030405060708"},
      {frame_of(DVK_FRAME_gone, user, 0, 0),
       "28000000014107000300040141001000000000000000000000000000000000000102030405060708"},
      {frame_of(DVK_FRAME_send_done, -2, 5, 0x1122334455667788, DVK_E_destination_died),
       "280000000181070004010300feffffff050000006d00000088776655443322110102030405060708"},
      {with_message(frame_of(DVK_FRAME_answer, 1, user, 2), -2),
       "64000000018207000401030001000000410010000000000002000000000000000102030405060708feffffff" + payload},
      {frame_of(DVK_FRAME_answer, 1, user, 2, DVK_E_source_died),
       "28000000018207000401030001000000410010006c00000002000000000000000102030405060708"},
      {frame_of(DVK_FRAME_notify_done, 2, 1, 3),
       "28000000018307000401030002000000010000000000000003000000000000000102030405060708"},
      {frame_of(DVK_FRAME_cancel_done, 1, user, 4, DVK_E_no_entry),
       "28000000018407000401030001000000410010000200000004000000000000000102030405060708"},
      {with_data(frame_of(DVK_FRAME_copy_out_done, user, 1, 5), "\0\377\20", 3),
       "2b00000001850700040103004100100001000000000000000500000000000000010203040506070800ff10"},
      {frame_of(DVK_FRAME_copy_out_done, user, 1, 5, DVK_E_fault),
       "28000000018507000401030041001000010000000e00000005000000000000000102030405060708"},
      {frame_of(DVK_FRAME_copy_in_done, user, 1, 6),
       "28000000018607000401030041001000010000000000000006000000000000000102030405060708"},
      {frame_of(DVK_FRAME_copy_across_done, user, 1, 7, DVK_E_range),
       "28000000018707000401030041001000010000002200000007000000000000000102030405060708"},
      {frame_of(DVK_FRAME_reply_done, user, 1, 8, DVK_E_not_waiting),
       "28000000018807000401030041001000010000004401000008000000000000000102030405060708"},
      {frame_of(DVK_FRAME_control_done, user, 1, 9, DVK_E_bad_endpoint),
       "28000000018907000401030041001000010000003201000009000000000000000102030405060708"},
      {with_other(with_message(frame_of(DVK_FRAME_redirect, 1, user, 2), 0x235), 6, 12),
       "6a00000001c20700040103000100000041001000000000000200000000000000010203040506070835020000" + payload +
           "060000000c00"},
      {with_other(with_value(frame_of(DVK_FRAME_migrate, 1, user, 14), DVK_MIGRATION_commit), 0, 9),
       "32000000010f0700030004010100000041001000000000000e00000000000000010203040506070802000000000000000900"},
      {frame_of(DVK_FRAME_migrate_done, user, 1, 14, DVK_E_not_waiting),
       "28000000018f0700040103004100100001000000440100000e000000000000000102030405060708"},
      {with_data(frame_of(DVK_FRAME_adopt, 5, 5, 15), "abc", 3),
       "2b00000001100700030004010500000005000000000000000f000000000000000102030405060708616263"},
      {frame_of(DVK_FRAME_adopt_done, 5, 5, 15),
       "2800000001900700040103000500000005000000000000000f000000000000000102030405060708"},
      {with_data(with_value(frame_of(DVK_FRAME_settle, 5, 5, 16), DVK_MIGRATION_forget), "abc", 3),
       "330000000111070003000401050000000500000000000000100000000000000001020304050607080400000000000000616263"},
      {frame_of(DVK_FRAME_settle_done, 5, 5, 16, DVK_E_no_entry),
       "28000000019107000401030005000000050000000200000010000000000000000102030405060708"},
      {in_term(with_name(with_value(news_of(DVK_FRAME_placed, 5), 0x99), "server"), 3),
       "44000000014607000300040105000000000000000000000000000000000000000102030405060708990000000000000073657276"
       "65720000000000000000000003000000"},
      {in_term(with_other(frame_of(DVK_FRAME_elsewhere, 5, user, 2), 0, 12), 3),
       "2e00000001c6070004010300050000004100100000000000020000000000000001020304050607080c0003000000"},
      {[] {
         dvk_frame f{};
         f.kind = DVK_FRAME_heartbeat;
         f.from_node = 3;
         f.to_node = 0x104;
         f.clock = clock_of_all;
         return f;
       }(),
       "28000000014000000300040100000000000000000000000000000000000000000102030405060708"},
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
  f.clock = chance() >> 1;
  f.from_node = any_number(f.from_node);
  f.to_node = any_number(f.to_node);
  if (f.kind == DVK_FRAME_heartbeat) return f;
  f.dc = any_number(f.dc);
  f.value = any_number(f.value) | 1;
  if (f.kind == DVK_FRAME_join || f.kind == DVK_FRAME_listed) return f;
  f.from = any_number(f.from);
  f = with_name(f, data.substr(0, chance() % DVK_NAME_BYTES).c_str());
  f.term = any_number(f.term);
  if (f.kind == DVK_FRAME_gone || f.kind == DVK_FRAME_bound || f.kind == DVK_FRAME_placed) return f;
  f.to = any_number(f.to);
  f.exchange = any_number(f.exchange) | 1;
  const bool is_always_good = f.kind == DVK_FRAME_redirect || f.kind == DVK_FRAME_elsewhere;
  if (dvk_frame_completes(f.kind) && !is_always_good && chance() % 2 == 0)
    f.result = results[chance() % std::size(results)];
  f = with_message(f, any_number(f.message.type) & ~DVK_NOTIFICATION);
  for (auto& byte : f.message.payload) byte = static_cast<std::uint8_t>(chance());
  if (f.kind == DVK_FRAME_control) f.value = 1 + chance() % 2;
  if (f.kind == DVK_FRAME_migrate) f.value = 1 + chance() % 3;
  if (f.kind == DVK_FRAME_settle) f.value = 2 + chance() % 2 * 2;
  f.began = chance();
  const bool waits = f.kind == DVK_FRAME_waits_for || f.kind == DVK_FRAME_waits_for_done;
  if (f.kind == DVK_FRAME_inspect_done) f.value = chance() % 2;
  const auto count = static_cast<std::uint32_t>(1 + chance() % DVK_FRAGMENT_BYTES);
  const std::uint64_t at = chance() >> (1 + chance() % 63);
  const std::uint64_t whole = at + count + any_number(std::uint32_t{});
  f = with_data(with_part(f, any_number(f.part.grant), any_number(f.part.offset), whole, at, count), data.data(),
                count);
  f.part.depth = static_cast<std::uint32_t>(chance() % (DVK_GRANT_DEPTH_MAX + 1));
  f = with_other(with_destination(f, any_number(f.into.grant), any_number(f.into.offset)), any_number(f.other),
                 waits ? static_cast<std::uint16_t>(chance() % 2) : any_number(f.other_node));
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
  for (const std::uint32_t length : {0U, DVK_FRAME_HEADER_BYTES - 1U, DVK_FRAME_BYTES_MAX + 1U, 0xFFFF'FFFFU}) {
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
  dvk_frame unknown = frame_of(DVK_FRAME_control_done, 1, 2, 3);
  unknown.kind = 0x8E;
  CHECK(refused(unknown) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_send_done, 1, 2, 0)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_send_done, 1, 2, 3, 12345)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_gone, user, 0, 3)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_gone, user, 1, 0)) == DVK_E_bad_argument);
  CHECK(refused(news_of(DVK_FRAME_join, 1)) == DVK_E_bad_argument);
  CHECK(refused(news_of(DVK_FRAME_listed, 1)) == DVK_E_bad_argument);
  CHECK(refused(frame_of(DVK_FRAME_inspect, 1, user, 3)) == DVK_E_bad_argument);
  dvk_frame named = news_of(DVK_FRAME_bound, user);
  CHECK(refused(named) == DVK_E_ok);
  std::memset(named.name, 'n', sizeof named.name);
  CHECK(refused(named) == DVK_E_bad_argument);
  named.name[3] = 0;
  CHECK(refused(named) == DVK_E_bad_argument);
  CHECK(refused(with_message(frame_of(DVK_FRAME_send, 1, 2, 3), DVK_NOTIFICATION)) == DVK_E_bad_argument);
  CHECK(refused(with_message(frame_of(DVK_FRAME_send, 1, 2, 3, DVK_E_busy), 1)) == DVK_E_bad_argument);
  CHECK(refused(with_value(frame_of(DVK_FRAME_control, 1, 2, 3), 0)) == DVK_E_bad_argument);
  CHECK(refused(with_value(frame_of(DVK_FRAME_control, 1, 2, 3), 3)) == DVK_E_bad_argument);
  CHECK(refused(with_value(frame_of(DVK_FRAME_cancel, 1, 2, 3), 0)) == DVK_E_bad_argument);
  const dvk_frame copy = frame_of(DVK_FRAME_copy_out, 1, 2, 3);
  CHECK(refused(with_part(copy, 1, 0, 10, 0, 0)) == DVK_E_range);
  CHECK(refused(with_part(copy, 1, 0, 1 << 20, 0, DVK_FRAGMENT_BYTES + 1)) == DVK_E_range);
  CHECK(refused(with_part(copy, 1, 0, 10, 6, 5)) == DVK_E_range);
  CHECK(refused(with_part(copy, 1, 0, 10, ~0ULL - 1, 5)) == DVK_E_range);
  CHECK(refused(with_part(copy, 1, 0, 4, 0, 5)) == DVK_E_range);
  CHECK(refused(with_part(copy, 1, 0, 10, 5, 5)) == DVK_E_ok);
  CHECK(refused(passed_on(with_part(copy, 1, 0, 10, 5, 5), 6)) == DVK_E_range);
  CHECK(refused(with_part(frame_of(DVK_FRAME_copy_across, 1, 2, 3), 1, 0, 0)) == DVK_E_range);
  CHECK(refused(with_data(with_part(frame_of(DVK_FRAME_copy_in, 1, 2, 3), 1, 0, 4, 0, 4), "abc", 3)) == DVK_E_range);
  CHECK(refused(with_data(frame_of(DVK_FRAME_copy_out_done, 1, 2, 3), "", 0)) == DVK_E_range);
}

TEST_CASE("a frame that does not fit is not written") {
  const dvk_frame f = golden_frames().front().frame;
  bytes out(dvk_frame_bytes(&f), 0xEE);
  std::size_t used = 0;
  REQUIRE(dvk_frame_encode(&f, out.data(), out.size() - 1, &used) == DVK_E_too_big);
  CHECK(out == bytes(out.size(), 0xEE));
}
