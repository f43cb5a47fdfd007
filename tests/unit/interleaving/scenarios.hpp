// SPDX-License-Identifier: MIT
/// @file
/// What two parties do to each other over one link, and what must hold however they are interleaved.
#ifndef TESTS_UNIT_INTERLEAVING_SCENARIOS_HPP
#define TESTS_UNIT_INTERLEAVING_SCENARIOS_HPP

#include "parties.hpp"

namespace interleaving {

inline void require(bool holds, const char* law) { machine::here().require(holds, law); }

/// The number of the answer to request `number`.
constexpr std::uint32_t answer_to(std::uint32_t number) { return number + 0x30; }

/// Packs small numbers into one.
template <class T, std::size_t Count>
std::uint64_t all_of(const T (&numbers)[Count]) {
  std::uint64_t all = 0;
  for (const T number : numbers) all = all << 4 | number;
  return all;
}

/// One asks a number of times, the other receives and replies.
template <class P>
struct asking final : scenario {
  struct options {
    std::uint32_t rounds;
    bool asker_polls;    ///< posts are attended
    bool server_polls;   ///< answers are promises
    bool sends = false;  ///< sends instead of requests
  };
  explicit asking(options o) : how(o) {}
  [[nodiscard]] std::uint32_t parties() const override { return 2; }
  void run(std::uint32_t who) override { who == 0 ? ask() : serve(); }
  void ask() {
    for (std::uint32_t i = 1; i <= how.rounds; ++i) {
      asker.keep_only({}, 100, i);
      message answer{};
      const auto came = how.sends ? asker.send(on, i, how.asker_polls) : asker.sendrec(on, i, answer, how.asker_polls);
      require(came == ending::ok, "an operation on a partner that lives succeeds");
      require(how.sends || is_numbered(answer, answer_to(i)), "the answer is the one to this request, in one piece");
    }
  }
  void serve() {
    for (std::uint32_t i = 1; i <= how.rounds; ++i) {
      server.keep_only({}, 100, i);
      typename party<P>::received in;
      server.receive(in);
      require(is_numbered(in.content, i), "each message is received once, in order, in one piece");
      if (!how.sends)
        require(server.answer(on, in.exchange, answer_to(i), how.server_polls),
                "who waits for an answer can be answered");
    }
  }
  void check() override {}

  const options how;
  party<P> asker, server;
  link_between<P> on{asker, server};
};

/// Sends that may be given up, against their being taken.
template <class P>
struct giving_up_a_send final : scenario {
  static constexpr std::uint32_t last = 3;
  explicit giving_up_a_send(bool polls) : attended(polls) {}
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who == 0) {
      for (std::uint32_t i = 1; i < last; ++i) {
        sent[i] = asker.send(on, i, attended, i == 1 ? &deadline : nullptr) == ending::ok;
        asker.keep_only({}, 100, all_of(sent) << 8 | i);
      }
    } else if (who == 1) {
      for (std::uint32_t number = 0; number + 1 < last;) {
        typename party<P>::received in;
        server.receive(in);
        number = static_cast<std::uint32_t>(in.content.type);
        require(number > 0 && number < last && is_numbered(in.content, number), "a message comes in one piece");
        ++received[number];
        server.keep_only({}, 100, all_of(received) << 8 | number);
      }
    } else {
      deadline.store(true);
    }
  }
  void check() override {
    for (std::uint32_t i = 1; i < last; ++i)
      require(received[i] == (sent[i] ? 1U : 0U), "a message is received once if its send succeeded, else never");
  }

  const bool attended;
  party<P> asker, server;
  link_between<P> on{asker, server};
  deadline_word deadline;
  bool sent[last] = {};
  std::uint32_t received[last] = {};
};

