// SPDX-License-Identifier: MIT
/// @file
/// The laws of RDISK: opens, transfers by grants, vectors, and what is refused.
#include <algorithm>
#include <catch2/catch.hpp>
#include <muk/rdisk/server.hpp>
#include <numeric>

#include "muk_house.hpp"

namespace {

namespace rdisk = muk::rdisk;
using dvs::errc;

constexpr std::size_t disk_bytes = 100'000;  // no multiple of anything

/// A device that is not memory for the driver, so that transfers go through its buffer; writes can be made to fail.
class slow_storage final : public rdisk::storage {
 public:
  explicit slow_storage(std::size_t bytes) : below_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return below_.size(); }
  dvs::result<void> read(std::uint64_t position, std::span<std::byte> into) override {
    if (position <= broken && broken < position + into.size()) return errc::io_error;
    return below_.read(position, into);
  }
  dvs::result<void> write(std::uint64_t position, std::span<const std::byte> from) override {
    if (position <= broken && broken < position + from.size()) return errc::io_error;
    return below_.write(position, from);
  }
  dvs::result<void> flush() override { return {}; }
  std::uint64_t broken = ~std::uint64_t{0};

 private:
  rdisk::memory_storage below_;
};

/// Two devices: 0 in memory, 1 behind a buffer of 512 bytes with a broken place at 90,000.
std::vector<rdisk::device> devices() {
  std::vector<rdisk::device> made;
  made.push_back({"memory", std::make_unique<rdisk::memory_storage>(disk_bytes), 4096, true});
  auto slow = std::make_unique<slow_storage>(disk_bytes);
  slow->broken = 90'000;
  made.push_back({"slow", std::move(slow), 512, false});
  return made;
}

template <class House>
void start_rdisk(House& house) {
  house.start(rdisk::where, "rdisk", [](auto& self) {
    rdisk::server<typename House::backend> server(self, devices());
    static_cast<void>(server.run());
  });
}

std::vector<std::byte> pattern(std::size_t bytes, int seed) {
  std::vector<std::byte> made(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    made[i] = static_cast<std::byte>((i * 31 + static_cast<std::size_t>(seed)) & 0xFF);
  return made;
}

template <class Self>
errc write(Self& self, std::uint32_t minor, std::uint64_t position, const std::vector<std::byte>& bytes) {
  auto grant = self.grant_read(rdisk::where, bytes).value();
  const auto wrote =
      self.sendrec(rdisk::where, rdisk::write{minor, static_cast<std::uint32_t>(bytes.size()), position, grant.ref()});
  if (!wrote) return wrote.error();
  return wrote->length == bytes.size() ? errc::ok : errc::range;
}
template <class Self>
dvs::result<std::vector<std::byte>> read(Self& self, std::uint32_t minor, std::uint64_t position, std::size_t bytes) {
  std::vector<std::byte> into(bytes, std::byte{0xEE});
  auto grant = self.grant_write(rdisk::where, into).value();
  const auto got =
      self.sendrec(rdisk::where, rdisk::read{minor, static_cast<std::uint32_t>(bytes), position, grant.ref()});
  if (!got) return got.error();
  into.resize(got->length);
  return into;
}
template <class Self>
void open_both(Self& self) {
  for (const std::uint32_t minor : {0u, 1u})
    REQUIRE(self.sendrec(rdisk::where, rdisk::open{minor, rdisk::mode::read_write}));
}

}  // namespace

TEMPLATE_TEST_CASE("what is written to a device is read back, at any place and length", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    for (const std::uint32_t minor : {0u, 1u}) {
      const auto bytes = pattern(50'001, 7);
      REQUIRE(write(self, minor, 4'999, bytes) == errc::ok);
      CHECK(read(self, minor, 4'999, bytes.size()).value() == bytes);
      const auto part = read(self, minor, 6'000, 10).value();
      CHECK(std::equal(part.begin(), part.end(), bytes.begin() + 1'001));
      CHECK(read(self, minor, 0, 1).value() == std::vector{std::byte{0}});
    }
  });
}

TEMPLATE_TEST_CASE("an open tells the size of the device; a second open is counted", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    const auto opened = self.sendrec(rdisk::where, rdisk::open{0, rdisk::mode::read});
    REQUIRE(opened);
    CHECK(opened->bytes == disk_bytes);
    CHECK(opened->buffer_bytes == 4096);
    CHECK(opened->is_volatile == 1);
    REQUIRE(self.sendrec(rdisk::where, rdisk::open{0, rdisk::mode::read}));
    REQUIRE(self.sendrec(rdisk::where, rdisk::close{0}));
    CHECK(read(self, 0, 0, 10));
    REQUIRE(self.sendrec(rdisk::where, rdisk::close{0}));
    CHECK(read(self, 0, 0, 10).error() == errc::bad_descriptor);
    CHECK(self.sendrec(rdisk::where, rdisk::close{0}).error() == errc::bad_descriptor);
  });
}

TEMPLATE_TEST_CASE("a device that is open for reading only is not written", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    REQUIRE(self.sendrec(rdisk::where, rdisk::open{0, rdisk::mode::read}));
    CHECK(write(self, 0, 0, pattern(10, 1)) == errc::bad_descriptor);
    CHECK(read(self, 0, 0, 10).value() == std::vector<std::byte>(10));
  });
}

TEMPLATE_TEST_CASE("at the end of a device a transfer is short, and past it there is nothing", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    CHECK(read(self, 0, disk_bytes - 10, 100).value().size() == 10);
    CHECK(read(self, 0, disk_bytes, 100).value().empty());
    CHECK(read(self, 0, ~std::uint64_t{0} - 100, 100).value().empty());
    CHECK(read(self, 0, ~std::uint64_t{0} - 98, 100).error() == errc::range);
    const auto bytes = pattern(100, 3);
    auto grant = self.grant_read(rdisk::where, bytes).value();
    CHECK(self.sendrec(rdisk::where, rdisk::write{0, 100, disk_bytes - 10, grant.ref()}).value().length == 10);
    CHECK(self.sendrec(rdisk::where, rdisk::write{0, 100, disk_bytes, grant.ref()}).error() == errc::no_space);
    CHECK(self.sendrec(rdisk::where, rdisk::write{0, 100, disk_bytes + 1, grant.ref()}).error() == errc::range);
    CHECK(self.sendrec(rdisk::where, rdisk::write{0, 0, disk_bytes, grant.ref()}).value().length == 0);
  });
}

