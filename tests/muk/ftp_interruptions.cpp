// SPDX-License-Identifier: MIT
/// @file
/// The laws of M3FTP when something goes wrong: clients die or are silent, stores are full or fail, bytes are not what
/// they should be. Nothing stays open, nobody sees half a file, and what arrived is gone on with.
#include "ftp_house.hpp"

namespace {

using namespace ftp_test;

constexpr dvs::endpoint_id test_server{20};

}  // namespace

TEMPLATE_TEST_CASE("A transfer that is interrupted anywhere goes on from there, and moves only what is missing", "",
                   EVERYWHERE) {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  ftp_house<TestType> house;
  const auto near = std::make_shared<memory_disk>();
  house.as_user([&](auto& self) {
    typename ftp_house<TestType>::store files(self, near);
    ftp::client client(self);
    for (int round = 0; round < 20; ++round) {
      const std::string text = random_text(chance, 1 + chance() % 1'500'000);
      near->write("from", text);
      const bool putting = round % 2 == 0;
      const auto move = [&] { return putting ? client.put(files, "from", "/f") : client.get("/f", files, "into"); };
      const disk receiver = putting ? house.far : near;
      const std::string target = putting ? "/f" : "into";
      house.far->write("/f", putting ? "before" : text);
      near->write("into", "before");
      INFO("round " << round << ", size " << text.size());
      std::size_t kept = 0;
      for (int interruption = 0; interruption < 3; ++interruption) {
        receiver->until_failure = chance() % (text.size() - kept);
        const errc why = move().error();
        receiver->until_failure = ~std::size_t{0};
        REQUIRE(why == errc::io_error);
        REQUIRE(receiver->read(target) == "before");
        REQUIRE(house.far->open_now() == 0);
        kept = receiver->read(beside(target)).value_or("").size();
        REQUIRE(receiver->read(beside(target)).value_or("") == text.substr(0, kept));
        if (kept == text.size()) break;
      }
      const auto rest = move();
      REQUIRE(rest.error() == errc::ok);
      CHECK(rest->size == text.size());
      CHECK(rest->bytes == text.size() - kept);
      REQUIRE(receiver->read(target) == text);
      REQUIRE_FALSE(receiver->read(beside(target)));
    }
  });
}

TEMPLATE_TEST_CASE("A transfer afresh does not look at what is kept", "", EVERYWHERE) {
  ftp_house<TestType> house;
  const auto near = std::make_shared<memory_disk>();
  near->write("from", std::string(5000, 'n'));
  house.far->write(beside("/file"), std::string(9000, 'x'));
  near->write(beside("into"), "not the start of it");
  house.as_user([&](auto& self) {
    typename ftp_house<TestType>::store files(self, near);
    ftp::client client(self);
    REQUIRE(client.put(files, "from", "/file").error() == errc::range);  // more is kept than the file has
    house.far->write(beside("/file"), "not the start of it");
    REQUIRE(client.put(files, "from", "/file").error() == errc::bad_checksum);
    REQUIRE(house.far->read(beside("/file")) == "not the start of it");
    REQUIRE(client.put(files, "from", "/file", ftp::beginning::afresh)->bytes == 5000);
    REQUIRE(client.get("/file", files, "into").error() == errc::bad_checksum);
    REQUIRE(near->read(beside("into")) == "not the start of it");
    REQUIRE(client.get("/file", files, "into", ftp::beginning::afresh)->bytes == 5000);
    REQUIRE(near->read("into") == near->read("from"));
    REQUIRE(house.far->files() == 1);
    REQUIRE(near->files() == 2);
  });
}

