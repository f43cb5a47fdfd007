// SPDX-License-Identifier: MIT
/// @file
/// A sealed link between two gates of one process, by proxies.
#ifndef DVS_TESTS_CLUSTER_PROXY_WIRE_HPP
#define DVS_TESTS_CLUSTER_PROXY_WIRE_HPP

#include <dvs/proxies/link_settings.hpp>
#include <optional>

/// As `plain_wire`; the link is up when it is made. `Kind` has the type of the proxy, a place for each of the two to
/// receive at, and tells where it is reached.
template <class Kind, class Gateway, class Other = Gateway>
class proxy_wire {
 public:
  proxy_wire(Gateway& left, Other& right) : left_(left), right_(right) {
    dvs::proxies::link_settings how = Kind::settings();
    how.key.emplace();
    how.key->fill(7);
    right_.run([&] { proxies_[1].emplace(right_, how, Kind::place(1)); });
    left_.run([&] {
      proxies_[0].emplace(left_, how, Kind::place(0));
      proxies_[0]->expect(right_.self(), Kind::where(*proxies_[1]));
    });
    while (!knows(left_, right_) || !knows(right_, left_)) continue;
  }
  proxy_wire(const proxy_wire&) = delete;
  proxy_wire& operator=(const proxy_wire&) = delete;
  ~proxy_wire() {
    left_.run([&] { proxies_[0].reset(); });
    right_.run([&] { proxies_[1].reset(); });
  }

 private:
  template <class One, class Another>
  static bool knows(One& one, Another& other) {
    bool known = false;
    one.run([&] { known = one.knows(other.self()); });
    return known;
  }

  Gateway& left_;
  Other& right_;
  std::optional<typename Kind::proxy> proxies_[2];
};

#endif
