// SPDX-License-Identifier: MIT
/// @file
/// What the processes of a duel (dvk_duel.hpp) are like and do most.
#ifndef DVS_TESTS_UNIT_DVK_PROFILE_HPP
#define DVS_TESTS_UNIT_DVK_PROFILE_HPP

#include <dvs/dvk/types.h>

#include <array>
#include <cstdint>
#include <limits>

namespace dvk_model {

/// Endpoints that nobody has.
inline constexpr std::array<dvk_endpoint, 13> strange_endpoints{DVK_ANY,
                                                                DVK_NONE,
                                                                DVK_SELF,
                                                                DVK_USERS,
                                                                DVK_HARDWARE,
                                                                DVK_CLOCK,
                                                                -37,
                                                                -1024,
                                                                -1025,
                                                                1000,
                                                                std::numeric_limits<int>::min(),
                                                                std::numeric_limits<int>::max(),
                                                                std::numeric_limits<int>::max() - 1024};

inline constexpr std::array<std::uint64_t, 8> some_sizes{
    0, 1, 7, 100, 4096, UINT64_C(1) << 32, ~UINT64_C(0) - 1, ~UINT64_C(0)};

/// The state and the call of a process, by what the model says it is doing.
inline constexpr std::array<std::uint32_t, 8> state_of{0,
                                                       DVK_STATE_sending,
                                                       DVK_STATE_sending | DVK_STATE_receiving,
                                                       DVK_STATE_receiving,
                                                       DVK_STATE_receiving,
                                                       DVK_STATE_receiving,
                                                       DVK_STATE_wait_bind,
                                                       DVK_STATE_wait_unbind};
inline constexpr std::array<std::uint32_t, 8> call_of{0,
                                                      DVK_CALL_send,
                                                      DVK_CALL_sendrec,
                                                      DVK_CALL_sendrec,
                                                      DVK_CALL_receive,
                                                      DVK_CALL_receive_request,
                                                      DVK_CALL_wait_bind,
                                                      DVK_CALL_wait_bind};

/// What kind of life the processes lead.
struct profile {
  int servers = 4;            // system processes at slots 0 and up
  int users = 6;              // user slots
  int grants = 6;             // entries
  int churn = 4;              // share of bind and unbind
  int talk = 20;              // share of rendezvous
  int copying = 6;            // share of grants and copies
  int moves = 6;              // share of migration
  bool users_talk = true;     // user processes are often given every call
  bool lazy_driver = false;   // completions are left for later steps
  bool denied_peers = false;  // privileges between peers are changed often
};

/// A profile made of choices.
template <class Choices>
profile some_profile(Choices& choices) {
  profile p;
  p.servers = 1 + static_cast<int>(choices(6));
  p.users = static_cast<int>(choices(9));
  p.grants = static_cast<int>(choices(24));
  p.churn = 1 + static_cast<int>(choices(2) == 0 ? choices(4) : choices(40));
  p.talk = 10 + static_cast<int>(choices(60));
  p.copying = static_cast<int>(choices(12));
  p.moves = choices(2) == 0 ? 0 : static_cast<int>(choices(16));
  p.users_talk = choices(4) != 0;
  p.lazy_driver = choices(4) == 0;
  p.denied_peers = choices(3) == 0;
  return p;
}

}  // namespace dvk_model

#endif