TEMPLATE_TEST_CASE("A client that dies leaves nothing open at any stage, and what it put can be gone on with", "",
                   EVERYWHERE) {
  ftp_house<TestType> house;
  const std::string text(300'000, 't');
  house.far->write("/file", text);
  using endpoint = typename ftp_house<TestType>::endpoint;
  const std::vector<std::function<void(endpoint&)>> lives = {
      [](endpoint& self) { static_cast<void>(raw_client(self).get("/file")); },
      [](endpoint& self) {
        raw_client client(self);
        static_cast<void>(client.gnext(client.get("/file").value().transfer, 0, 1000));
      },
      [&](endpoint& self) {
        raw_client client(self);
        static_cast<void>(client.gnext(client.get("/file").value().transfer, 0, 1 << 20));
      },
      [](endpoint& self) { static_cast<void>(raw_client(self).put("/file")); },
      [&](endpoint& self) {
        raw_client client(self);
        static_cast<void>(client.pnext(client.put("/file").value(), 0, text.substr(0, 1000)));
      },
      [&](endpoint& self) {
        raw_client client(self);
        static_cast<void>(
            client.pnext(client.put("/file", 1000, text.substr(0, 1000)).value(), 1000, text.substr(1000)));
      },
  };
  house.as_server(test_server, [&](auto& self) {
    for (std::size_t stage = 0; stage < lives.size(); ++stage) {
      INFO("stage " << stage);
      const auto dead = house.start_user([life = lives[stage]](auto& own) { life(own); });
      REQUIRE(self.wait_unbind(dead).error() == errc::ok);
      REQUIRE(eventually(self, [&] { return house.far->open_now() == 0; }));
      REQUIRE(house.far->opened == static_cast<int>(stage + 1));
      REQUIRE(house.far->read("/file") == text);
    }
    REQUIRE(house.far->read(beside("/file")) == text);
    raw_client client(self);
    const auto whole = client.put("/file", text.size(), text);
    REQUIRE(client.finish(*whole, text) == errc::ok);
    REQUIRE(house.far->files() == 1);
  });
}

TEMPLATE_TEST_CASE("A client that dies while the store works for it leaves nothing open", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->held = "/held";
  house.far->write("/held", std::string(1000, 'h'));
  house.as_server(test_server, [&](auto& self) {
    const auto dying = house.start_user([](auto& own) {
      const auto near = std::make_shared<memory_disk>();
      memory_store files(own, near);
      static_cast<void>(ftp::client(own).get("/held", files, "into"));
    });
    REQUIRE(self.sendrec(gate, await_waiting{}).error() == errc::ok);
    REQUIRE(house.dc.unbind(dying).error() == errc::ok);
    REQUIRE(house.far->open_now() == 1);
    REQUIRE(self.sendrec(gate, open_gate{}).error() == errc::ok);
    REQUIRE(eventually(self, [&] { return house.far->open_now() == 0; }));
  });
}

TEMPLATE_TEST_CASE("A client that is silent for too long is given up, and told so when it comes back", "", EVERYWHERE) {
  ftp_house<TestType> house({.idle = std::chrono::milliseconds(20)});
  house.far->write("/file", "text");
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/file");
    const auto into = client.put("/new");
    REQUIRE(into.error() == errc::ok);
    REQUIRE(eventually(self, [&] { return house.far->open_now() == 0; }));
    REQUIRE(client.gnext(from->transfer, 0, 10).error() == errc::bad_descriptor);
    REQUIRE(client.finish(*into, "") == errc::bad_descriptor);
    REQUIRE(house.far->files() == 1);  // nothing of the put came, so nothing is kept
  });
}

TEST_CASE("Time counts from the last answer, and only while the client is silent") {
  ftp_house<loopback> house({.idle = std::chrono::seconds(1)});
  house.far->write("/file", std::string(100, 'x'));
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/file");
    for (std::uint64_t offset = 0; offset < 50; offset += 10) {
      REQUIRE(self.sleep_for(std::chrono::milliseconds(999)).error() == errc::ok);
      REQUIRE(client.gnext(from->transfer, offset, 10)->size() == 10);
    }
    REQUIRE(self.sleep_for(std::chrono::milliseconds(1001)).error() == errc::ok);
    REQUIRE(client.gnext(from->transfer, 50, 10).error() == errc::bad_descriptor);
  });
}

TEMPLATE_TEST_CASE("A server that is asked to leave closes all files and keeps what arrived", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->write("/file", "text");
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/file");
    const auto into = client.put("/new");
    REQUIRE(from.error() == errc::ok);
    REQUIRE(client.pnext(*into, 0, "half") == errc::ok);
    REQUIRE(house.dc.unbind(ftp::where).error() == errc::ok);
    REQUIRE(house.far->open_now() == 0);
    REQUIRE(house.far->read(beside("/new")) == "half");
    REQUIRE_FALSE(house.far->read("/new"));
  });
}

