// SPDX-License-Identifier: MIT
/// @file
/// The channel protocol of the userspace backend, run through every schedule: the actual code of `channel.hpp` and
/// `doorbell.hpp` over atomics that stop at every access. What cannot fail proves nothing, so the same search has to
/// find one mistake after the other in protocols that are slightly wrong.
#include <catch2/catch.hpp>
#include <iostream>

#include "interleaving/mutants.hpp"

using namespace interleaving;

namespace {

/// Halves of messages are steps of their own, or messages are read and written at once.
constexpr std::uint32_t halves = 4, whole = 8;
/// Sanitizers watch the code, not the schedules: they see the small scenarios.
constexpr bool thorough = !dvs::detail::sanitized;

template <class Scenario, class... Arguments>
findings explore(const std::string& what, memory_model model, std::uint32_t group, const Arguments&... arguments) {
  machine computer;
  const findings found = computer.explore(model, group, [&] { return std::make_unique<Scenario>(arguments...); });
  std::cout << what << (model == memory_model::sequential ? "" : ", store buffers") << ": " << found.executions
            << " executions, " << found.states << " states\n";
  return found;
}

/// The laws of the scenario hold in every schedule, with sequentially consistent memory and with store buffers.
template <class Scenario, class... Arguments>
void holds(const std::string& what, std::uint32_t group, const Arguments&... arguments) {
  for (const auto model : {memory_model::sequential, memory_model::store_buffers}) {
    if (!thorough && model != memory_model::sequential) continue;
    const findings found = explore<Scenario>(what, model, group, arguments...);
    INFO(what << "\n" << found.trace);
    REQUIRE(found.failure == "");
    REQUIRE(found.executions > 10);
  }
}

/// The same, where there are too many schedules for a sanitizer.
template <class Scenario, class... Arguments>
void holds_thoroughly(const std::string& what, const Arguments&... arguments) {
  if (thorough)
    holds<Scenario>(what, whole, arguments...);
  else
    WARN("not explored under a sanitizer: " << what);
}

/// The search finds a schedule that breaks `law`.
template <class Scenario, class... Arguments>
void breaks(const std::string& law, memory_model model, const Arguments&... arguments) {
  const findings found = explore<Scenario>("  mutant", model, halves, arguments...);
  INFO(found.failure << "\n" << found.trace);
  REQUIRE(!found.failure.empty());
  REQUIRE(found.failure.find(law) != std::string::npos);
}

constexpr auto sequential = memory_model::sequential;
constexpr auto store_buffers = memory_model::store_buffers;
const std::string lost = "lost wake-up";
const std::string one_piece = "in one piece";

}  // namespace

TEST_CASE("a request is taken once and answered once, and nobody sleeps for ever, whoever polls or sleeps") {
  for (const bool asker_polls : {false, true})
    for (const bool server_polls : {false, true})
      holds<asking<protocol>>("requests", halves, asking<protocol>::options{2, asker_polls, server_polls});
  holds_thoroughly<asking<protocol>>("three requests", asking<protocol>::options{3, true, true});
}

TEST_CASE("a send is taken once, and nobody sleeps for ever") {
  for (const bool asker_polls : {false, true})
    holds<asking<protocol>>("sends", halves, asking<protocol>::options{2, asker_polls, false, true});
}

TEST_CASE("a promise to poll is kept or taken back before the server sleeps for another reason") {
  holds_thoroughly<promise_while_waiting<protocol>>("promise while waiting");
}

TEST_CASE("a send that is given up was either taken or not, and both sides agree") {
  for (const bool asker_polls : {false, true})
    holds<giving_up_a_send<protocol>>("send or withdraw", halves, asker_polls);
}

TEST_CASE("a request that is given up was either answered or not, and both sides agree") {
  for (const bool asker_polls : {false, true})
    for (const bool server_polls : {false, true})
      if (thorough || asker_polls == server_polls)
        holds<giving_up_requests<protocol>>("answer or cancel", thorough ? halves : whole,
                                            giving_up_requests<protocol>::options{1, asker_polls, server_polls});
}

TEST_CASE("a late answer is refused, whatever its asker has asked and given up since") {
  holds_thoroughly<giving_up_requests<protocol>>("two given up",
                                                 giving_up_requests<protocol>::options{2, false, false});
}

TEST_CASE("a second answer to one request is refused and does not disturb the first") {
  holds<giving_up_requests<protocol>>("two answers", thorough ? halves : whole,
                                      giving_up_requests<protocol>::options{1, false, false, 2});
}

TEST_CASE("who sends to, asks or listens to a partner that leaves gets one outcome, the one that happened") {
  using doing = server_leaves<protocol>::doing;
  for (const auto what : {doing::send, doing::request, doing::listen})
    for (const bool polls : {false, true})
      for (const bool looks_first : {false, true})
        holds<server_leaves<protocol>>("a server leaves", halves, what, polls, looks_first);
}

TEST_CASE("an answer to a listener that gives up arrives or is refused, and both sides agree") {
  holds<listening<protocol>>("listening", halves);
}

