// SPDX-License-Identifier: MIT
/// @file
/// The board of a process: what other processes of the host have to know, and may write, to wake its carriers.
///
/// It has a *place* for each carrier, in two memory files. One is written by its process alone and read by others:
/// whether the carrier sleeps, and on which processor it was seen. The other may be written by anybody who was given
/// it: the *hints*, a bit for some of the links that have news, and the word that the carrier sleeps on. What is
/// scribbled there costs the carrier looks at its links, and no news: before it sleeps it looks at all of them.
#ifndef DVS_BACKENDS_USERSPACE_BOARD_HPP
#define DVS_BACKENDS_USERSPACE_BOARD_HPP

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <dvs/backends/userspace/doorbell_futex.hpp>
#include <dvs/backends/userspace/shared_memory.hpp>
#include <memory>
#include <mutex>

namespace dvs::userspace {

/// How many carriers of a process others can reach by its board.
inline constexpr std::uint32_t board_places = 64;

/// How a carrier is to be woken.
enum class sleep_kind : std::uint32_t {
  awake,
  on_hints,      ///< by its hints
  in_a_reactor,  ///< through the daemon
};

/// What a carrier tells others.
struct alignas(64) board_state {
  std::atomic<std::uint32_t> sleeps{0};
  std::atomic<std::uint32_t> cpu{~std::uint32_t{0}};
};
/// What others tell a carrier.
struct alignas(64) board_hints {
  std::atomic<std::uint32_t> word{0};
};
struct board_states {
  std::array<board_state, board_places> of;
};
struct board_hint_words {
  std::array<board_hints, board_places> of;
};

/// The hint that a carrier of the process itself gives.
inline constexpr std::uint32_t hint_from_inside = std::uint32_t{1} << 31;
/// The hint of what one process has for another.
[[nodiscard]] constexpr std::uint32_t hint_between(std::int32_t from, std::int32_t to) {
  const auto mixed = (static_cast<std::uint32_t>(from) * 31 + static_cast<std::uint32_t>(to)) * 0x9E37'79B1U;
  return std::uint32_t{1} << (mixed >> 16) % 31;
}

/// The board of this process. Any thread.
class board {
 public:
  /// The one of the process, made when it is first wanted; a process that was forked gets another one.
  [[nodiscard]] static board& of_this_process() {
    static std::mutex lock;
    static board* made = nullptr;  // never unmapped: carriers may end after it would have been
    const std::lock_guard guard(lock);
    if (made == nullptr || made->process_ != ::getpid()) made = new board;
    return *made;
  }

  /// A place for a carrier, or none.
  [[nodiscard]] std::optional<std::uint32_t> take_place() {
    const std::lock_guard guard(lock_);
    if (taken_ == ~std::uint64_t{0}) return {};
    const auto place = static_cast<std::uint32_t>(std::countr_one(taken_));
    taken_ |= std::uint64_t{1} << place;
    return place;
  }
  void give_back(std::uint32_t place) {
    const std::lock_guard guard(lock_);
    taken_ &= ~(std::uint64_t{1} << place);
  }

  [[nodiscard]] board_state& state(std::uint32_t place) const { return states_.as<board_states>().of[place]; }
  [[nodiscard]] board_hints& hints(std::uint32_t place) const { return hints_.as<board_hint_words>().of[place]; }
  [[nodiscard]] const owned_descriptor& states_file() const { return states_file_; }
  [[nodiscard]] const owned_descriptor& hints_file() const { return hints_file_; }

 private:
  board()
      : states_file_(make_memory_file("dvs board", sizeof(board_states))),
        hints_file_(make_memory_file("dvs hints", sizeof(board_hint_words))),
        states_(states_file_, sizeof(board_states), sharing::write),
        hints_(hints_file_, sizeof(board_hint_words), sharing::write) {
    static_assert(board_places == 64, "a bit of taken_ for each");
    if (!seal_memory_file(states_file_, sharing::look) || !seal_memory_file(hints_file_, sharing::write))
      throw std::system_error(errno, std::system_category(), "memory to share");
  }

  const pid_t process_ = ::getpid();
  const owned_descriptor states_file_, hints_file_;
  const shared_memory states_, hints_;
  std::mutex lock_;
  std::uint64_t taken_ = 0;
};

/// The board of another process. Any thread.
class board_view {
 public:
  /// Throws `std::system_error`.
  board_view(const owned_descriptor& states_file, const owned_descriptor& hints_file)
      : states_(states_file, sizeof(board_states), sharing::look),
        hints_(hints_file, sizeof(board_hint_words), sharing::write) {}

  /// Rings the carrier at `place`. False: it can only be woken through the daemon.
  [[nodiscard]] bool ring(std::uint32_t place, std::uint32_t hint) const {
    std::atomic<std::uint32_t>& word = hints_.as<board_hint_words>().of[place].word;
    word.fetch_or(hint, std::memory_order_seq_cst);
    switch (sleep_kind{states_.as<board_states>().of[place].sleeps.load(std::memory_order_seq_cst)}) {
      case sleep_kind::on_hints:
        futex_wake_shared(word);
        return true;
      case sleep_kind::in_a_reactor:
        return false;
      default:
        return true;
    }
  }
  /// The processor on which the carrier was last seen.
  [[nodiscard]] const std::atomic<std::uint32_t>& cpu(std::uint32_t place) const {
    return states_.as<board_states>().of[place].cpu;
  }

 private:
  const shared_memory states_, hints_;
};

}  // namespace dvs::userspace

#endif
