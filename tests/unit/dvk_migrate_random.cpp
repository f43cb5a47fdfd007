// SPDX-License-Identifier: MIT
/// @file
/// A server that moves between three nodes at random moments while clients of all of them use it: the rules of
/// migration driven by the protocol of ADR 0020, with links that are slow. DVS_SEED=number repeats a run.
#include <dvs/dvk/estate.h>

#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "dvk_world.hpp"

namespace {

constexpr int nodes = 3;
constexpr int clients = 3;          // on each node
constexpr dvk_endpoint server = 0;  // and slots 1 to 3 are who notifies it, one on each node

enum class says { request, send, notify, done, elsewhere, adopt, adopted, settle, forget, placed };

struct frame {
  says what;
  dvk_endpoint from;       // whose command it is
  int number = 0;          // what the message says, or the result
  int node = 0;            // elsewhere, placed
  std::uint64_t bits = 0;  // notify
  unsigned term = 0;       // placed
  std::vector<std::uint8_t> bytes{};
};

class cluster;

/// One node: its table, and the driver that carries out what is asked of processes elsewhere.
class node : public world {
 public:
  node(cluster& all, int number) : all_(all), number_(number) {}

  void step(std::mt19937_64& chance);
  void arrives(int from, const frame& f);
  void settle();
  bool is_server_here() { return info(server).node == DVK_HERE; }
  bool is_quiet() { return asked_.empty() && open_.empty(); }

  dvk_endpoint client(int i) const { return dvk_endpoint_make(1, 8 + number_ * clients + i); }
  dvk_endpoint notifier() const { return 1 + number_; }

 private:
  void client_acts(int i, std::mt19937_64& chance);
  void server_acts(std::mt19937_64& chance);
  void manager_acts(std::mt19937_64& chance);
  void ask_elsewhere();
  void carried_out(dvk_endpoint who, int result);
  void takes();
  frame whereabouts(dvk_endpoint whose) {
    return {.what = says::elsewhere, .from = whose, .node = info(server).node, .term = info(server).term};
  }
  /// What names this node itself is told by the estate.
  void learns(const frame& f) {
    if (f.node != number_ && !is_server_here()) dvk_migrate_place(table(), server, f.node, f.term);
  }

  cluster& all_;
  int number_;
  std::set<dvk_endpoint> asked_;      // processes here whose command lies at the server's node
  std::map<dvk_endpoint, int> open_;  // processes elsewhere whose command lies here, and their node
  std::vector<std::pair<dvk_endpoint, std::uint32_t>> owed_;
  std::unique_ptr<dvk_estate> estate_ = std::make_unique<dvk_estate>();
  bool decides_ = false;            // has asked another node to adopt
  std::vector<std::uint8_t> kept_;  // the estate of a process that may come
};

class cluster {
 public:
  explicit cluster(std::uint64_t seed) : chance_(seed) {
    for (int n = 0; n < nodes; ++n) all_.push_back(std::make_unique<node>(*this, n));
    for (int n = 0; n < nodes; ++n) {
      for (int other = 0; other < nodes; ++other) populate(*all_[at(n)], *all_[at(other)], n == other, other);
      if (n == 0) {
        REQUIRE(all_[0]->bind(server, 99) == server);
      } else {
        REQUIRE(dvk_bind_remote(all_[at(n)]->table(), server, "server", 0) == 0);
      }
    }
  }

  void say(int from, int to, frame f) { links_[at(from)][at(to)].push_back(std::move(f)); }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    is_ending = true;
    for (int i = 0; i < 5'000; ++i) step();
  }
  void check() {
    for (auto& each : all_) CHECK(each->is_quiet());
    int homes = 0;
    for (auto& each : all_) homes += each->is_server_here();
    CHECK(homes == 1);
    CHECK(taken == sent);
    CHECK(answered == requested);
    CHECK(heard == notified);
    CHECK(moves > 10);
    CHECK(rollbacks > 10);
  }

