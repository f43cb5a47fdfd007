// SPDX-License-Identifier: MIT
/// @file
/// The laws of IS: tables as text and JSON, and what happens when a server is missing.
#include <catch2/catch.hpp>
#include <muk/is/server.hpp>
#include <muk/pm/server.hpp>
#include <muk/systask/server.hpp>

#include "muk_house.hpp"

namespace {

namespace is = muk::is;
using dvs::errc;

template <class House>
void start_systask(House& house) {
  house.start(muk::systask::where, "systask", [&](auto& self) {
    muk::systask::server<typename House::backend> server(self, house.dc);
    static_cast<void>(server.run());
  });
}
template <class House>
void start_is(House& house, const is::sources& sources) {
  house.start(is::where, "is", [sources](auto& self) {
    is::server<typename House::backend> server(self, sources);
    static_cast<void>(server.run());
  });
}
template <class Self>
dvs::result<std::string> get(Self& self, is::table what, is::format how) {
  std::string text(100'000, '\0');
  auto grant = self.grant_write(is::where, text).value();
  const auto told = self.sendrec(is::where, is::get{what, how, static_cast<std::uint32_t>(text.size()), grant.ref()});
  if (!told) return told.error();
  REQUIRE(told->total == told->length);
  text.resize(told->length);
  return text;
}

const is::sources only_systask{muk::systask::where, {}, {}, {}};

/// A row with every kind of member that a table can have.
struct sample {
  dvs::endpoint_id who;
  is::format kind;
  muk::name16 name;
  std::int64_t number;
};

}  // namespace

BOOST_HANA_ADAPT_STRUCT(sample, who, kind, name, number);

TEST_CASE("a table is written from the description of its rows") {
  const std::vector<sample> rows = {{dvs::endpoint_id{3}, is::format::json, muk::make_name("a\"b"), -5},
                                    {dvs::any, is::format{7}, {}, 1'000}};
  std::string json, text;
  is::append_json(json, std::span<const sample>{rows});
  CHECK(json ==
        R"([{"who":3,"kind":"json","name":"a\"b","number":-5},{"who":"any","kind":7,"name":"","number":1000}])");
  is::append_text(text, std::span<const sample>{rows});
  CHECK(text ==
        "  who  kind  name  number\n"
        "    3  json  a\"b       -5\n"
        "  any     7          1000\n");
}

TEST_CASE("a control character in a name stays a JSON string") {
  const std::vector<sample> rows = {{dvs::none, is::format::text, muk::make_name("\n\x80"), 0}};
  std::string json;
  is::append_json(json, std::span<const sample>{rows});
  CHECK(json == R"([{"who":"none","kind":"text","name":"\u000a\u0080","number":0}])");
}

TEMPLATE_TEST_CASE("IS shows what SYSTASK knows, as JSON and as text", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  start_is(house, only_systask);
  house.as_user([](auto& self) {
    const auto json = get(self, is::table::processes, is::format::json).value();
    CHECK(json.starts_with("[{\"endpoint\":"));
    CHECK(json.find("\"name\":\"systask\"") != std::string::npos);
    CHECK(json.find("\"messages_sent\":") != std::string::npos);
    const auto text = get(self, is::table::dc, is::format::text).value();
    CHECK(text.starts_with("dc\n"));
    CHECK(text.find("house") != std::string::npos);
  });
}

TEMPLATE_TEST_CASE("all tables together are one object with a member for each", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  start_is(house, only_systask);
  house.as_user([](auto& self) {
    const auto json = get(self, is::table::all, is::format::json).value();
    CHECK(json.starts_with("{\"dc\":[{"));
    CHECK(json.find(",\"processes\":[{") != std::string::npos);
    CHECK(json.ends_with(",\"devices\":[],\"pids\":[],\"volume\":[],\"files\":[]}"));
    const auto text = get(self, is::table::all, is::format::text).value();
    for (const char* name : {"dc\n", "\nprocesses\n", "\ndevices\n", "\npids\n", "\nvolume\n", "\nfiles\n"})
      CHECK(text.find(name) != std::string::npos);
  });
}

TEMPLATE_TEST_CASE("a server that is not there has its error in place of its table", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  start_is(house, {muk::systask::where, muk::pm::where, {}, {}});
  house.as_user([](auto& self) {
    CHECK(get(self, is::table::pids, is::format::json).value() == "{\"error\":\"peer_died\"}");
    CHECK(get(self, is::table::pids, is::format::text).value() == "pids\n  no answer: peer_died\n");
  });
}

TEMPLATE_TEST_CASE("text that does not fit is cut, and its length told", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  start_is(house, only_systask);
  house.as_user([](auto& self) {
    std::array<char, 5> few{};
    auto grant = self.grant_write(is::where, few).value();
    const auto told = self.sendrec(is::where, is::get{is::table::processes, is::format::text, 5, grant.ref()});
    REQUIRE(told);
    CHECK(told->length == 5);
    CHECK(told->total > 5);
    CHECK(std::string_view(few.data(), few.size()) == "proce");
  });
}

TEMPLATE_TEST_CASE("requests for unknown tables or formats, or without memory, are refused", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  start_is(house, only_systask);
  house.as_user([](auto& self) {
    CHECK(get(self, is::table{99}, is::format::json).error() == errc::bad_argument);
    CHECK(get(self, is::table::dc, is::format{2}).error() == errc::bad_argument);
    CHECK(self.sendrec(is::where, is::get{is::table::dc, is::format::json, 10, dvs::no_grant<dvs::writable>}).error() ==
          errc::not_granted);
  });
}

TEMPLATE_TEST_CASE("a table with many rows is fetched whole", "", EVERYWHERE) {
  house<TestType> house;
  start_systask(house);
  start_is(house, only_systask);
  house.as_server(dvs::endpoint_id{5}, [&](auto& self) {
    std::vector<dvs::endpoint_id> crowd;
    for (int i = 0; i < 150; ++i)
      crowd.push_back(house.start_user([](auto& other) { static_cast<void>(other.sleep_for(std::chrono::hours(1))); }));
    const auto json = get(self, is::table::processes, is::format::json).value();
    std::size_t rows = 0;
    for (auto at = json.find("\"endpoint\""); at != std::string::npos; at = json.find("\"endpoint\"", at + 1)) ++rows;
    CHECK(rows == crowd.size() + 3);
    for (const auto who : crowd) REQUIRE(house.dc.unbind(who));
  });
}
