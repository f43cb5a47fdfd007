// SPDX-License-Identifier: MIT
/// @file
/// Many callers at once: fibers of one thread that wait for the device and for each other.
#include <boost/context/fiber.hpp>
#include <deque>
#include <list>
#include <map>
#include <set>

#include "minixfs_support.hpp"

using namespace minixfs_test;
using dvs::errc;

namespace {

// The smallest scheduler that can hold fibers back: a queue of those that may run, and whoever keeps the others.
class scheduler {
 public:
  struct task {
    boost::context::fiber fiber;   // where it goes on
    boost::context::fiber caller;  // the loop
    bool done = false;
  };

  class wait_queue {
   public:
    explicit wait_queue(scheduler& owner) : owner_(owner) {}
    void wait() {
      waiting_.push_back(owner_.running_);
      owner_.suspend();
    }
    void wake_all() {
      for (task* one : std::exchange(waiting_, {})) owner_.ready_.push_back(one);
    }

   private:
    scheduler& owner_;
    std::vector<task*> waiting_;
  };

  [[nodiscard]] std::uint32_t now() const { return 1000; }

  void spawn(std::function<void()> body) {
    task& fresh = tasks_.emplace_back();
    fresh.fiber = boost::context::fiber{std::allocator_arg, boost::context::fixedsize_stack{256 * 1024},
                                        [&fresh, body = std::move(body)](boost::context::fiber&& from) {
                                          fresh.caller = std::move(from);
                                          body();
                                          fresh.done = true;
                                          return std::move(fresh.caller);
                                        }};
    ready_.push_back(&fresh);
  }
  /// Lets all run that can; returns how many are not done.
  std::size_t run() {
    while (!ready_.empty()) {
      const std::size_t pick = random_ ? (*random_)() % ready_.size() : 0;
      running_ = ready_[pick];
      ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(pick));
      running_->fiber = std::move(running_->fiber).resume();
    }
    std::erase_if(tasks_, [](const task& one) { return one.done; });
    return tasks_.size();
  }
  void suspend() { running_->caller = std::move(running_->caller).resume(); }
  void yield() {
    ready_.push_back(running_);
    suspend();
  }
  void shuffle(std::mt19937& random) { random_ = &random; }

 private:
  std::list<task> tasks_;
  std::deque<task*> ready_;
  task* running_ = nullptr;
  std::mt19937* random_ = nullptr;
};

// A device whose requests can be held back, or take turns with everything else.
struct slow_device : memory_device {
  slow_device(memory_device content, scheduler& owner)
      : memory_device(std::move(content)), host(owner), released(owner) {}

  dvs::result<void> read(std::uint64_t offset, std::span<std::byte> into) {
    wait(offset, into.size());
    return memory_device::read(offset, into);
  }
  dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
    wait(offset, from.size());
    // What the cache hands out must stay as it is until the request ends.
    const std::vector<std::byte> at_start{from.begin(), from.end()};
    if (always) host.yield();
    if (!std::equal(from.begin(), from.end(), at_start.begin())) torn = true;
    return memory_device::write(offset, from);
  }
  dvs::result<void> flush() { return {}; }

  void wait(std::uint64_t offset, std::size_t length) {
    if (always) host.yield();
    while (std::any_of(held.begin(), held.end(),
                       [&](std::uint64_t block) { return offset <= block * 1024 && block * 1024 < offset + length; }))
      released.wait();
  }

  scheduler& host;
  scheduler::wait_queue released;
  std::set<std::uint64_t> held;  // requests that touch these blocks wait
  bool always = false;           // every request lets others run first
  bool torn = false;
};

using shared_volume = mfs::file_system<slow_device, scheduler>;

std::uint64_t block_that_begins_with(const memory_device& device, std::string_view text) {
  for (std::uint64_t block = 0; block < device.bytes.size() / 1024; ++block)
    if (std::memcmp(device.bytes.data() + block * 1024, text.data(), text.size()) == 0) return block;
  FAIL("the block is not there");
  return 0;
}

}  // namespace