  bool is_ending = false;
  int moves = 0, rollbacks = 0, redirected = 0, notified = 0, heard = 0, requested = 0, answered = 0;
  std::map<dvk_endpoint, int> sent, taken;       // how many messages of each client
  std::array<std::uint64_t, nodes> under_way{};  // bits of notifications that nobody has heard yet

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static void populate(node& into, node& home, bool is_home, int where) {
    for (int i = 0; i <= clients; ++i) {
      const dvk_endpoint who = i == clients ? home.notifier() : home.client(i);
      if (is_home) {
        REQUIRE(dvk_bind_at(into.table(), who, "", 0) == 0);
        REQUIRE(into.allow(who, dvk_all_calls()) == 0);
      } else {
        REQUIRE(dvk_bind_remote(into.table(), who, "", where) == 0);
      }
    }
  }
  void step() {
    const auto from = chance_() % nodes, to = chance_() % nodes;
    auto& link = links_[from][to];
    if (!link.empty()) {
      const frame first = std::move(link.front());
      link.pop_front();
      all_[to]->arrives(static_cast<int>(from), first);
      all_[to]->settle();
    }
    node& one = *all_[chance_() % nodes];
    one.step(chance_);
    one.settle();
  }

  std::mt19937_64 chance_;
  std::vector<std::unique_ptr<node>> all_;
  std::array<std::array<std::deque<frame>, nodes>, nodes> links_;
};

void node::step(std::mt19937_64& chance) {
  switch (chance() % 8) {
    case 0:
    case 1:
      return client_acts(static_cast<int>(chance() % clients), chance);
    case 2:
      return manager_acts(chance);
    case 3: {
      const std::uint64_t bit = 1ULL << chance() % 64;
      auto& mine = all_.under_way[static_cast<std::size_t>(number_)];
      if (all_.is_ending || (mine & bit)) return;
      mine |= bit;
      ++all_.notified;
      if (is_server_here()) {
        notify(notifier(), server, bit);
      } else {
        all_.say(number_, info(server).node, {.what = says::notify, .from = notifier(), .bits = bit});
      }
      return;
    }
    default:
      return server_acts(chance);
  }
}

void node::client_acts(int i, std::mt19937_64& chance) {
  const dvk_endpoint me = client(i);
  if (!runs(me) || all_.is_ending) return;
  const int number = ++all_.sent[me];
  const bool asks = chance() % 2 == 0;
  all_.requested += asks;
  const int result = asks ? sendrec(me, server, number) : send(me, server, number);
  REQUIRE((result == DVK_BLOCKED || (result == 0 && !asks)));
}

/// Carries what waits here for the server to the node where it is, each command once.
void node::ask_elsewhere() {
  if (is_server_here()) return;
  for (dvk_endpoint who = DVK_NONE; (who = dvk_next_sender(table(), server, who)) != DVK_NONE;) {
    if (info(who).node != DVK_HERE || !asked_.insert(who).second) continue;
    const bool asks = info(who).operation == DVK_CALL_sendrec;
    dvk_slot* slot = nullptr;
    REQUIRE(dvk_find_bound(table(), who, &slot) == 0);
    all_.say(number_, info(server).node,
             {.what = asks ? says::request : says::send, .from = who, .number = slot->message.type});
  }
}

void node::takes() {
  const dvk_message got = received(server);
  if (got.type == DVK_NOTIFICATION) {
    const std::uint64_t bits = dvk_notification_of(&got).value;
    auto& mine = all_.under_way[static_cast<std::size_t>(got.source - 1)];
    REQUIRE((mine & bits) == bits);
    mine &= ~bits;
    all_.heard += std::popcount(bits);
    return;
  }
  REQUIRE(got.type == ++all_.taken[got.source]);
  if (const std::uint32_t exchange = dvk_exchange_of(table(), server)) owed_.emplace_back(got.source, exchange);
}

void node::server_acts(std::mt19937_64& chance) {
  if (!is_server_here()) return;
  if (!owed_.empty() && (chance() % 2 == 0 || all_.is_ending)) {
    const auto [who, exchange] = owed_.front();
    owed_.erase(owed_.begin());
    const dvk_message answer = message(0);
    REQUIRE(dvk_reply(table(), server, who, exchange, &answer) == 0);
  } else if (runs(server)) {
    if (receive(server) == 0) takes();
  }
}

void node::manager_acts(std::mt19937_64& chance) {
  if (!is_server_here()) return;
  const unsigned moving = info(server).moving;
  if (moving == DVK_MOVING_settled && !all_.is_ending) {
    REQUIRE(dvk_migrate_start(table(), server) == 0);
  } else if (moving != DVK_MOVING_settled && moving != DVK_MOVING_departed && (all_.is_ending || chance() % 8 == 0)) {
    REQUIRE(dvk_migrate_rollback(table(), server, nullptr) == 0);
    ++all_.rollbacks;
  } else if (moving == DVK_MOVING_held) {
    REQUIRE(dvk_migrate_leave(table(), server, estate_.get()) == 0);
    frame estate{.what = says::adopt, .from = server, .bytes = std::vector<std::uint8_t>(DVK_ESTATE_BYTES_MAX)};
    std::size_t used = 0;
    REQUIRE(dvk_estate_encode(estate_.get(), estate.bytes.data(), estate.bytes.size(), &used) == 0);
    estate.bytes.resize(used);
    all_.say(number_, (number_ + 1 + static_cast<int>(chance() % (nodes - 1))) % nodes, estate);
    decides_ = chance() % 4 != 0;  // otherwise it changes its mind
  }
}

void node::arrives(int from, const frame& f) {
  switch (f.what) {
    case says::request:
    case says::send: {
      if (!is_server_here()) {
        return all_.say(number_, from, whereabouts(f.from));
      }
      open_[f.from] = from;
      const int result = f.what == says::send ? send(f.from, server, f.number) : sendrec(f.from, server, f.number);
      if (result != DVK_BLOCKED) carried_out(f.from, result);
      return;
    }
    case says::notify: {
      if (is_server_here() || !kept_.empty()) {
        notify(f.from, server, f.bits);  // it stays pending for who is to come
      } else {
        all_.say(number_, info(server).node, f);
      }
      return;
    }
    case says::done: {
      REQUIRE(asked_.erase(f.from) == 1);
      const bool asks = info(f.from).operation == DVK_CALL_sendrec;
      REQUIRE(dvk_receive(table(), server, f.from, DVK_NOWAIT) == 0);
      if (asks) REQUIRE(reply(server, f.from) == 0);
      return;
    }
    case says::elsewhere:
      ++all_.redirected;
      REQUIRE(asked_.erase(f.from) == 1);
      return learns(f);
    case says::adopt:
      kept_ = f.bytes;
      return all_.say(number_, from, {.what = says::adopted, .from = server});
    case says::adopted: {
      if (!decides_) {
        REQUIRE(dvk_migrate_rollback(table(), server, estate_.get()) == 0);
        ++all_.rollbacks;
        return all_.say(number_, from, {.what = says::forget, .from = server});
      }
      REQUIRE(dvk_migrate_commit(table(), server, from) == 0);
      ++all_.moves;
      for (dvk_estate_note late{}; dvk_take_late(table(), server, &late);) {
        all_.say(number_, from, {.what = says::notify, .from = late.source, .bits = late.notification.value});
      }
      all_.say(number_, from, {.what = says::settle, .from = server});
      for (const auto& [who, home] : open_) {
        REQUIRE(dvk_cancel(table(), who, DVK_E_not_connected) == 0);
        all_.say(number_, home, whereabouts(who));
      }
      return open_.clear();
    }
    case says::forget:
      return kept_.clear();
    case says::settle: {
      REQUIRE(dvk_estate_decode(kept_.data(), kept_.size(), estate_.get()) == 0);
      REQUIRE(dvk_migrate_adopt(table(), estate_.get(), 99) == 0);
      kept_.clear();
      for (int other = 0; other < nodes; ++other) {
        if (other == number_) continue;
        all_.say(number_, other, {.what = says::placed, .from = server, .node = number_, .term = info(server).term});
      }
      return;
    }
    case says::placed:
      return learns(f);
  }
}

void node::carried_out(dvk_endpoint who, int result) {
  REQUIRE(open_.count(who) == 1);
  REQUIRE(result == 0);
  all_.say(number_, open_[who], {.what = says::done, .from = who});
  open_.erase(who);
}

void node::settle() {
  for (const auto& [who, result] : completions()) {
    if (who == server) {
      if (result == 0) takes();
    } else if (info(who).node != DVK_HERE) {
      if (result != DVK_E_not_connected) carried_out(who, result);
    } else {
      REQUIRE(result == 0);
      all_.answered += received(who).type == 0 && received(who).source == server;
    }
  }
  ask_elsewhere();
}

}  // namespace

TEST_CASE("while a server moves nothing is lost, nothing comes twice, and everybody is answered") {
  const char* wanted = std::getenv("DVS_SEED");
  const std::uint64_t seed = wanted ? std::strtoull(wanted, nullptr, 0) : std::random_device{}();
  std::cout << "DVS_SEED=" << seed << "\n";
  CAPTURE(seed);
  cluster all(seed);
  all.run(200'000);
  std::cout << all.moves << " moves, " << all.rollbacks << " rollbacks, " << all.redirected << " asked again\n";
  all.check();
}