TEST_CASE("no ring is lost, whether bells are shared, neighbours or far apart") {
  for (const std::uint32_t other : {0U, 1U, 64U}) holds<ringing<protocol>>("rings", whole, 0U, other);
}

TEST_CASE("two senders of one server are both received, also when they share a bell") {
  holds_thoroughly<two_senders<protocol>>("two senders of one bell", 0U);
  holds_thoroughly<two_senders<protocol>>("two senders of two bells", 64U);
}

TEST_CASE("a relayed request is asked once more, and its relayer learns of it") {
  holds_thoroughly<relaying<protocol>>("relay");
}

TEST_CASE("the search finds a torn or withdrawn request that is taken without a second read") {
  using mutant = mutants::no_second_read;
  breaks<giving_up_requests<mutant>>(one_piece, sequential, giving_up_requests<mutant>::options{1, false, false});
}

TEST_CASE("the search finds a torn message when the state is written before the payload") {
  using mutant = mutants::state_before_payload;
  breaks<asking<mutant>>(one_piece, sequential, asking<mutant>::options{2, false, true});
}

TEST_CASE("the search finds a lost wake-up when a post looks for the server's attention too early") {
  using mutant = mutants::answer_read_before_posting;
  breaks<asking<mutant>>(lost, sequential, asking<mutant>::options{2, false, true});
}

TEST_CASE("the search finds a lost wake-up when an answer looks for the asker's attention too early") {
  using mutant = mutants::attention_read_before_answering;
  breaks<asking<mutant>>(lost, sequential, asking<mutant>::options{1, true, false});
}

TEST_CASE("the search finds that a send is both withdrawn and taken, or the next one is lost, by a plain store") {
  breaks<giving_up_a_send<mutants::taking_by_store>>(lost, sequential, false);
  breaks<giving_up_a_send<mutants::withdrawing_by_store>>("once", sequential, false);
}

TEST_CASE("the search finds a request that is both answered and given up when answering is a plain store") {
  using mutant = mutants::answering_by_store;
  breaks<giving_up_requests<mutant>>("if, and only if", sequential,
                                     giving_up_requests<mutant>::options{1, false, false});
}

TEST_CASE("the search finds a torn answer when a second one is written before looking") {
  using mutant = mutants::writing_before_looking;
  breaks<giving_up_requests<mutant>>(one_piece, sequential, giving_up_requests<mutant>::options{1, false, false, 2});
}

TEST_CASE("the search finds a late answer that replaces a later cancellation") {
  using mutant = mutants::answering_whatever_is_open;
  breaks<giving_up_requests<mutant>>("if, and only if", sequential,
                                     giving_up_requests<mutant>::options{2, false, false});
}

TEST_CASE("the search finds a lost wake-up when a promise is taken back without another look") {
  using mutant = mutants::retracting_without_looking;
  breaks<asking<mutant>>(lost, sequential, asking<mutant>::options{2, false, true});
}

TEST_CASE("the search finds a lost wake-up when an asker stops polling and sleeps without another look") {
  using mutant = mutants::sleeping_without_looking;
  breaks<asking<mutant>>(lost, sequential, asking<mutant>::options{1, true, false});
}

TEST_CASE("the search finds a lost wake-up when a message that replaced a withdrawn one is left for later") {
  using mutant = mutants::walking_once;
  breaks<giving_up_a_send<mutant>>(lost, sequential, false);
}

TEST_CASE("the search finds an asker that waits for a server that is gone") {
  using mutant = mutants::not_asking_for_the_server;
  breaks<server_leaves<mutant>>(lost, sequential, server_leaves<mutant>::doing::send, false, false);
}

TEST_CASE("the search finds a lost ring in each wrong order of ringing, collecting and falling asleep") {
  using enum mutants::bell_mistake;
  holds<ringing<mutants::with_bells<none>>>("the copied doorbell", whole, 0U, 1U);
  breaks<ringing<mutants::with_bells<sleeping_without_looking>>>(lost, sequential, 0U, 1U);
  breaks<ringing<mutants::with_bells<summary_before_bell>>>(lost, sequential, 0U, 1U);
  breaks<ringing<mutants::with_bells<sleeper_before_bell>>>(lost, sequential, 0U, 1U);
  breaks<ringing<mutants::with_bells<bells_before_summary>>>(lost, sequential, 0U, 1U);
}

TEST_CASE("the search finds a lost wake-up in a store buffer") {
  using asleep = mutants::with_bells<mutants::bell_mistake::sleeping_by_release>;
  REQUIRE(explore<ringing<asleep>>("  mutant", sequential, whole, 0U, 1U).failure == "");
  breaks<ringing<asleep>>(lost, store_buffers, 0U, 1U);
  using hurried = mutants::post_without_fence;
  REQUIRE(explore<asking<hurried>>("  mutant", sequential, whole, asking<hurried>::options{2, false, true}).failure ==
          "");
  breaks<asking<hurried>>(lost, store_buffers, asking<hurried>::options{2, false, true});
  if (!thorough) return;
  REQUIRE(explore<relaying<mutants::redirected_by_release>>("  mutant", sequential, whole).failure == "");
  breaks<relaying<mutants::redirected_by_release>>(lost, store_buffers);
}