/// Requests that are given up one after the other, against late answers.
template <class P>
struct giving_up_requests final : scenario {
  struct options {
    std::uint32_t impatient;  ///< how many requests may be given up before the last one, which is not
    bool asker_polls, server_polls;
    std::uint32_t answers = 1;  ///< how often the server tries to answer each
  };
  explicit giving_up_requests(options o) : how(o), last(o.impatient + 1) {}
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who == 0) {
      for (std::uint32_t i = 1; i <= last; ++i) {
        message answer{};
        const auto came = asker.sendrec(on, i, answer, how.asker_polls, i < last ? &deadline : nullptr);
        got[i] = came == ending::ok;
        require(!got[i] || is_numbered(answer, answer_to(i)), "the answer is the one to this request, in one piece");
        asker.keep_only({}, 100, all_of(got) << 8 | i);
      }
    } else if (who == 1) {
      for (std::uint32_t number = 0; number < last;) {
        typename party<P>::received in;
        server.receive(in);
        const auto now = static_cast<std::uint32_t>(in.content.type);
        require(now > number && now <= last && is_numbered(in.content, now), "a request comes once, in one piece");
        number = now;
        for (std::uint32_t i = 0; i < how.answers; ++i) {
          server.keep_only({}, 100, all_of(answered) << 16 | number << 8 | i);
          if (server.answer(on, in.exchange, answer_to(number) + 0x40 * i, how.server_polls)) ++answered[number];
        }
        server.keep_only({}, 101, all_of(answered) << 8 | number);
      }
    } else {
      deadline.store(true);
    }
  }
  void check() override {
    for (std::uint32_t i = 1; i <= last; ++i)
      require(answered[i] == (got[i] ? 1U : 0U),
              "the server answered a request if, and only if, the asker has the answer");
    require(got[last], "a request that is not given up is answered");
  }

  const options how;
  const std::uint32_t last;
  party<P> asker, server;
  link_between<P> on{asker, server};
  deadline_word deadline;
  bool got[4] = {};
  std::uint32_t answered[4] = {};
};

/// The server leaves while the asker asks, sends or listens.
template <class P>
struct server_leaves final : scenario {
  enum class doing { send, request, listen };
  server_leaves(doing what, bool polls, bool looks_first) : asker_does(what), attended(polls), looks(looks_first) {}
  [[nodiscard]] std::uint32_t parties() const override { return 2; }
  void run(std::uint32_t who) override {
    if (who == 0) {
      message answer{};
      outcome = asker_does == doing::send      ? asker.send(on, 1, attended)
                : asker_does == doing::request ? asker.sendrec(on, 1, answer, attended)
                                               : asker.listen(on, answer, nullptr);
    } else {
      if (looks) {
        typename party<P>::received in;
        server.poll_bells();
        taken = server.take_pending(in);
        require(!taken || is_numbered(in.content, 1), "a message comes in one piece");
      }
      server.die(on);
    }
  }
  void check() override {
    using enum ending;
    if (asker_does == doing::send)
      require(outcome == (taken ? ok : destination_died),
              "a send succeeded if it was taken; else its destination died");
    else if (asker_does == doing::request)
      require(outcome == (taken ? source_died : destination_died), "a request dies with who took it, or before it is");
    else
      require(outcome == source_died, "who listens to somebody learns of his end");
  }

  const doing asker_does;
  const bool attended, looks;
  party<P> asker, server;
  link_between<P> on{asker, server};
  bool taken = false;
  ending outcome{};
};

/// One listens to a partner, up to a deadline; the partner answers without having been asked.
template <class P>
struct listening final : scenario {
  static constexpr std::uint32_t rounds = 2;
  [[nodiscard]] std::uint32_t parties() const override { return 3; }
  void run(std::uint32_t who) override {
    if (who == 0) {
      for (std::uint32_t i = 0; i < rounds; ++i) {
        message answer{};
        if (asker.listen(on, answer, &deadline) == ending::ok) {
          const auto number = static_cast<std::uint32_t>(answer.type);
          require(number >= 1 && number <= rounds && is_numbered(answer, number), "an answer comes in one piece");
          ++received[number];
        }
        asker.keep_only({}, 100, all_of(received) << 8 | i);
      }
    } else if (who == 1) {
      for (std::uint32_t i = 1; i <= rounds; ++i) {
        delivered[i] = server.answer(on, 0, i, false);
        server.keep_only({}, 100, all_of(delivered) << 8 | i);
      }
    } else {
      deadline.store(true);
    }
  }
  void check() override {
    for (std::uint32_t i = 1; i <= rounds; ++i)
      require(received[i] == (delivered[i] ? 1U : 0U), "an answer is received once if it was delivered, else never");
  }

  party<P> asker, server;
  link_between<P> on{asker, server};
  deadline_word deadline;
  bool delivered[rounds + 1] = {};
  std::uint32_t received[rounds + 1] = {};
};

}  // namespace interleaving

#endif
