// SPDX-License-Identifier: MIT
/// @file
/// What the processes of a duel (dvk_duel.hpp) are like and do most.
#ifndef DVS_TESTS_UNIT_DVK_PROFILE_HPP
#define DVS_TESTS_UNIT_DVK_PROFILE_HPP

namespace dvk_model {

/// What kind of life the processes lead.
struct profile {
  int servers = 4;            // system processes at slots 0 and up
  int users = 6;              // user slots
  int grants = 6;             // entries
  int churn = 4;              // share of bind and unbind
  int talk = 20;              // share of rendezvous
  int copying = 6;            // share of grants and copies
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
  p.users_talk = choices(4) != 0;
  p.lazy_driver = choices(4) == 0;
  p.denied_peers = choices(3) == 0;
  return p;
}

}  // namespace dvk_model

#endif
