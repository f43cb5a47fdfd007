// SPDX-License-Identifier: MIT
/// @file
/// The laws of M3FTP while all goes well: what was put is what is got, many at once, whole files only.
#include "ftp_house.hpp"

namespace {

using namespace ftp_test;

/// Sizes where something could be cut wrongly: the pieces of server and client, the most that a request moves.
std::vector<std::size_t> sizes(std::mt19937_64& chance) {
  std::vector<std::size_t> all{0, 1, 2, 4095, 3'000'000 + chance() % 2'000'000};
  for (const std::size_t piece : {1u << 17, 1u << 18, 1u << 20})
    for (const std::size_t size : {piece - 1, piece, piece + 1}) all.push_back(size);
  for (int i = 0; i < 10; ++i) all.push_back(chance() % 400'000);
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("What was put is what is got, whatever its size", "", EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  ftp_house<TestType> house;
  const auto near = std::make_shared<memory_disk>();
  house.as_user([&](auto& self) {
    typename ftp_house<TestType>::store files(self, near);
    ftp::client client(self);
    for (const std::size_t size : sizes(chance)) {
      INFO("size " << size);
      near->write("from", random_text(chance, size));
      const auto put = client.put(files, "from", "/file");
      REQUIRE(put.error() == errc::ok);
      CHECK(put->size == size);
      CHECK(put->bytes == size);
      REQUIRE(house.far->read("/file") == near->read("from"));
      const auto got = client.get("/file", files, "into");
      REQUIRE(got.error() == errc::ok);
      CHECK(got->size == size);
      CHECK(got->bytes == size);
      REQUIRE(near->read("into") == near->read("from"));
    }
    CHECK(house.far->files() == 1);
    CHECK(near->files() == 2);
    CHECK(near->open_now() == 0);
    CHECK(house.far->open_now() == 0);
  });
}

TEMPLATE_TEST_CASE("A piece may have any length up to the limit, and the end is a piece without bytes", "",
                   EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  ftp_house<TestType> house;
  const std::string text = random_text(chance, 300'000);
  house.far->write("/file", text);
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/file");
    REQUIRE(from.error() == errc::ok);
    REQUIRE(from->size == text.size());
    const auto into = client.put("/copy");
    REQUIRE(into.error() == errc::ok);
    std::string all;
    for (;;) {
      const auto piece = client.gnext(from->transfer, all.size(), 1 + static_cast<std::uint32_t>(chance() % 5000));
      REQUIRE(piece.error() == errc::ok);
      if (piece->empty()) break;
      REQUIRE(client.pnext(*into, all.size(), *piece) == errc::ok);
      all += *piece;
    }
    REQUIRE(client.gnext(from->transfer, all.size(), ftp::bytes_max)->empty());
    REQUIRE(all == text);
    REQUIRE_FALSE(house.far->read("/copy"));
    REQUIRE(client.finish(from->transfer, text) == errc::ok);
    REQUIRE(client.finish(*into, text) == errc::ok);
    REQUIRE(house.far->read("/copy") == text);
    REQUIRE(client.finish(from->transfer, text) == errc::bad_descriptor);
  });
}

TEMPLATE_TEST_CASE("A file that is replaced keeps its permissions, and a new one gets 0644", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->write("/old", "before", 0600);
  const auto near = std::make_shared<memory_disk>();
  near->write("from", "after");
  house.as_user([&](auto& self) {
    typename ftp_house<TestType>::store files(self, near);
    ftp::client client(self);
    REQUIRE(client.put(files, "from", "/old").error() == errc::ok);
    REQUIRE(client.put(files, "from", "/new").error() == errc::ok);
    CHECK(house.far->read("/old") == "after");
    CHECK(house.far->names.at("/old")->permissions == 0600);
    CHECK(house.far->names.at("/new")->permissions == 0644);
  });
}

TEMPLATE_TEST_CASE("Forty clients at once move files of their own and read one together", "", EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  const std::string shared = random_text(chance, 1'500'000);
  ftp_house<TestType> house;
  house.far->write("/shared", shared);
  std::atomic<int> right{0};
  std::vector<dvs::endpoint_id> users;
  for (int number = 0; number < 40; ++number) {
    users.push_back(house.start_user([&, number](auto& self) {
      std::mt19937_64 own_chance(seed + static_cast<unsigned>(number));
      const auto near = std::make_shared<memory_disk>();
      typename ftp_house<TestType>::store files(self, near);
      ftp::client client(self);
      const std::string name = "/own" + std::to_string(number);
      for (int round = 0; round < 3; ++round) {
        near->write("from", random_text(own_chance, own_chance() % 300'000));
        if (!client.put(files, "from", name) || !client.get(name, files, "back")) return;
        if (near->read("back") != near->read("from")) return;
      }
      if (!client.get("/shared", files, "shared") || near->read("shared") != shared) return;
      ++right;
    }));
  }
  house.as_server(dvs::endpoint_id{20}, [&](auto& self) {
    for (const auto user : users) static_cast<void>(self.wait_unbind(user));
    CHECK(right == 40);
    CHECK(house.far->files() == 41);
    CHECK(house.far->open_now() == 0);
  });
}

TEMPLATE_TEST_CASE("Whoever reads a file while it is replaced gets one of its versions whole", "", EVERYWHERE) {
  ftp_house<TestType> house;
  const auto version = [](int number) { return std::string(400'000, static_cast<char>('a' + number)); };
  house.far->write("/file", version(0));
  std::atomic<int> halves{0}, whole{0};
  std::vector<dvs::endpoint_id> users;
  users.push_back(house.start_user([&](auto& self) {
    const auto near = std::make_shared<memory_disk>();
    typename ftp_house<TestType>::store files(self, near);
    for (int number = 1; number < 10; ++number) {
      near->write("from", version(number));
      if (!ftp::client(self).put(files, "from", "/file")) ++halves;
    }
  }));
  for (int reader = 0; reader < 3; ++reader) {
    users.push_back(house.start_user([&](auto& self) {
      const auto near = std::make_shared<memory_disk>();
      typename ftp_house<TestType>::store files(self, near);
      for (int round = 0; round < 10; ++round) {
        const bool got = ftp::client(self).get("/file", files, "into").has_value();
        const auto text = near->read("into").value_or("");
        const bool uniform = text.find_first_not_of(text.substr(0, 1)) == std::string::npos;
        ++(got && text.size() == 400'000 && uniform ? whole : halves);
      }
    }));
  }
  house.as_server(dvs::endpoint_id{20}, [&](auto& self) {
    for (const auto user : users) static_cast<void>(self.wait_unbind(user));
    CHECK(halves == 0);
    CHECK(whole == 30);
    CHECK(house.far->read("/file") == version(9));
  });
}

TEMPLATE_TEST_CASE("A client that takes its time and a slow disk hold up nobody else", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->held = "/held";
  house.far->write("/held", "slow");
  house.far->write("/fast", std::string(700'000, 'f'));
  std::atomic<bool> got_slow{false};
  const auto slow = house.start_user([&](auto& self) {
    const auto near = std::make_shared<memory_disk>();
    typename ftp_house<TestType>::store files(self, near);
    got_slow = ftp::client(self).get("/held", files, "into").has_value() && near->read("into") == "slow";
  });
  house.as_server(dvs::endpoint_id{20}, [&](auto& self) {
    REQUIRE(self.sendrec(gate, await_waiting{}).error() == errc::ok);
    raw_client client(self);
    const auto lazy = client.get("/fast");
    REQUIRE(client.gnext(lazy->transfer, 0, 10).error() == errc::ok);
    const auto near = std::make_shared<memory_disk>();
    typename ftp_house<TestType>::store files(self, near);
    REQUIRE(ftp::client(self).get("/fast", files, "into").error() == errc::ok);
    REQUIRE(ftp::client(self).put(files, "into", "/copy").error() == errc::ok);
    REQUIRE(self.is_bound(slow));
    REQUIRE(self.sendrec(gate, open_gate{}).error() == errc::ok);
    REQUIRE(self.wait_unbind(slow).error() == errc::ok);
    REQUIRE(got_slow);
    REQUIRE(client.gnext(lazy->transfer, 10, 20)->size() == 20);
    REQUIRE(client.cancel(lazy->transfer) == errc::ok);
    REQUIRE(house.far->open_now() == 0);
  });
}

TEMPLATE_TEST_CASE("Two puts of one file at once: the second is refused, and the first is not disturbed", "",
                   EVERYWHERE) {
  ftp_house<TestType> house;
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto first = client.put("/file");
    REQUIRE(client.put("/file").error() == errc::busy);  // also while nothing has arrived yet
    REQUIRE(client.pnext(*first, 0, "first") == errc::ok);
    REQUIRE(client.put("/file").error() == errc::busy);
    REQUIRE(client.put("/other").error() == errc::ok);
    REQUIRE(client.finish(*first, "first") == errc::ok);
    REQUIRE(house.far->read("/file") == "first");
    const auto next = client.put("/file");
    REQUIRE(client.pnext(*next, 0, "next") == errc::ok);
    REQUIRE(client.finish(*next, "next") == errc::ok);
    REQUIRE(house.far->read("/file") == "next");
  });
}

TEMPLATE_TEST_CASE("More transfers than the limit are refused, and room that is given back is used", "", EVERYWHERE) {
  ftp_house<TestType> house({.transfers = 2});
  house.far->write("/file", "text");
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto one = client.get("/file"), two = client.get("/file");
    REQUIRE(one->transfer != two->transfer);
    REQUIRE(client.get("/file").error() == errc::table_full);
    REQUIRE(client.stat("/file").error() == errc::table_full);
    for (int i = 0; i < 10; ++i) {
      REQUIRE(client.cancel(i == 0 ? one->transfer : client.get("/file").value().transfer) == errc::ok);
      REQUIRE(client.stat("/file")->size == 4);
    }
  });
}
