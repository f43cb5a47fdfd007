// SPDX-License-Identifier: MIT
/// @file
/// A network that only this program sees.
#ifndef DVS_TESTS_CLUSTER_OWN_NETWORK_HPP
#define DVS_TESTS_CLUSTER_OWN_NETWORK_HPP

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

/// Moves the program into a network namespace of its own, where it may do everything. Make it before any thread. Where
/// that is not permitted the program ends with the status that means "skipped", and says why.
class own_network {
 public:
  static constexpr int skipped = 77;

  own_network() {
    const uid_t user = ::geteuid();
    const int wanted = user == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    if (::unshare(wanted) != 0) give_up("a network namespace is not permitted here");
    if (user != 0) {
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    }
    run("ip link set lo up");
  }

  /// Two Ethernet interfaces joined by a cable.
  void add_cable(const std::string& one, const std::string& other, int mtu) {
    const std::string size = " mtu " + std::to_string(mtu);
    run("ip link add " + one + size + " type veth peer name " + other + size);
    run("ip link set " + one + " up");
    run("ip link set " + other + " up");
  }

 private:
  static void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) give_up(command + " fails");
  }
  [[noreturn]] static void give_up(const std::string& why) {
    std::cerr << "skipped: " << why << std::endl;
    std::_Exit(skipped);
  }
};

#endif