TEMPLATE_TEST_CASE("requests that name no device, a wrong mode or too many bytes are refused", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    CHECK(self.sendrec(rdisk::where, rdisk::open{2, rdisk::mode::read}).error() == errc::no_device);
    CHECK(self.sendrec(rdisk::where, rdisk::open{0, rdisk::mode{0}}).error() == errc::bad_argument);
    CHECK(self.sendrec(rdisk::where, rdisk::open{0, rdisk::mode{4}}).error() == errc::bad_argument);
    CHECK(self.sendrec(rdisk::where, rdisk::close{9}).error() == errc::no_device);
    CHECK(self.sendrec(rdisk::where, rdisk::flush{9}).error() == errc::no_device);
    CHECK(self.sendrec(rdisk::where, rdisk::geometry{9}).error() == errc::no_device);
    CHECK(read(self, 9, 0, 10).error() == errc::no_device);
    CHECK(read(self, 0, 0, rdisk::bytes_max + 1).error() == errc::too_big);
    CHECK(read(self, 0, 0, rdisk::bytes_max).value().size() == disk_bytes);
  });
}

TEMPLATE_TEST_CASE("a transfer needs a grant of the caller's own that is large enough", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    for (const std::uint32_t minor : {0u, 1u}) {
      CHECK(self.sendrec(rdisk::where, rdisk::read{minor, 10, 0, dvs::no_grant<dvs::writable>}).error() ==
            errc::not_granted);
      std::array<std::byte, 100> memory{};
      auto grant = self.grant_write(rdisk::where, memory).value();
      CHECK(self.sendrec(rdisk::where, rdisk::read{minor, 101, 0, grant.ref()}).error() == errc::range);
      const dvs::grant_ref<dvs::readable> wrong_way{grant.ref().granter, grant.ref().id};
      CHECK(self.sendrec(rdisk::where, rdisk::write{minor, 100, 0, wrong_way}).error() == errc::not_granted);
      const dvs::grant_ref<dvs::writable> of_another{dvs::endpoint_id{1}, grant.ref().id};
      CHECK(self.sendrec(rdisk::where, rdisk::read{minor, 100, 0, of_another}).error() == errc::not_granted);
    }
  });
}

TEMPLATE_TEST_CASE("memory that one process granted is not reached through the request of another", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([&](auto& self) {
    open_both(self);
    std::array<std::byte, 100> memory{};
    auto grant = self.grant_write(rdisk::where, memory).value();
    REQUIRE(write(self, 0, 0, pattern(100, 9)) == errc::ok);
    errc refused = errc::ok;
    const auto thief = house.start_user([&, ref = grant.ref()](auto& other) {
      refused = other.sendrec(rdisk::where, rdisk::read{0, 100, 0, ref}).error();
    });
    REQUIRE(self.wait_unbind(thief));
    CHECK(refused == errc::not_granted);
    CHECK(memory == std::array<std::byte, 100>{});
  });
}

