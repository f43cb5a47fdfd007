// SPDX-License-Identifier: MIT
/// @file
/// The protocol with one mistake each: what the machine must be able to find.
#ifndef TESTS_UNIT_INTERLEAVING_MUTANTS_HPP
#define TESTS_UNIT_INTERLEAVING_MUTANTS_HPP

#include "crowds.hpp"

namespace interleaving::mutants {

using lines = protocol::channel;

// ---- Mistakes in the channel ----

struct no_second_read : protocol {
  struct channel : lines {
    bool take(slot_state seen, message& into, bool& ring) {
      if (seen.kind() != slot_kind::request) return lines::take(seen, into, ring);
      ring = false;
      this->post.read(into);
      return true;
    }
  };
};

struct answer_read_before_posting : protocol {
  struct channel : lines {
    bool put(slot_kind kind, std::uint32_t sequence, const message* m, bool attended) {
      const bool ring = !slot_state(this->answer.state.load()).attended();
      lines::put(kind, sequence, m, attended);
      return ring;
    }
  };
};

struct post_without_fence : protocol {
  struct channel : lines {
    bool put(slot_kind kind, std::uint32_t sequence, const message* m, bool attended) {
      if (m != nullptr) this->post.write(*m);
      this->post.state.store(slot_state(kind, sequence, attended).word(), std::memory_order_release);
      return !slot_state(this->answer.state.load()).attended();
    }
  };
};

struct state_before_payload : protocol {
  struct channel : lines {
    bool put(slot_kind kind, std::uint32_t sequence, const message* m, bool attended) {
      this->post.state.exchange(slot_state(kind, sequence, attended).word());
      if (m != nullptr) this->post.write(*m);
      return !slot_state(this->answer.state.load()).attended();
    }
  };
};

struct taking_by_store : protocol {
  struct channel : lines {
    bool take(slot_state seen, message& into, bool& ring) {
      this->post.read(into);
      const slot_state now(this->post.state.load());
      ring = !now.attended();
      if (!now.same_content(seen)) return false;
      if (seen.kind() == slot_kind::send) this->post.state.store(slot_state(slot_kind::taken, seen.sequence()).word());
      return true;
    }
  };
};

struct withdrawing_by_store : protocol {
  struct channel : lines {
    bool withdraw_send(std::uint32_t sequence) {
      if (slot_state(this->post.state.load()).kind() != slot_kind::send) return false;
      this->post.state.store(slot_state(slot_kind::withdrawn, sequence).word());
      return true;
    }
  };
};

/// What `put_answer` could do, with the parts that a mutant leaves out.
template <bool ByStore, bool LooksAtAnswerFirst, bool LooksAtPost>
struct careless_answers : lines {
  answer_outcome put_answer(std::uint32_t sequence, slot_kind kind, const message& m, bool attend) {
    std::uint32_t now = this->answer.state.load();
    if (LooksAtAnswerFirst && slot_state(now).sequence() == sequence) return answer_outcome::refused;
    if (LooksAtPost && slot_state(this->post.state.load()).sequence() != sequence) return answer_outcome::refused;
    this->answer.write(m);
    if (!LooksAtAnswerFirst || !LooksAtPost) now = this->answer.state.load();
    const slot_state before(now);
    const std::uint32_t wanted = slot_state(kind, sequence, attend).word();
    if (before.sequence() == sequence) return answer_outcome::refused;
    if (ByStore) {
      this->answer.state.store(wanted);
    } else {
      while (!this->answer.state.compare_exchange_weak(now, wanted))
        if (LooksAtPost ? !slot_state(now).same_content(before) : slot_state(now).sequence() == sequence)
          return answer_outcome::refused;
    }
    const bool attended = slot_state(this->post.state.load()).attended();
    return attended ? answer_outcome::delivered : answer_outcome::delivered_ring;
  }
};
struct answering_by_store : protocol {
  using channel = careless_answers<true, true, true>;
};
struct writing_before_looking : protocol {
  using channel = careless_answers<false, false, true>;
};
struct answering_whatever_is_open : protocol {
  using channel = careless_answers<false, true, false>;
};

struct attention_read_before_answering : protocol {
  struct channel : lines {
    answer_outcome put_answer(std::uint32_t sequence, slot_kind kind, const message& m, bool attend) {
      const bool attended = slot_state(this->post.state.load()).attended();
      if (lines::put_answer(sequence, kind, m, attend) == answer_outcome::refused) return answer_outcome::refused;
      return attended ? answer_outcome::delivered : answer_outcome::delivered_ring;
    }
  };
};

// ---- Mistakes around it ----

struct retracting_without_looking : protocol {
  static constexpr bool looks_after_retracting = false;
};
struct sleeping_without_looking : protocol {
  static constexpr bool looks_after_stopping_to_attend = false;
};
struct walking_once : protocol {
  static constexpr bool walks_again_when_too_late = false;
};
struct not_asking_for_the_server : protocol {
  static constexpr bool asks_whether_server_is_gone = false;
};
struct redirected_by_release : protocol {
  static constexpr std::memory_order redirect_done_order = std::memory_order_release;
};

// ---- Mistakes in the doorbell ----

enum class bell_mistake {
  none,
  sleeping_without_looking,
  summary_before_bell,
  sleeper_before_bell,
  bells_before_summary,
  sleeping_by_release
};

/// A copy of `doorbell_bits`, of one word of bells, with a mistake.
template <bell_mistake Mistake>
class mistaken_bells {
 public:
  bool ring(std::uint32_t bell) {
    const std::uint64_t bit = std::uint64_t{1} << bell;
    const bool early = Mistake == bell_mistake::sleeper_before_bell && asleep_.load() != 0;
    if (Mistake == bell_mistake::summary_before_bell) ring_summary();
    if ((word_.load() & bit) == 0) word_.fetch_or(bit);
    if (Mistake != bell_mistake::summary_before_bell) ring_summary();
    if (Mistake == bell_mistake::sleeper_before_bell) return early && asleep_.exchange(0) != 0;
    return asleep_.load() != 0 && asleep_.exchange(0) != 0;
  }
  [[nodiscard]] bool rung() const { return summary_.load(std::memory_order_acquire) != 0; }
  template <class Visitor>
  void collect(Visitor&& visit) {
    std::uint64_t bits = 0;
    if (Mistake == bell_mistake::bells_before_summary) {
      bits = word_.exchange(0);
      summary_.exchange(0);
    } else if (summary_.exchange(0) != 0) {
      bits = word_.exchange(0);
    }
    for (; bits != 0; bits &= bits - 1) visit(static_cast<std::uint32_t>(std::countr_zero(bits)));
  }
  bool prepare_sleep() {
    asleep_.store(1,
                  Mistake == bell_mistake::sleeping_by_release ? std::memory_order_release : std::memory_order_seq_cst);
    if (Mistake == bell_mistake::sleeping_without_looking || summary_.load() == 0) return true;
    asleep_.store(0);
    return false;
  }
  void awake() { asleep_.store(0); }
  [[nodiscard]] checked_atomic<std::uint32_t>* sleep_word() { return &asleep_; }

 private:
  void ring_summary() {
    if ((summary_.load() & 1) == 0) summary_.fetch_or(1);
  }
  checked_atomic<std::uint64_t> summary_;
  checked_atomic<std::uint32_t> asleep_;
  checked_atomic<std::uint64_t> word_;
};

template <bell_mistake Mistake>
struct with_bells : protocol {
  using doorbell = mistaken_bells<Mistake>;
};

}  // namespace interleaving::mutants

#endif