TEMPLATE_TEST_CASE("A put into a full store is refused and leaves the room as it was", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->room = 1'000'000;
  house.far->write("/there", std::string(400'000, 't'));
  const auto near = std::make_shared<memory_disk>();
  near->write("large", std::string(2'000'000, 'l'));
  near->write("small", std::string(600'000, 's'));
  house.as_user([&](auto& self) {
    typename ftp_house<TestType>::store files(self, near);
    ftp::client client(self);
    REQUIRE(client.put(files, "large", "/large").error() == errc::no_space);
    REQUIRE(house.far->files() == 1);
    REQUIRE(house.far->open_now() == 0);
    REQUIRE(client.put(files, "small", "/small").error() == errc::ok);
    REQUIRE(house.far->bytes() == 1'000'000);
    near->room = near->bytes() + 100;
    REQUIRE(client.get("/there", files, "into").error() == errc::no_space);
    REQUIRE(near->files() == 2);
    REQUIRE(house.far->open_now() == 0);
  });
}

TEMPLATE_TEST_CASE("A store that cannot make the file safe does not get it, and what arrived is kept", "", EVERYWHERE) {
  ftp_house<TestType> house;
  const auto near = std::make_shared<memory_disk>();
  near->write("from", "after");
  house.far->write("/file", "before");
  house.as_user([&](auto& self) {
    typename ftp_house<TestType>::store files(self, near);
    ftp::client client(self);
    house.far->flush_outcome = errc::io_error;
    REQUIRE(client.put(files, "from", "/file").error() == errc::io_error);
    REQUIRE(house.far->read("/file") == "before");
    REQUIRE(house.far->read(beside("/file")) == "after");
    house.far->flush_outcome = errc::no_space;
    REQUIRE(client.put(files, "from", "/file").error() == errc::no_space);
    REQUIRE_FALSE(house.far->read(beside("/file")));
    house.far->flush_outcome = errc::ok;
    REQUIRE(client.put(files, "from", "/file").error() == errc::ok);
    REQUIRE(house.far->read("/file") == "after");
  });
}

TEMPLATE_TEST_CASE("A wrong checksum at the end is refused on both sides, and the file does not appear", "",
                   EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->write("/file", "before");
  house.as_user([&](auto& self) {
    raw_client client(self);
    for (const std::string_view wrong : {"AFTER", "after ", ""}) {
      const auto into = client.put("/file");
      REQUIRE(client.pnext(*into, 0, "after") == errc::ok);
      REQUIRE(client.finish(*into, wrong) == errc::bad_checksum);
      REQUIRE(client.finish(*into, "after") == errc::bad_descriptor);
      const auto from = client.get("/file");
      REQUIRE(client.gnext(from->transfer, 0, 10)->size() == 6);
      REQUIRE(client.finish(from->transfer, wrong) == errc::bad_checksum);
    }
    const auto half = client.get("/file");
    REQUIRE(client.gnext(half->transfer, 0, 3)->size() == 3);
    REQUIRE(client.finish(half->transfer, "before") == errc::bad_checksum);  // the server has not sent it yet
    REQUIRE(house.far->read("/file") == "before");
    REQUIRE(house.far->files() == 1);
    REQUIRE(house.far->open_now() == 0);
  });
}

TEMPLATE_TEST_CASE("A file that is cut while it is fetched is an error, and the half of it gets no name", "",
                   EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->write("/file", std::string(1000, 'x'));
  house.as_user([&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/file");
    REQUIRE(client.gnext(from->transfer, 0, 100)->size() == 100);
    house.far->write("/other", "");
    {
      const std::scoped_lock guard(house.far->lock);
      house.far->names.at("/file")->bytes.resize(500);
    }
    REQUIRE(client.gnext(from->transfer, 100, 1000).error() == errc::range);
    REQUIRE(client.gnext(from->transfer, 100, 100).error() == errc::bad_descriptor);
    REQUIRE(house.far->open_now() == 0);
  });
}

TEMPLATE_TEST_CASE("Requests that make no sense are refused, and end at most the transfer they name", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->write("/file", std::string(100, 'x'));
  house.as_user([&](auto& self) {
    raw_client client(self);
    for (const std::string_view path : {"", "/", "/dir/", ".", "..", "/a/..", "/a/."}) {
      INFO(path);
      CHECK(client.get(path).error() == errc::bad_argument);
      CHECK(client.put(path).error() == errc::bad_argument);
      CHECK(client.stat(path).error() == errc::bad_argument);
    }
    CHECK(client.get(std::string_view("/fi\0le", 6)).error() == errc::bad_argument);
    CHECK(client.get(std::string(4097, 'x')).error() == errc::name_too_long);
    CHECK(client.get("/not-there").error() == errc::no_entry);
    CHECK(client.get("/file", 101, "").error() == errc::range);
    CHECK(client.get("/file", 5, "wrong").error() == errc::bad_checksum);
    CHECK(client.put("/new", 5, "wrong").error() == errc::range);
    house.far->write(beside("/kept"), "kept");
    for (const std::string& path : {beside("/kept"), beside("/none")}) {
      CHECK(client.get(path).error() == errc::access_denied);
      CHECK(client.put(path).error() == errc::access_denied);
      CHECK(client.stat(path).error() == errc::access_denied);
    }
    CHECK(client.stat("/kept")->exists == 0);
    CHECK(client.stat("/kept")->kept == 4);
    CHECK(client.stat("/file")->size == 100);

    CHECK(self.sendrec(ftp::where, ftp::get{{dvs::no_grant<dvs::readable>, 1, 0}, 0, {}}).error() == errc::not_granted);
    std::array<std::byte, 50> memory{};
    const auto window = self.grant_write(ftp::where, memory).value();
    const auto gnext = [&](ftp::gnext ask) {
      ask.transfer = client.get("/file").value().transfer;
      const errc why = self.sendrec(ftp::where, ask).error();
      CHECK(client.cancel(ask.transfer) == errc::bad_descriptor);  // it is over
      return why;
    };
    CHECK(gnext({0, 51, 0, window.ref()}) == errc::range);  // more than was granted
    CHECK(gnext({0, 10, 1, window.ref()}) == errc::range);
    CHECK(gnext({0, ftp::bytes_max + 1, 0, window.ref()}) == errc::too_big);
    CHECK(gnext({0, 10, 0, dvs::no_grant<dvs::writable>}) == errc::not_granted);
    CHECK(gnext({0, 10, 0, {gate, window.ref().id}}) == errc::not_granted);

    const auto into = client.put("/new");
    CHECK(client.gnext(*into, 0, 10).error() == errc::bad_argument);
    const auto from = client.get("/file");
    CHECK(client.pnext(from->transfer, 0, "x") == errc::bad_argument);
    CHECK(client.pnext(client.put("/new").value(), 1, "x") == errc::range);
    CHECK(client.cancel(0) == errc::bad_descriptor);
    CHECK(house.far->open_now() == 0);
    CHECK(house.far->files() == 2);
  });
}

TEMPLATE_TEST_CASE("A transfer belongs to the client that began it", "", EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->write("/file", "text");
  house.as_server(test_server, [&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/file");
    std::atomic<errc> reads{errc::ok}, cancels{errc::ok};
    const auto thief = house.start_user([&, number = from->transfer](auto& own) {
      raw_client other(own);
      reads = other.gnext(number, 0, 4).error();
      cancels = other.cancel(number);
    });
    REQUIRE(self.wait_unbind(thief).error() == errc::ok);
    CHECK(reads.load() == errc::bad_descriptor);
    CHECK(cancels.load() == errc::bad_descriptor);
    CHECK(client.gnext(from->transfer, 0, 4).value() == "text");
  });
}

TEMPLATE_TEST_CASE("A request that comes while the one before is worked on is refused, and harms nothing", "",
                   EVERYWHERE) {
  ftp_house<TestType> house;
  house.far->held = "/held";
  house.far->write("/held", "text");
  house.as_server(test_server, [&](auto& self) {
    raw_client client(self);
    const auto from = client.get("/held");
    std::string text(4, ' ');
    const auto window = self.grant_write(ftp::where, text).value();
    const ftp::gnext ask{from->transfer, 4, 0, window.ref()};
    // The client gives up waiting, but not the transfer; it asks again when the server had not even heard it.
    do {
      REQUIRE(self.sendrec(ftp::where, ask, std::chrono::milliseconds(10)).error() == errc::timed_out);
    } while (!self.sendrec(gate, await_waiting{}, std::chrono::milliseconds(500)));
    REQUIRE(self.sendrec(ftp::where, ask).error() == errc::busy);
    REQUIRE(self.sendrec(gate, open_gate{}).error() == errc::ok);
    REQUIRE(eventually(self, [&] { return client.gnext(from->transfer, 4, 1).error() != errc::busy; }));
    REQUIRE(text == "text");
  });
}