TEST_CASE("A slow read of one client stops neither the readers nor the writers of other files") {
  memory_device image = made_by_mkfs("-3", 2000);
  {
    mfs::single_caller host;
    volume fs{image, host};
    REQUIRE(fs.mount().error() == errc::ok);
    put(fs, "/between", std::string(5000, 'b'));  // so that no directory is read along with the slow block
    put(fs, "/slow", "slow" + std::string(100'000, 's'));
    put(fs, "/fast", "fast" + std::string(100'000, 'f'));
    REQUIRE(fs.make_directory("/dir", 0755, superuser).error() == errc::ok);
    REQUIRE(fs.sync().error() == errc::ok);
  }
  scheduler fibers;
  slow_device device{image, fibers};
  shared_volume fs{device, fibers};
  std::vector<std::string> order;
  fibers.spawn([&] { REQUIRE(fs.mount().error() == errc::ok); });
  REQUIRE(fibers.run() == 0);
  device.held.insert(block_that_begins_with(image, "slow"));

  fibers.spawn([&] {
    REQUIRE(get(fs, "/slow").starts_with("slow"));
    order.push_back("slow");
  });
  REQUIRE(fibers.run() == 1);
  fibers.spawn([&] {
    REQUIRE(get(fs, "/fast").starts_with("fast"));
    order.push_back("fast");
  });
  fibers.spawn([&] {
    put(fs, "/dir/new", std::string(200'000, 'n'));
    REQUIRE(fs.rename("/dir/new", "/newer", superuser).error() == errc::ok);
    REQUIRE(fs.unlink("/newer", superuser).error() == errc::ok);
    REQUIRE(fs.sync().error() == errc::ok);
    order.push_back("writer");
  });
  REQUIRE(fibers.run() == 1);
  // A second reader of the slow block waits with the first; one of its neighbours does not.
  fibers.spawn([&] {
    auto file = fs.open("/slow", {}, superuser);
    std::array<std::byte, 100> part{};
    REQUIRE(*fs.read(*file, 90'000, part) == 100);
    order.push_back("neighbour");
    REQUIRE(*fs.read(*file, 0, part) == 100);
    order.push_back("second");
  });
  REQUIRE(fibers.run() == 2);
  REQUIRE(order == std::vector<std::string>{"fast", "writer", "neighbour"});
  device.held.clear();
  fibers.spawn([&] { device.released.wake_all(); });
  REQUIRE(fibers.run() == 0);
  REQUIRE(order.size() == 5);
  require_clean(device);
}

TEST_CASE("Writers wait for the readers of the same file, and the other way round") {
  memory_device image = made_by_mkfs("-3", 2000);
  {
    mfs::single_caller host;
    volume fs{image, host};
    REQUIRE(fs.mount().error() == errc::ok);
    put(fs, "/between", std::string(5000, 'b'));
    put(fs, "/f", "old" + std::string(99'997, 'o'));
    REQUIRE(fs.sync().error() == errc::ok);
  }
  scheduler fibers;
  slow_device device{image, fibers};
  shared_volume fs{device, fibers};
  fibers.spawn([&] { REQUIRE(fs.mount().error() == errc::ok); });
  REQUIRE(fibers.run() == 0);
  device.held.insert(block_that_begins_with(image, "old"));
  std::string seen;
  fibers.spawn([&] { seen = get(fs, "/f"); });
  fibers.spawn([&] { put(fs, "/f", std::string(100'000, 'n')); });
  REQUIRE(fibers.run() == 2);
  device.held.clear();
  fibers.spawn([&] { device.released.wake_all(); });
  REQUIRE(fibers.run() == 0);
  REQUIRE(seen == "old" + std::string(99'997, 'o'));
  fibers.spawn([&] { REQUIRE(get(fs, "/f") == std::string(100'000, 'n')); });
  REQUIRE(fibers.run() == 0);
}

TEST_CASE("Forty clients on a device that always yields leave a consistent image, whatever the order") {
  const unsigned seed = std::random_device{}();
  for (unsigned round = 0; round < 6; ++round) {
    INFO("seed " << seed << ", round " << round);
    std::mt19937 random{seed + round};
    scheduler fibers;
    fibers.shuffle(random);
    slow_device device{made_by_mkfs(all_kinds[round % all_kinds.size()], 6000), fibers};
    device.always = true;
    shared_volume fs{device, fibers, {.cache_bytes = round % 2 == 0 ? std::size_t{1} : std::size_t{4} << 20}};
    fibers.spawn([&] {
      REQUIRE(fs.mount().error() == errc::ok);
      for (const char* dir : {"/a", "/a/b", "/a/b/c", "/d"})
        REQUIRE(fs.make_directory(dir, 0755, superuser).error() == errc::ok);
    });
    REQUIRE(fibers.run() == 0);
    std::uint64_t succeeded = 0;
    for (int client = 0; client < 40; ++client) {
      fibers.spawn([&, client] {
        std::mt19937 dice{seed + 1000 * round + static_cast<unsigned>(client)};
        const char* places[] = {"/", "/a/", "/a/b/", "/a/b/c/", "/d/", "/a/x/", "/d/y/"};
        const auto name = [&] {
          return std::string{places[dice() % 7]} + std::string(1, static_cast<char>('s' + dice() % 8));
        };
        // Each client has a file of its own, which nobody else may disturb.
        const std::string own = "/own" + std::to_string(client);
        std::string content;
        for (int i = 0; i < 60; ++i) {
          const std::string one = name(), two = name();
          bool done = false;
          switch (dice() % 9) {
            case 0:
              done = fs.make_directory(one, 0755, superuser).has_value();
              break;
            case 1:
              done = fs.remove_directory(one, superuser).has_value();
              break;
            case 2:
              done = fs.unlink(one, superuser).has_value();
              break;
            case 3:
              done = fs.rename(one, two, superuser).has_value();
              break;
            case 4:
              done = fs.link(one, two, superuser).has_value();
              break;
            case 5: {
              auto file = fs.open(one, {.write = true, .create = true, .truncate = dice() % 2 == 0}, superuser);
              done = file.has_value();
              if (done) (void)fs.write(*file, dice() % 30'000, bytes_of(std::string(dice() % 20'000, 'w')));
              break;
            }
            case 6:
              done = fs.find(one, superuser).has_value();
              break;
            case 7:
              done = fs.sync().has_value();
              break;
            default:
              content = random_text(dice, dice() % 40'000);
              put(fs, own, content);
              REQUIRE(get(fs, own) == content);
              done = true;
          }
          succeeded += done ? 1 : 0;
        }
        if (!content.empty()) REQUIRE(get(fs, own) == content);
      });
    }
    REQUIRE(fibers.run() == 0);
    REQUIRE(succeeded > 600);
    REQUIRE_FALSE(device.torn);
    REQUIRE(fs.statistics().inodes_in_use == 1);
    REQUIRE_FALSE(fs.last_fault().has_value());
    fibers.spawn([&] { REQUIRE(fs.sync().error() == errc::ok); });
    REQUIRE(fibers.run() == 0);
    require_clean(device);
  }
}

TEST_CASE("On images with circles and crossed links no client waits for ever") {
  const unsigned seed = std::random_device{}();
  for (unsigned round = 0; round < 60; ++round) {
    INFO("seed " << seed << ", round " << round);
    std::mt19937 random{seed + round};
    memory_device image{std::vector<std::byte>(std::size_t{400} * 1024)};
    const mfs::superblock shape = mfs::format(image, {.inodes = 64}).value();
    {
      mfs::single_caller host;
      volume fs{image, host};
      REQUIRE(fs.mount().error() == errc::ok);
      for (const char* dir : {"/a", "/a/b", "/a/b/c", "/d", "/d/e"})
        REQUIRE(fs.make_directory(dir, 0755, superuser).error() == errc::ok);
      for (const char* file : {"/a/f", "/a/b/g", "/d/e/h"}) put(fs, file, std::string(20'000, 'x'));
      REQUIRE(fs.sync().error() == errc::ok);
    }
    // Names of directories come to lead to other directories, and zones of files to other files.
    for (int i = 0; i < 6; ++i) {
      const std::size_t inode = 1 + random() % 9;
      const std::size_t record = std::size_t{shape.inode_table_start()} * 1024 + (inode - 1) * 64;
      const auto zone = mfs::load<std::uint32_t>(image.bytes, record + 24);
      if (zone == 0) continue;
      const std::size_t entry = zone * std::size_t{1024} + random() % 5 * 64;
      if (inode < 7) mfs::store(std::span{image.bytes}, entry, static_cast<std::uint32_t>(1 + random() % 9));
      if (inode >= 7) mfs::store(std::span{image.bytes}, record + 28, zone + static_cast<std::uint32_t>(random() % 4));
    }
    scheduler fibers;
    fibers.shuffle(random);
    slow_device device{image, fibers};
    device.always = true;
    shared_volume fs{device, fibers, {.cache_bytes = 1}};
    bool mounted = false;
    fibers.spawn([&] { mounted = fs.mount().has_value(); });
    REQUIRE(fibers.run() == 0);
    if (!mounted) continue;
    for (unsigned client = 0; client < 12; ++client) {
      fibers.spawn([&, client] {
        std::mt19937 dice{seed + 100 * round + client};
        const char* paths[] = {"/a",     "/a/b",   "/a/b/c",   "/d",   "/d/e",          "/a/f",
                               "/a/b/g", "/d/e/h", "/a/b/c/n", "/d/n", "/d/../a/b/../f"};
        for (int i = 0; i < 40; ++i) {
          const char* one = paths[dice() % 11];
          const char* two = paths[dice() % 11];
          switch (dice() % 7) {
            case 0:
              (void)fs.rename(one, two, superuser);
              break;
            case 1:
              (void)fs.remove_directory(one, superuser);
              break;
            case 2:
              (void)fs.make_directory(two, 0755, superuser);
              break;
            case 3:
              (void)fs.unlink(one, superuser);
              break;
            case 4:
              if (auto file = fs.open(one, create, superuser))
                (void)fs.write(*file, 9000, bytes_of(std::string(30'000, 'y')));
              break;
            case 5:
              if (auto file = fs.open(one, {.write = true}, superuser)) (void)fs.truncate(*file, dice() % 20'000);
              break;
            default:
              if (auto file = fs.find(two, superuser)) {
                std::array<std::byte, 5000> part{};
                (void)fs.read(*file, 0, part);
              }
          }
        }
      });
    }
    REQUIRE(fibers.run() == 0);
    fibers.spawn([&] { (void)fs.sync(); });
    REQUIRE(fibers.run() == 0);
    REQUIRE_FALSE(device.torn);
  }
}
