// SPDX-License-Identifier: MIT
/// @file
/// What is derived from the description of a request.
#include <catch2/catch.hpp>
#include <dvs/describe.hpp>

namespace shop {
enum class shelf : std::uint16_t {};
enum class color : std::uint8_t { red, green };
constexpr std::string_view name_of(color c) { return c == color::red ? "red" : c == color::green ? "green" : ""; }

struct place {
  shelf where;
  std::uint16_t depth;
};
struct fetch {
  static constexpr std::uint32_t opcode = 7;
  place from;
  std::int32_t count;
  dvs::grant_ref<dvs::writable> into;
  std::array<char, 6> label;
  bool fragile;
  color paint;
  std::uint16_t codes[2];
  std::array<std::byte, 4> seal;
  dvs::endpoint_id owner;
  dvs::errc last;
  char grade;
  std::array<char, 3> filler;
  struct reply {
    std::uint64_t price;
  };
};
struct close {
  static constexpr std::uint32_t opcode = 8;
  struct reply {};
};
struct bell {
  static constexpr std::uint32_t opcode = 9;
  std::uint32_t times;
};
using protocol = dvs::protocol<fetch, close, bell>;
}  // namespace shop

BOOST_HANA_ADAPT_STRUCT(shop::place, where, depth);
BOOST_HANA_ADAPT_STRUCT(shop::fetch, from, count, into, label, fragile, paint, codes, seal, owner, last, grade, filler);
BOOST_HANA_ADAPT_STRUCT(shop::fetch::reply, price);
BOOST_HANA_ADAPT_STRUCT(shop::bell, times);
static_assert(dvs::is_described<shop::protocol>());

struct partial {
  std::uint32_t named, forgotten;
};
BOOST_HANA_ADAPT_STRUCT(::partial, named);
static_assert(dvs::detail::described_bytes<partial>() == 4, "the check of completeness sees the four bytes left out");
static_assert(!dvs::detail::adapted<std::pair<int, int>>, "and a struct without a description is noticed");

struct global {};
namespace {
struct unnamed {};

shop::fetch sample() {
  shop::fetch ask{};
  ask.from = {shop::shelf{3}, 2};
  ask.count = -4;
  ask.into = {dvs::endpoint_id{1}, dvs::grant_id{17}};
  ask.label = {'a', '"', '\n'};
  ask.fragile = true;
  ask.paint = shop::color::green;
  ask.codes[0] = 10;
  ask.codes[1] = 65535;
  ask.seal = {std::byte{0xDE}, std::byte{0xAD}, std::byte{0}, std::byte{1}};
  ask.owner = dvs::none;
  ask.last = dvs::errc::no_entry;
  ask.grade = 'A';
  ask.filler = {'x', 'y', 'z'};
  return ask;
}
}  // namespace

TEST_CASE("a message is called by its namespace and its own name") {
  CHECK(dvs::message_name<shop::fetch>() == "shop.fetch");
  CHECK(dvs::message_name<dvs::notification>() == "dvs.notification");
  CHECK(dvs::message_name<global>() == "global");
  CHECK(dvs::message_name<unnamed>() == "unnamed");
}

TEST_CASE("every kind of member is readable in the text") {
  CHECK(dvs::text_of(sample()) ==
        "{from={where=3, depth=2}, count=-4, into=grant 1:17, label=\"a\\\"\\u000a\", fragile=true, paint=green, "
        "codes=[10, 65535], seal=dead0001, owner=none, last=no_entry, grade=\"A\", filler=\"xyz\"}");
  CHECK(dvs::text_of(shop::close{}) == "{}");
}

TEST_CASE("the JSON has one value for each member") {
  CHECK(
      dvs::json_of(sample()) ==
      "{\"from\":{\"where\":3,\"depth\":2},\"count\":-4,\"into\":{\"granter\":1,\"id\":17},\"label\":\"a\\\"\\u000a\","
      "\"fragile\":true,\"paint\":\"green\",\"codes\":[10,65535],\"seal\":\"dead0001\",\"owner\":1047550,"
      "\"last\":\"no_entry\",\"grade\":\"A\",\"filler\":\"xyz\"}");
  CHECK(dvs::json_of(shop::close{}) == "{}");
}

TEST_CASE("text that fills its array has no end mark and is shown whole, and bytes outside ASCII are escaped") {
  shop::fetch ask = sample();
  ask.label = {'1', '2', '3', '4', '5', '\xFF'};
  CHECK(dvs::text_of(ask).find("label=\"12345\\u00ff\"") != std::string::npos);
}

TEST_CASE("an enum value without a name is shown as its number") {
  shop::fetch ask = sample();
  ask.paint = shop::color{77};
  CHECK(dvs::text_of(ask).find("paint=77,") != std::string::npos);
  CHECK(dvs::json_of(ask).find("\"paint\":77,") != std::string::npos);
}

TEST_CASE("for_each_field visits the members in order") {
  std::string names;
  dvs::for_each_field(shop::place{shop::shelf{1}, 2}, [&](std::string_view name, const auto&) {
    names += name;
    names += ';';
  });
  CHECK(names == "where;depth;");
}

TEST_CASE("the protocol table lists opcode, name, members with type and offset, and the reply") {
  const std::string table = dvs::protocol_table<shop::protocol>();
  CHECK(
      table.find("| 7 | `shop.fetch` | `from` place at 0, `count` i32 at 4, `into` writable grant at 8, "
                 "`label` text[6] at 16, `fragile` bool at 22, `paint` color (u8) at 23, `codes` u16[2] at 24, "
                 "`seal` bytes[4] at 28, `owner` endpoint_id (i32) at 32, `last` errc (i32) at 36, `grade` char at 40, "
                 "`filler` text[3] at 41 | `price` u64 at 0 |\n") != std::string::npos);
  CHECK(table.find("| 8 | `shop.close` | - | - |\n") != std::string::npos);
  CHECK(table.find("| 9 | `shop.bell` | `times` u32 at 0 | (one way) |\n") != std::string::npos);
}