TEMPLATE_TEST_CASE("a vector moves its pieces to and from consecutive places", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    for (const std::uint32_t minor : {0u, 1u}) {
      const auto bytes = pattern(64 * 100, 11);
      auto from = self.grant_read(rdisk::where, bytes).value();
      std::vector<rdisk::piece<dvs::readable>> out;
      for (std::uint32_t i = 0; i < 64; ++i) out.push_back({from.ref(), (63 - i) * 100, 100});
      auto out_grant = self.grant_read(rdisk::where, out).value();
      REQUIRE(self.sendrec(rdisk::where, rdisk::scatter{minor, 64, 1'000, out_grant.ref()}).value().length == 6'400);
      const auto written = read(self, minor, 1'000, 6'400).value();
      for (std::size_t i = 0; i < 64; ++i)
        CHECK(std::equal(bytes.begin() + static_cast<std::ptrdiff_t>((63 - i) * 100),
                         bytes.begin() + static_cast<std::ptrdiff_t>((64 - i) * 100),
                         written.begin() + static_cast<std::ptrdiff_t>(i * 100)));

      std::vector<std::byte> first(300), second(500);
      auto first_grant = self.grant_write(rdisk::where, first).value();
      auto second_grant = self.grant_write(rdisk::where, second).value();
      const std::vector<rdisk::piece<dvs::writable>> in = {
          {first_grant.ref(), 0, 300}, {second_grant.ref(), 200, 300}, {first_grant.ref(), 0, 0}};
      auto in_grant = self.grant_read(rdisk::where, in).value();
      REQUIRE(self.sendrec(rdisk::where, rdisk::gather{minor, 3, 1'000, in_grant.ref()}).value().length == 600);
      CHECK(std::equal(first.begin(), first.end(), written.begin()));
      CHECK(std::equal(second.begin() + 200, second.end(), written.begin() + 300));
      CHECK(std::all_of(second.begin(), second.begin() + 200, [](std::byte b) { return b == std::byte{0}; }));
    }
  });
}

TEMPLATE_TEST_CASE("a vector has 1 to 64 pieces and at most 1 MiB", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    std::vector<std::byte> memory(1'000);
    auto grant = self.grant_write(rdisk::where, memory).value();
    std::vector<rdisk::piece<dvs::writable>> pieces(65, {grant.ref(), 0, rdisk::bytes_max});
    auto vector = self.grant_read(rdisk::where, pieces).value();
    CHECK(self.sendrec(rdisk::where, rdisk::gather{0, 0, 0, vector.ref()}).error() == errc::bad_argument);
    CHECK(self.sendrec(rdisk::where, rdisk::gather{0, 65, 0, vector.ref()}).error() == errc::bad_argument);
    CHECK(self.sendrec(rdisk::where, rdisk::gather{0, 2, 0, vector.ref()}).error() == errc::too_big);
    CHECK(self.sendrec(rdisk::where, rdisk::gather{0, 2, 0, dvs::no_grant<dvs::readable>}).error() ==
          errc::not_granted);
  });
}

TEMPLATE_TEST_CASE("a place that the storage can not reach gives an I/O error, and others still work", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    CHECK(read(self, 1, 89'900, 512).error() == errc::io_error);
    CHECK(write(self, 1, 89'900, pattern(512, 5)) == errc::io_error);
    CHECK(read(self, 1, 0, 89'000).value().size() == 89'000);
  });
}

TEMPLATE_TEST_CASE("the opens of a process that dies are closed", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([&](auto& self) {
    const auto dying = house.start_user([](auto& other) {
      static_cast<void>(other.sendrec(rdisk::where, rdisk::open{0, rdisk::mode::read_write}));
    });
    REQUIRE(self.wait_unbind(dying));
    CHECK(read(self, 0, 0, 10).error() == errc::bad_descriptor);
  });
}

TEMPLATE_TEST_CASE("the geometry is made of 2 heads and 32 sectors", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    const auto shape = self.sendrec(rdisk::where, rdisk::geometry{0});
    REQUIRE(shape);
    CHECK(shape->bytes == disk_bytes);
    CHECK(shape->cylinders == disk_bytes / (2 * 32 * 512));
    CHECK(shape->heads * shape->sectors * shape->sector_bytes == 32'768);
  });
}

TEMPLATE_TEST_CASE("a dump has a row for each device, cut where the memory ends", "", EVERYWHERE) {
  house<TestType> house;
  start_rdisk(house);
  house.as_user([](auto& self) {
    open_both(self);
    REQUIRE(write(self, 1, 0, pattern(700, 1)) == errc::ok);
    std::array<rdisk::device_row, 2> rows{};
    auto grant = self.grant_write(rdisk::where, rows).value();
    const auto told = self.sendrec(rdisk::where, rdisk::dump{sizeof rows, grant.ref()});
    REQUIRE(told);
    CHECK(told->length == sizeof rows);
    CHECK(told->total == sizeof rows);
    CHECK(muk::text_of(rows[1].name) == "slow");
    CHECK(rows[0].in_memory == 1);
    CHECK(rows[1].in_memory == 0);
    CHECK(rows[1].minor == 1);
    CHECK(rows[1].opens == 1);
    CHECK(rows[1].open_for_writing == 1);
    CHECK(rows[1].writes == 1);
    CHECK(rows[1].bytes_written == 700);
    const auto part = self.sendrec(rdisk::where, rdisk::dump{10, grant.ref()});
    REQUIRE(part);
    CHECK(part->length == 10);
    CHECK(part->total == sizeof rows);
    CHECK(self.sendrec(rdisk::where, rdisk::dump{10, dvs::no_grant<dvs::writable>}).error() == errc::not_granted);
  });
}
