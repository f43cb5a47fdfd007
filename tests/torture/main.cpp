// SPDX-License-Identifier: MIT
/// @file
/// The torture: processes that talk at random through a daemon, some of which are killed at random moments, again and
/// again. Every message is accounted for, nobody hangs, and the daemon is left with nothing.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <tests/cluster/daemon_program.hpp>
#include <thread>

#include "party.hpp"

namespace torture {
namespace {

using namespace std::chrono_literals;
constexpr auto longest_silence = 30s;

struct plan {
  std::uint64_t kills = 1000;
  std::uint64_t seed = std::random_device{}();
};

[[noreturn]] void live_once(const std::string& daemon, ledger& book, std::uint64_t me, std::uint64_t seed) {
  try {
    dvs::userspace::node node(daemon);
    auto dc = node.open_dc("torture");
    auto self = dc.bind(dvs::endpoint_id{static_cast<std::int32_t>(me) + 1});
    // Its last owner may have died just now.
    for (; self.error() == dvs::errc::slot_used; self = dc.bind(dvs::endpoint_id{static_cast<std::int32_t>(me) + 1}))
      std::this_thread::yield();
    party(**self, book, me, seed).live();
    self = dvs::errc::not_bound;
    dc.end();
  } catch (const std::exception& problem) {
    ++book.broken;
    std::fprintf(stderr, "party %d: %s\n", static_cast<int>(me), problem.what());
    std::_Exit(1);
  }
  std::_Exit(0);
}

std::size_t descriptors_of(pid_t process) {
  const std::filesystem::directory_iterator open("/proc/" + std::to_string(process) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

std::size_t resident_kilobytes_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;)
    if (std::size_t kilobytes; word == "VmRSS:" && status >> kilobytes) return kilobytes;
  return 0;
}

/// Asks the daemon what it has; in a process of its own, as who forks must have no threads.
bool daemon_is_empty(const std::string& daemon) {
  const pid_t child = ::fork();
  if (child == 0) {
    dvs::userspace::attachment line(daemon);
    dvs::userspace::json told;
    for (int patience = 0; patience < 500; ++patience) {
      told = line.ask({{"op", "status"}}).value();
      if (told["lines"] == 2 && told["commands"] == 0 && told["dcs"] == 1) std::_Exit(0);  // the keeper's and this one
      std::this_thread::sleep_for(10ms);
    }
    std::fprintf(stderr, "the daemon still has %s\n", told.dump().c_str());
    std::_Exit(1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

/// Keeps the DC while it is needed.
pid_t keep_dc(const std::string& daemon, ledger& book) {
  const pid_t child = ::fork();
  if (child == 0) {
    dvs::userspace::node node(daemon);
    auto dc = node.create_dc("torture");
    ++book.progress[0];
    ::pause();
  }
  while (book.progress[0] == 0) ::usleep(500);
  return child;
}

class executioner {
 public:
  explicit executioner(const plan& p) : plan_(p), chance_(p.seed), book_(ledger::open()) {}

  int run() {
    std::printf("seed %llu\n", static_cast<unsigned long long>(plan_.seed));
    const std::string where = daemon_.path();
    const pid_t keeper = keep_dc(where, book_);
    const std::size_t descriptors = descriptors_of(daemon_.process());
    for (std::uint64_t me = 0; me < ledger::parties; ++me) start(me);
    std::ranges::fill(last_moved_, std::chrono::steady_clock::now());
    std::size_t early_kilobytes = 0;
    for (std::uint64_t done = 0; done < plan_.kills && is_well_; ++done) {
      wait_some_time();
      if (done == plan_.kills / 10) early_kilobytes = resident_kilobytes_of(daemon_.process());
      const std::uint64_t victim = chance_() % ledger::mortals;
      ::kill(parties_[victim], SIGKILL);
      reap(victim, true);
      start(victim);
      report(done + 1);
    }
    const std::size_t late_kilobytes = resident_kilobytes_of(daemon_.process());
    book_.is_over = true;
    for (std::uint64_t me = 0; me < ledger::parties; ++me) finish(me);
    expect(daemon_is_empty(where), "the daemon has let go of everything");
    for (int patience = 0; descriptors_of(daemon_.process()) != descriptors && patience < 500; ++patience)
      ::usleep(10'000);
    expect(descriptors_of(daemon_.process()) == descriptors, "the daemon has as many descriptors as before");
    expect(late_kilobytes < early_kilobytes + 4096, "the daemon does not grow");
    ::kill(keeper, SIGKILL);
    ::waitpid(keeper, nullptr, 0);
    return judge(early_kilobytes, late_kilobytes);
  }

 private:
  void start(std::uint64_t me) {
    const std::uint64_t seed = chance_();
    parties_[me] = ::fork();
    if (parties_[me] == 0) live_once(daemon_.path(), book_, me, seed);
  }
  void reap(std::uint64_t me, bool was_killed) {
    int status = 0;
    ::waitpid(parties_[me], &status, 0);
    const bool is_fair =
        was_killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!is_fair) std::fprintf(stderr, "party %d ended with status %d\n", static_cast<int>(me), status);
    expect(is_fair, "a party ends as it should");
  }
  /// Waits for a party that is to return by itself.
  void finish(std::uint64_t me) {
    const auto begin = std::chrono::steady_clock::now();
    siginfo_t ended{};
    while (::waitid(P_PID, static_cast<id_t>(parties_[me]), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0) {
      if (std::chrono::steady_clock::now() - begin > longest_silence) {
        hang(me);
        break;
      }
      ::usleep(1000);
    }
    reap(me, false);
  }
  void hang(std::uint64_t me) {
    std::fprintf(stderr, "party %d (process %d) hangs\n", static_cast<int>(me), static_cast<int>(parties_[me]));
    if (std::getenv("DVS_TORTURE_KEEP") != nullptr) ::pause();
    ::kill(parties_[me], SIGKILL);
    is_well_ = false;
  }
  /// From no time at all, so that some die while they are being born, to some milliseconds.
  void wait_some_time() {
    const std::uint64_t spins = chance_() % 4;
    if (spins != 0) ::usleep(static_cast<useconds_t>(chance_() % (spins * spins * 1000)));
  }
  void report(std::uint64_t kills) {
    const auto now = std::chrono::steady_clock::now();
    for (std::uint64_t me = ledger::mortals; me < ledger::parties; ++me) {
      if (book_.progress[me] != last_progress_[me]) last_moved_[me] = now;
      last_progress_[me] = book_.progress[me];
      if (now - last_moved_[me] > longest_silence) hang(me);
    }
    if (now - reported_ < 2s) return;
    reported_ = now;
    std::printf("%llu of %llu kills\n", static_cast<unsigned long long>(kills),
                static_cast<unsigned long long>(plan_.kills));
    std::fflush(stdout);
  }
  void expect(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "broken: %s\n", what);
    is_well_ = false;
  }

  int judge(std::size_t early_kilobytes, std::size_t late_kilobytes) {
    std::uint64_t messages = 0, delivered = 0, wrong = 0;
    for (std::uint64_t party = 0; party < ledger::parties; ++party)
      for (std::uint64_t i = 0; i < std::min<std::uint64_t>(book_.next[party], ledger::messages_each); ++i) {
        ++messages;
        delivered += book_.messages[party][i] >= ledger::once_taken;
        if (book_.is_in_order(party, i)) continue;
        if (++wrong <= 5)
          std::fprintf(stderr, "message %llu of party %llu to %d: state %x\n", static_cast<unsigned long long>(i),
                       static_cast<unsigned long long>(party), static_cast<int>(book_.receivers[party][i]),
                       static_cast<unsigned>(book_.messages[party][i]));
      }
    std::printf(
        "%llu messages, %llu delivered, %llu copies; %llu not accounted for, %llu broken expectations; the "
        "daemon had %zu KiB, then %zu\n",
        static_cast<unsigned long long>(messages), static_cast<unsigned long long>(delivered),
        static_cast<unsigned long long>(book_.copies.load()), static_cast<unsigned long long>(wrong),
        static_cast<unsigned long long>(book_.broken.load()), early_kilobytes, late_kilobytes);
    return is_well_ && wrong == 0 && book_.broken == 0 && delivered != 0 && book_.copies != 0 ? 0 : 1;
  }

  const plan plan_;
  std::mt19937_64 chance_;
  ledger& book_;
  daemon_program daemon_;
  pid_t parties_[ledger::parties]{};
  std::uint64_t last_progress_[ledger::parties]{};
  std::chrono::steady_clock::time_point last_moved_[ledger::parties]{};
  std::chrono::steady_clock::time_point reported_ = std::chrono::steady_clock::now();
  bool is_well_ = true;
};

}  // namespace
}  // namespace torture

int main(int argc, char** argv) {
  torture::plan plan;
  CLI::App app{"Kills processes of a dvs node at random moments, and accounts for every message."};
  app.add_option("--kills", plan.kills, "how many")->capture_default_str();
  app.add_option("--seed", plan.seed, "of everything that is random, but for what the machine adds");
  CLI11_PARSE(app, argc, argv);
  return torture::executioner(plan).run();
}
